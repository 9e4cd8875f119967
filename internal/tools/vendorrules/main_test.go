// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const committed = "../../../processor/redact/"

// TestGeneratedFileIsCurrent: go generate writes the file that is committed,
// byte for byte, however often it runs.
func TestGeneratedFileIsCurrent(t *testing.T) {
	want, err := os.ReadFile(committed + "vendor_rules.go")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // maps are walked in another order every time
		got, err := generate()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatal("vendor_rules.go is not what the pinned gitleaks gives; run go generate ./processor/redact")
		}
	}
}

// TestNoRuleIsLost: every rule that gitleaks publishes is converted or listed.
func TestNoRuleIsLost(t *testing.T) {
	c, err := published()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Rules) < 200 {
		t.Fatalf("gitleaks publishes %d rules; it had 222", len(c.Rules))
	}
	out, err := convert(c)
	if err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	for _, r := range out.sequences {
		done[r.source] = true
	}
	for _, shapes := range out.keywords {
		for _, s := range shapes {
			done[s.source] = true
		}
	}
	file, err := os.ReadFile(committed + "vendor_rules.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rules {
		if done[r.ID] == (covered[r.ID] != "") {
			t.Errorf("%s: converted is %t, listed in covered.go is %t; want one of them", r.ID, done[r.ID], covered[r.ID] != "")
		}
		if !regexp.MustCompile(`\b` + r.ID + `\b`).Match(file) {
			t.Errorf("%s does not stand in vendor_rules.go", r.ID)
		}
	}
}

// TestUnknownRuleStopsTheGenerator: a rule that a new version brings is not
// passed over, nor one that it takes away.
func TestUnknownRuleStopsTheGenerator(t *testing.T) {
	c, err := published()
	if err != nil {
		t.Fatal(err)
	}
	more := c
	more.Rules = slices.Clone(c.Rules)
	more.Rules[0].ID = "brand-new"
	if _, err := convert(more); err == nil || !strings.Contains(err.Error(), "brand-new") {
		t.Errorf("an unknown rule: got %v", err)
	}
	less := c
	for i := range c.Rules {
		if c.Rules[i].ID == "github-pat" {
			less.Rules = slices.Delete(slices.Clone(c.Rules), i, i+1)
			break
		}
	}
	if _, err := convert(less); err == nil || !strings.Contains(err.Error(), "github-pat") {
		t.Errorf("a rule that is gone: got %v", err)
	}
	// One whose expression became more than can be converted.
	for i := range more.Rules {
		if more.Rules[i].ID == "github-oauth" {
			more.Rules[i].Regex = `(?:[a-z]{3}){2,}gho_[0-9a-z]+g`
		}
	}
	more.Rules[0].ID = c.Rules[0].ID
	if _, err := convert(more); err == nil || !strings.Contains(err.Error(), "github-oauth") {
		t.Errorf("an expression that cannot be converted: got %v", err)
	}
}

func TestKinds(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)
	for _, id := range slices.Sorted(maps.Keys(kinds)) {
		if !valid.MatchString(kinds[id]) {
			t.Errorf("%s: kind %q", id, kinds[id])
		}
	}
}
