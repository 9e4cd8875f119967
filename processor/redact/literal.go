// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "slices"

// A matcher finds every occurrence of a set of literals in one pass.
//
// Every literal has a window of three bytes, chosen to be rare in ordinary
// text, and thereby two neighbouring pairs of bytes. One of the two lies at an
// even offset of the text, wherever the literal stands. So it is enough to
// look at the pairs at even offsets: four of them are one 64-bit load and four
// independent look-ups in a table of 64 KiB, of which ASCII text touches some
// 12 KiB. Nothing depends on the look-up before, which is what makes this
// several times faster than an automaton that goes from state to state.
//
// Only where a pair is known are the literals that own it compared, eight
// bytes at a time.
type matcher struct {
	pairs   [1 << 16]uint8 // index into buckets; 0 is no literal
	buckets [256][]candidate
	lits    []literal
}

// candidate is a literal seen from one of its pairs.
type candidate struct {
	val, mask, fold uint64 // the first eight bytes: (text|fold)&mask == val
	off             int32  // where the pair stands in the literal
	n               int32  // length of the literal
	lit             int32  // index into lits
}

// minLiteral is what a window of two neighbouring pairs needs.
const minLiteral = 3

func newMatcher(lits []literal) *matcher {
	m := &matcher{lits: lits}
	freq := pairFrequencies()
	// Short literals have the least choice: they come first, and the longer
	// ones prefer pairs that are looked for already.
	order := make([]int, len(lits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(lits[a].text) - len(lits[b].text) })
	next := 1
	for _, li := range order {
		l := &lits[li]
		if len(l.text) < minLiteral {
			panic("redact: literal too short: " + l.text)
		}
		off := m.rarestWindow(l, freq)
		for _, o := range [2]int{off, off + 1} {
			c := candidate{off: int32(o), n: int32(len(l.text)), lit: int32(li)}
			for i := 0; i < min(8, len(l.text)); i++ {
				b := l.text[i]
				c.mask |= 0xff << (8 * i)
				if l.fold && in(b, setLower) {
					c.fold |= 0x20 << (8 * i)
				}
				c.val |= uint64(b) << (8 * i)
			}
			// All spellings of a pair share a bucket. Where they belong to
			// different buckets already, or the buckets are used up, literals
			// share: a bucket is only a list of what to compare.
			var fresh uint8
			var seen [256]bool
			for _, p := range casings(l.text[o:o+2], l.fold) {
				id := m.pairs[p]
				if id == 0 {
					if fresh == 0 {
						fresh = uint8(next)
						if next++; next > 255 {
							next = 1
						}
					}
					id = fresh
					m.pairs[p] = id
				}
				if !seen[id] {
					seen[id] = true
					m.buckets[id] = append(m.buckets[id], c)
				}
			}
		}
	}
	return m
}

// rarestWindow is the offset of the three bytes of l whose pairs cost least:
// how often they stand in ordinary text, discounted where they are looked for
// anyway.
func (m *matcher) rarestWindow(l *literal, freq *[1 << 16]float32) int {
	best, bestCost := 0, float32(0)
	for o := 0; o+minLiteral <= len(l.text); o++ {
		cost := float32(0)
		for _, q := range [2]int{o, o + 1} {
			for _, p := range casings(l.text[q:q+2], l.fold) {
				if m.pairs[p] != 0 {
					cost += freq[p] * 0.4
				} else {
					cost += freq[p]
				}
			}
		}
		if o == 0 || cost < bestCost {
			best, bestCost = o, cost
		}
	}
	return best
}

// ordinaryText is what the values of audit records are like. It only serves
// to tell common pairs of bytes from rare ones; what it leaves out is
// estimated from single bytes.
const ordinaryText = `user admin attached the policy to a group after the change request was approved by the
operator; session started for service account in region eu-west-1, us-east-1, europe-north2 with mfa, expires at
2026-03-14T15:09:26.535897Z and 2025-12-31 23:59:59, status code 200 in 31 ms, outcome success failure denied error.
https://console.example.com/api/v1/projects/20451877/users?from=2025-01-01&page=12&limit=50&sort=desc&active=true
kubectl get pods --namespace production --selector app=web -o json | grep -v Running; git commit --message "fix the build"
docker run --rm -it -v /srv/data:/var/lib/data registry.example.com/team/image:1.27.3 /bin/sh -c 'exec server --port 8080'
/usr/local/bin/python3 /opt/app/scripts/report.py --output /tmp/report-1234567.csv --verbose; systemctl restart nginx.service
arn:aws:iam::210987654321:role/reader arn:aws:s3:::bucket-name/path/to/object.tar.gz ec2.amazonaws.com s3:GetObject iam:ListUsers
018f3e2a-9b7c-7d41-8a65-0c1b2d3e4f50 7c9e6679-7425-40de-944b-e07fc1f90ae7 3f8a90c1b2d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 10.20.30.40:5432 192.168.1.15 host-07.internal.example
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 application/json
{"name":"web","replicas":3,"enabled":true,"labels":{"tier":"frontend","version":"2.4.1"},"resources":["read","write","delete"]}
process.exec config.update object.create role.assume network.connect account.delete permission.granted resource.modified
select id, name, created_at from orders where status = 'open' and total > 100 order by created_at limit 20`

// pairFrequencies estimates how often pairs of bytes stand in ordinary text.
func pairFrequencies() *[1 << 16]float32 {
	freq := new([1 << 16]float32)
	var single [256]float32
	n := float32(len(ordinaryText))
	for i := 0; i < len(ordinaryText); i++ {
		single[ordinaryText[i]]++
		if i > 0 {
			freq[uint16(ordinaryText[i-1])|uint16(ordinaryText[i])<<8]++
		}
	}
	for p := range freq {
		freq[p] += 0.5*single[p&0xff]*single[p>>8]/n + 0.01
	}
	return freq
}

// casings are the byte pairs, as little-endian words, that the pair matches.
func casings(pair string, folded bool) []uint16 {
	var out []uint16
	for v := 0; v < 4; v++ {
		a, b := pair[0], pair[1]
		if v&1 != 0 {
			if !folded || !in(a, setLower) {
				continue
			}
			a -= 0x20
		}
		if v&2 != 0 {
			if !folded || !in(b, setLower) {
				continue
			}
			b -= 0x20
		}
		out = append(out, uint16(a)|uint16(b)<<8)
	}
	return out
}

// load8 is the eight bytes at v[i:], which must exist.
func load8(v string, i int) uint64 {
	b := v[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// loadTail is the up to seven bytes from i to the end of v, zero above.
func loadTail(v string, i int) uint64 {
	n := len(v)
	if n >= 8 {
		return load8(v, n-8) >> (8 * uint(8-(n-i)))
	}
	var w uint64
	for j := n - 1; j >= i; j-- {
		w = w<<8 | uint64(v[j])
	}
	return w
}

func load(v string, i int) uint64 {
	if i+8 <= len(v) {
		return load8(v, i)
	}
	return loadTail(v, i)
}

// next is the first position at or after i (which is a multiple of eight) of
// an eight-byte block that holds the pair of a literal that stands there, or
// len(v) if there is none. It is all that most values ever see.
func (m *matcher) next(v string, i int) int {
	for ; i+8 <= len(v); i += 8 {
		w := load8(v, i)
		if m.pairs[uint16(w)]|m.pairs[uint16(w>>16)]|m.pairs[uint16(w>>32)]|m.pairs[uint16(w>>48)] != 0 {
			if m.hit(v, i, w) {
				return i
			}
		}
	}
	if i < len(v) {
		w := loadTail(v, i)
		if m.pairs[uint16(w)]|m.pairs[uint16(w>>16)]|m.pairs[uint16(w>>32)]|m.pairs[uint16(w>>48)] != 0 && m.hit(v, i, w) {
			return i
		}
	}
	return len(v)
}

// hit says whether a literal stands where the block w at v[i:] has its pair.
func (m *matcher) hit(v string, i int, w uint64) bool {
	for j := i; w != 0; j, w = j+2, w>>16 {
		id := m.pairs[uint16(w)]
		if id == 0 {
			continue
		}
		bucket := m.buckets[id]
		for k := range bucket {
			if m.stands(&bucket[k], v, j) >= 0 {
				return true
			}
		}
	}
	return false
}

// stands is where the literal of c starts if its pair stands at v[at:], or
// negative if something else stands there.
func (m *matcher) stands(c *candidate, v string, at int) int {
	start := at - int(c.off)
	if start < 0 || start+int(c.n) > len(v) {
		return -1
	}
	var x uint64
	if start+8 <= len(v) {
		x = load8(v, start)
	} else {
		x = loadTail(v, start)
	}
	if (x|c.fold)&c.mask != c.val {
		return -1
	}
	if c.n > 8 && !m.lits[c.lit].matchRest(v[start+8:start+int(c.n)]) {
		return -1
	}
	return start
}

// matchRest compares what goes beyond the first eight bytes.
func (l *literal) matchRest(v string) bool {
	rest := l.text[8:]
	for i := 0; i < len(rest); i++ {
		c := v[i]
		if l.fold {
			c = fold(c)
		}
		if c != rest[i] {
			return false
		}
	}
	return true
}
