// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"strings"
	"testing"
)

// setAttack is one thing that somebody without the key may do to the files of
// a chain, and how it must show.
type setAttack struct {
	name    string
	do      func(s *set)
	verdict Verdict
	file    string
	line    int64
	seq     uint64
	kind    BadKind
}

func setAttacks() []setAttack {
	swap := func(s *set, i, j int) { s.files[i].lines, s.files[j].lines = s.files[j].lines, s.files[i].lines }
	replace := func(s *set, i, line int, old, new string) {
		f := s.files[i]
		b := bytes.Replace(f.lines[line], []byte(old), []byte(new), 1)
		if bytes.Equal(b, f.lines[line]) {
			panic("nothing is replaced")
		}
		f.lines[line] = b
	}
	other := func() *set {
		s := threeFiles()
		o := &set{key: s.key, chain: chainB, now: testTime, files: []*setFile{{name: "audit.jsonl"}}, slots: s.slots}
		o.control(NewGenesis(chainB, s.key, testTime))
		return o.records(5).rotate(SegmentSize).records(5).rotate(SegmentSize).records(5)
	}
	return []setAttack{
		{"drop the first file", func(s *set) { s.drop(0) }, Tampered, file7, 1, 1, Removed},
		{"drop the middle file", func(s *set) { s.drop(1) }, Tampered, file13, 1, 7, Removed},
		{"drop the last file", func(s *set) { s.drop(2) }, Truncated, file7, 7, 13, Missing},
		{"drop the last two files", func(s *set) { s.files = s.files[:1] }, Truncated, file1, 7, 7, Missing},
		{"drop all but the last file", func(s *set) { s.files = s.files[2:] }, Tampered, file13, 1, 1, Removed},
		{"drop all files", func(s *set) { s.files = []*setFile{} }, Truncated, file13, 1, 1, Missing},
		{"swap the contents of two files", func(s *set) { swap(s, 0, 1) }, Tampered, file1, 1, 1, Reordered},
		{"swap the contents of the last two files", func(s *set) { swap(s, 1, 2) }, Tampered, file7, 1, 7, Reordered},
		{"swap two files and their names", func(s *set) { s.files[0], s.files[1] = s.files[1], s.files[0] }, Tampered, file7, 1, 1, Removed},
		{"rename a file", func(s *set) { s.files[1].first = 8 }, Tampered, file7, 1, 8, Reordered},
		{"empty the first file", func(s *set) { s.files[0].lines = nil }, Truncated, file1, 1, 1, Missing},
		{"empty the middle file", func(s *set) { s.files[1].lines = nil }, Truncated, file7, 1, 7, Missing},
		{"empty the last file", func(s *set) { s.files[2].lines = nil }, Truncated, file13, 1, 13, Missing},
		{"put an empty file in between", func(s *set) {
			s.files = []*setFile{s.files[0], s.files[1], {name: "audit-00000000000000000009.jsonl", first: 9}, s.files[2]}
		}, Tampered, "audit-00000000000000000009.jsonl", 1, 13, Inserted},
		{"repeat a file", func(s *set) {
			f := *s.files[0]
			s.files = []*setFile{s.files[0], s.files[1], &f, s.files[2]}
		}, Tampered, file1, 1, 13, Duplicated},
		{"repeat a later file", func(s *set) {
			f := *s.files[1]
			s.files = []*setFile{s.files[0], s.files[1], &f, s.files[2]}
		}, Tampered, file7, 1, 13, Reordered},
		{"splice a line of an older file", func(s *set) {
			s.files[1].lines[3] = s.files[0].lines[3]
		}, Tampered, file7, 4, 10, Duplicated},
		{"insert a line of an older file", func(s *set) {
			f := s.files[1]
			f.lines = append(f.lines[:3:3], append([][]byte{s.files[0].lines[3]}, f.lines[3:]...)...)
		}, Tampered, file7, 4, 10, Duplicated},
		{"splice a file of another chain", func(s *set) { s.files[1].lines = other().files[1].lines }, Tampered, file7, 1, 7, Spliced},
		{"splice the first file of another chain", func(s *set) { s.files[0].lines = other().files[0].lines }, Tampered, file1, 1, 1, Spliced},
		{"splice the last file of another chain", func(s *set) { s.files[2].lines = other().files[2].lines }, Tampered, file13, 1, 13, Spliced},
		{"cut a finished file at a line", func(s *set) { s.files[1].lines = s.files[1].lines[:4] }, Truncated, file7, 5, 11, Missing},
		{"cut a finished file to its first line", func(s *set) { s.files[1].lines = s.files[1].lines[:1] }, Truncated, file7, 2, 8, Missing},
		{"cut a finished file inside a line", func(s *set) {
			f := s.files[1]
			f.lines = append(f.lines[:4:4], f.lines[4][:30])
		}, Truncated, file7, 5, 11, Missing},
		{"cut the last LF of a finished file", func(s *set) {
			f := s.files[1]
			f.lines[5] = f.lines[5][:len(f.lines[5])-1]
		}, Truncated, file7, 6, 12, Missing},
		{"cut the last file", func(s *set) { s.files[2].lines = s.files[2].lines[:4] }, Truncated, file13, 5, 17, Missing},
		{"cut the last file inside a line", func(s *set) {
			f := s.files[2]
			f.lines = append(f.lines[:4:4], f.lines[4][:30])
		}, Truncated, file13, 5, 17, Missing},
		{"cut inside a line, and drop what follows", func(s *set) {
			f := s.files[1]
			f.lines = append(f.lines[:4:4], f.lines[4][:30])
			s.files = s.files[:2]
		}, Truncated, file7, 5, 11, Missing},
		{"cut a finished file, and append what is as long", func(s *set) {
			f := s.files[1]
			f.lines = append(f.lines[:5:5], append(bytes.Repeat([]byte("x"), len(f.lines[5])-1), '\n'))
		}, Tampered, file7, 6, 12, IllFormed},
		{"take out a line of a finished file", func(s *set) {
			f := s.files[1]
			f.lines = append(f.lines[:3:3], f.lines[4:]...)
		}, Tampered, file7, 4, 10, Removed},
		{"take out the first line of a finished file", func(s *set) { s.files[1].lines = s.files[1].lines[1:] }, Tampered, file7, 1, 7, Removed},
		{"take out the first line of the last file", func(s *set) { s.files[2].lines = s.files[2].lines[1:] }, Tampered, file13, 1, 13, Removed},
		{"take out the last line of the first file", func(s *set) { s.files[0].lines = s.files[0].lines[:5] }, Truncated, file1, 6, 6, Missing},
		{"insert a line in a finished file", func(s *set) {
			f := s.files[1]
			f.lines = append(f.lines[:3:3], append([][]byte{[]byte("foreign\n")}, f.lines[3:]...)...)
		}, Tampered, file7, 4, 10, Inserted},
		{"insert a line before the first", func(s *set) {
			f := s.files[1]
			f.lines = append([][]byte{[]byte("foreign\n")}, f.lines...)
		}, Tampered, file7, 1, 7, Inserted},
		{"change the last line of a finished file", func(s *set) { replace(s, 1, 5, "log", "lag") }, Tampered, file7, 6, 12, Changed},
		{"change the first line of a finished file", func(s *set) { replace(s, 1, 0, "size", "sise") }, Tampered, file7, 1, 7, Changed},
		{"forge previous.size", func(s *set) { replace(s, 1, 0, `"size":`, `"size":1`) }, Tampered, file7, 1, 7, Changed},
		{"forge previous.first", func(s *set) { replace(s, 2, 0, `"first":7`, `"first":1`) }, Tampered, file13, 1, 13, Changed},
		{"forge previous.hmac", func(s *set) {
			replace(s, 2, 0, `"previous":{"first":7,"seq":12,"hmac":"`, `"previous":{"first":7,"seq":12,"hmac":"0`)
		}, Tampered, file13, 1, 13, Changed},
		{"forge the reason", func(s *set) { replace(s, 1, 0, `"reason":"size"`, `"reason":"sync_failed"`) }, Tampered, file7, 1, 7, Changed},
		{"part a file in two", func(s *set) {
			f := s.files[1]
			s.files = []*setFile{s.files[0], {name: file7, first: 7, lines: f.lines[:3]}, {name: "audit-00000000000000000010.jsonl", first: 10, lines: f.lines[3:]}, s.files[2]}
		}, Tampered, "audit-00000000000000000010.jsonl", 1, 10, Spliced},
		{"join two files", func(s *set) {
			s.files[1].lines = append(s.files[1].lines, s.files[2].lines...)
			s.drop(2)
			s.files[1].first, s.files[1].name = 0, file13
		}, Tampered, file13, 7, 13, Spliced},
		{"older copy of a file", func(s *set) { s.files[1].lines = s.files[1].lines[:3] }, Truncated, file7, 4, 10, Missing},
		{"lines of an unfinished file that a torn one follows", func(s *set) {
			s.files[1].lines = append(s.files[1].lines, []byte("torn"))
			s.files[2].lines = [][]byte{[]byte("torn")}
		}, Tampered, file7, 7, 13, IllFormed},
		{"change two files", func(s *set) { replace(s, 0, 3, "log", "lag"); replace(s, 1, 3, "log", "lag") }, Tampered, file1, 4, 4, Changed},
	}
}

func TestSetAttacks(t *testing.T) {
	for _, c := range setAttacks() {
		t.Run(c.name, func(t *testing.T) {
			s := threeFiles()
			c.do(s)
			r := judgeSet(s)
			wantBad(t, r, c.verdict, c.file, c.line, c.seq, c.kind)
			if r.ExitCode() != 3 {
				t.Errorf("exit %d", r.ExitCode())
			}
			for _, f := range s.files {
				if bad := r.First(); f.name == bad.File && bad.Line <= int64(len(f.lines)) {
					if want := lineOffset(f.bytes(), bad.Line); bad.Offset != want {
						t.Errorf("offset %d, want %d", bad.Offset, want)
					}
				}
			}
			// Where two files were joined, every line is as it was sealed.
			joined := strings.Contains(r.First().Reason, "at the beginning of a file and nowhere else")
			if r.Lines+r.HoldsAfter > int64(s.lines()) || r.Lines > int64(r.First().Seq) && !joined {
				t.Errorf("%d lines hold, and %d after the first place", r.Lines, r.HoldsAfter)
			}
			// Without a watermark nothing is ever better than with it.
			if r := judgeFiles(s, nil); r.ExitCode() == 0 {
				t.Errorf("without a watermark: %s", r.Verdict)
			}
		})
	}
}
