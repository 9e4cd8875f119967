// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"testing"
)

// TestManyLongLines: lines that are longer than a chunk are judged one at a
// time, so that few bytes of a compressed file do not take much memory, and
// judged as all others.
func TestManyLongLines(t *testing.T) {
	long := func() *set {
		s := chainUnder(forwardKey(5, 0), nil)
		for range 5 {
			s.add(append([]byte(`{"timestamp":"t","session_id":"`), append(bytes.Repeat([]byte("a"), 5<<20), '"')...))
			s.records(1)
		}
		s.epoch().checkpoint()
		return s.pin()
	}
	s := long()
	for _, workers := range []int{1, 3} {
		in := s.input(forwardKey(5, 0))
		in.Workers = workers
		wantVerdict(t, judgeInput(in), Verified)
	}
	line := *s.line(7)
	line[1<<20] ^= 1
	in := s.input(forwardKey(5, 0))
	r := judgeInput(in)
	wantBad(t, r, Tampered, "audit.jsonl", 7, 7, Changed)
}

func TestSceneIsBounded(t *testing.T) {
	line := append(bytes.Repeat([]byte("a"), maxScene/3), '\n')
	var s scene
	for range contextLines {
		s.take(line)
	}
	if len(s.data) != 2*len(line) || s.lines != contextLines {
		t.Errorf("%d bytes of lines of %d", len(s.data), len(line))
	}
	// The first one is taken, however long it is.
	s = scene{}
	s.take(bytes.Repeat(line, 4)[3:])
	if len(s.data) == 0 {
		t.Error("nothing is taken")
	}
	whole := append(bytes.Repeat([]byte("a"), maxScene+1), '\n')
	s = scene{}
	s.take(whole)
	s.take(line)
	if len(s.data) != len(whole) {
		t.Errorf("%d bytes", len(s.data))
	}
}
