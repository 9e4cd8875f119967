// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
	"github.com/google/uuid"
)

// Each call that a commit makes is made to fail; then the journal goes on by
// itself, and in the end each acknowledged record is there once, and the chain
// verifies.
func TestFaultsInACommit(t *testing.T) {
	for _, c := range []struct {
		name  string
		op    faultfs.Op
		file  string
		fault faultfs.Fault
		want  error
	}{
		{"disk full", faultfs.Write, "audit.jsonl", faultfs.Fault{Err: syscall.ENOSPC}, journal.ErrWrite},
		{"short write", faultfs.Write, "audit.jsonl", faultfs.Fault{Err: syscall.ENOSPC, Partial: 30}, journal.ErrWrite},
		{"write done and reported as failed", faultfs.Write, "audit.jsonl", faultfs.Fault{Err: syscall.EIO, Partial: -1}, journal.ErrWrite},
		{"sync fails", faultfs.Sync, "audit.jsonl", faultfs.Fault{Err: syscall.EIO}, journal.ErrWrite},
		{"sync done and reported as failed", faultfs.Sync, "audit.jsonl", faultfs.Fault{Err: syscall.EIO, Partial: -1}, journal.ErrWrite},
		{"watermark not written", faultfs.Write, ".head", faultfs.Fault{Err: syscall.ENOSPC}, journal.ErrUncertain},
		{"watermark torn", faultfs.Write, ".head", faultfs.Fault{Err: syscall.EIO, Partial: 100}, journal.ErrUncertain},
		{"ids not written", faultfs.Write, ".ids", faultfs.Fault{Err: syscall.ENOSPC}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			fsys := faultfs.New()
			j := open(t, path, func(o *journal.Options) { o.FS = fsys })
			first := appendOne(t, j, record(uuid.New(), "first"))

			fsys.Fail(c.op, c.file, 0, 1, c.fault)
			victim := record(uuid.New(), "victim")
			rc := make([]journal.Receipt, 1)
			err := j.Append(t.Context(), []journal.Record{victim}, rc)
			if !errors.Is(err, c.want) || c.want != nil && (!errors.Is(err, c.fault.Err) || !journal.Retryable(err)) {
				t.Fatalf("append: %v, want %v", err, c.want)
			}
			if got := fsys.Calls(c.op); got == 0 {
				t.Fatal("the fault was never met")
			}
			fsys.Heal()
			appendOne(t, j, victim) // the client tries again
			appendOne(t, j, record(uuid.New(), "next"))
			if err := j.Close(); err != nil {
				t.Errorf("close: %v", err)
			}

			j = open(t, path)
			again := appendOne(t, j, victim)
			if !again.Duplicate {
				t.Errorf("the record was sealed twice: %+v", again)
			}
			if rc := appendOne(t, j, record(uuid.New(), "last")); rc.Seq <= first.Seq {
				t.Errorf("seq %d after %d", rc.Seq, first.Seq)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			r := verify(t, path)
			wantVerdict(t, r, integrity.Verified)
			if r.Records != 4 {
				t.Errorf("%d records, want 4", r.Records)
			}
		})
	}
}

// A write that fails and cannot be taken back leaves an unknown end: the next
// commit looks at the disk, and sets the end aside.
func TestRollBackFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	fsys := faultfs.New()
	j := open(t, path, func(o *journal.Options) { o.FS = fsys })
	fsys.Fail(faultfs.Write, "audit.jsonl", 0, 1, faultfs.Fault{Err: syscall.ENOSPC, Partial: 50})
	fsys.Fail(faultfs.Truncate, "audit.jsonl", 0, 1, faultfs.Fault{Err: syscall.EIO})
	err := j.Append(t.Context(), []journal.Record{record(uuid.New(), "x")}, make([]journal.Receipt, 1))
	if !errors.Is(err, journal.ErrFailed) {
		t.Fatalf("append: %v", err)
	}
	wantVerdict(t, verify(t, path), integrity.VerifiedCrashTail)
	appendOne(t, j, record(uuid.New(), "y"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Recovered != 1 || r.Records != 1 {
		t.Errorf("%+v", r)
	}
}

// Every call of the very first opening fails once; the next opening begins
// the chain, or goes on with it.
func TestFaultsInTheFirstOpening(t *testing.T) {
	for _, op := range []faultfs.Op{faultfs.Open, faultfs.Write, faultfs.Sync, faultfs.SyncDir} {
		for skip := 0; ; skip++ {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			fsys := faultfs.New()
			fsys.Fail(op, "", skip, 1, faultfs.Fault{Err: syscall.EIO, Partial: 40})
			j, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k'), FS: fsys})
			if err == nil {
				j.Close()
				if fsys.Calls(op) <= skip {
					if skip == 0 {
						t.Fatalf("%s is never called", op)
					}
					break
				}
				continue // a fault that costs nothing, such as that of the ids
			}
			t.Run(fmt.Sprint(op, skip), func(t *testing.T) {
				j := open(t, path)
				appendOne(t, j, record(uuid.New(), "x"))
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				r := verify(t, path)
				wantVerdict(t, r, integrity.Verified)
				if r.Records != 1 {
					t.Errorf("%d records", r.Records)
				}
			})
		}
	}
}

// A crash while a crash tail is being set aside loses neither it nor the
// chain.
func TestFaultsWhileSettingAside(t *testing.T) {
	const tail = `{"timestamp":"unfinished`
	for _, op := range []faultfs.Op{faultfs.Open, faultfs.Write, faultfs.Sync, faultfs.SyncDir, faultfs.Truncate, faultfs.Read} {
		for skip := 0; ; skip++ {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path)
			last := appendOne(t, j, record(uuid.New(), "x"))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			appendRaw(t, path, tail)
			fsys := faultfs.New()
			fsys.Fail(op, "", skip, 1, faultfs.Fault{Err: syscall.EIO, Partial: 10})
			j, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k'), FS: fsys})
			if err == nil {
				j.Close()
				if fsys.Calls(op) <= skip {
					break
				}
			}
			t.Run(fmt.Sprint(op, skip), func(t *testing.T) {
				j := open(t, path)
				appendOne(t, j, record(uuid.New(), "y"))
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				r := verify(t, path)
				wantVerdict(t, r, integrity.Verified)
				if r.Records != 2 || r.Recovered == 0 {
					t.Errorf("%d records, %d recovered", r.Records, r.Recovered)
				}
				wantKept(t, path, last.Seq+2, tail)
			})
		}
	}
}

// wantKept looks for the file that keeps a crash tail; seq is that of the
// line behind chain.closed.
func wantKept(t *testing.T, path string, seq uint64, tail string) {
	t.Helper()
	names, err := filepath.Glob(path + ".torn-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if b := readFile(t, n); string(b) == tail {
			return
		}
	}
	t.Errorf("no file keeps the crash tail before seq %d: %q", seq, names)
}

// A large commit takes several writes. Whichever fails, nothing of it stays.
func TestFaultsInALargeCommit(t *testing.T) {
	for skip := 0; ; skip++ {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		fsys := faultfs.New()
		j := open(t, path, func(o *journal.Options) { o.FS = fsys })
		before := readFile(t, path)
		recs := benchRecords(500)
		same := uuid.New()
		recs[3], recs[480] = record(same, "same"), record(same, "same") // one written by then, one not
		fsys.Fail(faultfs.Write, "audit.jsonl", skip, 1, faultfs.Fault{Err: syscall.ENOSPC, Partial: 1000})
		rc := make([]journal.Receipt, len(recs))
		err := j.Append(t.Context(), recs, rc)
		fsys.Heal()
		if err == nil {
			if skip < 3 {
				t.Fatalf("a commit of %d records took %d writes", len(recs), skip)
			}
			if !rc[480].Duplicate || rc[480].Seq != rc[3].Seq || rc[499].Seq != 3+499-1 {
				t.Errorf("receipts: %+v and %+v", rc[3], rc[480])
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			wantVerdict(t, verify(t, path), integrity.Verified)
			return
		}
		if !errors.Is(err, journal.ErrWrite) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("append: %v", err)
		}
		if got := readFile(t, path); string(got) != string(before) {
			t.Errorf("write %d failed, and %d bytes stay", skip, len(got)-len(before))
		}
		if rc := appendOne(t, j, recs[3]); rc.Duplicate || rc.Seq != 3 {
			t.Errorf("after the failure: %+v", rc)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		wantVerdict(t, verify(t, path), integrity.Verified)
	}
}
