// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

func TestIdempotentAcrossReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	id := uuid.New()
	j := open(t, path)
	first := appendOne(t, j, record(id, "same"))
	again := appendOne(t, j, record(id, "same"))
	if !again.Duplicate || again.Seq != first.Seq || again.MAC != first.MAC || again.Err != nil {
		t.Errorf("again %+v, first %+v", again, first)
	}
	if rc := appendOne(t, j, record(id, "other")); !errors.Is(rc.Err, journal.ErrConflict) || rc.Seq != 0 {
		t.Errorf("conflict: %+v", rc)
	}
	// Twice in one batch, and a conflict beside a good record.
	twice := uuid.New()
	rc := make([]journal.Receipt, 4)
	batch := []journal.Record{record(twice, "t"), record(twice, "t"), record(twice, "u"), record(uuid.New(), "good")}
	if err := j.Append(t.Context(), batch, rc); err != nil {
		t.Fatal(err)
	}
	if rc[0].Err != nil || !rc[1].Duplicate || rc[1].Seq != rc[0].Seq || !errors.Is(rc[2].Err, journal.ErrConflict) || rc[3].Seq != rc[0].Seq+1 {
		t.Errorf("batch: %+v", rc)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(){
		"ring kept":    func() {},
		"ring removed": func() { os.Remove(path + ".ids") },
		"ring zeroed":  func() { os.WriteFile(path+".ids", make([]byte, 1<<20), 0o600) },
		"ring garbage": func() { os.WriteFile(path+".ids", bytes.Repeat([]byte("garbage!"), 1<<17), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			spoil()
			j := open(t, path)
			defer j.Close()
			if again := appendOne(t, j, record(id, "same")); !again.Duplicate || again.Seq != first.Seq {
				t.Errorf("again %+v, first %+v", again, first)
			}
			if rc := appendOne(t, j, record(id, "other")); !errors.Is(rc.Err, journal.ErrConflict) {
				t.Errorf("conflict: %+v", rc)
			}
		})
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

// The first few ids are looked for in the file, and then it is loaded: both
// find the same, across processes and after a writer that did not close.
func TestManyDuplicates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	recs := make([]journal.Record, 300)
	for i := range recs {
		recs[i] = record(uuid.New(), fmt.Sprint(i))
	}
	first := make([]journal.Receipt, len(recs))
	j := open(t, path)
	if err := j.Append(t.Context(), recs[:200], first); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, other := open(t, path), open(t, path)
	if err := other.Append(t.Context(), recs[200:], first[200:]); err != nil {
		t.Fatal(err)
	}
	check := func(j *journal.Journal, n int) {
		t.Helper()
		for i, rec := range recs[:n] {
			if rc := appendOne(t, j, rec); !rc.Duplicate || rc.Seq != first[i].Seq {
				t.Fatalf("record %d: %+v, first %+v", i, rc, first[i])
			}
		}
		again := make([]journal.Receipt, len(recs))
		if err := j.Append(t.Context(), recs, again); err != nil {
			t.Fatal(err)
		}
		for i := range again {
			if !again[i].Duplicate || again[i].Seq != first[i].Seq {
				t.Fatalf("record %d: %+v, first %+v", i, again[i], first[i])
			}
		}
	}
	check(j, 20)
	check(other, 100)
	// Neither is closed: the next writer cannot trust the ring.
	check(open(t, path), 3)
	if r := verify(t, path); r.Records != int64(len(recs)) {
		t.Errorf("%d records, want %d", r.Records, len(recs))
	}
}

// A sender may emit the same attributes in another order when it tries again.
func TestSameContentInAnotherOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	defer j.Close()
	id := uuid.New()
	with := func(attributes, blind string) journal.Record {
		r := record(id, "x")
		head := r.Payload[:r.ContentTo]
		payload := append(append(bytes.Clone(head), `,"attributes":{`+attributes+`}`...), `,"blind":"`+blind+`"`...)
		r.ContentTo = len(payload) - len(`,"blind":""`) - len(blind)
		r.Payload, r.Leaf = payload, integrity.Leaf(payload)
		return r
	}
	first := appendOne(t, j, with(`"a":1,"b":{"c":"d","e":2.50}`, "one"))
	for _, c := range []struct {
		attributes string
		conflict   bool
	}{
		{`"a":1,"b":{"c":"d","e":2.50}`, false},
		{`"b":{"e":2.50,"c":"d"},"a":1`, false},
		{`"a":1,"b":{"c":"d","e":2.5}`, true},
		{`"a":1.0,"b":{"c":"d","e":2.50}`, true},
		{`"a":1,"b":{"c":"d"}`, true},
		{`"a":1,"b":{"c":"d","e":2.50},"f":null`, true},
		{`"A":1,"b":{"c":"d","e":2.50}`, true},
	} {
		rc := appendOne(t, j, with(c.attributes, "two"))
		if errors.Is(rc.Err, journal.ErrConflict) != c.conflict || rc.Duplicate == c.conflict {
			t.Errorf("%s: %+v", c.attributes, rc)
		}
		if rc.Duplicate && rc.Seq != first.Seq {
			t.Errorf("%s: seq %d, want %d", c.attributes, rc.Seq, first.Seq)
		}
	}
}
