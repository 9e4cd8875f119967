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

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// attach finds the end of the chain on disk, under the lock, in constant time
// from the watermark, however long the chain is. It is how a journal is
// opened, and how a writer finds its place again after a fault, or after
// another process began a new file.
//
// A writer that knows where the chain ended trusts its memory more than a
// watermark that is missing, older, or of another chain.
func (j *Journal) attach(ctx context.Context) error {
	c := &j.c
	opening := c.sealer == nil
	c.letGo()
	// Before the watermark is read, for the sake of a writer that got past a
	// lock file that somebody removed.
	if err := j.openFile(ctx); err != nil {
		return err
	}
	contents, err := readHead(j.fs, j.path+headSuffix)
	if err != nil {
		return err
	}
	if opening {
		c.key = j.opts.Key
	}
	head, degraded, headErr := integrity.ParseHead(contents, c.key)
	switch {
	case opening && headErr != nil:
		return j.withoutHead(ctx, headErr)
	case opening:
		j.chain = head.Chain
		c.sealer = integrity.NewSealer(c.key, j.chain)
		c.tail, c.firm = head.Position, head.Position
	case headErr != nil:
	case head.Chain != j.chain:
		if err := j.checkOtherChain(head.Chain); err != nil {
			return err
		}
		headErr = errors.New("it is of another chain")
	case head.Generation < c.head.last.Generation:
		headErr = errors.New("it is older than it was")
	case head.Seq > c.tail.Seq || !c.doubtful:
		c.tail, c.firm, c.doubtful = head.Position, head.Position, false
	}
	lost := headErr != nil
	if lost {
		c.headLost, head = true, c.head.last
	}
	if err := j.openSides(contents, head); err != nil {
		return err
	}
	c.segments = nil
	if opening && !j.lock.marked() {
		// The first opening may have died before its watermark was durable.
		if err := j.settle(); err != nil {
			return err
		}
	}
	if err := j.locate(ctx); err != nil {
		return err
	}
	switch {
	case opening && degraded:
		// It is sealed before anything else, so that writing on hides nothing.
		c.headLost = true
		err = j.announce(ctx, integrity.WatermarkDegraded)
	case opening:
		err = j.announce(ctx, "")
	default:
		if err := j.syncFound(ctx); err != nil {
			return err
		}
		if lost {
			err = j.replaceHead(ctx, integrity.WatermarkRemoved)
		}
	}
	if err == nil {
		c.dropOrphan()
	}
	return err
}

// openFile opens and locks the file that is being written, if there is one.
func (j *Journal) openFile(ctx context.Context) error {
	c := &j.c
	for {
		if info, err := j.fs.Lstat(j.path); err == nil && !info.Mode().IsRegular() {
			return nil
		}
		f, err := j.fs.OpenFile(j.path, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		c.file = f
		if err := lockFile(ctx, f, j.path, true, j.opts.LockTimeout); err != nil {
			return err
		}
		open, err := f.Stat()
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		named, err := j.fs.Lstat(j.path)
		if err == nil && vfs.SameFile(open, named) {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("journal: %w", err)
		}
		// It was finished in the meantime.
		_ = f.Close()
		c.file = nil
	}
}

// syncFound makes durable what was found, and what was cut off of it, before
// anything is written behind it.
func (j *Journal) syncFound(ctx context.Context) error {
	c := &j.c
	if !c.unsynced || j.opts.Fsync.every < 0 {
		return nil
	}
	if err := c.file.Sync(); err != nil {
		return j.abandon(ctx, err)
	}
	c.unsynced, c.firm = false, c.tail
	return nil
}

// letGo closes the file, so that it can be opened and locked anew. One that
// nobody else can open any more is kept until this writer has found its place
// again: it may be all that is left of what it holds.
func (c *committer) letGo() {
	file := c.file
	if file == nil {
		return
	}
	c.file, c.was = nil, nil
	if info, err := file.Stat(); err == nil {
		c.was = info
		if vfs.Links(info) == 0 && file.Unlock() == nil {
			c.dropOrphan()
			c.orphan = file
			return
		}
	}
	_ = file.Close()
}

func (c *committer) dropOrphan() {
	if c.orphan != nil {
		_ = c.orphan.Close()
		c.orphan = nil
	}
}

// checkOtherChain refuses to go on where another journal stands in the place
// of this one, as after a person began a new chain there.
func (j *Journal) checkOtherChain(other integrity.ChainID) error {
	f, err := j.fs.OpenFile(j.path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	start, err := readStart(newReader(j.path, io.NewSectionReader(f, 0, 1<<62)))
	if err == nil && start.chain == other {
		return fmt.Errorf("%w: %q is now of another chain (%s) than when it was opened (%s); nothing is written to it. Restart this program to write to the new one", ErrReplaced, j.path, other, j.chain)
	}
	return nil
}

// locate finds the file that is to be written. c.tail is where the chain is
// known to have ended.
func (j *Journal) locate(ctx context.Context) error {
	c := &j.c
	finished, isFinished, err := j.finishedSegment(c.tail.First)
	if err != nil {
		return err
	}
	switch {
	case c.file == nil && isFinished:
		return j.resumeNext(ctx, finished)
	case c.file == nil:
		found := integrity.BreakMissing
		if _, err := j.fs.Lstat(j.path); err == nil {
			found = integrity.BreakReplaced // by what is no file
		}
		return j.goOn(ctx, found)
	}
	info, err := c.file.Stat()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	last, found, err := endsAt(c.file, info.Size(), c.tail)
	switch {
	case err != nil:
		return fmt.Errorf("journal: %w", err)
	case found != "" && isFinished:
		return j.resumeNext(ctx, finished)
	case found != "":
		if c.was != nil && !vfs.SameFile(c.was, info) {
			found = integrity.BreakReplaced
		}
		return j.goOn(ctx, found)
	}
	return j.resume(ctx, info, last)
}

// endsAt looks for the line at which a chain is known to end. found is "" when
// it is there, else what a chain.break says.
func endsAt(file io.ReaderAt, size int64, at integrity.Position) (last integrity.Line, found string, err error) {
	if size < at.Size {
		return last, integrity.BreakShorter, nil
	}
	in := &failingReaderAt{ReaderAt: file}
	last, err = lastLine(in, at.Size)
	switch {
	case in.err != nil:
		return last, "", in.err
	case err != nil || last.Seq != at.Seq || last.MAC != at.MAC:
		return last, integrity.BreakAltered, nil //nolint:nilerr // that is what the error says
	}
	return last, "", nil
}

// failingReaderAt keeps a failure to read apart from what was read.
type failingReaderAt struct {
	io.ReaderAt
	err error
}

func (r *failingReaderAt) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(b, off)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// resume goes on in the file that holds the end of the chain.
func (j *Journal) resume(ctx context.Context, info fs.FileInfo, last integrity.Line) error {
	c := &j.c
	if err := j.readBeginning(); err != nil {
		return err
	}
	if c.doubtful {
		return j.leave(ctx, integrity.SegmentSync)
	}
	// The last writer synced the ring, and then closed the chain.
	slot, err := c.ids.slot(last.Seq)
	c.ids.whole = last.ControlName() == integrity.ControlClosed && err == nil && slot.seq == last.Seq && info.Size() == c.tail.Size
	// Nobody knows how far the one who wrote last had come with syncing.
	c.unsynced = true
	if info.Size() > c.tail.Size {
		_, err = j.catchUp(ctx, info.Size(), c.tail.Size) // from the watermark on
		return err
	}
	return nil
}
