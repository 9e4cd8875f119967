// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"strconv"
	"testing"

	"go.opentelemetry.io/otel/attribute"
)

func TestKeyNames(t *testing.T) {
	var n keyNames
	n.add("z") // nothing is asked for yet: it is in the list
	in := []attribute.KeyValue{attribute.Int("m", 1), attribute.Int("m#3", 1), attribute.Int("z", 1)}
	for _, want := range []attribute.Key{"m#2", "m#4", "m#5"} {
		if got := n.unused(in, "m"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	n.add("x")
	if got := n.unused(in, "x"); got != "x#2" {
		t.Errorf("got %q, want x#2", got)
	}
	if got := n.unused(in, "new"); got != "new" {
		t.Errorf("got %q, want new", got)
	}
}

// Very many keys that are masked alike take their time, not the cube of it: if
// this ends at all, that holds.
func TestKeyNamesVeryMany(t *testing.T) {
	const count = 200_000
	var n keyNames
	in := make([]attribute.KeyValue, count)
	seen := make(map[attribute.Key]bool, count)
	for i := range in {
		in[i].Key = attribute.Key("secret" + strconv.Itoa(i))
	}
	for i := range in {
		in[i].Key = n.unused(in, "[REDACTED:password]")
		seen[in[i].Key] = true
	}
	if len(seen) != count {
		t.Errorf("%d keys, want %d", len(seen), count)
	}
}
