// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package rulefile

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// draws is how often a line with generators is tried.
const draws = 8

// maxGenerated is how long one generated part may be.
const maxGenerated = 4096

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// A generator draws from groups of characters. Each group is in what it draws,
// where there is room: a secret without a digit is a word to some rules.
type generator struct {
	groups []string
	extra  string // may be in it
}

var generators = map[string]generator{
	"digits":     {groups: []string{digits}},
	"lower":      {groups: []string{lower}},
	"upper":      {groups: []string{upper}},
	"letters":    {groups: []string{lower, upper}},
	"loweralnum": {groups: []string{digits, lower}},
	"upperalnum": {groups: []string{digits, upper}},
	"hex":        {groups: []string{digits, "abcdef"}},
	"alnum":      {groups: []string{digits, lower, upper}},
	"word":       {groups: []string{digits, lower, upper}, extra: "_"},
	"token":      {groups: []string{digits, lower, upper}, extra: "_-"},
	"base64":     {groups: []string{digits, lower, upper}, extra: "+/"},
	"base64url":  {groups: []string{digits, lower, upper}, extra: "-_"},
}

var generated = regexp.MustCompile(`\{([a-z][a-z0-9]*):([0-9]+)\}`)

// checkGenerators says what is wrong with the generators in a text.
func checkGenerators(text string) error {
	for _, m := range generated.FindAllStringSubmatch(text, -1) {
		if _, ok := generators[m[1]]; !ok {
			var names []string
			for name := range generators {
				names = append(names, name)
			}
			slices.Sort(names)
			return fmt.Errorf("has a generator of an unknown name; known are %s", strings.Join(names, ", "))
		}
		if n, err := strconv.Atoi(m[2]); err != nil || n < 1 || n > maxGenerated {
			return fmt.Errorf("has a generator of a length that is not between 1 and %d", maxGenerated)
		}
	}
	return nil
}

// generate expands the generators in a text. The same text and draw give the
// same result, on every machine.
func generate(text string, draw int) string {
	if !generated.MatchString(text) {
		return text
	}
	h := fnv.New64a()
	h.Write([]byte(text))
	rng := rand.New(rand.NewPCG(h.Sum64(), uint64(draw)))
	return generated.ReplaceAllStringFunc(text, func(m string) string {
		name, length, _ := strings.Cut(m[1:len(m)-1], ":")
		n, _ := strconv.Atoi(length)
		return generators[name].draw(rng, n)
	})
}

func (g generator) draw(rng *rand.Rand, n int) string {
	chars := strings.Join(g.groups, "") + g.extra
	b := make([]byte, n)
	for i := range b {
		// The ends are of a group: a secret rarely ends in '-' or '/'.
		from := chars
		if i == 0 || i == n-1 {
			from = chars[:len(chars)-len(g.extra)]
		}
		b[i] = from[rng.IntN(len(from))]
	}
	if n > len(g.groups) {
		for i, at := range rng.Perm(n)[:len(g.groups)] {
			b[at] = g.groups[i][rng.IntN(len(g.groups[i]))]
		}
	}
	return string(b)
}
