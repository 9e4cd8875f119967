// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"math/bits"
)

const treeKeyInfo = "auditchain/v1/tree"

// TreeTag is the tag of bytes of the cache `.tree` of a chain, under k in its
// epoch (docs/SPEC.md, section 4).
func TreeTag(k Key, id ChainID, b []byte) (tag Hash) {
	h := hmac.New(sha256.New, k.derive(treeKeyInfo, id))
	h.Write(b)
	h.Sum(tag[:0])
	return tag
}

// Equal compares tags in constant time.
func (h Hash) Equal(o Hash) bool { return hmac.Equal(h[:], o[:]) }

// SplitTree parts the tree of size leaves, whose complete subtrees have the
// roots nodes (Range.Nodes), behind its last complete block of so many leaves,
// a power of two. The second range is what there is of the next block.
func SplitTree(size, block uint64, nodes []Hash) (blocks, rest Range, err error) {
	if bits.OnesCount64(block) != 1 {
		return Range{}, Range{}, errors.New("the leaves of a block are a power of two")
	}
	if len(nodes) != bits.OnesCount64(size) {
		return Range{}, Range{}, errors.New("the hashes of a tree are not as many as its size needs")
	}
	whole := size - size%block
	n := bits.OnesCount64(whole)
	blocks = Range{0, whole, append([]Hash(nil), nodes[:n]...)}
	rest = Range{whole, size, append([]Hash(nil), nodes[n:]...)}
	return blocks, rest, nil
}
