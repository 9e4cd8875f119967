// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Limits of an allow-list.
const (
	maxAllowValues = 10_000
	maxAllowExprs  = 200
	// maxAllowBytes is how long a value can be that is allowed.
	maxAllowBytes = 4096
)

// Allow lists what is no secret: examples of a manual, test accounts, public
// ids. What is allowed stays as it is, whichever rule finds it, also under a
// sensitive key, and also where it is written with escapes. A text that only
// contains what is allowed is masked as before.
type Allow struct {
	// Values are texts that are allowed when they are all that was found.
	Values []string
	// Regexes are expressions (RE2) that match the whole of what was found,
	// which has at most 4 KiB. One that matches any text is refused: nothing
	// switches redaction off.
	Regexes []string
	// Keys are names whose values are not masked for the name's sake, as with
	// AllowedKeys.
	Keys []string
	// Kinds limits all of these to what would be masked as one of them: the
	// kind that the marker would name. Empty is every kind.
	Kinds []Kind
}

// kindSet is a set of kinds; nil is all of them.
type kindSet []kindID

func (s kindSet) has(k kindID) bool { return s == nil || slices.Contains(s, k) }

// allowList is what a Config's Allow compiles to.
type allowList struct {
	values map[string]kindSet
	exprs  []allowExpr
	keys   map[string]kindSet // limited to kinds; the others are in Redactor.allowed
}

type allowExpr struct {
	re    *regexp.Regexp
	kinds kindSet
}

// own compiles the rules and allow-lists of c.
func (r *Redactor) own(c Config) (*ruleSet, error) {
	kinds, rules, err := compileRules(r.kinds, c.Rules)
	if rules == nil {
		return nil, err
	}
	if c.Finder != nil && slices.ContainsFunc(c.Rules, func(r Rule) bool { return len(r.Prefixes) > 0 || r.Regex != "" }) {
		err = errors.Join(err, errors.New("redact: a Finder takes the place of the rules for free text, those with prefixes or a regex among them; give them to it, or drop it"))
	}
	for _, name := range c.AllowedKeys {
		if _, taken := rules.keys[string(normalise(nil, lastSegment(name)))]; taken {
			err = errors.Join(err, fmt.Errorf("redact: allowed key %q is a key of a rule, too; keep it in one", name))
		}
	}
	r.kinds, r.flags = kinds, rules.flags
	allowErr := r.compileAllow(c.Allow, rules)
	for _, name := range c.SensitiveKeys {
		if r.allow != nil && r.allow.lifts(normalise(nil, lastSegment(name)), kindSecret) {
			allowErr = errors.Join(allowErr, fmt.Errorf("redact: sensitive key %q is a key of an allow-list, too; keep it in one", name))
		}
	}
	if err = errors.Join(err, allowErr); err != nil {
		return nil, err
	}
	return rules, nil
}

// compileAllow compiles lists, and returns every error on the way.
func (r *Redactor) compileAllow(lists []Allow, rules *ruleSet) error {
	if len(lists) == 0 {
		return nil
	}
	a := &allowList{values: map[string]kindSet{}, keys: map[string]kindSet{}}
	var errs []error
	for entry := range lists {
		l := &lists[entry]
		failf := func(field string, index int, format string, args ...any) {
			errs = append(errs, &FieldError{List: "allow", Entry: entry, Field: field, Index: index, Err: fmt.Errorf(format, args...)})
		}
		if len(l.Values)+len(l.Regexes)+len(l.Keys) == 0 {
			failf("", -1, "entry allows nothing; use values, regexes or keys")
		}
		var kinds kindSet
		for i, k := range l.Kinds {
			id, known := r.kinds.byName[string(k)]
			switch {
			case !known:
				failf("kinds", i, "is no kind that is built in or that a rule has; see docs/REDACTION.md")
			case id.refusal():
				failf("kinds", i, "says that a value was not looked at; nothing can be allowed under it")
			case kinds != nil && kinds.has(id):
				failf("kinds", i, "is there twice; drop one")
			default:
				kinds = append(kinds, id)
			}
		}
		if kinds == nil && len(l.Kinds) > 0 {
			continue // each was refused: they must not become all kinds
		}
		for i, v := range l.Values {
			switch known, twice := a.values[v]; {
			case v == "":
				failf("values", i, "is empty; an empty value is never masked")
			case len(v) > maxAllowBytes:
				failf("values", i, "has %d bytes; use at most %d", len(v), maxAllowBytes)
			case twice && overlaps(known, kinds):
				failf("values", i, "is there twice; drop one")
			case len(a.values) == maxAllowValues:
				failf("values", i, "is one of more than %d; use regexes", maxAllowValues)
			default:
				a.values[v] = append(known, kinds...)
			}
		}
		for i, expr := range l.Regexes {
			re, err := compileAllowExpr(expr, kinds != nil)
			switch {
			case err != nil:
				failf("regexes", i, "%w", err)
			case len(a.exprs) == maxAllowExprs:
				failf("regexes", i, "is one of more than %d; join some with |", maxAllowExprs)
			default:
				a.exprs = append(a.exprs, allowExpr{re, kinds})
			}
		}
		for i, name := range l.Keys {
			seg := string(normalise(nil, lastSegment(name)))
			kind, taken := rules.keys[seg]
			switch known, twice := a.keys[seg]; {
			case len(seg) < minLiteral:
				failf("keys", i, "has fewer than %d letters and digits; use a longer name", minLiteral)
			case taken && kinds.has(kind):
				failf("keys", i, "is a key of a rule, too; keep it in one")
			case twice && overlaps(known, kinds):
				failf("keys", i, "is there twice; drop one")
			default:
				a.keys[seg] = append(known, kinds...)
			}
		}
	}
	r.allow = a
	return errors.Join(errs...)
}

// overlaps says whether two sets have a kind in common.
func overlaps(a, b kindSet) bool {
	return a == nil || b == nil || slices.ContainsFunc(a, b.has)
}

// compileAllowExpr: limited says that it counts for some kinds only.
func compileAllowExpr(expr string, limited bool) (*regexp.Regexp, error) {
	if len(expr) > maxExpression {
		return nil, fmt.Errorf("expression has %d bytes; use at most %d, or several", len(expr), maxExpression)
	}
	_, tree, _, err := compileExpression(expr, false)
	if err != nil {
		return nil, err
	}
	if minBytes(tree) == 0 {
		return nil, errors.New("expression matches the empty text; name what must be there")
	}
	re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		return nil, errors.New("expression cannot be compiled")
	}
	if !limited && !slices.ContainsFunc(anySecret[:], func(v string) bool { return !re.MatchString(v) }) {
		return nil, errors.New("expression matches any text, which would switch redaction off; name what it allows, or kinds")
	}
	return re, nil
}

// anySecret are texts of no form in common: what matches them all matches
// everything.
var anySecret = [...]string{"orchard", "7b1f09c2d4e85a63", "Qx9zRt4Lm2Vw8Kp1", "c0rrect-Horse!", "93482716"}

// allows says whether text, found as kind, is no secret. dec is how it is
// written.
func (s *Scanner) allows(kind kindID, text string, dec decoding) bool {
	a := s.r.allow
	if a == nil || kind.refusal() || len(text) > 3*maxAllowBytes {
		return false
	}
	if a.has(kind, text) {
		return true
	}
	if dec != decodeNone && a.has(kind, stringOf(s.decodeSecret(text, dec))) {
		return true
	}
	// A value may be written with escapes where nothing says so.
	if dec != decodePercent && strings.IndexByte(text, '%') >= 0 && a.has(kind, stringOf(s.decodeSecret(text, decodePercent))) {
		return true
	}
	return dec != decodeBackslash && strings.IndexByte(text, '\\') >= 0 && a.has(kind, stringOf(s.decodeSecret(text, decodeBackslash)))
}

func (a *allowList) has(kind kindID, text string) bool {
	if kinds, ok := a.values[text]; ok && kinds.has(kind) {
		return true
	}
	if len(text) > maxAllowBytes {
		return false
	}
	for i := range a.exprs {
		if e := &a.exprs[i]; e.kinds.has(kind) && e.re.MatchString(text) {
			return true
		}
	}
	return false
}

// allowsForced is allows for a value that its place makes secret, as the kind
// that its marker would name.
func (s *Scanner) allowsForced(p Place, v string) bool {
	if s.r.allow == nil {
		return false
	}
	switch p.mode {
	case modeArg:
		v = strings.TrimPrefix(strings.Trim(v, "'\""), "pass:")
	case modePair:
		from, to, kind := s.pairSecret(v, 0, p.cmd.command())
		if kind == kindNone {
			return false
		}
		v = v[from:to]
	}
	v = strings.TrimSpace(v)
	kind, dec, ok := s.shape(v)
	if !ok {
		kind, dec = p.kind, decodeNone
	}
	return s.allows(kind, v, dec)
}

// allowsNumber is allowsForced for a number, as it is written.
func (s *Scanner) allowsNumber(p Place, text string) bool {
	return p.kind != kindNone && int(p.depth) <= s.r.maxDepth && s.allows(p.kind, text, decodeNone)
}

// withoutAllowed drops spans of what is allowed. Spans are merged before, so
// that a longer secret which has it in it stays one.
func (s *Scanner) withoutAllowed(spans []span, v string) []span {
	if s.r.allow == nil {
		return spans
	}
	return slices.DeleteFunc(spans, func(sp span) bool { return s.allows(sp.kind, v[sp.start:sp.end], sp.dec) })
}

// lifts says whether the name seg, which is normalised, makes no secret of kind.
func (a *allowList) lifts(seg []byte, kind kindID) bool {
	kinds, ok := a.keys[string(seg)]
	return ok && kinds.has(kind)
}

// names says whether seg is one of the keys.
func (a *allowList) names(seg []byte) bool {
	_, ok := a.keys[string(seg)]
	return ok
}
