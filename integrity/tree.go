// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"crypto/sha256"
	"errors"
	"math/bits"
)

// nodePrefix is what RFC 6962, section 2.1, puts before the two hashes of an
// inner node.
const nodePrefix = 1

// NodeHash returns the hash of an inner node of the tree.
func NodeHash(left, right Hash) Hash {
	var b [1 + 2*HashSize]byte
	b[0] = nodePrefix
	copy(b[1:], left[:])
	copy(b[1+HashSize:], right[:])
	return sha256.Sum256(b[:])
}

// Range is what is needed of the leaves From..From+n of an RFC 6962 tree to
// compute, with what stands beside them, the root of the tree: the roots of
// the largest complete subtrees that they make, from left to right. A range
// that begins at 0 is a tree: Root is its root, and adding a leaf to it costs
// one or two hashes. The zero value is the empty tree.
type Range struct {
	from, to uint64
	// nodes are the roots of the complete subtrees, from left to right. Their
	// sizes follow from from and to.
	nodes []Hash
}

// NewRange returns the empty range at index from.
func NewRange(from uint64) Range { return Range{from: from, to: from} }

// From returns the index of the first leaf of the range.
func (r *Range) From() uint64 { return r.from }

// Size returns the index behind the last leaf: of a tree, its size.
func (r *Range) Size() uint64 { return r.to }

// Nodes returns the roots of the subtrees, from left to right. The slice is
// the range's own.
func (r *Range) Nodes() []Hash { return r.nodes }

// Clone returns a copy that shares nothing.
func (r *Range) Clone() Range {
	return Range{r.from, r.to, append([]Hash(nil), r.nodes...)}
}

// subtree returns the size of the largest complete subtree that begins at
// index i and ends at or before end.
func subtree(i, end uint64) uint64 {
	n := uint64(1) << (bits.Len64(end-i) - 1)
	if i != 0 {
		n = min(n, i&-i)
	}
	return n
}

// Add adds the next leaf.
func (r *Range) Add(leaf Hash) {
	node := leaf
	// Where the new leaf completes a subtree, its left half is the last node,
	// unless that half begins before the range does.
	for size := uint64(1); r.to&size != 0 && r.to+1-2*size >= r.from && len(r.nodes) > 0; size *= 2 {
		last := len(r.nodes) - 1
		node = NodeHash(r.nodes[last], node)
		r.nodes = r.nodes[:last]
	}
	r.nodes = append(r.nodes, node)
	r.to++
}

// Append adds the range o, which begins where r ends.
func (r *Range) Append(o *Range) error {
	if o.from != r.to {
		return errors.New("ranges of leaves do not meet")
	}
	at := o.from
	for _, node := range o.nodes {
		n := subtree(at, o.to)
		at += n
		r.addSubtree(node, n)
	}
	return nil
}

// addSubtree adds the root of a complete subtree of n leaves, which begins at
// the end of r and at a multiple of n.
func (r *Range) addSubtree(node Hash, n uint64) {
	r.to += n
	for size := n; (r.to-size)&size != 0 && r.to-2*size >= r.from && r.to >= 2*size && len(r.nodes) > 0; size *= 2 {
		last := len(r.nodes) - 1
		node = NodeHash(r.nodes[last], node)
		r.nodes = r.nodes[:last]
	}
	r.nodes = append(r.nodes, node)
}

// Root returns the root of the tree. The range must begin at 0.
func (r *Range) Root() Hash {
	if len(r.nodes) == 0 {
		return sha256.Sum256(nil) // RFC 6962: the hash of the empty string
	}
	root := r.nodes[len(r.nodes)-1]
	for i := len(r.nodes) - 2; i >= 0; i-- {
		root = NodeHash(r.nodes[i], root)
	}
	return root
}

// TreeOf returns the tree of size leaves whose complete subtrees have the
// roots nodes, as Nodes gives them.
func TreeOf(size uint64, nodes []Hash) (Range, error) {
	if len(nodes) != bits.OnesCount64(size) {
		return Range{}, errors.New("the hashes of a tree are not as many as its size needs")
	}
	return Range{0, size, append([]Hash(nil), nodes...)}, nil
}
