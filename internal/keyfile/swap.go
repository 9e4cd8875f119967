// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Remove removes a key file, and overwrites what it held, as Store does.
func Remove(path string) error { return (&Store{Path: path}).remove(path) }

// Supersede puts the file incoming in the place of path, whose contents are kept
// in a file of their own. At any time there is a whole file at path; run again
// after a crash, it goes on where it was.
func Supersede(path, incoming, keep string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	text, err := os.ReadFile(incoming)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	info, err := os.Stat(incoming)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	if !bytes.Equal(old, text) {
		kept, err := os.ReadFile(keep)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err := put(keep, old, info.Mode().Perm()); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("key file: %w", err)
		case !bytes.Equal(kept, old):
			return fmt.Errorf("%q is there already, and holds something else than %q; move it away", keep, path)
		}
		if err := put(path, text, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return Remove(incoming)
}

// put makes a file at path, or replaces the one there, whole or not at all: one
// that a crash left half written would stand in the way for ever.
func put(path string, text []byte, mode fs.FileMode) error {
	part := path + partSuffix
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("key file: %w", err)
	}
	if _, err := CreateAll(NewFile{part, text, mode}); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("key file cannot be replaced: %w", err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("key file cannot be replaced: %w", err)
	}
	return nil
}
