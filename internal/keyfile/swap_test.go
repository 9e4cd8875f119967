// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A file takes the place of another one, which is kept; run again after any
// step, it comes to the same.
func TestSupersede(t *testing.T) {
	for _, at := range []string{"begun", "a part of the kept one is left", "kept", "a part is left", "in its place"} {
		t.Run(at, func(t *testing.T) {
			dir := t.TempDir()
			name := func(s string) string { return filepath.Join(dir, s) }
			put := func(file, text string) {
				t.Helper()
				if err := os.WriteFile(name(file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put("key", "old")
			put("next", "new")
			switch at {
			case "a part of the kept one is left":
				put("key.id.part", "ol")
			case "kept":
				put("key.id", "old")
			case "a part is left":
				put("key.id", "old")
				put("key.part", "ne")
			case "in its place":
				put("key.id", "old")
				put("key", "new")
			}
			if err := Supersede(name("key"), name("next"), name("key.id")); err != nil {
				t.Fatal(err)
			}
			for file, want := range map[string]string{"key": "new", "key.id": "old"} {
				got, err := os.ReadFile(name(file))
				info, serr := os.Stat(name(file))
				if err != nil || serr != nil || string(got) != want || info.Mode().Perm() != 0o600 {
					t.Errorf("%s holds %q, mode %v, %v", file, got, info.Mode(), errors.Join(err, serr))
				}
			}
			for _, file := range []string{"next", "key.part", "key.id.part"} {
				if _, err := os.Stat(name(file)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s is still there: %v", file, err)
				}
			}
		})
	}
}

// What is kept already under that name is not lost, and nothing changes.
func TestSupersedeKeeps(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{"key": "old", "next": "new", "key.id": "another"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Supersede(filepath.Join(dir, "key"), filepath.Join(dir, "next"), filepath.Join(dir, "key.id")); err == nil {
		t.Error("another key was kept under that name, and nothing was said")
	}
	for file, want := range map[string]string{"key": "old", "next": "new", "key.id": "another"} {
		if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v", file, got, err)
		}
	}
}
