// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"sync"
)

// A matcher finds every occurrence of a set of literals in one pass.
//
// It looks at the pairs of bytes at even offsets of the text: four of them are
// one 64-bit load and four independent look-ups in one table. Nothing depends
// on the look-up before, which is what makes this several times faster than an
// automaton that goes from state to state.
//
// Every literal has two windows of four bytes, one for each parity of the
// offset that it may stand at, so that two neighbouring pairs at even offsets
// are one of them, wherever it stands. The windows are dealt out to eight
// groups. The table says of a pair in which groups it is the first half of a
// window, and in which the second; where the first halves at one pair and the
// second halves at the next have no group in common, which is nearly
// everywhere, no literal stands there. All of that is done without a branch for
// eight bytes at a time. Only then are the literals that own the pairs
// compared, eight bytes at a time, too.
type matcher struct {
	pairs   [1 << 16]uint16 // groups: of the first halves, and of the second above
	index   [1 << 16]uint16 // index into buckets; 0 is no literal
	buckets []bucket        // by pair
	lits    []literal
}

// bucket is what is looked for where a pair stands: by the first half of a
// window, or by the second where the first has a byte that may be any.
type bucket struct{ first, second []candidate }

// candidate is a literal seen from one of its pairs.
type candidate struct {
	window          quad
	val, mask, fold uint64 // the first eight bytes: (text|fold)&mask == val
	off             int32  // where the pair stands in the literal
	n               int32  // length of the literal
	lit             int32  // index into lits
}

// quad is what a window holds of a literal: (text|fold)&mask == val.
type quad struct{ val, mask, fold uint32 }

func (q *quad) is(text uint32) bool { return (text|q.fold)&q.mask == q.val }

// minLiteral is what windows need at least: at an even offset they are the
// first pair and the third byte, at an odd one the first byte and the pair
// behind it.
const minLiteral = 3

// newMatcher is a matcher for the literals that are built in and others.
func newMatcher(lits []literal) *matcher {
	m := builtinMatcher().clone()
	m.add(lits)
	return m
}

// builtinMatcher looks for the literals of every Redactor. Where their windows
// lie is found out once.
var builtinMatcher = sync.OnceValue(func() *matcher {
	m := &matcher{buckets: make([]bucket, 1, 1024)}
	m.add(builtinLiterals())
	m.addPercent()
	return m
})

// clone is a copy that further literals may be added to.
func (m *matcher) clone() *matcher {
	c := &matcher{pairs: m.pairs, index: m.index, lits: slices.Clone(m.lits)}
	c.buckets = make([]bucket, len(m.buckets))
	for i, b := range m.buckets {
		c.buckets[i] = bucket{slices.Clip(b.first), slices.Clip(b.second)}
	}
	return c
}

// add makes literals known.
func (m *matcher) add(lits []literal) {
	if len(lits) == 0 {
		return
	}
	base := len(m.lits)
	m.lits = append(m.lits, lits...)
	// Short literals have the least choice: they come first, and the longer
	// ones prefer pairs that are looked for already.
	order := make([]int, len(lits))
	for i := range order {
		order[i] = base + i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(m.lits[a].text) - len(m.lits[b].text) })
	p := newPlanner(m)
	for _, li := range order {
		l := &m.lits[li]
		if len(l.text) < minLiteral {
			panic("redact: literal too short: " + l.text)
		}
		for parity := range 2 {
			w, group := p.plan(l, parity)
			p.enter(w, group, l.candidate(li))
		}
	}
}

// candidate is the literal at lits[li], without an offset.
func (l *literal) candidate(li int) candidate {
	c := candidate{n: int32(len(l.text)), lit: int32(li)}
	for i := 0; i < min(8, len(l.text)); i++ {
		b := l.text[i]
		c.mask |= 0xff << (8 * i)
		if l.fold && in(b, setLower) {
			c.fold |= 0x20 << (8 * i)
		}
		c.val |= uint64(b) << (8 * i)
	}
	return c
}

// enter makes the window known as one of the group.
func (m *matcher) enter(w window, group int, c candidate) {
	for _, p := range w.first {
		m.pairs[p] |= 1 << group
	}
	for _, p := range w.second {
		m.pairs[p] |= 1 << (group + groups)
	}
	c.off = int32(w.off)
	start := w.off // of the window in the literal
	if w.bySecond {
		start -= 2
	}
	l := &m.lits[c.lit]
	for i := range 4 {
		if k := start + i; k >= 0 && k < len(l.text) {
			c.window.mask |= 0xff << (8 * i)
			c.window.val |= uint32(l.text[k]) << (8 * i)
			if l.fold && in(l.text[k], setLower) {
				c.window.fold |= 0x20 << (8 * i)
			}
		}
	}
	if w.bySecond {
		for _, p := range w.second {
			b := m.bucket(p)
			b.second = append(b.second, c)
		}
		return
	}
	for _, p := range w.first {
		b := m.bucket(p)
		b.first = append(b.first, c)
	}
}

// bucket is the bucket of the pair, new if there was none.
func (m *matcher) bucket(pair uint16) *bucket {
	if m.index[pair] == 0 {
		m.index[pair] = uint16(len(m.buckets))
		m.buckets = append(m.buckets, bucket{})
	}
	return &m.buckets[m.index[pair]]
}

// addPercent makes the literal of one byte known, the '%' of an escape. It
// counts only before two hexadecimal digits, which makes windows for it.
func (m *matcher) addPercent() {
	c := candidate{val: '%', mask: 0xff, n: 1, lit: int32(len(m.lits))}
	m.lits = append(m.lits, literal{text: "%", rule: rulePercent})
	var even, odd window
	odd.off = -1
	for x := range 256 {
		odd.first = append(odd.first, pairOf(byte(x), '%'))
		if !in(byte(x), setHex) {
			continue
		}
		even.first = append(even.first, pairOf('%', byte(x)))
		for y := range 256 {
			even.second = append(even.second, pairOf(byte(x), byte(y)))
			if in(byte(y), setHex) {
				odd.second = append(odd.second, pairOf(byte(x), byte(y)))
			}
		}
	}
	p := newPlanner(m)
	for _, w := range [...]window{even, odd} {
		_, group := p.best(w)
		p.enter(w, group, c)
	}
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
// an eight-byte block that a literal's window begins in, or len(v) if there is
// none. It is all that most values ever see.
func (m *matcher) next(v string, i int) int {
	if i >= len(v) {
		return len(v)
	}
	w := load(v, i)
	t0 := m.pairs[uint16(w)]
	for ; len(v)-i >= 16; i += 8 {
		block := w
		t1, t2, t3 := m.pairs[uint16(w>>16)], m.pairs[uint16(w>>32)], m.pairs[uint16(w>>48)]
		w = load8(v, i+8)
		t4 := m.pairs[uint16(w)]
		if uint8(t0&(t1>>groups)|t1&(t2>>groups)|t2&(t3>>groups)|t3&(t4>>groups)) != 0 && m.hit(v, i, block, w) {
			return i
		}
		t0 = t4
	}
	// What is left is a block that is whole and one that is not, or one of the two.
	for ; i < len(v); i += 8 {
		block := w
		w = loadTail(v, min(i+8, len(v)))
		t1, t2, t3, t4 := m.pairs[uint16(block>>16)], m.pairs[uint16(block>>32)], m.pairs[uint16(block>>48)], m.pairs[uint16(w)]
		if uint8(t0&(t1>>groups)|t1&(t2>>groups)|t2&(t3>>groups)|t3&(t4>>groups)) != 0 && m.hit(v, i, block, w) {
			return i
		}
		t0 = t4
	}
	return len(v)
}

// hit says whether a literal stands where a window begins in the block at v[i:],
// which is w; the one behind it is next.
func (m *matcher) hit(v string, i int, w, next uint64) bool {
	t := m.pairs[uint16(w)]
	for at := i; at < i+8; at += 2 {
		text := uint32(w)
		w = w>>16 | next<<48
		next >>= 16
		u := m.pairs[uint16(w)]
		both := t & (u >> groups)
		t = u
		if uint8(both) == 0 {
			continue
		}
		here := m.buckets[m.index[uint16(text)]].first
		for k := range here {
			if here[k].window.is(text) && m.stands(&here[k], v, at) >= 0 {
				return true
			}
		}
		behind := m.buckets[m.index[uint16(text>>16)]].second
		for k := range behind {
			if behind[k].window.is(text) && m.stands(&behind[k], v, at+2) >= 0 {
				return true
			}
		}
	}
	return false
}

// windows says which of the pairs of the block at v[i:] may begin a window: bit
// n stands for the one at v[i+2*n:].
func (m *matcher) windows(v string, i int) (begins uint8) {
	for n := range 4 {
		at := i + 2*n
		if at+2 < len(v) && uint8(m.pairs[pairAt(v, at)]&(m.pairs[pairAt(v, at+2)]>>groups)) != 0 {
			begins |= 1 << n
		}
	}
	return begins
}

// owners are the literals to compare where a window may begin at v[at:]: those
// whose pair is the one there, and those whose pair is the next.
func (m *matcher) owners(v string, at int) (here, behind []candidate) {
	return m.buckets[m.index[pairAt(v, at)]].first, m.buckets[m.index[pairAt(v, at+2)]].second
}

// pairAt is the pair at v[at:], which may reach beyond the end.
func pairAt(v string, at int) uint16 {
	if at+2 <= len(v) {
		return pairOf(v[at], v[at+1])
	}
	return pairOf(v[at], 0)
}

func pairOf(a, b byte) uint16 { return uint16(a) | uint16(b)<<8 }

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
	switch {
	case c.n > 8 && !m.lits[c.lit].matchRest(v[start+8:start+int(c.n)]):
		return -1
	case c.n == 1:
		if _, ok := percentAt(v, start); !ok {
			return -1
		}
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
