// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import "testing"

// What a key holder seals wrongly about the file before is not believed.
func TestSeamsThatNameAnotherEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(p *Position)
		file string
		line int64
		seq  uint64
		kind BadKind
	}{
		{"another size", func(p *Position) { p.Size++ }, file1, 6, 6, Spliced},
		{"another beginning, later", func(p *Position) { p.First = 2 }, "audit.jsonl", 1, 7, Spliced},
		{"another line", func(p *Position) { p.MAC[0] ^= 1 }, file1, 6, 6, Spliced},
		{"an earlier end", func(p *Position) { p.Seq-- }, file1, 6, 5, Spliced},
		{"a later end", func(p *Position) { p.Seq++; p.Size++ }, file1, 7, 7, Missing},
	} {
		s := newSet(nil).records(4)
		p := s.position()
		s.finish(p)
		c.do(&p)
		s.begin(SegmentSize, p).records(1).pin()
		r := judgeSet(s)
		verdict := Tampered
		if c.kind == Missing {
			verdict = Truncated
		}
		t.Run(c.name, func(t *testing.T) { wantBad(t, r, verdict, c.file, c.line, c.seq, c.kind) })
	}
}

func TestWatermarkThatNamesAnotherPlace(t *testing.T) {
	for name, do := range map[string]func(p *Position){
		"size":  func(p *Position) { p.Size-- },
		"first": func(p *Position) { p.First = 12 },
		"mac":   func(p *Position) { p.MAC[0] ^= 1 },
	} {
		s := threeFiles()
		p := s.position()
		do(&p)
		s.pinAt(p)
		t.Run(name, func(t *testing.T) { wantBad(t, judgeSet(s), Tampered, file13, 6, 18, Spliced) })
	}
}

func TestPrunedThroughAnotherLine(t *testing.T) {
	for name, do := range map[string]func(p *Position){
		"size":  func(p *Position) { p.Size++ },
		"first": func(p *Position) { p.First++ },
		"mac":   func(p *Position) { p.MAC[0] ^= 1 },
	} {
		s := newSet(&Retention{Keep: 1}).records(1)
		p := s.position()
		s.rotate(SegmentSize).rotate(SegmentSize)
		do(&p)
		s.control(Pruned{Control: ControlPruned, Time: FormatTime(s.now), Through: p, Retention: *s.retention})
		s.pin().drop(0)
		t.Run(name, func(t *testing.T) { wantBad(t, judgeSet(s), Tampered, s.files[0].name, 1, 1, Removed) })
	}
}

// Beyond the watermark, but with the chain going on behind it, nothing is what
// a crash left.
func TestNoCrashInsideTheChain(t *testing.T) {
	s := newSet(nil).records(4).pin().records(2).rotate(SegmentSize).records(2)
	s.files[0].lines[7] = []byte("torn\n")
	wantBad(t, judgeSet(s), Tampered, file1, 8, 8, IllFormed)
	s = newSet(nil).records(4).pin().rotate(SegmentSize).records(2).rotate(SegmentSize).records(2)
	s.files[1].lines[1] = []byte("torn\n")
	wantBad(t, judgeSet(s), Tampered, file7, 2, 8, IllFormed)
}

// Behind the end of a file, a failed sync or a crash leaves genuine lines, and
// bytes that are none; a writer that finished it leaves nothing. What nobody
// with the key has written is never taken for a leftover.
func TestLinesBehindAFinishedFile(t *testing.T) {
	for _, reason := range []string{SegmentSync, SegmentCrash, SegmentSize, SegmentAge, SegmentRequest} {
		finished := reason == SegmentSize || reason == SegmentAge || reason == SegmentRequest
		for _, c := range []struct {
			name   string
			behind func(s *set) [][]byte
			left   bool // a crash or a failed sync may leave it
		}{
			{"genuine line", func(s *set) [][]byte { return [][]byte{genuineNext(s)} }, true},
			{"torn line", func(s *set) [][]byte { return [][]byte{[]byte("{\"times")} }, true},
			{"foreign line", func(s *set) [][]byte { return [][]byte{flipTag(genuineNext(s))} }, false},
			{"earlier line", func(s *set) [][]byte { return [][]byte{s.files[0].lines[3]} }, false},
		} {
			s := newSet(nil).records(4)
			behind := c.behind(s)
			s.rotate(reason).pin()
			s.files[0].lines = append(s.files[0].lines, behind...)
			r := judgeSet(s)
			if c.left && !finished {
				if r.Verdict != Verified || r.AbandonedBytes == 0 || r.Lines != 7 {
					t.Errorf("%s, %s: %s %v", reason, c.name, r.Verdict, r.First())
				}
				continue
			}
			wantBad(t, r, Tampered, file1, 7, 7, Inserted)
		}
	}
}

// genuineNext is the line that would follow the last one of a set.
func genuineNext(s *set) []byte {
	p := s.position()
	lines := s.live().lines
	s.records(1)
	next := s.live().lines[len(lines)]
	s.live().lines = lines
	s.seq, s.last = p.Seq, p.MAC
	return next
}

// One bad place is one, also where it moves the end of its file.
func TestOneBadPlaceIsOne(t *testing.T) {
	s := threeFiles()
	f := s.files[1]
	f.lines = append(f.lines[:3:3], f.lines[4:]...)
	r := judgeSet(s)
	wantBad(t, r, Tampered, file7, 4, 10, Removed)
	if r.BadTotal != 1 || r.Lines != 9 || r.HoldsAfter != 1+6 {
		t.Errorf("%v, %d lines, %d after", r.Bad, r.Lines, r.HoldsAfter)
	}
	s = threeFiles()
	f = s.files[1]
	f.lines = append(f.lines[:3:3], append([][]byte{[]byte("foreign\n")}, f.lines[3:]...)...)
	if r := judgeSet(s); r.BadTotal != 1 || r.First().Line != 4 {
		t.Errorf("%v", r.Bad)
	}
	s = threeFiles()
	s.files[1].lines = nil
	if r := judgeSet(s); r.BadTotal != 1 {
		t.Errorf("%v", r.Bad)
	}
	// The kind is told by the lines of the chain, not by abandoned ones.
	s = newSet(nil).records(4)
	s.files[0].lines[5] = flipTag(s.files[0].lines[5])
	p := s.position()
	s.finish(p)
	s.begin(SegmentSync, p).pin()
	s.files[0].lines = append(s.files[0].lines, s.files[0].lines[4])
	wantBad(t, judgeSet(s), Tampered, file1, 6, 6, Changed)
}
