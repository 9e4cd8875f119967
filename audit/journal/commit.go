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
	err := j.commitLocked(batch)
	for _, r := range batch {
		r.err = err
	}
}

func (j *Journal) commitLocked(batch []*request) (err error) {
	ctx := context.Background()
	if err := j.lock.lock(ctx, j.opts.LockTimeout); err != nil {
		return err
	}
	defer func() {
		if j.c.file != nil {
			if uerr := j.c.file.Unlock(); uerr != nil {
				err = errors.Join(err, j.stale(fmt.Errorf("unlock %q: %w", j.path, uerr)))
			}
		}
		if uerr := j.lock.unlock(); uerr != nil {
			// The lock is freed with its descriptor at the latest when this
			// process ends; until then nobody else can commit.
			err = errors.Join(err, j.stale(uerr))
		}
	}()
	if err := j.ready(ctx); err != nil {
		return err
	}
	if err := j.tendKey(ctx); err != nil {
		return err
	}
	if e := batch[0].erase; e != nil {
		return j.eraseLocked(ctx, e)
	}
	for _, r := range batch {
		if r.act != nil {
			if err := r.act(ctx); err != nil {
				return err
			}
		}
	}
	if reason := j.due(batch); reason != "" {
		if err := j.rotate(ctx, reason); err != nil {
			return err
		}
		j.prune()
		if err := j.c.stale; err != nil {
			return err
		}
	}
	if err := j.syncNames(); err != nil {
		return err
	}
	c := &j.c
	want, refused := j.wantCheckpoint(batch)
	at := c.begin()
	var wantSync, wantClose bool
	for _, r := range batch {
		if err := j.sealRequest(&at, r); err != nil {
			return err
		}
		wantSync = wantSync || r.sync || r.closing
		wantClose = wantClose || r.closing
		if r.closing {
			j.sealControl(&at, integrity.Closed{
				Control: integrity.ControlClosed, Time: integrity.FormatTime(j.opts.Now()),
				Writer: j.writer.String(), Records: c.sealed,
			})
		}
		if r.stamp != nil {
			j.sealStamp(&at, r.stamp)
		}
	}
	if want.seal {
		if refused = j.sealCheckpoint(&at, want.closing); refused != nil {
			j.report(refused)
		}
		c.mustSync = want.sync
	}
	if wantClose {
		c.ids.seal(at.Seq)
	}
	var point Published
	if c.point != nil {
		point = *c.point
	}
	if err := j.persist(ctx, at, wantSync); err != nil {
		return err
	}
	if wantClose {
		j.saveTree()
	}
	now := j.opts.Now()
	for _, r := range batch {
		if r.checkpoint {
			r.point, r.pointErr = point, refused
		}
		for i := range r.n {
			rc := &r.receipts[i]
			if rc.Err == nil {
				rc.Time = now
				if !rc.Duplicate {
					c.sealed++
					c.hasRecords = true
				}
			}
		}
	}
	return nil
}

// ready makes the file that is being written this writer's own, locked, with
// all in it that others wrote.
func (j *Journal) ready(ctx context.Context) error {
	c := &j.c
	if c.stale == nil && c.file != nil {
		if err := lockFile(ctx, c.file, j.path, true, j.opts.LockTimeout); err != nil {
			return err
		}
		changed, err := j.check(ctx)
		if err != nil || !changed {
			return err
		}
	}
	c.stale = nil
	if err := j.attach(ctx); err != nil {
		return j.stale(err)
	}
	j.loadTree()
	return nil
}

// sealRequest seals the records of a request. After an error, nothing of the
// commit is in the file.
func (j *Journal) sealRequest(at *integrity.Position, r *request) error {
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

// check looks, under the lock, whether the file still is the one that this
// writer knows, and takes in what other processes wrote to it since. changed
// says that it is another one, or less than it was.
func (j *Journal) check(ctx context.Context) (changed bool, err error) {
	c := &j.c
	open, err := c.is.of(c.file)
	if err != nil {
		return false, j.stale(fmt.Errorf("%q: %w", j.path, err))
	}
	named, err := j.fs.Lstat(j.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !vfs.SameFile(open, named):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("%q: %w", j.path, err)
	}
	lost, err := c.head.refresh(j.fs, j.path+headSuffix)
	if err == errOtherKey {
		return true, nil
	}
	if err != nil {
		return false, j.stale(err)
	}
	c.headLost = c.headLost || lost
	if last := c.head.last.Position; last.Seq > c.firm.Seq {
		c.firm = last
	}
	size, how := named.Size(), integrity.WatermarkRemoved
	switch {
	case size < c.tail.Size, !c.headLost && !j.reaches(size):
		return true, nil
	case size > c.tail.Size:
		if c.headLost {
			// What others wrote since can be checked, but not whether that is
			// all.
			how = integrity.WatermarkDegraded
		}
		if changed, err := j.catchUp(ctx, size, c.tail.Size); err != nil || changed {
			return changed, err
		}
	}
	if c.headLost {
		return false, j.replaceHead(ctx, how)
	}
	return false, nil
}

// reaches reports whether a file of so many bytes can hold what the watermark
// names: another writer may have sealed more than this one knows of, and
// somebody may have cut it off.
func (j *Journal) reaches(size int64) bool {
	last := j.c.head.last.Position
	return last.Seq <= j.c.tail.Seq || last.First == j.c.tail.First && last.Size <= size
}

// seal appends one record to the buffer, at the end at, or says in its receipt
// why it is refused. An error is for the batch: nothing of it was written.
func (j *Journal) seal(at *integrity.Position, rec *Record, rc *Receipt) error {
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
		if errors.Is(err, ErrConflict) || errors.Is(err, ErrErased) {
			rc.Err = err
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
	start := at.Size
	rc.Seq = at.Seq + 1
	rc.MAC = j.appendLine(at, rec.Payload, rec.Leaf)
	id := rec.ID
	if !rec.Idempotent {
		clear(id[:])
	}
	c.ids.stage(id, rc.Seq, start)
	return nil
}

// sealControl appends a control record to the buffer, and returns its leaf.
func (j *Journal) sealControl(at *integrity.Position, record any) integrity.Hash {
	payload := integrity.ControlPayload(record)
	start, leaf := at.Size, j.c.leaf.Sum(payload)
	j.appendLine(at, payload, leaf)
	j.c.ids.stage([16]byte{}, at.Seq, start)
	return leaf
}

func (j *Journal) appendLine(at *integrity.Position, payload []byte, leaf integrity.Hash) integrity.Hash {
	c := &j.c
	before := len(c.buf)
	at.Seq++
	c.tree.stage(leaf, at.Seq, at.First, at.Size)
	at.MAC = c.sealer.MAC(at.MAC, at.Seq, leaf)
	c.buf = integrity.AppendSuffix(append(c.buf, payload...), at.Seq, at.MAC)
	at.Size += int64(len(c.buf) - before)
	return at.MAC
}

// begin begins a commit at the end of the chain.
func (c *committer) begin() integrity.Position {
	c.buf, c.written = c.buf[:0], c.tail.Size
	c.point, c.mustSync = nil, false
	c.tree.begin(c.charter.hasTree(), c.tail)
	return c.tail
}

// write writes what is in the buffer: whole lines, beyond the end that is
// known to others.
func (j *Journal) write() error {
	c := &j.c
	if len(c.buf) == 0 {
		return nil
	}
	if n, err := c.file.WriteAt(c.buf, c.written); err != nil {
		c.ids.unstage()
		c.written += int64(max(n, 1)) // as far as it is known
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
func (j *Journal) persist(ctx context.Context, at integrity.Position, wantSync bool) error {
	c := &j.c
	if err := j.write(); err != nil {
		return err
	}
	if at.Seq != c.tail.Seq {
		c.unsynced, c.unmarked = true, true
	}
	mode := j.opts.Fsync
	if c.unsynced && (mode.every == 0 || mode.every > 0 && wantSync || c.mustSync) {
		if err := c.file.Sync(); err != nil {
			return j.abandon(ctx, err)
		}
		c.unsynced = false
		c.firm = at
	}
	// From here on the lines are in the file for good.
	c.tail = at
	c.ids.store()
	j.settleTree()
	if c.unmarked {
		if err := j.mark(at); err != nil {
			return err
		}
	}
	if !c.unsynced {
		j.publishSealed()
	}
	return nil
}

// mark writes the watermark.
func (j *Journal) mark(at integrity.Position) (err error) {
	c := &j.c
	if c.headLost {
		err = j.makeHead(at)
	} else {
		err = c.head.write(j.chain, at, j.opts.Now())
	}
	if err != nil {
		// Genuine lines beyond the watermark: the next commit covers them.
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	c.unmarked, c.headLost = false, false
	c.firm = at
	return nil
}

// rollBack takes back what a failed write left.
func (j *Journal) rollBack(cause error) error {
	if err := j.cut(); err != nil {
		return fmt.Errorf("%w; %w: %w", err, ErrWrite, cause)
	}
	return fmt.Errorf("%w: %w (nothing of the batch is kept; try again)", ErrWrite, cause)
}

// cut makes the file end in its last good line again. It is synced, because
// pieces of what was cut off must not come back between the lines that are
// written in its place.
func (j *Journal) cut() error {
	c := &j.c
	if c.written == c.tail.Size {
		return nil
	}
	if err := c.file.Truncate(c.tail.Size); err != nil {
		return j.stale(fmt.Errorf("the unfinished end of %q cannot be cut off: %w", j.path, err))
	}
	c.written = c.tail.Size
	if j.opts.Fsync.every < 0 {
		c.unsynced = true
		return nil
	}
	if err := c.file.Sync(); err != nil {
		return j.abandon(context.Background(), err)
	}
	return nil
}

// now is the time in the form of a control record.
func (j *Journal) now() string { return integrity.FormatTime(j.opts.Now()) }
