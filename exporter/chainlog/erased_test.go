// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// A record that was erased and is sent again is refused, and nothing of it is
// sealed.
func TestErasedRecordIsRefused(t *testing.T) {
	key, err := integrity.GenerateSigningKey(integrity.KindErasure)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "audit.jsonl"), journal.Options{Key: newKey(t), ErasureKey: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	e, err := NewWithJournal(j)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background(), collect(rec(id1, "the content"))); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Erase(t.Context(), []journal.Erasure{{Seq: 3, Who: "alice", Reason: "request 17", Key: key}}); err != nil {
		t.Fatal(err)
	}
	err = e.Export(context.Background(), collect(rec(id1, "the content"), rec("", "after")))
	if !errors.Is(err, ErrRefused) || !errors.Is(err, journal.ErrErased) || strings.Contains(err.Error(), "content") {
		t.Errorf("error is %v", err)
	}
	all := sealed(t, j.Path())
	if all[3].Kind != integrity.Tombstone {
		t.Errorf("line 3 is a %s", all[3].Kind)
	}
	delete(all, 3)
	var said []string
	for _, l := range all {
		if strings.Contains(string(l.Payload), "the content") {
			t.Errorf("line %d has it", l.Seq)
		}
		if strings.Contains(string(l.Payload), `"event":{"type":"rejected","reason":"erased","record_id":"`+id1+`"`) {
			said = append(said, "rejected")
		}
		if strings.Contains(string(l.Payload), `"after"`) {
			said = append(said, "after")
		}
	}
	if slices.Sort(said); !slices.Equal(said, []string{"after", "rejected"}) {
		t.Errorf("%q", said)
	}
}
