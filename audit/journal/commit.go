// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// writeSize is about how much is written at a time. It fits the processor's
// caches, and a large batch is then copied to the kernel while it is warm. A
// line is always written in one piece.
const writeSize = 128 << 10

// commit does what the requests of batch ask for, and sets their err.
//
// A crash before the write leaves nothing; during the write, an unfinished
// end beyond the watermark, which the next opening sets aside; between the
// write and the watermark, genuine lines beyond it, which are accepted as
// written and not acknowledged. Only after the watermark is anything
// acknowledged.
func (j *Journal) commit(batch []*request) {
	err := j.c.failed
	if err == nil {
		err = j.commitLocked(batch)
	}
	for _, r := range batch {
		r.err = err
	}
}

func (j *Journal) commitLocked(batch []*request) (err error) {
	if err := j.lock.lock(context.Background(), j.opts.LockTimeout); err != nil {
		return err
	}
	defer func() {
		if uerr := j.lock.unlock(); uerr != nil {
			// The lock is freed with its descriptor at the latest when this
			// process ends; until then nobody else can commit.
			err = errors.Join(err, j.fail(uerr))
		}
	}()
	if err := lockFile(context.Background(), j.c.file, j.path, true, j.opts.LockTimeout); err != nil {
		return err
	}
	defer func() {
		if uerr := j.c.file.Unlock(); uerr != nil {
			err = errors.Join(err, j.fail(fmt.Errorf("unlock %q: %w", j.path, uerr)))
		}
	}()
	if err := j.check(); err != nil {
		return err
	}
	c := &j.c
	at := c.begin()
	var wantSync bool
	for _, r := range batch {
		if err := j.sealRequest(&at, r); err != nil {
			return err
		}
		wantSync = wantSync || r.sync || r.closing
		if r.closing {
			j.sealControl(&at, integrity.Closed{
				Control: integrity.ControlClosed, Time: integrity.FormatTime(j.opts.Now()),
				Writer: j.writer.String(), Records: c.sealed,
			})
			c.ids.seal(at.seq)
		}
	}
	if err := j.persist(at, wantSync); err != nil {
		return err
	}
	now := j.opts.Now()
	for _, r := range batch {
		for i := range r.n {
			rc := &r.receipts[i]
			if rc.Err == nil {
				rc.Time = now
				if !rc.Duplicate {
					c.sealed++
				}
			}
		}
	}
	return nil
}

// sealRequest seals the records of a request. After an error, nothing of the
// commit is in the file.
func (j *Journal) sealRequest(at *tail, r *request) error {
	recs := r.recs
	for done := 0; done < r.n; done += len(recs) {
		if r.next != nil {
			if recs = r.next(); len(recs) == 0 || len(recs) > r.n-done {
				j.c.ids.unstage()
				return errors.Join(fmt.Errorf("append: %w: %d records came where %d were announced", ErrPayload, done+len(recs), r.n), j.cut())
			}
		}
		for i := range recs {
			if err := j.seal(at, &recs[i], &r.receipts[done+i]); err != nil {
				j.c.ids.unstage()
				return errors.Join(err, j.cut())
			}
			if len(j.c.buf) >= writeSize {
				if err := j.write(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// check makes sure, under the lock, that the file still is the one that this
// writer knows, and takes in what other processes wrote since.
func (j *Journal) check() error {
	c := &j.c
	open, err := c.file.Stat()
	if err != nil {
		return j.fail(fmt.Errorf("%q: %w", j.path, err))
	}
	named, err := j.fs.Lstat(j.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !vfs.SameFile(open, named):
		return j.fail(fmt.Errorf("%w while it was open: %q; nothing more is written to it. Put it back, run: auditchain verify %s; then restart this program", ErrReplaced, j.path, j.path))
	case err != nil:
		return fmt.Errorf("%q: %w", j.path, err)
	}
	removed, err := c.head.refresh(j.fs, j.path+headSuffix)
	if err != nil {
		return j.fail(err)
	}
	size := open.Size()
	switch {
	case size == c.tail.size && removed:
		return j.replaceHead()
	case size == c.tail.size:
		return nil
	case size > c.tail.size && removed:
		// What others wrote since can be checked, but not whether that is
		// all.
		return fmt.Errorf("%w: it was removed beside %q under several writers; the one that wrote last makes it anew with its next record", ErrNoWatermark, j.path)
	case size < c.tail.size:
		return j.fail(fmt.Errorf("%w while it was open: %q has %d bytes where seq %d ended at %d; run: auditchain verify %s", ErrTruncated, j.path, size, c.tail.seq, c.tail.size, j.path))
	}
	return j.catchUp(size)
}

// seal appends one record to the buffer, at the end at, or says in its receipt
// why it is refused. An error is for the batch: nothing of it was written.
func (j *Journal) seal(at *tail, rec *Record, rc *Receipt) error {
	c := &j.c
	*rc = Receipt{ID: rec.ID, Chain: j.Chain(), Leaf: rec.Leaf}
	switch {
	case len(rec.Payload) > MaxRecordBytes:
		rc.Err = ErrTooLarge
		return nil
	case !bytes.HasPrefix(rec.Payload, []byte(`{"timestamp":"`)) || rec.Leaf == (integrity.Hash{}):
		// An encoder of this module makes no such payload; whatever does must
		// not be able to forge a control record.
		rc.Err = ErrPayload
		return nil
	}
	if rec.Idempotent {
		found, err := j.findDuplicate(rec)
		if errors.Is(err, ErrConflict) {
			rc.Err = ErrConflict
			return nil
		}
		if err != nil {
			return err
		}
		if found != nil {
			rc.Seq, rc.Leaf, rc.MAC, rc.Duplicate = found.Seq, found.Leaf(&c.leaf), found.MAC, true
			return nil
		}
	}
	start := at.size
	rc.Seq = at.seq + 1
	rc.MAC = j.appendLine(at, rec.Payload, rec.Leaf)
	id := rec.ID
	if !rec.Idempotent {
		clear(id[:])
	}
	c.ids.stage(id, rc.Seq, start)
	return nil
}

// sealControl appends a control record to the buffer.
func (j *Journal) sealControl(at *tail, record any) {
	payload := integrity.ControlPayload(record)
	start := at.size
	j.appendLine(at, payload, j.c.leaf.Sum(payload))
	j.c.ids.stage([16]byte{}, at.seq, start)
}

func (j *Journal) appendLine(at *tail, payload []byte, leaf integrity.Hash) integrity.Hash {
	c := &j.c
	before := len(c.buf)
	at.seq++
	at.mac = c.sealer.MAC(at.mac, at.seq, leaf)
	c.buf = integrity.AppendSuffix(append(c.buf, payload...), at.seq, at.mac)
	at.size += int64(len(c.buf) - before)
	return at.mac
}

// begin begins a commit at the end of the chain.
func (c *committer) begin() tail {
	c.buf, c.written = c.buf[:0], c.tail.size
	return c.tail
}

// write writes what is in the buffer: whole lines, beyond the end that is
// known to others.
func (j *Journal) write() error {
	c := &j.c
	if len(c.buf) == 0 {
		return nil
	}
	if _, err := c.file.WriteAt(c.buf, c.written); err != nil {
		c.ids.unstage()
		return j.rollBack(err)
	}
	c.written += int64(len(c.buf))
	c.buf = c.buf[:0]
	if cap(c.buf) > 4*writeSize {
		c.buf = nil // one long record must not hold its memory for ever
	}
	return nil
}

// persist writes the buffer, syncs as the mode says, writes the watermark and
// makes at the end of the chain.
func (j *Journal) persist(at tail, wantSync bool) error {
	c := &j.c
	if err := j.write(); err != nil {
		return err
	}
	if at.seq != c.tail.seq {
		c.unsynced, c.unmarked = true, true
	}
	mode := j.opts.Fsync
	if c.unsynced && (mode.every == 0 || mode.every > 0 && wantSync) {
		if err := c.file.Sync(); err != nil {
			// The kernel may have dropped the pages and called them clean: a
			// second fsync that succeeds proves nothing.
			return j.fail(fmt.Errorf("sync %q: %w", j.path, err))
		}
		c.unsynced = false
	}
	// From here on the lines are in the file for good.
	c.tail = at
	c.ids.store()
	if c.unmarked {
		if err := c.head.write(j.chain, at, j.opts.Now()); err != nil {
			// Genuine lines beyond the watermark: the next commit covers them.
			return fmt.Errorf("%w: %w", ErrUncertain, err)
		}
		c.unmarked = false
	}
	return nil
}

// rollBack takes back what a failed write left.
func (j *Journal) rollBack(cause error) error {
	if err := j.cut(); err != nil {
		return fmt.Errorf("%w; %w: %w", err, ErrWrite, cause)
	}
	return fmt.Errorf("%w: %w (nothing of the batch is kept; try again)", ErrWrite, cause)
}

// cut makes the file end in its last good line again.
func (j *Journal) cut() error {
	c := &j.c
	if err := c.file.Truncate(c.tail.size); err != nil {
		return j.fail(fmt.Errorf("the unfinished end of %q cannot be cut off: %w", j.path, err))
	}
	c.written = c.tail.size
	return nil
}

// fail stops all further commits and returns what to tell the caller.
func (j *Journal) fail(cause error) error {
	if j.c.failed == nil {
		j.c.failed = fmt.Errorf("%w: %w", ErrFailed, cause)
		j.c.ids.unstage()
	}
	return j.c.failed
}

// now is the time in the form of a control record.
func (j *Journal) now() string { return integrity.FormatTime(j.opts.Now()) }
