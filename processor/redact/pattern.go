// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a regular expression. Each keeps what one value can cost in
// proportion to its length.
const (
	// maxExpression is how long an expression may be.
	maxExpression = 2000
	// maxProgram is how many instructions it may compile to: x{1000} is short
	// to write and long to run.
	maxProgram = 2000
	// programUnit is how many instructions count as one for the budget.
	programUnit = 64
	// maxExpressionLiterals is how many literals may stand for an expression.
	maxExpressionLiterals = 64
	// patternReach is how far to either side of a literal an expression with an
	// open end (*, +) looks for a start and an end of its match.
	patternReach = 1024
)

// pattern is what a user's rule does at a literal: it looks for a regular
// expression around it, unless one of the simpler forms is set. It is only read
// once it is made.
type pattern struct {
	re    *regexp.Regexp
	group int // the group that is masked; 0 is the whole match
	reach int // how far from a literal a match may begin and end
	cost  int // of a byte
	lits  []requiredLiteral
	run   *prefixRun
	flag  kindID // the literal is a flag, and what follows it is of this kind
	word  bool   // the literal is a word of a key name
}

// requiredLiteral is a text of which one stands in every match.
type requiredLiteral struct {
	text string
	fold bool // text is lower case and matches any case of ASCII letters
}

// newPattern compiles expr (RE2 syntax), which is run only around literals: at
// least one of them stands in every match. Without literals they are derived
// from the expression. fold ignores case.
//
// What is masked is the group named secret, else the first group, else the
// whole match. No error quotes the expression, which may hold a secret.
func newPattern(expr string, literals []string, fold bool) (*pattern, error) {
	if len(expr) > maxExpression {
		return nil, fmt.Errorf("expression has %d bytes; use at most %d, or several rules", len(expr), maxExpression)
	}
	re, tree, size, err := compileExpression(expr, fold)
	if err != nil {
		return nil, err
	}
	if shortest := minBytes(tree); shortest == 0 {
		return nil, errors.New("expression matches the empty text; name what must be there")
	} else if shortest < minSecret {
		return nil, fmt.Errorf("expression can match %d bytes; a match has at least %d", shortest, minSecret)
	}
	p := &pattern{re: re, cost: 1 + size/programUnit}
	if i := re.SubexpIndex("secret"); i > 0 {
		p.group = i
	} else if re.NumSubexp() > 0 {
		p.group = 1
	}
	if p.group > 0 && maxBytes(group(tree, p.group)) == 0 {
		return nil, errors.New("the group that is to be masked can only be empty, so that nothing would be masked; write into it what is secret")
	}
	fold = fold || foldsCase(tree)
	if len(literals) == 0 {
		if p.lits = requiredLiterals(tree); p.lits == nil {
			return nil, fmt.Errorf("expression has no literal of %d bytes that stands in every match; an expression is only run where a literal stands, so write one into it", minLiteral)
		}
	} else if p.lits, err = namedLiterals(literals, fold); err != nil {
		return nil, err
	}
	if p.lacksLiteral(tree) {
		return nil, errors.New("expression also matches texts that have none of its literals, and is only run where one stands; name a literal for each of its branches")
	}
	// A match has the literal in it. One more character to either side shows
	// whether a word or the text begins or ends there.
	p.reach = patternReach
	if longest := maxBytes(tree); longest >= 0 && longest < patternReach {
		p.reach = longest
	}
	p.reach += utf8.UTFMax
	return p, nil
}

// group is the n-th group of an expression.
func group(tree *syntax.Regexp, n int) *syntax.Regexp {
	if tree.Op == syntax.OpCapture && tree.Cap == n {
		return tree
	}
	for _, sub := range tree.Sub {
		if g := group(sub, n); g != nil {
			return g
		}
	}
	return nil
}

// mustPattern is newPattern for expressions that stand in this package.
func mustPattern(expr string, literals []string, fold bool) *pattern {
	p, err := newPattern(expr, literals, fold)
	if err != nil {
		panic("redact: " + err.Error())
	}
	return p
}

// literals are what p is looked for at.
func (p *pattern) literals(kind kindID) []literal {
	out := make([]literal, len(p.lits))
	for i, l := range p.lits {
		out[i] = literal{text: l.text, fold: l.fold, rule: rulePattern, kind: kind, pat: p}
	}
	return out
}

// compileExpression also returns the syntax tree, and the size of the program.
func compileExpression(expr string, fold bool) (re *regexp.Regexp, tree *syntax.Regexp, size int, err error) {
	if fold {
		expr = "(?i)" + expr
	}
	if tree, err = syntax.Parse(expr, syntax.Perl); err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return nil, nil, 0, fmt.Errorf("expression cannot be read: %s; the syntax is that of RE2", bad.Code)
		}
		return nil, nil, 0, errors.New("expression cannot be read; the syntax is that of RE2")
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, nil, 0, errors.New("expression cannot be compiled")
	}
	if size = len(prog.Inst); size > maxProgram {
		return nil, nil, 0, fmt.Errorf("expression compiles to %d instructions; use at most %d: smaller counts in {}, or several rules", size, maxProgram)
	}
	if re, err = regexp.Compile(expr); err != nil {
		return nil, nil, 0, errors.New("expression cannot be compiled")
	}
	return re, tree, size, nil
}

// namedLiterals are the literals that a user names.
func namedLiterals(texts []string, fold bool) ([]requiredLiteral, error) {
	if len(texts) > maxExpressionLiterals {
		return nil, fmt.Errorf("expression has %d literals; use at most %d", len(texts), maxExpressionLiterals)
	}
	var out []requiredLiteral
	for i, text := range texts {
		if len(text) < minLiteral || len(text) > maxTrigger {
			return nil, &FieldError{Field: "literals", Index: i, Err: fmt.Errorf("literal has %d bytes; use %d to %d", len(text), minLiteral, maxTrigger)}
		}
		if fold {
			text = foldASCII(text)
		}
		l := requiredLiteral{text: text, fold: fold}
		if slices.Contains(out, l) {
			return nil, &FieldError{Field: "literals", Index: i, Err: errors.New("literal is there twice; drop one")}
		}
		out = append(out, l)
	}
	return out, nil
}

func foldASCII(text string) string {
	b := []byte(text)
	for i := range b {
		b[i] = fold(b[i])
	}
	return string(b)
}

// patternState is what a pass remembers of a pattern whose literal it met.
//
// An expression is not run at each of its literals but once over each stretch
// of text that lies within reach of one: stretches that meet are joined, so
// that a text full of literals costs as much as its length.
type patternState struct {
	p      *pattern
	kind   kindID
	lo, hi int // the stretch that is still to be looked at
	done   int // where the last match ended
	read   int // bytes that the expression has read

	runStart, runEnd int // of a prefixRun: the run that was measured last
}

// pattern runs a rulePattern at a literal that stands at v[at:].
func (s *Scanner) pattern(v string, at int, l *literal) {
	if from, to := s.markerAround(v, at); from < to {
		return // what a marker is made of triggers no rule
	}
	p := l.pat
	switch {
	case p.flag != kindNone:
		s.flagged(v, at, at+len(l.text), p.flag)
		return
	case p.word:
		s.word(v, at, at+len(l.text))
		return
	}
	st := s.patternState(v, p, l.kind)
	if p.run != nil {
		s.prefixRun(v, at, l, st)
		return
	}
	lo, hi := max(0, at+len(l.text)-p.reach), min(len(v), at+p.reach)
	if lo <= st.hi && hi >= st.lo {
		st.lo, st.hi = min(lo, st.lo), max(hi, st.hi)
		return
	}
	s.express(v, st)
	st.lo, st.hi = lo, hi
}

// patternState is the state of p in this pass. Few patterns are met in a text.
func (s *Scanner) patternState(v string, p *pattern, kind kindID) *patternState {
	for i := range s.met {
		if st := &s.met[i]; st.p == p && st.kind == kind {
			return st
		}
	}
	s.met = append(s.met, patternState{p: p, kind: kind, lo: -1, hi: -1, runEnd: -1})
	return &s.met[len(s.met)-1]
}

// finishPatterns looks at the stretches that are left at the end of a pass.
func (s *Scanner) finishPatterns(v string) {
	for i := range s.met {
		s.express(v, &s.met[i])
	}
	s.met = s.met[:0]
}

// express runs an expression over its stretch of v. A stretch has ends that v
// has not: where a match touches one, the text beyond decides (whether a word
// goes on there, or the match does), and the stretch grows.
func (s *Scanner) express(v string, st *patternState) {
	lo, hi := st.lo, st.hi
	st.lo, st.hi = -1, -1
	if lo < 0 || s.budget < 0 {
		return
	}
	// What is matched already is not matched again.
	first := st.done
	lo = max(lo, first)
	for lo < hi {
		lo, hi = runeBorders(v, lo, hi, first)
		if st.read += hi - lo; st.read*st.p.cost > 16*len(v)+64*patternReach*st.p.cost {
			s.budget = -1 // made to be slow: the value is masked whole
			return
		}
		matches := st.p.re.FindAllStringSubmatchIndex(v[lo:hi], -1)
		if len(matches) == 0 {
			return
		}
		grow := hi - lo
		if left, right := matches[0][0] == 0 && lo > first, matches[len(matches)-1][1] == hi-lo && hi < len(v); left || right {
			if left {
				lo = max(first, lo-grow)
			}
			if right {
				hi = min(len(v), hi+grow)
			}
			continue
		}
		for _, m := range matches {
			from, to := m[2*st.p.group], m[2*st.p.group+1]
			if from < 0 {
				from, to = m[0], m[1] // the group has no part in this match
			}
			s.addOwn(v, lo+from, lo+to, st.kind)
		}
		st.done = lo + matches[len(matches)-1][1]
		// A literal inside what grew was met already, or is looked at with it.
		return
	}
}

// runeBorders moves a stretch's ends out of the middle of a character, so that
// no match begins or ends in one.
func runeBorders(v string, lo, hi, first int) (int, int) {
	for n := 0; n < utf8.UTFMax-1 && lo > first && !utf8.RuneStart(v[lo]); n++ {
		lo--
	}
	for n := 0; n < utf8.UTFMax-1 && hi < len(v) && !utf8.RuneStart(v[hi]); n++ {
		hi++
	}
	return lo, hi
}

// addOwn adds what a rule of its own found. It keeps whole the markers that
// stand in the text: what lies in one is none, what cuts one takes it along.
func (s *Scanner) addOwn(v string, from, to int, kind kindID) {
	if from >= to {
		return
	}
	if a, b := s.markerAround(v, from); a < b {
		if to <= b {
			return
		}
		from = a
	}
	if a, b := s.markerAround(v, to-1); a < b {
		to = max(to, b)
	}
	s.add(from, to, kind, decodeNone)
}

// markerAround is the exact marker that v[at] is a byte of; from and to are
// equal where there is none.
func (s *Scanner) markerAround(v string, at int) (from, to int) {
	low := max(0, at-maxMarker)
	i := strings.LastIndexByte(v[low:at+1], '[')
	if i < 0 {
		return 0, 0
	}
	from = low + i
	if n := s.markerLen(v[from:]); n > 0 && from+n > at {
		return from, from + n
	}
	return 0, 0
}
