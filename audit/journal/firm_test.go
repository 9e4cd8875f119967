// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
)

// A checkpoint that was given to somebody holds after a power failure at any
// change on the disk, in the modes too that promise nothing of records.
func TestGivenIsDurable(t *testing.T) {
	given, lost := 0, 0
	for _, mode := range []journal.FsyncMode{journal.FsyncNever, journal.FsyncEvery(time.Hour)} {
		for at := 1; ; at += 4 {
			h := newKeyed(t)
			h.store.FS = crashfs.New(h.dir(), rand.New(rand.NewPCG(uint64(at), 1)), crashfs.Options{})
			disk := h.store.FS.(*crashfs.FS)
			h.check(h.store.Stage(integrity.KeyState{Key: h.zero}))
			h.check(disk.Rename(h.store.Path+".next", h.store.Path))
			h.check(disk.SyncDir(h.dir()))
			var got crashGiven
			disk.CrashAt(at)
			j, err := h.try(9, func(o *journal.Options) {
				o.FS, o.Fsync, o.Rotation.MaxSize = disk, mode, 6<<10
				o.Checkpoint = journal.Checkpoint{Signer: signer(t, 'a'), Records: 4, Every: -1, Publish: got.add}
			})
			acked := uint64(0)
			for n := range 24 {
				if err != nil {
					break
				}
				rc := make([]journal.Receipt, 1)
				err = j.Append(t.Context(), []journal.Record{record([16]byte{1, byte(n)}, crashFill[:400])}, rc)
				if err == nil {
					acked = rc[0].Seq
				}
				if err == nil && n%10 == 9 {
					_, err = j.Checkpoint(t.Context())
				}
			}
			crashed := disk.Crashed()
			after := disk.Crash(rand.New(rand.NewPCG(uint64(at), 2)))
			if j != nil {
				_ = j.Close() // what waits is published
			}
			chain, err := chainOnDisk(after, h.path)
			h.check(err)
			tree, roots, leaf := integrity.NewRange(0), map[uint64]integrity.Hash{}, integrity.LeafHasher{}
			for _, l := range chain {
				tree.Add(l.Leaf(&leaf))
				roots[tree.Size()] = tree.Root()
			}
			for _, p := range got.all() {
				given++
				if roots[p.Size] != p.Root {
					t.Fatalf("fsync %s, change %d: a checkpoint of %d lines was given away, and %d are there", mode, at, p.Size, tree.Size())
				}
			}
			if tree.Size() < acked {
				lost++
			}
			if !crashed {
				break
			}
		}
	}
	if given < 100 || lost == 0 {
		t.Errorf("%d checkpoints were given away, %d times records were lost: the crashes are too dull", given, lost)
	}
}
