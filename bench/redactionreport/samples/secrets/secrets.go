// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package secrets stands in for gitleaks' package of the same name, which
// generates a text that matches a regular expression at random. This one gives
// the same texts in every run.
package secrets

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp/syntax"
	"strings"
	"unicode"
)

// made counts the secrets made from an expression, so that two from the same
// one differ, whatever was made from others in between.
var made = map[string]uint64{}

// NewSecret is a text that matches the expression. It panics on an expression
// that is none, as the function that it stands in for does. It is not safe for
// concurrent use.
func NewSecret(expr string) string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		panic(fmt.Sprintf("the expression of a sample: %v", err))
	}
	h := fnv.New64a()
	h.Write([]byte(expr))
	made[expr]++
	var b strings.Builder
	write(&b, re.Simplify(), rand.New(rand.NewPCG(h.Sum64(), made[expr])))
	return b.String()
}

// write adds a text that matches re. An expression repeated without an upper
// limit is repeated as seldom as it may be, as gitleaks has it done.
func write(b *strings.Builder, re *syntax.Regexp, r *rand.Rand) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && r.IntN(2) == 0 {
				c = unicode.SimpleFold(c)
			}
			b.WriteRune(c)
		}
	case syntax.OpCharClass:
		b.WriteRune(one(re.Rune, r))
	case syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		b.WriteRune(rune(0x20 + r.IntN(0x5f)))
	case syntax.OpCapture, syntax.OpPlus:
		write(b, re.Sub[0], r)
	case syntax.OpStar, syntax.OpQuest:
		if r.IntN(2) == 0 {
			write(b, re.Sub[0], r)
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			write(b, sub, r)
		}
	case syntax.OpAlternate:
		write(b, re.Sub[r.IntN(len(re.Sub))], r)
	case syntax.OpRepeat:
		panic("a simplified expression has no counted repetition")
	}
}

// one is a printable ASCII character of a class, given as pairs of bounds.
func one(class []rune, r *rand.Rand) rune {
	var of []rune
	for c := rune(' '); c <= '~'; c++ {
		for i := 0; i < len(class); i += 2 {
			if class[i] <= c && c <= class[i+1] {
				of = append(of, c)
			}
		}
	}
	if len(of) == 0 {
		return class[0]
	}
	return of[r.IntN(len(of))]
}
