// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// The file is taken away from a running writer, which goes on.
func TestRunningWriterGoesOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		attack func(t *testing.T, path string)
		want   integrity.Verdict
		found  string
	}{
		// The writer still has it open, and puts it back.
		{"removed", func(t *testing.T, p string) { os.Remove(p) }, integrity.Verified, integrity.BreakMissing},
		{"renamed", func(t *testing.T, p string) { os.Rename(p, p+".old") }, integrity.Tampered, integrity.BreakMissing},
		{"replaced by a copy", func(t *testing.T, p string) {
			b := readFile(t, p)
			os.Rename(p, p+".old")
			os.WriteFile(p, b, 0o600)
		}, integrity.Verified, ""},
		{"replaced by an older copy", func(t *testing.T, p string) {
			b := readFile(t, p)
			os.Rename(p, p+".old")
			os.WriteFile(p, b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1], 0o600)
		}, integrity.Truncated, integrity.BreakReplaced},
		{"replaced by garbage", func(t *testing.T, p string) {
			os.Rename(p, p+".old")
			os.WriteFile(p, bytes.Repeat([]byte("garbage\n"), 1000), 0o600)
		}, integrity.Tampered, integrity.BreakReplaced},
		{"cut", func(t *testing.T, p string) { os.Truncate(p, 100) }, integrity.Truncated, integrity.BreakShorter},
		{"foreign line", func(t *testing.T, p string) {
			b := readFile(t, p)
			appendRaw(t, p, strings.Replace(string(b[bytes.LastIndexByte(b[:len(b)-1], '\n')+1:]), `"seq":3`, `"seq":4`, 1))
		}, integrity.Tampered, integrity.BreakForeign},
		{"renamed to its finished name", func(t *testing.T, p string) { os.Rename(p, firstSegment(p)) }, integrity.Verified, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j, k := open(t, path), open(t, path)
			victim := record(uuid.New(), "x")
			appendOne(t, k, victim)
			appendOne(t, j, record(uuid.New(), "y"))
			c.attack(t, path)
			appendOne(t, j, record(uuid.New(), "z"))
			appendOne(t, k, record(uuid.New(), "w"))
			again := appendOne(t, k, victim)
			if err := errors.Join(j.Close(), k.Close()); err != nil {
				t.Fatal(err)
			}
			r := verify(t, path)
			wantVerdict(t, r, c.want)
			if c.found != "" {
				wantBreak(t, r, c.found)
			} else if len(r.Breaks) > 0 {
				t.Errorf("breaks %+v", r.Breaks)
			}
			if c.want == integrity.Verified && (!again.Duplicate || r.Records != 4) {
				t.Errorf("%d records; sent again: %+v", r.Records, again)
			}
		})
	}
}

// A running writer does not hide what another one sealed, and somebody cut off
// together with the watermark.
func TestCutBehindARunningWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	appendOne(t, j, record(uuid.New(), "a"))
	known := len(readFile(t, path))
	k := open(t, path)
	appendOne(t, k, record(uuid.New(), "lost"))
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Truncate(path, int64(known)), os.Remove(path+".head")); err != nil {
		t.Fatal(err)
	}
	appendOne(t, j, record(uuid.New(), "b"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.PartlyProven)
}

// What others sealed while a writer was idle, and somebody cut off, shows when
// it comes back: the watermark names more than this writer knew of.
func TestCutUnderAnIdleWriter(t *testing.T) {
	for _, c := range []struct {
		name   string
		attack func(t *testing.T, path string, known int)
		closes bool
		code   int
		lost   bool
	}{
		{"cut to what it knew", func(t *testing.T, p string, known int) { os.Truncate(p, int64(known)) }, false, 3, true},
		{"cut to what it knew, and it only closes", func(t *testing.T, p string, known int) { os.Truncate(p, int64(known)) }, true, 3, true},
		{"cut behind what it knew", func(t *testing.T, p string, known int) { os.Truncate(p, int64(known)+10) }, false, 3, true},
		{"cut in the last line", func(t *testing.T, p string, _ int) { os.Truncate(p, int64(len(readFile(t, p))-5)) }, false, 3, true},
		{"a byte between", func(t *testing.T, p string, known int) {
			b := readFile(t, p)
			b[known+100] ^= 1
			os.WriteFile(p, b, 0o600)
		}, false, 3, false},
		{"removed, with the watermark", func(t *testing.T, p string, _ int) { os.Remove(p); os.Remove(p + ".head") }, false, 4, false},
		{"cut, and the watermark removed", func(t *testing.T, p string, known int) { os.Truncate(p, int64(known)); os.Remove(p + ".head") }, false, 4, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			idle := open(t, path)
			appendOne(t, idle, record(uuid.New(), "a"))
			known := len(readFile(t, path))
			other := open(t, path)
			for range 20 {
				appendOne(t, other, record(uuid.New(), "b"))
			}
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
			c.attack(t, path, known)
			if !c.closes {
				appendOne(t, idle, record(uuid.New(), "c"))
			}
			if err := idle.Close(); err != nil {
				t.Fatal(err)
			}
			if r := verify(t, path); r.Verdict.ExitCode() != c.code {
				t.Errorf("%s: %v, %q", r.Verdict, r.First(), r.NotProven)
			}
		})
	}
}

// After an attack under two writers, what they acknowledge is there: neither
// takes the other's lines for a torn end.
func TestTwoWritersAfterAnAttack(t *testing.T) {
	for _, c := range []struct {
		name   string
		attack func(t *testing.T, path string)
	}{
		{"cut by 5 bytes", func(t *testing.T, p string) { os.Truncate(p, int64(len(readFile(t, p))-5)) }},
		{"cut by a line", func(t *testing.T, p string) {
			b := readFile(t, p)
			os.Truncate(p, int64(bytes.LastIndexByte(b[:len(b)-1], '\n')+1))
		}},
		{"older copy", func(t *testing.T, p string) { os.WriteFile(p, readFile(t, p)[:900], 0o600) }},
		{"garbage", func(t *testing.T, p string) { os.WriteFile(p, bytes.Repeat([]byte("garbage\n"), 1000), 0o600) }},
		{"removed", func(t *testing.T, p string) { os.Remove(p) }},
		{"folder in its place", func(t *testing.T, p string) { os.Remove(p); os.Mkdir(p, 0o700) }},
		{"symlink in its place", func(t *testing.T, p string) { os.Remove(p); os.Symlink("/nowhere", p) }},
		{"watermark removed", func(t *testing.T, p string) { os.Remove(p + ".head") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			writers := []*journal.Journal{open(t, path), open(t, path)}
			for i := range 4 {
				appendOne(t, writers[i%2], record(uuid.New(), "before"))
			}
			c.attack(t, path)
			want := map[string]uint64{}
			for i := range 10 {
				rc := appendOne(t, writers[i/2%2], record(uuid.New(), "after"))
				want[rc.ID.String()] = rc.Seq
			}
			if err := errors.Join(writers[0].Close(), writers[1].Close()); err != nil {
				t.Fatal(err)
			}
			r, err := journal.NewReader(path)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for {
				line, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					continue // what the attack left
				}
				if line.Kind == integrity.Record {
					_, rest, _ := bytes.Cut(line.Payload, []byte(`"id":"`))
					if want[string(rest[:36])] == line.Seq {
						delete(want, string(rest[:36]))
					}
				}
			}
			if len(want) > 0 {
				t.Errorf("acknowledged, and not there: %v", want)
			}
		})
	}
}
