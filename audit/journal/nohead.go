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
//
// The position in the key file counts like that of a watermark: the chain is
// taken up there.
func (j *Journal) withoutHead(ctx context.Context, headErr error) error {
	if j.c.state.Bound() {
		if done, err := j.fromKeyFile(ctx, headErr); done || err != nil {
			return err
		}
	}
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
		if err != nil || !j.isGenuine(&b) {
			return j.goOnBehind(ctx, *last)
		}
	} else if !j.lock.marked() {
		unfinished, err := j.unfinished()
		if err != nil {
			return err
		}
		if unfinished {
			if j.c.state.Bound() {
				// A key is bound once its chain is begun: what else there was has
				// been taken away, and this is evidence.
				return j.boundElsewhere(j.c.state, fmt.Sprintf("%q holds no more than the beginning of a chain, without what a writer leaves beside it", j.path))
			}
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
		if g, err := integrity.ParseGenesis(line); err == nil && g.KeyID != j.c.key.ID() {
			return false, j.wrongKey(g.KeyID)
		}
	}
	return false, nil
}

func (j *Journal) wrongKey(id string) error {
	return fmt.Errorf("%w: %q is of key %s, the key given is %s", ErrWrongKey, j.path, id, j.c.key.ID())
}

// fromKeyFile takes the chain up at the position that the key file names, where
// there is no valid watermark. done is false where it names none: then the
// chain has no line under another epoch than the key's.
func (j *Journal) fromKeyFile(ctx context.Context, headErr error) (done bool, err error) {
	c := &j.c
	at := c.state
	segments, err := listSegments(j.fs, j.path)
	if err != nil {
		return false, err
	}
	if len(segments) == 0 && !j.lock.marked() {
		if _, err := j.fs.Lstat(j.path + headSuffix); errors.Is(err, fs.ErrNotExist) {
			return false, j.boundElsewhere(at, fmt.Sprintf("%q does not exist", j.path))
		}
	}
	if len(segments) > 0 {
		// Another chain's files are not what is left of this one.
		b, err := j.startOf(segments[len(segments)-1])
		switch {
		case isIO(err):
			return false, err
		case err == nil && b.chain != at.Chain && b.keyID != c.key.ID():
			return false, j.wrongKey(b.keyID)
		case err == nil && b.chain != at.Chain:
			return false, j.otherChain(at, "this is chain "+b.chain.String())
		case err == nil && b.seq > at.Seq && j.isGenuine(&b):
			return false, nil // all of the newest file can be checked
		}
	}
	if at.Seq == 0 {
		return false, nil
	}
	j.chain = at.Chain
	c.sealer = integrity.NewSealer(c.key, j.chain)
	c.tail, c.firm, c.headLost = at.Position, at.Position, true
	if err := j.openSides(nil, integrity.Head{}); err != nil {
		return false, err
	}
	found, err := j.takeUp()
	if err != nil {
		return false, err
	}
	said := integrity.WatermarkDegraded
	if found == "" {
		found, said = integrity.BreakNoWatermark, ""
	}
	c.firm, c.unsynced = c.tail, c.file != nil
	if err := j.goOn(ctx, found); err != nil {
		return false, err
	}
	return true, j.announce(ctx, said)
}

// takeUp takes in all that follows the end that is known, file by file. found
// is as in endsAt.
func (j *Journal) takeUp() (found string, err error) {
	c := &j.c
	for {
		finished, ok, err := j.finishedSegment(c.tail.First)
		if err != nil {
			return "", err
		}
		if !ok {
			break
		}
		if found, err := j.walk(finished); err != nil || found != "" {
			return found, err
		}
		next, ok, err := j.finishedSegment(c.tail.Seq + 1)
		if err != nil {
			return "", err
		}
		if !ok {
			next = Segment{Path: j.path}
		}
		b, err := j.startOf(next)
		if isIO(err) {
			return "", err
		}
		if err != nil || !j.follows(&b) {
			return "", nil //nolint:nilerr // it ends here, as far as anybody can tell
		}
	}
	if c.file == nil {
		return integrity.BreakMissing, nil
	}
	info, err := c.file.Stat()
	if err != nil {
		return "", fmt.Errorf("journal: %w", err)
	}
	if _, found, err = endsAt(c.file, info.Size(), c.tail); err != nil || found != "" {
		return found, err
	}
	r := newReader(j.path, io.NewSectionReader(c.file, c.tail.Size, info.Size()-c.tail.Size))
	r.off = c.tail.Size
	if err := j.readBeginning(); err != nil {
		return "", err
	}
	_, err = j.advance(r)
	return "", err
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
		if err == nil && b.seq == segments[i].First && j.isGenuine(&b) {
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
	case err == nil && b.keyID != c.key.ID():
		return j.wrongKey(b.keyID)
	case err == nil && c.state.Bound() && c.state.Chain != b.chain:
		return j.otherChain(c.state, "this is chain "+b.chain.String())
	}
	if err != nil || !j.isGenuine(&b) {
		return fmt.Errorf("%w: %q has no valid watermark, and its first line is not one of this key's chains: nothing is left to go on from. Run: auditchain verify %s; then put the files back, or begin a new chain with: auditchain recover --new-chain REASON %s",
			ErrTampered, r.path, j.path, j.path)
	}
	j.chain, c.sealer = b.chain, integrity.NewSealer(c.key, b.chain)
	c.tail = integrity.Position{First: b.seq, Seq: b.seq, MAC: b.mac, Size: b.end}
	switch {
	case b.epoch > c.key.Epoch():
		if err := j.stepTo(b.epoch, c.tail, b.began); err != nil {
			return err
		}
	case c.key.Forward():
		c.state.Chain, c.unsaved = j.chain, true
		if c.state.Since.IsZero() {
			c.state.Since = b.began
		}
	}
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
