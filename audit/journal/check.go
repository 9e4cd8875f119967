// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// checkFolder explains a folder that cannot hold a journal.
func (j *Journal) checkFolder() error {
	dir := filepath.Dir(j.path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("folder %q does not exist; make it with: mkdir -p -m 700 %s", dir, dir)
	case err != nil:
		return fmt.Errorf("journal folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%q is not a folder", dir)
	}
	return nil
}

// checkName refuses names with which a journal could not rotate, or would be
// taken for a part of another one.
func (j *Journal) checkName() error {
	base := filepath.Base(j.path)
	if of, _, _, ok := parseSegmentPath(base); ok {
		return fmt.Errorf("%w: %q is the name of a finished file of the journal %q; name the journal itself", ErrUnsafe, j.path, of)
	}
	for _, suffix := range []string{
		compressedSuffix, partSuffix, lockSuffix, headSuffix, idsSuffix, eraseSuffix, treeSuffix, checkpointsSuffix,
	} {
		if strings.HasSuffix(base, suffix) {
			return fmt.Errorf("%w: a journal cannot have a name that ends in %q; name it audit.jsonl, for example", ErrUnsafe, suffix)
		}
	}
	if len(base)+maxNameSuffix > 255 {
		return fmt.Errorf("%w: the name of %q is too long: the files beside it need %d bytes more than its %d, and a name has 255 at the most", ErrUnsafe, j.path, maxNameSuffix, len(base))
	}
	return nil
}

// maxNameSuffix is how much longer than the journal's the names of the files
// beside it can be.
const maxNameSuffix = len(brokenInfix) + seqDigits + len(".999")

// checkStart refuses somebody else's file, before a lock file is made beside
// it.
func (j *Journal) checkStart() error {
	f, err := j.fs.OpenFile(j.path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	if _, err := j.fs.Lstat(j.path + headSuffix); err == nil {
		return nil // a journal; what is wrong with it is said where it is opened
	}
	start := make([]byte, 64<<10)
	n, err := f.ReadAt(start, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("journal: %w", err)
	}
	if integrity.IsLegacy(start[:n]) {
		return fmt.Errorf("%w: %q is in the older format, which is read and never written: append to a new file", ErrUnsafe, j.path)
	}
	if !isOwnStart(start[:n]) {
		return fmt.Errorf("%w: %q is no journal: nothing is appended to it; name another file", ErrUnsafe, j.path)
	}
	return nil
}

// checkFiles refuses files that somebody else could have chosen or can change.
func (j *Journal) checkFiles() error {
	for _, suffix := range []string{"", lockSuffix, headSuffix, idsSuffix} {
		path := j.path + suffix
		info, err := j.fs.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("journal: %w", err)
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("%w: %q is a symbolic link; name the file itself", ErrUnsafe, path)
		case info.IsDir():
			return fmt.Errorf("%w: %q is a directory, where a file should be", ErrUnsafe, path)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, path)
		case vfs.Links(info) > 1:
			return fmt.Errorf("%w: %q has another name too (a hard link), and would be written through it; copy it instead", ErrUnsafe, path)
		case info.Mode().Perm()&0o022 != 0:
			return fmt.Errorf("%w: others can write %q (mode %04o); run: chmod 600 %s", ErrUnsafe, path, info.Mode().Perm(), path)
		}
	}
	return nil
}

// genesisStart and segmentStart are how every file of a journal begins.
var (
	genesisStart = []byte(`{"control":"` + integrity.ControlGenesis + `","time":"`)
	segmentStart = []byte(`{"control":"` + integrity.ControlSegment + `","time":"`)
)

// isOwnStart reports whether a file's first bytes are those of a journal, as
// far as a crash let them come to disk: the file of somebody else must never
// be taken for an unfinished journal.
func isOwnStart(b []byte) bool {
	for _, start := range [][]byte{genesisStart, segmentStart} {
		head := bytes.TrimRight(b[:min(len(b), len(start))], "\x00")
		if len(head) > 0 && bytes.HasPrefix(start, head) {
			return true
		}
	}
	return isLost(b)
}

// isLost reports whether b is what is left of a first opening of which the
// beginning did not come to disk: NULs, and behind them text, in all less than
// an opening writes at the most.
func isLost(b []byte) bool {
	if len(b) > 4<<10 || len(b) > 0 && b[0] != 0 {
		return false
	}
	for _, c := range b {
		if c != 0 && c != '\n' && (c < 0x20 || c > 0x7e) {
			return false
		}
	}
	return true
}
