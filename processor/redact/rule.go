// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a user's rules and allow-lists.
const (
	// MaxRules is how many rules a Config may have.
	MaxRules = 500
	// maxPerRule is how many prefixes, keys or flags one rule may have.
	maxPerRule = 100
	// maxTrigger is how long a prefix, a literal or a name may be.
	maxTrigger = 64
	// maxSecretLength is how long what follows a prefix may be.
	maxSecretLength = 4096
)

// A Rule finds secrets that no other rule knows. It has a Kind and at least one
// trigger: Prefixes, a Regex, Keys or Flags.
type Rule struct {
	// Kind names what is found, in markers and counts: a kind of [Kinds], or a
	// name of its own of [a-z][a-z0-9-]{1,31}. Everything that redacts the same
	// records should have the same rules: a marker of an unknown kind is text.
	Kind Kind

	// Prefixes begin a secret. MinLength to MaxLength characters of Chars
	// follow: ASCII characters and ranges of them, such as A-Za-z0-9_-.
	// MaxLength 0 is no limit; what is longer than a limit is no match.
	// A prefix has three bytes or more.
	Prefixes             []string
	Chars                string
	MinLength, MaxLength int

	// Regex is an expression of Go's regexp package (RE2). Masked is the group
	// named secret, else the first group, else the whole match. It is run only
	// around Literals, at least one of which stands in every match: within its
	// own length of one, or within 1 KiB if it has no greatest length. Literals
	// have three bytes or more; without them they are derived, where the
	// expression has some.
	Regex    string
	Literals []string

	// IgnoreCase makes prefixes and Regex match letters of any case.
	IgnoreCase bool

	// Keys are names whose values are masked, in maps and in text
	// (name=value). Case, '-' and '_' do not matter; of a dotted name the last
	// segment counts, as in SensitiveKeys.
	Keys []string
	// Flags are elements of an argv, or words of a command line, behind which
	// a secret stands: --acme-pin. They count as they are written.
	Flags []string
}

// A FieldError says which field of which rule or allow-list is wrong. [New]
// returns all of them, joined.
type FieldError struct {
	List  string // "rules" or "allow"
	Entry int    // its index in the list
	Field string // as in a rule file: "kind", "prefixes", "regex", …
	Index int    // in a field that is a list; else -1
	Err   error  // what is wrong; it holds no value of an allow-list and no expression
}

func (e *FieldError) Error() string {
	at := fmt.Sprintf("%s[%d]", e.List, e.Entry)
	if e.Field != "" {
		at += "." + e.Field
		if e.Index >= 0 {
			at += fmt.Sprintf("[%d]", e.Index)
		}
	}
	return fmt.Sprintf("redact: %s: %v", at, e.Err)
}

func (e *FieldError) Unwrap() error { return e.Err }

// ruleSet is what a Config's rules compile to.
type ruleSet struct {
	kinds []Kind // that are new
	lits  []literal
	keys  map[string]kindID // by normalised name
	flags map[string]kindID
}

// ruleCompiler collects what rules compile to, and every error on the way.
type ruleCompiler struct {
	table *kindTable
	out   ruleSet
	seen  map[string]bool // triggers, which no two rules share
	errs  []error

	entry int
	rule  *Rule
	kind  kindID
}

// compileRules compiles rules, and returns t with their kinds.
func compileRules(t *kindTable, rules []Rule) (*kindTable, *ruleSet, error) {
	if len(rules) > MaxRules {
		return nil, nil, fmt.Errorf("redact: there are %d rules; use at most %d: one rule may have several prefixes, keys and flags", len(rules), MaxRules)
	}
	c := &ruleCompiler{table: t, seen: map[string]bool{}}
	c.out.keys, c.out.flags = map[string]kindID{}, map[string]kindID{}
	for i := range rules {
		if err := checkKind(rules[i].Kind); err == nil {
			c.out.kinds = append(c.out.kinds, rules[i].Kind)
		}
	}
	c.table = t.with(c.out.kinds)
	for i := range rules {
		c.entry, c.rule = i, &rules[i]
		c.compile()
	}
	return c.table, &c.out, errors.Join(c.errs...)
}

func (c *ruleCompiler) failf(field string, index int, format string, args ...any) {
	c.errs = append(c.errs, &FieldError{List: "rules", Entry: c.entry, Field: field, Index: index, Err: fmt.Errorf(format, args...)})
}

// checkKind says whether a rule may have the kind.
func checkKind(k Kind) error {
	if id, known := builtinKinds.byName[string(k)]; known {
		if id.refusal() {
			return fmt.Errorf("kind %q says that a value was not looked at; use another", k)
		}
		return nil
	}
	if len(k) < 2 || len(k) > maxKindName || !in(k[0], setLower) {
		return errors.New("kind is no name; use 2 to 32 of a-z, 0-9 and '-', a letter first, such as acme-token")
	}
	for i := 0; i < len(k); i++ {
		if !in(k[i], setLower|setDigit) && k[i] != '-' {
			return errors.New("kind is no name; use 2 to 32 of a-z, 0-9 and '-', a letter first, such as acme-token")
		}
	}
	return nil
}

// maxKindName is what maxMarker leaves room for.
const maxKindName = 32

func (c *ruleCompiler) compile() {
	r := c.rule
	if err := checkKind(r.Kind); err != nil {
		c.failf("kind", -1, "%w", err)
	}
	c.kind = c.table.byName[string(r.Kind)]
	if len(r.Prefixes) == 0 && r.Regex == "" && len(r.Keys) == 0 && len(r.Flags) == 0 {
		c.failf("", -1, "rule has no trigger; use prefixes, regex, keys or flags")
	}
	c.prefixes()
	c.regex()
	c.names("keys", r.Keys, c.key)
	c.names("flags", r.Flags, c.flag)
}

// trigger says whether a trigger is well formed and not taken.
func (c *ruleCompiler) trigger(field string, i int, text string) bool {
	switch {
	case len(text) < minLiteral || len(text) > maxTrigger:
		c.failf(field, i, "has %d bytes; use %d to %d", len(text), minLiteral, maxTrigger)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		c.failf(field, i, "is no printable text")
	case c.seen[field+":"+text]:
		c.failf(field, i, "is there twice; drop one")
	default:
		c.seen[field+":"+text] = true
		return true
	}
	return false
}

func (c *ruleCompiler) prefixes() {
	r := c.rule
	if len(r.Prefixes) == 0 {
		if r.Chars != "" {
			c.failf("chars", -1, "belongs to prefixes, which the rule has not")
		}
		if r.MinLength != 0 || r.MaxLength != 0 {
			c.failf("length", -1, "belongs to prefixes, which the rule has not")
		}
		return
	}
	if len(r.Prefixes) > maxPerRule {
		c.failf("prefixes", -1, "there are %d; use at most %d, or several rules", len(r.Prefixes), maxPerRule)
		return
	}
	p := &pattern{run: &prefixRun{min: r.MinLength, max: r.MaxLength}}
	var err error
	if p.run.set, err = parseChars(r.Chars); err != nil {
		c.failf("chars", -1, "%w", err)
	}
	switch {
	case r.MinLength < 1:
		c.failf("length", -1, "min is %d; use 1 or more: how many characters follow the prefix at least", r.MinLength)
	case r.MinLength > maxSecretLength || r.MaxLength > maxSecretLength:
		c.failf("length", -1, "is more than %d; use less, or no max", maxSecretLength)
	case r.MaxLength < 0 || r.MaxLength > 0 && r.MaxLength < r.MinLength:
		c.failf("length", -1, "max is %d; use %d (min) or more, or no max", r.MaxLength, r.MinLength)
	}
	for i, text := range r.Prefixes {
		if r.IgnoreCase {
			text = foldASCII(text)
		}
		if c.trigger("prefixes", i, text) {
			c.out.lits = append(c.out.lits, literal{text: text, fold: r.IgnoreCase, rule: rulePattern, kind: c.kind, pat: p})
		}
	}
}

func (c *ruleCompiler) regex() {
	r := c.rule
	if r.Regex == "" {
		if len(r.Literals) > 0 {
			c.failf("literals", -1, "belong to a regex, which the rule has not")
		}
		return
	}
	p, err := newPattern(r.Regex, r.Literals, r.IgnoreCase)
	var bad *FieldError
	switch {
	case errors.As(err, &bad):
		c.failf(bad.Field, bad.Index, "%w", bad.Err)
	case err != nil:
		c.failf("regex", -1, "%w", err)
	default:
		c.out.lits = append(c.out.lits, p.literals(c.kind)...)
	}
}

// judgedKinds have values that are judged by their own form, also under a name.
var judgedKinds = []kindID{kindAuthorization, kindBasicAuth, kindCookie, kindVaultSecretID}

func (c *ruleCompiler) names(field string, names []string, add func(i int, name string)) {
	if len(names) == 0 {
		return
	}
	if len(names) > maxPerRule {
		c.failf(field, -1, "there are %d; use at most %d, or several rules", len(names), maxPerRule)
		return
	}
	if slices.Contains(judgedKinds, c.kind) {
		c.failf("kind", -1, "kind %q is judged by the form of the value, also under a name; use another for %s, such as secret", c.rule.Kind, field)
		return
	}
	for i, name := range names {
		add(i, name)
	}
}

func (c *ruleCompiler) key(i int, name string) {
	word := longestWord(name)
	if len(word) < minLiteral {
		c.failf("keys", i, "has no run of %d letters or digits; use a longer name", minLiteral)
		return
	}
	if !c.trigger("keys", i, string(normalise(nil, name))) {
		return
	}
	addKey(c.out.keys, name, c.kind)
	if !c.seen["word:"+word] {
		c.seen["word:"+word] = true
		c.out.lits = append(c.out.lits, keyLiteral(word))
	}
}

// keyLiteral is a word of a key name that a user names. It is no plain
// ruleWord: it may stand in markers, too.
func keyLiteral(word string) literal {
	return literal{text: word, fold: true, rule: rulePattern, pat: &pattern{word: true}}
}

// addKey adds a name whose values are of kind: as a whole, and its last segment
// as names are looked up.
func addKey(keys map[string]kindID, name string, kind kindID) {
	keys[string(normalise(nil, name))] = kind
	keys[string(normalise(nil, lastSegment(name)))] = kind
}

func (c *ruleCompiler) flag(i int, flag string) {
	switch {
	case len(flag) < minLiteral || flag[0] != '-' && flag[0] != '/':
		c.failf("flags", i, "is no flag; write it as it stands in the command line, such as --acme-pin")
		return
	case strings.ContainsAny(flag, " =\t'\"`"):
		c.failf("flags", i, "has a space, a quote or '=' in it; write the flag alone, such as --acme-pin")
		return
	}
	if !c.trigger("flags", i, flag) {
		return
	}
	c.out.flags[flag] = c.kind
	c.out.lits = append(c.out.lits, literal{text: flag, rule: rulePattern, kind: c.kind, pat: &pattern{flag: c.kind}})
}
