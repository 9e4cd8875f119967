// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

func fullState() treeSaved {
	s := treeSaved{
		generation: 7, chain: integrity.ChainID{1, 2}, epoch: 0,
		at:    integrity.Position{First: 3, Seq: ^uint64(0), MAC: integrity.Hash{4}, Size: 5},
		place: blockPlace{6, 7}, last: lastCheckpoint{8, 9},
		charter: charter{&integrity.Retention{Keep: 3, KeepFor: "720h0m0s"}, "checkpoint", "erasure"},
	}
	for i := range 64 {
		s.nodes = append(s.nodes, integrity.Hash{byte(i)})
	}
	return s
}

// A slot comes back as it was, the largest one too, and counts under its key
// alone; one that is changed anywhere does not.
func TestTreeSlot(t *testing.T) {
	k := handmadeKey(t, 'k')
	want := fullState()
	want.keyID = k.ID()
	b := want.slot(k)
	if len(b) != treeSlot {
		t.Fatalf("a slot of %d bytes", len(b))
	}
	got, genuine, ok := parseTreeSlot(b, k)
	if !ok || !genuine || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v\n%+v\n%+v", genuine, ok, got, want)
	}
	if _, genuine, ok := parseTreeSlot(b, handmadeKey(t, 'o')); genuine || !ok {
		t.Error("genuine under another key")
	}
	end := treeSlot
	for b[end-1] == 0 {
		end--
	}
	for i := range end {
		b[i] ^= 0x10
		if _, genuine, _ := parseTreeSlot(b, k); genuine {
			t.Errorf("genuine with byte %d changed", i)
		}
		b[i] ^= 0x10
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		c := append([]byte(nil), b...)
		for range 1 + rng.IntN(40) {
			c[8+rng.IntN(200)] = byte(rng.Uint32())
		}
		_, _, _ = parseTreeSlot(c[:rng.IntN(len(c)+1)], k) // anything, but no panic
	}
}

// The index holds what was put in, of one chain, and nothing that was changed.
func TestTreeBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	k := handmadeKey(t, 'k')
	f := treeFile{fs: vfs.OS, path: path + treeSuffix, stray: true}
	chain := integrity.ChainID{1}
	put := func(chain integrity.ChainID, index uint64) {
		t.Helper()
		if err := f.saveBlock(chain, block{index, integrity.Hash{byte(index)}, blockPlace{index + 1, int64(index) * 10}}); err != nil {
			t.Fatal(err)
		}
	}
	read := func() (found []uint64) {
		t.Helper()
		b, err := openBlocks(vfs.OS, path)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		for i := range b.Count() + 1 {
			root, first, off, ok := b.Block(i)
			if !ok {
				continue
			}
			if (root != integrity.Hash{byte(i)}) || first != i+1 || off != int64(i)*10 {
				t.Errorf("block %d: %v %d %d", i, root, first, off)
			}
			found = append(found, i)
		}
		return found
	}
	if got := read(); got != nil {
		t.Errorf("without a file: %v", got)
	}
	put(chain, 0)
	put(chain, 3)
	put(integrity.ChainID{2}, 4)
	if got := read(); got != nil {
		t.Errorf("before it says of which chain it is: %v", got)
	}
	if err := f.save(treeSaved{chain: chain}, k); err != nil {
		t.Fatal(err)
	}
	if got := read(); !reflect.DeepEqual(got, []uint64{0, 3}) {
		t.Errorf("%v", got)
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	b[treeBlocks+3*blockBytes+33] ^= 1
	copy(b[treeBlocks+blockBytes:], b[treeBlocks:treeBlocks+blockBytes]) // an entry in another one's place
	if err := os.WriteFile(f.path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := read(); !reflect.DeepEqual(got, []uint64{0}) {
		t.Errorf("after changes: %v", got)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
}
