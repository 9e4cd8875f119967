// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

// An import goes on in the chain that was begun for its file, and in no other,
// in which it leaves nothing behind.
func TestImportedBeginsItsOwnChain(t *testing.T) {
	key, err := integrity.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	of := func(sum byte) *integrity.Imported {
		return &integrity.Imported{File: "old.jsonl", Bytes: 7, SHA256: integrity.Hash{sum}, Lines: 2, Signed: 1, KeyID: "0123456789abcdef"}
	}
	open := func(path string, imported *integrity.Imported) error {
		j, err := Open(context.Background(), path, Options{Key: key, Imported: imported})
		if err != nil {
			return err
		}
		return j.Close()
	}
	refused := func(path string, imported *integrity.Imported) {
		t.Helper()
		before, _ := os.ReadFile(path)
		if err := open(path, imported); !errors.Is(err, ErrImported) {
			t.Errorf("opened for an import: %v, want ErrImported", err)
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("a refused import left %q", after[len(before):])
		}
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for range 2 {
		if err := open(path, of(1)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	line, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	g, err := integrity.ParseGenesis(line)
	if err != nil || g.Imported == nil || *g.Imported != *of(1) {
		t.Errorf("the genesis says %+v (%v)", g.Imported, err)
	}
	refused(path, of(2))
	// Others write on as in any journal.
	if err := open(path, nil); err != nil {
		t.Error(err)
	}

	own := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := open(own, nil); err != nil {
		t.Fatal(err)
	}
	refused(own, of(1))
	// A journal that was taken away is no place for an import, which would hide
	// that it was.
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := open(path, of(1)); !errors.Is(err, ErrImported) {
		t.Errorf("a journal that was taken away: %v, want ErrImported", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("and something was begun in its place")
	}
}
