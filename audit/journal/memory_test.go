// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/google/uuid"
)

// What a journal of memoryRecords is handled with must not grow from its
// middle, which is behind the last id that a writer remembers, to its end.
const (
	memoryRecords = 280_000
	memoryMiddle  = 140_000
	memoryGrowth  = 2 << 20
	memoryAtMost  = 32 << 20 // a writer holds 131,072 ids, a verifier the lines that its workers have
)

// The writer's files are compressed afterwards: while one is, some 20 MiB more
// are held for it, and not by the writer.
var memoryRotation = journal.Rotation{MaxSize: 4 << 20}

// liveHeap is what is reachable just now.
func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// appendMany appends n records with ids of their own, in batches, and looks at
// the heap behind the middle one and the last.
func appendMany(tb testing.TB, j *journal.Journal, n, middle int) (atMiddle, atEnd int64) {
	tb.Helper()
	recs, rc := make([]journal.Record, 1000), make([]journal.Receipt, 1000)
	for done := 0; done < n; done += len(recs) {
		for i := range recs {
			recs[i] = record(uuid.New(), "x")
		}
		if err := j.Append(context.Background(), recs, rc); err != nil {
			tb.Fatal(err)
		}
		for i := range rc {
			if rc[i].Err != nil || rc[i].Duplicate {
				tb.Fatalf("%+v", rc[i])
			}
		}
		if done+len(recs) == middle {
			atMiddle = liveHeap()
		}
	}
	return atMiddle, liveHeap()
}

// The memory of a writer, of a Follower and of a verifier does not grow with
// the journal. What each of them holds is measured while it holds it.
func TestMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	base := liveHeap()
	within := func(t *testing.T, middle, end int64) {
		t.Helper()
		if middle == 0 || end-middle > memoryGrowth || end-base > memoryAtMost {
			t.Errorf("the heap grew by %d KiB up to the middle, and by %d KiB from there on", (middle-base)>>10, (end-middle)>>10)
		}
	}
	j := open(t, path, rotating(memoryRotation), func(o *journal.Options) { o.Fsync = journal.FsyncNever })
	middle, end := appendMany(t, j, memoryRecords, memoryMiddle)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(segments(t, path)); n < 10 {
		t.Fatalf("%d files", n)
	}
	within(t, middle, end)
	compressed := memoryRotation
	compressed.Compress = true
	if err := open(t, path, rotating(compressed)).Close(); err != nil {
		t.Fatal(err)
	}

	t.Run("follower", func(t *testing.T) {
		errDone := errors.New("done")
		f, err := journal.NewFollower(path, journal.FollowOptions{Key: testKey(t, 'k'), Wait: func(context.Context) error { return errDone }})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var middle int64
		for n := 0; ; n++ {
			if _, err := f.Next(t.Context()); errors.Is(err, errDone) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if n == memoryMiddle {
				middle = liveHeap()
			}
		}
		within(t, middle, liveHeap())
	})
	t.Run("verifier", func(t *testing.T) {
		// It is one call: the heap is looked at when it opens its files.
		var heaps []int64
		fsys := &openingFS{FS: vfs.OS, opened: func() { heaps = append(heaps, liveHeap()) }}
		r, err := journal.Verify(t.Context(), path, testKey(t, 'k'), journal.VerifyOptions{FS: fsys})
		if err != nil {
			t.Fatal(err)
		}
		wantVerdict(t, r, integrity.Verified)
		if r.Records != memoryRecords || len(heaps) < 10 {
			t.Fatalf("%d records, and the heap seen %d times", r.Records, len(heaps))
		}
		within(t, heaps[len(heaps)/2], heaps[len(heaps)-1])
	})
}

// openingFS calls opened before each opening of a finished segment to be read.
type openingFS struct {
	vfs.FS
	opened func()
	busy   atomic.Bool
}

func (f *openingFS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if filepath.Ext(name) == ".zst" && f.busy.CompareAndSwap(false, true) {
		f.opened()
		f.busy.Store(false)
	}
	return f.FS.OpenFile(name, flag, perm)
}

// BenchmarkMemory reports what a writer holds in the middle and at the end of
// 5 million records, which are rotated and compressed.
func BenchmarkMemory(b *testing.B) {
	if os.Getenv(largeEnv) == "" {
		b.Skipf("set %s=1", largeEnv)
	}
	for _, compress := range []bool{false, true} {
		b.Run(fmt.Sprintf("compress=%v", compress), func(b *testing.B) {
			base := liveHeap()
			var middle, end int64
			for range b.N {
				j := open(b, filepath.Join(b.TempDir(), "audit.jsonl"), rotating(journal.Rotation{MaxSize: 64 << 20, Compress: compress}),
					func(o *journal.Options) { o.Fsync = journal.FsyncNever })
				middle, end = appendMany(b, j, 5_000_000, 2_500_000)
				if err := j.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(middle-base)/(1<<20), "MiB-in-the-middle")
			b.ReportMetric(float64(end-base)/(1<<20), "MiB-at-the-end")
		})
	}
}
