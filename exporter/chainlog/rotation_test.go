// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// Files are finished, compressed and removed as the option says, and what is
// there is one chain. Records with ids are recognised across files.
func TestRotation(t *testing.T) {
	var reports []error
	e := open(t, WithFsync(journal.FsyncNever),
		WithRotation(journal.Rotation{MaxSize: 2 << 10, Compress: true, Keep: 2}),
		WithReport(func(err error) { reports = append(reports, err) }))
	for i := range 40 {
		if err := e.Export(context.Background(), collect(rec("", fmt.Sprintf("number %d", i)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Export(context.Background(), collect(rec(id1, "with an id"))); err != nil {
		t.Fatal(err)
	}
	if err := e.Journal().Rotate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background(), collect(rec(id1, "with an id"))); err != nil {
		t.Fatal(err)
	}
	if err := e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	path := e.Journal().Path()
	segments, err := journal.Segments(path)
	if err != nil || len(segments) < 3 || segments[0].First == 1 || !segments[0].Compressed {
		t.Errorf("segments %+v, %v", segments, err)
	}
	verify(t, path)
	n := 0
	for _, l := range sealed(t, path) {
		if strings.Contains(string(l.Payload), "with an id") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the record with an id is there %d times", n)
	}
	if len(reports) > 0 {
		t.Errorf("reports: %v", reports)
	}
}

// What happens to the file under the exporter is told, and stops no record.
func TestReport(t *testing.T) {
	var reports []error
	e := open(t, WithReport(func(err error) { reports = append(reports, err) }))
	if err := e.Export(context.Background(), collect(rec("", "before"))); err != nil {
		t.Fatal(err)
	}
	path := e.Journal().Path()
	if err := os.Rename(path, filepath.Join(filepath.Dir(path), "moved")); err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background(), collect(rec("", "after"))); err != nil {
		t.Fatal(err)
	}
	if len(reports) != 1 || !strings.Contains(reports[0].Error(), integrity.ControlBreak) || strings.Contains(reports[0].Error(), "before") {
		t.Errorf("reports: %v", reports)
	}
	var all []string
	for _, l := range sealed(t, path) {
		all = append(all, l.ControlName())
	}
	if !slices.Contains(all, integrity.ControlBreak) {
		t.Errorf("lines: %v", all)
	}
}

// Another chain in the place of this one is the one thing that stays.
func TestAnotherChainInItsPlace(t *testing.T) {
	e := open(t)
	other, err := journal.Open(context.Background(), e.Journal().Path(), journal.Options{Key: newKey(t), NewChain: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Export(context.Background(), collect(rec("", "meanwhile"))); !errors.Is(err, journal.ErrReplaced) {
			t.Errorf("error is %v", err)
		}
	}
}

func TestRotationIsForNew(t *testing.T) {
	e := open(t)
	for name, o := range map[string]Option{"rotation": WithRotation(journal.Rotation{MaxSize: 1 << 20}), "report": WithReport(func(error) {})} {
		if _, err := NewWithJournal(e.Journal(), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s of an open journal: %v", name, err)
		}
	}
	if _, err := New(filepath.Join(t.TempDir(), "audit.jsonl"), WithKey(newKey(t)), WithRotation(journal.Rotation{Keep: 3})); err == nil {
		t.Error("a retention without rotation was taken")
	}
}
