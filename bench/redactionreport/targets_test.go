// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
)

const benchFolder = ".."

// full is the whole run, made once for the tests that need it.
var full = sync.OnceValues(func() (*scores, error) { return fullScores(context.Background(), benchFolder) })

// oursAlone is the run without the others, which takes less than a second.
var oursAlone = sync.OnceValues(func() (*scores, error) {
	cs, err := corpora(context.Background(), benchFolder)
	if err != nil {
		return nil, err
	}
	ways, err := ourWays()
	if err != nil {
		return nil, err
	}
	return measure(ways, cs)
})

// TestTargets asserts what was promised of processor/redact.
func TestTargets(t *testing.T) {
	s, err := oursAlone()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, corpus, way string
		of                func(*score) share
		least             int // of lines or secrets, so that there is something to judge
		caught, touched   float64
	}{
		{"secrets with key names", recallCorpus, withNames, (*score).tunedOn, 800, 0.99, 1},
		{"secrets with key names, set aside", recallCorpus, withNames, (*score).setAside, 400, 0.99, 1},
		{"secrets as text", recallCorpus, asText, (*score).all, 1300, 0.99, 1},
		{"secrets by value alone", recallCorpus, byValue, (*score).tunedOn, 800, 0.98, 1},
		{"secrets by value alone, set aside", recallCorpus, byValue, (*score).setAside, 400, 0.98, 1},
		{"gitleaks' samples", samplesPositive, asText, (*score).all, 5000, 0.97, 1},
		{"clean lines", cleanCorpus, withNames, (*score).lines, 3000, 0, 0.005},
		{"clean lines as text", cleanCorpus, asText, (*score).lines, 3000, 0, 0.005},
		{"clean lines by value", cleanCorpus, byValue, (*score).lines, 3000, 0, 0.005},
		{"hard negatives", hardCorpus, withNames, (*score).lines, 2000, 0, 0.02},
		{"hard negatives as text", hardCorpus, asText, (*score).lines, 2000, 0, 0.02},
		{"hard negatives by value", hardCorpus, byValue, (*score).lines, 2000, 0, 0.02},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := c.of(s.of(c.corpus, ours, c.way))
			if got.whole < c.least {
				t.Fatalf("only %d to judge by, want %d", got.whole, c.least)
			}
			if c.caught > 0 && caught(got).ratio() < c.caught {
				t.Errorf("%s masked, want at least %.1f %%", both(caught(got)), 100*c.caught)
			}
			if got.ratio() > c.touched {
				t.Errorf("%s touched, want at most %.1f %%", both(got), 100*c.touched)
			}
		})
	}
}

// TestReport fails when docs/REDACTION-REPORT.md says something else than is so.
func TestReport(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the other programs on everything")
	}
	s, err := full()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("../../docs/REDACTION-REPORT.md")
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(s.report(), "\n"), strings.Split(string(kept), "\n")
	if len(want) != len(got) {
		t.Errorf("docs/REDACTION-REPORT.md has %d lines and should have %d", len(got), len(want))
	}
	shown := 0
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			if shown++; shown <= 5 {
				t.Errorf("docs/REDACTION-REPORT.md, line %d:\nis     %s\nshould be %s", i+1, got[i], want[i])
			}
		}
	}
	if t.Failed() {
		t.Error("run: make redaction-report")
	}
}

// TestReportShowsNoCorpus keeps the texts of the corpora out of the report.
func TestReportShowsNoCorpus(t *testing.T) {
	kept, err := os.ReadFile("../../docs/REDACTION-REPORT.md")
	if err != nil {
		t.Fatal(err)
	}
	cs, err := corpora(t.Context(), benchFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		for i, l := range c.lines {
			for _, p := range l.planted {
				if len(p.Text) >= 8 && strings.Contains(string(kept), p.Text) {
					t.Errorf("%s, line %d: the report shows a planted %s", c.name, i+1, p.Kind)
				}
			}
		}
	}
}
