// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package checkpointlog

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/uuid"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/processor/redact"
)

func note(t *testing.T, i uint64) []byte {
	t.Helper()
	key, err := integrity.NewSigningKey(integrity.KindCheckpoint, bytes.Repeat([]byte{5}, 32))
	if err != nil {
		t.Fatal(err)
	}
	var id integrity.ChainID
	leaf := integrity.Leaf(binary.BigEndian.AppendUint64(nil, i))
	copy(id[:], leaf[16:])
	n, err := integrity.Checkpoint{Chain: id, Size: i, Root: leaf}.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A note that goes through a redactor (of another host's journal, say) stays
// the note that it was: nothing of hashes and signatures passes for a secret.
func TestRedactorsLeaveNotes(t *testing.T) {
	r, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(2000) {
		n := string(note(t, i))
		s := r.Scanner()
		if got, _ := s.Text(s.Field(s.Root(), "body"), n); got != n {
			t.Fatalf("it became %q", got)
		}
	}
}

func TestID(t *testing.T) {
	one, two := ID(note(t, 1)), ID(note(t, 2))
	if one != ID(note(t, 1)) || one == two {
		t.Errorf("ids %s, %s", one, two)
	}
	if id, err := uuid.Parse(one); err != nil || id.Version() != 8 || id.Variant() != uuid.RFC4122 || id.String() != one {
		t.Errorf("%s is no UUIDv8: %v", one, err)
	}
}
