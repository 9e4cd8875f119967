// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// turnedSet is a chain with every turn that leaves it verified: rotations,
// abandoned lines, a break.
func turnedSet() *set {
	s := newSet(nil).records(2).rotate(SegmentSize).records(3)
	p := s.position()
	s.records(1)
	s.finish(p)
	s.begin(SegmentSync, p).records(2)
	s.breakAt(s.position(), BreakAltered, "").records(1)
	return s.rotate(SegmentAge).records(2).pin()
}

// counted is what of each file is part of the chain.
func (s *set) counted() (out [][]byte) {
	for i, f := range s.files {
		b := f.bytes()
		if i+1 < len(s.files) {
			var next Segment
			l, err := ParseLine(bytes.TrimSuffix(s.files[i+1].lines[0], []byte("\n")))
			if err != nil || ParseControl(l.Payload, &next) != nil {
				panic("no chain.segment")
			}
			b = b[:next.Previous.Size]
		}
		out = append(out, b)
	}
	return out
}

// attackAtRandom does to the files what takes no key: genuine lines and whole
// files are moved, repeated, cut and taken out, and bytes changed.
func attackAtRandom(s *set, n func(int) int) {
	if len(s.files) == 0 {
		return
	}
	file := func() int { return n(len(s.files)) }
	i, j := file(), file()
	f, g := s.files[i], s.files[j]
	if len(f.lines) == 0 || len(g.lines) == 0 {
		return
	}
	a, b := n(len(f.lines)), n(len(g.lines))
	switch n(12) {
	case 0:
		s.drop(i)
	case 1:
		f.lines, g.lines = g.lines, f.lines
	case 2:
		c := *f
		s.files = slices.Insert(s.files, j, &c)
	case 3:
		f.lines = f.lines[:a]
	case 4:
		f.lines = f.lines[a:]
	case 5:
		f.lines = slices.Delete(f.lines, a, a+1)
	case 6:
		f.lines = slices.Insert(f.lines, a, g.lines[b])
	case 7:
		f.lines[a], g.lines[b] = g.lines[b], f.lines[a]
	case 8:
		if l := f.lines[a]; len(l) > 0 {
			l = bytes.Clone(l)
			l[n(len(l))] ^= 1 << n(8)
			f.lines[a] = l
		}
	case 9:
		f.lines[a] = f.lines[a][:n(len(f.lines[a])+1)]
	case 10:
		f.lines = append(f.lines, g.lines[b:]...)
	case 11:
		f.first, g.first = g.first, f.first
	}
}

// checkAttacked fails where a chain verifies of which a part is not what the
// writer left.
func checkAttacked(t *testing.T, s *set, want [][]byte) {
	t.Helper()
	r := judgeSet(s)
	if r.ExitCode() == 3 {
		if bad := r.First(); bad == nil || bad.Line < 1 || bad.Offset < 0 || bad.File == "" || bad.Seq == 0 {
			t.Errorf("%s: %+v", r.Verdict, bad)
		}
		return
	}
	var got [][]byte
	for _, f := range s.files {
		got = append(got, f.bytes())
	}
	ok := r.ExitCode() == 0 && len(got) == len(want)
	for i := range want {
		ok = ok && bytes.HasPrefix(got[i], want[i])
	}
	if !ok {
		t.Errorf("%s %v: %q", r.Verdict, r.First(), got)
	}
}

func TestRandomAttacks(t *testing.T) {
	if r := judgeSet(turnedSet()); r.Verdict != Verified || r.AbandonedBytes == 0 {
		t.Fatalf("%s %v", r.Verdict, r.First())
	}
	random := rand.New(rand.NewPCG(1, 2))
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for range rounds {
		s := turnedSet()
		want := s.counted()
		for range 1 + random.IntN(3) {
			attackAtRandom(s, random.IntN)
		}
		checkAttacked(t, s, want)
	}
}

// FuzzSetAttacks does what TestRandomAttacks does, as the fuzzer says.
func FuzzSetAttacks(f *testing.F) {
	for i := range byte(12) {
		f.Add([]byte{0, 1, 1, 1, i, 3, 3})
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		s := turnedSet()
		want := s.counted()
		n := func(n int) int {
			if len(program) == 0 {
				return 0
			}
			v := int(program[0]) % n
			program = program[1:]
			return v
		}
		for steps := 0; len(program) > 0 && steps < 20; steps++ {
			attackAtRandom(s, n)
		}
		checkAttacked(t, s, want)
	})
}

// Whatever stands in two files and a watermark, a verdict comes, and only the
// chain itself verifies.
func FuzzVerifySet(f *testing.F) {
	s := newSet(nil).records(1).rotate(SegmentSize).records(1).pin()
	a, b := s.files[0].bytes(), s.files[1].bytes()
	f.Add(a, b, s.head(), uint64(1))
	f.Add(a, b[:100], s.head(), uint64(1))
	f.Add(b, a, s.head(), uint64(4))
	f.Add(a, []byte{}, []byte{}, uint64(1))
	now := s.now.Add(time.Hour)
	p := newSet(&Retention{KeepFor: "1m"}).rotate(SegmentSize)
	p.now = now
	p.rotate(SegmentSize).prune(1).pin()
	f.Add(p.files[1].bytes(), p.files[2].bytes(), p.head(), uint64(3))
	f.Fuzz(func(t *testing.T, x, y, head []byte, first uint64) {
		files := []*setFile{{name: "a", first: first, lines: [][]byte{x}}, {name: "b", lines: [][]byte{y}}}
		r := Verify(t.Context(), Input{File: "f", Files: sources(files), Key: s.key, Head: head, Workers: 1})
		if r.Verdict != Verified && r.Verdict != VerifiedCrashTail {
			return
		}
		if bytes.HasPrefix(x, a) && bytes.HasPrefix(y, b) || bytes.Equal(x, p.files[1].bytes()) && bytes.HasPrefix(y, p.files[2].bytes()) {
			return // unchanged, or with bytes behind it that are said to be no part of it
		}
		if h, _, err := ParseHead(head, s.key); err == nil && h.First == 1 && (bytes.HasPrefix(x, a) || bytes.HasPrefix(x, s.files[0].bytes())) {
			return // a watermark in the first file, and a crash behind it
		}
		t.Errorf("%s: %q %q", r.Verdict, x, y)
	})
}
