// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditcheckpointreceiver

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/auditchain/auditchain/integrity"
)

func signer(t testing.TB, seed byte) integrity.SigningKey {
	t.Helper()
	k, err := integrity.NewSigningKey(integrity.KindCheckpoint, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var chain = integrity.ChainID{0x5c, 0x0e}

// note is the signed checkpoint of a size.
func note(t testing.TB, size uint64) string {
	t.Helper()
	b, err := integrity.Checkpoint{Chain: chain, Size: size, Root: integrity.Leaf([]byte{byte(size)})}.Sign(signer(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// entry is a note as it stands in the file.
func entry(t testing.TB, size uint64) string { return note(t, size) + "\n" }

func write(t testing.TB, path string, text ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(text, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t testing.TB, path string, text ...string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(strings.Join(text, ""))
	if cerr := f.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
}

// replace puts another file in the place of one.
func replace(t testing.TB, path string, text ...string) {
	t.Helper()
	write(t, path+".new", text...)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// looks reads to the end, as the receiver does when everything is taken.
func looks(t testing.TB, tl *tail) (sizes []uint64, malformed int, replaced bool) {
	t.Helper()
	for {
		f, err := tl.look()
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range f.notes {
			c, err := integrity.OpenCheckpoint(n, signer(t, 1).Public())
			if err != nil {
				t.Errorf("%v: %q", err, n)
			}
			sizes = append(sizes, c.Size)
		}
		malformed += f.malformed
		replaced = replaced || f.replaced
		*tl = f.next
		if !f.more {
			return sizes, malformed, replaced
		}
	}
}

func expect(t testing.TB, what string, tl *tail, replaced bool, malformed int, want ...uint64) {
	t.Helper()
	got, bad, again := looks(t, tl)
	if !equal(got, want) || bad != malformed || again != replaced {
		t.Errorf("%s: sizes %v, malformed %d, replaced %v; want %v, %d, %v", what, got, bad, again, want, malformed, replaced)
	}
}

func equal(a, b []uint64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl.checkpoints")
	tl := &tail{path: path}
	expect(t, "no file", tl, false, 0)
	write(t, path)
	expect(t, "an empty one", tl, false, 0)
	appendTo(t, path, entry(t, 1), entry(t, 2))
	expect(t, "two", tl, false, 0, 1, 2)
	expect(t, "nothing new", tl, false, 0)
	// Byte by byte: nothing is taken before it is whole.
	for _, c := range []byte(note(t, 3)) {
		appendTo(t, path, string([]byte{c}))
		expect(t, "a part", tl, false, 0)
	}
	appendTo(t, path, "\n")
	expect(t, "the whole", tl, false, 0, 3)
	appendTo(t, path, "\n\n", entry(t, 4))
	expect(t, "behind more empty lines", tl, false, 0, 4)
	appendTo(t, path, "<garbage>\n\n", entry(t, 5), "auditchain/torn\n12", "\n", entry(t, 6), entry(t, 7))
	expect(t, "garbage and a torn one", tl, false, 2, 5, 6, 7)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect(t, "removed", tl, false, 0)
	appendTo(t, path, entry(t, 8))
	expect(t, "made anew", tl, true, 0, 8)
	write(t, path, entry(t, 9)[:20])
	expect(t, "cut", tl, true, 0)
	write(t, path, entry(t, 9), entry(t, 10))
	expect(t, "gone on", tl, false, 0, 9, 10)
	replace(t, path, entry(t, 9), entry(t, 10), entry(t, 11))
	expect(t, "replaced", tl, true, 0, 9, 10, 11)
	write(t, path, entry(t, 12), entry(t, 13), entry(t, 14), entry(t, 15)) // in place, and longer
	expect(t, "overwritten", tl, true, 0, 12, 13, 14, 15)
}

// Whatever the file holds, a look reads a bounded part of it, and gets on.
func TestTailIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	var all strings.Builder
	var want []uint64
	for i := uint64(1); all.Len() < 3*maxRead; i++ {
		all.WriteString(entry(t, i))
		want = append(want, i)
	}
	write(t, path, all.String())
	f, err := (&tail{path: path}).look()
	if err != nil || !f.more || f.next.offset > maxRead {
		t.Errorf("read %d bytes, more %v, %v", f.next.offset, f.more, err)
	}
	expect(t, "many", &tail{path: path}, false, 0, want...)

	for name, garbage := range map[string]string{
		"no line end":     strings.Repeat("x", 5*maxRead),
		"a note for ever": "auditchain/" + strings.Repeat("x\n", 2*maxRead),
		"beginnings":      strings.Repeat("\nauditchain/", maxRead/4),
		"empty lines":     strings.Repeat("\n", 3*maxRead),
	} {
		write(t, path, garbage, "\n", entry(t, 1))
		tl := &tail{path: path}
		got, _, _ := looks(t, tl)
		if !equal(got, []uint64{1}) {
			t.Errorf("%s: sizes %v", name, got)
		}
	}
}

func TestNewest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	begin := func() *tail {
		tl := &tail{path: path}
		if err := tl.newest(); err != nil {
			t.Fatal(err)
		}
		return tl
	}
	tl := begin()
	appendTo(t, path, entry(t, 1), entry(t, 2))
	expect(t, "no file at first", tl, false, 0, 1, 2)
	tl = begin()
	appendTo(t, path, entry(t, 3))
	expect(t, "the newest, and what comes", tl, false, 0, 2, 3)
	appendTo(t, path, entry(t, 4)[:30])
	tl = begin()
	expect(t, "the newest that is whole", tl, false, 0, 3)
	appendTo(t, path, entry(t, 4)[30:])
	expect(t, "then it is whole", tl, false, 0, 4)
	var long strings.Builder
	for i := uint64(1); i <= 1000; i++ {
		long.WriteString(entry(t, i))
	}
	write(t, path, long.String())
	expect(t, "of many", begin(), false, 0, 1000)
	write(t, path, strings.Repeat("x", 4*maxNote))
	tl = begin()
	appendTo(t, path, "\n", entry(t, 5))
	expect(t, "of garbage", tl, false, 0, 5)
}

// What is no file is refused at once, and not waited for.
func TestNoRegularFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := (&tail{path: path}).look(); done <- err }()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("error is %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits for a writer")
	}
}

// A cut gets on, and gives nothing that does not stand there.
func FuzzCut(f *testing.F) {
	f.Add([]byte(entry(f, 1) + entry(f, 2)))
	f.Add([]byte("x\nauditchain/\n\n\n\nauditchain/"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for len(b) > 0 {
			note, n, whole := cut(b)
			if !whole {
				if len(b) > maxNote {
					t.Fatalf("waits for more behind %d bytes", len(b))
				}
				return
			}
			if n <= 0 || n > len(b) || len(note) >= n || !bytes.HasPrefix(b, note) {
				t.Fatalf("cut %d of %d, note %q", n, len(b), note)
			}
			b = b[n:]
		}
	})
}
