// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
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

// BenchmarkGroupCommit shows what committing together gains: single records
// with fsync "always", from one goroutine and from 32.
func BenchmarkGroupCommit(b *testing.B) {
	for _, g := range []int{1, 32} {
		b.Run(fmt.Sprintf("goroutines=%d", g), func(b *testing.B) {
			j := open(b, filepath.Join(b.TempDir(), "audit.jsonl"))
			defer j.Close()
			b.SetParallelism(g)
			if g == 1 {
				rc := make([]journal.Receipt, 1)
				for b.Loop() {
					if err := j.Append(context.Background(), benchOne, rc); err != nil {
						b.Fatal(err)
					}
				}
			} else {
				var left atomic.Int64
				b.RunParallel(func(pb *testing.PB) {
					rc := make([]journal.Receipt, 1)
					for pb.Next() {
						left.Add(1)
						if err := j.Append(context.Background(), benchOne, rc); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

var benchOne = benchRecords(1)

// BenchmarkOpenAppendClose shows that what one record costs does not depend
// on how many there are.
func BenchmarkOpenAppendClose(b *testing.B) {
	for _, n := range []int{10, 300_000} {
		b.Run(fmt.Sprint("records=", n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "audit.jsonl")
			never := func(o *journal.Options) { o.Fsync = journal.FsyncNever }
			j := open(b, path, never)
			recs, rc := make([]journal.Record, 1000), make([]journal.Receipt, 1000)
			for left := n; left > 0; left -= len(recs) {
				recs = recs[:min(left, len(recs))]
				for i := range recs {
					recs[i] = record(uuid.New(), "x")
				}
				if err := j.Append(context.Background(), recs, rc); err != nil {
					b.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				j := open(b, path)
				appendOne(b, j, record(uuid.New(), "one more"))
				if err := j.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
