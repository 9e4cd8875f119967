// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/auditchain/auditchain/integrity"
)

// The states of an import.
const (
	stateImported    = "imported"
	stateAlready     = "already imported"
	stateInterrupted = "interrupted"
	stateRefused     = "refused"
)

// importResult is the output of import --json.
type importResult struct {
	State    string              `json:"state"`
	File     string              `json:"file"`
	Journal  string              `json:"journal"`
	Chain    string              `json:"chain_id"`
	KeyID    string              `json:"key_id"`
	Imported *integrity.Imported `json:"imported"`
	Unsigned int64               `json:"unsigned"`
	Blank    int64               `json:"blank"`
	Records  int64               `json:"records"`
	Events   int64               `json:"events"`
	Sealed   int64               `json:"sealed"`
	There    int64               `json:"already_there"`
	FirstSeq uint64              `json:"first_seq"`
	LastSeq  uint64              `json:"last_seq"`
	Redacted map[string]int      `json:"redacted"`

	Refused      []refusedLine `json:"refused"`
	RefusedTotal int64         `json:"refused_total"`
	NotProven    []string      `json:"not_proven"`
}

type refusedLine struct {
	Line   int64  `json:"line"`
	Reason string `json:"reason"`
}

func (m *importing) printJSON() error {
	b, err := json.Marshal(m.result)
	if err != nil {
		return err
	}
	_, err = m.stdout.Write(append(appendCleanJSON(nil, b), '\n'))
	return err
}

// summary says on standard error what was done.
func (m *importing) summary() {
	r, w := &m.result, m.stderr
	fmt.Fprintf(w, "%s: %s: %s, %d sealed", cleanText(r.Journal), r.State, count(r.Records, "record"), r.Sealed)
	if r.Sealed > 0 {
		fmt.Fprintf(w, " (seq %d to %d)", r.FirstSeq, r.LastSeq)
	}
	if r.There > 0 {
		fmt.Fprintf(w, ", %d already there", r.There)
	}
	fmt.Fprintf(w, "; chain %s\n", r.Chain)
	fmt.Fprintf(w, "  from %s: %s, %d signed", cleanText(r.File), count(r.Imported.Lines, "line"), r.Imported.Signed)
	if r.Unsigned > 0 {
		fmt.Fprintf(w, ", %d unsigned", r.Unsigned)
	}
	if r.Blank > 0 {
		fmt.Fprintf(w, ", %d blank", r.Blank)
	}
	if r.Imported.KeyID != "" {
		fmt.Fprintf(w, "; verified under key %s", r.Imported.KeyID)
	}
	fmt.Fprintf(w, "\n  %d audit events, %d other JSON\n", r.Events, r.Records-r.Events)
	masked := 0
	for _, n := range r.Redacted {
		masked += n
	}
	fmt.Fprintf(w, "  %s masked\n", count(int64(masked), "value"))
	for _, kind := range slices.Sorted(maps.Keys(r.Redacted)) {
		fmt.Fprintf(w, "    %-28s %d\n", kind, r.Redacted[kind])
	}
	for _, s := range r.NotProven {
		fmt.Fprintf(w, "  not proven: %s\n", cleanText(s))
	}
	if r.State == stateInterrupted {
		fmt.Fprintf(w, "interrupted: run the same command again, and it goes on\n")
		return
	}
	fmt.Fprintf(w, "keep %s and its key: they are the evidence that its tags held\n", cleanText(r.File))
}
