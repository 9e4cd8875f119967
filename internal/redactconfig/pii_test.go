// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"

	"github.com/auditchain/auditchain/processor/redact"
)

func TestPoliciesValidate(t *testing.T) {
	key := Key{File: "./fingerprint.key"}
	for name, tt := range map[string]struct {
		c    Config
		want string // "" for no error
	}{
		"none":          {Config{}, ""},
		"all of them":   {Config{PII: PII{Email: "mask", PaymentCard: "fingerprint", IBAN: "keep", Phone: "mask", IP: "truncate"}, FingerprintKey: key, AccessKeyIDs: "keep"}, ""},
		"unknown":       {Config{PII: PII{Email: "hash"}}, `pii::email is "hash"; write keep, mask or fingerprint`},
		"truncate card": {Config{PII: PII{PaymentCard: "truncate"}}, "pii::payment_card"},
		"ip":            {Config{PII: PII{IP: "last4"}}, "write keep, mask, fingerprint or truncate"},
		"no key":        {Config{PII: PII{Phone: "fingerprint"}}, "pii::phone is fingerprint, and there is no fingerprint_key"},
		"key ids":       {Config{AccessKeyIDs: "first4"}, `access_key_ids is "first4"; write last4, mask or keep`},
		"iban":          {Config{PII: PII{IBAN: "Mask"}}, "pii::iban"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.c.Validate()
			if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

// The names in a configuration reach the redactor.
func TestPoliciesReachTheRedactor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fingerprint.key")
	if err := os.WriteFile(file, []byte(keyText), 0o600); err != nil {
		t.Fatal(err)
	}
	const text = "bob@example.com 4111111111111111 DE89370400440532013000 +49301234567 192.0.2.7"
	id := "AKIA" + "IOSFODNN7EXAMPLE"
	for kind, want := range map[string]string{
		"email": "[REDACTED:email:", "payment_card": "[REDACTED:payment-card:", "iban": "[REDACTED:iban:", "phone": "[REDACTED:phone-number:", "ip": "[REDACTED:ip-address:",
	} {
		var c Config
		conf := confmap.NewFromStringMap(map[string]any{
			"pii": map[string]any{kind: "fingerprint"}, "access_key_ids": "keep", "fingerprint_key": map[string]any{"file": file},
		})
		if err := conf.Unmarshal(&c); err != nil {
			t.Fatal(err)
		}
		r, err := c.Redactor()
		if err != nil {
			t.Fatal(err)
		}
		s := r.Scanner()
		if out, _ := s.Text(s.Root(), text+" "+id); strings.Count(out, "[REDACTED:") != 1 || !strings.Contains(out, want) || !strings.HasSuffix(out, id) {
			t.Errorf("%s: %s", kind, out)
		}
	}
	if err := confmap.NewFromStringMap(map[string]any{"pii": map[string]any{"e_mail": "mask"}}).Unmarshal(&Config{}); err == nil {
		t.Error("a misspelt kind is accepted")
	}
}

func TestParsePII(t *testing.T) {
	got, err := ParsePII([]string{"all=mask", "ip=truncate", "payment-card=keep"})
	if want := (redact.PII{Email: "mask", PaymentCard: "keep", IBAN: "mask", Phone: "mask", IP: "truncate"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := ParsePII(nil); err != nil || got != (redact.PII{}) {
		t.Errorf("none: %+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"email":               "no kind=policy",
		"mail=mask":           "write all, email, payment_card, iban, phone or ip",
		"email=hide":          "write keep, mask or fingerprint",
		"all=truncate":        "write keep, mask or fingerprint",
		"email=mask,email=no": "write keep",
		"ip=mask,ip=keep":     "given twice",
		"all=mask,all=mask":   "given twice",
	} {
		if _, err := ParsePII(strings.Split(text, ",")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if p, err := ParseAccessKeyIDs("mask"); err != nil || p != redact.PolicyMask {
		t.Errorf("%q, %v", p, err)
	}
	if _, err := ParseAccessKeyIDs("x"); err == nil || !strings.Contains(err.Error(), "last4, mask or keep") {
		t.Error(err)
	}
}
