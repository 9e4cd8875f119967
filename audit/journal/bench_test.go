// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/google/uuid"
)

func benchRecords(n int) []journal.Record {
	recs := make([]journal.Record, n)
	for i := range recs {
		recs[i] = record(uuid.New(), strings.Repeat("x", 900))
		recs[i].Idempotent = false
	}
	return recs
}

func BenchmarkAppend(b *testing.B) {
	for _, mode := range []journal.FsyncMode{journal.FsyncNever, journal.FsyncAlways} {
		for _, n := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("fsync=%s/batch=%d", mode, n), func(b *testing.B) {
				j := open(b, filepath.Join(b.TempDir(), "audit.jsonl"), func(o *journal.Options) { o.Fsync = mode })
				defer j.Close()
				recs, rc := benchRecords(n), make([]journal.Receipt, n)
				for b.Loop() {
					if err := j.Append(context.Background(), recs, rc); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

// BenchmarkTree shows what the tree and the checkpoints cost an append.
func BenchmarkTree(b *testing.B) {
	for _, mode := range []journal.FsyncMode{journal.FsyncNever, journal.FsyncAlways} {
		for _, n := range []int{1, 1000} {
			for _, with := range []bool{false, true} {
				b.Run(fmt.Sprintf("fsync=%s/batch=%d/tree=%v", mode, n, with), func(b *testing.B) {
					j := open(b, filepath.Join(b.TempDir(), "audit.jsonl"), func(o *journal.Options) {
						o.Fsync = mode
						if with {
							o.Checkpoint.Signer = testSigner(b, 's')
						}
					})
					defer j.Close()
					recs, rc := benchRecords(n), make([]journal.Receipt, n)
					b.ReportAllocs()
					for b.Loop() {
						if err := j.Append(context.Background(), recs, rc); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
				})
			}
		}
	}
}

// BenchmarkGroupCommit shows what committing together gains: single records
// with fsync "always", from one goroutine and from 32.
func BenchmarkGroupCommit(b *testing.B) {
	for _, goroutines := range []int{1, 32} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			j := open(b, filepath.Join(b.TempDir(), "audit.jsonl"))
			defer j.Close()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for range goroutines {
				wg.Go(func() {
					rc := make([]journal.Receipt, 1)
					for left.Add(-1) >= 0 {
						if err := j.Append(context.Background(), benchOne, rc); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

var benchOne = benchRecords(1)
