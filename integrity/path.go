// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// span is a part of the leaves of a tree: those from index lo to before hi.
type span struct{ lo, hi uint64 }

// split returns where RFC 6962 parts a tree of more than one leaf: the largest
// power of two below its size.
func (s span) split() uint64 { return s.lo + 1<<(bits.Len64(s.hi-s.lo-1)-1) }

// inclusionSpans returns the parts whose roots are the inclusion proof of the
// leaf at index, from the leaf up (RFC 6962, section 2.1.1).
func inclusionSpans(index, size uint64) (spans []span) {
	for s := (span{0, size}); s.hi-s.lo > 1; {
		if k := s.split(); index < k {
			spans = append(spans, span{k, s.hi})
			s.hi = k
		} else {
			spans = append(spans, span{s.lo, k})
			s.lo = k
		}
	}
	slices.Reverse(spans)
	return spans
}

// consistencySpans is the same for the proof that a tree of from leaves is a
// beginning of one of to leaves (RFC 6962, section 2.1.2).
func consistencySpans(from, to uint64) (spans []span) {
	s := span{0, to}
	for s.hi != from {
		if k := s.split(); from <= k {
			spans = append(spans, span{k, s.hi})
			s.hi = k
		} else {
			spans = append(spans, span{s.lo, k})
			s.lo = k
		}
	}
	// A smaller tree that is a node of the larger one is known to whoever
	// checks.
	if s.lo != 0 {
		spans = append(spans, s)
	}
	slices.Reverse(spans)
	return spans
}

// PathBuilder computes the hashes of a proof from the leaves of a tree, which
// are added from the first to the last: one by one, as ranges, or as roots of
// complete subtrees where nothing in them is asked for. It needs memory for the
// hashes alone. It is for one goroutine.
type PathBuilder struct {
	spans  []span  // in the order of the proof
	ranges []Range // of the same
	order  []int   // indexes of spans, from left to right
	cuts   []uint64
	at     uint64
}

// NewPath returns the builder of the inclusion proof of the leaf at index in
// the tree of size leaves.
func NewPath(index, size uint64) (*PathBuilder, error) {
	if index >= size {
		return nil, fmt.Errorf("%w: index %d, size %d", ErrProofIndex, index, size)
	}
	b := newPathBuilder(inclusionSpans(index, size))
	// The leaf itself is asked for too: no subtree may hide it.
	b.cut(index, index+1, size)
	return b, nil
}

// NewConsistencyPath returns the builder of the proof that the tree of from
// leaves is a beginning of that of to leaves.
func NewConsistencyPath(from, to uint64) (*PathBuilder, error) {
	if from == 0 || from > to {
		return nil, fmt.Errorf("%w: %d and %d", ErrProofSizes, from, to)
	}
	b := newPathBuilder(consistencySpans(from, to))
	b.cut(from, to)
	return b, nil
}

func newPathBuilder(spans []span) *PathBuilder {
	b := &PathBuilder{spans: spans}
	for i, s := range spans {
		b.ranges = append(b.ranges, NewRange(s.lo))
		b.order = append(b.order, i)
		b.cut(s.lo, s.hi)
	}
	slices.SortFunc(b.order, func(i, j int) int {
		if spans[i].lo < spans[j].lo {
			return -1
		}
		return 1
	})
	return b
}

func (b *PathBuilder) cut(at ...uint64) {
	b.cuts = append(b.cuts, at...)
	slices.Sort(b.cuts)
	b.cuts = slices.Compact(b.cuts)
}

// At returns the index of the leaf that comes next.
func (b *PathBuilder) At() uint64 { return b.at }

// Cuts returns the indexes at which a range that is added must be parted. The
// slice is the builder's own.
func (b *PathBuilder) Cuts() []uint64 { return b.cuts }

// Parts reports whether the n leaves from index on are asked for in parts: then
// their common root will not do.
func (b *PathBuilder) Parts(index, n uint64) bool {
	i, _ := slices.BinarySearch(b.cuts, index+1)
	return i < len(b.cuts) && b.cuts[i] < index+n
}

// errParted: see Add.
var errParted = errors.New("the root of these lines together is known, and the proof needs them one by one")

// Add adds the root of the complete subtree of the next n leaves; for n = 1 a
// leaf.
func (b *PathBuilder) Add(node Hash, n uint64) error {
	for len(b.order) > 0 && b.spans[b.order[0]].hi <= b.at {
		b.order = b.order[1:]
	}
	if len(b.order) > 0 {
		i := b.order[0]
		s := b.spans[i]
		switch {
		case s.lo >= b.at+n: // nobody asks for it
		case s.lo <= b.at && b.at+n <= s.hi:
			sub := Range{b.at, b.at + n, []Hash{node}}
			if err := b.ranges[i].Append(&sub); err != nil {
				return err
			}
		default:
			return errParted
		}
	}
	b.at += n
	return nil
}

// Append adds the leaves of a range, which begins at At and is parted at Cuts.
func (b *PathBuilder) Append(r *Range) error {
	if r.from != b.at {
		return errors.New("ranges of leaves do not meet")
	}
	for _, node := range r.nodes {
		if err := b.Add(node, subtree(b.at, r.to)); err != nil {
			return err
		}
	}
	return nil
}

// Path returns the hashes of the proof, once all leaves were added.
func (b *PathBuilder) Path() ([]Hash, error) {
	path := make([]Hash, len(b.spans))
	for i, s := range b.spans {
		r := &b.ranges[i]
		if r.to != s.hi {
			return nil, fmt.Errorf("the lines end with seq %d, and the proof needs them up to seq %d", b.at, b.cuts[len(b.cuts)-1])
		}
		// The parts of a proof begin where a tree of their size can: their
		// subtrees fold to one root, as those of a tree do.
		path[i] = r.Root()
	}
	return path, nil
}
