// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// gitleaks writes most of its rules with two helpers: a name with the vendor's
// keyword, an operator and the value; or a unique token and what ends it.
// These are their parts.
var (
	operators = forms(`(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)`)
	endings   = forms(`(?:[\x60'"\s;]|\\[nr]|$)`)
)

// forms is an expression as the parser prints it, with and without case.
func forms(expr string) []string {
	var out []string
	for _, flags := range []string{"", "(?i)"} {
		re, err := syntax.Parse(flags+expr, syntax.Perl)
		if err != nil {
			panic(err)
		}
		out = append(out, re.String())
	}
	return out
}

// flat is the list of what a concatenation consists of.
func flat(re *syntax.Regexp) []*syntax.Regexp {
	if re.Op == syntax.OpConcat {
		return re.Sub
	}
	return []*syntax.Regexp{re}
}

// keywordForm takes "keyword near an assignment" apart: what the keyword is,
// and what the value.
func keywordForm(re *syntax.Regexp) (name []*syntax.Regexp, value *syntax.Regexp, ok bool) {
	subs := flat(re)
	op := slices.IndexFunc(subs, func(r *syntax.Regexp) bool { return slices.Contains(operators, r.String()) })
	if op < 0 {
		return nil, nil, false
	}
	name = subs[:op]
	for len(name) > 0 && isRepeat(name[0], 50) {
		name = name[1:]
	}
	for _, n := range []int{3, 20} {
		if len(name) == 0 || !isRepeat(name[len(name)-1], n) {
			return nil, nil, false
		}
		name = name[:len(name)-1]
	}
	rest := subs[op+1:]
	if len(rest) != 3 || !isRepeat(rest[0], 5) || rest[1].Op != syntax.OpCapture || !slices.Contains(endings, rest[2].String()) {
		return nil, nil, false
	}
	return name, rest[1], len(name) > 0
}

func isRepeat(re *syntax.Regexp, n int) bool {
	return re.Op == syntax.OpRepeat && re.Min == 0 && re.Max == n
}

// keywords are the literals that a name must hold. Where they are many
// spellings of one, they share their start, and one of the words must follow.
func keywords(name []*syntax.Regexp) (literals, words []string, err error) {
	alts, err := concat(name)
	if err != nil {
		return nil, nil, err
	}
	for _, alt := range alts {
		texts, err := spellings(alt)
		if err != nil {
			return nil, nil, err
		}
		for _, text := range texts {
			// A comma that got into a name: "new-york-times,".
			literals = append(literals, strings.TrimRight(text, ","))
		}
	}
	slices.Sort(literals)
	literals = slices.Compact(literals)
	if len(literals) > 8 {
		ends, err := expand(name[len(name)-1])
		if err != nil {
			return nil, nil, err
		}
		for _, alt := range ends {
			if len(alt) != 1 || alt[0].set != nil {
				return nil, nil, fmt.Errorf("%d keywords", len(literals))
			}
			words = append(words, alt[0].text)
		}
		literals = []string{commonPrefix(literals)}
	}
	// What another one starts is found with it.
	literals = slices.DeleteFunc(slices.Clone(literals), func(l string) bool {
		return slices.ContainsFunc(literals, func(k string) bool { return k != l && strings.HasPrefix(l, k) })
	})
	for _, l := range literals {
		if len(l) < 4 {
			return nil, nil, fmt.Errorf("keyword %q is too short", l)
		}
	}
	return literals, words, nil
}

// spellings are the texts that a list of texts and small sets stands for.
func spellings(alt []element) ([]string, error) {
	out := []string{""}
	for _, e := range alt {
		var next []string
		for _, head := range out {
			switch {
			case e.set == nil:
				next = append(next, head+strings.ToLower(e.text))
			case e.max == 1 && e.set.count() <= 4:
				if e.min == 0 {
					next = append(next, head)
				}
				for c := range e.set {
					if e.set[c] {
						next = append(next, head+strings.ToLower(string(rune(c))))
					}
				}
			default:
				return nil, fmt.Errorf("a keyword with a run of characters")
			}
		}
		out = next
	}
	return out, nil
}

func commonPrefix(texts []string) string {
	prefix := texts[0]
	for _, t := range texts {
		for !strings.HasPrefix(t, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}
