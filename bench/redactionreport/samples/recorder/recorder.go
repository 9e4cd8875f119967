// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package recorder stands in for the checks that gitleaks makes on the samples
// of its rules: it writes the samples down instead.
package recorder

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/zricethezav/gitleaks/v8/cmd/generate/config/base"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/report"
)

// A Sample is a text that a rule of gitleaks is to find something in, or not.
type Sample struct {
	Rule     string `json:"rule"`
	Text     string `json:"text"`
	Secret   string `json:"secret"` // what that rule alone finds; empty if it is to find nothing
	Positive bool   `json:"positive"`
	Path     string `json:"path,omitempty"` // of the file that the text is thought to stand in
}

var samples []Sample

// Validate has the signature of gitleaks' function.
func Validate(rule config.Rule, positive, negative []string) *config.Rule {
	d := detector(&rule)
	for _, text := range positive {
		add(d, rule.RuleID, text, "", true)
	}
	for _, text := range negative {
		add(d, rule.RuleID, text, "", false)
	}
	return &rule
}

// ValidateWithPaths has the signature of gitleaks' function.
func ValidateWithPaths(rule config.Rule, positive, negative map[string]string) *config.Rule {
	d := detector(&rule)
	for path, text := range positive {
		add(d, rule.RuleID, text, path, true)
	}
	for path, text := range negative {
		add(d, rule.RuleID, text, path, false)
	}
	return &rule
}

func add(d *detect.Detector, rule, text, path string, positive bool) {
	s := Sample{Rule: rule, Text: text, Path: path, Positive: positive}
	if positive {
		// Where the rule finds more than one thing, the first in the text counts.
		found := d.Detect(detect.Fragment{Raw: text, FilePath: path}) //nolint:staticcheck // deprecated, and the only type it takes
		slices.SortFunc(found, func(a, b report.Finding) int {
			return cmp.Or(cmp.Compare(a.StartLine, b.StartLine), cmp.Compare(a.StartColumn, b.StartColumn))
		})
		if len(found) > 0 {
			s.Secret = found[0].Secret
		}
	}
	samples = append(samples, s)
}

// detector knows one rule and what gitleaks lets pass everywhere.
func detector(r *config.Rule) *detect.Detector {
	keywords := map[string]struct{}{}
	for _, k := range r.Keywords {
		keywords[strings.ToLower(k)] = struct{}{}
	}
	r.Keywords = slices.Sorted(maps.Keys(keywords))
	cfg := base.CreateGlobalConfig()
	cfg.Rules = map[string]config.Rule{r.RuleID: *r}
	cfg.Keywords = keywords
	for _, a := range cfg.Allowlists {
		if err := a.Validate(); err != nil {
			panic(err)
		}
	}
	return detect.NewDetector(cfg)
}

// Write writes what was recorded, sorted, one JSON object a line.
func Write(w io.Writer) error {
	slices.SortFunc(samples, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Path, b.Path))
	})
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, s := range slices.Compact(samples) {
		if err := enc.Encode(s); err != nil {
			return err
		}
	}
	return nil
}
