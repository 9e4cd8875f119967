// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// A clock that jumps, by hours or by years, back or forward, between records
// and between openings, changes nothing but the times in the journal.
func TestClock(t *testing.T) {
	jumps := []time.Duration{
		time.Hour, -3 * time.Hour, 10 * 365 * 24 * time.Hour, -30 * 365 * 24 * time.Hour, 0, -time.Nanosecond,
		24 * time.Hour, -24 * time.Hour, 50 * 365 * 24 * time.Hour, -40 * 365 * 24 * time.Hour,
	}
	for name, rotation := range map[string]journal.Rotation{
		"one file": {}, "by size": {MaxSize: 2 << 10}, "by age": {MaxAge: time.Hour}, "both": {MaxSize: 4 << 10, MaxAge: 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			var clock atomic.Int64
			clock.Store(time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC).UnixNano())
			jump := func(i int) { clock.Add(int64(jumps[i%len(jumps)])) }
			now := func() time.Time { return time.Unix(0, clock.Load()) }
			with := func(o *journal.Options) { o.Rotation, o.Now = rotation, now }

			want := map[uuid.UUID]journal.Receipt{}
			var last uint64
			for i := range 12 {
				jump(3 * i)
				j, other := open(t, path, with), open(t, path, with)
				for k := range 4 {
					jump(i + k)
					rec := record(uuid.New(), fmt.Sprint(i, " ", k))
					rc := appendOne(t, j, rec)
					if !rc.Time.Equal(now()) {
						t.Fatalf("acknowledged at %v, the clock says %v", rc.Time, now())
					}
					if rc.Seq <= last {
						t.Fatalf("seq %d after %d", rc.Seq, last)
					}
					last, want[rec.ID] = rc.Seq, rc
					jump(k)
					if again := appendOne(t, other, rec); !again.Duplicate || again.Seq != rc.Seq || again.MAC != rc.MAC {
						t.Fatalf("sent again, through another writer: %+v, after %+v", again, rc)
					}
				}
				wantVerdict(t, verify(t, path), integrity.Verified)
				if err := errors.Join(j.Close(), other.Close()); err != nil {
					t.Fatal(err)
				}
			}
			r := verify(t, path)
			wantVerdict(t, r, integrity.Verified)
			if r.Records != int64(len(want)) {
				t.Errorf("%d records, want %d", r.Records, len(want))
			}
			if r.Watermark == nil || !r.Watermark.Time.Equal(now()) {
				t.Errorf("watermark %+v, the clock says %v", r.Watermark, now())
			}
		})
	}
}
