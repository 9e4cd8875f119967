// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package samples

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMake(t *testing.T) {
	first, err := Make(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{}
	positive, bare := 0, 0
	for _, s := range first {
		rules[s.Rule] = true
		if s.Positive {
			positive++
			if s.Secret == "" && s.Text != "" {
				t.Errorf("rule %s finds nothing in its own sample", s.Rule)
			}
		} else if s.Secret != "" {
			t.Errorf("a negative sample of rule %s has a secret", s.Rule)
		}
		if s.Text == "" {
			bare++
		}
	}
	// A gitleaks that brings fewer is read wrongly, not smaller.
	if len(rules) < 200 || positive < 5000 || len(first)-positive < 300 {
		t.Errorf("%d rules, %d positive and %d negative samples: too few to be all", len(rules), positive, len(first)-positive)
	}
	if bare > 10 {
		t.Errorf("%d samples have no text, want only the few that are for a path", bare)
	}
	second, err := Make(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second time other samples are made:\n%s", diff)
	}
}
