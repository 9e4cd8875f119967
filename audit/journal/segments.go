// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/auditchain/auditchain/internal/vfs"
)

// Finished segments (docs/SPEC.md, section 7): for audit.jsonl they are
// audit-<first seq, 20 digits>.jsonl, and the same with .zst once compressed.
const (
	seqDigits        = 20
	compressedSuffix = ".zst"
)

// Segment is one file of a journal.
type Segment struct {
	// Path is the file. Of a segment that stands there both plain and
	// compressed, it is the plain one.
	Path string
	// First is the sequence number of its first line, as its name says; 0 for
	// the file that is being written.
	First uint64
	// Compressed says that the file is zstd.
	Compressed bool
}

// segmentPath is the name of the finished segment, of the journal at path,
// that begins with line first.
func segmentPath(path string, first uint64) string {
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s-%0*d%s", strings.TrimSuffix(path, ext), seqDigits, first, ext)
}

// parseSegmentPath is the inverse of segmentPath, for both forms: ok is false
// for the name of anything else.
func parseSegmentPath(name string) (path string, first uint64, compressed, ok bool) {
	plain, compressed := strings.CutSuffix(name, compressedSuffix)
	ext := filepath.Ext(plain)
	stem := strings.TrimSuffix(plain, ext)
	i := len(stem) - seqDigits
	if i < 1 || stem[i-1] != '-' {
		return "", 0, false, false
	}
	first, err := strconv.ParseUint(stem[i:], 10, 64)
	if err != nil || first == 0 {
		return "", 0, false, false
	}
	return stem[:i-1] + ext, first, compressed, true
}

// Segments lists the files of the journal at path, oldest first; the file
// that is being written comes last, where there is one. It takes no lock.
func Segments(path string) ([]Segment, error) { return listSegments(vfs.OS, path) }

func listSegments(fsys vfs.FS, path string) ([]Segment, error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("journal folder: %w", err)
	}
	var segments []Segment
	for _, name := range names {
		of, first, compressed, ok := parseSegmentPath(name)
		if !ok || of != base {
			continue
		}
		// The plain one sorts before the compressed one.
		if n := len(segments); n > 0 && segments[n-1].First == first {
			continue
		}
		// A folder, or a link to somewhere, is no segment: where one should be,
		// it is missing. (One that is gone by now may have been compressed.)
		info, err := fsys.Lstat(filepath.Join(dir, name))
		if err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("segment: %w", err)
		}
		segments = append(segments, Segment{Path: filepath.Join(dir, name), First: first, Compressed: compressed})
	}
	slices.SortFunc(segments, func(a, b Segment) int {
		if a.First < b.First {
			return -1
		}
		return 1
	})
	switch _, err := fsys.Lstat(path); {
	case err == nil:
		segments = append(segments, Segment{Path: path})
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("journal: %w", err)
	}
	return segments, nil
}
