// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

// All of the files are made, or none; what was there stays.
func TestCreateAll(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) NewFile { return NewFile{filepath.Join(dir, name), []byte(name), SecretMode} }
	left := func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	undo, err := CreateAll(file("a"), file("b"))
	if err != nil || len(left()) != 2 {
		t.Fatalf("%v, %q", err, left())
	}
	if _, err := CreateAll(file("c"), file("b")); err == nil || len(left()) != 2 {
		t.Errorf("over one that is there: %v, %q", err, left())
	}
	undo()
	if len(left()) != 0 {
		t.Errorf("taken back, but for %q", left())
	}
	// One that fails when others are made already.
	if _, err := CreateAll(file("a"), file("b"), file("not/there")); err == nil || len(left()) != 0 {
		t.Errorf("in a folder that is not there: %v, %q", err, left())
	}
	if _, err := CreateAll(file("a"), file("b"), file("a")); err == nil || len(left()) != 0 {
		t.Errorf("one name twice: %v, %q", err, left())
	}
	// A link is a file that exists, wherever it points.
	if err := os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateAll(file("a"), file("link")); err == nil || len(left()) != 1 {
		t.Errorf("over a link: %v, %q", err, left())
	}
}

// A key of each kind is named for what it is, and for nothing else.
func TestLoadAny(t *testing.T) {
	static, err := integrity.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	forward, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	check, err := integrity.GenerateSigningKey(integrity.KindCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	erase, err := integrity.GenerateSigningKey(integrity.KindErasure)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind, id string
		text     []byte
		mode     os.FileMode
	}{
		{KindStatic, static.ID(), static.Text(), 0o600},
		{KindForward, forward.ID(), forward.Text(), 0o600},
		{KindForward, forward.ID(), integrity.KeyState{Key: forward.Next()}.Text(), 0o600},
		{KindVerification, forward.ID(), forward.ForVerifying().Text(), 0o600},
		{KindCheckpoint, check.ID(), check.Text(), 0o600},
		{KindCheckpointPublic, check.ID(), check.Public().Text(), 0o644},
		{KindErasure, erase.ID(), erase.Text(), 0o600},
		{KindErasurePublic, erase.ID(), erase.Public().Text(), 0o644},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, c.text, c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := LoadAny(Source{File: path})
		if err != nil || got.Kind != c.kind || got.ID != c.id || got.Encrypted {
			t.Errorf("%s: %+v, %v", c.kind, got, err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadAny(Source{File: path}); (err == nil) != (c.mode == 0o644) {
			t.Errorf("%s, readable by others: %v", c.kind, err)
		}
		if err := os.WriteFile(path, append(c.text[:len(c.text)-2:len(c.text)-2], '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadAny(Source{File: path}); err == nil {
			t.Errorf("%s, cut: %+v", c.kind, got)
		}
	}
}
