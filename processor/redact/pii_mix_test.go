// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// Texts that are put together from personal data, secrets, and what stands
// between them: whatever meets whatever, redacting twice is redacting once, and
// what stands between spaces is gone.
func TestPersonalMix(t *testing.T) {
	data := []string{
		"bob@example.com", "ann.lee+x@mail.example.co.uk", "user%40example.com", "4111111111111111", "4111 1111 1111 1111", "3782-822463-10005",
		"DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "+4915112345678", "+1 (212) 555-0123", "192.0.2.77", "2001:db8:77::7", "::ffff:192.0.2.77",
	}
	noise := []string{
		" ", " ", ", ", ":", "=", "/", "-", "_", "@", "+", ".", "..", "%", "%20", "%3A", "%40", `\n`, `\"`, `\`, `\\`, `"`, "'", "(", ")", "[", "]", "{", "}", "<", ">", "|", "&",
		"://", "https://", "smtp://u:p4ssw0rd-x@", "phone ", "tel.", "order_id=", "version ", "card ", "ip=", "iban:", "password=", "--token ", "Bearer ", "1", "12", "2026", "77", "a", "Z",
		"\u00a0", "ü", "\n", "\t", "x12", " ext. 3", "[REDACTED:email]", "[REDACTED:phone-number]", "[REDACTED:ip-address:0123abcd:012345678901]", "[REDACTED:", "AKIA" + "IOSFODNN7EXAMPLE",
		"::", "::1", "/24", "/32", "%eth0", ":443", "e15", "0.", "v",
	}
	var scanners []*Scanner
	for _, c := range []Config{
		{PII: masked(PolicyMask)},
		{PII: masked(PolicyFingerprint), FingerprintKey: testKey, AccessKeyIDs: PolicyKeep},
		{PII: PII{IP: PolicyTruncate, Phone: PolicyMask}},
		{PII: PII{IP: PolicyTruncate, PaymentCard: PolicyMask, Email: PolicyMask}},
	} {
		scanners = append(scanners, newScanner(t, c))
	}
	places := []string{"note", "phone", "client_ip", "order_id", "version", "password", "card"}
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	n := 20_000
	if testing.Short() {
		n = 4_000
	}
	gaveUp := 0
	for range n {
		var b strings.Builder
		for range 1 + rng.IntN(6) {
			if rng.IntN(5) < 2 {
				b.WriteString(pick(data))
			} else {
				b.WriteString(pick(noise))
			}
		}
		v, key := b.String(), pick(places)
		for _, s := range scanners {
			p := s.Field(s.Root(), key)
			out, _ := s.Text(p, v)
			if utf8.ValidString(v) != utf8.ValidString(out) {
				t.Fatalf("UTF-8: %q, %q", v, out)
			}
			if out == "[REDACTED:error]" {
				// Each replacement moved the border of the next, as in
				// ::ffff:192.0.2.7::ffff:192.0.2.7::ffff:192.0.2.7.
				gaveUp++
			}
			s.Reset()
			if again, changed := s.Text(p, out); changed || len(s.Counts()) > 0 {
				t.Fatalf("twice under %s: %q, %q, %q, %v", key, v, out, again, s.Counts())
			}
			// As a string in a JSON text that is not parsed: it stays one.
			quoted, _ := json.Marshal(v)
			line := `INFO {"a":` + string(quoted) + `}`
			out, _ = s.Text(s.Root(), line)
			if strings.HasPrefix(out, "INFO {") && strings.HasSuffix(out, "}") && !json.Valid([]byte(out[5:])) && !strings.Contains(v, "password") && !strings.Contains(v, "token") {
				t.Fatalf("JSON broke: %s, %s", line, out)
			}
		}
	}
	if gaveUp > n/5000 {
		t.Errorf("masked whole: %d of %d", gaveUp, n)
	}
	// Alone between spaces, nothing survives.
	s := scanners[0]
	for _, d := range data {
		for _, before := range []string{"", "x ", "x: ", "(", `"`, "a=", "\n"} {
			for _, after := range []string{"", " x", ")", `"`, ".", ", x", "\n"} {
				out, _ := s.Text(s.Root(), before+d+after)
				if strings.Contains(out, d) || strings.Count(out, markerOpen) != 1 || !strings.HasPrefix(out, before+"[") || !strings.HasSuffix(out, "]"+after) {
					t.Errorf("%q: %q", before+d+after, out)
				}
			}
		}
	}
}
