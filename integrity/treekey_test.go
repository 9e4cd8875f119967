// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"testing"
)

// A tree that is parted goes on as one that is not.
func TestSplitTree(t *testing.T) {
	const block = 8
	var whole Range
	for size := range uint64(200) {
		blocks, rest, err := SplitTree(size, block, whole.Nodes())
		if err != nil {
			t.Fatal(err)
		}
		if blocks.Size() != size/block*block || rest.From() != blocks.Size() || rest.Size() != size {
			t.Fatalf("size %d: parted at %d", size, blocks.Size())
		}
		on := whole.Clone()
		for i := size; i < size+40; i++ {
			leaf := Leaf([]byte{byte(i)})
			on.Add(leaf)
			rest.Add(leaf)
			if rest.Size()%block == 0 {
				if len(rest.Nodes()) != 1 {
					t.Fatalf("a whole block has %d roots", len(rest.Nodes()))
				}
				if err := blocks.Append(&rest); err != nil {
					t.Fatal(err)
				}
				rest = NewRange(blocks.Size())
			}
		}
		if err := blocks.Append(&rest); err != nil {
			t.Fatal(err)
		}
		if blocks.Root() != on.Root() {
			t.Fatalf("size %d: another root", size)
		}
		whole.Add(Leaf([]byte{byte(size)}))
	}
	if _, _, err := SplitTree(3, block, whole.Nodes()[:1]); err == nil {
		t.Error("too few hashes were taken")
	}
	if _, _, err := SplitTree(3, 6, nil); err == nil {
		t.Error("a block of six leaves was taken")
	}
}

func TestTreeTag(t *testing.T) {
	k, err := NewKey(bytes.Repeat([]byte{'k'}, 32))
	if err != nil {
		t.Fatal(err)
	}
	f := newForwardKey(bytes.Repeat([]byte{'k'}, 32))
	tags := map[Hash]bool{}
	for _, tag := range []Hash{
		TreeTag(k, ChainID{1}, []byte("a")), TreeTag(k, ChainID{2}, []byte("a")), TreeTag(k, ChainID{1}, []byte("b")),
		TreeTag(f.Next(), ChainID{1}, []byte("a")),
	} {
		tags[tag] = true
	}
	if len(tags) != 4 || !tags[TreeTag(f, ChainID{1}, []byte("a"))] {
		t.Error("a tag depends on the key in its epoch, the chain, and the bytes")
	}
	if a := (Hash{1}); a.Equal(Hash{2}) || !a.Equal(Hash{1}) {
		t.Error("Equal")
	}
}
