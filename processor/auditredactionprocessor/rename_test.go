// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"strconv"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestRename(t *testing.T) {
	m := pcommon.NewMap()
	for i, k := range []string{"a", "s1", "b\xff", "s2", "m#2", "s3", ""} {
		m.PutInt(k, int64(i))
	}
	rename(m, map[int]string{1: "m", 3: "m", 5: "m"})
	want := []string{"a", "m", "b\xff", "m#2", "m#2#2", "m#3", ""}
	i := 0
	for k, v := range m.All() {
		if k != want[i] || v.Int() != int64(i) {
			t.Errorf("%d: %q is %d, want %q", i, k, v.Int(), want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d keys, want %d", i, len(want))
	}
}

// A map of very many keys that are masked alike takes its time, not the cube of
// it: if this ends at all, that holds.
func TestRenameVeryMany(t *testing.T) {
	const n = 200_000
	m, names := pcommon.NewMap(), make(map[int]string, n)
	raw := make(map[string]any, n)
	for i := range n {
		raw["password=s3cret"+strconv.Itoa(i)] = int64(1)
		names[i] = "password=[REDACTED:password]"
	}
	if err := m.FromRaw(raw); err != nil {
		t.Fatal(err)
	}
	rename(m, names)
	seen := make(map[string]bool, n)
	for k, v := range m.All() {
		if seen[k] || v.Int() != 1 {
			t.Fatalf("%q is there twice, or its value is lost", k)
		}
		seen[k] = true
	}
	if len(seen) != n || !seen["password=[REDACTED:password]#"+strconv.Itoa(n)] {
		t.Errorf("%d keys", len(seen))
	}
}
