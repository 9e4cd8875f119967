// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// table is a table in Markdown.
type table struct {
	head []string
	rows [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table; its first column is text, the others are figures.
func (t *table) String() string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(t.head)
	b.WriteString("|---|" + strings.Repeat("--:|", len(t.head)-1) + "\n")
	for _, r := range t.rows {
		line(r)
	}
	return b.String()
}

// percent is a ratio, in percent. It says 100 and 0 of nothing less.
func percent(s share) string {
	switch {
	case s.whole == 0:
		return "-"
	case s.part == 0:
		return "0 %"
	case s.part == s.whole:
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", min(max(100*s.ratio(), 0.01), 99.99))
}

// counted is a part, of how many.
func counted(s share) string {
	if s.whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d", s.part, s.whole)
}

// both is a ratio and what it is of.
func both(s share) string { return percent(s) + " (" + counted(s) + ")" }

// caught is what did not leak.
func caught(leaked share) share { return share{leaked.whole - leaked.part, leaked.whole} }
