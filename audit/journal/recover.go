// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// stop is why advance went no further.
type stop int

const (
	stopEnd     stop = iota // there is nothing more
	stopTorn                // what follows is no line
	stopForeign             // what follows is a line that nobody with the key made
)

// advance takes in the lines that r gives, as long as they follow the end
// that is known.
func (j *Journal) advance(r *Reader) (stop, error) {
	c := &j.c
	for {
		line, err := r.Next()
		if err == io.EOF {
			return stopEnd, nil
		}
		var bad *LineError
		if errors.As(err, &bad) {
			return stopTorn, nil
		}
		if err != nil {
			return stopEnd, fmt.Errorf("%q: %w", r.path, err)
		}
		leaf := line.Leaf(&c.leaf)
		mac := c.sealer.MAC(c.tail.MAC, c.tail.Seq+1, leaf)
		if line.Seq != c.tail.Seq+1 || line.MAC != mac {
			return stopForeign, nil
		}
		before := c.tail
		c.tree.pass(before, &line, leaf, r.off)
		c.tail.Seq, c.tail.MAC, c.tail.Size = line.Seq, mac, r.off
		c.hasRecords = c.hasRecords || line.Kind == integrity.Record
		c.unsynced, c.unmarked = true, true
		if err := j.cross(line, before.MAC); err != nil {
			c.tail = before
			return stopEnd, err
		}
		if c.ending() {
			if _, err := r.Next(); err != io.EOF {
				// Nothing follows it in the same file, not even after a crash.
				return stopForeign, asIO(r, err)
			}
			return stopEnd, nil
		}
	}
}

// cross takes in what a line that holds, behind a line with the tag prev, says of
// the keys that what follows is under.
func (j *Journal) cross(line integrity.Line, prev integrity.Hash) error {
	switch line.ControlName() {
	case integrity.ControlEpoch:
		return j.crossEpoch(line)
	case integrity.ControlKey:
		return j.crossKey(line, prev)
	case integrity.ControlSigner:
		j.c.crossSigner(line)
	}
	return nil
}

// asIO is err where it is a failure to read, and not what was read.
func asIO(r *Reader, err error) error {
	var bad *LineError
	if err == nil || err == io.EOF || errors.As(err, &bad) {
		return nil
	}
	return fmt.Errorf("%q: %w", r.path, err)
}

// catchUp takes in the lines between the end that is known and size: those of
// other processes, or those that a crash kept from being acknowledged. Whole
// and genuine lines are accepted as what they are: written. The first that is
// no line begins the crash tail, which is set aside.
//
// From byte dirty on, the lines are made dirty again before they are relied
// on, but for those that the watermark covers.
//
// Up to the watermark nothing can be torn, nor come from somebody else:
// changed says that it is, and that the chain must be taken up at the
// watermark.
func (j *Journal) catchUp(ctx context.Context, size, dirty int64) (changed bool, err error) {
	c := &j.c
	from := c.tail
	r := newReader(j.path, io.NewSectionReader(c.file, from.Size, size-from.Size))
	r.off = from.Size
	stop, err := j.advance(r)
	if err != nil {
		return false, j.stale(err)
	}
	covered := dirty
	if last := c.head.last; last.First == c.tail.First && !c.headLost {
		if c.tail.Seq < last.Seq {
			c.ids.drop()
			return true, nil
		}
		covered = max(covered, last.Size)
	}
	c.ids.absorb(from.Seq, c.tail.Seq)
	if c.tail.Size > covered {
		if err := rewrite(c.file, covered, c.tail.Size); err != nil {
			return false, j.stale(err)
		}
	}
	switch stop {
	case stopForeign:
		return false, j.goOn(ctx, integrity.BreakForeign)
	case stopTorn:
		return false, j.setAside(ctx, size)
	}
	if c.ending() {
		return false, j.settleKey(ctx)
	}
	return false, nil
}

// rewrite writes the bytes from..to of a file over themselves, so that the
// next sync is about them: their writer may have died after a sync that
// failed, and then the kernel believes that they are on disk.
func rewrite(f vfs.File, from, to int64) error {
	buf := make([]byte, min(to-from, writeSize))
	for from < to {
		b := buf[:min(to-from, writeSize)]
		if _, err := f.ReadAt(b, from); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		if _, err := f.WriteAt(b, from); err != nil {
			return fmt.Errorf("%w: %w", ErrWrite, err)
		}
		from += int64(len(b))
	}
	return nil
}

// setAside copies the crash tail, from the end that is known to size, into a
// file of its own, and puts chain.recovered in its place.
//
// The copy is durable before the tail is touched. Then the first byte of the
// tail becomes a NUL, durably: from there on it cannot pass for a line, whatever
// pieces of old and new a crash leaves. The record is written behind it, and
// its first byte comes last. At no time are the bytes gone and not announced.
func (j *Journal) setAside(ctx context.Context, size int64) error {
	c := &j.c
	h := sha256.New()
	name, n, err := j.keep(c.tail.Size, size, h)
	if err != nil {
		return j.stale(err)
	}
	at := c.begin()
	j.sealControl(&at, j.recovered(n, h, name))
	for _, step := range []struct {
		b       []byte
		off     int64
		settled bool
	}{{[]byte{0}, 0, true}, {c.buf[1:], 1, true}, {c.buf[:1], 0, false}} {
		_, err := c.file.WriteAt(step.b, c.tail.Size+step.off)
		if err == nil && step.off > 0 {
			err = c.file.Truncate(at.Size)
		}
		if err == nil && step.settled {
			err = c.file.Sync()
		}
		if err != nil {
			return j.stale(fmt.Errorf("%w: crash tail of %q, which is kept in %q: %w", ErrWrite, j.path, name, err))
		}
	}
	c.buf, c.written = c.buf[:0], at.Size
	first := c.tail.First
	if err = j.persist(ctx, at, true); err != nil && c.stale == nil && c.tail.First != first {
		// It was given up with the file, and is said again in the next one.
		at := c.begin()
		j.sealControl(&at, j.recovered(n, h, name))
		return errors.Join(err, j.persist(ctx, at, true))
	}
	return err
}

// setAsideWhole makes a crash tail of a whole file: one whose first line a
// crash kept from being written.
func (j *Journal) setAsideWhole(ctx context.Context, reason string, size int64) error {
	h := sha256.New()
	name, n, err := j.keep(0, size, h)
	if err != nil {
		return j.stale(err)
	}
	if err := j.fs.Remove(j.path); err != nil {
		return j.stale(fmt.Errorf("crash tail: %w", err))
	}
	return j.startSegment(ctx, reason, j.recovered(n, h, name))
}

func (j *Journal) recovered(n int64, h hash.Hash, name string) integrity.Recovered {
	return integrity.Recovered{
		Control: integrity.ControlRecovered, Time: j.now(), Writer: j.writer.String(),
		Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil)), KeptIn: filepath.Base(name),
	}
}

// keep copies the bytes from..to of the journal to a new file, durably, and
// returns its name.
func (j *Journal) keep(from, to int64, h hash.Hash) (name string, n int64, err error) {
	if name, err = j.freeName(tornInfix); err != nil {
		return "", 0, fmt.Errorf("crash tail: %w", err)
	}
	f, err := j.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", 0, fmt.Errorf("crash tail: %w", err)
	}
	n, err = io.Copy(io.MultiWriter(io.NewOffsetWriter(f, 0), h), io.NewSectionReader(j.c.file, from, to-from))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = j.fs.SyncDir(filepath.Dir(name))
	}
	if err != nil {
		// What is not whole must not be left to be taken for the tail.
		_ = j.fs.Remove(name)
		return "", 0, fmt.Errorf("crash tail: %q: %w", name, err)
	}
	return name, n, nil
}
