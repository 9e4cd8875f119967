// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// due says why a new file is to be begun before a commit of about n bytes; ""
// when it is not.
func (j *Journal) due(batch []*request) string {
	c, o := &j.c, j.opts.Rotation
	n, records, asked := 0, 0, false
	for _, r := range batch {
		n += r.bytes()
		records += r.n
		asked = asked || r.rotate
	}
	switch {
	case asked:
		return integrity.SegmentRequest
	case !c.hasRecords:
		// A quiet journal makes no files that hold nothing.
	case records > 0 && o.MaxSize > 0 && c.tail.Size+int64(n) > o.MaxSize:
		return integrity.SegmentSize
	case o.MaxAge > 0 && !c.began.IsZero() && j.opts.Now().Sub(c.began) >= o.MaxAge:
		return integrity.SegmentAge
	}
	return ""
}

// rotate finishes the file and begins a new one.
//
// A crash before the rename changes nothing. After it, and until the first
// line of the new file is whole, the next opening finds the file that the
// watermark is about under its finished name, and begins the new one. After
// that, it finds the new one, with nothing in it that was acknowledged.
func (j *Journal) rotate(ctx context.Context, reason string) error {
	c := &j.c
	if c.unsynced {
		if err := c.file.Sync(); err != nil {
			return j.abandon(ctx, err)
		}
		c.unsynced = false
	}
	if c.unmarked {
		if err := j.mark(c.tail); err != nil {
			return err
		}
	}
	return j.leave(ctx, reason)
}

// leave gives the file its finished name, and begins the next one behind the
// end that is known.
func (j *Journal) leave(ctx context.Context, reason string) error {
	must := reason != integrity.SegmentSize && reason != integrity.SegmentAge
	if _, err := j.segmentTree(must); err != nil {
		if reason == integrity.SegmentSync {
			return j.stale(err)
		}
		// The next file has to say what the tree is, which may be read later.
		j.report(fmt.Errorf("rotation: %w; records go on into the same file", err))
		return nil
	}
	if err := j.finish(); err != nil {
		// A rename that is reported as failed may have been done.
		if named, nerr := j.named(); nerr != nil || !named || reason == integrity.SegmentSync {
			return j.stale(errors.Join(err, nerr))
		}
		// The file is as good as before; the next commit tries again.
		j.report(fmt.Errorf("rotation: %w; records go on into the same file", err))
		return nil
	}
	if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
		return j.stale(err)
	}
	return j.startSegment(ctx, reason)
}

// named reports whether the file that is being written has the journal's name.
func (j *Journal) named() (bool, error) {
	open, err := j.c.file.Stat()
	if err != nil {
		return false, fmt.Errorf("%q: %w", j.path, err)
	}
	named, err := j.fs.Lstat(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%q: %w", j.path, err)
	}
	return vfs.SameFile(open, named), nil
}

// finish gives the file its finished name; never one that is taken.
func (j *Journal) finish() error {
	name := segmentPath(j.path, j.c.tail.First)
	if taken, err := j.taken(name); err != nil {
		return err
	} else if taken {
		return fmt.Errorf("%q is there already, and no writer put it there; move it away", name)
	}
	if err := j.fs.Rename(j.path, name); err != nil {
		return fmt.Errorf("rename %q: %w", j.path, err)
	}
	return nil
}

// startSegment begins a new file behind the end that is known, which becomes
// its `previous`. more are control records that follow the first line.
func (j *Journal) startSegment(ctx context.Context, reason string, more ...any) (err error) {
	c := &j.c
	previous := c.tail
	defer func() {
		if err != nil {
			c.ids.unstage()
			c.tail = previous
			err = j.stale(err)
		}
	}()
	if err := j.learnCharter(); err != nil {
		return err
	}
	tree, err := j.segmentTree(true)
	if err != nil {
		return err
	}
	var previousLeaf integrity.Hash
	if c.firstSeq == previous.First {
		previousLeaf = c.firstLeaf
	}
	f, err := j.fs.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("new segment: %w", err)
	}
	if c.file != nil {
		_ = c.file.Close()
	}
	c.file = f
	if err := lockFile(ctx, f, j.path, true, j.opts.LockTimeout); err != nil {
		return err
	}
	now := j.opts.Now()
	c.tail = integrity.Position{First: previous.Seq + 1, Seq: previous.Seq, MAC: previous.MAC}
	at := c.begin()
	firstLeaf := j.sealControl(&at, integrity.Segment{
		Control: integrity.ControlSegment, Time: integrity.FormatTime(now), Writer: j.writer.String(),
		Format: integrity.FormatVersion, Chain: j.chain, KeyID: c.key.ID(), KeyMode: c.key.Mode(), Epoch: c.key.Epoch(),
		CheckpointKey: c.charter.checkpointKey, ErasureKey: c.charter.erasureKey,
		Reason: reason, Previous: previous, PreviousLeaf: previousLeaf, Tree: tree, Retention: c.charter.retention,
	})
	for _, record := range more {
		j.sealControl(&at, record)
	}
	if _, err := f.WriteAt(c.buf, 0); err != nil {
		return fmt.Errorf("new segment: %w: %w", ErrWrite, err)
	}
	c.buf, c.written = c.buf[:0], at.Size
	if err := f.Sync(); err != nil {
		return fmt.Errorf("new segment: sync %q: %w", j.path, err)
	}
	if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
		return err
	}
	if err := j.mark(at); err != nil {
		return err
	}
	if err := c.head.file.Sync(); err != nil {
		return fmt.Errorf("sync watermark: %w", err)
	}
	c.tail, c.began, c.hasRecords = at, now, false
	c.firstLeaf, c.firstSeq = firstLeaf, at.First
	c.unsynced, c.doubtful = false, false
	c.segments = nil
	c.ids.store()
	j.settleTree()
	j.saveTree()
	if reason == integrity.SegmentSync {
		// What the disk did not take may be what it is of. The next one covers
		// it, if it is there.
		c.unpublished = nil
	}
	j.publishSealed()
	select {
	case j.finished <- struct{}{}:
	default:
	}
	return nil
}

// learnCharter finds out what the genesis says, from the segment before, where
// this writer did not read the beginning of any. Where that is gone too, or
// altered, the cache of the tree says it, under its tag; where there is none of
// that either, nothing is allowed, and nobody can make a checkpoint.
func (j *Journal) learnCharter() error {
	c := &j.c
	if c.learned && c.firstSeq == c.tail.First {
		return nil
	}
	s, ok, err := j.finishedSegment(c.tail.First)
	if err != nil {
		return err
	}
	if ok {
		b, err := j.startOf(s)
		if isIO(err) {
			return err
		}
		if err == nil && b.chain == j.chain && b.seq == s.First {
			// One that is under a key which is not at hand any more says so as it
			// stands: whether it is genuine is for `verify` to find.
			if s, ok := j.sealerOf(&b); !ok || b.genuine(s) {
				c.learn(&b)
				return nil
			}
		}
	}
	if !c.learned {
		j.recallCharter()
	}
	return nil
}

// taken reports whether something has the name of a finished segment, in one
// of its forms.
func (j *Journal) taken(name string) (bool, error) {
	for _, form := range []string{name, name + compressedSuffix} {
		switch _, err := j.fs.Lstat(form); {
		case err == nil:
			return true, nil
		case !errors.Is(err, fs.ErrNotExist):
			return false, fmt.Errorf("segment: %w", err)
		}
	}
	return false, nil
}
