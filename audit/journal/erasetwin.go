// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/auditchain/auditchain/integrity"
)

// patch is what takes the place of some bytes of a file: as many.
type patch struct {
	off   int64
	bytes []byte
}

// overlay reads a file as it is with the patches, which are in order.
type overlay struct {
	in      io.Reader
	off     int64
	patches []patch
}

func (o *overlay) Read(b []byte) (int, error) {
	n, err := o.in.Read(b)
	for _, p := range o.patches {
		from := max(p.off, o.off)
		to := min(p.off+int64(len(p.bytes)), o.off+int64(n))
		if from < to {
			copy(b[from-o.off:to-o.off], p.bytes[from-p.off:])
		}
	}
	o.off += int64(n)
	for len(o.patches) > 0 && o.patches[0].off+int64(len(o.patches[0].bytes)) <= o.off {
		o.patches = o.patches[1:]
	}
	return n, err
}

// replaceSegment puts a copy in the place of a finished file, in which the
// targets are tombstones. The plain file is locked, or there is none.
//
// A crash before the rename leaves the file as it was, and a part, which the
// next attempt makes anew; one after it, before the folder is synced, one of
// the two. A compressed twin goes first: the plain file counts, and is
// compressed again.
func (j *Journal) replaceSegment(first uint64, targets []*target) error {
	s, ok, err := j.finishedSegment(first)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: %q is not there; run: auditchain verify %s", ErrPruned, segmentPath(j.path, first), j.path)
	}
	plain := segmentPath(j.path, first)
	// What an interrupted work left of the same bytes. Nobody is at it: it
	// takes the lock of the plain file, or of the journal.
	gone := []string{plain + partSuffix, plain + compressedSuffix + partSuffix, j.path + partSuffix}
	if !s.Compressed {
		gone = append(gone, plain+compressedSuffix)
	}
	for _, name := range gone {
		if err := j.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("erasure: %w", err)
		}
	}
	if err := j.fs.SyncDir(filepath.Dir(plain)); err != nil {
		return err
	}
	patches, err := j.patchesFor(s, targets)
	if err != nil || len(patches) == 0 {
		return err
	}
	part := s.Path + partSuffix
	if err := j.writePatched(s, part, patches); err != nil {
		return errors.Join(fmt.Errorf("erasure: %q: %w", part, err), ignoreMissing(j.fs.Remove(part)))
	}
	if err := j.comparePatched(s, part, patches, targets); err != nil {
		return errors.Join(fmt.Errorf("erasure: %q: %w", part, err), ignoreMissing(j.fs.Remove(part)))
	}
	if err := j.fs.Rename(part, s.Path); err != nil {
		return fmt.Errorf("erasure: %w", err)
	}
	return j.fs.SyncDir(filepath.Dir(s.Path))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// patchesFor looks for the targets once more, in the very file that is to be
// replaced, and makes their tombstones: each must be the line that was
// ordered.
func (j *Journal) patchesFor(s Segment, targets []*target) ([]patch, error) {
	in, err := openSegment(j.fs, s)
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	defer in.Close()
	if err := j.lookIn(s.Path, in, s.First, targets); err != nil {
		return nil, err
	}
	var patches []patch
	for _, t := range targets {
		switch {
		case t.first != s.First:
		case t.leaf != t.order.Leaf:
			return nil, fmt.Errorf("%w: line %d of %q is not the one that is to be erased; run: auditchain verify %s", ErrTampered, t.seq, s.Path, j.path)
		case !t.done:
			patches = append(patches, patch{t.off, integrity.AppendTombstone(make([]byte, 0, len(t.payload)), t.leaf, len(t.payload))})
		}
	}
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	copies, err := j.copiesIn(s, all, targets)
	if err != nil {
		return nil, err
	}
	for _, p := range copies {
		if !slices.ContainsFunc(patches, p.overlaps) {
			patches = append(patches, p)
		}
	}
	slices.SortFunc(patches, func(a, b patch) int { return int(min(max(a.off-b.off, -1), 1)) })
	return patches, nil
}

// writePatched writes the copy, durably but for its name.
func (j *Journal) writePatched(s Segment, part string, patches []patch) error {
	in, err := openSegment(j.fs, s)
	if err != nil {
		return err
	}
	defer in.Close()
	from := &overlay{in: in, patches: patches}
	if s.Compressed {
		_, err := j.writeCompressed(part, from)
		return err
	}
	out, err := j.fs.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.NewOffsetWriter(out, 0), from)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// comparePatched reads the copy back: it must be the file as it was but for
// the patches, and the lines in their place must be the tombstones that were
// ordered.
func (j *Journal) comparePatched(s Segment, part string, patches []patch, targets []*target) error {
	old, err := openSegment(j.fs, s)
	if err != nil {
		return err
	}
	defer old.Close()
	copied := Segment{Path: part, First: s.First, Compressed: s.Compressed}
	now, err := openSegment(j.fs, copied)
	if err != nil {
		return err
	}
	defer now.Close()
	if err := sameBut(old, now, patches); err != nil {
		return err
	}
	again, err := openSegment(j.fs, copied)
	if err != nil {
		return err
	}
	defer again.Close()
	check := make([]*target, 0, len(targets))
	for _, t := range targets {
		if t.first == s.First {
			check = append(check, &target{seq: t.seq, first: t.first})
		}
	}
	if err := j.lookIn(part, again, s.First, check); err != nil {
		return err
	}
	for _, t := range check {
		if was := find1(targets, t.seq); !t.done || t.leaf != was.leaf || t.off != was.off {
			return fmt.Errorf("it does not hold what was written to it, at line %d; the file stays as it was", t.seq)
		}
	}
	return nil
}

var errCopyDiffers = errors.New("it does not hold what was written to it; the file stays as it was")

// sameBut reports whether now is old with the patches.
func sameBut(old, now io.Reader, patches []patch) error {
	const block = 64 << 10
	a, b := make([]byte, block), make([]byte, block)
	for off := int64(0); ; {
		n, errA := io.ReadFull(old, a)
		m, errB := io.ReadFull(now, b)
		for _, err := range []error{errA, errB} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return err
			}
		}
		if n != m {
			return errCopyDiffers
		}
		for _, p := range patches {
			from, to := max(p.off-off, 0), min(p.off+int64(len(p.bytes))-off, int64(n))
			if from < to {
				copy(a[from:to], p.bytes[off+from-p.off:])
			}
		}
		if !bytes.Equal(a[:n], b[:n]) {
			return errCopyDiffers
		}
		if off += int64(n); n < block {
			return nil
		}
	}
}
