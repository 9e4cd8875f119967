// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package redact

import "testing"

func TestCleanRecordAllocatesNothing(t *testing.T) {
	for name, c := range map[string]Config{"plain": {}, "fingerprints": {FingerprintKey: testKey}} {
		s := newScanner(t, c)
		r := cleanRecord
		if _, changed := r.walk(s); changed != 0 {
			t.Fatalf("%s: %d values changed", name, changed)
		}
		if n := testing.AllocsPerRun(100, func() { r.walk(s) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		line := corpus(t, "clean", 1)[0].Line
		dst := make([]byte, 0, 2*len(line))
		s.JSON(dst, s.Root(), line)
		s.Text(s.Root(), line)
		if n := testing.AllocsPerRun(100, func() {
			s.JSON(dst, s.Root(), line)
			s.Text(s.Root(), line)
			s.Counts()
			s.Reset()
		}); n != 0 {
			t.Errorf("%s, JSON: %v allocations", name, n)
		}
	}
}
