// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package unseen

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCorpus(t *testing.T) {
	secrets, lookalikes := Secrets(), Lookalikes()
	if len(secrets) < 2000 || len(lookalikes) < 1000 {
		t.Errorf("%d lines with secrets and %d without are few", len(secrets), len(lookalikes))
	}
	if diff := cmp.Diff(secrets, Secrets()); diff != "" {
		t.Errorf("the second time others are made:\n%s", diff)
	}
	seen := map[string]bool{}
	contexts := [2]map[string]bool{{}, {}}
	for _, sm := range append(secrets, lookalikes...) {
		if !json.Valid([]byte(sm.Line)) {
			t.Errorf("no JSON: %s", sm.Line)
		}
		if seen[sm.Line] {
			t.Errorf("made twice: %s", sm.Line)
		}
		seen[sm.Line] = true
		half := 0
		if sm.Blind {
			half = 1
		}
		contexts[half][sm.Ctx] = true
	}
	if shown, blind := len(contexts[0]), len(contexts[1]); shown < 300 || blind < 300 {
		t.Errorf("%d contexts are shown and %d blind, want about as many", shown, blind)
	}
}
