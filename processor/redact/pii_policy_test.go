// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPIIConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{PII: PII{Email: "hide"}}, `PII.Email is "hide"; use keep, mask or fingerprint`},
		{Config{PII: PII{PaymentCard: PolicyTruncate}}, "use keep, mask or fingerprint"},
		{Config{PII: PII{IP: PolicyLast4}}, "use keep, mask, fingerprint or truncate"},
		{Config{PII: PII{Phone: PolicyFingerprint}}, `PII.Phone is "fingerprint", and there is no FingerprintKey`},
		{Config{AccessKeyIDs: PolicyTruncate}, "use last4, mask or keep"},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%+v): %v, want %q", c.cfg, err, c.want)
		}
	}
	for _, c := range []Config{{}, {PII: masked(PolicyKeep)}} {
		r, err := New(c)
		if err != nil || r.pii != nil {
			t.Errorf("New(%+v): %v, %v", c, r.pii, err)
		}
	}
}

// By default, and under keep, personal data stays.
func TestPIIKept(t *testing.T) {
	const text = "bob@example.com 4111111111111111 DE89370400440532013000 +49301234567 192.0.2.7 phone 030 1234567"
	for _, c := range []Config{{}, {PII: masked(PolicyKeep)}, {FingerprintKey: testKey}} {
		s := newScanner(t, c)
		if out, changed := s.Text(s.Field(s.Root(), "phone"), text); changed {
			t.Errorf("%+v: %s", c, out)
		}
	}
	// Each kind by itself leaves the others alone.
	want := []string{
		"[REDACTED:email] 4111111111111111 DE89370400440532013000 +49301234567 192.0.2.7 phone 030 1234567",
		"bob@example.com [REDACTED:payment-card] DE89370400440532013000 +49301234567 192.0.2.7 phone 030 1234567",
		"bob@example.com 4111111111111111 [REDACTED:iban] +49301234567 192.0.2.7 phone 030 1234567",
		"bob@example.com 4111111111111111 DE89370400440532013000 [REDACTED:phone-number] 192.0.2.7 phone [REDACTED:phone-number]",
		"bob@example.com 4111111111111111 DE89370400440532013000 +49301234567 [REDACTED:ip-address] phone 030 1234567",
	}
	for i, p := range []PII{{Email: PolicyMask}, {PaymentCard: PolicyMask}, {IBAN: PolicyMask}, {Phone: PolicyMask}, {IP: PolicyMask}} {
		s := newScanner(t, Config{PII: p})
		if out, _ := s.Text(s.Root(), text); out != want[i] {
			t.Errorf("%+v: %s", p, out)
		}
	}
}

func TestPIITruncate(t *testing.T) {
	s := newScanner(t, Config{PII: PII{IP: PolicyTruncate}})
	for in, want := range map[string]string{
		"192.0.2.7":                           "192.0.2.0",
		"192.0.2.0":                           "192.0.2.0",
		"from 192.0.2.7:443, 10.1.2.3/32":     "from 192.0.2.0:443, 10.1.2.0/32",
		"2001:db8:1:2::3":                     "2001:db8:1::",
		"2001:0DB8:0001:0002:3:4:5:6":         "2001:db8:1::",
		"2001:DB8:1::":                        "2001:db8:1::",
		"[2001:db8:1:2::3]:443":               "[2001:db8:1::]:443",
		"2001:db8:1:2::3: connection refused": "2001:db8:1::: connection refused",
		"2001:db8::3":                         "2001:db8::",
		"::ffff:192.0.2.7":                    "192.0.2.0",
		"fe80::1%eth0":                        "fe80::%eth0",
		"%5B2001%3Adb8%3A1%3A2%3A%3A3%5D":     "%5B2001:db8:1::%5D",
		"127.0.0.1 ::1 0.0.0.0 ::":            "127.0.0.1 ::1 0.0.0.0 ::",
		"version 1.2.3.4, 1.3.6.1.4.1.311":    "version 1.2.3.4, 1.3.6.1.4.1.311",
	} {
		s.Reset()
		out, _ := s.Text(s.Root(), in)
		if out != want {
			t.Errorf("%s: %s, want %s", in, out, want)
		}
		if n := sum(s.Counts()); (n > 0) != (in != want) {
			t.Errorf("%s: %v counted", in, s.Counts())
		}
		s.Reset()
		if again, changed := s.Text(s.Root(), out); changed || sum(s.Counts()) > 0 {
			t.Errorf("twice: %s, %s, %v", out, again, s.Counts())
		}
	}
}

// The same thing has the same fingerprint, however it is written.
func TestPIIFingerprint(t *testing.T) {
	s := newScanner(t, Config{PII: masked(PolicyFingerprint), FingerprintKey: testKey})
	for kind, spellings := range map[string][]string{
		"email":        {"bob@example.com", "Bob@EXAMPLE.com", "bob%40example.com", `bob\u0040example.com`, "bob%2540example.com"},
		"payment-card": {"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4111%201111%201111%201111"},
		"iban":         {"DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"},
		"phone-number": {"+49301234567", "+49 30 123-4567", "+49 (0)30 1234567", "+49 30 1234567 ext. 12"},
		"ip-address":   {"192.0.2.7", "::ffff:192.0.2.7", "::FFFF:c000:207"},
	} {
		first := ""
		for _, v := range spellings {
			out, _ := s.Text(s.Root(), v)
			if first == "" {
				first = out
			}
			if out != first || len(out) != len("[REDACTED::12345678:123456789012]")+len(kind) || !s.isMarker(out) || !strings.HasPrefix(out, "[REDACTED:"+kind+":") {
				t.Errorf("%s: %s, want %s", v, out, first)
			}
		}
		if other, _ := s.Text(s.Root(), strings.NewReplacer("bob@", "ann@", "4111111111111111", "5555555555554444", "DE89370400440532013000", "GB29NWBK60161331926819", "+49301234567", "+49301234568", "192.0.2.7", "192.0.2.8").Replace(spellings[0])); other == first {
			t.Errorf("%s: two have the same fingerprint", kind)
		}
	}
	// mask is without one, also where there is a key.
	s = newScanner(t, Config{PII: masked(PolicyMask), FingerprintKey: testKey})
	if out, _ := s.Text(s.Root(), "bob@example.com"); out != "[REDACTED:email]" {
		t.Errorf("mask: %s", out)
	}
}

// Names of keys say what a number is.
func TestPIIUnderNames(t *testing.T) {
	s := newScanner(t, Config{PII: masked(PolicyMask)})
	for _, c := range []struct{ in, want string }{
		{`{"phone":"030 1234567"}`, `{"phone":"[REDACTED:phone-number]"}`},
		{`{"contact":{"mobilePhone":4915112345678}}`, `{"contact":{"mobilePhone":"[REDACTED:phone-number]"}}`},
		{`{"phones":["030 1234567","(212) 555-0123"]}`, `{"phones":["[REDACTED:phone-number]","[REDACTED:phone-number]"]}`},
		{`{"phone":{"work":"030 1234567"}}`, `{"phone":{"work":"[REDACTED:phone-number]"}}`},
		{`{"phone_verified":"030 1234567","hotel":"030 1234567"}`, `{"phone_verified":"030 1234567","hotel":"030 1234567"}`},
		{`{"phone":"2026-11-24","tel":"7c9e6679-7425-40de-944b-e07fc1f90ae7","fax":"1234"}`, `{"phone":"2026-11-24","tel":"7c9e6679-7425-40de-944b-e07fc1f90ae7","fax":"1234"}`},
		{`{"card":4111111111111111,"n":4111111111111111.0,"e":4.111111111111111e15}`, `{"card":"[REDACTED:payment-card]","n":"[REDACTED:payment-card]","e":"[REDACTED:payment-card]"}`},
		{`{"order_id":4111111111111111,"traceId":"4111111111111111","card_id":4111111111111111}`, `{"order_id":4111111111111111,"traceId":"4111111111111111","card_id":"[REDACTED:payment-card]"}`},
		{`{"message_id":"card 4111111111111111 declined"}`, `{"message_id":"card [REDACTED:payment-card] declined"}`},
		{`{"service.version":"1.2.3.4","client.address":"1.2.3.4","ip":"2.5.4.3"}`, `{"service.version":"1.2.3.4","client.address":"[REDACTED:ip-address]","ip":"[REDACTED:ip-address]"}`},
		{`{"bob@example.com":1,"192.0.2.7":2}`, `{"[REDACTED:email]":1,"[REDACTED:ip-address]":2}`},
		{`{"amount":4111,"ts":1732458679123,"at":1732458679123456789,"account":123456789012,"f":1.5,"g":-4111111111111111}`, `{"amount":4111,"ts":1732458679123,"at":1732458679123456789,"account":123456789012,"f":1.5,"g":-4111111111111111}`},
		{`{"authorization":"Digest username=\"bob@example.com\""}`, `{"authorization":"Digest username=\"[REDACTED:email]\""}`},
		{`{"password":4111111111111111,"token":"bob@example.com"}`, `{"password":"[REDACTED:password]","token":"[REDACTED:token]"}`},
		{`{"secret":"arn:aws:sts::123456789012:assumed-role/x/bob@example.com"}`, `{"secret":"arn:aws:sts::123456789012:assumed-role/x/[REDACTED:email]"}`},
	} {
		out, _ := s.JSON(nil, s.Root(), c.in)
		if string(out) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, out, c.want)
		}
		if !json.Valid(out) {
			t.Errorf("%s is no JSON", out)
		}
	}
}

func TestPIINumbers(t *testing.T) {
	s := newScanner(t, Config{PII: masked(PolicyFingerprint), FingerprintKey: testKey})
	text, _ := s.Text(s.Root(), "4111111111111111")
	s.Reset()
	if m, masked := s.Int(s.Field(s.Root(), "n"), 4111111111111111); !masked || m != text {
		t.Errorf("an integer: %q, want %q", m, text)
	}
	if m, masked := s.Float(s.Field(s.Root(), "n"), 4111111111111111); !masked || m != text {
		t.Errorf("a float: %q, want %q", m, text)
	}
	if diff := cmp.Diff([]KindCount{{"payment-card", 2}}, s.Markers()); diff != "" {
		t.Error(diff)
	}
	for _, n := range []int64{0, -4111111111111111, 4111111111111112, 1732458679123456789, 1 << 62} {
		if m, masked := s.Int(s.Root(), n); masked {
			t.Errorf("%d: %s", n, m)
		}
	}
	for _, f := range []float64{4111111111111111.5, 1e300, -1, 0.5} {
		if m, masked := s.Float(s.Root(), f); masked {
			t.Errorf("%g: %s", f, m)
		}
	}
	// A rule that panics: the number is not passed on.
	s.mac = nil
	if m, masked := s.Int(s.Root(), 4111111111111111); !masked || m != "[REDACTED:error]" {
		t.Errorf("a panic: %q", m)
	}
	off := newScanner(t, Config{})
	if m, masked := off.Int(off.Root(), 4111111111111111); masked {
		t.Errorf("by default: %s", m)
	}
	if m, _ := off.Int(off.Field(off.Root(), "password"), 4111111111111111); m != "[REDACTED:password]" {
		t.Errorf("under a name: %s", m)
	}
}

func TestAccessKeyIDs(t *testing.T) {
	id := "AKIA" + "IOSFODNN7EXAMPLE"
	secret := "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYEXAMPLEKEY"
	alibaba := "LTAI" + "a4HLsa4HLsa4HLsa"
	last4 := newScanner(t, Config{})
	mask := newScanner(t, Config{AccessKeyIDs: PolicyMask, FingerprintKey: testKey})
	keep := newScanner(t, Config{AccessKeyIDs: PolicyKeep})
	for _, c := range []struct {
		s        *Scanner
		in, want string
	}{
		{last4, id, "[REDACTED:aws-access-key-id:****MPLE]"},
		{mask, id, "[REDACTED:aws-access-key-id:"},
		{keep, id, id},
		{keep, "used " + id + " " + secret, "used " + id + " [REDACTED:aws-secret-access-key]"},
		{keep, "access_key=" + id + " secret_key=" + secret, "access_key=" + id + " secret_key=[REDACTED:"},
		{keep, `{"access_key":"` + id + `","n":"` + alibaba + `"}`, `{"access_key":"` + id + `","n":"` + alibaba + `"}`},
		{keep, id + "X", id + "X"},
		{keep, "Authorization: AWS4-HMAC-SHA256 Credential=" + id + "/20261124/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=" + strings.Repeat("0f", 32), "Authorization: AWS4-HMAC-SHA256 Credential=" + id + "/20261124/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=[REDACTED:"},
		{keep, "https://b.example/k?X-Amz-Credential=" + id + "%2F20261124%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=" + strings.Repeat("0f", 32), "https://b.example/k?X-Amz-Credential=" + id + "%2F20261124%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=[REDACTED:"},
		{last4, "https://b.example/k?X-Amz-Credential=" + id + "%2F20261124%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=" + strings.Repeat("0f", 32), "https://b.example/k?X-Amz-Credential=[REDACTED:aws-access-key-id:****MPLE]%2F20261124%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=[REDACTED:"},
		{last4, `{"X-Amz-Credential":"` + id + `/20261124/us-east-1/s3/aws4_request"}`, `{"X-Amz-Credential":"[REDACTED:aws-access-key-id:****MPLE]/20261124/us-east-1/s3/aws4_request"}`},
		{last4, `{"credential":"` + id + `/20261124/` + secret + `"}`, `{"credential":"[REDACTED:credential]"}`},
		{keep, `{"AccessKeyId":"` + id + `","SecretAccessKey":"` + secret + `"}`, `{"AccessKeyId":"` + id + `","SecretAccessKey":"[REDACTED:aws-secret-access-key]"}`},
		{keep, `["aws","configure","set","aws_access_key_id","` + id + `"]`, `["aws","configure","set","aws_access_key_id","` + id + `"]`},
		{keep, `["--access-key","` + id + `","--secret-key","` + secret + `"]`, `["--access-key","` + id + `","--secret-key","[REDACTED:`},
		{keep, `AWS_ACCESS_KEY_ID='` + id + `' aws s3 ls`, `AWS_ACCESS_KEY_ID='` + id + `' aws s3 ls`},
		{keep, "password=" + id + "x", "password=[REDACTED:password]"},
		{last4, alibaba, "[REDACTED:alibaba-key]"},
	} {
		out, _ := c.s.Text(c.s.Root(), c.in)
		if !strings.HasPrefix(out, c.want) || strings.Contains(c.want, "]") && !strings.HasSuffix(c.want, ":") && out != c.want && c.s != mask {
			t.Errorf("%s: %s, want %s", c.in, out, c.want)
		}
		if strings.Contains(out, secret[:12]) {
			t.Errorf("%s: the secret leaks: %s", c.in, out)
		}
		// Every other policy leaves a marker of this one alone.
		for _, other := range []*Scanner{last4, mask, keep} {
			if other == c.s || strings.Contains(out, markerOpen) && !strings.Contains(out, id) && !strings.Contains(out, alibaba) {
				if again, changed := other.Text(other.Root(), out); changed {
					t.Errorf("%s becomes %s", out, again)
				}
			}
		}
	}
}
