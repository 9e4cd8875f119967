// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

// attack is something that is done to the files of a journal.
type attack struct {
	name string
	do   func(t testing.TB, dir string)
	// before and after are the exit codes of verify, before and after another
	// writer opened the journal and sealed a line.
	before, after int
	// found is what that writer seals: a chain.break's found, "recovered", or
	// "watermark"; "" for nothing.
	found string
}

const journalName = "audit.jsonl"

// onFile makes an attack of a change to the bytes of a file.
func onFile(name string, change func([]byte) []byte) func(testing.TB, string) {
	return func(t testing.TB, dir string) {
		t.Helper()
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, change(data))
	}
}

func tampering(kind string, line int) func(testing.TB, string) {
	return onFile(journalName, func(data []byte) []byte {
		n := line
		if n < 0 {
			n += bytes.Count(data, []byte("\n")) + 1
		}
		out, err := tamper(data, kind, n)
		if err != nil {
			panic(err)
		}
		return out
	})
}

func removing(names ...string) func(testing.TB, string) {
	return func(t testing.TB, dir string) {
		t.Helper()
		for _, name := range names {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// copyDir copies a folder of files.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// run carries an attack out on a copy of the folder, twice: once verify comes
// first, and once a writer.
func (a attack) run(t *testing.T, original string) {
	dir := filepath.Join(t.TempDir(), "copy")
	copyDir(t, original, dir)
	path := filepath.Join(dir, journalName)
	a.do(t, dir)
	if v := judged(t, path); v.ExitCode != a.before {
		t.Errorf("before a writer came: %s, %v; want exit code %d", v.Verdict, v.Bad, a.before)
	}
	r := auditchain("sealed afterwards\n", "append", path).must(t, exitDone)
	if announced := strings.Contains(r.stderr, integrity.ControlBreak); announced != !slices.Contains([]string{"", "recovered", "watermark"}, a.found) {
		t.Errorf("stderr of append is %q", r.stderr)
	}
	v := judged(t, path)
	if v.ExitCode != a.after {
		t.Errorf("after a writer came: %s, bad %v, not proven %q; want exit code %d", v.Verdict, v.Bad, v.NotProven, a.after)
	}
	found := ""
	switch {
	case len(v.Breaks) == 1:
		found = v.Breaks[0].Found
	case len(v.Breaks) > 1:
		found = fmt.Sprintf("%+v", v.Breaks)
	case v.Recovered > 0:
		found = "recovered"
	case len(v.Doubts) > 0:
		found = "watermark"
	}
	if found != a.found {
		t.Errorf("the writer found %q, want %q", found, a.found)
	}
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(data, []byte("sealed afterwards")) {
		t.Errorf("the line of the writer is not in the journal: %v", err)
	}
	// Who goes on after that finds nothing more, and the verdict stays.
	if r := auditchain("and again\n", "append", path).must(t, exitDone); strings.Contains(r.stderr, "journal:") {
		t.Errorf("a second writer found something more: %q", r.stderr)
	}
	if v := judged(t, path); v.ExitCode != a.after {
		t.Errorf("after a second writer: %s; want exit code %d", v.Verdict, a.after)
	}
}

// Attacks on a journal of one file, with a writer between attack and verify:
// writing on hides none of them.
func TestAttackThenReopen(t *testing.T) {
	newStaticKey(t)
	path, data := sealed(t, apiCalls(6))
	original := filepath.Dir(path)
	_, other := sealed(t, apiCalls(6))
	forged := strings.Replace(string(data[bytes.LastIndexByte(data[:len(data)-1], '\n')+1:]), `,"seq":`, ` ,"seq":`, 1)
	// Seven lines that were sealed before the last two; the folder as it was.
	older := t.TempDir()
	copyDir(t, original, older)
	auditchain("one more\n", "append", path).must(t, exitDone)

	for _, a := range []attack{
		{"nothing", func(testing.TB, string) {}, 0, 0, ""},
		{"byte of a line in the middle", tampering("byte", 5), 3, 3, ""},
		// Its tag is still there, and is all that a writer looks at.
		{"byte of the last line", tampering("byte", -1), 3, 3, ""},
		{"line deleted", tampering("delete", 5), 3, 3, integrity.BreakShorter},
		{"lines exchanged", tampering("swap", 5), 3, 3, ""},
		{"line duplicated", tampering("duplicate", 5), 3, 3, integrity.BreakAltered},
		{"line inserted", tampering("insert", 5), 3, 3, integrity.BreakAltered},
		{"last line cut off", tampering("cut", -1), 3, 3, integrity.BreakShorter},
		{"half of the last line cut off", tampering("cutinside", -1), 3, 3, integrity.BreakShorter},
		{"all but the genesis cut off", tampering("cut", 2), 3, 3, integrity.BreakShorter},
		{"emptied", onFile(journalName, func([]byte) []byte { return nil }), 3, 3, integrity.BreakShorter},
		{"removed", removing(journalName), 3, 3, integrity.BreakMissing},
		{"another journal of the same key", onFile(journalName, func([]byte) []byte { return other }), 3, 3, integrity.BreakShorter},
		{"somebody's text", onFile(journalName, func([]byte) []byte { return []byte("dear auditor\n") }), 3, 3, integrity.BreakShorter},
		{"forged line behind the end", onFile(journalName, func(b []byte) []byte { return append(b, forged...) }), 3, 3, integrity.BreakForeign},
		{"last line once more behind the end", tampering("duplicate", -1), 3, 3, integrity.BreakForeign},
		// What a crash can leave is no attack, and an attacker who only writes
		// that has changed nothing.
		{"rubbish behind the end", onFile(journalName, func(b []byte) []byte { return append(b, `{"timestamp":"2026`...) }), 0, 0, "recovered"},
		{"lock file removed", removing(journalName + ".lock"), 0, 0, ""},
		{"cache of ids removed", removing(journalName + ".ids"), 0, 0, ""},
		{"cache of ids filled with ones", onFile(journalName+".ids", func(b []byte) []byte { return bytes.Repeat([]byte{1}, len(b)) }), 0, 0, ""},
		// The watermark.
		{"watermark removed", removing(journalName + ".head"), 4, 4, integrity.BreakNoWatermark},
		{"watermark removed, and the end cut off", func(t testing.TB, dir string) {
			tampering("cut", -2)(t, dir)
			removing(journalName+".head")(t, dir)
		}, 4, 4, integrity.BreakNoWatermark},
		{"watermark emptied", onFile(journalName+".head", func([]byte) []byte { return nil }), 4, 4, integrity.BreakNoWatermark},
		{"first slot of the watermark wiped", onFile(journalName+".head", func(b []byte) []byte { return append(make([]byte, 512), b[512:]...) }), 4, 4, "watermark"},
		// All of the folder as it was before: nothing in it can show that it is
		// old. The time of the watermark says so before a writer comes.
		{"folder of an earlier day", func(t testing.TB, dir string) {
			for _, name := range []string{journalName, journalName + ".head"} {
				data, err := os.ReadFile(filepath.Join(older, name))
				if err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(dir, name), data)
			}
		}, 0, 0, ""},
		// Only the file: the watermark knows better.
		{"file of an earlier day", onFile(journalName, func([]byte) []byte { return data }), 3, 3, integrity.BreakShorter},
	} {
		t.Run(a.name, func(t *testing.T) { a.run(t, original) })
	}
}

// Attacks on the files of a journal that was rotated.
func TestAttackOnSegmentsThenReopen(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		t.Run(fmt.Sprintf("compressed=%t", compressed), func(t *testing.T) {
			newStaticKey(t)
			original, names := rotated(t, compressed)
			foreign, foreignNames := rotated(t, compressed)
			swap := func(a, b string) func(testing.TB, string) {
				return func(t testing.TB, dir string) {
					for _, r := range [][2]string{{a, "x"}, {b, a}, {"x", b}} {
						if err := os.Rename(filepath.Join(dir, r[0]), filepath.Join(dir, r[1])); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
			half := func(b []byte) []byte { return b[:len(b)/2] }
			inItsPlace := integrity.BreakAltered
			if compressed {
				inItsPlace = integrity.BreakShorter // than the plain file was
			}
			attacks := []attack{
				{"nothing", func(testing.TB, string) {}, 0, 0, ""},
				{"first one removed", removing(names[0]), 3, 3, ""},
				{"one in the middle removed", removing(names[1]), 3, 3, ""},
				{"last finished one removed", removing(names[2]), 3, 3, ""},
				{"all finished ones removed", removing(names...), 3, 3, ""},
				{"two exchanged", swap(names[0], names[1]), 3, 3, ""},
				{"one cut", onFile(names[1], half), 3, 3, ""},
				{"one emptied", onFile(names[1], func([]byte) []byte { return nil }), 3, 3, ""},
				{"byte of one", onFile(names[1], flip), 3, 3, ""},
				{"one of another chain", func(t testing.TB, dir string) {
					spliced, err := os.ReadFile(filepath.Join(foreign, foreignNames[0]))
					if err != nil {
						t.Fatal(err)
					}
					write(t, filepath.Join(dir, names[0]), spliced)
				}, 3, 3, ""},
				{"file that is being written removed", removing(journalName), 3, 3, integrity.BreakMissing},
				{"file that is being written emptied", onFile(journalName, func([]byte) []byte { return nil }), 3, 3, integrity.BreakShorter},
				{"finished one in the place of the one that is being written", func(t testing.TB, dir string) {
					if err := os.Rename(filepath.Join(dir, names[2]), filepath.Join(dir, journalName)); err != nil {
						t.Fatal(err)
					}
				}, 3, 3, inItsPlace},
			}
			for _, a := range attacks {
				t.Run(a.name, func(t *testing.T) { a.run(t, original) })
			}
		})
	}
}

// rotated makes a journal of three finished files and the one that is being
// written, and returns its folder and the names of the finished ones.
func rotated(t testing.TB, compressed bool) (dir string, names []string) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, journalName)
	args := []string{"append", "--fsync", "never", "--max-size", "4KiB", path}
	if compressed {
		args = append(args, "--compress")
	}
	for range 4 {
		auditchain(apiCalls(8), args...).must(t, exitDone)
	}
	pattern := "audit-*.jsonl"
	if compressed {
		pattern += ".zst"
	}
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 3 {
		t.Fatalf("finished files: %v, %v", found, err)
	}
	for _, f := range found {
		names = append(names, filepath.Base(f))
	}
	return dir, names
}
