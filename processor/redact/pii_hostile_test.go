// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strconv"
	"strings"
	"testing"
)

// hostilePersonal are texts of about n bytes that would make careless rules for
// personal data quadratic.
func hostilePersonal(n int) []string {
	var out []string
	for _, unit := range []string{
		"1", "4", "11 ", "1111 ", "4111 1111 1111 1111 ", "4111-", "4111111111111111 ", "4111111111111112 ", "@", "a@", "a@b", "a@b.c", "a@b.cd ", "a@b.cd", "a.", "é", "é@é.",
		":", "::", "1:", "a:", "1::1 ", "::1:", "1:2:3:", "://", "://a@", "://a:b@c", "a@b.cd://", ".", "1.", "1.1.1.1", "1.1.1.1 ", "1.1.1.1.", "192.0.2.7 ", "192.0.2.7::", "2001:db8::7 ",
		"+", "+1", "+49 ", "+4915112345678 ", "+1 (", "(1) ", "tel ", "tel 1234567 ", "phone 1", "phone (030) ", "DE89", "DE89 ", "DE89370400440532013000 ", "DE89370400440532013001 ", "d1",
		"%40", "a%40b.cd ", "%25", "%2540", "%20", `\`, `\n`, `\u0040`, "\u00a0", "1\u00a0", "[REDACTED:", "[REDACTED:email]", "[REDACTED:email]@a.bc", "order 4111111111111111 ", "version 1.1.1.1 ", "a ", "A/1.1.1.1 ",
	} {
		out = append(out, strings.Repeat(unit, n/len(unit)))
	}
	return append(out,
		strings.Repeat("a", n/2)+"@"+strings.Repeat("b.", n/4), strings.Repeat(" ", n/2)+strings.Repeat("4111111111111111 ", n/34),
		"://"+strings.Repeat("a", n/2)+strings.Repeat("@", n/2), strings.Repeat("f", n/2)+strings.Repeat("::", n/4))
}

// TestHostilePersonal: such a text is redacted like any other.
func TestHostilePersonal(t *testing.T) {
	for _, c := range []Config{{PII: masked(PolicyMask)}, {PII: PII{IP: PolicyTruncate, Phone: PolicyMask}}} {
		s := newScanner(t, c)
		for _, v := range hostilePersonal(32 << 10) {
			for _, key := range []string{"note", "phone", "order_id"} {
				p := s.Field(s.Root(), key)
				once, _ := s.Text(p, v)
				if twice, _ := s.Text(p, once); twice != once {
					t.Errorf("%d bytes of %.20q: redacted twice is not redacted once", len(v), v)
				}
			}
		}
	}
}

// BenchmarkHostilePersonal shows that no such text takes superlinear time: the
// throughput stays the same when the texts get longer.
func BenchmarkHostilePersonal(b *testing.B) {
	s := newScanner(b, Config{PII: masked(PolicyMask)})
	for _, n := range []int{16 << 10, 128 << 10, 1 << 20} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			texts := hostilePersonal(n)
			total := 0
			for _, v := range texts {
				total += len(v)
			}
			b.SetBytes(int64(total))
			for b.Loop() {
				for _, v := range texts {
					s.Text(s.Field(s.Root(), "phone"), v)
					s.Text(s.Field(s.Root(), "order_id"), v)
				}
			}
		})
	}
}

// BenchmarkCleanPersonal is BenchmarkCleanRecord where all personal data is
// looked for.
func BenchmarkCleanPersonal(b *testing.B) {
	s := newScanner(b, Config{PII: masked(PolicyMask)})
	r := cleanRecord
	r.attrs = append([]field(nil), r.attrs...)
	r.attrs[1].value = "arn:aws:sts::123456789012:assumed-role/deployer/svc-deploy-build-07.corp.example"
	n, changed := r.walk(s)
	if changed != 0 {
		b.Fatalf("%d values of the clean record changed", changed)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		r.walk(s)
	}
}
