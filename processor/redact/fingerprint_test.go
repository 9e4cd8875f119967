// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var fingerprinted = regexp.MustCompile(`\[REDACTED:([a-z0-9-]+)(?::\*{4}[A-Z0-9]{4})?:([0-9a-f]{8}):([0-9a-f]{12})\]`)

func fingerprint(t *testing.T, s *Scanner, out string) string {
	t.Helper()
	m := fingerprinted.FindAllStringSubmatch(out, -1)
	if len(m) != 1 {
		t.Fatalf("want one fingerprint in %q", out)
	}
	if m[0][2] != s.r.KeyID() {
		t.Errorf("key id %s, want %s", m[0][2], s.r.KeyID())
	}
	return m[0][3]
}

func TestFingerprintMatchesAcrossSpellings(t *testing.T) {
	s := newScanner(t, Config{FingerprintKey: testKey})
	const secret = `p@ss "w/rd" 1`
	asJSON, _ := json.Marshal(secret)
	nested, _ := json.Marshal(`{"password":` + string(asJSON) + `}`)
	seen := map[string]string{}
	for name, in := range map[string]string{
		"flag":           "app --password='" + secret + "'",
		"json":           `{"password":` + string(asJSON) + `}`,
		"nested json":    `{"body":` + string(nested) + `}`,
		"truncated json": `{"password":` + string(asJSON) + `,`,
		"escaped json":   `log ` + strings.Trim(string(nested), `"`) + ` end`,
		"url":            "https://u:" + url.PathEscape(secret) + "@h.example/x",
		"query":          "https://h.example/x?password=" + url.QueryEscape(secret)[:0] + strings.ReplaceAll(url.QueryEscape(secret), "+", "%20") + "&a=1",
		"form":           "user=a&password=" + strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"),
		"basic":          "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+secret)),
		"curl":           "curl -u 'bob:" + secret + "' https://h.example",
	} {
		out, _ := s.Text(s.Root(), in)
		if strings.Contains(out, "p@ss") {
			t.Errorf("%s leaks: %s", name, out)
		}
		seen[fingerprint(t, s, out)] += name + " "
	}
	out, _ := s.Text(s.Field(s.Root(), "password"), secret)
	seen[fingerprint(t, s, out)] += "key "
	if len(seen) != 1 {
		t.Errorf("one secret has %d fingerprints: %v", len(seen), seen)
	}

	keys := map[string]bool{}
	for _, nl := range []string{"\n", `\n`, `\\n`, "\r\n"} {
		out, _ := s.Text(s.Root(), "x "+strings.ReplaceAll(pemText, "\n", nl))
		keys[fingerprint(t, s, out)] = true
	}
	if len(keys) != 1 {
		t.Errorf("one private key has %d fingerprints", len(keys))
	}
}

func TestFingerprintKeys(t *testing.T) {
	a := newScanner(t, Config{FingerprintKey: testKey})
	b := newScanner(t, Config{FingerprintKey: []byte("another key, used in a test, too.")})
	if a.r.KeyID() == b.r.KeyID() || len(a.r.KeyID()) != keyIDLen {
		t.Errorf("key ids %q and %q", a.r.KeyID(), b.r.KeyID())
	}
	x, _ := a.Text(a.Root(), "password=hunter2")
	y, _ := b.Text(b.Root(), "password=hunter2")
	z, _ := a.Text(a.Root(), "password=hunter3")
	if fx, fy, fz := fingerprint(t, a, x), fingerprint(t, b, y), fingerprint(t, a, z); fx == fy || fx == fz {
		t.Errorf("fingerprints %s, %s, %s: want three", fx, fy, fz)
	}
	// A marker of one key is a marker to every scanner.
	if out, changed := b.Text(b.Root(), x); changed {
		t.Errorf("a marker was redacted: %q", out)
	}
	id, _ := a.Text(a.Root(), keyID)
	if !regexp.MustCompile(`^\[REDACTED:aws-access-key-id:\*{4}MPLE:[0-9a-f]{8}:[0-9a-f]{12}\]$`).MatchString(id) {
		t.Errorf("access key id: %q", id)
	}
}

func TestMarkerGrammar(t *testing.T) {
	for in, want := range map[string]bool{
		"[REDACTED:password]":                                         true,
		"[REDACTED:password:0123abcd:0123456789ab]":                   true,
		"[REDACTED:aws-access-key-id:****F6B1]":                       true,
		"[REDACTED:aws-access-key-id:****F6B1:0123abcd:0123456789ab]": true,
		"[REDACTED:too-deep]":                                         true,
		"[REDACTED:aws-access-key-id]":                                true, // under PolicyMask
		"[REDACTED:aws-access-key-id:0123abcd:0123456789ab]":          true,
		"[REDACTED:alibaba-key:****F6B1]":                             false,
		"[REDACTED:aws-access-key-id:****f6b1]":                       false,
		"[REDACTED:aws-access-key-id:F6B1]":                           false,
		"[REDACTED:password:****F6B1]":                                false,
		"[REDACTED:password:0123abcd]":                                false,
		"[REDACTED:password:0123abcd:0123456789a]":                    false,
		"[REDACTED:password:0123ABCD:0123456789ab]":                   false,
		"[REDACTED:password:0123abcd:0123456789ab:x]":                 false,
		"[REDACTED:Password]":                                         false,
		"[REDACTED:]":                                                 false,
		"[REDACTED:password":                                          false,
		"[REDACTED:password] ":                                        false,
		"[redacted:password]":                                         false,
		"[REDACTED:hunter2]":                                          false,
		"":                                                            false,
	} {
		if got := builtinKinds.isMarker(in); got != want {
			t.Errorf("builtinKinds.isMarker(%q) = %t", in, got)
		}
	}
	for _, k := range Kinds() {
		if m := "[REDACTED:" + string(k) + "]"; !builtinKinds.isMarker(m) {
			t.Errorf("%s is no marker", m)
		}
		if len(k) > 32 {
			t.Errorf("kind %q is longer than a marker allows", k)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{
		{FingerprintKey: []byte("short")}, {FingerprintKey: []byte{}}, {MaxDepth: -1}, {MaxDepth: 5000}, {MaxValueBytes: -1},
		{SensitiveKeys: []string{"x"}}, {SensitiveKeys: []string{"--"}}, {AllowedKeys: []string{""}},
	} {
		_, err := New(c)
		if err == nil {
			t.Errorf("New(%+v) has no error", c)
		} else if strings.Contains(err.Error(), "short") {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}
