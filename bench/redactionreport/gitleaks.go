// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/logging"
	"github.com/zricethezav/gitleaks/v8/report"
)

// decodeDepth is how often gitleaks' command decodes by default.
const decodeDepth = 5

// gitleaksWays is gitleaks with the rules that it ships. It finds and does not
// mask, so what it finds is masked for it.
func gitleaksWays() ([]way, error) {
	logging.Logger = logging.Logger.Level(zerolog.ErrorLevel)
	d, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		return nil, fmt.Errorf("gitleaks: %w", err)
	}
	d.MaxDecodeDepth = decodeDepth
	d.IgnoreGitleaksAllow = true
	mask := func(text, path string) result {
		found := d.Detect(detect.Fragment{Raw: text, FilePath: path}) //nolint:staticcheck // deprecated, and the only type it takes
		return result{masked(text, found), len(found) > 0}
	}
	return []way{
		{gitleaks, "the line as it stands", func(in input) (result, error) {
			return mask(in.text, in.path), nil
		}},
		{gitleaks, "a line name=value for each value", func(in input) (result, error) {
			if in.record == nil {
				return mask(in.text, in.path), nil
			}
			var b strings.Builder
			eachValue("", in.record, func(name, value string) { fmt.Fprintf(&b, "%s=%s\n", name, value) })
			return mask(b.String(), in.path), nil
		}},
		{gitleaks, "value by value, without names", func(in input) (result, error) {
			if in.record == nil {
				return mask(in.text, in.path), nil
			}
			var b strings.Builder
			touched := false
			eachValue("", in.record, func(_, value string) {
				r := mask(value, in.path)
				touched = touched || r.touched
				b.WriteString(r.out)
				b.WriteByte('\n')
			})
			return result{b.String(), touched}, nil
		}},
	}, nil
}

// masked is the text without what was found: each secret, wherever it stands,
// and what stands at the place of a finding whose secret is only there once it
// is decoded.
func masked(text string, found []report.Finding) string {
	slices.SortFunc(found, func(a, b report.Finding) int {
		return cmp.Or(cmp.Compare(len(b.Secret), len(a.Secret)), cmp.Compare(a.Secret, b.Secret))
	})
	var places [][2]int
	for _, f := range found {
		if f.Secret != "" && !strings.Contains(text, f.Secret) {
			places = append(places, place(text, f))
		}
	}
	slices.SortFunc(places, func(a, b [2]int) int { return cmp.Compare(b[0], a[0]) })
	end := len(text)
	for _, p := range places { // from the last to the first
		from, to := p[0], min(p[1], end)
		if from < to {
			text = text[:from] + mark + text[to:]
			end = from
		}
	}
	for _, f := range found {
		if f.Secret != "" {
			text = strings.ReplaceAll(text, f.Secret, mark)
		}
	}
	return text
}

const mark = "[masked]"

// place is where a finding stands in the text. Lines count from 0 here, and
// columns from 1; but in a line behind another, gitleaks counts the line end
// as a column.
func place(text string, f report.Finding) [2]int {
	at := func(line, column int) int {
		start := 0
		for range line {
			i := strings.IndexByte(text[start:], '\n')
			if i < 0 {
				break
			}
			start += i + 1
		}
		if line > 0 {
			column--
		}
		return min(max(start+column, 0), len(text))
	}
	return [2]int{at(f.StartLine, f.StartColumn-1), at(f.EndLine, f.EndColumn)}
}
