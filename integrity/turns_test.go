// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// brokenSet is a chain whose second file begins with a break at the end of
// the first, seq 6.
func brokenSet(found, reason string) *set {
	s := newSet(nil).records(4).pin()
	return s.breakAt(s.position(), found, reason).records(2).pin()
}

func TestBreaks(t *testing.T) {
	for _, c := range []struct {
		found   string
		verdict Verdict
		said    string
		proven  bool
	}{
		{BreakMissing, Verified, "missing", true},
		{BreakReplaced, Verified, "replaced", true},
		{BreakShorter, Verified, "shorter", true},
		{BreakAltered, Verified, "altered", true},
		{BreakNoWatermark, PartlyProven, "no valid watermark", false},
		{BreakRestored, PartlyProven, `"disk \x1b[31m died"`, false},
		{"novelty", PartlyProven, `"novelty"`, false},
	} {
		reason := ""
		if c.found == BreakRestored {
			reason = "disk \x1b[31m died"
		}
		s := brokenSet(c.found, reason)
		r := judgeSet(s)
		if r.Verdict != c.verdict || r.Lines != 10 || r.BadTotal != 0 || len(r.Breaks) != 1 || r.Breaks[0] != (BreakFound{Seq: 8, Found: c.found, Reason: reason}) {
			t.Errorf("%s: %s %v %+v", c.found, r.Verdict, r.First(), r.Breaks)
		}
		said := strings.Join(r.NotProven, "\n")
		if c.proven {
			said = strings.Join(r.Proven, "\n")
		}
		if !strings.Contains(said, c.said) || !strings.Contains(said, "seq 8") || strings.Contains(said, "\x1b") {
			t.Errorf("%s: %q", c.found, said)
		}
	}
	// That foreign lines were found stays, though they are gone.
	wantBad(t, judgeSet(brokenSet(BreakForeign, "")), Tampered, "audit.jsonl", 1, 7, Inserted)
	s := brokenSet(BreakForeign, "")
	if r := judgeSet(s); r.Lines != 10 || r.HoldsAfter != 0 {
		t.Errorf("%d lines hold, %d after", r.Lines, r.HoldsAfter)
	}
	s.files[0].lines[3] = flipTag(s.files[0].lines[3])
	wantBad(t, judgeSet(s), Tampered, file1, 4, 4, Changed)
	s = brokenSet(BreakForeign, "")
	s.files[1].lines[3] = flipTag(s.files[1].lines[3])
	r := judgeSet(s)
	wantBad(t, r, Tampered, "audit.jsonl", 1, 7, Inserted)
	if len(r.Bad) != 2 || r.Bad[1].Line != 4 || r.Bad[1].Kind != Changed {
		t.Errorf("%v", r.Bad)
	}
}

// A break that nothing but the files judges: with what is missing put back,
// the chain verifies, and without it does not.
func TestBreaksAreJudgedByTheFiles(t *testing.T) {
	s := brokenSet(BreakShorter, "")
	whole := s.files[0].lines
	s.files[0].lines = whole[:4]
	wantBad(t, judgeSet(s), Truncated, file1, 5, 5, Missing)
	s.files[0].lines = append(append([][]byte{}, whole[:5]...), whole[5][:20])
	wantBad(t, judgeSet(s), Truncated, file1, 6, 6, Missing)
	s.files[0].lines = whole
	if r := judgeSet(s); r.Verdict != Verified {
		t.Errorf("put back: %s %v", r.Verdict, r.First())
	}
	s.files[0].lines = [][]byte{[]byte("another file\n")}
	wantBad(t, judgeSet(s), Tampered, file1, 1, 1, IllFormed)
	s.drop(0)
	wantBad(t, judgeSet(s), Tampered, "audit.jsonl", 1, 1, Removed)
}

func TestBytesBehindABreak(t *testing.T) {
	for _, c := range []struct {
		name   string
		behind func(s *set) [][]byte
		line   int64 // 0 for no bad place
		seq    uint64
	}{
		{"nothing", func(*set) [][]byte { return nil }, 0, 0},
		{"ill-formed bytes", func(*set) [][]byte { return [][]byte{[]byte("torn\x00")} }, 0, 0},
		{"ill-formed lines", func(s *set) [][]byte { return [][]byte{[]byte("torn\n"), flipTag(s.files[0].lines[3])} }, 0, 0},
		{"a genuine line", func(s *set) [][]byte { return s.fork(1) }, 0, 0},
		{"a foreign line", func(s *set) [][]byte { return [][]byte{flipTag(s.fork(1)[0])} }, 7, 7},
		{"a genuine line and a foreign one", func(s *set) [][]byte { return [][]byte{s.fork(1)[0], flipTag(s.fork(2)[1])} }, 8, 8},
		{"an earlier line", func(s *set) [][]byte { return s.files[0].lines[3:4] }, 7, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSet(nil).records(4).pin()
			p := s.position()
			s.breakAt(p, BreakAltered, "").records(2).pin()
			behind := c.behind(s)
			s.files[0].lines = append(s.files[0].lines, behind...)
			r := judgeSet(s)
			if r.AbandonedBytes != int64(len(bytes.Join(behind, nil))) || r.Lines != 10 || r.HoldsAfter != 0 {
				t.Errorf("%d bytes, %d lines", r.AbandonedBytes, r.Lines)
			}
			if c.line == 0 {
				if r.Verdict != Verified {
					t.Errorf("%s %v", r.Verdict, r.First())
				}
				return
			}
			wantBad(t, r, Tampered, file1, c.line, c.seq, Inserted)
			if want := lineOffset(s.files[0].bytes(), c.line); r.First().Offset != want {
				t.Errorf("offset %d, want %d", r.First().Offset, want)
			}
		})
	}
}

// fork returns n genuine lines that follow seq 6 and are not in the chain.
func (s *set) fork(n int) [][]byte {
	l, err := ParseLine(bytes.TrimSuffix(s.files[0].lines[5], []byte("\n")))
	if err != nil {
		panic(err)
	}
	f := &set{key: s.key, chain: s.chain, now: s.now.Add(time.Second), seq: l.Seq, last: l.MAC, files: []*setFile{{}}}
	return f.records(n).files[0].lines
}

// The watermark of a position from which a writer went on counts like any.
func TestWatermarkBehindABreak(t *testing.T) {
	s := newSet(nil).records(4).pin()
	p := s.position()
	s.records(2)
	s.breakAt(p, BreakAltered, "")
	if r := judgeSet(s); r.Verdict != Verified || r.Unacknowledged != 2 || r.LastSeq != 8 {
		t.Errorf("watermark before the break: %s %v", r.Verdict, r.First())
	}
	s.pin()
	if r := judgeSet(s); r.Verdict != Verified || r.Unacknowledged != 0 {
		t.Errorf("watermark at the break: %s %v", r.Verdict, r.First())
	}
	// One that names a line which is no part of the chain.
	old := s.fork(2)
	l, err := ParseLine(bytes.TrimSuffix(old[1], []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	s.pinAt(Position{First: 1, Seq: l.Seq, MAC: l.MAC, Size: 1})
	if r := judgeSet(s); r.Verdict != Tampered || r.First().Kind != Spliced || r.First().File != "audit.jsonl" || r.First().Line != 2 {
		t.Errorf("watermark of another history: %s %v", r.Verdict, r.First())
	}
}

// Records that no writer puts where they stand are named, and no more.
func TestOddTurns(t *testing.T) {
	b := Break{Control: ControlBreak, Time: FormatTime(testTime), Found: BreakMissing}
	for name, s := range map[string]*set{
		"a break without a segment": func() *set { s := newSet(nil).records(1); s.control(b); return s.records(1) }(),
		"a break behind a rotation": func() *set { s := newSet(nil).rotate(SegmentSize); s.control(b); return s.records(1) }(),
		"a break too late":          func() *set { s := newSet(nil).rotate(SegmentBreak).records(1); s.control(b); return s }(),
		"a segment without a break": newSet(nil).rotate(SegmentBreak).records(1),
		"and a segment behind it":   newSet(nil).rotate(SegmentBreak).records(1).rotate(SegmentSize),
		"a break that is no JSON": func() *set {
			s := newSet(nil).rotate(SegmentBreak)
			s.add([]byte(`{"control":"chain.break",`))
			return s
		}(),
	} {
		r := judgeSet(s.pin())
		if r.Verdict != Verified || !strings.Contains(fmt.Sprint(r.NotProven), "no writer makes") {
			t.Errorf("%s: %s %v %q", name, r.Verdict, r.First(), r.NotProven)
		}
	}
	// A crash between the two records is nothing odd.
	if r := judgeSet(newSet(nil).rotate(SegmentBreak)); r.Verdict != Verified || strings.Contains(fmt.Sprint(r.NotProven), "no writer makes") {
		t.Errorf("crash between: %s %q", r.Verdict, r.NotProven)
	}
}

func TestPruned(t *testing.T) {
	const hour = time.Hour
	for _, c := range []struct {
		name      string
		retention *Retention
		prune     int // files that chain.pruned names
		drop      int // files that are gone
		after     int // rotations before chain.pruned, behind the first
		age       time.Duration
		verdict   Verdict
		firstSeq  uint64
	}{
		{"keep, exactly", &Retention{Keep: 2}, 1, 1, 3, 0, Verified, 4},
		{"keep, one too few", &Retention{Keep: 3}, 1, 1, 3, 0, PartlyProven, 4},
		{"keep for, exactly", &Retention{KeepFor: "1h0m0s"}, 1, 1, 1, hour, Verified, 4},
		{"keep for, too young", &Retention{KeepFor: "1h0m0s"}, 1, 1, 1, hour - 1, PartlyProven, 4},
		{"both", &Retention{Keep: 2, KeepFor: "1h"}, 1, 1, 3, hour, Verified, 4},
		{"both, too few", &Retention{Keep: 3, KeepFor: "1h"}, 1, 1, 3, hour, PartlyProven, 4},
		{"both, too young", &Retention{Keep: 2, KeepFor: "1h"}, 1, 1, 3, hour - 1, PartlyProven, 4},
		{"two files", &Retention{Keep: 1}, 2, 2, 3, 0, Verified, 6},
		{"two files, one too few", &Retention{Keep: 2}, 2, 2, 3, 0, PartlyProven, 6},
		{"crash between the removal of two", &Retention{Keep: 1}, 2, 1, 3, 0, Verified, 4},
		{"no policy", nil, 1, 1, 3, hour, PartlyProven, 4},
		{"an empty policy", &Retention{}, 1, 1, 3, hour, PartlyProven, 4},
		{"a policy that is none", &Retention{KeepFor: "for ever"}, 1, 1, 3, hour, PartlyProven, 4},
		{"a negative keep", &Retention{Keep: -1, KeepFor: "1h"}, 1, 1, 3, hour, PartlyProven, 4},
		{"a negative duration", &Retention{Keep: 1, KeepFor: "-1h"}, 1, 1, 3, hour, PartlyProven, 4},
		{"more than was sealed", &Retention{Keep: 1}, 1, 2, 3, hour, Tampered, 0},
		{"nothing was sealed", &Retention{Keep: 1}, 0, 1, 3, hour, Tampered, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSet(c.retention).records(1)
			for range c.after {
				s.rotate(SegmentSize).records(1)
			}
			s.now = s.now.Add(c.age)
			if c.prune > 0 {
				s.prune(c.prune)
			}
			s.records(1).pin()
			total := s.lines()
			s.files = s.files[c.drop:]
			first := s.files[0].name
			r := judgeSet(s)
			if c.verdict == Tampered {
				wantBad(t, r, Tampered, first, 1, 1, Removed)
				if r.Lines != 0 || r.HoldsAfter != int64(s.lines()) || r.Pruned != nil {
					t.Errorf("%d lines proven, %d after", r.Lines, r.HoldsAfter)
				}
				return
			}
			if r.Verdict != c.verdict || r.BadTotal != 0 || r.Lines != int64(s.lines()) || r.LastSeq != uint64(total) {
				t.Errorf("%s %v, %d lines: %q", r.Verdict, r.First(), r.Lines, r.NotProven)
			}
			if r.Pruned == nil || r.Pruned.FirstSeq != c.firstSeq || r.Pruned.SealedAt != uint64(total-1) {
				t.Errorf("%+v", r.Pruned)
			}
			said := r.Proven
			if c.verdict == PartlyProven {
				said = r.NotProven
			}
			if !strings.Contains(fmt.Sprint(said), "retention policy") || !strings.Contains(r.Proven[0], fmt.Sprintf("(seq %d to %d)", c.firstSeq, total)) {
				t.Errorf("%q %q", r.Proven, r.NotProven)
			}
		})
	}
}

// Without the key, nobody accounts for what is missing.
func TestForgedPruned(t *testing.T) {
	s := newSet(&Retention{Keep: 1}).records(1).rotate(SegmentSize).records(1).rotate(SegmentSize).records(1).pin()
	forger := *s
	forger.key = key(2)
	forger.files = []*setFile{s.files[0], s.files[1], {lines: append([][]byte{}, s.files[2].lines...)}}
	forger.prune(1)
	s.files[2].lines = forger.files[2].lines
	s.drop(0)
	r := judgeSet(s)
	wantBad(t, r, Tampered, s.files[0].name, 1, 1, Removed)
	if len(r.Bad) != 2 || r.Bad[1].Line != 3 || r.Bad[1].File != "audit.jsonl" || r.Bad[1].Kind != Changed {
		t.Errorf("%v", r.Bad)
	}
	// Sealed, and the rest is attacked as ever.
	s = newSet(&Retention{Keep: 1}).records(1).rotate(SegmentSize).records(1).rotate(SegmentSize).records(1).prune(1).pin()
	s.drop(0)
	name := s.files[0].name
	s.files[0].lines[0] = bytes.Replace(s.files[0].lines[0], []byte("size"), []byte("sise"), 1)
	wantBad(t, judgeSet(s), Tampered, name, 1, 4, Changed)
	s = newSet(&Retention{Keep: 1}).records(1).rotate(SegmentSize).records(1).rotate(SegmentSize).records(1).prune(1).pin()
	s.drop(0)
	s.files[0].lines = s.files[0].lines[1:]
	wantBad(t, judgeSet(s), Tampered, name, 1, 1, Removed)
}

// More doubts than a report names are doubts all the same.
func TestManyDoubts(t *testing.T) {
	s := newSet(nil)
	opened := Opened{Control: ControlOpened, Time: FormatTime(testTime), Writer: "w", Fsync: "always", Watermark: WatermarkRemoved}
	for range MaxBad + 1 {
		s.control(opened)
		if r := judgeSet(s.pin()); r.Verdict != PartlyProven || len(r.Doubts) == 0 {
			t.Fatalf("%s, %d doubts", r.Verdict, len(r.Doubts))
		}
	}
	if r := judgeSet(s); len(r.Doubts) != MaxBad {
		t.Errorf("%d doubts are named", len(r.Doubts))
	}
}
