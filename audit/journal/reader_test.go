// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/vfs"
)

// readAll reads to the end and says what came, with the places of all lines
// checked.
func readAll(t testing.TB, path string) (got string, r *Reader) {
	t.Helper()
	r, err := NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var events []string
	number, file := int64(0), ""
	for {
		line, err := r.Next()
		if r.Path() != file {
			file, number = r.Path(), 0
		}
		var bad *LineError
		var gap *GapError
		switch {
		case err == io.EOF:
			return runs(events), r
		case errors.As(err, &gap):
			if gap.Path != file {
				t.Errorf("the gap is said to be before %q, not %q", gap.Path, file)
			}
			events = append(events, fmt.Sprintf("gap %d %d", gap.After, gap.Next))
			continue
		case errors.As(err, &bad):
			number++
			if bad.Path != file || bad.Line != number {
				t.Errorf("%v, in line %d of %q", bad, number, file)
			}
			events = append(events, "bad")
		case err != nil:
			t.Fatal(err)
		default:
			number++
			if line.Number != number {
				t.Errorf("seq %d is line %d of %q, and said to be line %d", line.Seq, number, file, line.Number)
			}
			events = append(events, fmt.Sprint("seq ", line.Seq))
		}
	}
}

func wantRead(t testing.TB, path, want string) *Reader {
	t.Helper()
	got, r := readAll(t, path)
	if got != want {
		t.Errorf("%s: read %q, want %q", path, got, want)
	}
	return r
}

// three makes a journal of three files: 1-4, 5-8, 9-10.
func three(t testing.TB) (h *handmade, first, second string) {
	h = newHandmade(t)
	h.records(3)
	first = h.rotate()
	h.records(3)
	second = h.rotate()
	h.records(1)
	h.mark()
	return h, first, second
}

func TestReaderReadsAllFiles(t *testing.T) {
	h, first, second := three(t)
	wantRead(t, h.path, "1-10")
	wantRead(t, h.dir, "1-10")
	wantRead(t, second, "5-8")
	compressed := h.compress(first)
	wantRead(t, h.path, "1-10")
	wantRead(t, compressed, "1-4")
	wantRead(t, first, "1-4") // it has another form by now
	h.compress(second)
	wantRead(t, h.path, "1-10")
	// A plain one beside the compressed one counts.
	h.check(os.WriteFile(compressed, []byte("unfinished"), 0o600))
	h.check(os.WriteFile(first, nil, 0o600))
	wantRead(t, h.path, "bad, 5-10")
}

// A crash at any step of a rotation leaves what can be read.
func TestReaderInTheMiddleOfARotation(t *testing.T) {
	h := newHandmade(t)
	h.records(3)
	h.mark()
	name := h.finish()
	wantRead(t, h.path, "1-4") // no active file
	wantRead(t, h.dir, "1-4")
	h.write(nil)
	wantRead(t, h.path, "1-4") // an empty one
	line := h.segmentLine("size")
	h.write(line[:len(line)/2])
	wantRead(t, h.path, "1-4") // a torn first line, beyond the watermark
	h.check(os.WriteFile(h.path, line, 0o600))
	wantRead(t, h.path, "1-5")
	wantRead(t, name, "1-4")
}

// What the next file says was abandoned is passed over, and counted.
func TestReaderAbandoned(t *testing.T) {
	for _, compress := range []bool{false, true} {
		h := newHandmade(t)
		h.records(3)
		kept := *h
		h.records(2)
		h.write([]byte("half a line"))
		abandoned := h.at.Size - kept.at.Size + 11
		name := h.finish()
		h.at = kept.at
		h.write(h.segmentLine("sync_failed"))
		h.records(1)
		if compress {
			name = h.compress(name)
		}
		if r := wantRead(t, h.path, "1-6"); r.Abandoned() != abandoned {
			t.Errorf("%d bytes abandoned, want %d", r.Abandoned(), abandoned)
		}
		if r := wantRead(t, name, "1-4"); r.Abandoned() != abandoned {
			t.Errorf("alone: %d bytes abandoned, want %d", r.Abandoned(), abandoned)
		}
	}
}

func TestReaderGaps(t *testing.T) {
	h, first, second := three(t)
	text, err := os.ReadFile(second)
	h.check(err)
	h.check(os.Remove(second))
	wantRead(t, h.path, "1-4, gap 4 9, 9-10")
	// One that ends too early.
	lines := strings.SplitAfter(string(text), "\n")
	h.check(os.WriteFile(second, []byte(lines[0]+lines[1]), 0o600))
	wantRead(t, h.path, "1-6, gap 6 9, 9-10")
	// Bad lines are said once: they are no gap besides.
	h.check(os.WriteFile(second, []byte(lines[0]+lines[1]+lines[2]+"altered\n"), 0o600))
	wantRead(t, h.path, "1-7, bad, 9-10")
	h.check(os.WriteFile(second, []byte(lines[0]+lines[1]+"altered\n"), 0o600))
	wantRead(t, h.path, "1-6, bad, gap 6 9, 9-10")
	// The first files are gone: retention, or not. Only Verify tells.
	h.check(os.Remove(first))
	h.check(os.WriteFile(second, text, 0o600))
	wantRead(t, h.path, "5-10")
}

// What happens to the files while they are read.
func TestReaderWhileFilesChange(t *testing.T) {
	begin := func(t *testing.T) (h *handmade, r *Reader, second string) {
		h, _, second = three(t)
		r, err := NewReader(h.path)
		h.check(err)
		t.Cleanup(func() { r.Close() })
		if line, err := r.Next(); err != nil || line.Seq != 1 {
			t.Fatal(line.Seq, err)
		}
		return h, r, second
	}
	rest := func(r *Reader) string {
		var events []string
		for {
			line, err := r.Next()
			if err == io.EOF {
				return runs(events)
			}
			if err != nil {
				events = append(events, err.Error())
				continue
			}
			events = append(events, fmt.Sprint("seq ", line.Seq))
		}
	}
	t.Run("compressed", func(t *testing.T) {
		h, r, second := begin(t)
		h.compress(second)
		if got := rest(r); got != "2-10" {
			t.Error(got)
		}
	})
	t.Run("removed", func(t *testing.T) {
		h, r, second := begin(t)
		h.check(os.Remove(second))
		want := fmt.Sprintf("2-4, %s: goes on with seq 9 after seq 4: 4 missing in between; run: auditchain verify, 9-10", h.path)
		if got := rest(r); got != want {
			t.Error(got)
		}
	})
	t.Run("rotated", func(t *testing.T) {
		h, r, _ := begin(t)
		h.rotate()
		h.compress(h.rotate())
		h.records(1)
		if got := rest(r); got != "2-13" {
			t.Error(got)
		}
	})
	t.Run("in the middle of a rotation", func(t *testing.T) {
		h, r, _ := begin(t)
		h.finish()
		if got := rest(r); got != "2-10" {
			t.Error(got)
		}
	})
	t.Run("written", func(t *testing.T) {
		h, r, _ := begin(t)
		if got := rest(r); got != "2-10" {
			t.Error(got)
		}
		h.records(2)
		if got := rest(r); got != "11-12" {
			t.Error("after the end: ", got)
		}
	})
}

// What a compressed file holds is content like any: broken, it is a bad line.
func TestReaderBrokenCompression(t *testing.T) {
	h, first, _ := three(t)
	first = h.compress(first)
	h.edit(first, func(b []byte) []byte { return b[:len(b)/2] })
	wantRead(t, h.path, "bad, 5-10")
	h.check(os.WriteFile(first, []byte("no frame"), 0o600))
	wantRead(t, h.path, "bad, 5-10")
}

func TestReaderFolders(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ add, found, problem string }{
		{"notes.txt", "", "holds no journal"},
		{"gone.jsonl.lock", "", "holds no journal"},
		{"a-00000000000000000005.jsonl.zst", "a.jsonl", ""},
		{"a.jsonl", "a.jsonl", ""},
		{"a.jsonl.head", "a.jsonl", ""},
		{"a.jsonl.lock", "a.jsonl", ""},
		{"a.jsonl.torn-7", "a.jsonl", ""},
		{"b.jsonl.head", "", `holds 2 journals (["a.jsonl" "b.jsonl"]); name one of them`},
	} {
		file(step.add)
		s, err := findSequence(vfs.OS, dir)
		switch {
		case step.problem != "":
			if err == nil || !strings.Contains(err.Error(), step.problem) {
				t.Errorf("with %s: error %v, want %q", step.add, err, step.problem)
			}
		case err != nil || s.journal != filepath.Join(dir, step.found):
			t.Errorf("with %s: %+v, %v", step.add, s, err)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	h, first, _ := three(t)
	for _, path := range []string{filepath.Join(h.dir, "absent.jsonl"), segmentPath(h.path, 77), h.path + ".zst"} {
		if _, err := NewReader(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	link := filepath.Join(h.dir, "link.jsonl")
	h.check(os.Symlink(first, link))
	if _, err := NewReader(link); err == nil {
		t.Error("a symbolic link was read")
	}
	h.check(os.Mkdir(segmentPath(h.path, 7), 0o700))
	r, err := NewReader(h.path)
	h.check(err)
	defer r.Close()
	for err == nil {
		_, err = r.Next()
	}
	// Nothing is missing: it is no segment.
	if err != io.EOF {
		t.Errorf("a folder with a segment's name: %v", err)
	}
}

// Memory does not grow with the journal.
func TestReaderMemory(t *testing.T) {
	h := newHandmade(t)
	for range 4 {
		h.records(50_000)
		h.compress(h.rotate())
	}
	r, err := NewReader(h.path)
	h.check(err)
	defer r.Close()
	n := 0
	heap := heapGrowth(func() {
		for {
			if _, err := r.Next(); err != nil {
				if err != io.EOF {
					t.Error(err)
				}
				return
			}
			n++
		}
	})
	if n < 200_000 {
		t.Errorf("%d lines", n)
	}
	if size := int64(h.at.Seq) * 150; heap > 4<<20 || heap > size/4 {
		t.Errorf("the heap grew by %d bytes", heap)
	}
}

// heapGrowth is how much more f holds at its end than before it.
func heapGrowth(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}
