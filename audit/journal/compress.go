// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/klauspost/compress/zstd"
)

// partSuffix ends the name of a compressed file that is not whole yet.
const partSuffix = ".part"

// compressFinished compresses segments as they are finished, beside the
// commits, until the journal is closed.
func (j *Journal) compressFinished() {
	for {
		select {
		case <-j.finished:
			j.compressAll()
		case <-j.stop:
			select {
			case <-j.finished:
				j.compressAll()
			default:
			}
			return
		}
	}
}

func (j *Journal) compressAll() {
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		j.report(fmt.Errorf("compression: %w", err))
		return
	}
	for _, s := range all {
		if s.First == 0 || s.Compressed {
			continue
		}
		if err := j.compress(s); err != nil {
			j.report(fmt.Errorf("compression: %w", err))
		}
	}
}

// compress writes a finished segment anew as zstd, and removes the plain one
// once the other is durable and was read back. A crash leaves both, which is
// one segment, or a part, which the next attempt replaces. Nothing writes to
// a finished segment; the lock on it keeps a second process from the same
// work, and a writer that recovers from meeting it in between.
func (j *Journal) compress(s Segment) (err error) {
	f, err := j.fs.OpenFile(s.Path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another process was faster
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if ok, err := f.TryLock(true); err != nil || !ok {
		return err
	}
	// Retention removes only what it has locked, too.
	if open, err := f.Stat(); err != nil {
		return err
	} else if named, err := j.fs.Lstat(s.Path); err != nil || !vfs.SameFile(open, named) {
		return nil //nolint:nilerr // it is gone
	}
	if j.settled.Load() <= s.First {
		return nil // until the watermark is about a later file, a crash can send the next writer there
	}
	whole, part := s.Path+compressedSuffix, s.Path+compressedSuffix+partSuffix
	if err := j.fs.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sum, err := j.writeCompressed(part, io.NewSectionReader(f, 0, 1<<62))
	if err == nil {
		err = j.readBack(part, sum)
	}
	if err != nil {
		return errors.Join(err, j.fs.Remove(part))
	}
	if err := j.fs.Rename(part, whole); err != nil {
		return err
	}
	if err := j.fs.SyncDir(filepath.Dir(whole)); err != nil {
		return err
	}
	if err := j.fs.Remove(s.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return j.fs.SyncDir(filepath.Dir(whole))
}

func (j *Journal) writeCompressed(name string, in io.Reader) (sum [sha256.Size]byte, err error) {
	out, err := j.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	z, err := zstd.NewWriter(io.NewOffsetWriter(out, 0), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow))
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(z, h), in); err != nil {
		return sum, errors.Join(err, z.Close())
	}
	if err := z.Close(); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, out.Sync()
}

// readBack makes sure that the compressed file holds what was put in.
func (j *Journal) readBack(name string, sum [sha256.Size]byte) error {
	in, err := openSegment(j.fs, Segment{Path: name, Compressed: true})
	if err != nil {
		return err
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return err
	}
	if [sha256.Size]byte(h.Sum(nil)) != sum {
		return fmt.Errorf("%q does not hold what was written to it; the segment stays as it was", name)
	}
	return nil
}
