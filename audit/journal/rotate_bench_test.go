// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
)

// BenchmarkRotation shows for how long a rotation keeps an Append waiting:
// each op appends one record and, in the second case, begins a new file.
func BenchmarkRotation(b *testing.B) {
	for _, mode := range []journal.FsyncMode{journal.FsyncNever, journal.FsyncAlways} {
		for _, rotate := range []bool{false, true} {
			b.Run(fmt.Sprintf("fsync=%s/rotate=%v", mode, rotate), func(b *testing.B) {
				j := open(b, filepath.Join(b.TempDir(), "audit.jsonl"), func(o *journal.Options) { o.Fsync = mode })
				defer j.Close()
				rc := make([]journal.Receipt, 1)
				for b.Loop() {
					if rotate {
						if err := j.Rotate(context.Background()); err != nil {
							b.Fatal(err)
						}
					}
					if err := j.Append(context.Background(), benchOne, rc); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkCompression shows what rotation at 64 MiB, and compression beside
// the commits, take from a writer that never rests: 1000 records of 1 KB an op.
// slowest is its slowest Append.
func BenchmarkCompression(b *testing.B) {
	for _, c := range []struct {
		name     string
		rotation journal.Rotation
	}{
		{"one-file", journal.Rotation{}},
		{"files", journal.Rotation{MaxSize: 64 << 20}},
		{"files,compressed", journal.Rotation{MaxSize: 64 << 20, Compress: true}},
	} {
		for _, mode := range []journal.FsyncMode{journal.FsyncNever, journal.FsyncAlways} {
			b.Run(fmt.Sprintf("fsync=%s/rotation=%s", mode, c.name), func(b *testing.B) {
				j := open(b, filepath.Join(b.TempDir(), "audit.jsonl"), rotating(c.rotation), func(o *journal.Options) {
					o.Fsync = mode
					o.Report = func(err error) { b.Error(err) }
				})
				recs, rc := benchRecords(1000), make([]journal.Receipt, 1000)
				var took []time.Duration
				for b.Loop() {
					start := time.Now()
					if err := j.Append(context.Background(), recs, rc); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(start))
				}
				b.ReportMetric(float64(len(recs))*float64(b.N)/b.Elapsed().Seconds(), "records/s")
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)-1])/1e6, "ms-slowest")
				b.ReportMetric(float64(took[len(took)/2])/1e6, "ms-median")
				if err := j.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
