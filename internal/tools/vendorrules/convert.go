// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// set is a set of ASCII characters.
type set [128]bool

func (s *set) count() (n int) {
	for _, in := range s {
		if in {
			n++
		}
	}
	return n
}

func (s *set) hasAll(text string) bool {
	for i := range len(text) {
		if text[i] >= 128 || !s[text[i]] {
			return false
		}
	}
	return true
}

func (s *set) meets(t *set) bool {
	for c := range s {
		if s[c] && t[c] {
			return true
		}
	}
	return false
}

func (s *set) within(spec string) bool {
	for c := range s {
		if s[c] && strings.IndexByte(spec, byte(c)) < 0 {
			return false
		}
	}
	return true
}

// spec writes the set as redact.chars reads it.
func (s *set) spec() string {
	var b strings.Builder
	if s['-'] {
		b.WriteByte('-')
	}
	for c := 0; c < len(s); c++ {
		if !s[c] || c == '-' {
			continue
		}
		end := c
		for end+1 < len(s) && s[end+1] {
			end++
		}
		b.WriteByte(byte(c))
		if end > c+1 {
			b.WriteByte('-')
			b.WriteByte(byte(end))
			c = end
		}
	}
	return b.String()
}

// element is a fixed text or a run of a set. max is -1 where it has no limit.
type element struct {
	text string
	fold bool // text is lower case and matches any case
	set  *set
	min  int
	max  int
}

func (e element) fixed() bool { return e.set == nil || e.min == e.max }

func (e element) first() *set {
	if e.set != nil {
		return e.set
	}
	f := new(set)
	f[e.text[0]] = true
	if e.fold {
		f[strings.ToUpper(e.text[:1])[0]] = true
	}
	return f
}

// maxAlternatives bounds what one expression may come apart into.
const maxAlternatives = 80

// expand takes an expression apart into its alternatives: lists of elements
// without captures and without assertions.
func expand(re *syntax.Regexp) ([][]element, error) {
	fold := re.Flags&syntax.FoldCase != 0
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return [][]element{nil}, nil
	case syntax.OpLiteral:
		text := string(re.Rune)
		if fold {
			text = strings.ToLower(text)
		}
		return [][]element{{{text: text, fold: fold}}}, nil
	case syntax.OpAnyCharNotNL:
		// In a name that was not escaped: gems.contribsys.com.
		return [][]element{{{text: "."}}}, nil
	case syntax.OpCharClass:
		return [][]element{{{set: classSet(re), min: 1, max: 1}}}, nil
	case syntax.OpCapture:
		return expand(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		return expandRepeat(re)
	case syntax.OpAlternate:
		var out [][]element
		for _, sub := range re.Sub {
			alts, err := expand(sub)
			if err != nil {
				return nil, err
			}
			out = append(out, alts...)
		}
		return limited(out)
	case syntax.OpConcat:
		return concat(re.Sub)
	}
	return nil, fmt.Errorf("%v is not converted", re.Op)
}

func limited(alts [][]element) ([][]element, error) {
	if len(alts) > maxAlternatives {
		return nil, fmt.Errorf("comes apart into more than %d alternatives", maxAlternatives)
	}
	return alts, nil
}

// concat is every way through a list of expressions.
func concat(subs []*syntax.Regexp) ([][]element, error) {
	out := [][]element{nil}
	for _, sub := range subs {
		alts, err := expand(sub)
		if err != nil {
			return nil, err
		}
		var next [][]element
		for _, head := range out {
			for _, tail := range alts {
				next = append(next, append(slices.Clone(head), tail...))
			}
		}
		if out, err = limited(next); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func expandRepeat(re *syntax.Regexp) ([][]element, error) {
	low, high := re.Min, re.Max
	switch re.Op {
	case syntax.OpStar:
		low, high = 0, -1
	case syntax.OpPlus:
		low, high = 1, -1
	case syntax.OpQuest:
		low, high = 0, 1
	}
	alts, err := expand(re.Sub[0])
	if err != nil {
		return nil, err
	}
	if len(alts) == 1 && len(alts[0]) == 1 {
		if e := alts[0][0]; e.set != nil && e.min == 1 && e.max == 1 {
			e.min, e.max = low, high
			return [][]element{{e}}, nil
		} else if e.set == nil && len(e.text) == 1 {
			return [][]element{{{set: e.first(), min: low, max: high}}}, nil
		}
	}
	if high < 0 || high > 4 {
		return nil, fmt.Errorf("%s repeats more than characters", re)
	}
	var out [][]element
	for n := low; n <= high; n++ {
		subs := make([]*syntax.Regexp, n)
		for i := range subs {
			subs[i] = re.Sub[0]
		}
		more, err := concat(subs)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return limited(out)
}

func classSet(re *syntax.Regexp) *set {
	s := new(set)
	for i := 0; i+1 < len(re.Rune); i += 2 {
		for r := re.Rune[i]; r <= re.Rune[i+1] && r < 128; r++ {
			s[r] = true
		}
	}
	return s
}

// joined merges what stands side by side and is matched as one: runs of the
// same set, a text behind a run of a set that holds it, small sets beside a
// text (which become alternatives before).
func joined(in []element) []element {
	var out []element
	for _, e := range in {
		if len(out) > 0 {
			last := &out[len(out)-1]
			switch {
			case e.set == nil && last.set == nil && (e.fold == last.fold || !hasLetter(e.text) || !hasLetter(last.text)):
				last.fold = last.fold && hasLetter(last.text) || e.fold && hasLetter(e.text)
				last.text += e.text
				continue
			case e.set != nil && last.set != nil && *e.set == *last.set:
				last.min += e.min
				if last.max < 0 || e.max < 0 {
					last.max = -1
				} else {
					last.max += e.max
				}
				continue
			case e.set == nil && last.set != nil && last.set.hasAll(e.text):
				last.min += len(e.text)
				if last.max >= 0 {
					last.max += len(e.text)
				}
				continue
			}
		}
		out = append(out, e)
	}
	return out
}

func hasLetter(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

// spelled replaces single characters of small sets beside a text by texts, so
// that the literal to look for is as long as it can be.
func spelled(in []element) [][]element {
	out := [][]element{nil}
	for i, e := range in {
		beside := i > 0 && in[i-1].set == nil || i+1 < len(in) && in[i+1].set == nil
		if e.set == nil || e.min != 1 || e.max != 1 || e.set.count() > 4 || !beside {
			for k := range out {
				out[k] = append(out[k], e)
			}
			continue
		}
		var next [][]element
		for _, head := range out {
			for c := range e.set {
				if e.set[c] {
					next = append(next, append(slices.Clone(head), element{text: string(rune(c))}))
				}
			}
		}
		out = next
	}
	return out
}

// greedy says whether the elements are matched by taking as much as each can,
// from the trigger to both sides: no run may eat what has to stand beside it.
func greedy(els []element, trigger int) error {
	for i, e := range els {
		if e.fixed() {
			continue
		}
		step := 1
		if i < trigger {
			step = -1
		}
		for k := i + step; k >= 0 && k < len(els); k += step {
			if beside(els[k], step).meets(e.set) && !(els[k].set != nil && els[k].min == 0) {
				return fmt.Errorf("run %d of %s cannot be told from what stands beside it", i, describe(els))
			}
			if els[k].set == nil || els[k].min > 0 {
				break
			}
		}
	}
	return nil
}

// beside is what an element shows to the one before it, or, with a negative
// step, to the one behind it.
func beside(e element, step int) *set {
	if e.set != nil || step > 0 {
		return e.first()
	}
	return element{text: e.text[len(e.text)-1:], fold: e.fold}.first()
}

// mergeRanges joins alternatives that differ in the length of one run only.
func mergeRanges(alts [][]element) [][]element {
	var out [][]element
next:
	for _, a := range alts {
		for k, b := range out {
			if m, ok := mergedRange(a, b); ok {
				out[k] = m
				continue next
			}
		}
		out = append(out, a)
	}
	return out
}

func mergedRange(a, b []element) ([]element, bool) {
	if len(a) != len(b) {
		return nil, false
	}
	out := slices.Clone(a)
	differ := 0
	for i := range a {
		x, y := a[i], b[i]
		if (x.set == nil) != (y.set == nil) || x.text != y.text || x.fold != y.fold || x.set != nil && *x.set != *y.set {
			return nil, false
		}
		if x.min != y.min || x.max != y.max {
			differ++
			out[i].min = min(x.min, y.min)
			if x.max < 0 || y.max < 0 {
				out[i].max = -1
			} else {
				out[i].max = max(x.max, y.max)
			}
		}
	}
	return out, differ <= 1
}
