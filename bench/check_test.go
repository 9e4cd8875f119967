// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// otlpFile writes the pool's batches as fileexporter does.
func otlpFile(t *testing.T, p *pool) string {
	t.Helper()
	var text bytes.Buffer
	for _, ld := range p.batches {
		text.Write(mustJSON(t, ld))
		text.WriteByte('\n')
	}
	path := filepath.Join(t.TempDir(), "out.json")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pushedOnce(p *pool) pushed {
	out := pushed{batches: make([]int, len(p.batches))}
	for i := range p.batches {
		out.batches[i] = 1
		out.records += p.size
	}
	return out
}

func TestCheckAcceptsWhatWasPushed(t *testing.T) {
	// The second pool's lines are longer than the reader's buffer.
	for _, p := range []*pool{newPool(30, 10, false), newPool(8000, 4000, false)} {
		w, err := readFile(otlpFile(t, p), countOTLP(), p)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.check(pushedOnce(p), true); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckNoticesMissingAndLeakedRecords(t *testing.T) {
	p := newPool(30, 10, true)
	w, err := readFile(otlpFile(t, p), countOTLP(), p)
	if err != nil {
		t.Fatal(err)
	}
	if w.leaked != 3 {
		t.Errorf("%d planted secrets found, want 3", w.leaked)
	}
	for name, c := range map[string]struct {
		pushed   pushed
		redacted bool
		want     string
	}{
		"leak":            {pushedOnce(p), true, "3 planted secrets"},
		"too few records": {pushed{records: 31, batches: make([]int, 3)}, false, "31 records were pushed and 30"},
	} {
		err := w.check(c.pushed, c.redacted)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: err = %v, want it to say %q", name, err, c.want)
		}
	}
	other := newPool(60, 10, false)
	w, err = readFile(otlpFile(t, p), countOTLP(), other)
	if err != nil {
		t.Fatal(err)
	}
	all := pushedOnce(other)
	all.records = 30
	if err := w.check(all, false); err == nil || !strings.Contains(err.Error(), "is not in the file") {
		t.Errorf("err = %v, want it to miss a batch that was never written", err)
	}
}

func TestReadFileRefusesATornLineAndForeignText(t *testing.T) {
	p := newPool(10, 10, false)
	path := otlpFile(t, p)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFile(path, countOTLP(), p); err == nil || !strings.Contains(err.Error(), "has no end") {
		t.Errorf("err = %v for a line without LF", err)
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFile(path, countJournal(), p); err == nil || !strings.Contains(err.Error(), "neither a record") {
		t.Errorf("err = %v for OTLP/JSON read as a journal", err)
	}
}

func TestCountJournal(t *testing.T) {
	count := countJournal()
	for line, want := range map[string]int{
		`{"timestamp":"2026-11-23T10:15:00.000000000Z","event":{}`: 1,
		`{"control":"chain.genesis","time":"…"`:                    0,
	} {
		if n, err := count([]byte(line)); err != nil || n != want {
			t.Errorf("count(%q) = %d, %v, want %d", line, n, err, want)
		}
	}
}
