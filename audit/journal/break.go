// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/auditchain/auditchain/integrity"
)

// goOn goes on where less was found than there should be, or else than there
// was: in a new file, behind the end that is known, with a chain.break that
// says it for ever. What stood in the journal's place is kept as it is.
func (j *Journal) goOn(ctx context.Context, found string) error {
	c := &j.c
	if c.unsynced && c.file != nil {
		// Lines that were taken in just now are part of what is known.
		if err := c.file.Sync(); err != nil {
			return j.stale(err)
		}
	}
	kept, err := j.putAway()
	if err != nil {
		return j.stale(err)
	}
	if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
		return j.stale(err)
	}
	at := c.tail
	if err := j.startSegment(ctx, integrity.SegmentBreak, j.broken(found, kept, "")); err != nil {
		return err
	}
	j.report(fmt.Errorf("%w: %q, after seq %d (%s); records go on in a new file, and a chain.break says so for ever; run: auditchain verify %s", ErrBroken, j.path, at.Seq, found, j.path))
	return nil
}

func (j *Journal) broken(found, kept, reason string) integrity.Break {
	return integrity.Break{
		Control: integrity.ControlBreak, Time: j.now(), Writer: j.writer.String(),
		Found: found, KeptIn: kept, Reason: reason,
	}
}

// putAway makes the journal's place free: what stands there gets the name of
// the segment that it should be, or, where that is taken, another one, which
// is returned.
func (j *Journal) putAway() (kept string, err error) {
	c := &j.c
	finished := segmentPath(j.path, c.tail.First)
	taken, err := j.taken(finished)
	if err != nil {
		return "", err
	}
	switch _, err := j.fs.Lstat(j.path); {
	case errors.Is(err, fs.ErrNotExist):
		if c.orphan != nil && !taken {
			// It was removed under this writer, who still has it open.
			return "", j.copyTo(finished, c.orphan, c.tail.Size)
		}
		return "", nil
	case err != nil:
		return "", fmt.Errorf("journal: %w", err)
	}
	if taken {
		if finished, err = j.freeName(brokenInfix); err != nil {
			return "", err
		}
		kept = filepath.Base(finished)
	}
	if err := j.fs.Rename(j.path, finished); err != nil {
		return "", fmt.Errorf("rename %q: %w", j.path, err)
	}
	return kept, nil
}

// maxNames bounds the search for a free name.
const maxNames = 1000

// freeName finds a name for something that is put aside at the end of the
// chain. One that is taken, whoever took it and by whatever, is passed over:
// nothing is overwritten, and nothing keeps a journal shut.
func (j *Journal) freeName(infix string) (string, error) {
	base := j.path + infix + strconv.FormatUint(j.c.tail.Seq+1, 10)
	name := base
	for i := range maxNames {
		if i > 0 {
			name = base + "." + strconv.Itoa(i)
		}
		switch _, err := j.fs.Lstat(name); {
		case errors.Is(err, fs.ErrNotExist):
			return name, nil
		case err != nil:
			return "", fmt.Errorf("journal: %w", err)
		}
	}
	return "", fmt.Errorf("%q and %d names like it are taken; move them away", base, maxNames-1)
}

// sealRestored says for ever that the files were put back from a backup.
func (j *Journal) sealRestored(ctx context.Context) error {
	if err := j.finish(); err != nil {
		return err
	}
	if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
		return err
	}
	return j.startSegment(ctx, integrity.SegmentBreak, j.broken(integrity.BreakRestored, "", j.opts.Restored))
}
