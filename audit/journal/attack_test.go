// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// cutLastCommit takes the newest record out of a journal whose writer did not
// close it, and puts other in the place of the slot that named it.
func cutLastCommit(t *testing.T, path string, other []byte) {
	t.Helper()
	head := readFile(t, path+".head")
	newest, _, err := integrity.ParseHead(head, testKey(t, 'k'))
	if err != nil {
		t.Fatal(err)
	}
	slot := int(newest.Generation%2) * integrity.SlotSize
	copy(head[slot:], other)
	elder, degraded, err := integrity.ParseHead(head, testKey(t, 'k'))
	if err != nil || !degraded {
		t.Fatalf("%+v, degraded %v, %v", elder, degraded, err)
	}
	if err := os.WriteFile(path+".head", head, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, elder.Size); err != nil {
		t.Fatal(err)
	}
}

// A tail cut together with the slot that named it shows, whatever is put in
// its place, and goes on showing after a writer opened the journal again.
func TestCutTailWithItsSlot(t *testing.T) {
	dir := t.TempDir()
	other := open(t, filepath.Join(dir, "other.jsonl"))
	appendOne(t, other, record(uuid.New(), "x"))
	foreign := readFile(t, filepath.Join(dir, "other.jsonl.head"))
	for name, replacement := range map[string]func(old []byte) []byte{
		"blank":                 func([]byte) []byte { return make([]byte, integrity.SlotSize) },
		"an older slot":         func(old []byte) []byte { return old },
		"another journal's":     func([]byte) []byte { return foreign[:integrity.SlotSize] },
		"another journal's odd": func([]byte) []byte { return foreign[integrity.SlotSize:] },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path)
			h := readFile(t, path+".head")
			newest, _, err := integrity.ParseHead(h, testKey(t, 'k'))
			if err != nil {
				t.Fatal(err)
			}
			// (The slot right before the other one would make an older copy of
			// the whole, which only something kept elsewhere can show.)
			old := bytes.Clone(h[int(newest.Generation%2)*integrity.SlotSize:][:integrity.SlotSize])
			for _, body := range []string{"a", "b", "c", "d"} {
				appendOne(t, j, record(uuid.New(), body))
			}
			cutLastCommit(t, path, replacement(old))
			wantVerdict(t, verify(t, path), integrity.PartlyProven)
			for range 2 {
				k := open(t, path)
				appendOne(t, k, record(uuid.New(), "e"))
				if err := k.Close(); err != nil {
					t.Fatal(err)
				}
				r := verify(t, path)
				wantVerdict(t, r, integrity.PartlyProven)
				if len(r.Doubts) != 1 || r.Doubts[0] != (integrity.Doubt{Seq: 6, Watermark: "degraded"}) {
					t.Errorf("doubts %+v", r.Doubts)
				}
			}
		})
	}
}

// A watermark that is removed, overwritten or put back under a running writer
// is made anew from what the writer knows, and the chain says so for ever: what
// another writer sealed since, and somebody cut off, this one does not know.
func TestWatermarkLostUnderAWriter(t *testing.T) {
	var old []byte
	for _, c := range []struct {
		name string
		lose func(t *testing.T, head string)
	}{
		{"removed", func(t *testing.T, head string) { os.Remove(head) }},
		{"overwritten", func(t *testing.T, head string) { os.WriteFile(head, []byte("garbage"), 0o600) }},
		{"put back to an older one", func(t *testing.T, head string) { os.WriteFile(head, old, 0o600) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path)
			appendOne(t, j, record(uuid.New(), "a"))
			old = readFile(t, path+".head")
			appendOne(t, j, record(uuid.New(), "b"))
			appendOne(t, j, record(uuid.New(), "c"))
			c.lose(t, path+".head")
			appendOne(t, j, record(uuid.New(), "d"))
			appendOne(t, j, record(uuid.New(), "e"))
			r := verify(t, path)
			wantVerdict(t, r, integrity.PartlyProven)
			if len(r.Doubts) != 1 || r.Doubts[0].Watermark != integrity.WatermarkRemoved || !strings.Contains(fmt.Sprint(r.NotProven), "removed") {
				t.Errorf("%+v", r)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			wantVerdict(t, verify(t, path), integrity.PartlyProven)
		})
	}
}

// A writer that finds the watermark gone, and lines that another one wrote,
// cannot know whether they are all: it says so.
func TestWatermarkRemovedUnderSeveralWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j, k := open(t, path), open(t, path)
	appendOne(t, j, record(uuid.New(), "a"))
	if err := os.Remove(path + ".head"); err != nil {
		t.Fatal(err)
	}
	appendOne(t, k, record(uuid.New(), "b"))
	appendOne(t, j, record(uuid.New(), "c"))
	if err := errors.Join(j.Close(), k.Close()); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.PartlyProven)
	if len(r.Doubts) != 1 || r.Doubts[0].Watermark != integrity.WatermarkDegraded || r.Records != 3 {
		t.Errorf("%+v", r)
	}
}

// The lock file is removed again and again while two writers work: the lock
// on the journal itself keeps them apart.
func TestLockFileRemovedUnderWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a, b := open(t, path), open(t, path)
	got := make(chan journal.Receipt, 400)
	done := make(chan error, 2)
	for _, j := range []*journal.Journal{a, b} {
		go func() {
			for range 200 {
				rc := make([]journal.Receipt, 1)
				if err := j.Append(t.Context(), []journal.Record{record(uuid.New(), "x")}, rc); err != nil {
					done <- err
					return
				}
				got <- rc[0]
				_ = os.Remove(path + ".lock")
			}
			done <- nil
		}()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	close(got)
	wantVerdict(t, verify(t, path), integrity.Verified)
	found := inFile(t, path)
	for rc := range got {
		if found[rc.ID.String()] != rc.Seq {
			t.Fatalf("receipt says seq %d, the file %d", rc.Seq, found[rc.ID.String()])
		}
	}
}

// Several writers begin one journal at once while the lock file is removed
// under them: there is one chain, and what it acknowledged is in it.
func TestLockFileRemovedAtTheBeginning(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		got := make(chan journal.Receipt, 4)
		done := make(chan error, 4)
		for range 4 {
			go func() {
				defer os.Remove(path + ".lock")
				os.Remove(path + ".lock")
				j, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k')})
				if errors.Is(err, journal.ErrLocked) {
					done <- nil
					return
				}
				if err != nil {
					done <- err
					return
				}
				rc := make([]journal.Receipt, 1)
				err = j.Append(t.Context(), []journal.Record{record(uuid.New(), "x")}, rc)
				if err == nil {
					got <- rc[0]
				}
				done <- errors.Join(err, j.Close())
			}()
		}
		if err := errors.Join(<-done, <-done, <-done, <-done); err != nil {
			t.Fatal(err)
		}
		close(got)
		wantVerdict(t, verify(t, path), integrity.Verified)
		found := inFile(t, path)
		n := 0
		for rc := range got {
			n++
			if found[rc.ID.String()] != rc.Seq {
				t.Fatalf("receipt says seq %d, the file %d", rc.Seq, found[rc.ID.String()])
			}
		}
		if n == 0 {
			t.Fatal("nobody could write")
		}
	}
}

// What somebody writes into the cache of ids neither refuses a batch nor makes
// a record vanish.
func TestHostileIDs(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(slot []byte)
		sum   bool // with the checksum of what it is then
		found bool // the record is recognised all the same
	}{
		{"offset off by one", func(slot []byte) { slot[27]++ }, false, true},
		{"offset off by one, with checksum", func(slot []byte) { slot[27]++ }, true, true},
		{"offset of a control record", func(slot []byte) { clear(slot[22:28]) }, true, true},
		{"offset beyond the end", func(slot []byte) { slot[22] = 0x7f }, true, true},
		{"offset very large", func(slot []byte) { slot[22] = 0xff }, true, true},
		{"another seq", func(slot []byte) { slot[21] ^= 3 }, true, true},
		{"another id", func(slot []byte) { slot[15] ^= 3 }, true, true},
		{"another id of the same mark", func(slot []byte) { slot[0] ^= 3 }, true, false},
		{"nothing", func(slot []byte) { clear(slot) }, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path)
			rec := record(uuid.New(), "victim")
			first := appendOne(t, j, rec)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			b := readFile(t, path+".ids")
			at := bytes.Index(b, rec.ID[:])
			if at < 0 {
				t.Fatal("the id is not in the cache")
			}
			slot := b[at : at+32]
			c.spoil(slot)
			if c.sum {
				binary.BigEndian.PutUint32(slot[28:], crc32.Checksum(slot[:28], crc32.MakeTable(crc32.Castagnoli)))
			}
			if err := os.WriteFile(path+".ids", b, 0o600); err != nil {
				t.Fatal(err)
			}
			j = open(t, path)
			defer j.Close()
			rc := make([]journal.Receipt, 2)
			if err := j.Append(t.Context(), []journal.Record{rec, record(uuid.New(), "innocent")}, rc); err != nil {
				t.Fatal(err)
			}
			if rc[1].Err != nil || rc[1].Duplicate || rc[1].Seq == 0 {
				t.Errorf("innocent: %+v", rc[1])
			}
			if rc[0].Err != nil || rc[0].Duplicate != c.found || c.found && rc[0].Seq != first.Seq {
				t.Errorf("victim: %+v", rc[0])
			}
			wantVerdict(t, verify(t, path), integrity.Verified)
		})
	}
}

// Names that are taken where a crash tail should be kept keep no journal
// shut, and nothing planted there is sealed as a fact.
func TestPlantedTornFiles(t *testing.T) {
	const tail = `{"timestamp":"unfinished`
	for name, plant := range map[string]func(p string) error{
		"file":             func(p string) error { return os.WriteFile(p, []byte("forged evidence"), 0o600) },
		"directory":        func(p string) error { return os.Mkdir(p, 0o700) },
		"symlink":          func(p string) error { return os.Symlink("/nowhere", p) },
		"symlink to other": func(p string) error { return os.Symlink(filepath.Base(p)+".target", p) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path)
			last := appendOne(t, j, record(uuid.New(), "a"))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			planted := fmt.Sprintf("%s.torn-%d", path, last.Seq+2)
			if err := plant(planted); err != nil {
				t.Fatal(err)
			}
			j = open(t, path)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if r := verify(t, path); r.Recovered != 0 {
				t.Errorf("%d recoveries were sealed, and there was none", r.Recovered)
			}
			planted = fmt.Sprintf("%s.torn-%d", path, last.Seq+4)
			if err := plant(planted); err != nil {
				t.Fatal(err)
			}
			appendRaw(t, path, tail)
			j = open(t, path)
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			r := verify(t, path)
			wantVerdict(t, r, integrity.Verified)
			if r.Recovered != 1 || string(readFile(t, planted+".1")) != tail {
				t.Errorf("%+v", r)
			}
		})
	}
}
