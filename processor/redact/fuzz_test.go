// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"password=hunter2", `{"password":"hunter2"}`, pemText, jwtText, "curl -u a:b x", "https://u:p@h/x?sig=" + awsKey, keyID + " " + awsKey,
		"[REDACTED:password]", "password=[REDACTED:x]", `{"a":"{\"token\":\"x\"}"}`, "Authorization: Basic YTpi", "password: |\n  x", `x\u0022password\u0022:\u0022y\u0022`,
		"pin: 123456", "acme_live_abcdefgh", "seal:[REDACTED:error]xyz", "--acme-pin 'x'", "password=EXAMPLE%20KEY", "abcPINdef=1", "x 'PIN y' end",
		"mysql -p'x'", "echo x|chpasswd", "\x1b[1mghp_", "Cookie: a=b; c=d", "-passin pass:x", `["--password","x"]`, "a:b@tcp(", "identified by 'x'",
	} {
		f.Add(seed, "key")
		f.Add(seed, "password")
		f.Add(seed, "authorization")
		f.Add(seed, "credentials")
	}
	plain, keyed := newScanner(f, Config{}), newScanner(f, Config{FingerprintKey: testKey})
	own := newScanner(f, fuzzRules)
	f.Fuzz(func(t *testing.T, v, key string) {
		for _, s := range []*Scanner{plain, keyed, own} {
			s.Reset()
			for _, p := range []Place{s.Root(), s.Field(s.Root(), key), s.Element(s.Root(), key)} {
				out, changed := s.Text(p, v)
				if changed == (out == v) {
					t.Fatalf("changed is %t: %q, %q", changed, v, out)
				}
				if !changed && len(s.Counts()) != 0 && p == s.Root() && len(v) < 1 {
					t.Fatalf("counted %v in clean %q", s.Counts(), v)
				}
				if utf8.ValidString(v) && !utf8.ValidString(out) {
					t.Fatalf("invalid UTF-8: %q from %q", out, v)
				}
				if again, changed := s.Text(p, out); changed {
					t.Fatalf("twice differs: %q, %q, %q", v, out, again)
				}
				for _, m := range s.Counts() {
					if m.Kind == kindNames[kindError] && s.r.bare[kindError] == out && len(v) < 32 {
						t.Fatalf("a rule gave up on %q", v)
					}
				}
				if cleanCount(s, p, out) != 0 {
					t.Fatalf("counted in %q, which is redacted", out)
				}
				// What stands in the result is a property of the result.
				s.Reset()
				s.Text(p, v)
				once := append([]KindCount(nil), s.Markers()...)
				s.Reset()
				s.Text(p, out)
				if diff := cmp.Diff(once, append([]KindCount(nil), s.Markers()...)); diff != "" {
					t.Fatalf("markers in %q, %q (-once +twice):\n%s", v, out, diff)
				}
			}
			end := 0
			for _, sp := range s.Find(v, nil) {
				if sp.Start < end || sp.End <= sp.Start || sp.End > len(v) {
					t.Fatalf("span %v of %q is out of order", sp, v)
				}
				end = sp.End
			}
		}
	})
}

// cleanCount is how much is counted when v, which is redacted, is seen again.
func cleanCount(s *Scanner, p Place, v string) int {
	s.Reset()
	s.Text(p, v)
	n := len(s.Counts())
	s.Reset()
	return n
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `{"password":"hunter2","a":[1,{"token":2}]}`, `{"a":"{\"password\":\"x\"}"}`, `["--password","x"]`, `{"a":1,"a":2}`, "[\"\xff\"]",
		`{"ghp_0123456789abcdefghijABCDEFGHIJ012345":"\ud800"}`, `[1.5e3, -0 ,true,null]`, strings.Repeat("[", 70) + strings.Repeat("]", 70), `{"private_key":"` + quoted(pemText),
		`{"value":"x","name":"password"}`, `{"values":[{"value":1,"key":"x"},2],"a":"\ud800","name":"token"}`, `{"value":{"value":{"value":1,"name":"secret"}}}`,
	} {
		f.Add(seed)
	}
	s := newScanner(f, Config{})
	f.Fuzz(func(t *testing.T, v string) {
		out, form := s.JSON(nil, s.Root(), v)
		first := strings.TrimLeft(v, " \t\r\n")
		valid := json.Valid([]byte(v)) && (strings.HasPrefix(first, "{") || strings.HasPrefix(first, "["))
		if valid != (form != NotJSON) {
			t.Fatalf("form is %d, valid is %t: %q", form, valid, v)
		}
		if form == NotJSON {
			if len(out) != 0 {
				t.Fatalf("dst changed: %q", out)
			}
			return
		}
		if !json.Valid(out) {
			t.Fatalf("valid JSON became invalid: %q, %q", v, out)
		}
		if form == StrictJSON && (!utf8.Valid(out) || strings.ContainsAny(string(out), "\n\r\t")) {
			t.Fatalf("not fit for one line: %q", out)
		}
		again, form2 := s.JSON(nil, s.Root(), string(out))
		if string(again) != string(out) || form2 == NotJSON {
			t.Fatalf("twice differs: %q, %q, %q", v, out, again)
		}
		if form == StrictJSON && form2 != StrictJSON {
			t.Fatalf("form %d became %d: %q", form, form2, out)
		}
	})
}
