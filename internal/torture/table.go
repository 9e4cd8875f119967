// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// outcome is what one run of a fault showed. It goes from process to process as JSON.
type outcome struct {
	Hits         int    // how often the fault was really met
	Acknowledged int    // records with a receipt, of all processes together
	Lost         int    // acknowledged, and not in the journal where the receipt says
	Duplicated   int    // records that stand in the journal more than once
	Verdict      string // of auditchain verify at the end
	Problems     []string
}

func (o *outcome) problem(format string, args ...any) {
	o.Problems = append(o.Problems, fmt.Sprintf(format, args...))
}

func (o *outcome) bad() bool { return o.Lost > 0 || o.Duplicated > 0 || len(o.Problems) > 0 }

// row is a line of the table: all runs of one fault.
type row struct {
	fault    string
	injected int // how often the fault was met
	wanted   int // how often it should have been, where that is known
	acknowledged, lost,
	duplicated int
	verdicts map[string]int
	bad      int    // runs that showed something that must not be
	first    string // the first bad thing
	skipped  string // why nothing was run
}

func (r *row) add(o outcome) {
	r.acknowledged += o.Acknowledged
	r.lost += o.Lost
	r.duplicated += o.Duplicated
	r.injected += o.Hits
	if r.verdicts == nil {
		r.verdicts = map[string]int{}
	}
	r.verdicts[o.Verdict]++
	if !o.bad() {
		return
	}
	if r.bad++; r.first == "" && len(o.Problems) > 0 {
		r.first = o.Problems[0]
	}
}

// ok reports whether the row proves what it should. A fault that was met in few of
// the calls proves little: when a machine is busy, one or the other is missed.
func (r *row) ok() bool {
	if 10*r.injected < 8*r.wanted {
		return false
	}
	return r.bad == 0 && r.lost == 0 && r.duplicated == 0
}

func (r *row) verdict() string {
	if r.skipped != "" {
		return "skipped: " + r.skipped
	}
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(r.verdicts)) {
		if len(r.verdicts) == 1 {
			parts = append(parts, v)
		} else {
			parts = append(parts, fmt.Sprintf("%s: %d", v, r.verdicts[v]))
		}
	}
	text := strings.Join(parts, ", ")
	if r.bad > 0 {
		text = fmt.Sprintf("BAD: %d runs (%s)", r.bad, text)
	}
	return text
}

func (r *row) cells() []string {
	if r.skipped != "" {
		return []string{r.fault, "-", "-", "-", "-", r.verdict()}
	}
	injected := fmt.Sprint(r.injected)
	if r.injected < r.wanted {
		injected = fmt.Sprintf("%d of %d", r.injected, r.wanted)
	}
	return []string{r.fault, injected, fmt.Sprint(r.acknowledged), fmt.Sprint(r.lost), fmt.Sprint(r.duplicated), r.verdict()}
}

var columns = []string{"fault", "injected", "acknowledged", "lost", "duplicated", "verdict"}

// total adds the rows up.
func total(rows []*row) *row {
	sum := &row{fault: "total", verdicts: map[string]int{}}
	for _, r := range rows {
		sum.injected += r.injected
		sum.acknowledged += r.acknowledged
		sum.lost += r.lost
		sum.duplicated += r.duplicated
		sum.bad += r.bad
		for v, n := range r.verdicts {
			sum.verdicts[v] += n
		}
	}
	return sum
}

// writeTable writes rows as a Markdown table that also reads well as it is.
func writeTable(w io.Writer, rows []*row) error {
	lines := [][]string{columns}
	for _, r := range append(slices.Clone(rows), total(rows)) {
		lines = append(lines, r.cells())
	}
	widths := make([]int, len(columns))
	for _, cells := range lines {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for n, cells := range lines {
		for i, c := range cells {
			// The columns in the middle are numbers.
			if i > 0 && i < len(cells)-1 {
				fmt.Fprintf(&b, "| %*s ", widths[i], c)
			} else {
				fmt.Fprintf(&b, "| %-*s ", widths[i], c)
			}
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i := range cells {
			if i > 0 && i < len(cells)-1 {
				b.WriteString("|" + strings.Repeat("-", widths[i]+1) + ":")
			} else {
				b.WriteString("|" + strings.Repeat("-", widths[i]+2))
			}
		}
		b.WriteString("|\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
