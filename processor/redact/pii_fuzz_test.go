// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// Under every policy: redacting twice is redacting once, valid UTF-8 and JSON
// stay valid, and no rule gives up.
func FuzzPersonal(f *testing.F) {
	for _, seed := range []string{
		"bob@example.com", "user%40example.com", `{"phone":"030 1234567","a":[4111111111111111,"x"]}`, "4111 1111 1111 1111 123", "4111-1111-1111-1111",
		"DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "+49 (0)30 1234-567 ext. 12", "tel (030) 123 45 67", "192.0.2.7:443", "[2001:db8:1::7]:443",
		"2001:db8::7: x", "::ffff:192.0.2.7", "fe80::1%eth0", "smtp://bob@example.com:secret@mail.example.com/", "https://bob@example.com/", "1.3.6.1 v1.2.3.4",
		"[REDACTED:phone-number] 12345678", "[REDACTED:email:0123abcd:012345678901]@example.com", "AKIA" + "IOSFODNN7EXAMPLE", `\"bob@example.com\"\n+4915112345678`,
		"müller@bücher.example", "a@b.cd@e.fg", "password=bob@example.com", "%32001%3Adb8%3A%3A7", "phone phone 1234567 1234567", "card\u00a04111\u00a01111\u00a01111\u00a01111",
	} {
		f.Add(seed, "key")
		f.Add(seed, "phone")
		f.Add(seed, "client_ip")
		f.Add(seed, "order_id")
		f.Add(seed, "password")
	}
	var scanners []*Scanner
	for _, c := range []Config{
		{PII: masked(PolicyMask)},
		{PII: masked(PolicyFingerprint), FingerprintKey: testKey, AccessKeyIDs: PolicyMask},
		{PII: PII{IP: PolicyTruncate, Email: PolicyMask}, AccessKeyIDs: PolicyKeep},
		{PII: PII{IP: PolicyTruncate, Phone: PolicyFingerprint, PaymentCard: PolicyMask}, FingerprintKey: testKey},
		{PII: PII{Phone: PolicyMask}},
		{PII: PII{IBAN: PolicyMask}},
		{PII: PII{PaymentCard: PolicyMask}},
		{PII: PII{IP: PolicyMask}, AccessKeyIDs: PolicyKeep},
	} {
		scanners = append(scanners, newScanner(f, c))
	}
	f.Fuzz(func(t *testing.T, v, key string) {
		for _, s := range scanners {
			for _, p := range []Place{s.Root(), s.Field(s.Root(), key), s.Element(s.Root(), key)} {
				out, changed := s.Text(p, v)
				if changed == (out == v) {
					t.Fatalf("changed is %t: %q, %q", changed, v, out)
				}
				if utf8.ValidString(v) && !utf8.ValidString(out) {
					t.Fatalf("invalid UTF-8: %q from %q", out, v)
				}
				if json.Valid([]byte(v)) && strings.ContainsAny(v[:1], "{[") && !json.Valid([]byte(out)) && !s.isMarker(out) {
					t.Fatalf("invalid JSON: %q from %q", out, v)
				}
				if out == s.r.bare[kindError] && v != out && len(v) < 64 {
					t.Fatalf("a rule gave up on %q", v)
				}
				s.Reset()
				if again, changed := s.Text(p, out); changed || len(s.Counts()) > 0 {
					t.Fatalf("twice differs: %q, %q, %q, %v (key %q)", v, out, again, s.Counts(), key)
				}
				s.Reset()
			}
			// What candidate says no to holds nothing.
			if p := s.r.pii; !p.candidate(v) && utf8.ValidString(v) {
				s.spans, s.scratch, s.pii.topic = s.spans[:0], scratch{}, topicNone
				s.personal(v)
				if len(s.spans) > 0 {
					t.Fatalf("%q is no candidate, and %q is found", v, v[s.spans[0].start:s.spans[0].end])
				}
			}
		}
	})
}
