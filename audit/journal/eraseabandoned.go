// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/auditchain/auditchain/integrity"
)

// Behind the end of a finished file that was given up, lines may stand that
// were sent and sealed again in a later one: the same record, with another
// `blind`. They are no part of the chain, and must not outlive an erasure. They
// are looked for as in what a crash left, but for whole lines: a line becomes a
// tombstone that states its own leaf, so that what stands behind it still
// follows it (docs/SPEC.md, section 7.3).

// withCopies returns the finished files that hold such copies of the targets.
func (j *Journal) withCopies(targets []*target) ([]uint64, error) {
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	var found []uint64
	for _, s := range all {
		if s.First == 0 {
			continue
		}
		patches, err := j.copiesIn(s, all, targets)
		if err != nil {
			return nil, err
		}
		if len(patches) > 0 {
			found = append(found, s.First)
		}
	}
	return found, nil
}

// copiesIn finds them in one file, behind its end.
func (j *Journal) copiesIn(s Segment, all []Segment, targets []*target) ([]patch, error) {
	from, more, err := j.endOf(s, all)
	if err != nil || !more {
		return nil, err
	}
	var found []patch
	for _, t := range targets {
		if t.payload == nil {
			continue
		}
		patches, err := j.copiesOf(s, from, t)
		if err != nil {
			return nil, fmt.Errorf("erasure: %q: %w", s.Path, err)
		}
		for _, p := range patches {
			if !slices.ContainsFunc(found, p.overlaps) {
				found = append(found, p)
			}
		}
	}
	return found, nil
}

func (p patch) overlaps(q patch) bool {
	return p.off < q.off+int64(len(q.bytes)) && q.off < p.off+int64(len(p.bytes))
}

func (j *Journal) copiesOf(s Segment, from int64, t *target) ([]patch, error) {
	in, err := openSegment(j.fs, s)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if _, err := io.CopyN(io.Discard, in, from); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, damagedIsNothing(err)
	}
	tr := newTraces(t)
	tr.inChain = true
	patches, err := tr.in(in, from)
	return patches, damagedIsNothing(err)
}

// damagedIsNothing is for a compressed file that is broken: what cannot be
// decompressed cannot be read by anybody, and is for verify to name.
func damagedIsNothing(err error) error {
	if errors.Is(err, integrity.ErrDamaged) {
		return nil
	}
	return err
}

// endOf is where a finished file ends, as the next one says; more is false where
// nothing can stand behind that.
func (j *Journal) endOf(s Segment, all []Segment) (end int64, more bool, err error) {
	i := slices.IndexFunc(all, func(o Segment) bool { return o.First == s.First })
	if i < 0 || i+1 >= len(all) {
		return 0, false, nil
	}
	next, ok := peekSegment(j.fs, all[i+1])
	if !ok || next.Previous.First != s.First || next.Previous.Size < 0 {
		return 0, false, nil
	}
	info, err := j.fs.Lstat(s.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, false, fmt.Errorf("erasure: %w", err)
	}
	if s.Compressed || err != nil { // it may be compressed by now
		switch next.Reason {
		case integrity.SegmentSize, integrity.SegmentAge, integrity.SegmentRequest, integrity.SegmentKey:
			return 0, false, nil
		}
		return next.Previous.Size, true, nil
	}
	return next.Previous.Size, info.Size() > next.Previous.Size, nil
}
