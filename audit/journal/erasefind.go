// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/google/uuid"
)

// target is a line that is to be erased.
type target struct {
	seq   uint64
	leaf  integrity.Hash
	first uint64 // of the file that holds it
	// off is where the line begins in that file, and payload what it holds.
	off     int64
	payload []byte
	id      uuid.UUID
	order   integrity.Erased
	sealed  uint64 // seq of its chain.erased
	done    bool   // it is a tombstone
}

func find1(targets []*target, seq uint64) *target {
	for _, t := range targets {
		if t.seq == seq {
			return t
		}
	}
	return nil
}

// firsts are the files that hold the lines, oldest first.
func firsts(targets []*target) []uint64 {
	var all []uint64
	for _, t := range targets {
		if !slices.Contains(all, t.first) {
			all = append(all, t.first)
		}
	}
	slices.Sort(all)
	return all
}

// findTargets finds the lines, and refuses those that cannot be erased.
func (j *Journal) findTargets(targets []*target) error {
	c := &j.c
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		return fmt.Errorf("erasure: %w", err)
	}
	for _, t := range targets {
		switch {
		case t.seq == 0 || t.seq > c.tail.Seq:
			return fmt.Errorf("%w: there is no line %d: the chain ends with line %d", ErrNoLine, t.seq, c.tail.Seq)
		case t.seq >= c.tail.First:
			t.first = c.tail.First
		default:
			for _, s := range all {
				if s.First > 0 && s.First <= t.seq {
					t.first = s.First
				}
			}
		}
		if t.first == 0 {
			return fmt.Errorf("%w: line %d was in a file that is not there any more: retention removed it, or somebody; run: auditchain verify %s", ErrPruned, t.seq, j.path)
		}
	}
	for _, first := range firsts(targets) {
		if err := j.findIn(first, targets); err != nil {
			return err
		}
	}
	return nil
}

// openTarget opens a file of the chain for reading, also that which is being
// written.
func (j *Journal) openTarget(first uint64) (io.ReadCloser, string, error) {
	c := &j.c
	if first == c.tail.First {
		return io.NopCloser(io.NewSectionReader(c.file, 0, c.tail.Size)), j.path, nil
	}
	s, ok, err := j.finishedSegment(first)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "", fmt.Errorf("%w: %q is not there; run: auditchain verify %s", ErrPruned, segmentPath(j.path, first), j.path)
	}
	in, err := openSegment(j.fs, s)
	return in, s.Path, err
}

// findIn finds those of the targets that are in one file.
func (j *Journal) findIn(first uint64, targets []*target) error {
	in, path, err := j.openTarget(first)
	if err != nil {
		return fmt.Errorf("erasure: %w", err)
	}
	defer in.Close()
	return j.lookIn(path, in, first, targets)
}

// lookIn is findIn for a file that is open. Of lines under the key in force, it
// checks that they are genuine: an erasure must not cover up that a line was
// altered.
func (j *Journal) lookIn(path string, in io.Reader, first uint64, targets []*target) error {
	missing := map[uint64]*target{}
	for _, t := range targets {
		if t.first == first {
			missing[t.seq] = t
		}
	}
	lines := newTagReader(j, path, in)
	for len(missing) > 0 {
		line, leaf, genuine, err := lines.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		t := missing[line.Seq]
		if t == nil {
			continue
		}
		if !genuine {
			return fmt.Errorf("%w: line %d of %q is not as it was sealed; nothing is erased; run: auditchain verify %s", ErrTampered, line.Seq, path, j.path)
		}
		if err := t.found(line, leaf); err != nil {
			return err
		}
		delete(missing, line.Seq)
	}
	for seq := range missing {
		return fmt.Errorf("%w: %q should hold line %d, and does not; nothing is erased; run: auditchain verify %s", ErrTampered, path, seq, j.path)
	}
	return nil
}

// found takes in the line that a target is about.
func (t *target) found(line integrity.Line, leaf integrity.Hash) error {
	switch line.Kind {
	case integrity.Control:
		return fmt.Errorf("%w: line %d is a %s, and what a journal wrote about itself stays", ErrNotErasable, line.Seq, line.ControlName())
	case integrity.Tombstone:
		t.done, t.payload = true, nil
	default:
		if len(line.Payload) < integrity.MinTombstone {
			return fmt.Errorf("%w: line %d is shorter than what would take its place", ErrNotErasable, line.Seq)
		}
		t.done, t.payload = false, bytes.Clone(line.Payload)
		t.id, _ = lineID(line)
	}
	t.leaf, t.off = leaf, line.Offset
	return nil
}

// tagReader reads lines of one file, and checks those that it can.
type tagReader struct {
	j     *Journal
	r     *Reader
	leaf  integrity.LeafHasher
	prev  integrity.Hash
	known bool // prev is the tag of the line before
	under bool // the next line is under the key in force, as the file says
	keyID string
	begun bool
}

func newTagReader(j *Journal, path string, in io.Reader) *tagReader {
	return &tagReader{j: j, r: newReader(path, in)}
}

// next returns the next line that is one. genuine is false for one that is
// under the key in force, and has another tag.
func (t *tagReader) next() (line integrity.Line, leaf integrity.Hash, genuine bool, err error) {
	for {
		line, err = t.r.Next()
		var bad *LineError
		if !errors.As(err, &bad) {
			break
		}
		t.known = false // the next line cannot be checked, and nothing is lost by that: verify says it
	}
	if err != nil {
		return line, leaf, false, err
	}
	leaf = line.Leaf(&t.leaf)
	c := &t.j.c
	if !t.begun {
		t.begun = true
		var s integrity.Segment // a genesis has these members, too
		if line.Kind == integrity.Control && integrity.ParseControl(line.Payload, &s) == nil {
			t.prev, t.known, t.under, t.keyID = s.Previous.MAC, true, c.isUnder(s.KeyID, s.Epoch), s.KeyID
		}
	}
	genuine = !t.known || !t.under || c.sealer.MAC(t.prev, line.Seq, leaf) == line.MAC
	t.prev, t.known = line.MAC, true
	if name := line.ControlName(); name == integrity.ControlEpoch || name == integrity.ControlKey {
		k := integrity.KeyChange{KeyID: t.keyID} // which chain.epoch keeps
		if integrity.ParseControl(line.Payload, &k) == nil {
			t.under, t.keyID = c.isUnder(k.KeyID, k.Epoch), k.KeyID
		}
	}
	return line, leaf, genuine, nil
}

// lockFinished locks a finished segment against whoever compresses it; nil
// where it is compressed, which nobody does again.
func (j *Journal) lockFinished(ctx context.Context, first uint64) (vfs.File, error) {
	path := segmentPath(j.path, first)
	for {
		f, err := j.fs.OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("erasure: %w", err)
		}
		if err := lockFile(ctx, f, path, true, j.opts.LockTimeout); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		open, err := f.Stat()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("erasure: %w", err), f.Close())
		}
		named, err := j.fs.Lstat(path)
		if err == nil && vfs.SameFile(open, named) {
			return f, nil
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("erasure: %w", err)
		}
	}
}
