// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

func testKey(t testing.TB, fill byte) integrity.Key {
	t.Helper()
	k, err := integrity.NewKey(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// record makes a record as an encoder would.
func record(id uuid.UUID, body string) journal.Record {
	head := `{"timestamp":"2026-11-23T10:15:00.123456789Z","session_id":"s1","event":{"type":"log"},"event_name":"",`
	content := fmt.Sprintf(`"id":%q,"body":%q`, id, body)
	payload := []byte(head + content)
	to := len(payload)
	payload = append(payload, fmt.Sprintf(`,"blind":"%022x"`, len(body))...)
	return journal.Record{Payload: payload, Leaf: integrity.Leaf(payload), ID: id, Idempotent: true, ContentFrom: 0, ContentTo: to}
}

func open(t testing.TB, path string, o ...func(*journal.Options)) *journal.Journal {
	t.Helper()
	opts := journal.Options{Key: testKey(t, 'k'), Version: "test"}
	for _, f := range o {
		f(&opts)
	}
	j, err := journal.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func appendOne(t testing.TB, j *journal.Journal, rec journal.Record) journal.Receipt {
	t.Helper()
	rc := make([]journal.Receipt, 1)
	if err := j.Append(t.Context(), []journal.Record{rec}, rc); err != nil {
		t.Fatal(err)
	}
	return rc[0]
}

func verify(t testing.TB, path string) *integrity.Report {
	t.Helper()
	r, err := journal.Verify(t.Context(), path, testKey(t, 'k'), journal.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantVerdict(t testing.TB, r *integrity.Report, want integrity.Verdict) {
	t.Helper()
	if r.Verdict != want {
		t.Fatalf("verdict %q, want %q; bad %v; not proven: %q", r.Verdict, want, r.Bad, r.NotProven)
	}
}

func TestAppendThenVerify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	var seqs []uint64
	for i := range 5 {
		rc := appendOne(t, j, record(uuid.New(), fmt.Sprint("n", i)))
		if rc.Err != nil || rc.Duplicate || rc.Time.IsZero() || rc.Chain != j.Chain() {
			t.Fatalf("receipt %+v", rc)
		}
		seqs = append(seqs, rc.Seq)
	}
	if want := []uint64{3, 4, 5, 6, 7}; fmt.Sprint(seqs) != fmt.Sprint(want) {
		t.Errorf("seqs %v, want %v", seqs, want)
	}
	// A live journal verifies.
	wantVerdict(t, verify(t, path), integrity.Verified)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if err := j.Append(t.Context(), []journal.Record{record(uuid.New(), "x")}, make([]journal.Receipt, 1)); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Records != 5 || r.Controls != 3 || r.LastSeq != 8 || r.Fsync != "always" {
		t.Errorf("report %+v", r)
	}
	for _, suffix := range []string{"", ".lock", ".head", ".ids"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path+suffix, info.Mode().Perm())
		}
	}
}

func TestReopenGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var chain uuid.UUID
	for i := range 4 {
		j := open(t, path)
		if i == 0 {
			chain = j.Chain()
		} else if j.Chain() != chain {
			t.Fatalf("chain changed from %s to %s", chain, j.Chain())
		}
		appendOne(t, j, record(uuid.New(), "x"))
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Records != 4 || r.LastSeq != 1+4*3 {
		t.Errorf("records %d, last seq %d", r.Records, r.LastSeq)
	}
}

func TestWrongKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	appendOne(t, j, record(uuid.New(), "x"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'o')})
	if !errors.Is(err, journal.ErrWrongKey) {
		t.Errorf("open with another key: %v", err)
	}
	r, err := journal.Verify(t.Context(), path, testKey(t, 'o'), journal.VerifyOptions{})
	if err != nil || r.Verdict != integrity.CannotVerify {
		t.Errorf("verify with another key: %v %v", r, err)
	}
}

func TestManyGoroutinesAndJournals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	const writers, each = 8, 40
	a, b := open(t, path), open(t, path)
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[uint64]string{}
	for w := range writers {
		wg.Go(func() {
			j := a
			if w%2 == 1 {
				j = b
			}
			for i := range each {
				body := fmt.Sprintf("w%d-%d", w, i)
				rc := make([]journal.Receipt, 1)
				if err := j.Append(context.Background(), []journal.Record{record(uuid.New(), body)}, rc); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if old, dup := got[rc[0].Seq]; dup {
					t.Errorf("seq %d given to %s and %s", rc[0].Seq, old, body)
				}
				got[rc[0].Seq] = body
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Records != writers*each || len(got) != writers*each {
		t.Errorf("%d records, %d receipts", r.Records, len(got))
	}
	// Each receipt names the line that holds its record.
	rd, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	for {
		l, err := rd.Next()
		if err != nil {
			break
		}
		if want, ok := got[l.Seq]; ok && !bytes.Contains(l.Payload, []byte(`"body":"`+want+`"`)) {
			t.Errorf("seq %d does not hold %s", l.Seq, want)
		}
	}
}

func TestCrashTailIsSetAside(t *testing.T) {
	for name, tail := range map[string]string{
		"half a line":         `{"timestamp":"2026-11-23T10:15:00.123456789Z","session_id":"s`,
		"NULs":                strings.Repeat("\x00", 4096),
		"NULs inside a line":  `{"timestamp":"2026` + strings.Repeat("\x00", 100) + `","seq":4,"hmac":"` + strings.Repeat("a", 64) + "\"}\n",
		"whole but no LF":     `{"timestamp":"x","seq":4,"hmac":"` + strings.Repeat("a", 64) + `"}`,
		"garbage and a line":  "garbage\n" + `{"timestamp":"x","seq":4,"hmac":"` + strings.Repeat("a", 64) + "\"}\n",
		"an empty line":       "\n",
		"more than a read":    strings.Repeat("x", 300<<10),
		"a suffix cut in mac": `{"timestamp":"x","seq":4,"hmac":"aaaa`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path)
			last := appendOne(t, j, record(uuid.New(), "x"))
			appendRaw(t, path, tail)
			r := verify(t, path)
			wantVerdict(t, r, integrity.VerifiedCrashTail)
			if r.TailBytes != int64(len(tail)) {
				t.Errorf("tail of %d bytes, want %d", r.TailBytes, len(tail))
			}
			// The same writer, and another one, go on behind it.
			next := appendOne(t, j, record(uuid.New(), "y"))
			if next.Seq != last.Seq+2 {
				t.Errorf("next seq %d, want %d: chain.recovered in between", next.Seq, last.Seq+2)
			}
			kept, err := os.ReadFile(fmt.Sprintf("%s.torn-%d", path, last.Seq+1))
			if err != nil || string(kept) != tail {
				t.Errorf("kept %d bytes, %v", len(kept), err)
			}
			appendRaw(t, path, tail)
			k := open(t, path)
			appendOne(t, k, record(uuid.New(), "z"))
			if err := errors.Join(k.Close(), j.Close()); err != nil {
				t.Fatal(err)
			}
			r = verify(t, path)
			wantVerdict(t, r, integrity.Verified)
			if r.Recovered != 2 || r.Records != 3 {
				t.Errorf("recovered %d, records %d", r.Recovered, r.Records)
			}
		})
	}
}

func appendRaw(t testing.TB, path, s string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

func TestUnsafeFilesAreRefused(t *testing.T) {
	for name, make := range map[string]func(dir, path string){
		"symlink":          func(dir, p string) { os.WriteFile(dir+"/t", nil, 0o600); os.Symlink(dir+"/t", p) },
		"dangling symlink": func(dir, p string) { os.Symlink(dir+"/t", p) },
		"directory":        func(dir, p string) { os.Mkdir(p, 0o700) },
		"others can write": func(dir, p string) { os.WriteFile(p, nil, 0o600); os.Chmod(p, 0o622) },
		"hard link":        func(dir, p string) { os.WriteFile(dir+"/t", nil, 0o600); os.Link(dir+"/t", p) },
		"ids is hard link": func(dir, p string) { os.WriteFile(dir+"/t", nil, 0o600); os.Link(dir+"/t", p+".ids") },
		"lock is symlink":  func(dir, p string) { os.WriteFile(dir+"/t", nil, 0o600); os.Symlink(dir+"/t", p+".lock") },
		"head is symlink":  func(dir, p string) { os.WriteFile(dir+"/t", nil, 0o600); os.Symlink(dir+"/t", p+".head") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "audit.jsonl")
			make(dir, path)
			_, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k')})
			if !errors.Is(err, journal.ErrUnsafe) {
				t.Errorf("open: %v", err)
			}
		})
	}
	_, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "no", "audit.jsonl"), journal.Options{Key: testKey(t, 'k')})
	if err == nil || !strings.Contains(err.Error(), "mkdir") {
		t.Errorf("missing folder: %v", err)
	}
	_, err = journal.Open(t.Context(), filepath.Join(t.TempDir(), "audit.jsonl"), journal.Options{})
	if err == nil || !strings.Contains(err.Error(), "key new") {
		t.Errorf("no key: %v", err)
	}
}

// What somebody else wrote is never taken for an unfinished journal.
func TestForeignFilesAreLeftAlone(t *testing.T) {
	for name, text := range map[string]string{
		"one line":            "one\n",
		"text":                "some text without a newline",
		"two lines":           "one\ntwo\n",
		"json":                "{\"a\":1}\n",
		"a control-like line": `{"control":"chain.closed","time":"` + "\n",
		"older format":        `{"a":1}` + integrity.LegacyMark + strings.Repeat("a", 64) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k')})
			if err == nil {
				j.Close()
				t.Fatal("it was opened")
			}
			if got := readFile(t, path); string(got) != text {
				t.Errorf("the file now holds %q", got)
			}
		})
	}
	// An empty file, and what a crashed first opening leaves, begin a chain.
	for name, text := range map[string]string{
		"empty":        "",
		"half genesis": `{"control":"chain.gen`,
		"NULs":         strings.Repeat("\x00", 500),
		"with NULs":    `{"control":"chain.genesis","time":"2026` + strings.Repeat("\x00", 100),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			j := open(t, path)
			appendOne(t, j, record(uuid.New(), "x"))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			wantVerdict(t, verify(t, path), integrity.Verified)
		})
	}
}

func TestForgedPayloadIsRefusedAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	defer j.Close()
	forged := record(uuid.New(), "x")
	forged.Payload = []byte(`{"control":"chain.closed","time":"x"`)
	forged.Leaf = integrity.Leaf(forged.Payload)
	rc := make([]journal.Receipt, 2)
	if err := j.Append(t.Context(), []journal.Record{forged, record(uuid.New(), "good")}, rc); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(rc[0].Err, journal.ErrPayload) || rc[1].Err != nil || rc[1].Seq != 3 {
		t.Errorf("receipts %+v", rc)
	}
}

func TestFsyncModes(t *testing.T) {
	for _, mode := range []string{"always", "never", "1h"} {
		t.Run(mode, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			m, err := journal.ParseFsync(mode)
			if err != nil {
				t.Fatal(err)
			}
			j := open(t, path, func(o *journal.Options) { o.Fsync = m })
			for range 3 {
				appendOne(t, j, record(uuid.New(), "x"))
			}
			r := verify(t, path)
			wantVerdict(t, r, integrity.Verified)
			if r.Unacknowledged != 0 {
				t.Errorf("%d acknowledged lines beyond the watermark", r.Unacknowledged)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if r = verify(t, path); r.Unacknowledged != 0 || !strings.HasPrefix(r.Fsync, mode) {
				t.Errorf("after close: %+v", r)
			}
		})
	}
	for _, bad := range []string{"1us", "-1s", "sometimes", "0"} {
		if _, err := journal.ParseFsync(bad); err == nil {
			t.Errorf("fsync %q was accepted", bad)
		}
	}
}

func TestLockTimeoutNamesTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, func(o *journal.Options) { o.LockTimeout = 20 * time.Millisecond })
	defer j.Close()
	release := journal.HoldLock(t, path+".lock")
	err := j.Append(t.Context(), []journal.Record{record(uuid.New(), "x")}, make([]journal.Receipt, 1))
	if !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), path+".lock") || !journal.Retryable(err) {
		t.Errorf("append: %v", err)
	}
	// Who holds it is said where the system tells.
	if locks, _ := os.ReadFile("/proc/locks"); bytes.Contains(locks, []byte("FLOCK")) && !strings.Contains(err.Error(), fmt.Sprintf("process %d (", os.Getpid())) {
		t.Errorf("the holder is not named: %v", err)
	}
	release()
	if rc := appendOne(t, j, record(uuid.New(), "y")); rc.Seq != 3 {
		t.Errorf("after the lock is free: %+v", rc)
	}
}

func TestAppendFrom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	defer j.Close()
	pieces := func(sizes ...int) func() []journal.Record {
		return func() []journal.Record {
			if len(sizes) == 0 {
				return nil
			}
			recs := make([]journal.Record, sizes[0])
			for i := range recs {
				recs[i] = record(uuid.New(), fmt.Sprint(sizes, i))
			}
			sizes = sizes[1:]
			return recs
		}
	}
	rc := make([]journal.Receipt, 300)
	if err := j.AppendFrom(t.Context(), 300, pieces(1, 250, 49), rc); err != nil {
		t.Fatal(err)
	}
	for i := range rc {
		if rc[i].Seq != uint64(3+i) || rc[i].Err != nil || rc[i].Time.IsZero() {
			t.Fatalf("receipt %d: %+v", i, rc[i])
		}
	}
	before := readFile(t, path)
	for name, next := range map[string]func() []journal.Record{"too few": pieces(100, 100), "too many": pieces(100, 250), "none": pieces()} {
		if err := j.AppendFrom(t.Context(), 300, next, rc); !errors.Is(err, journal.ErrPayload) {
			t.Errorf("%s: %v", name, err)
		}
		if got := readFile(t, path); !bytes.Equal(got, before) {
			t.Errorf("%s: %d bytes stay", name, len(got)-len(before))
		}
	}
	if got := appendOne(t, j, record(uuid.New(), "next")); got.Seq != 303 {
		t.Errorf("next: %+v", got)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

func TestCancelledContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	defer j.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Append(ctx, []journal.Record{record(uuid.New(), "x")}, make([]journal.Receipt, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	if r := verify(t, path); r.Records != 0 {
		t.Errorf("%d records", r.Records)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
