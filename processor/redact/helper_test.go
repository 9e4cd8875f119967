// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "testing"

var testKey = []byte("a key that is only used in a test")

func newScanner(t testing.TB, c Config) *Scanner {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r.Scanner()
}
