// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/google/uuid"
)

// BenchmarkOpenKeyed is BenchmarkOpenAppendClose of journals whose key steps and
// that have a tree, after a writer that closed the journal and after one that
// was killed.
func BenchmarkOpenKeyed(b *testing.B) {
	for _, n := range keyedSizes() {
		dir := b.TempDir()
		store := &keyfile.Store{Path: filepath.Join(dir, "audit.key")}
		if err := keyfile.Create(store.Path, forwardKey(b, 'f')); err != nil {
			b.Fatal(err)
		}
		path := filepath.Join(dir, "audit.jsonl")
		with := func(mode journal.FsyncMode) *journal.Journal {
			j, err := journal.Open(context.Background(), path, journal.Options{
				Keys: store, Epoch: journal.Epoch{Every: -1, Records: 150_000}, Fsync: mode,
				Checkpoint: journal.Checkpoint{Signer: signer(b, 'a'), Records: 10_000, Every: time.Hour},
				Report:     func(err error) { b.Error(err) },
			})
			if err != nil {
				b.Fatal(err)
			}
			return j
		}
		j := with(journal.FsyncNever)
		recs, rc := make([]journal.Record, 5000), make([]journal.Receipt, 5000)
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
		if f, err := os.Open(path); err == nil {
			_ = f.Sync() // which is no cost of opening
			_ = f.Close()
		}
		if r, err := journal.Verify(context.Background(), path, forwardKey(b, 'f'), journal.VerifyOptions{PublicKey: signer(b, 'a').Public()}); err != nil || r.Verdict != integrity.Verified {
			b.Fatal(r, err)
		}
		for _, after := range []string{"close", "kill"} {
			b.Run(fmt.Sprintf("journal=%d/after=%s", n, after), func(b *testing.B) {
				for b.Loop() {
					j := with(journal.FsyncAlways)
					appendOne(b, j, record(uuid.New(), "one more"))
					if after == "kill" {
						j.Abandon()
						continue
					}
					if err := j.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func keyedSizes() []int {
	if os.Getenv(largeEnv) != "" {
		return []int{10, 100_000, 1_000_000}
	}
	return []int{10, 300_000}
}
