// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"testing"
)

// A slot that says anything does not hide the one beside it.
func TestPeekSlots(t *testing.T) {
	whole := threeFiles().head()
	newest, ok := PeekHead(whole)
	slots := PeekSlots(whole)
	if !ok || len(slots) != 2 || slots[newest.Generation%2] != newest {
		t.Fatalf("%+v, and the newest is %+v", slots, newest)
	}
	i := newest.Generation % 2
	torn := bytes.Clone(whole)
	slot := torn[i*SlotSize:]
	copy(slot[bytes.Index(slot, []byte(newest.KeyID)):], "0123456789abcdef")
	got := PeekSlots(torn)
	if len(got) != 2 || got[i].KeyID != "0123456789abcdef" || got[1-i] != slots[1-i] {
		t.Errorf("%+v", got)
	}
	slot[0] = 'x'
	if got := PeekSlots(torn); len(got) != 1 || got[0] != slots[1-i] {
		t.Errorf("of one slot: %+v", got)
	}
	if got := PeekSlots(nil); len(got) != 0 {
		t.Errorf("of nothing: %+v", got)
	}
}
