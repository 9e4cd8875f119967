// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactcorpus

import "testing"

func TestLeaked(t *testing.T) {
	for _, c := range []struct {
		out, secret string
		want        bool
	}{
		{"nothing", "abcdefghijklmnopqrst", false},
		{"x abcdefghij y", "abcdefghijklmnopqrst", true}, // half of it
		{"x abcdefghi y", "abcdefghijklmnopqrst", false}, // less than half
		{"x fghijklmno y", "abcdefghijklmnopqrst", true}, // half of it, from within
		{"abcdefghi klmnopqrst", "abcdefghijklmnopqrst", true},
		{"x abcdef y", "abcdefghi", true},   // six of nine
		{"x abcde y", "abcdefghi", false},   // five of nine
		{"x abcdefgh y", "abcdefghi", true}, // eight of nine
		{"x abcd y", "abcde", false},        // not the whole of a short one
		{"x abcde y", "abcde", true},
		{"x abcdefg", "abcdefghijklm", true},   // seven of thirteen
		{"x abcdef g", "abcdefghijklm", false}, // six of thirteen
	} {
		if got := Leaked(c.out, c.secret); got != c.want {
			t.Errorf("Leaked(%q, %q) is %v", c.out, c.secret, got)
		}
	}
}
