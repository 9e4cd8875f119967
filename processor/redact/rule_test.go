// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var acmeRules = []Rule{
	{Kind: "acme-token", Prefixes: []string{"acme_live_", "acme_test_"}, Chars: "A-Za-z0-9_-", MinLength: 24, MaxLength: 64},
	{Kind: "acme-seal", Prefixes: []string{"seal:"}, Chars: "!-~", MinLength: 8},
	{Kind: "acme-pin", Regex: `\bPIN[ :=]+(?P<secret>\d{6})$`, Literals: []string{"PIN"}, IgnoreCase: true},
	{Kind: "acme-badge", Keys: []string{"floor_plan", "acme.door"}, Flags: []string{"--acme-pin", "-apw"}},
	{Kind: "password", Keys: []string{"geheim"}, Flags: []string{"--losung"}},
}

func TestRules(t *testing.T) {
	body := seq(30, alnumChars)
	s := ownScanner(t, acmeRules...)
	for _, c := range []struct{ in, want string }{
		{"use acme_live_" + body + ", please", "use [REDACTED:acme-token], please"},
		{"acme_test_" + body, "[REDACTED:acme-token]"},
		{`{\"t\":\"acme_live_` + body + `\"}`, `{\"t\":\"[REDACTED:acme-token]\"}`},
		{"https://x.example/acme_live_" + body + "?a=1", "https://x.example/[REDACTED:acme-token]?a=1"},
		{"token=acme_live_" + body, "token=[REDACTED:acme-token]"},
		{"acme_live_docs are here", ""},
		{"xacme_live_" + body, ""},
		{"ACME_LIVE_" + body, ""},
		{"acme_live_" + strings.Repeat("ab1", 22), ""}, // 66: longer than any
		{"seal:1234567.", "[REDACTED:acme-seal]"},      // '.' is one of its characters, and needed
		{"seal:a-b+c/d=!~.", "[REDACTED:acme-seal]."},
		{"seal:1234567", ""},
		{"your pin: 123456", "your pin: [REDACTED:acme-pin]"},
		{"your pin: 123456 ok", ""},
		{"floor_plan=4711", "floor_plan=[REDACTED:acme-badge]"},
		{"FloorPlan: 4711", "FloorPlan: [REDACTED:acme-badge]"},
		{"acme.door=4711", "acme.door=[REDACTED:acme-badge]"},
		{"geheim=4711", "geheim=[REDACTED:password]"},
		{"open --acme-pin 4711 now", "open --acme-pin [REDACTED:acme-badge] now"},
		{"open --acme-pin=4711 now", "open --acme-pin=[REDACTED:acme-badge] now"},
		{"open --acme-pin '47 11' now", "open --acme-pin '[REDACTED:acme-badge]' now"},
		{"--acme-pin 4711", "--acme-pin [REDACTED:acme-badge]"},
		{"open -apw 4711", "open -apw [REDACTED:acme-badge]"},
		{`["open","--acme-pin","4711"]`, `["open","--acme-pin","[REDACTED:acme-badge]"]`},
		{"open --losung x9", "open --losung [REDACTED:password]"},
		{"open --acme-pin-file 4711", ""},
		{"open --acme-pin --force", ""},
		{"open ---acme-pin", ""},
		{"acme-pin: 4711", ""},
		{"open --acme-pin", ""},
		{"--acme-pin [REDACTED:acme-badge]", ""},
		{"[REDACTED:acme-token] and [REDACTED:acme-pin]", ""},
	} {
		want := c.want
		if want == "" {
			want = c.in
		}
		if got, _ := s.Text(s.Root(), c.in); got != want {
			t.Errorf("%q: got %q, want %q", c.in, got, want)
		}
	}
	if got, _ := s.Text(s.Field(s.Root(), "floor-plan"), "basement"); got != "[REDACTED:acme-badge]" {
		t.Errorf("under a key: %q", got)
	}
	if got, _ := s.Text(s.Element(s.Root(), "--acme-pin"), "4711"); got != "[REDACTED:acme-badge]" {
		t.Errorf("behind a flag: %q", got)
	}
	if m, masked := s.Scalar(s.Field(s.Root(), "floor_plan")); !masked || m != "[REDACTED:acme-badge]" {
		t.Errorf("a number under a key: %q", m)
	}
	if got, _ := s.JSON(nil, s.Root(), `{"a":[{"name":"acme.door","value":7}],"argv":["x","-apw","y"]}`); string(got) != `{"a":[{"name":"acme.door","value":"[REDACTED:acme-badge]"}],"argv":["x","-apw","[REDACTED:acme-badge]"]}` {
		t.Errorf("in JSON: %s", got)
	}
}

// A user's flag keeps what the command before it means.
func TestRuleFlagInACommand(t *testing.T) {
	s := ownScanner(t, acmeRules...)
	prev, out := "", ""
	for _, arg := range []string{"curl", "--acme-pin", "4711", "-u", "bob:hunter2", "https://x.example"} {
		v, _ := s.Text(s.Element(s.Root(), prev), arg)
		prev, out = arg, out+" "+v
	}
	if want := " curl --acme-pin [REDACTED:acme-badge] -u bob:[REDACTED:password] https://x.example"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// What a marker is made of triggers no rule, and what a rule finds keeps
// markers whole.
func TestRulesAndMarkers(t *testing.T) {
	s := ownScanner(t,
		Rule{Kind: "one", Regex: `REDACTED.{3}`},
		Rule{Kind: "two", Prefixes: []string{"pass", "error"}, Chars: "a-z", MinLength: 2},
		Rule{Kind: "three", Regex: `end [^ ]+ [^ ]{9}`},
		Rule{Kind: "four", Regex: `[^ ]{5} start`},
		Rule{Kind: "five", Keys: []string{"error", "redacted"}},
	)
	for _, c := range []struct{ in, want string }{
		{"[REDACTED:password]", ""},
		{"x [REDACTED:error] x", ""},
		{"[REDACTED:aws-access-key-id:****F6B1]", ""},
		{"end x [REDACTED:password] x", "[REDACTED:three] x"},
		{"x [REDACTED:password] start", "x [REDACTED:four]"},
		{"REDACTED xy", "[REDACTED:one]"},
		{"[REDACTED:nothing]", "[[REDACTED:one]]"},
	} {
		want := c.want
		if want == "" {
			want = c.in
		}
		got, _ := s.Text(s.Root(), c.in)
		if got != want {
			t.Errorf("%q: got %q, want %q", c.in, got, want)
		}
		if again, changed := s.Text(s.Root(), got); changed {
			t.Errorf("%q: twice is %q", got, again)
		}
	}
}

func TestRuleErrors(t *testing.T) {
	prefix := Rule{Kind: "acme-token", Prefixes: []string{"acme_"}, Chars: "a-z", MinLength: 8}
	with := func(change func(r *Rule)) Rule {
		r := prefix
		change(&r)
		return r
	}
	many := make([]string, maxPerRule+1)
	for i := range many {
		many[i] = fmt.Sprintf("acme-%d", i)
	}
	for name, c := range map[string]struct {
		rule  Rule
		field string
		index int
		want  string
	}{
		"no kind":         {with(func(r *Rule) { r.Kind = "" }), "kind", -1, "no name"},
		"capitals":        {with(func(r *Rule) { r.Kind = "Hunter2" }), "kind", -1, "no name"},
		"long kind":       {with(func(r *Rule) { r.Kind = Kind("a" + strings.Repeat("b", 32)) }), "kind", -1, "no name"},
		"a refusal":       {with(func(r *Rule) { r.Kind = "error" }), "kind", -1, "not looked at"},
		"no trigger":      {Rule{Kind: "acme"}, "", -1, "no trigger"},
		"no chars":        {with(func(r *Rule) { r.Chars = "" }), "chars", -1, "missing"},
		"reversed":        {with(func(r *Rule) { r.Chars = "z-a" }), "chars", -1, "no set"},
		"a space":         {with(func(r *Rule) { r.Chars = "a-z " }), "chars", -1, "no set"},
		"no length":       {with(func(r *Rule) { r.MinLength = 0 }), "length", -1, "min is 0"},
		"max below min":   {with(func(r *Rule) { r.MaxLength = 7 }), "length", -1, "max is 7"},
		"huge":            {with(func(r *Rule) { r.MinLength = 5000 }), "length", -1, "4096"},
		"short prefix":    {with(func(r *Rule) { r.Prefixes = []string{"acme_", "ac"} }), "prefixes", 1, "2 bytes"},
		"same prefix":     {with(func(r *Rule) { r.Prefixes = []string{"acme_", "acme_"} }), "prefixes", 1, "twice"},
		"binary prefix":   {with(func(r *Rule) { r.Prefixes = []string{"ac\x00me"} }), "prefixes", 0, "printable"},
		"many prefixes":   {with(func(r *Rule) { r.Prefixes = many }), "prefixes", -1, "at most 100"},
		"chars alone":     {Rule{Kind: "acme", Keys: []string{"acme"}, Chars: "a"}, "chars", -1, "belongs to prefixes"},
		"length alone":    {Rule{Kind: "acme", Keys: []string{"acme"}, MinLength: 1}, "length", -1, "belongs to prefixes"},
		"literals alone":  {Rule{Kind: "acme", Keys: []string{"acme"}, Literals: []string{"abc"}}, "literals", -1, "belong to a regex"},
		"bad regex":       {Rule{Kind: "acme", Regex: "hunter2("}, "regex", -1, "missing closing )"},
		"short literal":   {Rule{Kind: "acme", Regex: "PIN[0-9]", Literals: []string{"PIN", "PI"}}, "literals", 1, "2 bytes"},
		"short key":       {Rule{Kind: "acme", Keys: []string{"a-b"}}, "keys", 0, "no run of 3"},
		"key twice":       {Rule{Kind: "acme", Keys: []string{"floor_plan", "FloorPlan"}}, "keys", 1, "twice"},
		"a judged kind":   {Rule{Kind: "basic-auth", Keys: []string{"floor"}}, "kind", -1, "judged"},
		"no flag":         {Rule{Kind: "acme", Flags: []string{"pin"}}, "flags", 0, "no flag"},
		"flag with value": {Rule{Kind: "acme", Flags: []string{"--pin=hunter2"}}, "flags", 0, "write the flag alone"},
		"short flag":      {Rule{Kind: "acme", Flags: []string{"-p"}}, "flags", 0, "no flag"},
	} {
		_, err := New(Config{Rules: []Rule{{Kind: "fine", Keys: []string{"fine"}}, c.rule}})
		var fe *FieldError
		switch {
		case !errors.As(err, &fe):
			t.Errorf("%s: error is %v, want a FieldError", name, err)
		case fe.List != "rules" || fe.Entry != 1 || fe.Field != c.field || fe.Index != c.index || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: error is %v, want one of field %q, index %d, with %q", name, err, c.field, c.index, c.want)
		case strings.Contains(strings.ToLower(err.Error()), "hunter2"):
			t.Errorf("%s: the error quotes what may be a secret: %v", name, err)
		}
	}
	if _, err := New(Config{Rules: make([]Rule, MaxRules+1)}); err == nil || !strings.Contains(err.Error(), "501 rules") {
		t.Errorf("many rules: %v", err)
	}
	// All errors at once.
	_, err := New(Config{Rules: []Rule{{}, {Kind: "error"}}, Allow: []Allow{{}}})
	if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != 5 {
		t.Errorf("%d errors, want 5: %v", n, err)
	}
}

// Kinds of rules are known behind the built-in ones, and name a secret that a
// built-in rule finds, too.
func TestRuleKinds(t *testing.T) {
	r, err := New(Config{Rules: []Rule{
		{Kind: "acme-token", Prefixes: []string{"ghp_"}, Chars: "A-Za-z0-9", MinLength: 30},
		{Kind: "github-token", Prefixes: []string{"acmehub_"}, Chars: "a-z", MinLength: 8},
		{Kind: "acme-token", Keys: []string{"acme_thing"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	kinds := r.Kinds()
	if len(kinds) != len(Kinds())+1 || kinds[len(kinds)-1] != "acme-token" {
		t.Errorf("%d kinds, the last is %q", len(kinds), kinds[len(kinds)-1])
	}
	s := r.Scanner()
	if got, _ := s.Text(s.Root(), ghp+" acmehub_abcdefgh"); got != "[REDACTED:acme-token] [REDACTED:github-token]" {
		t.Errorf("got %q", got)
	}
	// Without the rule, its marker is text.
	plain := newScanner(t, Config{})
	if got, _ := plain.Text(plain.Field(plain.Root(), "password"), "[REDACTED:acme-token]"); got != "[REDACTED:password]" {
		t.Errorf("a marker of an unknown kind: %q", got)
	}
}

// A rule may have any built-in kind that is no refusal, whatever else is
// configured: its marker is one that is known, and is left alone.
func TestRulesOfBuiltInKinds(t *testing.T) {
	for _, kind := range Kinds() {
		rule := Rule{Kind: kind, Prefixes: []string{"acme_"}, Chars: "a-z0-9@.", MinLength: 8, Regex: `PIN=(\S+)`, Keys: []string{"floor_plan"}, Flags: []string{"--acme-pin"}}
		id := builtinKinds.byName[string(kind)]
		if slices.Contains(judgedKinds, id) {
			rule.Keys, rule.Flags = nil, nil
		}
		for _, c := range []Config{{}, {FingerprintKey: testKey}, {FingerprintKey: testKey, PII: PII{Email: PolicyFingerprint, IP: PolicyTruncate, Phone: PolicyMask}, AccessKeyIDs: PolicyKeep}} {
			c.Rules = []Rule{rule}
			r, err := New(c)
			if id.refusal() {
				if err == nil {
					t.Errorf("%s: a refusal is the kind of a rule", kind)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			s := r.Scanner()
			for _, v := range []string{"acme_12345678", "PIN=abc", "floor_plan=x9y8", "--acme-pin x9y8"} {
				if rule.Keys == nil && !strings.Contains(v, "acme_") && !strings.Contains(v, "PIN") {
					continue
				}
				got, changed := s.Text(s.Root(), v)
				if !changed || !strings.Contains(got, "[REDACTED:"+string(kind)) {
					t.Errorf("%s: %q became %q", kind, v, got)
				}
				if again, changed := s.Text(s.Root(), got); changed {
					t.Errorf("%s: %q became %q, and then %q", kind, v, got, again)
				}
			}
			if rule.Keys != nil {
				if got, _ := s.Text(s.Field(s.Root(), "floor_plan"), "basement"); !strings.Contains(got, "[REDACTED:"+string(kind)) {
					t.Errorf("%s: under a key: %q", kind, got)
				}
			}
		}
	}
}

// An expression that costs too much, or breaks, masks the whole value.
func TestPatternFailsClosed(t *testing.T) {
	s := ownScanner(t, Rule{Kind: "acme-pin", Regex: `PIN[0-9]{4}`})
	for i := range s.r.matcher.lits {
		if p := s.r.matcher.lits[i].pat; p != nil {
			p.re = nil
		}
	}
	if got, _ := s.Text(s.Root(), "PIN1234 and more"); got != "[REDACTED:error]" {
		t.Errorf("a rule that panics: %q", got)
	}
	// A large program, on a text that is full of its literal.
	slow := ownScanner(t, Rule{Kind: "acme-pin", Regex: `PIN(?:[a-z]{1,400}[0-9]){2}!`})
	if got, _ := slow.Text(slow.Root(), strings.Repeat("PINabc ", 30000)); got != "[REDACTED:error]" {
		t.Errorf("an expression that costs too much: %.60q", got)
	}
	if got, _ := slow.Text(slow.Root(), "PINabc1def2! and more"); got != "[REDACTED:acme-pin] and more" {
		t.Errorf("the same, on an ordinary text: %q", got)
	}
	if got, _ := s.Text(s.Root(), "quite ordinary"); got != "quite ordinary" {
		t.Errorf("after a panic: %q", got)
	}
	if spans := s.Find("PIN1234 and more", nil); len(spans) != 1 || spans[0].Kind != "error" {
		t.Errorf("Find: %v", spans)
	}
}

// Each literal's surroundings are read once, however many there are.
func TestPatternIsLinear(t *testing.T) {
	s := ownScanner(t,
		Rule{Kind: "a-a", Regex: `[a-z]*PIN[a-z]*=\d`},
		Rule{Kind: "b-b", Regex: `[A-Za-z]+PIN[A-Za-z]+\d{0,9}`},
		Rule{Kind: "c-c", Prefixes: []string{"pre_"}, Chars: "a-z_", MinLength: 1 << 10},
		Rule{Kind: "d-d", Flags: []string{"--pin"}},
	)
	if spans := s.find(strings.Repeat("pre_", 1<<16)); len(spans) != 1 || spans[0].kind == kindError {
		t.Errorf("a run full of prefixes is read more than once: %v", spans)
	}
	for _, v := range []string{
		strings.Repeat("PIN", 1<<19), strings.Repeat("pre_", 1<<18), strings.Repeat("--pin ", 1<<18), strings.Repeat("--pin '", 1<<17),
		strings.Repeat(strings.Repeat("x", 3000)+"PIN", 300), strings.Repeat(strings.Repeat("x", 3000)+"PIN=1", 300), strings.Repeat("\x80", 1<<20) + "PIN",
	} {
		read := 0
		s.find(v)
		for _, st := range s.met[:cap(s.met)] {
			if st.p != nil {
				read = max(read, st.read)
			}
		}
		if read > 4*len(v)+4*patternReach {
			t.Errorf("%.20q…: an expression read %d bytes of %d", v, read, len(v))
		}
		clear(s.met[:cap(s.met)])
	}
}
