// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
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
	"golang.org/x/mod/sumdb/tlog"
)

func testSigner(t testing.TB, fill byte) integrity.SigningKey {
	t.Helper()
	k, err := integrity.NewSigningKey(integrity.KindCheckpoint, bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signing makes a journal sign checkpoints, after so many lines and never by
// time.
func signing(t testing.TB, records int64) func(*journal.Options) {
	return func(o *journal.Options) {
		o.Checkpoint.Signer, o.Checkpoint.Records, o.Checkpoint.Every = testSigner(t, 's'), records, -1
	}
}

// oracle is the tree of a chain as golang.org/x/mod/sumdb/tlog has it.
type oracle []tlog.Hash

func (o *oracle) add(t testing.TB, n uint64, leaf integrity.Hash) {
	t.Helper()
	h, err := tlog.StoredHashesForRecordHash(int64(n), tlog.Hash(leaf), o.reader())
	if err != nil {
		t.Fatal(err)
	}
	*o = append(*o, h...)
}

func (o *oracle) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var h []tlog.Hash
		for _, i := range at {
			if i >= int64(len(*o)) {
				return nil, errors.New("beyond the end")
			}
			h = append(h, (*o)[i])
		}
		return h, nil
	})
}

func (o *oracle) root(t testing.TB, size uint64) integrity.Hash {
	t.Helper()
	h, err := tlog.TreeHash(int64(size), o.reader())
	if err != nil {
		t.Fatal(err)
	}
	return integrity.Hash(h)
}

// found is what a chain says of its tree.
type found struct {
	lines    uint64
	points   []integrity.Checkpointed
	stamps   []integrity.Timestamped
	segments int // those that name a tree
	without  int // those that do not
	controls []string
}

// checkTree reads a journal back, and compares all that it says of its tree
// with the oracle.
func checkTree(t testing.TB, path string) found {
	t.Helper()
	r, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var f found
	var o oracle
	var leaf integrity.LeafHasher
	tree := integrity.NewRange(0)
	begins := map[uint64][2]int64{}
	first := int64(0)
	notes := map[uint64]string{}
	for {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if f.lines++; line.Seq != f.lines {
			t.Fatalf("seq %d where %d should be", line.Seq, f.lines)
		}
		if line.Offset == 0 {
			first = int64(line.Seq)
		}
		begins[line.Seq] = [2]int64{first, line.Offset}
		name := line.ControlName()
		if name != "" {
			f.controls = append(f.controls, name)
		}
		switch name {
		case integrity.ControlCheckpoint:
			var c integrity.Checkpointed
			if err := integrity.ParseControl(line.Payload, &c); err != nil {
				t.Fatal(err)
			}
			p, err := integrity.OpenCheckpoint([]byte(c.Note), testSigner(t, 's').Public())
			if err != nil {
				t.Fatalf("seq %d: %v", line.Seq, err)
			}
			if p.Size != line.Seq-1 || p.Root != o.root(t, p.Size) {
				t.Fatalf("seq %d: a checkpoint of %d lines with another root than these have", line.Seq, p.Size)
			}
			if c.Closing != (len(f.controls) > 1 && f.controls[len(f.controls)-2] == integrity.ControlClosed) {
				t.Errorf("seq %d: closing: %v, behind %q", line.Seq, c.Closing, f.controls)
			}
			notes[p.Size] = c.Note
			f.points = append(f.points, c)
		case integrity.ControlTimestamp:
			var s integrity.Timestamped
			if err := integrity.ParseControl(line.Payload, &s); err != nil {
				t.Fatal(err)
			}
			if notes[s.Size] == "" || s.Note != hashOf(notes[s.Size]) {
				t.Errorf("seq %d: a time stamp of no checkpoint before it", line.Seq)
			}
			f.stamps = append(f.stamps, s)
		case integrity.ControlSegment:
			var s integrity.Segment
			if err := integrity.ParseControl(line.Payload, &s); err != nil {
				t.Fatal(err)
			}
			if s.Tree == nil {
				f.without++
				break
			}
			f.segments++
			if fmt.Sprint(s.Tree) != fmt.Sprint(tree.Nodes()) {
				t.Fatalf("seq %d: another tree than that of the lines before", line.Seq)
			}
		}
		h := line.Leaf(&leaf)
		tree.Add(h)
		o.add(t, line.Seq-1, h)
	}
	checkBlocks(t, path, &o, f.lines, begins)
	return f
}

// checkBlocks compares the index of the cache, as far as it goes.
func checkBlocks(t testing.TB, path string, o *oracle, lines uint64, begins map[uint64][2]int64) {
	t.Helper()
	b, err := journal.OpenBlocks(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for i := range min(b.Count(), lines/journal.BlockSize) {
		root, first, off, ok := b.Block(i)
		if !ok {
			continue
		}
		h, err := o.reader().ReadHashes([]int64{tlog.StoredHashIndex(12, int64(i))})
		if err != nil {
			t.Fatal(err)
		}
		want := begins[i*journal.BlockSize+1]
		if root != integrity.Hash(h[0]) || int64(first) != want[0] || off != want[1] {
			t.Fatalf("block %d: root %v, in file %d at %d; want %v, %v", i, root, first, off, h[0], want)
		}
	}
}

// blocksOf returns how many blocks the index has, of the lines of a journal.
func blocksOf(t testing.TB, path string) (n int) {
	t.Helper()
	b, err := journal.OpenBlocks(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for i := range b.Count() {
		if _, _, _, ok := b.Block(i); ok {
			n++
		}
	}
	return n
}

func appendSome(t testing.TB, j *journal.Journal, n int) {
	t.Helper()
	recs := make([]journal.Record, n)
	for i := range recs {
		recs[i] = record(uuid.New(), strings.Repeat("x", i%40))
		recs[i].Idempotent = false
	}
	if err := j.Append(t.Context(), recs, make([]journal.Receipt, n)); err != nil {
		t.Fatal(err)
	}
}

func closeIt(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// The tree goes on through batches, files, compression and openings.
func TestTreeThroughFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for i := range 6 {
		j := open(t, path, signing(t, 50), rotating(journal.Rotation{MaxSize: 200 << 10, Compress: i%2 == 0}))
		for n := range 12 {
			appendSome(t, j, 1+n*n*3)
		}
		closeIt(t, j)
	}
	f := checkTree(t, path)
	if f.lines < 2*journal.BlockSize || f.segments < 3 || f.without > 0 || len(f.points) < 40 {
		t.Errorf("too little came of it: %+v", f)
	}
	if n := blocksOf(t, path); n != int(f.lines/journal.BlockSize) {
		t.Errorf("%d blocks in the index, of %d lines", n, f.lines)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

// Whatever becomes of the cache, the tree is right: that costs time alone.
func TestTreeWithoutItsCache(t *testing.T) {
	other := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, other, signing(t, 10))
	appendSome(t, j, 100)
	closeIt(t, j)
	foreign := readFile(t, other+".tree")

	for name, change := range map[string]func(t *testing.T, tree string, older []byte){
		"as it is": func(*testing.T, string, []byte) {},
		"removed": func(t *testing.T, tree string, _ []byte) {
			if err := os.Remove(tree); err != nil {
				t.Fatal(err)
			}
		},
		"empty":   func(t *testing.T, tree string, _ []byte) { writeFile(t, tree, nil) },
		"older":   func(t *testing.T, tree string, older []byte) { writeFile(t, tree, older) },
		"foreign": func(t *testing.T, tree string, _ []byte) { writeFile(t, tree, foreign) },
		"torn": func(t *testing.T, tree string, _ []byte) {
			b := readFile(t, tree)
			clear(b[300:900])
			clear(b[4096+300 : 4096+900])
			writeFile(t, tree, b)
		},
		"one slot torn": func(t *testing.T, tree string, _ []byte) {
			b := readFile(t, tree)
			clear(b[60:120])
			writeFile(t, tree, b)
		},
		"the other slot torn": func(t *testing.T, tree string, _ []byte) {
			b := readFile(t, tree)
			clear(b[4096+60 : 4096+120])
			writeFile(t, tree, b)
		},
		"slots changed for each other": func(t *testing.T, tree string, _ []byte) {
			b := readFile(t, tree)
			writeFile(t, tree, append(append(bytes.Clone(b[4096:8192]), b[:4096]...), b[8192:]...))
		},
		"a link": func(t *testing.T, tree string, _ []byte) {
			away := tree + ".away"
			if err := errors.Join(os.Rename(tree, away), os.Symlink(away, tree)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			j := open(t, path, signing(t, 100))
			appendSome(t, j, 30)
			closeIt(t, j)
			older := readFile(t, path+".tree")
			j = open(t, path, signing(t, 100), rotating(journal.Rotation{MaxSize: 400 << 10}))
			for range 10 {
				appendSome(t, j, 450)
			}
			closeIt(t, j)
			change(t, path+".tree", older)
			// A process that has no signer, one that dies, and one that rotates.
			j = open(t, path)
			appendSome(t, j, 5)
			closeIt(t, j)
			dead := open(t, path, signing(t, 100))
			appendSome(t, dead, 250)
			j = open(t, path, signing(t, 100))
			appendSome(t, j, 7)
			if err := j.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			appendSome(t, j, 7)
			closeIt(t, j)
			f := checkTree(t, path)
			if f.segments < 2 || f.without > 0 || len(f.points) < 5 {
				t.Errorf("too little came of it: %+v", f)
			}
			wantVerdict(t, verify(t, path), integrity.Verified)
		})
	}
}

func writeFile(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A cache that lies with the right key: its state is not of the lines that
// stand there.
func TestTreeLyingCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 1000))
	appendSome(t, j, 30)
	closeIt(t, j)
	// The chain is put back by a copy of its files, and goes on in another way:
	// the cache is of lines that are no more.
	before := map[string][]byte{}
	for _, suffix := range []string{"", ".head", ".ids"} {
		before[suffix] = readFile(t, path+suffix)
	}
	j = open(t, path, signing(t, 1000))
	appendSome(t, j, 20)
	closeIt(t, j)
	for suffix, b := range before {
		writeFile(t, path+suffix, b)
	}
	j = open(t, path, signing(t, 1000))
	appendSome(t, j, 20)
	closeIt(t, j)
	if f := checkTree(t, path); len(f.points) != 2 {
		t.Errorf("%+v", f)
	}
}

// Two journals take turns, with files that both finish.
func TestTreeOfTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	a := open(t, path, signing(t, 40), rotating(journal.Rotation{MaxSize: 30 << 10}))
	b := open(t, path, signing(t, 40))
	plain := open(t, path)
	var wg sync.WaitGroup
	for _, j := range []*journal.Journal{a, b, plain} {
		wg.Go(func() {
			for n := range 60 {
				appendSome(t, j, 1+n%13)
			}
		})
	}
	wg.Wait()
	for _, j := range []*journal.Journal{a, plain, b} {
		closeIt(t, j)
	}
	f := checkTree(t, path)
	// One of them makes each checkpoint, not both. (While the one without a key
	// writes alone, nobody does.)
	if n := len(f.points); n < int(f.lines)/100 || n > int(f.lines)/40+3 {
		t.Errorf("%d checkpoints in %d lines", n, f.lines)
	}
	if f.segments < 3 {
		t.Errorf("%+v", f)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

// One writer finishes files under another one, which cannot have the new state
// from the cache: it finds out that its tree is of other lines.
func TestTreeOfTwoWritersWithoutACache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.Mkdir(path+".tree", 0o700); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, path, signing(t, 1000)), open(t, path, signing(t, 1000))
	for n := range 12 {
		appendSome(t, a, 3)
		if err := b.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		appendSome(t, b, 3+n)
		appendSome(t, a, 2)
		if err := a.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	closeIt(t, a)
	closeIt(t, b)
	if f := checkTree(t, path); f.segments != 24 || len(f.points) != 2 {
		t.Errorf("%d files, %d checkpoints", f.segments, len(f.points))
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}

// A call of a commit fails, whichever: what is sealed in the end is right.
func TestTreeAfterFaults(t *testing.T) {
	for _, op := range []faultfs.Op{faultfs.Open, faultfs.Read, faultfs.Write, faultfs.Sync, faultfs.Truncate, faultfs.SyncDir, faultfs.Rename} {
		for _, suffix := range []string{".jsonl", ".tree", ".head", ".checkpoints"} {
			for skip := range 4 {
				t.Run(fmt.Sprint(op, suffix, skip), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "audit.jsonl")
					fsys := faultfs.New()
					with := func(o *journal.Options) { o.FS = fsys }
					j := open(t, path, signing(t, 20), with, rotating(journal.Rotation{MaxSize: 15 << 10}))
					appendSome(t, j, 30)
					fsys.Fail(op, suffix, skip, 2, faultfs.Fault{Err: syscall.EIO, Partial: 17})
					for range 12 {
						recs := []journal.Record{record(uuid.New(), "a"), record(uuid.New(), "b")}
						for range 20 {
							recs = append(recs, record(uuid.New(), "c"))
						}
						_ = j.Append(t.Context(), recs, make([]journal.Receipt, len(recs)))
					}
					fsys.Heal()
					appendSome(t, j, 30)
					closeIt(t, j)
					j = open(t, path, signing(t, 20))
					appendSome(t, j, 30)
					closeIt(t, j)
					f := checkTree(t, path)
					if f.without > 0 || f.segments == 0 || len(f.points) < 4 {
						t.Errorf("too little came of it: %+v", f)
					}
					wantVerdict(t, verify(t, path), integrity.Verified)
				})
			}
		}
	}
}

// A file that is gone takes its tree with it, where nobody knows it: the chain
// goes on without checkpoints, until it is back.
func TestTreeLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var said []string
	with := func(o *journal.Options) { o.Report = func(err error) { said = append(said, err.Error()) } }
	clock := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	ticking := func(o *journal.Options) { o.Now = func() time.Time { return clock } }
	j := open(t, path, signing(t, 10))
	appendSome(t, j, 25)
	tree := readFile(t, path+".tree")
	closeIt(t, j)
	whole := readFile(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path+".tree", tree) // it has the charter of the chain, and is of an earlier line
	j = open(t, path, signing(t, 10), with, ticking)
	appendSome(t, j, 25)
	if _, err := j.Checkpoint(t.Context()); !errors.Is(err, journal.ErrNoTree) {
		t.Errorf("a checkpoint of lines that are gone: %v", err)
	}
	if !strings.Contains(fmt.Sprint(said), "a file of the chain is missing") {
		t.Errorf("said %q", said)
	}
	writeFile(t, filepath.Join(filepath.Dir(path), "audit-00000000000000000001.jsonl"), whole)
	clock = clock.Add(2 * time.Hour)
	appendSome(t, j, 25)
	closeIt(t, j)
	f := checkTree(t, path)
	if f.without != 1 || len(f.points) != 4 {
		t.Errorf("%+v", f)
	}
}

// A line that is not as it was sealed is in no tree that is signed.
func TestTreeOfAlteredLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 10))
	appendSome(t, j, 25)
	closeIt(t, j)
	b := readFile(t, path)
	i := bytes.Index(b, []byte(`"body":"xxxx`))
	b[i+9] = 'y'
	writeFile(t, path, b)
	// The cache knows the tree: nothing of it is read again.
	j = open(t, path, signing(t, 10))
	point, err := j.Checkpoint(t.Context())
	if err != nil || point.Seq != point.Size+1 {
		t.Fatalf("%+v, %v", point, err)
	}
	closeIt(t, j)
	if err := os.Remove(path + ".tree"); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, signing(t, 10))
	if _, err := j.Checkpoint(t.Context()); !errors.Is(err, journal.ErrNoTree) {
		t.Errorf("a checkpoint of altered lines: %v", err)
	}
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendSome(t, j, 25)
	closeIt(t, j)
	wantVerdict(t, verify(t, path), integrity.Tampered)
}

// A rotation waits where the tree cannot be read just now: the next file has to
// say what it is.
func TestRotationWithoutItsTree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 10))
	appendSome(t, j, 25)
	closeIt(t, j)
	if err := os.Remove(path + ".tree"); err != nil {
		t.Fatal(err)
	}
	fsys := faultfs.New()
	var r reported
	j = open(t, path, r.with, func(o *journal.Options) { o.FS = fsys })
	fsys.Fail(faultfs.Read, "audit.jsonl", 0, -1, faultfs.Fault{Err: syscall.EIO})
	for range 2 {
		if err := j.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	appendSome(t, j, 25)
	if n := len(segments(t, path)); n != 1 || !strings.Contains(r.String(), "records go on into the same file") {
		t.Errorf("%d files, reported %q", n, r.String())
	}
	fsys.Heal()
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeIt(t, j)
	if f := checkTree(t, path); f.segments != 1 || f.without != 0 {
		t.Errorf("%+v", f)
	}
}

// A cache that is removed under a running writer is made anew.
func TestTreeCacheRemovedWhileRunning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 10))
	appendSome(t, j, 25)
	if err := os.Remove(path + ".tree"); err != nil {
		t.Fatal(err)
	}
	appendSome(t, j, 25)
	appendSome(t, j, 2*journal.BlockSize)
	closeIt(t, j)
	if checkTree(t, path); blocksOf(t, path) == 0 {
		t.Error("it holds nothing")
	}
}

// A first line that was altered says nothing; the cache knows who signs.
func TestTreeWithoutAFirstLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 10))
	appendSome(t, j, 25)
	closeIt(t, j)
	b := readFile(t, path)
	copy(b[bytes.IndexByte(b, '\n')-3:], "...")
	writeFile(t, path, b)
	j = open(t, path, signing(t, 10))
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	point, err := j.Checkpoint(t.Context())
	closeIt(t, j)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := integrity.OpenCheckpoint(point.Note, testSigner(t, 's').Public()); err != nil {
		t.Error(err)
	}
	first := readFile(t, path)
	if !bytes.Contains(first[:bytes.IndexByte(first, '\n')], []byte(`"checkpoint_key":"`+testSigner(t, 's').Public().Base64()+`"`)) {
		t.Error("the next file does not say who signs")
	}
}
