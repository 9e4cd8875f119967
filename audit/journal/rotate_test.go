// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
	"github.com/google/uuid"
)

func rotating(r journal.Rotation) func(*journal.Options) {
	return func(o *journal.Options) { o.Rotation = r }
}

func segments(t testing.TB, path string) []journal.Segment {
	t.Helper()
	s, err := journal.Segments(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whole records only, in files that are not larger than asked for, and one
// chain through them.
func TestRotationBySize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	const maxSize = 4 << 10
	var all []journal.Record
	want := map[string]uint64{}
	for range 3 { // reopened twice
		j := open(t, path, rotating(journal.Rotation{MaxSize: maxSize}))
		for i := range 40 {
			rec := record(uuid.New(), strings.Repeat("x", 100*(i%5)))
			want[rec.ID.String()] = appendOne(t, j, rec).Seq
			all = append(all, rec)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		r := verify(t, path)
		wantVerdict(t, r, integrity.Verified)
		if r.Records != int64(len(all)) || r.Segments != len(segments(t, path)) {
			t.Fatalf("%d records of %d, %d segments", r.Records, len(all), r.Segments)
		}
	}
	files := segments(t, path)
	if len(files) < 10 {
		t.Fatalf("%d files", len(files))
	}
	for _, s := range files {
		info, err := os.Stat(s.Path)
		if err != nil {
			t.Fatal(err)
		}
		b := readFile(t, s.Path)
		// Up to its last record: what a writer seals of itself when it closes and
		// opens comes on top.
		end, last := 0, 0
		for line := range bytes.Lines(b) {
			if end += len(line); bytes.HasPrefix(line, []byte(`{"timestamp":`)) {
				last = end
			}
		}
		if last == 0 || last > maxSize+integrity.MaxSuffix || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %d bytes up to its last record, mode %o", s.Path, last, info.Mode().Perm())
		}
		if b[len(b)-1] != '\n' || !bytes.HasPrefix(b, []byte(`{"control":"chain.`)) {
			t.Errorf("%s does not hold whole lines", s.Path)
		}
	}
	// Ids are known through all segments.
	j := open(t, path)
	for _, rec := range all {
		if rc := appendOne(t, j, rec); !rc.Duplicate || rc.Seq != want[rec.ID.String()] {
			t.Fatalf("sent again: %+v, first seq %d", rc, want[rec.ID.String()])
		}
	}
	other := all[3]
	conflict := record(other.ID, "something else")
	if rc := appendOne(t, j, conflict); !errors.Is(rc.Err, journal.ErrConflict) {
		t.Errorf("another content: %+v", rc)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRotationByAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	j := open(t, path, rotating(journal.Rotation{MaxAge: time.Hour}), func(o *journal.Options) { o.Now = func() time.Time { return now } })
	steps := []struct {
		after time.Duration
		files int
	}{{0, 1}, {59 * time.Minute, 1}, {2 * time.Minute, 2}, {-48 * time.Hour, 2}, {47 * time.Hour, 2}, {3 * time.Hour, 3}}
	for _, s := range steps {
		now = now.Add(s.after)
		appendOne(t, j, record(uuid.New(), "x"))
		if got := len(segments(t, path)); got != s.files {
			t.Errorf("at %v: %d files, want %d", now, got, s.files)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

// Several journals on one file, each of which rotates.
func TestRotationBySeveral(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	const writers, each = 4, 60
	var wg sync.WaitGroup
	var mu sync.Mutex
	want := map[string]uint64{}
	for range writers {
		j := open(t, path, rotating(journal.Rotation{MaxSize: 3 << 10, Compress: true}))
		wg.Go(func() {
			for range each {
				rec := record(uuid.New(), "some body")
				rc := make([]journal.Receipt, 1)
				if err := j.Append(t.Context(), []journal.Record{rec}, rc); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				want[rec.ID.String()] = rc[0].Seq
				mu.Unlock()
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Records != writers*each || len(want) != writers*each || r.Segments < 10 {
		t.Errorf("%d records, %d receipts, %d segments", r.Records, len(want), r.Segments)
	}
	got := idsOf(t, path)
	for id, seq := range want {
		if got[id] != seq {
			t.Fatalf("receipt says seq %d, the journal %d", seq, got[id])
		}
	}
}

// idsOf reads all records of a journal, each of which must be there once.
func idsOf(t testing.TB, path string) map[string]uint64 {
	t.Helper()
	r, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := map[string]uint64{}
	for {
		line, err := r.Next()
		if err != nil {
			if err.Error() == "EOF" {
				return got
			}
			t.Fatal(err)
		}
		if line.Kind != integrity.Record {
			continue
		}
		_, rest, _ := bytes.Cut(line.Payload, []byte(`"id":"`))
		id := string(rest[:36])
		if got[id] != 0 {
			t.Fatalf("record %s stands at seq %d and %d", id, got[id], line.Seq)
		}
		got[id] = line.Seq
	}
}

// Finished segments are compressed, other tools read them, and ids are found
// in them.
func TestCompression(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, rotating(journal.Rotation{MaxSize: 2 << 10, Compress: true}), func(o *journal.Options) {
		o.Report = func(err error) { t.Error(err) }
	})
	var all []journal.Record
	for range 30 {
		rec := record(uuid.New(), strings.Repeat("body ", 20))
		appendOne(t, j, rec)
		all = append(all, rec)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files := segments(t, path)
	for _, s := range files[:len(files)-1] {
		if !s.Compressed {
			t.Errorf("%s is not compressed", s.Path)
		}
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
	wantVerdict(t, verify(t, files[1].Path), integrity.PartlyProven)
	j = open(t, path)
	for _, rec := range all {
		if rc := appendOne(t, j, rec); !rc.Duplicate {
			t.Fatalf("sent again: %+v", rc)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"zstdcat", "unzstd"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("%s is not here", tool)
			continue
		}
		args := []string{files[0].Path}
		if tool == "unzstd" {
			args = []string{"-c", files[0].Path}
		}
		out, err := exec.CommandContext(t.Context(), tool, args...).Output()
		if err != nil || !bytes.HasPrefix(out, []byte(`{"control":"chain.genesis"`)) || out[len(out)-1] != '\n' {
			t.Errorf("%s: %v: %d bytes", tool, err, len(out))
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.part")); left != nil {
		t.Errorf("left over: %v", left)
	}
}

// Each call of a rotation fails once, or is the last one that the process
// makes: nothing acknowledged is lost, nothing is there twice, and the chain
// verifies.
func TestFaultsInARotation(t *testing.T) {
	for _, op := range []faultfs.Op{faultfs.Open, faultfs.Write, faultfs.Sync, faultfs.SyncDir, faultfs.Rename, faultfs.Read} {
		for _, dies := range []bool{false, true} {
			for skip := 0; ; skip++ {
				path := filepath.Join(t.TempDir(), "audit.jsonl")
				fsys := faultfs.New()
				j := open(t, path, rotating(journal.Rotation{MaxSize: 1 << 10}), func(o *journal.Options) { o.FS = fsys })
				first := record(uuid.New(), strings.Repeat("a", 1000))
				appendOne(t, j, first)
				calls := fsys.Calls(op)
				times, partial := 1, 30
				if dies {
					// (Half a sector of the watermark would be a power loss.)
					times, partial = -1, 0
				}
				fsys.Fail(op, "", skip, times, faultfs.Fault{Err: syscall.EIO, Partial: partial})
				second := record(uuid.New(), "b")
				err := j.Append(t.Context(), []journal.Record{second}, make([]journal.Receipt, 1))
				reached := fsys.Calls(op) > calls+skip
				fsys.Heal()
				if !reached {
					if skip == 0 {
						t.Fatalf("%s is never called", op)
					}
					break
				}
				name := fmt.Sprint(op, skip, dies)
				if err != nil && !journal.Retryable(err) {
					t.Fatalf("%s: %v", name, err)
				}
				acknowledged := err == nil
				if dies {
					j = open(t, path) // the first one is gone
				}
				if rc := appendOne(t, j, second); acknowledged && !rc.Duplicate {
					t.Errorf("%s: sealed twice: %+v", name, rc)
				}
				if rc := appendOne(t, j, first); !rc.Duplicate {
					t.Errorf("%s: sealed twice: %+v", name, rc)
				}
				if err := j.Close(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				r := verify(t, path)
				wantVerdict(t, r, integrity.Verified)
				if ids := idsOf(t, path); r.Records != 2 || len(ids) != 2 || len(r.Breaks) > 0 {
					t.Errorf("%s: %d records, ids %v, breaks %v", name, r.Records, ids, r.Breaks)
				}
			}
		}
	}
}

// A disk that refuses to sync: the file is left, the records go on in a new
// one, and what may or may not be on disk is not claimed.
func TestSyncFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	fsys := faultfs.New()
	j := open(t, path, func(o *journal.Options) { o.FS = fsys })
	first := appendOne(t, j, record(uuid.New(), "first"))
	fsys.Fail(faultfs.Sync, "audit.jsonl", 0, 1, faultfs.Fault{Err: syscall.EIO})
	victim := record(uuid.New(), "victim")
	err := j.Append(t.Context(), []journal.Record{victim}, make([]journal.Receipt, 1))
	if !errors.Is(err, journal.ErrWrite) || !errors.Is(err, syscall.EIO) || !journal.Retryable(err) {
		t.Fatalf("append: %v", err)
	}
	rc := appendOne(t, j, victim)
	// Two lines of the new file come first: chain.segment has the place of
	// what was given up.
	if rc.Duplicate || rc.Seq != first.Seq+2 {
		t.Errorf("sent again: %+v", rc)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Records != 2 || r.AbandonedBytes == 0 {
		t.Errorf("%+v", r)
	}
	if got := idsOf(t, path); len(got) != 2 || got[victim.ID.String()] != rc.Seq {
		t.Errorf("records %v", got)
	}
	if !bytes.Contains(readFile(t, path), []byte(`"reason":"sync_failed"`)) {
		t.Error("the new file does not say why it was begun")
	}
}

// The disk refuses everything after the failed sync; in the end it works
// again, and the same journal goes on.
func TestSyncFailsForLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	fsys := faultfs.New()
	j := open(t, path, func(o *journal.Options) { o.FS = fsys })
	appendOne(t, j, record(uuid.New(), "first"))
	victim := record(uuid.New(), "victim")
	for _, op := range []faultfs.Op{faultfs.Sync, faultfs.SyncDir} {
		fsys.Fail(op, "", 0, -1, faultfs.Fault{Err: syscall.EIO})
	}
	for range 5 {
		err := j.Append(t.Context(), []journal.Record{victim}, make([]journal.Receipt, 1))
		if err == nil || !journal.Retryable(err) {
			t.Fatalf("append: %v", err)
		}
	}
	fsys.Heal()
	appendOne(t, j, victim)
	appendOne(t, j, record(uuid.New(), "last"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
	if got := idsOf(t, path); len(got) != 3 {
		t.Errorf("records %v", got)
	}
}

func TestRetention(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	policy := journal.Rotation{MaxAge: time.Hour, Keep: 3, Compress: true}
	with := func(o *journal.Options) {
		o.Rotation, o.Now = policy, func() time.Time { return now }
		o.Report = func(err error) { t.Error(err) }
	}
	j := open(t, path, with)
	hour := func() {
		now = now.Add(time.Hour)
		appendOne(t, j, record(uuid.New(), "x"))
	}
	for range 4 {
		hour()
	}
	if r := verify(t, path); r.Segments != 5 && r.Segments != 4 {
		t.Errorf("%d segments", r.Segments)
	}
	// A hold stops it.
	if err := os.WriteFile(path+".hold", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := segments(t, path)
	for range 3 {
		hour()
	}
	if got := segments(t, path); got[0].First != before[0].First || len(got) != len(before)+3 {
		t.Errorf("on hold, %d segments from %d on", len(got), got[0].First)
	}
	if err := os.Remove(path + ".hold"); err != nil {
		t.Fatal(err)
	}
	hour()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, with)
	hour()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	files := segments(t, path)
	if len(files) != policy.Keep+1 || files[0].First == 1 {
		t.Fatalf("%d segments from %d on", len(files), files[0].First)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if !strings.Contains(fmt.Sprint(r.Proven, r.NotProven), "retention") {
		t.Errorf("it does not say where it starts: %q %q", r.Proven, r.NotProven)
	}

	// What somebody removes beyond that is missing.
	if err := os.Remove(files[0].Path); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Tampered)
}

// Removing more than the genesis allows is sealed, and is not passed over.
func TestRetentionBeyondTheGenesis(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, rotating(journal.Rotation{MaxSize: 1 << 10}))
	for range 20 {
		appendOne(t, j, record(uuid.New(), strings.Repeat("x", 300)))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
	j = open(t, path, rotating(journal.Rotation{MaxSize: 1 << 10, Keep: 2}))
	appendOne(t, j, record(uuid.New(), "y"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if len(segments(t, path)) > 4 {
		t.Fatal("nothing was removed")
	}
	wantVerdict(t, verify(t, path), integrity.PartlyProven)
}

func TestRotationOptions(t *testing.T) {
	for name, r := range map[string]journal.Rotation{
		"negative":              {MaxSize: -1},
		"keep without rotation": {Keep: 3},
		"age without rotation":  {KeepFor: time.Hour},
	} {
		_, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "audit.jsonl"), journal.Options{Key: testKey(t, 'k'), Rotation: r})
		if err == nil || !strings.Contains(err.Error(), "rotation") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRotateOnRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	for range 3 {
		if err := j.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Segments != 4 {
		t.Errorf("%d segments", r.Segments)
	}
}

// A file that somebody puts among the finished ones makes retention remove
// nothing more than it may.
func TestRetentionBesideAPlantedFile(t *testing.T) {
	for _, first := range []string{"00000000000000000002", "00000000000000000030", "18446744073709551615"} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		policy := journal.Rotation{MaxSize: 1 << 10, Keep: 2}
		j := open(t, path, rotating(policy))
		for range 10 {
			appendOne(t, j, record(uuid.New(), strings.Repeat("x", 500)))
		}
		planted := strings.TrimSuffix(path, ".jsonl") + "-" + first + ".jsonl"
		if _, err := os.Stat(planted); err == nil {
			t.Fatal("the name is one of the chain's")
		}
		if err := os.WriteFile(planted, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			appendOne(t, j, record(uuid.New(), strings.Repeat("y", 500)))
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(planted); err != nil {
			t.Fatal(err)
		}
		wantVerdict(t, verify(t, path), integrity.Verified)
		if n := len(segments(t, path)); n < policy.Keep+1 {
			t.Errorf("planted %s: %d files are left", first, n)
		}
	}
}
