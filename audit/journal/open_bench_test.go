// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/google/uuid"
)

// largeEnv adds the benchmarks that need minutes, and some 10 GB of disk:
// `make bench-large` sets it.
const largeEnv = "AUDITCHAIN_BENCH_LARGE"

// BenchmarkOpenAppendClose shows that what one record costs does not depend
// on how many there are, nor on how many files they are in. The journals are
// made once, and measured in turn: compare with
//
//	benchstat -filter .unit:sec/op -col /journal -ignore /round
func BenchmarkOpenAppendClose(b *testing.B) {
	type kind struct {
		name     string
		records  int
		rotation journal.Rotation
	}
	kinds, rounds := []kind{{name: "10", records: 10}, {name: "300k", records: 300_000}}, 1
	if os.Getenv(largeEnv) != "" {
		files := journal.Rotation{MaxSize: 256 << 20}
		compressed := files
		compressed.Compress = true
		kinds, rounds = []kind{
			{name: "10", records: 10},
			{name: "1M", records: 1_000_000},
			{name: "10M", records: 10_000_000},
			{name: "10M,files", records: 10_000_000, rotation: files},
			{name: "10M,files,compressed", records: 10_000_000, rotation: compressed},
		}, 7
	}
	dir := b.TempDir()
	path := func(k kind) string { return filepath.Join(dir, k.name+".jsonl") }
	for _, k := range kinds {
		fill(b, path(k), k.records, k.rotation)
	}
	for round := range rounds {
		for _, k := range kinds {
			b.Run(fmt.Sprintf("journal=%s/round=%d", k.name, round), func(b *testing.B) {
				for b.Loop() {
					j := open(b, path(k), rotating(k.rotation))
					appendOne(b, j, record(uuid.New(), "one more"))
					if err := j.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// fill makes a journal of n small records, each with an id of its own.
func fill(tb testing.TB, path string, n int, r journal.Rotation) {
	tb.Helper()
	j := open(tb, path, rotating(r), func(o *journal.Options) {
		o.Fsync = journal.FsyncNever
		o.Report = func(err error) { tb.Error(err) }
	})
	recs, rc := make([]journal.Record, 5000), make([]journal.Receipt, 5000)
	for left := n; left > 0; left -= len(recs) {
		recs = recs[:min(left, len(recs))]
		for i := range recs {
			recs[i] = record(uuid.New(), "x")
		}
		if err := j.Append(context.Background(), recs, rc); err != nil {
			tb.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		tb.Fatal(err)
	}
	files := segments(tb, path)
	if r.MaxSize > 0 && len(files) < 2 || r.MaxSize == 0 && len(files) != 1 {
		tb.Fatalf("%q is made of %d files", path, len(files))
	}
	// What was never synced, the next writer syncs once: that is no cost of
	// opening.
	for _, s := range files {
		f, err := os.Open(s.Path)
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}
