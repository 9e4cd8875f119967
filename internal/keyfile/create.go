// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/auditchain/auditchain/integrity"
)

// PublicSuffix is behind the name of the file of a signing key in that of its
// public key.
const PublicSuffix = ".pub"

// Modes of new files.
const (
	SecretMode fs.FileMode = 0o600
	PublicMode fs.FileMode = 0o644
)

// NewFile is a file to be made.
type NewFile struct {
	Path string
	Text []byte
	Mode fs.FileMode
}

// Create writes a new key file, mode 0600, durably. It never overwrites.
func Create(path string, k integrity.Key) error {
	_, err := CreateAll(NewFile{path, k.Text(), SecretMode})
	return err
}

// CreateAll makes all of files, in their order and durably, or none. It never
// overwrites. A crash leaves the first of them, so the one that makes the
// others worth something comes last. undo takes back what was made.
func CreateAll(files ...NewFile) (undo func(), err error) {
	for _, f := range files {
		// Better said before anything is made; create refuses it all the same.
		if _, err := os.Lstat(f.Path); err == nil {
			return nil, existsError(f.Path)
		}
	}
	var made []string
	undo = func() {
		for _, path := range slices.Backward(made) {
			_ = os.Remove(path)
		}
	}
	for _, f := range files {
		if err = create(f); err != nil {
			break
		}
		made = append(made, f.Path)
	}
	if err == nil {
		err = syncFolders(made)
	}
	if err != nil {
		undo()
		return nil, err
	}
	return undo, nil
}

func existsError(path string) error {
	return fmt.Errorf("%q exists already, and a key that is overwritten is lost: choose another name", path)
}

func create(n NewFile) error {
	f, err := os.OpenFile(n.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, n.Mode)
	switch {
	case errors.Is(err, fs.ErrExist):
		return existsError(n.Path)
	case err != nil:
		return fmt.Errorf("key file cannot be created: %w", err)
	}
	_, err = f.Write(n.Text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		// A key that is not whole must not be left to be used.
		_ = os.Remove(n.Path)
		return fmt.Errorf("key file cannot be written: %w", err)
	}
	return nil
}

// syncFolders makes the names of files durable.
func syncFolders(files []string) error {
	var done []string
	for _, path := range files {
		dir := filepath.Dir(path)
		if slices.Contains(done, dir) {
			continue
		}
		if err := syncDir(dir); err != nil {
			return fmt.Errorf("key file cannot be written: %w", err)
		}
		done = append(done, dir)
	}
	return nil
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
