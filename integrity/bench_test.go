// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkVerify is a journal of 128 MiB, of lines as long as usual ones.
func BenchmarkVerify(b *testing.B) {
	j := build(key(1), chainA, 3)
	sealer, fill := NewSealer(j.key, j.chain), strings.Repeat("x", 900)
	var whole bytes.Buffer
	whole.Write(j.bytes())
	seq := uint64(len(j.lines))
	for whole.Len() < 128<<20 {
		seq++
		payload := fmt.Appendf(nil, `{"timestamp":"%d %s"`, seq, fill)
		j.last = sealer.MAC(j.last, seq, Leaf(payload))
		whole.Write(AppendSuffix(payload, seq, j.last))
	}
	head := Head{Generation: 1, Chain: j.chain, Position: Position{First: 1, Seq: seq, MAC: j.last, Size: int64(whole.Len())}, Time: testTime}
	j.head = head.AppendSlot(make([]byte, SlotSize), NewHeadKey(j.key, j.chain))
	b.SetBytes(int64(whole.Len()))
	for b.Loop() {
		if r := Verify(b.Context(), Input{Lines: bytes.NewReader(whole.Bytes()), Key: j.key, Head: j.head}); r.Verdict != Verified {
			b.Fatal(r.Verdict, r.First())
		}
	}
}

// BenchmarkVerifyFiles is the same amount in 16 files.
func BenchmarkVerifyFiles(b *testing.B) {
	s, fill := newSet(nil), strings.Repeat("x", 900)
	sealer := NewSealer(s.key, s.chain)
	total := 0
	for range 16 {
		f := s.live()
		var buf bytes.Buffer
		buf.Write(f.bytes())
		for buf.Len() < 8<<20 {
			s.seq++
			payload := fmt.Appendf(nil, `{"timestamp":"%d %s"`, s.seq, fill)
			s.last = sealer.MAC(s.last, s.seq, Leaf(payload))
			buf.Write(AppendSuffix(payload, s.seq, s.last))
		}
		p := s.position()
		f.lines, p.Size = [][]byte{buf.Bytes()}, int64(buf.Len())
		total += buf.Len()
		s.finish(p)
		s.begin(SegmentSize, p)
	}
	s.pin()
	b.SetBytes(int64(total))
	for b.Loop() {
		if r := Verify(b.Context(), Input{Files: sources(s.files), Key: s.key, Head: s.head()}); r.Verdict != Verified {
			b.Fatal(r.Verdict, r.First())
		}
	}
}
