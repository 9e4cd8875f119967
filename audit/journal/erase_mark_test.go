// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
)

// interrupted leaves an erasure that is sealed, and of which nothing else is
// done.
func interrupted(t *testing.T) (path string, seq uint64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "audit.jsonl")
	fsys := faultfs.New()
	j := open(t, path, erasable, func(o *journal.Options) { o.FS = fsys })
	seq = appendOne(t, j, record(uuid.New(), "the secret")).Seq
	fsys.Fail(faultfs.Rename, ".jsonl.part", 0, 1, faultfs.Fault{Err: syscall.EIO})
	_, err := j.Erase(t.Context(), []journal.Erasure{order(t, seq)})
	if !errors.Is(err, journal.ErrUnfinished) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("%v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path, seq
}

func kindOfLine(t *testing.T, path string, seq uint64) integrity.Kind {
	t.Helper()
	return chainOf(t, path)[seq-1].Kind
}

func reports(all *[]string) func(*journal.Options) {
	return func(o *journal.Options) { o.Report = func(err error) { *all = append(*all, err.Error()) } }
}

// Without its marker, an opening does not know of an erasure that is not
// complete; whoever reads the whole chain does.
func TestEraseMarkerRemoved(t *testing.T) {
	path, seq := interrupted(t)
	if err := os.Remove(path + ".erase"); err != nil {
		t.Fatal(err)
	}
	j := open(t, path)
	if kindOfLine(t, path, seq) != integrity.Record {
		t.Fatal("the opening read the whole chain")
	}
	r, err := j.CompleteErasures(t.Context())
	if err != nil || len(r) != 1 || r[0].Seq != seq || r[0].Sealed == 0 || !r[0].Already {
		t.Fatalf("%+v, %v", r, err)
	}
	nowhere(t, path, "the secret")
	if r, err := j.CompleteErasures(t.Context()); err != nil || len(r) != 0 {
		t.Errorf("again: %+v, %v", r, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

// A compressed copy that somebody put back beside the file is found by whoever
// reads the whole chain.
func TestEraseTwinPutBack(t *testing.T) {
	path, seq := interrupted(t)
	file := segments(t, path)[0].Path
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file+".zst", string(z.EncodeAll(readFile(t, file), nil)))
	twin := string(readFile(t, file+".zst"))
	j := open(t, path) // completes it
	nowhere(t, path, "the secret")
	write(t, file+".zst", twin)
	r, err := j.CompleteErasures(t.Context())
	if err != nil || len(r) != 1 || r[0].Seq != seq {
		t.Errorf("%+v, %v", r, err)
	}
	nowhere(t, path, "the secret")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

// The same Erase again completes it, and seals nothing new.
func TestEraseAgainCompletes(t *testing.T) {
	path, seq := interrupted(t)
	lines := len(chainOf(t, path))
	var said []string
	// On hold, an opening leaves it as it is, and says so.
	if err := os.WriteFile(path+".hold", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, path, reports(&said))
	if len(said) != 1 || !strings.Contains(said[0], "on hold") || kindOfLine(t, path, seq) != integrity.Record {
		t.Errorf("%q", said)
	}
	if err := os.Remove(path + ".hold"); err != nil {
		t.Fatal(err)
	}
	r := erase(t, j, seq)
	if !r[0].Already || r[0].Sealed == 0 {
		t.Errorf("%+v", r)
	}
	nowhere(t, path, "the secret")
	if now := len(chainOf(t, path)); now != lines+1 { // chain.opened
		t.Errorf("%d lines, and then %d", lines, now)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// A marker is not trusted: it erases nothing that the chain does not say is
// erased, and whatever it is, it keeps no journal shut.
func TestEraseMarkerForged(t *testing.T) {
	for name, forge := range map[string]func(t *testing.T, path, chain string){
		"another line": func(t *testing.T, path, chain string) {
			write(t, path, "auditchain-erase v1 "+chain+"\n3 1 1\n4 1 1\n1 1 99999999999999999999\n2 1 77\n")
		},
		"another chain": func(t *testing.T, path, _ string) {
			write(t, path, "auditchain-erase v1 "+uuid.NewString()+"\n3 1 1\n")
		},
		"garbage": func(t *testing.T, path, _ string) { write(t, path, "\x00\xff\n\n") },
		"empty":   func(t *testing.T, path, _ string) { write(t, path, "") },
		"folder": func(t *testing.T, path, _ string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"link": func(t *testing.T, path, _ string) {
			if err := os.Symlink("/etc/passwd", path); err != nil {
				t.Fatal(err)
			}
		},
		"fifo": func(t *testing.T, path, _ string) {
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path, erasable)
			for i := range 3 {
				appendOne(t, j, record(uuid.New(), fmt.Sprint("kept", i)))
			}
			chain := integrity.ChainID(j.Chain()).String()
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			forge(t, path+".erase", chain)
			var said []string
			j = open(t, path, reports(&said))
			appendOne(t, j, record(uuid.New(), "goes on"))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			for _, l := range chainOf(t, path) {
				if l.Kind == integrity.Tombstone {
					t.Errorf("line %d was erased", l.Seq)
				}
			}
			_, err := os.Lstat(path + ".erase")
			if gone := errors.Is(err, os.ErrNotExist); gone == (len(said) == 1) || len(said) > 1 {
				t.Errorf("gone: %v, said: %q", gone, said)
			}
			wantVerdict(t, verify(t, path), integrity.Verified)
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A new chain takes the marker of the old one along: it is about that.
func TestEraseMarkerOfAnOldChain(t *testing.T) {
	path, _ := interrupted(t)
	j := open(t, path, erasable, func(o *journal.Options) { o.NewChain = "test" })
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := filepath.Glob(filepath.Join(path+".old-*", "audit.jsonl.erase"))
	if err != nil || len(old) != 1 {
		t.Errorf("%q %v", old, err)
	}
	left, err := journal.Remnants(path)
	if err != nil || len(left) != 1 || !left[0].Folder || left[0].ModTime.IsZero() {
		t.Errorf("%+v %v", left, err)
	}
	if _, err := journal.Open(t.Context(), path+".erase", journal.Options{Key: testKey(t, 'k')}); !errors.Is(err, journal.ErrUnsafe) {
		t.Errorf("a journal with the name of a marker: %v", err)
	}
}

// Somebody who follows is in the middle of a file when that is replaced, and
// another one begins behind it: neither misses a line, nor calls anything
// wrong.
func TestEraseUnderAFollower(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, erasable)
	var last uint64
	for range 50 {
		last = appendOne(t, j, record(uuid.New(), strings.Repeat("x", 4000))).Seq
	}
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	follow := func() *journal.Follower {
		f, err := journal.NewFollower(path, journal.FollowOptions{Key: testKey(t, 'k')})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	next := func(f *journal.Follower, from, to uint64) {
		t.Helper()
		for seq := from; seq <= to; seq++ {
			if l, err := f.Next(t.Context()); err != nil || l.Seq != seq {
				t.Fatalf("seq %d: %d, %v", seq, l.Seq, err)
			}
		}
	}
	reader, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	before, atEnd := follow(), follow()
	next(before, 1, 10)
	next(atEnd, 1, last)
	for seq := uint64(1); seq <= 10; seq++ {
		if l, err := reader.Next(); err != nil || l.Seq != seq {
			t.Fatal(l.Seq, err)
		}
	}
	results := erase(t, j, 5, 20, last)
	sealed := results[2].Sealed
	next(before, 11, sealed)
	next(atEnd, last+1, sealed)
	next(follow(), 1, sealed)
	for seq := uint64(11); seq <= sealed; seq++ {
		if l, err := reader.Next(); err != nil || l.Seq != seq {
			t.Fatal(l.Seq, err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// While somebody compresses the file, it is not replaced, and nothing is
// sealed.
func TestEraseWaitsForCompression(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, erasable, func(o *journal.Options) { o.LockTimeout = 20 * time.Millisecond })
	seq := appendOne(t, j, record(uuid.New(), "the secret")).Seq
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := len(chainOf(t, path))
	f, err := os.Open(segments(t, path)[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Erase(t.Context(), []journal.Erasure{order(t, seq)}); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("%v", err)
	}
	if now := len(chainOf(t, path)); now != before {
		t.Errorf("%d lines, and then %d", before, now)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	erase(t, j, seq)
	nowhere(t, path, "the secret")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
