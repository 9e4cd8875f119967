// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
	"github.com/google/uuid"
)

func hashOf(s string) integrity.Hash { return sha256.Sum256([]byte(s)) }

// published keeps what a journal publishes.
type published struct {
	mu  sync.Mutex
	all []journal.Published // guarded by mu
}

func (p *published) with(o *journal.Options) {
	o.Checkpoint.Publish = func(_ context.Context, c journal.Published) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all = append(p.all, c)
	}
}

// reported keeps what a journal reports.
type reported struct {
	mu  sync.Mutex
	all []string // guarded by mu
}

func (r *reported) with(o *journal.Options) {
	o.Report = func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, err.Error())
	}
}

func (r *reported) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.all, "\n")
}

// hands is a clock that stands still until it is moved.
type hands struct{ nanos atomic.Int64 }

func newHands() *hands {
	h := &hands{}
	h.nanos.Store(time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC).UnixNano())
	return h
}

func (h *hands) now() time.Time          { return time.Unix(0, h.nanos.Load()) }
func (h *hands) pass(d time.Duration)    { h.nanos.Add(int64(d)) }
func (h *hands) with(o *journal.Options) { o.Now = h.now }

// every makes a journal sign by time alone.
func every(t testing.TB, d time.Duration) func(*journal.Options) {
	return func(o *journal.Options) {
		o.Checkpoint.Signer, o.Checkpoint.Records, o.Checkpoint.Every = testSigner(t, 's'), -1, d
	}
}

// What is published is what the chain and the file of checkpoints hold, in
// order, the closing one too.
func TestCheckpointsArePublished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var p published
	for range 2 {
		j := open(t, path, signing(t, 20), p.with)
		for range 5 {
			appendSome(t, j, 15)
		}
		asked, err := j.Checkpoint(t.Context())
		if err != nil || asked.Seq != asked.Size+1 || asked.Chain != integrity.ChainID(j.Chain()) || len(asked.Note) == 0 || asked.Time.IsZero() {
			t.Fatalf("%+v, %v", asked, err)
		}
		closeIt(t, j)
		if _, err := j.Checkpoint(t.Context()); !errors.Is(err, journal.ErrClosed) {
			t.Errorf("a checkpoint after Close: %v", err)
		}
	}
	f := checkTree(t, path)
	var notes string
	for i, c := range p.all {
		if string(c.Note) != f.points[i].Note || c.Seq != c.Size+1 {
			t.Errorf("published %d is not the one in the chain", i)
		}
		notes += string(c.Note) + "\n"
	}
	if len(p.all) != len(f.points) || len(p.all) < 8 {
		t.Errorf("%d published, %d in the chain", len(p.all), len(f.points))
	}
	if got := string(readFile(t, path+".checkpoints")); got != notes {
		t.Errorf("the file of checkpoints holds\n%s\nwant\n%s", got, notes)
	}
	if info, err := os.Stat(path + ".checkpoints"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if last := f.points[len(f.points)-1]; !last.Closing || f.controls[len(f.controls)-1] != integrity.ControlCheckpoint {
		t.Errorf("the last line is no closing checkpoint: %q", f.controls)
	}
}

// Silence shows: time alone makes a checkpoint, and not twice.
func TestHeartbeat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	h := newHands()
	a, b := open(t, path, every(t, time.Minute), h.with), open(t, path, every(t, time.Minute), h.with)
	count := func() int {
		a.Tick(t)
		b.Tick(t)
		return len(checkTree(t, path).points)
	}
	want := func(n int, when string) {
		t.Helper()
		if got := count(); got != n {
			t.Fatalf("%d checkpoints %s, want %d", got, when, n)
		}
	}
	want(0, "at the beginning")
	h.pass(59 * time.Second)
	want(0, "a second before")
	h.pass(time.Second)
	want(1, "after a minute")
	h.pass(59 * time.Second)
	want(1, "and a second before the next")
	appendSome(t, a, 1)
	h.pass(2 * time.Second)
	want(2, "and after it")
	h.pass(-30 * 365 * 24 * time.Hour)
	want(3, "after the clock was put back")
	h.pass(time.Second)
	want(3, "a second later")
	h.pass(time.Minute)
	want(4, "a minute later")
	// An Append does what a tick does.
	h.pass(time.Minute)
	appendSome(t, b, 1)
	want(5, "with an Append")
	// The time goes on where a process left it, closed or not.
	closeIt(t, b)
	want2 := func(n int, when string, j *journal.Journal) {
		t.Helper()
		j.Tick(t)
		if got := len(checkTree(t, path).points); got != n {
			t.Fatalf("%d checkpoints %s, want %d", got, when, n)
		}
	}
	c := open(t, path, every(t, time.Minute), h.with)
	want2(6, "with that of Close", c)
	h.pass(59 * time.Second)
	d := open(t, path, every(t, time.Minute), h.with)
	want2(6, "a second before", d)
	h.pass(time.Second)
	want2(7, "a minute after it", d)
	for _, j := range []*journal.Journal{a, c, d} {
		closeIt(t, j)
	}
}

func TestCheckpointKeys(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.jsonl")
	j := open(t, path, signing(t, 20))
	appendSome(t, j, 10)
	closeIt(t, j)
	before := readFile(t, path)

	// Another one is refused before anything is sealed.
	_, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k'), Checkpoint: journal.Checkpoint{Signer: testSigner(t, 'z')}})
	if !errors.Is(err, journal.ErrWrongSigner) || !strings.Contains(err.Error(), testSigner(t, 's').ID()) || !strings.Contains(err.Error(), testSigner(t, 'z').ID()) {
		t.Errorf("another signer: %v", err)
	}
	if string(readFile(t, path)) != string(before) {
		t.Error("something was sealed")
	}
	erasure, err := integrity.GenerateSigningKey(integrity.KindErasure)
	if err != nil {
		t.Fatal(err)
	}
	_, err = journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k'), Checkpoint: journal.Checkpoint{Signer: erasure}})
	if !errors.Is(err, integrity.ErrKeyKind) {
		t.Errorf("an erasure key: %v", err)
	}
	// Who has none appends all the same.
	j = open(t, path)
	appendSome(t, j, 100)
	if _, err := j.Checkpoint(t.Context()); !errors.Is(err, journal.ErrNoSigner) {
		t.Errorf("without a signer: %v", err)
	}
	closeIt(t, j)
	if f := checkTree(t, path); len(f.points) != 1 {
		t.Errorf("%+v", f)
	}

	// A chain that was begun without has none, and goes on.
	path = filepath.Join(dir, "without.jsonl")
	j = open(t, path)
	appendSome(t, j, 10)
	closeIt(t, j)
	var r reported
	j = open(t, path, signing(t, 20), r.with)
	appendSome(t, j, 100)
	if _, err := j.Checkpoint(t.Context()); !errors.Is(err, journal.ErrNoTree) {
		t.Errorf("a chain without a tree: %v", err)
	}
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeIt(t, j)
	if !strings.Contains(r.String(), "begun without a checkpoint key") {
		t.Errorf("reported %q", r.String())
	}
	if f := checkTree(t, path); len(f.points) != 0 || f.segments != 0 || f.without != 1 {
		t.Errorf("%+v", f)
	}
	for _, suffix := range []string{".tree", ".checkpoints"} {
		if _, err := os.Lstat(path + suffix); err == nil {
			t.Errorf("%s was made", suffix)
		}
	}
}

// Whatever stands in the file of checkpoints, whole notes go on in it, and it
// stops nobody.
func TestFileOfCheckpoints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 20))
	appendSome(t, j, 30)
	closeIt(t, j)
	notes := readFile(t, path+".checkpoints")
	one := len(notes) / 2
	for cut := 0; cut < len(notes); cut += 7 {
		writeFile(t, path+".checkpoints", notes[:cut])
		j := open(t, path, signing(t, -1))
		closeIt(t, j)
		got := string(readFile(t, path+".checkpoints"))
		kept := notes[:0:0]
		if cut >= one {
			kept = notes[:strings.Index(string(notes), "\n\nauditchain/")+2]
		}
		if !strings.HasPrefix(got, string(kept)) || strings.Count(got, "\n\n") != 2*(strings.Count(string(kept), "\n\n")/2+1) {
			t.Fatalf("cut at %d of %d:\n%s", cut, len(notes), got)
		}
	}
	for name, change := range map[string]func(string) error{
		"gone":      os.Remove,
		"a link":    func(p string) error { return errors.Join(os.Rename(p, p+".away"), os.Symlink(p+".away", p)) },
		"two names": func(p string) error { return os.Link(p, p+".other") },
		"open":      func(p string) error { return os.Chmod(p, 0o666) },
		"a folder":  func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			var r reported
			var p published
			j := open(t, path, signing(t, 20), r.with, p.with)
			appendSome(t, j, 30)
			if err := change(path + ".checkpoints"); err != nil {
				t.Fatal(err)
			}
			closeIt(t, j)
			if said := r.String(); (said == "") != (name == "gone") {
				t.Errorf("said %q", said)
			}
			if f := checkTree(t, path); len(p.all) != 2 || len(f.points) != 2 {
				t.Errorf("%d published; %+v", len(p.all), f)
			}
		})
	}
}

// A publisher that hangs stops nobody; what it misses is said.
func TestPublisherHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var r reported
	stuck, began := make(chan struct{}), make(chan struct{}, 1000)
	var got []journal.Published // of the publisher's goroutine
	j := open(t, path, signing(t, 1), r.with, func(o *journal.Options) {
		o.Checkpoint.Publish = func(_ context.Context, c journal.Published) {
			began <- struct{}{}
			<-stuck
			got = append(got, c)
		}
	})
	appendSome(t, j, 1)
	<-began
	const more = 300
	for range more {
		appendSome(t, j, 1)
	}
	if !strings.Contains(r.String(), "was not published, because 256 more wait") {
		t.Errorf("reported %q", r.String())
	}
	close(stuck)
	closeIt(t, j)
	f := checkTree(t, path)
	missed := strings.Count(r.String(), "was not published")
	if len(f.points) != more+2 || len(got)+missed != len(f.points) || missed < more-256 {
		t.Fatalf("%d in the chain, %d published, %d said to be missed", len(f.points), len(got), missed)
	}
	for i, c := range got[1:] {
		if string(c.Note) != f.points[1+missed+i].Note {
			t.Fatalf("published %d is not the one that it should be", i)
		}
	}
}

// A checkpoint is not given away before it is durable, and covered by the
// watermark.
func TestCheckpointDurable(t *testing.T) {
	t.Run("the sync fails", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		fsys := faultfs.New()
		var p published
		j := open(t, path, signing(t, 20), p.with, func(o *journal.Options) { o.FS = fsys })
		fsys.Fail(faultfs.Sync, "audit.jsonl", 0, 1, faultfs.Fault{Err: syscall.EIO})
		if c, err := j.Checkpoint(t.Context()); !errors.Is(err, journal.ErrWrite) || c.Size != 0 {
			t.Errorf("%+v, %v", c, err)
		}
		fsys.Heal()
		closeIt(t, j)
		f := checkTree(t, path)
		if len(p.all) != 1 || len(f.points) != 1 || f.segments != 1 {
			t.Errorf("%d published; %+v", len(p.all), f)
		}
	})
	t.Run("the watermark fails", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		fsys := faultfs.New()
		var p published
		j := open(t, path, signing(t, 20), p.with, func(o *journal.Options) { o.FS = fsys })
		fsys.Fail(faultfs.Write, ".head", 0, 1, faultfs.Fault{Err: syscall.EIO})
		if _, err := j.Checkpoint(t.Context()); !errors.Is(err, journal.ErrUncertain) {
			t.Errorf("%v", err)
		}
		if _, err := os.Stat(path + ".checkpoints"); err == nil {
			t.Error("it was given away")
		}
		appendSome(t, j, 1)
		closeIt(t, j)
		if f := checkTree(t, path); len(p.all) != 2 || len(f.points) != 2 {
			t.Errorf("%d published; %+v", len(p.all), f)
		}
	})
	t.Run("no sync", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		fsys := faultfs.New()
		var p published
		h := newHands()
		j := open(t, path, signing(t, 20), p.with, h.with, func(o *journal.Options) {
			o.FS, o.Fsync, o.Checkpoint.Every = fsys, journal.FsyncNever, time.Minute
		})
		syncs := fsys.Calls(faultfs.Sync)
		for range 10 {
			appendSome(t, j, 30)
		}
		if n := fsys.Calls(faultfs.Sync) - syncs; n != 0 {
			t.Errorf("%d syncs for many lines", n)
		}
		if _, err := os.Stat(path + ".checkpoints"); err == nil {
			t.Error("one that is not durable was given away")
		}
		h.pass(time.Minute)
		j.Tick(t)
		if n := fsys.Calls(faultfs.Sync) - syncs; n != 1 {
			t.Errorf("%d syncs for one minute", n)
		}
		closeIt(t, j)
		f := checkTree(t, path)
		if len(f.points) != 12 || len(p.all) != 2 || p.all[0].Note == nil || string(p.all[0].Note) != f.points[10].Note {
			t.Errorf("%d published, %d in the chain", len(p.all), len(f.points))
		}
	})
}

// tokenAbout is a token of an authority, made to be about another note. (Its
// signature is not: nobody here checks it.)
func tokenAbout(t testing.TB, note string) []byte {
	token := readFile(t, filepath.Join("..", "..", "internal", "timestamp", "testdata", "token.der"))
	was, err := integrity.TimestampImprint(token)
	if err != nil {
		t.Fatal(err)
	}
	now := hashOf(note)
	return bytes.Replace(token, was[:], now[:], 1)
}

// Time stamps are sealed when they come, before the last checkpoint.
func TestTimestamps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var r reported
	asked, answer := make(chan string, 100), make(chan error, 100)
	j := open(t, path, signing(t, 20), r.with, func(o *journal.Options) {
		o.Checkpoint.Timestamp = func(ctx context.Context, note []byte) ([]byte, error) {
			asked <- string(note)
			select {
			case err := <-answer:
				return tokenAbout(t, string(note)), err
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	})
	appendSome(t, j, 30)
	first := <-asked
	appendSome(t, j, 30) // while it is under way, two more are made
	appendSome(t, j, 30)
	answer <- nil
	third := <-asked
	if first == third {
		t.Fatal("the same one is stamped twice")
	}
	answer <- errors.New("the authority is down")
	appendSome(t, j, 30)
	fourth := <-asked
	answer <- nil
	closeIt(t, j)
	f := checkTree(t, path)
	if len(f.points) != 5 || len(f.stamps) != 2 {
		t.Fatalf("%d checkpoints, %d time stamps", len(f.points), len(f.stamps))
	}
	for i, want := range []string{first, fourth} {
		if s := f.stamps[i]; s.Note != hashOf(want) || !bytes.Equal(s.Token, tokenAbout(t, want)) {
			t.Errorf("time stamp %d is of another note", i)
		}
	}
	if third != f.points[2].Note {
		t.Error("the newest was not the next")
	}
	if !strings.Contains(r.String(), "the authority is down") {
		t.Errorf("reported %q", r.String())
	}
	if c := f.controls; fmt.Sprint(c[len(c)-3:]) != "[chain.timestamp chain.closed chain.checkpoint]" {
		t.Errorf("the end is %q", c)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

// A chain that a writer closed with a checkpoint is as well closed: the ids
// are whole.
func TestClosedWithACheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	rec := record(uuid.New(), "x")
	j := open(t, path, signing(t, 20))
	appendOne(t, j, rec)
	closeIt(t, j)
	j = open(t, path, signing(t, 20))
	if !j.RingWhole() || !appendOne(t, j, rec).Duplicate {
		t.Errorf("after a clean end: whole %v", j.RingWhole())
	}
	// One that is still open, or died, leaves a ring that may lack something,
	// also where its last line is a checkpoint.
	if _, err := j.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	k := open(t, path, signing(t, 20))
	if k.RingWhole() {
		t.Error("a checkpoint that closes nothing passes for a clean end")
	}
	closeIt(t, k)
	closeIt(t, j)
}

// Many lines after the last state of the tree that was saved: what is read is
// bounded by them, not by the chain.
func TestOpenReadsFromTheSavedTree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, -1))
	for range 30 {
		appendSome(t, j, 1000)
	}
	closeIt(t, j)
	fsys := faultfs.New()
	j = open(t, path, signing(t, 1), func(o *journal.Options) { o.FS = fsys })
	appendSome(t, j, 1)
	if n := fsys.Calls(faultfs.Read); n > 40 {
		t.Errorf("%d reads to open a journal, and to make a checkpoint", n)
	}
	closeIt(t, j)
	checkTree(t, path)
}

// A new chain in the place of another begins with a tree of its own, and the
// files of the old one go where the others go.
func TestCheckpointsOfANewChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 20))
	appendSome(t, j, journal.BlockSize)
	closeIt(t, j)
	j = open(t, path, signing(t, 20), func(o *journal.Options) { o.NewChain = "a test" })
	appendSome(t, j, 30)
	closeIt(t, j)
	if f := checkTree(t, path); len(f.points) != 2 {
		t.Errorf("%+v", f)
	}
	if n := blocksOf(t, path); n != 0 {
		t.Errorf("%d blocks in a cache of no block", n)
	}
	for _, suffix := range []string{".tree", ".checkpoints"} {
		if old, err := filepath.Glob(path + ".old-*/audit.jsonl" + suffix); err != nil || len(old) != 1 {
			t.Errorf("%s of the old chain: %q, %v", suffix, old, err)
		}
	}
}

// A journal that was taken away leaves its cache: the next one that is begun
// there does not take it for its own.
func TestTreeBesideAForeignCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 20))
	appendSome(t, j, 2*journal.BlockSize)
	closeIt(t, j)
	for _, suffix := range []string{"", ".head", ".ids", ".lock"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	j = open(t, path, signing(t, 20))
	appendSome(t, j, journal.BlockSize+30)
	closeIt(t, j)
	if f := checkTree(t, path); len(f.points) != 2 {
		t.Errorf("%d checkpoints", len(f.points))
	}
	if n := blocksOf(t, path); n != 1 {
		t.Errorf("%d blocks, of a chain of one", n)
	}
}
