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
	"slices"

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
	kept, err := j.loadKey()
	if err != nil && !opening && !c.key.Forward() {
		kept, err = integrity.KeyState{}, nil // it has no more to say than is known
	}
	if err != nil {
		return err
	}
	if opening {
		c.key, c.state = kept.Key, kept
	} else {
		defer kept.Key.Wipe()
	}
	head, degraded, other, headErr, err := j.parseHead(contents, kept)
	if err != nil {
		return err
	}
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
	// The slots that this writer left under an earlier key are its own.
	lost := headErr != nil && (opening || !c.slotsDue || len(contents) == 0)
	if headErr != nil && !opening {
		head = c.head.last
	}
	behind, err := j.adopt(head, headErr, kept, other)
	if err != nil {
		return err
	}
	lost = lost || behind
	if behind && opening && j.opts.Restored != "" {
		// What the key of that time sealed cannot be gone on with.
		return fmt.Errorf("%w: the key has stepped past the files that were put back at %q (epoch %d began behind seq %d): keep them as they are, and begin a new chain, with a new key: auditchain key new NEWFILE, then: auditchain recover --new-chain REASON --new-key-file NEWFILE %s", ErrWrongKey, j.path, c.state.Key.Epoch(), c.state.Seq, j.path)
	}
	c.headLost = c.headLost || lost
	if err := j.openSides(contents, head); err != nil {
		return err
	}
	c.head.torn = degraded || headErr != nil
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
	if c.ending() {
		if err := j.settleKey(ctx); err != nil {
			return err
		}
	}
	if opening {
		if err := j.checkSigner(c.charter); err != nil {
			return err
		}
	}
	switch {
	case opening && (degraded || behind):
		// It is sealed before anything else, so that writing on hides nothing.
		c.headLost = true
		err = j.announce(ctx, integrity.WatermarkDegraded)
	case opening:
		err = j.announce(ctx, "")
	default:
		if err := j.syncFound(ctx); err != nil {
			return err
		}
		switch {
		case behind:
			err = j.replaceHead(ctx, integrity.WatermarkDegraded)
		case lost:
			err = j.replaceHead(ctx, integrity.WatermarkRemoved)
		}
	}
	if err == nil {
		c.dropOrphan()
	}
	return err
}

// parseHead reads the watermark under the keys that are at hand: the one that
// is in force, and those that its slots name. Each of them counts: a write that
// failed may have left a slot that names any key, beside one that holds. other
// is the state of the key of the watermark, where that is not the one in force.
// headErr says that no slot is valid, or none in the epoch of the key file or
// after it.
func (j *Journal) parseHead(contents []byte, kept integrity.KeyState) (head integrity.Head, degraded bool, other integrity.KeyState, headErr, err error) {
	keys := []integrity.Key{j.c.key}
	var others []integrity.KeyState
	for _, slot := range integrity.PeekSlots(contents) {
		if j.opts.Keys == nil || slices.ContainsFunc(keys, func(k integrity.Key) bool { return k.ID() == slot.KeyID }) {
			continue
		}
		switch st, err := j.findKey(slot.KeyID); {
		case err == nil:
			keys, others = append(keys, st.Key), append(others, st)
		case !errors.Is(err, ErrWrongKey):
			return head, false, other, nil, fmt.Errorf("journal key: %w", err)
		}
	}
	head, degraded, headErr = integrity.ParseHead(contents, keys...)
	for _, st := range others {
		if headErr == nil && st.Key.ID() == head.KeyID {
			other = st
		} else {
			st.Key.Wipe()
		}
	}
	if headErr == nil && head.KeyID == kept.Key.ID() && head.Epoch < kept.Key.Epoch() {
		headErr = fmt.Errorf("%w: it is under epoch %d, and the key file is at epoch %d", integrity.ErrNoHead, head.Epoch, kept.Key.Epoch())
	}
	return head, degraded, other, headErr, nil
}

// adopt makes the key that is in force behind the end that is known that of the
// committer. The position that the key file names counts like one of the
// watermark: behind says that the chain is taken up there, because the
// watermark names less.
func (j *Journal) adopt(head integrity.Head, headErr error, kept, other integrity.KeyState) (behind bool, err error) {
	c := &j.c
	if headErr == nil && c.tail == head.Position {
		switch {
		case head.KeyID != c.key.ID():
			k, err := other.Key.At(head.Epoch)
			if err != nil {
				return false, fmt.Errorf("journal key: %w", err)
			}
			old := c.key
			j.enter(k, head.Position, head.Time)
			c.outgoing = old.ID()
		case head.Epoch > c.key.Epoch():
			if err := j.stepTo(head.Epoch, head.Position, head.Time); err != nil {
				return false, fmt.Errorf("journal key: %w", err)
			}
		}
	}
	if kept.Bound() && kept.Chain != j.chain && kept.Key.Same(c.key) {
		return false, j.otherChain(kept, "this is chain "+j.chain.String())
	}
	switch {
	case !kept.Key.Same(c.key) || !kept.Key.Forward():
	case !kept.Bound():
		c.state.Chain = j.chain
		if c.state.Since.IsZero() {
			c.state.Since = j.opts.Now()
		}
		c.unsaved = true
	case kept.Key.Epoch() > c.key.Epoch() || kept.Key.Epoch() == c.key.Epoch() && kept.Seq > c.tail.Seq:
		// An epoch began behind the end that is known.
		behind = true
		c.tail, c.firm, c.doubtful = kept.Position, kept.Position, false
		if err := j.stepTo(kept.Key.Epoch(), kept.Position, kept.Since); err != nil {
			return false, err
		}
		c.slotsDue, c.unsaved = true, false
	case kept.Key.Epoch() == c.key.Epoch() && !c.failed:
		c.state.Position, c.state.Since = kept.Position, kept.Since
		c.slotsDue, c.unsaved = false, false
	case kept.Key.Epoch() < c.key.Epoch():
		c.unsaved = true
	}
	// What this writer has passed itself counts likewise: its key does not go
	// back.
	if c.state.Chain == j.chain && c.state.Seq > c.tail.Seq {
		c.tail, c.firm, c.doubtful = c.state.Position, c.state.Position, false
	}
	return behind, nil
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
	if err := j.checkEnd(last); err != nil {
		return err
	}
	if c.doubtful {
		return j.leave(ctx, integrity.SegmentSync)
	}
	if c.ending() && info.Size() > c.tail.Size {
		return j.goOn(ctx, integrity.BreakForeign) // nothing follows it in the same file
	}
	// The last writer synced the ring, and then closed the chain.
	slot, err := c.ids.slot(last.Seq)
	c.ids.whole = isClosing(&last) && err == nil && slot.seq == last.Seq && info.Size() == c.tail.Size
	if isClosing(&last) && info.Size() == c.tail.Size {
		c.head.found = false
	}
	// Nobody knows how far the one who wrote last had come with syncing.
	c.unsynced = true
	if info.Size() > c.tail.Size {
		_, err = j.catchUp(ctx, info.Size(), c.tail.Size) // from the watermark on
		return err
	}
	return nil
}
