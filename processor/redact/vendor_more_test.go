// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"
)

// bodyOf makes n characters of the set, with the variety that a rule may ask for.
func bodyOf(set charset, n int) string {
	chars := "aB3dE6gH9jK2mN5pQ8rS1tV4wX7yZ0"
	switch set {
	case setLowerHex, setHex:
		chars = "3fa9c07be152d648"
	case setUpperDigit:
		chars = "B3DE6GH9JK2MN5PQ7R"
	}
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteByte(chars[(i*7+i/len(chars))%len(chars)])
	}
	return b.String()
}

func TestMoreVendorShapes(t *testing.T) {
	s := newScanner(t, Config{})
	seen := map[Kind]bool{}
	elsewhere := map[string]bool{} // literals that other tables have, with rules of their own
	for _, lits := range [...][]literal{vendorLiterals, publishedSequences} {
		for _, l := range lits {
			elsewhere[l.text] = true
		}
	}
	for _, shape := range vendorShapes {
		if seen[shape.kind] {
			t.Errorf("%s stands twice", shape.kind)
		}
		seen[shape.kind] = true
		marker := "[REDACTED:" + string(shape.kind) + "]"
		for _, l := range shape.lits {
			if l.rule != rulePrefix {
				continue
			}
			secret := l.text + bodyOf(l.set, l.min)
			for _, ctx := range [][2]string{
				{"", ""}, {"rotate ", ", ticket SEC-1"}, {"(", ")"}, {"a=", ""}, {`{\"x\":\"`, `\"}`}, {`line\n`, `\nline`},
				{"https://x.example/", "?a=1"}, {"say \"", "\"."}, {"<b>", "</b>"},
			} {
				if strings.HasPrefix(ctx[1], "</") && (l.set == setBase64 || l.set == setOpaque) {
					continue
				}
				got, _ := s.Text(s.Root(), ctx[0]+secret+ctx[1])
				if want := ctx[0] + marker + ctx[1]; got != want {
					t.Errorf("%s in %q: got %q, want %q", l.text, ctx[0]+"…"+ctx[1], got, want)
				}
			}
			// A character less, or inside another word, and it is none.
			for _, in := range []string{secret[:len(secret)-1], "Q" + secret, l.text, l.text + "name of a thing"} {
				if got, _ := s.Text(s.Root(), in); strings.Contains(got, marker) && !elsewhere[l.text] {
					t.Errorf("%s: %q was masked: %q", l.text, in, got)
				}
			}
			// Snake case and words are no secret.
			in := l.text + "some_long_name_in_snake_case_that_says_what_it_is"
			if got, changed := s.Text(s.Root(), in); changed && !strings.Contains(l.text, "-") && strings.Trim(l.text, "_") == strings.ToLower(strings.Trim(l.text, "_")) {
				t.Errorf("%s: a name was masked: %q", l.text, got)
			}
		}
	}
	if len(seen) < 80 {
		t.Errorf("%d kinds, want at least 80", len(seen))
	}
}

func TestHooks(t *testing.T) {
	s := newScanner(t, Config{})
	id := bodyOf(setLowerHex, 32)
	for _, c := range []struct{ in, want string }{
		{"https://hooks.zapier.com/hooks/catch/1234567/a1b2c3d4/", "https://hooks.zapier.com/hooks/catch/1234567/[REDACTED:zapier-webhook]"},
		{"POST https://outlook.office.com/webhook/" + id + "@" + id + "/IncomingWebhook/" + id, "POST https://outlook.office.com/webhook/[REDACTED:teams-webhook]"},
		{"curl https://events.pagerduty.com/integration/" + id + "/enqueue -d x", "curl https://events.pagerduty.com/integration/[REDACTED:pagerduty-key] -d x"},
		{"https://hooks.zapier.com/hooks/catch/", "https://hooks.zapier.com/hooks/catch/"},
		{"see https://events.pagerduty.com/integration/setup", "see https://events.pagerduty.com/integration/setup"},
	} {
		if got, _ := s.Text(s.Root(), c.in); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestPasswordHashes(t *testing.T) {
	s := newScanner(t, Config{})
	const marker = "[REDACTED:password-hash]"
	for _, hash := range []string{
		"$2b$12$" + bodyOf(setAlnum, 53),
		"$6$saltsalt$" + bodyOf(setAlnum, 86),
		"$6$rounds=5000$saltsalt$" + bodyOf(setAlnum, 86),
		"$5$saltsalt$" + bodyOf(setAlnum, 43),
		"$y$j9T$" + bodyOf(setAlnum, 22) + "$" + bodyOf(setAlnum, 43),
		"$apr1$saltsalt$" + bodyOf(setAlnum, 22),
		"$argon2id$v=19$m=65536,t=3,p=4$" + bodyOf(setAlnum, 22) + "$" + bodyOf(setAlnum, 43),
		"pbkdf2_sha256$260000$" + bodyOf(setAlnum, 22) + "$" + bodyOf(setAlnum, 43) + "=",
	} {
		for _, ctx := range [][2]string{{"", ""}, {"bob:", ":19000:0:99999:7:::"}, {"usermod -p '", "' bob"}, {`{\"hash\":\"`, `\"}`}, {"was ", " before"}} {
			got, _ := s.Text(s.Root(), ctx[0]+hash+ctx[1])
			if want := ctx[0] + marker + ctx[1]; !strings.HasSuffix(want, "bob") && got != want {
				t.Errorf("%q: got %q, want %q", ctx[0]+hash+ctx[1], got, want)
			}
			if strings.Contains(got, hash[len(hash)-20:]) {
				t.Errorf("%q stands in %q", hash, got)
			}
		}
	}
	for _, in := range []string{"echo $1$2", "sed 's/$6$x/y/'", "$5$", "cost $1$", "$2a$10$short", `printf '%s' "$1$2$3"`, "awk '{print $6$7$8$9}'", "use $argon2id here"} {
		if got, changed := s.Text(s.Root(), in); changed {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// sequenceOf makes what the parts describe, at their least lengths.
func sequenceOf(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.text != "" {
			b.WriteString(p.text)
			continue
		}
		chars := "aB3dE6gH9jK2mN5pQ8rS1tV4wX7yZ0"
		n := 0
		for i := 0; n < p.min; i++ {
			if c := chars[(i*7+i/len(chars))%len(chars)]; p.set.has(c) {
				b.WriteByte(c)
				n++
			}
		}
	}
	return b.String()
}

func TestVendorSequences(t *testing.T) {
	s := newScanner(t, Config{})
	for _, shape := range vendorSequences {
		marker := "[REDACTED:" + string(shape.kind) + "]"
		for _, l := range shape.lits {
			secret := sequenceOf(l.seq.lead) + l.text + sequenceOf(l.seq.parts)
			for _, ctx := range [][2]string{{"", ""}, {"rotate ", ", ticket SEC-1"}, {"(", ")"}, {`{\"x\":\"`, `\"}`}, {"say \"", "\"."}, {"https://x.example/?a=", "&b=1"}} {
				got, _ := s.Text(s.Root(), ctx[0]+secret+ctx[1])
				if want := ctx[0] + marker + ctx[1]; got != want {
					t.Errorf("%s: %q became %q, want %q", l.text, ctx[0]+secret+ctx[1], got, want)
				}
			}
			for _, in := range []string{l.text, "a " + l.text + " b", secret[1 : len(secret)-1], strings.ToLower(secret[:len(secret)/2]) + " " + l.text} {
				if got, _ := s.Text(s.Root(), in); strings.Contains(got, marker) && len(l.seq.lead) > 0 {
					t.Errorf("%s: %q became %q", l.text, in, got)
				}
			}
		}
	}
}
