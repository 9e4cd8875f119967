// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

func trustIn(t testing.TB) integrity.Trust {
	t.Helper()
	return integrity.Trust{Keys: []integrity.PublicKey{testSigner(t, 's').Public()}}
}

// proves makes a proof of a line, and checks it with the public key alone.
func proves(t testing.TB, path string, o journal.ProveOptions) *integrity.ProofCheck {
	t.Helper()
	p, err := journal.Prove(context.Background(), path, o)
	if err != nil {
		t.Fatalf("%+v: %v", o, err)
	}
	c, err := p.Check(trustIn(t))
	if err != nil {
		t.Fatalf("%+v: %v", o, err)
	}
	return c
}

// Lines of a journal as a writer leaves it are proven: through files, compressed
// ones, with the cache of the tree, without it, and with that of another
// journal.
func TestProveWhatAWriterWrote(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.jsonl")
	for i := range 3 {
		j := open(t, path, signing(t, 500), rotating(journal.Rotation{MaxSize: 900 << 10, Compress: i == 0}))
		for range 8 {
			appendSome(t, j, 601)
		}
		closeIt(t, j)
	}
	if n := blocksOf(t, path); n < 3 {
		t.Fatalf("%d blocks in the index", n)
	}
	segments, err := journal.Segments(path)
	if err != nil || len(segments) < 4 || !segments[0].Compressed || segments[2].Compressed {
		t.Fatalf("%v: %+v", err, segments)
	}
	finished := segments[1 : len(segments)-1]
	newest := proves(t, path, journal.ProveOptions{Seq: 1}).Checkpoint.Size
	all := func() {
		t.Helper()
		for seq := uint64(1); seq <= newest; seq += newest / 17 {
			if c := proves(t, path, journal.ProveOptions{Seq: seq}); c.Checkpoint.Size != newest {
				t.Fatalf("seq %d in a checkpoint of size %d, of %d", seq, c.Checkpoint.Size, newest)
			}
		}
		proves(t, path, journal.ProveOptions{Seq: newest})
		for _, s := range finished {
			proves(t, path, journal.ProveOptions{Seq: s.First})
			proves(t, path, journal.ProveOptions{Seq: s.First - 1})
		}
	}
	all()
	index := readFile(t, path+".tree")
	damaged := bytes.Clone(index)
	clear(damaged[2*4096+100 : 2*4096+150])
	writeFile(t, path+".tree", damaged)
	all()
	if err := os.Remove(path + ".tree"); err != nil {
		t.Fatal(err)
	}
	all()
	wantVerdict(t, verify(t, path), integrity.Verified)

	// That the index is used shows where a line of another block is altered:
	// no other way gives a proof then.
	writeFile(t, path+".tree", index)
	b := readFile(t, finished[1].Path)
	if first := finished[1].First; first/journal.BlockSize == 0 || newest < first+2*journal.BlockSize {
		t.Fatalf("the file begins at %d, of %d", first, newest)
	}
	at := bytes.Index(b, []byte(`{"timestamp":"`)) + len(`{"timestamp":"2`)
	b[at] = '9'
	writeFile(t, finished[1].Path, b)
	proves(t, path, journal.ProveOptions{Seq: 5})
	if err := os.Remove(path + ".tree"); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Prove(context.Background(), path, journal.ProveOptions{Seq: 5}); !errors.Is(err, journal.ErrDoesNotHold) {
		t.Errorf("a line was altered: %v", err)
	}
}

// While a writer writes, rotates, compresses and removes, what is covered is
// proven, and no writer is kept waiting for a proof.
func TestProveBesideAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, signing(t, 40), rotating(journal.Rotation{MaxSize: 40 << 10, Compress: true, Keep: 3}))
	appendSome(t, j, 100)
	made := 0
	for range 25 {
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 3 {
				appendSome(t, j, 30)
			}
		})
		segments, err := journal.Segments(path)
		if err != nil {
			t.Fatal(err)
		}
		seq := segments[len(segments)/2].First + 3
		p, err := journal.Prove(context.Background(), path, journal.ProveOptions{Seq: seq})
		switch {
		case errors.Is(err, journal.ErrNoCheckpoint), errors.Is(err, journal.ErrNoRecord): // not yet, or no longer
		case err != nil:
			t.Errorf("seq %d: %v", seq, err)
		default:
			made++
			if _, err := p.Check(trustIn(t)); err != nil {
				t.Errorf("seq %d: %v", seq, err)
			}
		}
		wg.Wait()
	}
	closeIt(t, j)
	if made == 0 {
		t.Error("no proof came out beside the writer")
	}
	segments, err := journal.Segments(path)
	if err != nil || segments[0].First == 1 {
		t.Fatalf("nothing was removed: %v, %v", segments, err)
	}
	proves(t, path, journal.ProveOptions{Seq: segments[0].First})
	if _, err := journal.Prove(context.Background(), path, journal.ProveOptions{Seq: 3}); !errors.Is(err, journal.ErrNoRecord) {
		t.Errorf("a record that was removed: %v", err)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}
