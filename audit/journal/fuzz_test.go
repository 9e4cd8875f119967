// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// Whatever stands in the place of a journal and its watermark, an opening does
// not panic, and what it then acknowledges is there.
func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "audit.jsonl")
	j := open(f, path)
	appendOne(f, j, record(uuid.New(), "x"))
	before, headBefore := readFile(f, path), readFile(f, path+".head")
	appendOne(f, j, record(uuid.New(), "y"))
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	whole, head := readFile(f, path), readFile(f, path+".head")
	f.Add(whole, head, false)
	f.Add(whole, headBefore, true)
	f.Add(before, head, true)
	f.Add(whole[:len(whole)-7], headBefore, true)
	f.Add(whole, head[:integrity.SlotSize], true)
	f.Add(whole[100:], head, true)
	f.Add(append(whole[:len(whole):len(whole)], 0, 0, 0), head, true)
	f.Add([]byte{}, head, true)
	f.Add([]byte{}, []byte{}, false)
	f.Add([]byte("text\n"), []byte{}, false)
	f.Fuzz(func(t *testing.T, file, head []byte, marked bool) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		mark := []byte{}
		if marked {
			mark = []byte("marked")
		}
		for suffix, b := range map[string][]byte{"": file, ".head": head, ".lock": mark} {
			if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		opts := journal.Options{Key: testKey(t, 'k'), Fsync: journal.FsyncNever}
		j, err := journal.Open(t.Context(), path, opts)
		if err != nil {
			if j != nil {
				t.Error("an error, and a journal")
			}
			return
		}
		rec := record(uuid.New(), "acknowledged")
		rc := make([]journal.Receipt, 1)
		if err := j.Append(t.Context(), []journal.Record{rec}, rc); err != nil || rc[0].Err != nil {
			t.Fatalf("append: %v, %v", err, rc[0].Err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := journal.Verify(t.Context(), path, opts.Key, journal.VerifyOptions{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict == integrity.CannotVerify {
			t.Errorf("verify: %v", r.NotProven)
		}
		reader, err := journal.NewReader(path)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		for {
			line, err := reader.Next()
			var bad *journal.LineError
			var gap *journal.GapError
			if errors.As(err, &bad) || errors.As(err, &gap) {
				continue
			}
			if err != nil {
				t.Fatalf("what was acknowledged is not there: %v", err)
			}
			if line.Seq == rc[0].Seq && line.MAC == rc[0].MAC {
				return
			}
		}
	})
}
