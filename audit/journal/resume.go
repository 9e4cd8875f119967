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
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// beginning is what the first line of a file says.
type beginning struct {
	seq     uint64
	mac     integrity.Hash
	chain   integrity.ChainID
	keyID   string
	keyMode string
	epoch   uint64
	began   time.Time
	charter charter
	end     int64 // behind the line
	// previous is where the file before ends; the zero value in the first
	// file of a chain.
	previous     integrity.Position
	previousLeaf integrity.Hash
	// tree are the nodes of the tree of all lines before this one.
	tree []integrity.Hash
	line integrity.Line
}

func (b *beginning) leaf() integrity.Hash {
	var h integrity.LeafHasher
	return b.line.Leaf(&h)
}

// readStart reads the first line of a file. It does not check its tag.
func readStart(r *Reader) (b beginning, err error) {
	if b.line, err = r.Next(); err != nil {
		return b, err
	}
	b.seq, b.mac, b.end = b.line.Seq, b.line.MAC, r.off
	var at string
	switch b.line.ControlName() {
	case integrity.ControlGenesis:
		g, err := integrity.ParseGenesis(b.line)
		if err != nil {
			return b, err
		}
		b.chain, b.keyID, b.keyMode, b.epoch, at = g.Chain, g.KeyID, g.KeyMode, g.Epoch, g.Time
		b.charter = charter{g.Retention, g.CheckpointKey, g.ErasureKey}
	case integrity.ControlSegment:
		var s integrity.Segment
		if err := integrity.ParseControl(b.line.Payload, &s); err != nil {
			return b, err
		}
		b.chain, b.keyID, b.keyMode, b.epoch, at = s.Chain, s.KeyID, s.KeyMode, s.Epoch, s.Time
		b.charter = charter{s.Retention, s.CheckpointKey, s.ErasureKey}
		b.previous, b.previousLeaf, b.tree = s.Previous, s.PreviousLeaf, s.Tree
	default:
		return b, errNoBeginning
	}
	b.began, _ = time.Parse(integrity.TimeFormat, at)
	return b, nil
}

var errNoBeginning = errors.New("the first line neither begins a chain nor goes on with one")

// genuine reports whether the first line has the tag that s gives it.
func (b *beginning) genuine(s *integrity.Sealer) bool {
	return b.seq == b.previous.Seq+1 && s.MAC(b.previous.MAC, b.seq, b.leaf()) == b.mac
}

// readBeginning takes in what the first line of the file says of it. What is
// wrong with that line is for `verify` to find.
func (j *Journal) readBeginning() error {
	c := &j.c
	c.began, c.hasRecords = time.Time{}, true
	in := &failingReaderAt{ReaderAt: c.file}
	b, err := readStart(newReader(j.path, io.NewSectionReader(in, 0, 1<<62)))
	if in.err != nil {
		return fmt.Errorf("journal: %w", in.err)
	}
	if err == nil {
		c.learn(&b)
		if !j.isGenuine(&b) {
			c.unvouched = b.seq
		}
	}
	return nil
}

// finishedSegment looks for the finished segment that begins with line first.
func (j *Journal) finishedSegment(first uint64) (Segment, bool, error) {
	s := Segment{Path: segmentPath(j.path, first), First: first}
	for {
		info, err := j.fs.Lstat(s.Path)
		switch {
		case err == nil && info.Mode().IsRegular():
			return s, true, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return s, false, fmt.Errorf("segment: %w", err)
		case s.Compressed:
			return s, false, nil
		}
		s.Path, s.Compressed = s.Path+compressedSuffix, true
	}
}

// resumeNext goes on where the file that the watermark is about is finished:
// the one that is being written is beyond the watermark, or a crash came
// before there was one. A power failure can take the watermark back by more
// than one file.
func (j *Journal) resumeNext(ctx context.Context, finished Segment) error {
	c := &j.c
	finished, err := j.skipFinished(finished)
	if err != nil {
		return err
	}
	var size int64
	if c.file != nil {
		info, err := c.file.Stat()
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		size = info.Size()
	}
	foreign := false
	if size > 0 {
		in := &failingReaderAt{ReaderAt: c.file}
		b, err := readStart(newReader(j.path, io.NewSectionReader(in, 0, 1<<62)))
		var torn *LineError
		switch {
		case in.err != nil:
			return fmt.Errorf("journal: %w", in.err)
		case err == nil && j.follows(&b):
			c.unsynced, c.unmarked, c.doubtful, c.hasRecords = true, true, false, false
			if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
				return err
			}
			_, err := j.catchUp(ctx, size, 0) // all of it is beyond the watermark
			return err
		case !errors.As(err, &torn):
			foreign = true
		}
	}
	reason := integrity.SegmentCrash
	if c.doubtful {
		reason = integrity.SegmentSync
	} else {
		found, err := j.walk(finished)
		if err != nil {
			return err
		}
		if found != "" {
			return j.goOn(ctx, found)
		}
		if c.ending() {
			reason = integrity.SegmentKey
			c.unsynced = false // walk has seen to it
			if err := j.keepKey(ctx); err != nil {
				return err
			}
			if err := j.learnSigner(); err != nil {
				return err
			}
		}
	}
	switch {
	case foreign:
		return j.goOn(ctx, integrity.BreakForeign)
	case size > 0:
		return j.setAsideWhole(ctx, reason, size)
	case c.file != nil:
		if err := j.fs.Remove(j.path); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	return j.startSegment(ctx, reason)
}

// skipFinished goes on through finished segments that follow the one that the
// watermark is about, and returns the last one.
func (j *Journal) skipFinished(last Segment) (Segment, error) {
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		return last, err
	}
	for _, s := range all {
		if s.First <= j.c.tail.First {
			continue
		}
		b, err := j.startOf(s)
		if isIO(err) {
			return last, err
		}
		if err != nil || !j.follows(&b) {
			continue // somebody put it there
		}
		if err := j.harden(s); err != nil {
			return last, err
		}
		last = s
	}
	return last, nil
}

// follows reports whether a file that begins with b goes on from the end that
// is known or from beyond it, and if so, moves the end there. Only a writer
// that had the chain up to there could make such a line.
func (j *Journal) follows(b *beginning) bool {
	c := &j.c
	s, ok := j.sealerOf(b)
	if !ok || b.chain != j.chain || !b.genuine(s) || b.previous.Seq < c.tail.Seq || b.previous.Seq == c.tail.Seq && b.previous.MAC != c.tail.MAC {
		return false
	}
	c.tail = integrity.Position{First: b.seq, Seq: b.seq, MAC: b.mac, Size: b.end}
	if b.epoch > c.key.Epoch() && j.stepTo(b.epoch, c.tail, b.began) != nil {
		return false
	}
	c.learn(b)
	c.ids.drop()
	return true
}

// harden makes a finished segment durable that no watermark vouches for: its
// writer may have died after a sync that failed.
func (j *Journal) harden(s Segment) error {
	if s.Compressed {
		return nil // it was synced before it got its name
	}
	f, err := j.fs.OpenFile(s.Path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	return j.syncAgain(f, s.Path, 0, info.Size())
}

// syncAgain makes the bytes from..to of a finished segment durable, whatever
// became of the sync of whoever wrote them.
func (j *Journal) syncAgain(f vfs.File, name string, from, to int64) error {
	err := rewrite(f, from, to)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		info, serr := f.Stat()
		if serr != nil {
			return errors.Join(fmt.Errorf("sync %q: %w", name, err), serr)
		}
		if cerr := j.replaceByCopy(f, info.Size(), name); cerr != nil {
			return errors.Join(fmt.Errorf("sync %q: %w", name, err), cerr)
		}
	}
	return j.fs.SyncDir(filepath.Dir(name))
}

// walk takes in what stands behind the known end in a finished segment: lines
// that were written and not acknowledged. found is as in endsAt.
func (j *Journal) walk(finished Segment) (found string, err error) {
	c := &j.c
	if finished.Compressed {
		// It was compressed after a later watermark, which is lost.
		return j.walkCompressed(finished)
	}
	f, err := j.fs.OpenFile(finished.Path, os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("segment: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("segment: %w", err)
	}
	last, found, err := endsAt(f, info.Size(), c.tail)
	if err != nil || found != "" {
		return found, err
	}
	if err := j.checkEnd(last); err != nil {
		return "", err
	}
	if c.ending() {
		if info.Size() > c.tail.Size {
			return integrity.BreakForeign, nil
		}
		return "", nil
	}
	from := c.tail.Size
	r := newReader(finished.Path, io.NewSectionReader(f, from, info.Size()-from))
	r.off = from
	stop, err := j.advance(r)
	if err != nil {
		return "", err
	}
	if c.tail.Size > from {
		if err := j.syncAgain(f, finished.Path, from, c.tail.Size); err != nil {
			return "", err
		}
	}
	if stop == stopForeign {
		return integrity.BreakForeign, nil
	}
	return "", nil
}

func (j *Journal) walkCompressed(finished Segment) (found string, err error) {
	in, err := openSegment(j.fs, finished)
	if err != nil {
		return "", err
	}
	defer in.Close()
	r := newReader(finished.Path, in)
	var last integrity.Line
	for r.off < j.c.tail.Size {
		line, err := r.Next()
		var bad *LineError
		switch {
		case err == io.EOF:
			return integrity.BreakShorter, nil
		case err != nil && !errors.As(err, &bad):
			return "", fmt.Errorf("segment %q: %w", finished.Path, err)
		}
		last = line
	}
	if r.off != j.c.tail.Size || last.Seq != j.c.tail.Seq || last.MAC != j.c.tail.MAC {
		return integrity.BreakAltered, nil
	}
	if err := j.checkEnd(last); err != nil {
		return "", err
	}
	if j.c.ending() {
		if _, err := r.Next(); err != io.EOF {
			return integrity.BreakForeign, asIO(r, err)
		}
		return "", nil
	}
	stop, err := j.advance(r)
	if stop == stopForeign {
		return integrity.BreakForeign, err
	}
	return "", err
}
