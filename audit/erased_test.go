// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

// What is left of an erased line is as long as the line was: it is read
// whatever its length, and what no writer leaves is not taken for it.
func TestTombstonesAreRead(t *testing.T) {
	leaf := integrity.Leaf([]byte("x"))
	for _, n := range []int{integrity.MinTombstone, integrity.MinTombstone + 1, 1 << 20} {
		payload := integrity.AppendTombstone(nil, leaf, n)
		e, err := Decode(payload)
		if err != nil || e.Kind != KindErased || e.Erased != leaf {
			t.Errorf("%d bytes: %v, %+v", n, err, e)
		}
		if (Filter{}).Match(e) {
			t.Error("the zero filter takes it for a record")
		}
		s := NewScanner(strings.NewReader(string(integrity.AppendSuffix(payload, 7, integrity.Hash{1}))))
		if !s.Scan() || s.Line().Err != nil || s.Line().Seq != 7 || s.Line().Entry.Erased != leaf || s.Scan() {
			t.Errorf("%d bytes: %+v", n, s.Line())
		}
	}
	short := string(integrity.AppendTombstone(nil, leaf, integrity.MinTombstone))
	for _, bad := range []string{short[:len(short)-1], short[:len(short)-2] + `"`, short + `,"session_id":"s"`, short + "\t"} {
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%q is taken for one", bad)
		}
	}
}
