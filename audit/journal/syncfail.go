// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// abandon goes on in a new file after the disk refused to sync this one. What
// stands beyond the end that is known may be on disk or not; it is not
// claimed, and its records were not acknowledged. The sync is never tried
// again: the kernel may have dropped the pages and called them clean, so that
// a second one that succeeds proves nothing.
func (j *Journal) abandon(ctx context.Context, cause error) error {
	c := &j.c
	c.ids.unstage()
	cause = fmt.Errorf("sync %q: %w", j.path, cause)
	var err error
	if c.tail.Seq > c.firm.Seq {
		// Lines that were found here may have been acknowledged before a power
		// failure took the watermark back. They must not be given up; what this
		// commit wrote behind them is.
		err = errors.Join(c.file.Truncate(c.tail.Size), j.relocate(ctx))
	} else {
		c.doubtful = true
		err = j.leave(ctx, integrity.SegmentSync)
	}
	if err != nil {
		return errors.Join(err, cause)
	}
	return fmt.Errorf("%w: %w (what was written of them is given up, and a new file begun; send them again)", ErrWrite, cause)
}

// relocate puts a copy of what is known in the place of the file, one that
// the disk did take, and then begins the next one. At any time the journal's
// name is that of a file that holds the lines.
func (j *Journal) relocate(ctx context.Context) error {
	c := &j.c
	if err := j.replaceByCopy(c.file, c.tail.Size, j.path); err != nil {
		return j.stale(err)
	}
	c.unsynced, c.firm = false, c.tail
	return j.leave(ctx, integrity.SegmentSync)
}

// replaceByCopy puts a durable copy of the first n bytes of f in the place of
// name, its name.
func (j *Journal) replaceByCopy(f vfs.File, n int64, name string) error {
	part := name + partSuffix
	if err := j.fs.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := j.copyTo(part, f, n); err != nil {
		return err
	}
	if err := j.fs.Rename(part, name); err != nil {
		return err
	}
	return j.fs.SyncDir(filepath.Dir(name))
}

// copyTo writes the first n bytes of a file to a new one, durably but for its
// name.
func (j *Journal) copyTo(name string, from io.ReaderAt, n int64) error {
	f, err := j.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	_, err = io.Copy(io.NewOffsetWriter(f, 0), io.NewSectionReader(from, 0, n))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		// Half a copy would be taken for what is left of the file.
		return errors.Join(fmt.Errorf("segment %q: %w", name, err), j.fs.Remove(name))
	}
	return nil
}

// stale makes the next commit look at the disk anew, and returns what to tell
// the caller.
func (j *Journal) stale(cause error) error {
	j.c.stale = fmt.Errorf("%w: %w", ErrFailed, cause)
	if j.c.ids != nil {
		j.c.ids.unstage()
	}
	return j.c.stale
}
