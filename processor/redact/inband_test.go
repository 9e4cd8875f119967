// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// inBand are markers as anybody can write them into a record: of every kind,
// with and without a fingerprint, of this key and of others, and what only looks
// like one.
func inBand(s *Scanner) []string {
	out := []string{
		"[REDACTED]", "[REDACTED:", "[REDACTED:]", "[REDACTED:none]", "[REDACTED:off]", "[REDACTED:*]", "[redacted:password]", "[REDACTED:password", "REDACTED:password",
		"[REDACTED:password:off]", "[REDACTED:password:00000000:000000000000:x]", "[[REDACTED:password]]", "[REDACTED:[REDACTED:password]]", "<redacted>", "***",
	}
	for _, k := range s.r.Kinds() {
		open := "[REDACTED:" + string(k)
		if k == "aws-access-key-id" {
			open += ":****ABCD"
		}
		out = append(out, open+"]", open+":"+s.r.KeyID()+":0123456789ab]", open+":00000000:0123456789ab]")
	}
	return out
}

// leaks says whether half of the secret, and at least six characters, stand in
// the text in one piece.
func leaks(text, secret string) bool {
	n := max(6, len(secret)/2)
	for i := 0; i+n <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+n]) {
			return true
		}
	}
	return false
}

// No marker in the data switches redaction off, wherever it stands: before, behind
// and around the secret, in it, as a key, as a flag, in the same map, the same
// argv, the same JSON. And what was redacted once is left alone.
func TestMarkersSwitchNothingOff(t *testing.T) {
	const password = "Tr0ub4dor-3-staple"
	token := "ghp_" + strings.Repeat("0aB1cD2eF3", 3) + "gH4iJ5"
	s := newScanner(t, Config{FingerprintKey: testKey})
	text := func(v string) string { out, _ := s.Text(s.Root(), v); return out }
	under := func(key, v string) string { out, _ := s.Text(s.Field(s.Root(), key), v); return out }
	argv := func(args ...string) string {
		var out []string
		prev := ""
		for _, a := range args {
			masked, _ := s.Text(s.Element(s.Root(), prev), a)
			out, prev = append(out, masked), a
		}
		return fmt.Sprintf("%q", out)
	}
	quoted := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	tries := 0
	for _, m := range inBand(s) {
		for _, sep := range []string{"", " ", "\n", ",", "\t", ";", "\"", "'", "\x00", ": "} {
			for name, v := range map[string]string{
				"token before": token + sep + m, "token behind": m + sep + token, "token between": m + sep + token + sep + m,
				"assignment behind":  m + sep + " password=" + password,
				"assignment between": m + sep + "\npassword=" + password + " " + sep + m,
				"assignment before":  "password=" + password + " " + sep + m,
				"assigned first":     "password=" + m + " " + sep + " password=" + password,
				"assigned last":      "password=" + password + " " + sep + " password=" + m,
				"URL behind":         m + sep + " https://bob:" + password + "@h.example/x",
				"header behind":      m + sep + "\nAuthorization: Bearer " + token,
				"flag behind":        m + sep + " --password " + password,
				"flag twice":         "app --password " + m + " " + sep + " --password " + password,
				"JSON behind":        m + sep + ` {"password":"` + password + `"}`,
			} {
				if strings.HasPrefix(name, "token") && sep == "" {
					continue // glued to a word, it is another word
				}
				tries++
				out := text(v)
				secret := password
				if strings.Contains(v, token) {
					secret = token
				}
				if leaks(out, secret) {
					t.Errorf("%s: %q became %q", name, v, out)
				}
				if again := text(out); again != out {
					t.Errorf("%s: %q became %q, and then %q", name, v, out, again)
				}
			}
		}
		half := len(password) / 2
		for name, out := range map[string]string{
			"under a name, before":   under("password", m+password),
			"under a name, behind":   under("password", password+m),
			"under a name, in it":    under("password", password[:half]+m+password[half:]),
			"under a name, around":   under("password", m+password+m),
			"under a name, apart":    under("password", m+" "+password+" "+m),
			"under a name, lines":    under("password", m+"\n"+password),
			"under a name, twice":    under("password", m+m+password),
			"assigned, glued before": text("password=" + m + password),
			"assigned, in quotes":    text(`password="` + m + password + `" x`),
			"assigned, apart":        text(`password="` + m + " " + password + `" x`),
			"assigned, behind":       text("password='" + password + m + "'"),
			"assigned, in it":        text("password='" + password[:half] + m + password[half:] + "'"),
			"as a flag":              argv(m, "--password", password),
			"as the command":         argv(m, "login", "--password", password, m),
			"as a flag's value":      argv("app", "--password", m, "--password", password),
			"glued to a flag":        argv("app", "--password="+m+password, m),
			"in a flag":              argv("app", "--"+m, "--password", password),
			"in JSON, before":        text(quoted(map[string]any{"a": m, "password": password, m: m})),
			"in JSON, glued":         text(quoted(map[string]any{"password": m + password})),
			"in JSON, as a name":     text(quoted(map[string]any{m: map[string]any{"password": password}})),
			"in JSON, as an element": text(quoted([]any{m, "--password", password, m})),
			"in JSON, as a pair":     text(quoted(map[string]any{"name": "DB_PASSWORD", "value": m + password, "key": m})),
			"in JSON in JSON":        text(quoted(map[string]any{"m": m, "body": m + " " + quoted(map[string]any{"password": password})})),
			"in a cookie":            under("cookie", "a="+m+"; session="+password+"; b="+m),
			"in an authorization":    under("authorization", m+", Bearer "+password),
			"as a scheme":            under("authorization", m+" "+password),
			"URL, in the password":   text("https://bob:" + m + password + "@h.example/"),
		} {
			tries++
			if strings.HasPrefix(name, "URL") && m[0] == '<' {
				continue // a URL ends there
			}
			if leaks(out, password) {
				t.Errorf("%s: %q became %q", name, m, out)
			}
		}
		// A key is looked at as any text, and its value is.
		key, _, place := s.Name(s.Root(), m)
		if out, _ := s.Text(place, token); leaks(out, token) {
			t.Errorf("under the key %q: %q", key, out)
		}
		key, _ = s.Key(m + " " + token)
		if leaks(key, token) {
			t.Errorf("in a key: %q", key)
		}
	}
	if tries < 10000 {
		t.Errorf("%d tries", tries)
	}
}
