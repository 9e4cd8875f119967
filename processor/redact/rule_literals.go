// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// This file reads the syntax tree of an expression: which literals stand in
// every match, how long a match can be, and whether a match is possible that
// has none of the literals which a user named.

const (
	// maxAlternatives bounds the texts that one part of an expression is
	// written out as.
	maxAlternatives = 16
	// maxSpelledRepeat bounds x{n} written out.
	maxSpelledRepeat = 16
)

// alternatives are texts of which one stands in what a part of an expression
// matches; exact says that a match of the part is nothing but one of them. nil
// is no knowledge.
type alternatives struct {
	texts []requiredLiteral
	exact bool
}

// requiredLiterals are literals of at least minLiteral bytes, of which one
// stands in every match; nil if none are known.
func requiredLiterals(tree *syntax.Regexp) []requiredLiteral {
	best := required(tree).texts
	if !usable(best) {
		return nil
	}
	var out []requiredLiteral
	for _, l := range best {
		if len(l.text) > maxTrigger {
			l.text = l.text[:maxTrigger]
		}
		// What holds another literal is found by that.
		if slices.ContainsFunc(out, func(o requiredLiteral) bool { return l.has(o) }) {
			continue
		}
		out = slices.DeleteFunc(out, func(o requiredLiteral) bool { return o.has(l) })
		out = append(out, l)
	}
	return out
}

// has says whether every text that l matches has one in it that o matches.
func (l requiredLiteral) has(o requiredLiteral) bool {
	if o.fold {
		return strings.Contains(foldASCII(l.text), o.text)
	}
	return !l.fold && strings.Contains(l.text, o.text)
}

func usable(texts []requiredLiteral) bool { return shortest(texts) >= minLiteral }

func shortest(texts []requiredLiteral) int {
	if len(texts) == 0 || len(texts) > maxExpressionLiterals {
		return 0
	}
	n := len(texts[0].text)
	for _, l := range texts[1:] {
		n = min(n, len(l.text))
	}
	return n
}

// better is the one of two sets that is the rarer trigger: long ones, and then
// few ones.
func better(a, b []requiredLiteral) []requiredLiteral {
	const enough = 8 // longer makes no literal rarer
	na, nb := min(shortest(a), enough), min(shortest(b), enough)
	if nb > na || nb == na && len(b) > 0 && len(b) < len(a) {
		return b
	}
	return a
}

func required(re *syntax.Regexp) alternatives {
	empty := alternatives{texts: []requiredLiteral{{}}, exact: true}
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return empty
	case syntax.OpLiteral:
		return ofLiteral(re)
	case syntax.OpCharClass:
		return ofClass(re)
	case syntax.OpCapture:
		return required(re.Sub[0])
	case syntax.OpConcat:
		return ofConcat(re.Sub)
	case syntax.OpAlternate:
		all := alternatives{exact: true}
		for _, sub := range re.Sub {
			part := required(sub)
			if len(part.texts) == 0 {
				return alternatives{}
			}
			all.texts = append(all.texts, part.texts...)
			all.exact = all.exact && part.exact
		}
		if len(all.texts) > maxExpressionLiterals {
			return alternatives{}
		}
		all.exact = all.exact && len(all.texts) <= maxAlternatives
		return all
	case syntax.OpQuest:
		part := required(re.Sub[0])
		if !part.exact {
			return alternatives{}
		}
		return alternatives{texts: append(slices.Clone(part.texts), requiredLiteral{}), exact: true}
	case syntax.OpPlus:
		return alternatives{texts: required(re.Sub[0]).texts}
	case syntax.OpRepeat:
		if re.Min == 0 {
			return alternatives{}
		}
		part := required(re.Sub[0])
		if part.exact && len(part.texts) == 1 && re.Min <= maxSpelledRepeat {
			l := part.texts[0]
			l.text = strings.Repeat(l.text, re.Min)
			return alternatives{texts: []requiredLiteral{l}, exact: re.Max == re.Min}
		}
		return alternatives{texts: part.texts}
	}
	return alternatives{}
}

// ofConcat joins exact parts that stand side by side, and keeps the best of
// what is between the others.
func ofConcat(subs []*syntax.Regexp) alternatives {
	joined := []requiredLiteral{{}}
	var best []requiredLiteral
	exact := true
	for _, sub := range subs {
		part := required(sub)
		if part.exact && len(part.texts)*len(joined) <= maxAlternatives {
			joined = product(joined, part.texts)
			continue
		}
		best = better(best, joined)
		exact = false
		joined = []requiredLiteral{{}}
		if part.exact {
			joined = part.texts
		} else {
			best = better(best, part.texts)
		}
	}
	if exact {
		return alternatives{texts: joined, exact: true}
	}
	return alternatives{texts: better(best, joined)}
}

func product(a, b []requiredLiteral) []requiredLiteral {
	var out []requiredLiteral
	for _, x := range a {
		for _, y := range b {
			l := requiredLiteral{text: x.text + y.text, fold: x.fold || y.fold}
			if l.fold {
				l.text = foldASCII(l.text)
			}
			out = append(out, l)
		}
	}
	return out
}

// ofLiteral: where case is ignored, only ASCII letters are known in both
// cases, and what stands beside other letters is kept.
func ofLiteral(re *syntax.Regexp) alternatives {
	if re.Flags&syntax.FoldCase == 0 {
		return alternatives{texts: []requiredLiteral{{text: string(re.Rune)}}, exact: true}
	}
	var run, best string
	whole := true
	for _, r := range re.Rune {
		if r < utf8.RuneSelf {
			run += string(r)
			continue
		}
		whole = false
		if len(run) > len(best) {
			best = run
		}
		run = ""
	}
	if len(run) > len(best) {
		best = run
	}
	return alternatives{texts: []requiredLiteral{{text: foldASCII(best), fold: true}}, exact: whole}
}

func ofClass(re *syntax.Regexp) alternatives {
	out := alternatives{exact: true}
	for i := 0; i+1 < len(re.Rune); i += 2 {
		for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
			if len(out.texts) == maxAlternatives/2 {
				return alternatives{}
			}
			out.texts = append(out.texts, requiredLiteral{text: string(r)})
		}
	}
	if len(out.texts) == 0 {
		return alternatives{}
	}
	return out
}

// foldsCase says whether a part of the expression ignores case.
func foldsCase(re *syntax.Regexp) bool {
	if re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase != 0 {
		return true
	}
	return slices.ContainsFunc(re.Sub, foldsCase)
}

// minBytes is the length of the shortest match.
func minBytes(re *syntax.Regexp) int {
	const plenty = 1 << 20
	n := 0
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			n += utf8.RuneLen(r)
		}
		if re.Flags&syntax.FoldCase != 0 {
			n = len(re.Rune) // some other case may be shorter
		}
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpNoMatch:
		n = 1
	case syntax.OpCapture, syntax.OpPlus:
		n = minBytes(re.Sub[0])
	case syntax.OpRepeat:
		n = re.Min * minBytes(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			n += minBytes(sub)
		}
	case syntax.OpAlternate:
		n = plenty
		for _, sub := range re.Sub {
			n = min(n, minBytes(sub))
		}
	}
	return min(n, plenty)
}

// maxBytes is the length of the longest match, or negative if there is none.
func maxBytes(re *syntax.Regexp) int {
	const unbounded, plenty = -1, 1 << 20
	n := 0
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			n += utf8.RuneLen(r)
			if re.Flags&syntax.FoldCase != 0 {
				n += utf8.UTFMax - utf8.RuneLen(r)
			}
		}
	case syntax.OpCharClass:
		n = 1
		if len(re.Rune) > 0 {
			n = max(1, utf8.RuneLen(re.Rune[len(re.Rune)-1]))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		n = utf8.UTFMax
	case syntax.OpCapture, syntax.OpQuest:
		n = maxBytes(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus:
		if maxBytes(re.Sub[0]) != 0 {
			return unbounded
		}
	case syntax.OpRepeat:
		n = maxBytes(re.Sub[0])
		switch {
		case n == 0:
		case n < 0 || re.Max < 0:
			return unbounded
		default:
			n *= re.Max
		}
	case syntax.OpConcat, syntax.OpAlternate:
		for _, sub := range re.Sub {
			m := maxBytes(sub)
			switch {
			case m < 0:
				return unbounded
			case re.Op == syntax.OpConcat:
				n += m
			default:
				n = max(n, m)
			}
		}
	}
	if n > plenty {
		return unbounded
	}
	return n
}

// lacksLiteral says whether some match has none of the literals. It tries
// texts that the expression spells; it proves nothing where it finds none.
func (p *pattern) lacksLiteral(tree *syntax.Regexp) bool {
	for _, text := range spellings(tree) {
		m := p.re.FindStringIndex(text)
		if m == nil {
			continue
		}
		match := text[m[0]:m[1]]
		folded := foldASCII(match)
		if !slices.ContainsFunc(p.lits, func(l requiredLiteral) bool {
			return l.fold && strings.Contains(folded, l.text) || !l.fold && strings.Contains(match, l.text)
		}) {
			return true
		}
	}
	return false
}

// spellings are some texts that re matches, context aside: each branch of each
// alternative is in one of them.
func spellings(re *syntax.Regexp) []string {
	const most = 64
	switch re.Op {
	case syntax.OpLiteral:
		text := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 {
			return []string{strings.ToLower(text), strings.ToUpper(text)}
		}
		return []string{text}
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return nil
		}
		out := []string{string(re.Rune[0])}
		if last := re.Rune[len(re.Rune)-1]; last < utf8.RuneSelf && last != re.Rune[0] {
			out = append(out, string(last))
		}
		return out
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"x"}
	case syntax.OpCapture, syntax.OpPlus:
		return spellings(re.Sub[0])
	case syntax.OpQuest:
		return append([]string{""}, spellings(re.Sub[0])...)
	case syntax.OpStar:
		return []string{""}
	case syntax.OpRepeat:
		out := spellings(re.Sub[0])
		if re.Min == 0 {
			return []string{""}
		}
		for i := range out {
			out[i] = strings.Repeat(out[i], min(re.Min, maxExpression))
		}
		return out
	case syntax.OpConcat:
		// Side by side, not every combination: the n-th of each.
		out := []string{""}
		for _, sub := range re.Sub {
			parts := spellings(sub)
			if len(parts) == 0 {
				return nil
			}
			for len(out) < len(parts) && len(out) < most {
				out = append(out, out[len(out)-1])
			}
			for i := range out {
				if len(out[i]) < 1<<16 {
					out[i] += parts[min(i, len(parts)-1)]
				}
			}
		}
		return out
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			out = append(out, spellings(sub)...)
		}
		return out[:min(len(out), most)]
	}
	return []string{""}
}
