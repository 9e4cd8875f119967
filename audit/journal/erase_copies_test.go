// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
	"github.com/google/uuid"
)

// What a crash or a break left beside the journal holds copies of an erased
// record, whole ones and pieces, also of an earlier attempt to seal it: they
// go, and what is of other records stays.
func TestEraseCopies(t *testing.T) {
	id, other := uuid.New(), uuid.New()
	rec := record(id, "the content that is erased")
	earlier := bytes.Replace(rec.Payload, []byte(`"blind":"000`), []byte(`"blind":"abc`), 1)
	if bytes.Equal(earlier, rec.Payload) {
		t.Fatal("nothing was replaced")
	}
	neighbour := record(other, "another content").Payload
	line := func(payload []byte) []byte { return integrity.AppendSuffix(bytes.Clone(payload), 7, integrity.Hash{7}) }
	concat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	at := bytes.Index(rec.Payload, []byte("content that"))
	for name, c := range map[string]struct {
		holds []byte
		stays []string
	}{
		"the line":                 {line(rec.Payload), nil},
		"of an earlier attempt":    {line(earlier), nil},
		"between others":           {concat(line(neighbour), line(rec.Payload), line(neighbour)), []string{string(line(neighbour))}},
		"its beginning":            {concat(line(neighbour), rec.Payload[:at+7]), []string{string(line(neighbour))}},
		"its beginning, earlier":   {earlier[:len(earlier)-5], nil},
		"its middle, between NULs": {concat(make([]byte, 512), rec.Payload[at:at+9], make([]byte, 100), []byte("kept")), []string{"kept"}},
		"its end, behind another":  {concat([]byte("what another line had, "), rec.Payload[at-20:]), []string{"what another line had, "}},
		"the rest of another line": {neighbour[40:70], nil},
		"nothing of it":            {concat(line(neighbour), []byte("x\x00Z!\n")), []string{string(line(neighbour)), "x\x00Z!\n"}},
		"nothing":                  {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path, erasable, func(o *journal.Options) { o.Fsync = journal.FsyncNever })
			seq := appendOne(t, j, rec).Seq
			suffixes := []string{".torn-9", ".torn-9.1", ".broken-9"}
			for _, suffix := range suffixes {
				if err := os.WriteFile(path+suffix, c.holds, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r := erase(t, j, seq)
			for _, suffix := range suffixes {
				now := readFile(t, path+suffix)
				if len(now) != len(c.holds) || bytes.Contains(now, []byte("that is erased")) || bytes.Contains(now, []byte("content that")) {
					t.Errorf("%q", now)
				}
				for _, text := range c.stays {
					if !bytes.Contains(now, []byte(text)) {
						t.Errorf("%q is not in %q", text, now)
					}
				}
				if changed := !bytes.Equal(now, c.holds); changed != slices.Contains(r[0].Cleaned, "audit.jsonl"+suffix) {
					t.Errorf("changed %v, and said: %q", changed, r[0].Cleaned)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			nowhere(t, path, "that is erased")
		})
	}
}

// A record that was given up with its file, because the disk refused to sync
// it, and was sent and sealed again: both go, and what was given up beside it
// still follows.
func TestEraseGivenUp(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		t.Run(fmt.Sprint(compressed), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			fsys := faultfs.New()
			j := open(t, path, erasable, func(o *journal.Options) { o.FS = fsys })
			appendOne(t, j, record(uuid.New(), "first"))
			secret, next := record(uuid.New(), "the secret"), record(uuid.New(), "beside it")
			fsys.Fail(faultfs.Sync, "audit.jsonl", 0, 1, faultfs.Fault{Err: syscall.EIO})
			if err := j.Append(t.Context(), []journal.Record{secret, next}, make([]journal.Receipt, 2)); !errors.Is(err, journal.ErrWrite) {
				t.Fatal(err)
			}
			fsys.Heal()
			seq := appendOne(t, j, secret).Seq
			appendOne(t, j, next)
			if compressed {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = open(t, path, rotating(journal.Rotation{Compress: true}))
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = open(t, path)
			}
			first := segments(t, path)[0]
			before := contents(t, first.Path)
			if first.Compressed != compressed || bytes.Count(before, []byte("the secret")) != 1 {
				t.Fatalf("%s: %q", first.Path, before)
			}
			was := verify(t, path)
			wantVerdict(t, was, integrity.Verified)
			erase(t, j, seq)
			nowhere(t, path, "the secret")
			after := contents(t, first.Path)
			if len(after) != len(before) || strings.Count(string(after), "beside it") != 1 || !bytes.Contains(after, []byte(`{"erased":"`)) {
				t.Errorf("%q", after)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			r := verify(t, path)
			wantVerdict(t, r, integrity.Verified)
			if r.AbandonedBytes != was.AbandonedBytes {
				t.Errorf("%d bytes abandoned, and then %d", was.AbandonedBytes, r.AbandonedBytes)
			}
		})
	}
}
