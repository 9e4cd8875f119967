// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
)

// eraseWorld is a journal on a disk that can crash, with a record to be erased
// in a compressed file, in one that stands there in both forms, and in the one
// that is being written, and a copy of the last in what a crash left.
type eraseWorld struct {
	testing.TB
	path string
	disk *crashfs.FS
	seqs []uint64
	// before are the lines as they were.
	before map[uint64][32]byte
}

const eraseSecret = "the-secret-of-line"

func (w *eraseWorld) open(f ...func(*journal.Options)) (*journal.Journal, error) {
	o := journal.Options{Key: testKey(w, 'k'), FS: w.disk}
	erasable(&o)
	for _, f := range f {
		f(&o)
	}
	return journal.Open(w.Context(), w.path, o)
}

func (w *eraseWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func newEraseWorld(t testing.TB, dir string, seed uint64) *eraseWorld {
	w := &eraseWorld{TB: t, path: filepath.Join(dir, "audit.jsonl"), before: map[uint64][32]byte{}}
	w.must(os.MkdirAll(dir, 0o700))
	_ = os.Remove(w.path + ".lock")
	w.disk = crashfs.New(dir, rand.New(rand.NewPCG(seed, 7)), crashfs.Options{})
	j, err := w.open()
	w.must(err)
	var last journal.Record
	for file := range 3 {
		for i := range 4 {
			rec := record(uuid.New(), fmt.Sprintf("%s-%d-%d %s", eraseSecret, file, i, strings.Repeat("x", 600)))
			if rc := appendOne(t, j, rec); i == 1 {
				w.seqs, last = append(w.seqs, rc.Seq), rec
			}
		}
		if file < 2 {
			w.must(j.Rotate(t.Context()))
		}
	}
	w.must(j.Close())
	files, err := filesOnDisk(w.disk, w.path)
	w.must(err)
	z, err := zstd.NewWriter(nil)
	w.must(err)
	w.write(files[0].path+".zst", z.EncodeAll(files[0].data, nil))
	w.must(w.disk.Remove(files[0].path))
	w.write(files[1].path+".zst", z.EncodeAll(files[1].data, nil))
	w.write(w.path+".torn-9", last.Payload[:len(last.Payload)/2])
	w.must(w.disk.SyncDir(dir))
	for _, l := range w.lines() {
		for seq, sum := range fingerprints([]integrity.Line{l}, w.seqs...) {
			w.before[seq] = sum
		}
	}
	return w
}

func (w *eraseWorld) write(name string, b []byte) {
	w.Helper()
	f, err := w.disk.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	w.must(err)
	_, err = f.WriteAt(b, 0)
	w.must(err)
	w.must(f.Sync())
	w.must(f.Close())
}

func (w *eraseWorld) lines() []integrity.Line {
	w.Helper()
	lines, err := chainOnDisk(w.disk, w.path)
	w.must(err)
	return lines
}

// holds reports which of the files on the disk hold a text, decompressed where
// they are whole.
func (w *eraseWorld) holds(text string) (in []string) {
	dir := filepath.Dir(w.path)
	names, err := w.disk.ReadDir(dir)
	w.must(err)
	for _, name := range names {
		b, err := w.disk.ReadFile(filepath.Join(dir, name))
		w.must(err)
		if strings.Contains(name, ".zst") {
			z, err := zstd.NewReader(bytes.NewReader(b))
			w.must(err)
			b, _ = io.ReadAll(z)
			z.Close()
		}
		if bytes.Contains(b, []byte(text)) {
			in = append(in, name)
		}
	}
	return in
}

// judge checks that the chain holds, that nothing but the targets was changed,
// and that there is no tombstone without its chain.erased. It returns the lines
// of which an erasure is sealed.
func (w *eraseWorld) judge() map[uint64]bool {
	w.Helper()
	lines := w.lines()
	checkErasedChain(w, lines, testKey(w, 'k'))
	wantUntouched(w, w.before, lines)
	r, err := judgeDisk(w.disk, w.path, testKey(w, 'k'))
	w.must(err)
	if r.Verdict != integrity.Verified && r.Verdict != integrity.VerifiedCrashTail && r.Verdict != integrity.PartlyProven {
		w.Fatalf("verdict %q: %v", r.Verdict, r.Bad)
	}
	sealed := map[uint64]bool{}
	for _, l := range lines {
		var e integrity.Erased
		if l.ControlName() == integrity.ControlErased && integrity.ParseControl(l.Payload, &e) == nil {
			sealed[e.Line] = true
		}
	}
	return sealed
}

// wantSettled checks what must be so after an opening that met no fault: each
// line is as it was, and nothing says that it is erased; or its payload is
// nowhere.
func (w *eraseWorld) wantSettled() (completed bool) {
	w.Helper()
	sealed := w.judge()
	lines := w.lines()
	for i, seq := range w.seqs {
		in := w.holds(fmt.Sprintf("%s-%d-1", eraseSecret, i))
		switch {
		case sealed[seq] && (lines[seq-1].Kind != integrity.Tombstone || len(in) > 0):
			w.Fatalf("line %d is erased, and still is in %q", seq, in)
		case !sealed[seq] && (lines[seq-1].Kind != integrity.Record || len(in) == 0):
			w.Fatalf("line %d is not erased, and is a %s (%q)", seq, lines[seq-1].Kind, in)
		}
	}
	// A part of a marker, which holds nothing of a record, may stay.
	if _, err := w.disk.Lstat(w.path + ".erase"); !errors.Is(err, os.ErrNotExist) {
		w.Fatalf("the marker is still there: %v", err)
	}
	return len(sealed) > 0
}

func (w *eraseWorld) orders() (all []journal.Erasure) {
	for _, seq := range w.seqs {
		all = append(all, order(w, seq))
	}
	return all
}

// The power fails at each change that an erasure makes on the disk, and once
// more while the next opening completes it.
func TestEraseCrashes(t *testing.T) {
	seeds := 3
	if testing.Short() {
		seeds = 1
	}
	dir := t.TempDir()
	untouched, completed, done := 0, 0, 0
	for seed := range uint64(seeds) { //nolint:gosec // a small number
		for at := 1; ; at++ {
			w := newEraseWorld(t, dir, seed)
			mode := func(o *journal.Options) {
				if at%2 == 0 {
					o.Fsync = journal.FsyncEvery(time.Hour)
				}
			}
			j, err := w.open(mode)
			w.must(err)
			w.disk.CrashAt(at)
			_, err = j.Erase(t.Context(), w.orders())
			crashed := w.disk.Crashed()
			if err == nil && crashed {
				t.Fatalf("change %d: the power failed, and Erase says that it is done", at)
			}
			rng := rand.New(rand.NewPCG(seed, uint64(at)))
			w.disk = w.disk.Crash(rng)
			_ = j.Close()
			w.judge()
			if !crashed {
				w.must(err)
				j, err := w.open()
				w.must(err)
				w.must(j.Close())
				if !w.wantSettled() {
					t.Fatal("an erasure that was done came undone")
				}
				done++
				break
			}
			// It crashes again, early in the next opening.
			w.disk.CrashAt(1 + rng.IntN(25))
			if j, err := w.open(); err == nil {
				_ = j.Close()
			}
			w.disk = w.disk.Crash(rng)
			w.judge()
			j, err = w.open(func(o *journal.Options) { o.Report = func(err error) { t.Error(err) } })
			if err != nil {
				t.Fatalf("change %d: %v", at, err)
			}
			w.must(j.Close())
			if w.wantSettled() {
				completed++
			} else {
				untouched++
			}
		}
	}
	if untouched < 5*seeds || completed < 5*seeds || done != seeds {
		t.Errorf("%d erasures were left as if they had never been, %d completed, %d done: the crashes are too dull", untouched, completed, done)
	}
}

// An erasure that is done outlives a power failure in every fsync mode.
func TestEraseIsDurable(t *testing.T) {
	dir := t.TempDir()
	for seed := range uint64(20) {
		w := newEraseWorld(t, dir, seed)
		j, err := w.open(func(o *journal.Options) { o.Fsync = journal.FsyncNever })
		w.must(err)
		r, err := j.Erase(t.Context(), w.orders())
		w.must(err)
		if len(r[2].Cleaned) != 1 || r[2].Cleaned[0] != "audit.jsonl.torn-9" {
			t.Errorf("%+v", r[2])
		}
		w.disk = w.disk.Crash(rand.New(rand.NewPCG(seed, 1)))
		_ = j.Close()
		if !w.wantSettled() {
			t.Fatalf("seed %d: an erasure that was done came undone", seed)
		}
	}
}

// Each call of an erasure fails once. What it says is true: after ErrUnfinished
// it is sealed; and the next opening leaves nothing half done.
func TestEraseFaults(t *testing.T) {
	dir := t.TempDir()
	for _, call := range []crashfs.Call{
		crashfs.Open, crashfs.Create, crashfs.Lstat, crashfs.Read, crashfs.Write, crashfs.Sync,
		crashfs.SyncDir, crashfs.Rename, crashfs.Remove, crashfs.ReadDir,
	} {
		met := 0
		for skip := 0; ; skip++ {
			w := newEraseWorld(t, dir, uint64(skip))
			j, err := w.open()
			w.must(err)
			w.disk.Inject(crashfs.Fault{Call: call, Skip: skip, Times: 1})
			was := w.disk.Injected()
			r, err := j.Erase(t.Context(), w.orders())
			if w.disk.Injected() == was {
				w.must(err)
				_ = j.Close()
				break
			}
			met++
			w.disk.Heal()
			sealed := w.judge()
			if err == nil && (len(r) != len(w.seqs) || len(sealed) != len(w.seqs)) {
				t.Fatalf("%s %d: done, and %v is sealed", call, skip, sealed)
			}
			if errors.Is(err, journal.ErrUnfinished) && len(sealed) == 0 {
				t.Fatalf("%s %d: %v, and nothing is sealed", call, skip, err)
			}
			if err != nil && skip%2 == 0 {
				// The same process tries again.
				if r, err := j.Erase(t.Context(), w.orders()); err != nil || len(r) != len(w.seqs) {
					t.Fatalf("%s %d: again: %v", call, skip, err)
				}
				if !w.wantSettled() {
					t.Fatalf("%s %d: nothing is sealed", call, skip)
				}
			}
			appendOne(t, j, record(uuid.New(), "goes on"))
			if err := j.Close(); err != nil {
				t.Fatalf("%s %d: close: %v", call, skip, err)
			}
			j, err = w.open(func(o *journal.Options) { o.Report = func(err error) { t.Error(err) } })
			w.must(err)
			w.must(j.Close())
			w.wantSettled()
		}
		if met == 0 {
			t.Errorf("%s is never called", call)
		}
	}
}

var _ vfs.FS = (*crashfs.FS)(nil)
