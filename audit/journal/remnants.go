// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Remnant is something beside a journal that no erasure touches.
type Remnant struct {
	Path    string
	Folder  bool
	ModTime time.Time
}

// Remnants lists what stands beside the journal at path, is named like it, and
// is none of its files: folders with a chain whose place it took, copies,
// exports. They may hold what was erased, and whoever put them there knows.
func Remnants(path string) ([]Remnant, error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("journal folder: %w", err)
	}
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	var all []Remnant
	for _, entry := range names {
		name := entry.Name()
		own := isOwnName(base, name) && !strings.HasSuffix(name, partSuffix)
		// A key beside the journal is none of what it holds.
		key := strings.HasPrefix(name, stem+".key")
		if own || key || !strings.HasPrefix(name, stem) || name == base+lockSuffix || name == base+holdSuffix {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("journal folder: %w", err)
		}
		all = append(all, Remnant{Path: filepath.Join(dir, name), Folder: entry.IsDir(), ModTime: info.ModTime()})
	}
	return all, nil
}
