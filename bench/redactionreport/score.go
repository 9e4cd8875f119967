// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// share is a part of a whole, both counted.
type share struct{ part, whole int }

func (s *share) count(is bool) {
	s.whole++
	if is {
		s.part++
	}
}

func (s share) plus(o share) share { return share{s.part + o.part, s.whole + o.whole} }

// ratio is 0 for an empty whole; who asks for it checks that it is not.
func (s share) ratio() float64 { return float64(s.part) / float64(max(s.whole, 1)) }

// group is what secrets are counted by: where they come from, their kind, and
// the context that they were planted in.
type group struct{ kind, ctx string }

// A line is a text to redact, and what must not be left of it.
type line struct {
	input
	planted []redactcorpus.Secret
	held    bool // it belongs to the part that was set aside, or is blind
}

// part is 0 for what was tuned on, 1 for what was set aside.
func (l line) part() int {
	if l.held {
		return 1
	}
	return 0
}

// A score is what one way did on one corpus.
type score struct {
	leaked  [2]map[group]*share // of the secrets, tuned on and set aside
	touched [2]share            // of the lines
}

func newScore() *score {
	return &score{leaked: [2]map[group]*share{{}, {}}}
}

// run has a way redact the lines of a corpus.
func run(w way, lines []line) (*score, error) {
	sc := newScore()
	for i, l := range lines {
		r, err := w.redact(l.input)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: line %d: %w", w.program, w.name, i+1, err)
		}
		part := l.part()
		sc.touched[part].count(r.touched)
		for _, p := range l.planted {
			g := group{p.Kind, p.Ctx}
			if sc.leaked[part][g] == nil {
				sc.leaked[part][g] = &share{}
			}
			sc.leaked[part][g].count(survives(r.out, p.Text))
		}
	}
	return sc, nil
}

// sum adds the secrets up that are of a group that f picks.
func (sc *score) sum(f func(group) bool, parts ...int) share {
	var s share
	for _, part := range parts {
		for g, n := range sc.leaked[part] {
			if f(g) {
				s = s.plus(*n)
			}
		}
	}
	return s
}

func (sc *score) tunedOn() share   { return sc.sum(every, 0) }
func (sc *score) setAside() share  { return sc.sum(every, 1) }
func (sc *score) all() share       { return sc.sum(every, 0, 1) }
func (sc *score) lines() share     { return sc.touched[0].plus(sc.touched[1]) }
func (sc *score) heldLines() share { return sc.touched[1] }

func every(group) bool { return true }

// groups are the kinds and contexts of parts of a corpus, sorted.
func groups(lines []line, parts ...int) []group {
	seen := map[group]bool{}
	var out []group
	for _, l := range lines {
		if !slices.Contains(parts, l.part()) {
			continue
		}
		for _, p := range l.planted {
			if g := (group{p.Kind, p.Ctx}); !seen[g] {
				seen[g] = true
				out = append(out, g)
			}
		}
	}
	slices.SortFunc(out, func(a, b group) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.ctx, b.ctx)) })
	return out
}

// check says what is wrong with a corpus: a secret that is not in its line
// proves nothing, nor does a corpus without lines.
func check(lines []line) error {
	if len(lines) == 0 {
		return errors.New("it has no lines")
	}
	for i, l := range lines {
		for _, p := range l.planted {
			if p.Kind == "" || p.Text == "" || !survives(l.text, p.Text) {
				return fmt.Errorf("line %d: the planted %s (%s) does not stand in it", i+1, p.Kind, p.Ctx)
			}
		}
	}
	return nil
}
