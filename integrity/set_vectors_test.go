// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// setVector is a chain of several files with what a verifier must say of it.
type setVector struct {
	expectation
	set *set
}

// setVectors are the honest cases, and of the attacks those that a verifier
// of single files cannot get right by chance.
func setVectors() map[string]setVector {
	out := map[string]setVector{}
	add := func(what string, s *set, v Verdict, bad *Bad) {
		name := strings.NewReplacer(" ", "-", ",", "", ":", "").Replace(what)
		out[name] = setVector{expectation{what, strings.TrimSpace(string(s.key.Text())), v, v.ExitCode(), bad}, s}
	}
	chosen := map[string]bool{
		"drop the first file": true, "drop the middle file": true, "drop the last file": true,
		"swap the contents of two files": true, "empty the middle file": true,
		"splice a line of an older file": true, "splice a file of another chain": true,
		"cut a finished file at a line": true, "cut a finished file inside a line": true,
		"forge previous.size": true, "part a file in two": true, "take out the first line of a finished file": true,
	}
	for _, a := range setAttacks() {
		if !chosen[a.name] {
			continue
		}
		delete(chosen, a.name)
		s := threeFiles()
		a.do(s)
		bad := &Bad{File: a.file, Line: a.line, Seq: a.seq, Kind: a.kind}
		for _, f := range s.files {
			if f.name == a.file {
				bad.Offset = lineOffset(f.bytes(), a.line)
			}
		}
		add(a.name, s, a.verdict, bad)
	}
	if len(chosen) > 0 {
		panic("an attack has another name now")
	}
	add("whole", threeFiles(), Verified, nil)
	add("every turn", turnedSet(), Verified, nil)
	torn := threeFiles().rotate(SegmentSize)
	torn.live().lines[0] = torn.live().lines[0][:40]
	add("crash in chain.segment", torn, VerifiedCrashTail, nil)
	add("break: foreign lines, which are gone", brokenSet(BreakForeign, ""), Tampered, &Bad{File: "audit.jsonl", Line: 1, Seq: 7, Kind: Inserted})
	add("break: no watermark", brokenSet(BreakNoWatermark, ""), PartlyProven, nil)
	add("break: missing, and put back", brokenSet(BreakMissing, ""), Verified, nil)
	pruned := func(keep, drop int) *set {
		s := newSet(&Retention{Keep: keep}).records(1).rotate(SegmentSize).records(1).rotate(SegmentSize).records(1).rotate(SegmentSize).prune(1).pin()
		s.files = s.files[drop:]
		return s
	}
	add("pruned", pruned(2, 1), Verified, nil)
	add("pruned, and too few stayed", pruned(3, 1), PartlyProven, nil)
	more := pruned(2, 2)
	add("more is gone than was pruned", more, Tampered, &Bad{File: more.files[0].name, Line: 1, Seq: 1, Kind: Removed})
	return out
}

func TestSetVectors(t *testing.T) {
	const dir = "testdata/sets"
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for name, v := range setVectors() {
			d := filepath.Join(dir, name)
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
			expect, err := json.MarshalIndent(v.expectation, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{"expect.json": append(expect, '\n'), "audit.jsonl.head": v.set.head()}
			for _, f := range v.set.files {
				files[f.name] = f.bytes()
			}
			for f, b := range files {
				if err := os.WriteFile(filepath.Join(d, f), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(setVectors()); len(entries) != want {
		t.Fatalf("%d vectors in %s, want %d; run: go test ./integrity -run TestSetVectors -update", len(entries), dir, want)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			d := filepath.Join(dir, e.Name())
			read := func(name string) []byte {
				b, err := os.ReadFile(filepath.Join(d, name))
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			var want expectation
			if err := json.Unmarshal(read("expect.json"), &want); err != nil {
				t.Fatal(err)
			}
			k, err := ParseKey([]byte(want.Key))
			if err != nil {
				t.Fatal(err)
			}
			names, err := filepath.Glob(filepath.Join(d, "audit*.jsonl")) // sorted: '-' comes before '.'
			if err != nil || len(names) == 0 {
				t.Fatal(names, err)
			}
			s := &set{key: k}
			for _, n := range names {
				s.files = append(s.files, &setFile{name: filepath.Base(n), first: seqOfName(t, filepath.Base(n)), lines: [][]byte{read(filepath.Base(n))}})
			}
			r := judgeFiles(s, read("audit.jsonl.head"))
			if r.Verdict != want.Verdict || r.ExitCode() != want.Exit {
				t.Errorf("%s, exit %d; want %s, exit %d: %v", r.Verdict, r.ExitCode(), want.Verdict, want.Exit, r.First())
			}
			got := r.First()
			if (got == nil) != (want.Bad == nil) || got != nil && (got.File != want.Bad.File || got.Line != want.Bad.Line || got.Seq != want.Bad.Seq || got.Offset != want.Bad.Offset || got.Kind != want.Bad.Kind) {
				t.Errorf("bad place %v, want %v", got, want.Bad)
			}
		})
	}
}

// seqOfName reads the sequence number off the name of a finished segment.
func seqOfName(t *testing.T, name string) (n uint64) {
	t.Helper()
	digits, finished := strings.CutPrefix(strings.TrimSuffix(name, ".jsonl"), "audit-")
	if !finished {
		return 0
	}
	for _, c := range digits {
		n = n*10 + uint64(c-'0')
	}
	return n
}
