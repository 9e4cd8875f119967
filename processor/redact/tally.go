// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// KindCount is how many secrets or markers of a kind there were.
type KindCount struct {
	Kind Kind
	N    int
}

// tally counts by kind.
type tally struct {
	kinds  *kindTable
	n      []int // by kind; as long as the highest one that was counted asks for
	some   bool
	listed []KindCount
}

func (t *tally) add(kind kindID) {
	if int(kind) >= len(t.n) {
		t.n = append(t.n, make([]int, int(kind)+1-len(t.n))...)
	}
	t.n[kind]++
	t.some = true
}

func (t *tally) reset() {
	if t.some {
		clear(t.n)
		t.some = false
	}
}

// list returns what was counted, sorted by kind; valid until the next call.
func (t *tally) list() []KindCount {
	if !t.some {
		return nil
	}
	t.listed = t.listed[:0]
	for id, n := range t.n {
		if n > 0 {
			t.listed = append(t.listed, KindCount{t.kinds.names[id], n})
		}
	}
	// Insertion sort: a handful of kinds.
	for i := 1; i < len(t.listed); i++ {
		for j := i; j > 0 && t.listed[j].Kind < t.listed[j-1].Kind; j-- {
			t.listed[j], t.listed[j-1] = t.listed[j-1], t.listed[j]
		}
	}
	return t.listed
}

// stands counts the exact markers in v, which goes to a caller. It is called
// once for a value, with its final form: what the rules did on the way there
// (several rounds, JSON in strings) does not count twice.
func (s *Scanner) stands(v string) {
	for {
		i := strings.Index(v, markerOpen)
		if i < 0 {
			return
		}
		v = v[i:]
		n, kind := s.r.kinds.parseMarker(v)
		if n == 0 {
			v = v[len(markerOpen):]
			continue
		}
		s.standing.add(kind)
		v = v[n:]
	}
}
