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
	keys, epochs           int // changes of keys; the highest epoch
	checkpoints, given     int // that were looked at, and of them those that were given away
	signers                int // changes of the key for checkpoints
	erased, tombstones     int // erasures that were done; tombstones that were looked at
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
	a.keys += b.keys
	a.epochs = max(a.epochs, b.epochs)
	a.checkpoints += b.checkpoints
	a.given += b.given
	a.signers += b.signers
	a.erased += b.erased
	a.tombstones += b.tombstones
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
	return fmt.Sprintf("%d histories, %d crashes, %d faults injected, %d records appended, %d acknowledged, %d removed by retention, %d lost, %d duplicated; keys changed %d times, up to epoch %d, signers %d times; %d records erased, %d tombstones seen",
		t.histories, t.crashes, t.injected, t.appended, t.acknowledged, t.removed, t.lost, t.duplicated, t.keys, t.epochs, t.signers, t.erased, t.tombstones)
}
