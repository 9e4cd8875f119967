// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// sequenceRule is a literal and what stands around it.
type sequenceRule struct {
	source             string
	kind               string
	literal            element
	lead, tail         []element
	keepLead, keepTail int
	strict, mixed      bool
	bare               bool
	entropy            float64
}

// shapeRule is a value behind a keyword.
type shapeRule struct {
	source  string
	kind    string
	words   []string
	parts   []element
	entropy float64
}

// converted is all that the rules came to.
type converted struct {
	sequences []sequenceRule
	keywords  map[string][]shapeRule
	examples  []string // values that the rules leave alone

	expr string // of the rule that is converted
}

// add converts one rule.
func (c *converted) add(id, expr string, entropy float64) error {
	c.expr = expr
	kind := kinds[id]
	if kind == "" {
		return fmt.Errorf("%s has no kind in kinds.go and no reason in covered.go", id)
	}
	if expr == "" {
		return fmt.Errorf("%s has no expression", id)
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	tops := []*syntax.Regexp{re}
	if re.Op == syntax.OpAlternate {
		tops = re.Sub
	}
	for _, top := range tops {
		if name, value, ok := keywordForm(top); ok {
			err = c.keyword(id, kind, name, value, entropy)
		} else {
			err = c.sequence(id, kind, flat(top), entropy)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	return nil
}

func (c *converted) keyword(id, kind string, name []*syntax.Regexp, value *syntax.Regexp, entropy float64) error {
	alts, err := expand(value)
	if err != nil {
		return err
	}
	var shapes [][]element
	for _, alt := range alts {
		alt = joined(alt)
		if alt[0].set == nil && len(alt[0].text) >= 4 && !gated[id] {
			// The value says itself whose it is.
			if err := c.sequences1(id, kind, alt, 0, 0, entropy); err != nil {
				return err
			}
			continue
		}
		shapes = append(shapes, alt)
	}
	if len(shapes) == 0 {
		return nil
	}
	literals, words, err := keywords(name)
	if err != nil {
		return err
	}
	for _, shape := range mergeRanges(shapes) {
		if err := greedy(shape, -1); err != nil {
			return err
		}
		for _, l := range literals {
			c.keywords[l] = append(c.keywords[l], shapeRule{id, kind, words, shape, entropy})
		}
	}
	return nil
}

// sequence converts what is no keyword rule. A capture says what the secret
// is; what stands around it by one character at most is a border, and a border
// of ours is asked for instead.
func (c *converted) sequence(id, kind string, subs []*syntax.Regexp, entropy float64) error {
	capture := -1
	for i, sub := range subs {
		if sub.Op == syntax.OpCapture && width(sub) > 1 {
			if capture >= 0 {
				capture = -1
				break
			}
			capture = i
		}
	}
	var before, secret, after []*syntax.Regexp
	secret = subs
	if capture >= 0 {
		before, secret, after = trimBorder(subs[:capture]), subs[capture:capture+1], trimBorder(subs[capture+1:])
	}
	lead, err := concat(before)
	if err != nil {
		return err
	}
	middle, err := concat(secret)
	if err != nil {
		return err
	}
	tail, err := concat(after)
	if err != nil {
		return err
	}
	if len(after) > 0 && len(tail) > 8 {
		tail = tail[:1]
	}
	var whole [][]element
	for _, l := range lead {
		for _, m := range middle {
			for _, t := range tail {
				// What stays readable ends before the secret begins.
				if len(t) > 0 || len(l) > 0 {
					if err := c.around(id, kind, l, m, t, entropy); err != nil {
						return err
					}
					continue
				}
				for _, alt := range spelled(m) {
					whole = append(whole, joined(alt))
				}
			}
		}
	}
	for _, alt := range withoutOptionalTail(mergeRanges(whole)) {
		if err := c.sequences1(id, kind, alt, keepLead[id], 0, entropy); err != nil {
			return err
		}
	}
	return nil
}

// around adds a secret with readable text before or behind it.
func (c *converted) around(id, kind string, lead, secret, tail []element, entropy float64) error {
	lead, secret, tail = joined(lead), joined(secret), joined(tail)
	// The text behind is the literal; how the text before is spelt (a scheme)
	// says no more.
	if len(tail) > 0 {
		tail = tail[:1]
		return c.sequences1(id, kind, append(slices.Clone(secret), tail...), 0, len(tail), entropy)
	}
	return c.sequences1(id, kind, append(slices.Clone(lead), secret...), len(lead), 0, entropy)
}

// width is how many characters an expression may be long, roughly.
func width(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpRepeat:
		if re.Max >= 0 {
			return re.Max * width(re.Sub[0])
		}
		return 1000
	case syntax.OpStar, syntax.OpPlus:
		return 1000
	case syntax.OpAlternate:
		w := 0
		for _, s := range re.Sub {
			w = max(w, width(s))
		}
		return w
	case syntax.OpConcat, syntax.OpCapture, syntax.OpQuest:
		w := 0
		for _, s := range re.Sub {
			w += width(s)
		}
		return w
	}
	return 0
}

// trimBorder drops what is no wider than an escape.
func trimBorder(subs []*syntax.Regexp) []*syntax.Regexp {
	return slices.DeleteFunc(slices.Clone(subs), func(re *syntax.Regexp) bool { return width(re) <= 2 && re.Op != syntax.OpLiteral })
}

// withoutOptionalTail drops an alternative that another one starts, where what
// it has more is two characters, like "-2": they give nothing away.
func withoutOptionalTail(alts [][]element) [][]element {
	return slices.DeleteFunc(slices.Clone(alts), func(a []element) bool {
		return slices.ContainsFunc(alts, func(b []element) bool {
			if len(b) >= len(a) || describe(a[:len(b)]) != describe(b) {
				return false
			}
			n := 0
			for _, e := range a[len(b):] {
				if e.max < 0 {
					return false
				}
				n += len(e.text) + e.max
			}
			return n <= 2
		})
	})
}

// sequences1 adds one alternative.
func (c *converted) sequences1(id, kind string, els []element, keepLead, keepTail int, entropy float64) error {
	trigger := -1
	for i, e := range els {
		if e.set != nil || len(e.text) < 3 || greedy(els, i) != nil {
			continue
		}
		if trigger < 0 || weight(e) > weight(els[trigger]) {
			trigger = i
		}
	}
	if trigger < 0 {
		if partly[id] != "" {
			return nil
		}
		return fmt.Errorf("no literal of three characters in %s", describe(els))
	}
	r := sequenceRule{
		source: id, kind: kind, literal: c.asPublished(els[trigger]), keepLead: keepLead, keepTail: keepTail, entropy: entropy,
		lead: slices.Clone(els[:trigger]), tail: slices.Clone(els[trigger+1:]),
	}
	letters := false
	for _, e := range els {
		if e.set != nil && e.min >= 12 && e.set.meets(lettersSet) {
			letters = true
		}
	}
	r.mixed = letters
	r.bare = !strings.ContainsFunc(r.literal.text, func(c rune) bool { return !unicode.IsLetter(c) })
	r.strict = strict(r.literal.text)
	if !r.strict && len(r.lead) == 0 && keepTail == 0 && len(r.tail) > 0 {
		last := len(r.tail) - 1
		if last > 0 && r.tail[last].set != nil && r.tail[last].min == 0 {
			last-- // the padding of base64
		}
		open(&r, last)
	}
	c.sequences = append(c.sequences, r)
	return nil
}

// asPublished gives a literal that matches any case the case it is written
// with. (?i) is meant for the sets behind it: no vendor's prefix comes in two
// cases.
func (c *converted) asPublished(e element) element {
	if !e.fold {
		return e
	}
	expr := strings.ReplaceAll(c.expr, `\`, "")
	if i := strings.Index(strings.ToLower(expr), e.text); i >= 0 {
		return element{text: expr[i : i+len(e.text)]}
	}
	if strings.HasSuffix(e.text, "_") || strings.HasSuffix(e.text, "-") {
		return element{text: e.text}
	}
	return e
}

// open takes the limits off the run at the end of a rule whose literal is no
// word: more of it is masked as well, and so is what was cut off a little.
func open(r *sequenceRule, i int) {
	e := &r.tail[i]
	if e.set == nil {
		return
	}
	text := r.literal.text
	marked := strings.ContainsAny(text, "_-.~:/") || len(text) >= 8
	if e.min < 16 {
		if marked && e.max >= 32 {
			e.max = -1
		}
		return
	}
	upper := !r.literal.fold && strings.ContainsFunc(text, unicode.IsUpper) && e.min >= 30
	hexdigits := e.set.within("0123456789abcdefABCDEF")
	if !e.set.meets(digitSet) || !marked && !upper && !(hexdigits && e.min >= 32 && len(text) >= 4) {
		return
	}
	if i+1 < len(r.tail) && r.tail[i+1].set != nil && e.set.meets(r.tail[i+1].set) {
		return
	}
	e.min -= e.min / 5
	e.max = -1
}

func describe(els []element) string {
	var b strings.Builder
	for _, e := range els {
		if e.set == nil {
			fmt.Fprintf(&b, "%q ", e.text)
		} else {
			fmt.Fprintf(&b, "[%s]{%d,%d} ", e.set.spec(), e.min, e.max)
		}
	}
	return b.String()
}

// weight says how rare a literal is.
func weight(e element) int {
	w := 2 * len(e.text)
	for _, r := range e.text {
		if !unicode.IsLower(r) {
			w++
		}
	}
	return w
}

// strict says whether a literal may be part of a word: up to three letters and
// a sign.
func strict(text string) bool {
	if strictLiterals[text] {
		return true
	}
	trimmed := strings.TrimRight(text, "-.")
	return len(trimmed) == len(text)-1 && len(trimmed) <= 3 && !strings.ContainsAny(trimmed, "0123456789_")
}

var lettersSet, digitSet = func() (l, d *set) {
	l, d = new(set), new(set)
	for c := 'a'; c <= 'z'; c++ {
		l[c], l[c-0x20] = true, true
	}
	for c := '0'; c <= '9'; c++ {
		d[c] = true
	}
	return l, d
}()
