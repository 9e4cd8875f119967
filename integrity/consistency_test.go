// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func consistencyOf(t testing.TB, from, to uint64) *ConsistencyProof {
	t.Helper()
	leaves, root := tree(to)
	b, err := NewConsistencyPath(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return &ConsistencyProof{
		Path: fill(t, b, leaves),
		From: signNote(t, proofKey, proofChain, from, mustRoot(from)),
		To:   signNote(t, proofKey, proofChain, to, root),
	}
}

// Every proof of the trees up to some size is that of another implementation,
// and is accepted by both.
func TestProofsAgainstTlog(t *testing.T) {
	const n = 40
	leaves, _ := tree(n)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, _ error) {
		for _, k := range at {
			out = append(out, stored[k])
		}
		return out, nil
	})
	for i, l := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(i), tlog.Hash(l), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	root := func(size uint64) tlog.Hash {
		r, err := tlog.TreeHash(int64(size), reader)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for size := uint64(1); size <= n; size++ {
		for index := range size {
			b, err := NewPath(index, size)
			if err != nil {
				t.Fatal(err)
			}
			path := fill(t, b, leaves[:size])
			theirs, err := tlog.ProveRecord(int64(size), int64(index), reader)
			if err != nil || fmt.Sprint(theirs) != fmt.Sprint(tlogHashes(path)) {
				t.Fatalf("leaf %d of %d: %v, %v and %v", index, size, err, theirs, path)
			}
			if _, r, err := climb(leaves[index], index, size, path); err != nil || r != Hash(root(size)) {
				t.Fatalf("leaf %d of %d: %v", index, size, err)
			}
		}
		for from := uint64(1); from <= size; from++ {
			b, err := NewConsistencyPath(from, size)
			if err != nil {
				t.Fatal(err)
			}
			path := fill(t, b, leaves[:size])
			theirs, err := tlog.ProveTree(int64(size), int64(from), reader)
			if err != nil || fmt.Sprint(theirs) != fmt.Sprint(tlogHashes(path)) {
				t.Fatalf("from %d to %d: %v, %v and %v", from, size, err, theirs, path)
			}
			c := ConsistencyCheck{From: Checkpoint{Size: from, Root: Hash(root(from))}, To: Checkpoint{Size: size}}
			if err := c.climb(path); err != nil || c.FromRoot != c.From.Root || c.ToRoot != Hash(root(size)) {
				t.Fatalf("from %d to %d: %v", from, size, err)
			}
		}
	}
}

func tlogHashes(hashes []Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = tlog.Hash(h)
	}
	return out
}

// A builder gives the same hashes however the leaves come: as ranges that are
// parted where it says, and as roots of subtrees that nobody asks into.
func TestPathBuilderInParts(t *testing.T) {
	const size = 77
	leaves, _ := tree(size)
	for index := range uint64(size) {
		whole, _ := NewPath(index, size)
		want := fill(t, whole, leaves)
		for _, block := range []uint64{4, 16} {
			b, _ := NewPath(index, size)
			for b.At() < size {
				at := b.At()
				if at%block == 0 && at+block <= size && !b.Parts(at, block) {
					r := NewRange(at)
					for _, l := range leaves[at : at+block] {
						r.Add(l)
					}
					if len(r.Nodes()) != 1 {
						t.Fatalf("%d nodes", len(r.Nodes()))
					}
					if err := b.Add(r.Nodes()[0], block); err != nil {
						t.Fatalf("leaf %d, block at %d: %v", index, at, err)
					}
					continue
				}
				end := at - at%block + block
				for _, c := range append(b.Cuts(), size) {
					if c > at {
						end = min(end, c)
					}
				}
				r := NewRange(at)
				for _, l := range leaves[at:end] {
					r.Add(l)
				}
				if err := b.Append(&r); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := b.Path(); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("leaf %d in blocks of %d: %v", index, block, err)
			}
		}
	}
	b, _ := NewPath(2, size)
	if err := b.Add(Hash{}, 4); !errors.Is(err, errParted) {
		t.Errorf("the root of four leaves, one of which is asked for: %v", err)
	}
	if _, err := b.Path(); err == nil {
		t.Error("a path without its leaves")
	}
}

func TestConsistency(t *testing.T) {
	for _, c := range [][2]uint64{{1, 1}, {1, 2}, {6, 6}, {6, 13}, {8, 13}, {12, 13}} {
		p := consistencyOf(t, c[0], c[1])
		check, err := p.Check(trusting(proofKey))
		if err != nil || check.FromKey != proofKey.Public() || check.ToKey != proofKey.Public() {
			t.Fatalf("%v: %+v, %v", c, check, err)
		}
		text, _ := p.AppendText(nil)
		again, err := ParseConsistencyProof(text)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		if text2, _ := again.AppendText(nil); !bytes.Equal(text, text2) {
			t.Errorf("%v: parse then format differs", c)
		}
	}
	// The checkpoint key may have been changed in between.
	p := consistencyOf(t, 6, 13)
	p.To = signNote(t, otherKey, proofChain, 13, mustRoot(13))
	if _, err := p.Check(trusting(proofKey)); !errors.Is(err, ErrCheckpointKey) {
		t.Errorf("with one of two keys: %v", err)
	}
	if c, err := p.Check(trusting(proofKey, otherKey)); err != nil || c.ToKey != otherKey.Public() {
		t.Errorf("with both keys: %v", err)
	}
}

func TestConsistencyRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(p *ConsistencyProof)
		want error
	}{
		"altered hash":  {func(p *ConsistencyProof) { p.Path[0][3] ^= 1 }, ErrProofRoot},
		"a hash less":   {func(p *ConsistencyProof) { p.Path = p.Path[1:] }, ErrProofRoot},
		"no hash":       {func(p *ConsistencyProof) { p.Path = nil }, ErrProofRoot},
		"a hash more":   {func(p *ConsistencyProof) { p.Path = append(p.Path, Hash{}) }, ErrProofRoot},
		"exchanged":     {func(p *ConsistencyProof) { p.From, p.To = p.To, p.From }, ErrProofSizes},
		"a fork":        {func(p *ConsistencyProof) { p.From = signNote(t, proofKey, proofChain, 6, Hash{1}) }, ErrProofRoot},
		"another chain": {func(p *ConsistencyProof) { p.To = signNote(t, proofKey, ChainID{5}, 13, mustRoot(13)) }, ErrProofChain},
		"empty tree":    {func(p *ConsistencyProof) { p.From = signNote(t, proofKey, proofChain, 0, Hash{}) }, ErrProofSizes},
		"another key":   {func(p *ConsistencyProof) { p.From = signNote(t, otherKey, proofChain, 6, mustRoot(6)) }, ErrCheckpointKey},
		"same size, hashes": {func(p *ConsistencyProof) {
			p.From = p.To
		}, ErrProofRoot},
		"same size, two roots": {func(p *ConsistencyProof) {
			p.From, p.Path = signNote(t, proofKey, proofChain, 13, Hash{1}), nil
		}, ErrProofRoot},
	} {
		p := consistencyOf(t, 6, 13)
		tc.edit(p)
		if _, err := p.Check(trusting(proofKey)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func FuzzConsistencyProof(f *testing.F) {
	for _, c := range [][2]uint64{{6, 13}, {4, 4}} {
		text, _ := consistencyOf(f, c[0], c[1]).AppendText(nil)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseConsistencyProof(text)
		if err != nil {
			return
		}
		if again, _ := p.AppendText(nil); !bytes.Equal(again, text) {
			t.Errorf("parse then format: %q became %q", text, again)
		}
		_, _ = p.Check(trusting(proofKey))
	})
}
