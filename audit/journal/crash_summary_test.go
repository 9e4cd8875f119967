// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// crashTally counts what happened in histories.
type crashTally struct {
	histories, crashes     int
	injected               int // calls that failed because a fault was injected
	appended, acknowledged int // records
	removed                int // of them, by retention
	lost, duplicated       int // of them, after a crash
	verdicts               map[string]int
}

func (a *crashTally) plus(b *crashTally) {
	a.histories += b.histories
	a.crashes += b.crashes
	a.injected += b.injected
	a.appended += b.appended
	a.acknowledged += b.acknowledged
	a.removed += b.removed
	a.lost += b.lost
	a.duplicated += b.duplicated
	for v, n := range b.verdicts {
		a.verdict(v, n)
	}
}

func (a *crashTally) verdict(v string, n int) {
	if a.verdicts == nil {
		a.verdicts = map[string]int{}
	}
	a.verdicts[v] += n
}

// crashSummary is what many histories came to, by the kind of fault.
type crashSummary map[string]*crashTally

func (s crashSummary) add(kind string, t *crashTally) {
	if s[kind] == nil {
		s[kind] = &crashTally{}
	}
	s[kind].plus(t)
}

func (s crashSummary) total() *crashTally {
	var sum crashTally
	for _, t := range s {
		sum.plus(t)
	}
	return &sum
}

// table has one line for each kind of fault, in the order of kinds. A fault of
// the machine is counted as injected once a crash.
func (s crashSummary) table(kinds []crashKind) string {
	var b strings.Builder
	b.WriteString("| fault | injected | acknowledged | lost | duplicated | verdicts |\n|---|--:|--:|--:|--:|---|\n")
	for _, k := range kinds {
		t := s[k.name]
		if t == nil {
			continue
		}
		injected := t.injected
		if len(k.calls) == 0 {
			injected = t.crashes
		}
		var verdicts []string
		for _, v := range slices.Sorted(maps.Keys(t.verdicts)) {
			verdicts = append(verdicts, fmt.Sprintf("%s %d", v, t.verdicts[v]))
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %s |\n", k.name, injected, t.acknowledged, t.lost, t.duplicated, strings.Join(verdicts, "; "))
	}
	return b.String()
}

func (s crashSummary) String() string {
	t := s.total()
	return fmt.Sprintf("%d histories, %d crashes, %d faults injected, %d records appended, %d acknowledged, %d removed by retention, %d lost, %d duplicated",
		t.histories, t.crashes, t.injected, t.appended, t.acknowledged, t.removed, t.lost, t.duplicated)
}
