// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
)

func TestRequiredLiterals(t *testing.T) {
	for expr, want := range map[string]string{
		`acme_[a-z]{8}`:                  "acme_",
		`\bPIN[ :=]+(\d{6})$`:            "PIN", // three spellings of [ :=] do not repeat exactly
		`(?i)\bpin[ :=]+(\d{6})`:         "pin~",
		`(foo|barbaz)_\d{4}`:             "barbaz_ foo_",
		`(foo|ba)\d{4}`:                  "",
		`[a-z]{4}-acme-\d+`:              "-acme-",
		`x{3}\d`:                         "xxx",
		`(?:abc){2,}\d`:                  "abcabc",
		`(?:key|token)?=secret-\d`:       "=secret-", // what the longer ones hold, too
		`https?://acme\.example/(\w+)`:   "http://acme.example/ https://acme.example/",
		`\d+`:                            "",
		`(acme)*\d{9}`:                   "",
		`(acme)+\d{9}`:                   "acme",
		`(?i:acme)Key\d`:                 "acmekey~",
		`(?i)größe\d`:                    "",
		`(?i)schlüsselwort\d`:            "sselwort~",
		`[ab]cde|[fg]hij`:                "acde bcde fhij ghij",
		`a(b|c)d(e|f)g\d`:                "abdeg abdfg acdeg acdfg",
		`(?s)BEGIN.*ACME-SECRET.*\bEND9`: "ACME-SECRET",
	} {
		tree, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range requiredLiterals(tree) {
			text := l.text
			if l.fold {
				text += "~"
			}
			got = append(got, text)
		}
		slices.Sort(got)
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: literals are %q, want %q", expr, s, want)
		}
	}
}

func TestPatternRefuses(t *testing.T) {
	for _, c := range []struct {
		expr     string
		literals []string
		want     string
	}{
		{"", nil, "empty text"},
		{`a*`, []string{"aaa"}, "empty text"},
		{`\b`, []string{"aaa"}, "empty text"},
		{`(?P<secret>)foobar`, nil, "can only be empty"},
		{`foobar (\b)`, nil, "can only be empty"},
		{`abc`, nil, "3 bytes"},
		{`\d{6}`, nil, "no literal"},
		{`(hunter2`, nil, "missing closing )"},
		{`hunter2(?=x)`, nil, "invalid or unsupported Perl syntax"},
		{`hunter2\1`, nil, "invalid escape sequence"},
		{`abc.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}`, nil, "instructions"},
		{`PIN\d{4}`, []string{"PI"}, "2 bytes"},
		{`PIN\d{4}`, []string{"PIN", "PIN"}, "twice"},
		{`PIN\d{4}`, []string{strings.Repeat("P", 65)}, "65 bytes"},
		{`PIN\d{4}`, []string{"pin"}, "none of its literals"},
		{`(PIN|CODE)\d{4}`, []string{"PIN"}, "none of its literals"},
		{`PIN\d{4}|\d{9}`, []string{"PIN"}, "none of its literals"},
		{strings.Repeat("a", maxExpression+1), nil, "2001 bytes"},
	} {
		_, err := newPattern(c.expr, c.literals, false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: error is %v, want one with %q", c.expr, err, c.want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error quotes the expression: %v", err)
		}
	}
}

// ownScanner has the rules, and no others of its user.
func ownScanner(t testing.TB, rules ...Rule) *Scanner {
	t.Helper()
	return newScanner(t, Config{Rules: rules})
}

// A stretch of the text has ends that the text has not: they are no end of a
// word, of a line or of the text.
func TestPatternSeesTheTextAroundItsStretch(t *testing.T) {
	const m = "[REDACTED:acme-pin]"
	long := strings.Repeat("long text ", 400)
	for _, c := range []struct{ expr, in, want string }{
		{`\bPIN[ :=]+(?P<secret>\d{6})$`, "PIN: 123456", "PIN: " + m},
		{`\bPIN[ :=]+(?P<secret>\d{6})$`, "PIN: 123456 x", ""},
		{`\bPIN[ :=]+(?P<secret>\d{6})$`, "PIN: 1234567", ""},
		{`\bPIN[ :=]+(?P<secret>\d{6})$`, long + "PIN: 123456", long + "PIN: " + m},
		{`\bPIN[ :=]+(?P<secret>\d{6})$`, "PIN: 123456" + long, ""},
		{`^PIN=(\d+)`, long + "PIN=1234", ""},
		{`^PIN=(\d+)`, "PIN=1234" + long, "PIN=" + m + long},
		{`(?m)^PIN=(\d+)$`, long + "\nPIN=1234\n" + long, long + "\nPIN=" + m + "\n" + long},
		{`(?m)^PIN=(\d+)$`, long + "xPIN=1234\n" + long, ""},
		{`\BPIN=(\d+)`, long + "xPIN=1234", long + "xPIN=" + m},
		{`\bPIN\d{4}\b`, long + "xPIN1234", ""},
		{`\bPIN\d{4}\b`, long + "PIN12345", ""},
		{`\bPIN\d{4}\b`, long + "PIN1234." + long, long + m + "." + long},
		{`PIN\d{2}\b`, long + "PIN12a" + long, ""},
		{`[a-z]{4}PIN\d{2}`, long + "abcdPIN12" + long, long + m + long},
		{`\b[a-z]{4}PIN\d{2}`, long + "xabcdPIN12" + long, ""},
		{`\BPIN\d{2}\B`, long + "xPIN12y" + long, long + "x" + m + "y" + long},
		{`(?i)pin=(\d{4})`, "pin=1234 PIN=5678", "pin=" + m + " PIN=" + m}, // its literal is PIN
		// Longer than the stretch.
		{`PIN=[0-9a-f]+`, "PIN=" + strings.Repeat("0f", 40000) + ".", m + "."},
		{`[0-9a-f]+=PIN!`, "<" + strings.Repeat("0f", 40000) + "=PIN!>", "<" + m + ">"},
		{`\b[0-9a-f]+=PIN!`, "<x" + strings.Repeat("0f", 40000) + "=PIN!>", ""},
		{`PIN=[0-9a-f]+\b`, "PIN=" + strings.Repeat("0f", 40000) + "x", ""},
		// Characters of more than one byte.
		{`PIN.{3}\b`, strings.Repeat("ü", 500) + "PINüü1" + strings.Repeat(".ü", 500), strings.Repeat("ü", 500) + m + strings.Repeat(".ü", 500)},
		{`.{3}PIN`, "x" + strings.Repeat("ü", 5) + "PIN", "x" + "üü" + m},
		// Groups.
		{`PIN (?:a=(?P<secret>\d+)|b=\d+)`, "PIN b=12 PIN a=34", m + " PIN a=" + m},
		{`(PIN|pin) (?P<secret>\d+)`, "PIN 1234 pin 5678", "PIN " + m + " pin " + m},
		{`PIN (\d*);`, "PIN ;", ""},
	} {
		literals := []string{"PIN"}
		if strings.Contains(c.expr, "|pin") {
			literals = []string{"PIN", "pin"}
		}
		s := ownScanner(t, Rule{Kind: "acme-pin", Regex: c.expr, Literals: literals})
		want := c.want
		if want == "" {
			want = c.in
		}
		if got, _ := s.Text(s.Root(), c.in); got != want {
			t.Errorf("%s in %.60q: got %.200q, want %.200q", c.expr, c.in, got, want)
		}
	}
}

// A text of a bounded expression is seen as if the expression were run on all
// of it.
func TestPatternAgreesWithTheWholeText(t *testing.T) {
	parts := []string{"PIN", "12", "345678", "x", " ", "\n", "PI", "N", "9", "ü", "=", "pin"}
	for _, expr := range []string{`PIN(\d{2,6})`, `\bPIN=?(\d{2})\b`, `(?m)^PIN(\d+)$`, `x?PIN.{2}`, `(?i)pin\d\b`, `\d{2}PIN$`} {
		s := ownScanner(t, Rule{Kind: "acme-pin", Regex: expr})
		p := mustPattern(expr, nil, false)
		state := uint32(1)
		for range 3000 {
			var b strings.Builder
			for range 3 + state%40 {
				state = state*1664525 + 1013904223
				b.WriteString(parts[state>>16%uint32(len(parts))])
			}
			v := b.String()
			var want []string
			for _, m := range p.re.FindAllStringSubmatchIndex(v, -1) {
				if from, to := m[2*p.group], m[2*p.group+1]; from < to {
					want = append(want, fmt.Sprint(from, to))
				}
			}
			var got []string
			for _, sp := range s.Find(v, nil) {
				got = append(got, fmt.Sprint(sp.Start, sp.End))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s in %q: spans are %v, want %v", expr, v, got, want)
			}
		}
	}
}
