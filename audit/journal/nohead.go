// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/auditchain/auditchain/integrity"
)

// withoutHead opens a journal that has no valid watermark. A journal whose
// very first opening did not get to its end has an innocent reason, and
// begins. Any other goes on behind the last line that holds, and says for ever
// that more may have stood there.
func (j *Journal) withoutHead(ctx context.Context, headErr error) error {
	if j.c.file == nil {
		return j.withoutFile(ctx, headErr)
	}
	segments, err := listSegments(j.fs, j.path)
	if err != nil {
		return err
	}
	if last, err := j.lastFinished(segments); err != nil {
		return err
	} else if last != nil {
		// What is being written may be empty or torn: then the chain goes on
		// behind the file before.
		b, err := j.startOf(Segment{Path: j.path})
		if isIO(err) {
			return err
		}
		if err != nil || b.keyID != j.opts.Key.ID() || !b.genuine(integrity.NewSealer(j.opts.Key, b.chain)) {
			return j.goOnBehind(ctx, *last)
		}
	} else if !j.lock.marked() {
		unfinished, err := j.unfinished()
		if err != nil {
			return err
		}
		if unfinished {
			if err := j.c.file.Truncate(0); err != nil {
				return fmt.Errorf("journal: %w", err)
			}
			// What was there must not come back in pieces between what comes.
			if err := j.c.file.Sync(); err != nil {
				return fmt.Errorf("sync %q: %w", j.path, err)
			}
			return j.genesis(nil)
		}
	}
	in := &failingReaderAt{ReaderAt: j.c.file}
	return j.goOnFrom(ctx, newReader(j.path, io.NewSectionReader(in, 0, 1<<62)), in)
}

// unfinished reports whether the file is what a crash can leave of a first
// opening: genesis and opened are written together, the rest can be missing.
func (j *Journal) unfinished() (bool, error) {
	in := &failingReaderAt{ReaderAt: j.c.file}
	start := make([]byte, 64<<10)
	n, err := in.ReadAt(start, 0)
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("journal: %w", err)
	}
	if !isOwnStart(start[:n]) {
		return false, nil
	}
	r := newReader(j.path, io.NewSectionReader(in, 0, 1<<62))
	for _, control := range []string{integrity.ControlGenesis, integrity.ControlOpened, ""} {
		line, err := r.Next()
		var bad *LineError
		switch {
		case in.err != nil:
			return false, fmt.Errorf("journal: %w", in.err)
		case err == io.EOF, errors.As(err, &bad) && r.atEnd():
			return true, nil
		case err != nil, line.ControlName() != control:
			return false, nil //nolint:nilerr // a line that is none, with more behind it
		}
		if g, err := integrity.ParseGenesis(line); err == nil && g.KeyID != j.opts.Key.ID() {
			return false, j.wrongKey(g.KeyID)
		}
	}
	return false, nil
}

func (j *Journal) wrongKey(id string) error {
	return fmt.Errorf("%w: %q is of key %s, the key given is %s", ErrWrongKey, j.path, id, j.opts.Key.ID())
}

// withoutFile opens what has neither a file that is being written nor a valid
// watermark.
func (j *Journal) withoutFile(ctx context.Context, headErr error) error {
	segments, err := listSegments(j.fs, j.path)
	if err != nil {
		return err
	}
	_, err = j.fs.Lstat(j.path + headSuffix)
	switch {
	case len(segments) > 0:
	case j.lock.marked() || err == nil:
		return fmt.Errorf("%w: %q is gone, and so is its watermark (%w); what stands beside it says that it had records. Put the files back, or begin a new chain with: auditchain recover --new-chain REASON %s",
			ErrTruncated, j.path, headErr, j.path)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("watermark: %w", err)
	default:
		return j.begin(ctx, nil)
	}
	last, err := j.lastFinished(segments)
	switch {
	case err != nil:
		return err
	case last != nil:
		return j.goOnBehind(ctx, *last)
	case segments[len(segments)-1].First == 0:
		return j.raced()
	}
	return j.goOnBehind(ctx, segments[len(segments)-1]) // which says what is wrong
}

// lastFinished returns the newest finished segment that begins as one of a
// chain of this key; nil where there is none.
func (j *Journal) lastFinished(segments []Segment) (*Segment, error) {
	for i := len(segments) - 1; i >= 0; i-- {
		if segments[i].First == 0 {
			continue
		}
		b, err := j.startOf(segments[i])
		if isIO(err) {
			return nil, err
		}
		if err == nil && b.keyID == j.opts.Key.ID() && b.seq == segments[i].First && b.genuine(integrity.NewSealer(j.opts.Key, b.chain)) {
			return &segments[i], nil
		}
	}
	return nil, nil
}

// goOnBehind goes on behind a finished segment.
func (j *Journal) goOnBehind(ctx context.Context, s Segment) error {
	in, err := openSegment(j.fs, s)
	if err != nil {
		return err
	}
	defer in.Close()
	return j.goOnFrom(ctx, newReader(s.Path, in), nil)
}

// goOnFrom reads a whole file, and goes on behind its last line that holds.
func (j *Journal) goOnFrom(ctx context.Context, r *Reader, in *failingReaderAt) error {
	c := &j.c
	b, err := readStart(r)
	var bad *LineError
	switch {
	case in != nil && in.err != nil:
		return fmt.Errorf("journal: %w", in.err)
	case err != nil && err != io.EOF && !errors.As(err, &bad) && !errors.Is(err, errNoBeginning):
		return fmt.Errorf("journal: %w", err)
	case err == nil && b.keyID != j.opts.Key.ID():
		return j.wrongKey(b.keyID)
	case err == nil:
		j.chain, c.key = b.chain, j.opts.Key
		c.sealer = integrity.NewSealer(c.key, b.chain)
	}
	if err != nil || !b.genuine(c.sealer) {
		c.sealer = nil
		return fmt.Errorf("%w: %q has no valid watermark, and its first line is not one of this key's chains: nothing is left to go on from. Run: auditchain verify %s; then put the files back, or begin a new chain with: auditchain recover --new-chain REASON %s",
			ErrTampered, r.path, j.path, j.path)
	}
	c.tail = integrity.Position{First: b.seq, Seq: b.seq, MAC: b.mac, Size: b.end}
	c.learn(&b)
	if err := j.openSides(nil, integrity.Head{}); err != nil {
		return err
	}
	if _, err := j.advance(r); err != nil {
		return err
	}
	c.headLost, c.unsynced, c.firm = true, true, c.tail
	if err := j.goOn(ctx, integrity.BreakNoWatermark); err != nil {
		return err
	}
	return j.announce(ctx, "")
}
