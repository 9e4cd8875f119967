// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	file1  = "audit-00000000000000000001.jsonl"
	file7  = "audit-00000000000000000007.jsonl"
	file13 = "audit.jsonl"
)

func TestSetsThatVerify(t *testing.T) {
	for _, c := range []struct {
		name      string
		set       func() *set
		verdict   Verdict
		lastSeq   uint64
		unack     uint64
		tail      int64
		abandoned int64
	}{
		{"three files", threeFiles, Verified, 18, 0, 0, 0},
		{"a file of one line", func() *set { return threeFiles().rotate(SegmentRequest).pin() }, Verified, 19, 0, 0, 0},
		{"all files finished", func() *set {
			s := threeFiles()
			s.finish(s.position())
			s.drop(3)
			return s
		}, Verified, 18, 0, 0, 0},
		{"sync failed", func() *set {
			s := newSet(nil).records(4).pin()
			p := s.position()
			s.records(3) // the disk may or may not have them
			s.finish(p)
			return s.begin(SegmentSync, p).records(2).pin()
		}, Verified, 9, 0, 0, 510},
		{"sync failed, and what was written is torn", func() *set {
			s := newSet(nil).records(4).pin()
			p := s.position()
			s.live().lines = append(s.live().lines, []byte("{\"timestamp\x00\x00"))
			s.finish(p)
			return s.begin(SegmentSync, p).records(2).pin()
		}, Verified, 9, 0, 0, 13},
		{"lines beyond the watermark, in the file after its own", func() *set {
			return newSet(nil).records(4).pin().rotate(SegmentSize).records(2)
		}, Verified, 9, 3, 0, 0},
		{"crash before the new file is made", func() *set {
			s := threeFiles()
			s.finish(s.position())
			s.drop(3)
			return s
		}, Verified, 18, 0, 0, 0},
		{"crash before chain.segment is written", func() *set {
			s := threeFiles()
			s.finish(s.position())
			return s
		}, Verified, 18, 0, 0, 0},
		{"crash in chain.segment", func() *set {
			s := threeFiles().rotate(SegmentSize)
			f := s.live()
			f.lines[0] = f.lines[0][:40]
			return s
		}, VerifiedCrashTail, 18, 0, 40, 0},
		{"crash that left NULs for chain.segment", func() *set {
			s := threeFiles().rotate(SegmentSize)
			s.live().lines = [][]byte{make([]byte, 512)}
			return s
		}, VerifiedCrashTail, 18, 0, 512, 0},
		{"crash before the watermark of the new file", func() *set { return threeFiles().rotate(SegmentSize) }, Verified, 19, 1, 0, 0},
		{"crash behind chain.segment", func() *set {
			s := threeFiles().rotate(SegmentSize)
			s.live().lines = append(s.live().lines, []byte(`{"timestamp"`))
			return s
		}, VerifiedCrashTail, 19, 1, 12, 0},
		{"sync failed, and a crash before chain.segment", func() *set {
			s := threeFiles()
			p := s.position()
			s.live().lines = append(s.live().lines, make([]byte, 100))
			s.finish(p)
			return s
		}, VerifiedCrashTail, 18, 0, 100, 0},
		{"sync failed, and a crash in chain.segment", func() *set {
			s := threeFiles()
			p := s.position()
			s.records(1)
			s.live().lines = append(s.live().lines, make([]byte, 100))
			s.finish(p)
			s.live().lines = [][]byte{[]byte(`{"control":"ch`)}
			return s
		}, VerifiedCrashTail, 19, 1, 114, 0},
		{"unfinished end", func() *set {
			s := threeFiles()
			s.live().lines = append(s.live().lines, []byte(`{"timestamp"`))
			return s
		}, VerifiedCrashTail, 18, 0, 12, 0},
		{"pruned, and still there", func() *set {
			s := newSet(&Retention{Keep: 1}).records(1).rotate(SegmentSize).rotate(SegmentSize)
			return s.prune(1).pin()
		}, Verified, 6, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.set()
			r := judgeSet(s)
			if r.Verdict != c.verdict || r.LastSeq != c.lastSeq || r.Lines != int64(c.lastSeq) || r.Unacknowledged != c.unack || r.TailBytes != c.tail {
				t.Errorf("%s %v: last seq %d, %d lines, %d unacknowledged, tail %d: %q", r.Verdict, r.First(), r.LastSeq, r.Lines, r.Unacknowledged, r.TailBytes, r.NotProven)
			}
			if r.AbandonedBytes != c.abandoned || (c.abandoned > 0) != strings.Contains(strings.Join(r.NotProven, "\n"), "abandoned") {
				t.Errorf("%d bytes abandoned, want %d: %q", r.AbandonedBytes, c.abandoned, r.NotProven)
			}
			if r.Segments != len(s.files) || r.HoldsAfter != 0 || r.BadTotal != 0 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestSetsWithoutWatermark(t *testing.T) {
	s := threeFiles()
	if r := judgeFiles(s, nil); r.Verdict != PartlyProven || r.Lines != 18 {
		t.Errorf("%s %v", r.Verdict, r.First())
	}
	s.live().lines = append(s.live().lines, []byte(`{"timestamp"`))
	if r := judgeFiles(s, nil); r.Verdict != PartlyProven || r.TailBytes != 12 || r.BadTotal != 0 {
		t.Errorf("unfinished end: %s %v %d", r.Verdict, r.First(), r.TailBytes)
	}
	// In a finished file, there is no crash.
	s = threeFiles()
	f := s.files[1]
	f.lines[5] = f.lines[5][:20]
	r := judgeFiles(s, nil)
	wantBad(t, r, Truncated, file7, 6, 12, Missing)
	// The watermark of a copy that was made before segments were removed.
	s = newSet(&Retention{Keep: 1}).records(2)
	s.pin()
	old := s.head()
	s.rotate(SegmentSize).records(1).rotate(SegmentSize).prune(1).pin()
	s.drop(0)
	if r := judgeFiles(s, old); r.Verdict != PartlyProven || !strings.Contains(fmt.Sprint(r.NotProven), "before the beginning") {
		t.Errorf("older watermark: %s %v", r.Verdict, r.NotProven)
	}
}

// What follows a bad place is still checked, in later files too.
func TestSetGoesOnBehindABadPlace(t *testing.T) {
	s := threeFiles().rotate(SegmentSize).records(3).pin()
	s.files[0].lines[3] = flipTag(s.files[0].lines[3])
	s.files[2].lines[2] = flipTag(s.files[2].lines[2])
	r := judgeSet(s)
	wantBad(t, r, Tampered, file1, 4, 4, Changed)
	if r.Lines != 3 || r.HoldsAfter != 1+6+(2+2)+4 || len(r.Bad) != 4 || r.Bad[2].File != "audit-00000000000000000013.jsonl" || r.Bad[2].Line != 3 {
		t.Errorf("%d lines, %d after, %v", r.Lines, r.HoldsAfter, r.Bad)
	}
	s = threeFiles()
	s.drop(1)
	if r := judgeSet(s); r.Lines != 6 || r.HoldsAfter != 6 || r.BadTotal != 1 || r.LastSeq != 6 {
		t.Errorf("%d lines, %d after, %v", r.Lines, r.HoldsAfter, r.Bad)
	}
}

// Every byte of every file, changed, must show, in its file and line.
func TestEveryChangedByteOfASetShows(t *testing.T) {
	s := newSet(nil).records(2).rotate(SegmentSize).records(2).rotate(SegmentAge).records(1).pin()
	for i, f := range s.files {
		whole, lines, line := f.bytes(), f.lines, int64(1)
		for at := range whole {
			for _, x := range []byte{1, 0x80} {
				b := bytes.Clone(whole)
				b[at] ^= x
				f.lines = [][]byte{b}
				r := judgeSet(s)
				bad := r.First()
				if r.ExitCode() != 3 || bad == nil || bad.File != f.name || bad.Line != line {
					t.Fatalf("file %d byte %d (line %d) ^ %#x: %s %v", i, at, line, x, r.Verdict, bad)
				}
			}
			if whole[at] == '\n' {
				line++
			}
		}
		f.lines = lines
	}
}

// A crash in rotation leaves the watermark in the finished file: what it
// names must be there all the same.
func TestAttacksBehindACrashInRotation(t *testing.T) {
	const finished = "audit-00000000000000000013.jsonl"
	for _, live := range []struct {
		name string
		do   func(s *set)
	}{
		{"empty", func(s *set) { s.live().lines = nil }},
		{"torn", func(s *set) { s.live().lines = [][]byte{[]byte("torn")} }},
		{"gone", func(s *set) { s.drop(3) }},
	} {
		t.Run(live.name, func(t *testing.T) {
			crashed := func() *set {
				s := threeFiles().rotate(SegmentSize)
				live.do(s)
				return s
			}
			if r := judgeSet(crashed()); r.ExitCode() != 0 {
				t.Fatalf("%s %v", r.Verdict, r.First())
			}
			s := crashed()
			s.files[2].lines = s.files[2].lines[:4]
			wantBad(t, judgeSet(s), Truncated, finished, 5, 17, Missing)
			s = crashed()
			s.files[2].lines[3] = flipTag(s.files[2].lines[3])
			wantBad(t, judgeSet(s), Tampered, finished, 4, 16, Changed)
			s = crashed()
			s.drop(2)
			r := judgeSet(s)
			if r.ExitCode() != 3 || r.First().Seq != 13 || r.First().Kind != Missing {
				t.Errorf("watermark's file dropped: %s %v", r.Verdict, r.First())
			}
		})
	}
	s := threeFiles().rotate(SegmentSize).records(1) // the watermark is still in the file before
	s.drop(2)
	wantBad(t, judgeSet(s), Tampered, "audit.jsonl", 1, 13, Removed)
}

func TestOneSegmentAlone(t *testing.T) {
	s := threeFiles()
	alone := func(i int, head []byte) *Report {
		return Verify(t.Context(), Input{File: "x", Files: sources(s.files[i : i+1]), Alone: true, Key: s.key, Head: head})
	}
	for i := range s.files {
		for name, head := range map[string][]byte{"with": s.head(), "without": nil} {
			r := alone(i, head)
			if r.Verdict != PartlyProven || r.Lines != 6 || r.BadTotal != 0 || r.Segments != 1 || !strings.Contains(fmt.Sprint(r.NotProven), "alone") {
				t.Errorf("file %d %s watermark: %+v", i, name, r)
			}
		}
	}
	s.files[1].lines[3] = flipTag(s.files[1].lines[3])
	wantBad(t, alone(1, s.head()), Tampered, file7, 4, 10, Changed)
	s.files[2].lines = s.files[2].lines[:3]
	wantBad(t, alone(2, s.head()), Truncated, file13, 4, 16, Missing)
	s.files[0].lines = s.files[0].lines[1:]
	wantBad(t, alone(0, s.head()), Tampered, file1, 1, 1, Removed)
	r := Verify(t.Context(), Input{Files: sources(s.files), Alone: true, Key: s.key})
	if r.Verdict != CannotVerify {
		t.Errorf("three files alone: %s", r.Verdict)
	}
}

func TestSetThatCannotBeRead(t *testing.T) {
	s := threeFiles()
	for i := range s.files {
		files := sources(s.files)
		files[i].Open = func() (io.ReadCloser, error) { return nil, errors.New("no leave") }
		r := Verify(t.Context(), Input{Files: files, Key: s.key, Head: s.head()})
		if r.Verdict != CannotVerify || r.Lines != 0 || !strings.Contains(fmt.Sprint(r.NotProven), s.files[i].name) {
			t.Errorf("file %d: %+v", i, r)
		}
	}
	if r := Verify(t.Context(), Input{Files: sources(s.files), Key: key(2)}); r.Verdict != CannotVerify || !strings.Contains(fmt.Sprint(r.NotProven), key(2).ID()) {
		t.Errorf("another key: %s %v", r.Verdict, r.NotProven)
	}
	s.files = s.files[1:] // another key, and a chain that begins with a chain.segment
	if r := Verify(t.Context(), Input{Files: sources(s.files), Key: key(2)}); r.Verdict != CannotVerify {
		t.Errorf("another key: %s", r.Verdict)
	}
	s = threeFiles()
	s.begin(SegmentSize, s.position())
	seg := Segment{Control: ControlSegment, Time: FormatTime(s.now), Format: 2, Chain: s.chain, KeyID: s.key.ID(), KeyMode: s.key.Mode(), Reason: SegmentSize, Previous: s.position()}
	s.finish(s.position())
	s.control(seg)
	s.pin()
	if r := judgeSet(s); r.Verdict != CannotVerify || !strings.Contains(fmt.Sprint(r.NotProven), "version 2") {
		t.Errorf("newer format: %s %v %v", r.Verdict, r.First(), r.NotProven)
	}
}

// No more than two files are open at a time, and all are closed.
func TestSetOpensTwoFilesAtMost(t *testing.T) {
	s := newSet(nil)
	for range 20 {
		s.records(1).rotate(SegmentSize)
	}
	s.pin()
	open, most := 0, 0
	files := sources(s.files)
	for i := range files {
		f := s.files[i]
		files[i].Open = func() (io.ReadCloser, error) {
			open++
			most = max(most, open)
			return &closing{bytes.NewReader(f.bytes()), func() { open-- }}, nil
		}
	}
	if r := Verify(t.Context(), Input{Files: files, Key: s.key, Head: s.head()}); r.Verdict != Verified {
		t.Errorf("%s %v", r.Verdict, r.First())
	}
	if open != 0 || most != 2 {
		t.Errorf("%d open, %d at most", open, most)
	}
}

type closing struct {
	io.Reader
	done func()
}

func (c *closing) Close() error { c.done(); return nil }

// Files of many chunks, with ends that fall between and into them.
func TestLargeSet(t *testing.T) {
	if testing.Short() {
		t.Skip("large files")
	}
	s := newSet(nil)
	fill := strings.Repeat("x", 40<<10)
	for i := range 4 {
		for range 100 {
			s.add([]byte(`{"timestamp":"` + fill[:1+int(s.seq*977)%len(fill)]))
		}
		p := s.position()
		s.finish(p)
		if i%2 == 0 { // abandoned bytes that span chunks
			f := s.files[len(s.files)-2]
			f.lines = append(f.lines, bytes.Repeat([]byte("abandoned\n"), 300_000))
		}
		s.begin(SegmentSync, p)
	}
	s.pin()
	for _, workers := range []int{1, 3} {
		r := Verify(t.Context(), Input{Files: sources(s.files), Key: s.key, Head: s.head(), Workers: workers})
		if r.Verdict != Verified || r.Lines != 2+400+4 || r.AbandonedBytes != 2*3_000_000 {
			t.Fatalf("%s %v: %d lines, %d bytes", r.Verdict, r.First(), r.Lines, r.AbandonedBytes)
		}
	}
}

func TestPeekHead(t *testing.T) {
	s := threeFiles()
	want := s.position()
	if p, ok := PeekHead(s.head()); !ok || p.Position != want {
		t.Errorf("%+v %v, want %+v", p, ok, want)
	}
	forged := s.head()
	i := bytes.LastIndexByte(bytes.TrimRight(forged[:SlotSize], " \n"), ' ') // the tag of slot 0
	copy(forged[i+1:], strings.Repeat("0", 64))
	if _, ok := PeekHead(forged); !ok {
		t.Error("a tag is not checked without a key")
	}
	if p, ok := PeekHead(newSet(nil).head()); !ok || p.Seq != 2 {
		t.Errorf("first watermark: %+v %v", p, ok)
	}
	swapped := append(bytes.Clone(s.slots[1]), s.slots[0]...)
	for name, b := range map[string][]byte{"none": nil, "blank": make([]byte, HeadSize), "cut": s.head()[:SlotSize-1], "swapped": swapped, "text": []byte("hello")} {
		if p, ok := PeekHead(b); ok {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// An empty file with nothing beside it is no file of another key.
func TestEmptyFileOfASet(t *testing.T) {
	r := Verify(t.Context(), Input{File: "audit.jsonl", Key: key(2), Files: []Source{{
		File: "audit.jsonl", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil },
	}}})
	if r.Verdict != CannotVerify || !strings.Contains(strings.Join(r.NotProven, ""), "nothing to verify") {
		t.Errorf("%s: %q", r.Verdict, r.NotProven)
	}
}

// A compressed file that cannot be decompressed to its end is a bad place of
// the chain, with its file and line, and no file that nobody can read.
func TestDamagedFile(t *testing.T) {
	damage := fmt.Errorf("%w: a checksum", ErrDamaged)
	for _, c := range []struct {
		name string
		keep func(size int) int // bytes that can be read
		line int64
	}{
		{"at the beginning", func(int) int { return 0 }, 1},
		{"in a line", func(n int) int { return n - 10 }, 0},
		{"behind the last line", func(n int) int { return n }, 0},
	} {
		s := threeFiles()
		files := sources(s.files)
		whole := s.files[1].bytes()
		files[1].Open = func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(whole[:c.keep(len(whole))]), iotest.ErrReader(damage))), nil
		}
		r := Verify(t.Context(), Input{Files: files, Key: s.key, Head: s.head()})
		if bad := r.First(); r.Verdict.ExitCode() != 3 || bad == nil || bad.File != s.files[1].name || c.line > 0 && bad.Line != c.line {
			t.Errorf("%s: %s, %v", c.name, r.Verdict, bad)
		}
	}
	// What cannot be read is another matter.
	s := threeFiles()
	files := sources(s.files)
	files[1].Open = func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(io.ErrNoProgress)), nil }
	if r := Verify(t.Context(), Input{Files: files, Key: s.key, Head: s.head()}); r.Verdict != CannotVerify {
		t.Errorf("unreadable: %s", r.Verdict)
	}
}
