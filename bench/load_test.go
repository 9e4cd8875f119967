// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

func TestDriveCountsWhatItPushes(t *testing.T) {
	for _, c := range []struct {
		name    string
		callers int
		fresh   bool
	}{{"one caller", 1, false}, {"four callers", 4, false}, {"one caller, fresh", 1, true}, {"four callers, fresh", 4, true}} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			records, calls := 0, 0
			var next uint64
			p := newPool(40, 10, false)
			out, err := drive(t.Context(), load{pool: p, callers: c.callers, d: 20 * time.Millisecond, fresh: c.fresh, ids: c.fresh, next: &next},
				func(_ context.Context, ld plog.Logs) error {
					mu.Lock()
					defer mu.Unlock()
					records += ld.LogRecordCount()
					calls++
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
			if out.records != records || out.records != calls*10 || calls == 0 {
				t.Errorf("drive says %d records; %d came in %d calls", out.records, records, calls)
			}
			sum := 0
			for _, n := range out.batches {
				sum += n
			}
			if sum != calls {
				t.Errorf("the batches add up to %d pushes of %d", sum, calls)
			}
			if out.elapsed < 20*time.Millisecond {
				t.Errorf("the clock ran for %v, want at least 20ms", out.elapsed)
			}
		})
	}
}

func TestDriveReturnsAPushError(t *testing.T) {
	refused := errors.New("refused")
	_, err := drive(t.Context(), load{pool: newPool(10, 1, false), callers: 4, d: time.Minute},
		func(context.Context, plog.Logs) error { return refused })
	if !errors.Is(err, refused) {
		t.Errorf("err = %v, want %v", err, refused)
	}
}

func TestDriveShowsEachFreshBatchOnce(t *testing.T) {
	p := newPool(40, 10, true)
	pushes, shown := 0, 0
	out, err := drive(t.Context(), load{pool: p, callers: 1, d: 5 * time.Millisecond, fresh: true,
		after: func(b []plog.Logs) error { shown += len(b); return nil }},
		func(context.Context, plog.Logs) error { pushes++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if shown != pushes || out.records != pushes*10 {
		t.Errorf("%d batches shown, %d pushed, %d records counted", shown, pushes, out.records)
	}
}
