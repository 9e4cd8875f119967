// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// sequence is what stands behind a literal (and may stand before it): runs of
// sets of characters and further literals, in a fixed order. It is what most
// published rules of vendors come down to, and costs no regular expression.
//
// Every part takes as much as it can, without going back. The generator of the
// rules refuses what cannot be matched that way.
type sequence struct {
	lead  []part // before the literal, in the order of the text
	parts []part // behind it
	// keepLead and keepTail are how many elements (of lead, the literal, and
	// parts) at the start and at the end are matched but stay readable.
	keepLead, keepTail int
	strict             bool    // a literal that may be a word: no other word is glued to it
	bare               bool    // the literal is letters alone, as they stand in base64
	mixed              bool    // more than words: a digit, or letters of both cases
	entropy            float32 // more bits a byte than this
}

// part is one element of a sequence: a fixed text, or a run of a set.
type part struct {
	text string // a fixed text, where it is not empty
	fold bool   // text is lower case and matches any case
	set  *byteSet
	min  int
	max  int // 0 is no limit: up to the end of the run
}

// maxLead bounds a run before the literal.
const maxLead = 64

// byteSet is a set of bytes.
type byteSet [4]uint64

func (b *byteSet) has(c byte) bool { return b[c>>6]>>(c&63)&1 != 0 }

var charSets = map[string]*byteSet{}

// chars is the set that spec names, in the notation of a bracket expression
// without its brackets: "0-9A-Z_a-z". A '-' that means itself stands first.
// Equal specs are one set, so that the memory of runs serves all their rules.
func chars(spec string) *byteSet {
	if b := charSets[spec]; b != nil {
		return b
	}
	b := new(byteSet)
	for i := 0; i < len(spec); i++ {
		lo, hi := spec[i], spec[i]
		if i+2 < len(spec) && spec[i+1] == '-' {
			hi = spec[i+2]
			i += 2
		}
		for c := int(lo); c <= int(hi); c++ {
			b[c>>6] |= 1 << (c & 63)
		}
	}
	charSets[spec] = b
	return b
}

// before is where p starts if it ends at i, or negative if it does not stand
// there.
func (p *part) before(v string, i int) int {
	if p.text != "" {
		start := i - len(p.text)
		if start < 0 || !p.stands(v[start:i]) {
			return -1
		}
		return start
	}
	limit := p.max
	if limit == 0 {
		limit = maxLead
	}
	start := i
	for start > 0 && i-start < limit && p.set.has(v[start-1]) {
		start--
	}
	if i-start < p.min {
		return -1
	}
	return start
}

// begins says whether p may start with c.
func (p *part) begins(c byte) bool {
	if p.text != "" {
		return p.text[0] == c || p.fold && p.text[0] == fold(c)
	}
	return p.set.has(c)
}

func (p *part) stands(v string) bool {
	if p.fold {
		return hasFoldPrefix(v, p.text)
	}
	return strings.HasPrefix(v, p.text)
}

// behind is where p ends if it starts at i, or negative if it does not stand
// there.
func (s *Scanner) behind(p *part, v string, i int) int {
	if p.text != "" {
		if !p.stands(v[i:]) {
			return -1
		}
		return i + len(p.text)
	}
	end := i
	if p.max > 0 {
		limit := min(len(v), i+p.max)
		for end < limit && p.set.has(v[end]) {
			end++
		}
	} else {
		end = s.setEnd(v, i, p.set)
	}
	if end-i < p.min {
		return -1
	}
	return end
}

// setEnd is where the run of set that starts at i ends, with a memory: see
// runEnd.
func (s *Scanner) setEnd(v string, i int, set *byteSet) int {
	free := -1
	for k := range s.setRuns {
		r := &s.setRuns[k]
		if r.set == set {
			if r.start <= i && i <= r.end {
				return r.end
			}
			free = k
			break
		}
		if r.set == nil {
			free = k
			break
		}
	}
	end := i
	for end < len(v) && set.has(v[end]) {
		end++
	}
	if free < 0 {
		s.spend(end - i)
		return end
	}
	s.setRuns[free] = setRun{set, i, end}
	return end
}

// setRun is a run of a set that was measured.
type setRun struct {
	set        *byteSet
	start, end int
}

// enough is the entropy that a secret behind the literal needs at most. Where
// the literal is no word (ghp_, sk-ant-), what follows it in the right length is
// a token whatever it is like, and leaking is worse than masking a dummy.
func (q *sequence) enough(l *literal) float32 {
	if len(l.text) >= 4 && strings.ContainsAny(l.text, "_-.") {
		return 2
	}
	return 8
}

// sequence runs a ruleSequence at a literal that stands at v[at:].
func (s *Scanner) sequence(v string, at int, l *literal) {
	q := l.seq
	from := at
	start := at
	for k := len(q.lead) - 1; k >= 0; k-- {
		if start = q.lead[k].before(v, start); start < 0 {
			return
		}
		if k >= q.keepLead {
			from = start
		}
	}
	if !startsHere(v, start) || q.strict && start > 0 && (v[start-1] == '-' || v[start-1] == '_' || v[start-1] == '.') {
		return
	}
	i := at + len(l.text)
	if q.keepLead > len(q.lead) {
		from = i
	}
	to, last := i, len(q.parts)-1
	if q.keepTail > len(q.parts) {
		to = at
	}
	for k := range q.parts {
		begin := i
		if i = s.behind(&q.parts[k], v, i); i < 0 {
			return
		}
		if k == last {
			if i = s.closes(&q.parts[k], q.keepTail > 0, v, begin, i); i < 0 {
				return
			}
		}
		if k <= last-q.keepTail {
			to = i
		}
	}
	text := v[from:to]
	if q.bare && (from > 0 && v[from-1] == '+' || to < len(v) && v[to] == '+') {
		return // in the middle of base64
	}
	behind := at + len(l.text)
	if q.mixed && (wordlike(text) || distinct(v[min(from, at):at])+distinct(v[behind:max(to, behind)]) < 4) || !s.entropic(text, min(q.entropy, q.enough(l))) {
		return
	}
	if isExample(text) {
		return
	}
	s.add(from, to, l.kind, decodeNone)
}

// isExample says whether v is one of the values that documents show, which the
// published rules leave alone. They are kept as hashes: as they are, they look
// like secrets to other scanners.
func isExample(v string) bool {
	if len(v) != publishedExampleLen {
		return false
	}
	sum := sha256.Sum256([]byte(v))
	_, found := slices.BinarySearch(publishedExamples, binary.BigEndian.Uint64(sum[:]))
	return found
}

// closes is where the last part, found at v[begin:end], ends; negative if it
// goes on where it must not.
func (s *Scanner) closes(p *part, readable bool, v string, begin, end int) int {
	if p.text == "" && p.max == 0 {
		for end > begin && v[end-1] == '.' {
			end-- // the full stop of a sentence
			s.spend(1)
		}
		if end-begin < p.min {
			return -1
		}
		return end
	}
	if readable || p.text == "" && p.min == 0 || end == len(v) {
		return end
	}
	if in(v[end], setWord) || p.text == "" && p.set.has(v[end]) {
		return -1
	}
	return end
}

const (
	nearBefore = 64
	nearBehind = 192
)

// near looks for the parts of l around the literal, which says whose they are:
// they have no text of their own that could be looked for.
func (s *Scanner) near(v string, at, behind int, l *literal) {
	from, limit := max(0, at-nearBefore), min(len(v), behind+nearBehind)
	if s.nearTo == l {
		from = max(from, s.nearEnd) // what was looked at is not looked at again
	}
	s.nearTo, s.nearEnd = l, limit
	s.spend(max(0, limit-from))
	parts := l.seq.parts
search:
	for i := from; i < limit; i++ {
		if !parts[0].begins(v[i]) || !startsHere(v, i) {
			continue
		}
		end := i
		for k := range parts {
			if end = s.behind(&parts[k], v, end); end < 0 {
				continue search
			}
		}
		if s.closes(&parts[len(parts)-1], false, v, i, end) > 0 && s.entropic(v[i:end], l.seq.entropy) {
			s.add(i, end, l.kind, decodeNone)
			i = end
		}
	}
}

// wordlike says whether v may be words or the name of a constant: it holds no
// digit, and not letters of both cases.
func wordlike(v string) bool {
	digit, lower, upper := shapes(v[:min(len(v), 256)])
	return digit == 0 && (lower == 0 || upper == 0)
}

// maxEntropy bounds what of a value is weighed: enough to know.
const maxEntropy = 128

// weights holds n·log2(n), and what one more of n adds to it.
var weights = func() (w [maxEntropy + 1]struct{ sum, more float32 }) {
	for n := 1; n < len(w); n++ {
		w[n].sum = float32(float64(n) * math.Log2(float64(n)))
	}
	for n := 0; n < maxEntropy; n++ {
		w[n].more = w[n+1].sum - w[n].sum
	}
	return w
}()

// entropic says whether a byte of v carries more than bits bits, by Shannon,
// over v itself.
func (s *Scanner) entropic(v string, bits float32) bool {
	if bits == 0 {
		return true
	}
	v = v[:min(len(v), maxEntropy)]
	s.spend(len(v))
	// H = log2(n) - sum(c·log2(c))/n, where c of the n bytes are the same.
	var count [256]uint8
	sum := float32(0)
	for i := 0; i < len(v); i++ {
		c := &count[v[i]]
		sum += weights[*c].more
		*c++
	}
	return weights[len(v)].sum-sum > bits*float32(len(v))
}
