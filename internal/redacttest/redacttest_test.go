// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redacttest

import (
	"testing"

	"github.com/auditchain/auditchain/processor/redact"
)

// The redactors fail as they say, and leave the others alone.
func TestPanickingRules(t *testing.T) {
	s := PanickingRules(t).Scanner()
	Panicking(t)
	for v, want := range map[string]string{
		"nothing in it":          "nothing in it",
		"a canary in it":         "[REDACTED:error]",
		`{"a":["b","a canary"]}`: `{"a":["b","[REDACTED:error]"]}`,
	} {
		if got, _ := s.Text(s.Root(), v); got != want {
			t.Errorf("%q became %q, want %q", v, got, want)
		}
	}
	r, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s = r.Scanner()
	if got, _ := s.Text(s.Root(), "password=hunter2hunter2"); got != "password=[REDACTED:password]" {
		t.Errorf("a sound redactor makes %q", got)
	}
}
