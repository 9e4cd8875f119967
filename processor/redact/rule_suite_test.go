// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"path/filepath"
	"testing"

	"github.com/auditchain/auditchain/processor/redact"
	"github.com/auditchain/auditchain/processor/redact/rulefile"
)

// The rule suite: every kind has lines that it masks and lines that it leaves,
// in the format that users write for their own rules (testdata/rules).

// suiteConfig is what the lines of a file are tried with.
func suiteConfig(file string) redact.Config {
	if file == "personal.yaml" {
		return redact.Config{PII: redact.PII{Email: redact.PolicyMask, PaymentCard: redact.PolicyMask, IBAN: redact.PolicyMask, Phone: redact.PolicyMask, IP: redact.PolicyMask}}
	}
	return redact.Config{}
}

// refusals have no form that a line could have: other tests make them.
var refusals = map[redact.Kind]bool{"too-deep": true, "too-large": true, "error": true}

func TestRuleSuite(t *testing.T) {
	files, err := filepath.Glob("testdata/rules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 3 {
		t.Fatalf("%d files: an empty suite proves nothing", len(files))
	}
	tested := map[redact.Kind]rulefile.Tested{}
	for _, path := range files {
		f, err := rulefile.Load(path)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if err := rulefile.Check(f, suiteConfig(filepath.Base(path))); err != nil {
			t.Errorf("%v", err)
		}
		for kind, n := range f.Tested() {
			sum := tested[kind]
			tested[kind] = rulefile.Tested{Masks: sum.Masks + n.Masks, Leaves: sum.Leaves + n.Leaves}
		}
	}
	known := map[redact.Kind]bool{}
	for _, kind := range redact.Kinds() {
		known[kind] = true
		switch n := tested[kind]; {
		case refusals[kind]:
		case n.Masks == 0:
			t.Errorf("kind %s has no line that it masks in testdata/rules", kind)
		case n.Leaves == 0:
			t.Errorf("kind %s has no line that it leaves in testdata/rules", kind)
		}
	}
	for kind := range tested {
		if !known[kind] && kind != "" {
			t.Errorf("kind %s of testdata/rules is not built in", kind)
		}
	}
}
