// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Whatever way a secret was spelt where it was masked, and whatever way whoever
// asks for it spells it, the marker's fingerprint is among those of the secret.
func TestFingerprintsFindTheSecret(t *testing.T) {
	s := newScanner(t, Config{FingerprintKey: testKey})
	asJSON := func(v string) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	token := "ghp_" + strings.Repeat("0aB1cD2eF3", 3) + "gH4iJ5"
	for _, secret := range []string{`p@ss "w/rd" 1`, "hunter2hunter2", "a%41b%2Fc+d", `back\slash\"x`, "\u00fcml\u00e4ut-\u2713", token} {
		masked := map[string]string{
			"under a key": firstOf(s.Text(s.Field(s.Root(), "password"), secret)),
			"JSON":        firstOf(s.Text(s.Root(), `{"password":`+asJSON(secret)+`}`)),
			"nested JSON": firstOf(s.Text(s.Root(), `{"b":`+asJSON(`{"password":`+asJSON(secret)+`}`)+`}`)),
			"URL":         firstOf(s.Text(s.Root(), "https://u:"+url.PathEscape(secret)+"@h.example/x")),
			"form":        firstOf(s.Text(s.Root(), "user=a&password="+strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"))),
			"Basic":       firstOf(s.Text(s.Root(), "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("bob:"+secret)))),
		}
		asked := map[string]string{
			"as it is":     secret,
			"a JSON text":  asJSON(secret),
			"escaped":      strings.Trim(asJSON(secret), `"`),
			"percent":      strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"),
			"Basic":        "Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+secret)),
			"Basic, alone": base64.StdEncoding.EncodeToString([]byte("bob:" + secret)),
			"with space":   " " + secret + "\n",
			"a header":     "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("bob:"+secret)),
		}
		for where, out := range masked {
			m := fingerprinted.FindStringSubmatch(out)
			if m == nil {
				t.Fatalf("%q %s: nothing is masked in %s", secret, where, out)
			}
			want := m[2] + ":" + m[3]
			for how, v := range asked {
				if how == "with space" && secret != token {
					continue // white space may be of a password
				}
				if strings.HasPrefix(secret, "\u00fc") && strings.HasPrefix(how, "Basic") {
					continue // isBasicAuth and the rules know plain text alone
				}
				if got := s.r.Fingerprints(v); !slices.Contains(got, want) {
					t.Errorf("%q masked as %s, asked for %s: %v, want %s", secret, where, how, got, want)
				}
			}
		}
		if got := s.r.Fingerprints(secret); got[0] != fmt.Sprintf("%s:%s", s.r.KeyID(), fingerprint(t, s, masked["under a key"])) {
			t.Errorf("%q: the first of %v is not that of the secret as it is written", secret, got)
		}
	}
}

func firstOf(out string, _ bool) string { return out }

// Of a private key only the body counts, whatever its line ends and wherever it
// was masked.
func TestFingerprintsOfPrivateKeys(t *testing.T) {
	s := newScanner(t, Config{FingerprintKey: testKey})
	want := fmt.Sprintf("%s:%s", s.r.KeyID(), fingerprint(t, s, firstOf(s.Text(s.Root(), "key: "+pemText))))
	for name, v := range map[string]string{
		"as it is":     pemText,
		"line end":     pemText + "\n",
		"CRLF":         strings.ReplaceAll(pemText, "\n", "\r\n"),
		"escaped":      strings.ReplaceAll(pemText, "\n", `\n`),
		"body":         string(appendPEMBody(nil, pemText)),
		"body in rows": wrap(string(appendPEMBody(nil, pemText))),
	} {
		got := s.r.Fingerprints(v)
		if !slices.Contains(got, want) {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
		if !strings.HasPrefix(name, "body") && len(got) != 1 {
			t.Errorf("%s: %v, want one", name, got)
		}
	}
}

func wrap(v string) string {
	var b strings.Builder
	for len(v) > 64 {
		b.WriteString(v[:64] + "\n")
		v = v[64:]
	}
	return b.String() + v + "\n"
}

func TestFingerprintsOfOtherSecretsDiffer(t *testing.T) {
	s := newScanner(t, Config{FingerprintKey: testKey})
	seen := map[string]string{}
	for _, v := range []string{"hunter2", "hunter3", "Basic", "basic x", "horse battery", "a b", " ", "%", `\`, `""`} {
		got := s.r.Fingerprints(v)
		if len(got) == 0 {
			t.Errorf("%q has none", v)
		}
		for _, fp := range got {
			if other, ok := seen[fp]; ok {
				t.Errorf("%q and %q have the same fingerprint", v, other)
			}
			seen[fp] = v
			if !allIn(fp[:keyIDLen], setLowerHex) || len(fp) != keyIDLen+1+fpLen {
				t.Errorf("%q: %q", v, fp)
			}
		}
	}
	if got := s.r.Fingerprints(""); got != nil {
		t.Errorf("nothing has %v", got)
	}
	if got := newScanner(t, Config{}).r.Fingerprints("hunter2"); got != nil {
		t.Errorf("without a key: %v", got)
	}
}

// What is personal data is found by any spelling of it, also by a redactor that
// leaves it alone.
func TestFingerprintsOfPersonalData(t *testing.T) {
	const fp = PolicyFingerprint
	s := newScanner(t, Config{FingerprintKey: testKey, PII: PII{Email: fp, PaymentCard: fp, IBAN: fp, Phone: fp, IP: fp}})
	r := newScanner(t, Config{FingerprintKey: testKey}).r
	for _, c := range []struct{ in, asked string }{
		{"mail to Bob.Smith@Example.com now", "bob.smith@example.com"},
		{"mail to bob%2Esmith%40example.com now", "Bob.Smith@example.com\n"},
		{"card 4111 1111 1111 1111 used", "4111-1111-1111-1111"},
		{"card 4111111111111111 used", "4111 1111 1111 1111"},
		{"to DE89370400440532013000", "DE89 3704 0044 0532 0130 00"},
		{"call +49 30 901820", "+4930901820"},
		{"from 2001:0DB8::1 on", "2001:db8::1"},
	} {
		out, _ := s.Text(s.Root(), c.in)
		m := fingerprinted.FindStringSubmatch(out)
		if m == nil {
			t.Errorf("%q: nothing is masked in %q", c.in, out)
			continue
		}
		if got := r.Fingerprints(c.asked); !slices.Contains(got, m[2]+":"+m[3]) {
			t.Errorf("%q, asked for %q: %v, want %s:%s", c.in, c.asked, got, m[2], m[3])
		}
	}
}
