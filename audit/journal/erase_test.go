// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
)

func erasureKey(t testing.TB, fill byte) integrity.SigningKey {
	t.Helper()
	k, err := integrity.NewSigningKey(integrity.KindErasure, bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// erasable begins a chain of which lines can be erased.
func erasable(o *journal.Options) {
	k, err := integrity.NewSigningKey(integrity.KindErasure, bytes.Repeat([]byte{'e'}, 32))
	if err != nil {
		panic(err)
	}
	o.ErasureKey = k.Public()
}

func order(t testing.TB, seq uint64) journal.Erasure {
	return journal.Erasure{Seq: seq, Who: "alice@example", Reason: "request 17", Key: erasureKey(t, 'e')}
}

func erase(t testing.TB, j *journal.Journal, seqs ...uint64) []journal.ErasureResult {
	t.Helper()
	var orders []journal.Erasure
	for _, seq := range seqs {
		orders = append(orders, order(t, seq))
	}
	r, err := j.Erase(t.Context(), orders)
	if err != nil {
		t.Fatal(err)
	}
	if len(r) != len(seqs) {
		t.Fatalf("%d results for %d orders", len(r), len(seqs))
	}
	return r
}

// chainOf reads every line of a journal, straight from its files, and checks by
// hand what a verifier checks: each tag over the leaf, the leaf of a tombstone
// being the one that it states, and for each tombstone a chain.erased behind
// it, of the same leaf and signed by the key of the genesis.
func chainOf(t testing.TB, path string) []integrity.Line {
	t.Helper()
	var lines []integrity.Line
	for _, s := range segments(t, path) {
		b := contents(t, s.Path)
		for len(b) > 0 {
			one, rest, whole := bytes.Cut(b, []byte{'\n'})
			line, err := integrity.ParseLine(one)
			if err != nil || !whole {
				t.Fatalf("%s: %v", s.Path, err)
			}
			lines, b = append(lines, line), rest
		}
	}
	checkErasedChain(t, lines, testKey(t, 'k'))
	return lines
}

func checkErasedChain(t testing.TB, lines []integrity.Line, key integrity.Key) {
	t.Helper()
	g, err := integrity.ParseGenesis(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	var h integrity.LeafHasher
	var prev integrity.Hash
	sealer := integrity.NewSealer(key, g.Chain)
	tombs := map[uint64]integrity.Hash{}
	for i, line := range lines {
		leaf := line.Leaf(&h)
		if line.Seq != uint64(i+1) || sealer.MAC(prev, line.Seq, leaf) != line.MAC {
			t.Fatalf("line %d does not hold", line.Seq)
		}
		prev = line.MAC
		if line.Kind == integrity.Tombstone {
			tombs[line.Seq] = leaf
		}
		if line.ControlName() != integrity.ControlErased {
			continue
		}
		var e integrity.Erased
		if err := integrity.ParseControl(line.Payload, &e); err != nil {
			t.Fatal(err)
		}
		pub, err := integrity.ParsePublicKey(integrity.KindErasure, []byte(g.ErasureKey))
		if err != nil || !e.Check(g.Chain, pub) {
			t.Fatalf("line %d is not signed (%v)", line.Seq, err)
		}
		if e.Line >= line.Seq || lines[e.Line-1].Leaf(&h) != e.Leaf {
			t.Fatalf("line %d is about another line", line.Seq)
		}
		delete(tombs, e.Line)
	}
	if len(tombs) > 0 {
		t.Fatalf("tombstones that nothing allows: %v", tombs)
	}
}

// contents reads a file, decompressed.
func contents(t testing.TB, name string) []byte {
	t.Helper()
	b := readFile(t, name)
	if !strings.HasSuffix(strings.TrimSuffix(name, ".part"), ".zst") {
		return b
	}
	z, err := zstd.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	b, err = io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// nowhere fails the test if any file beside the journal holds a text,
// decompressed.
func nowhere(t testing.TB, path, text string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(names) < 3 {
		t.Fatalf("%q %v", names, err)
	}
	for _, name := range names {
		if bytes.Contains(contents(t, name), []byte(text)) {
			t.Errorf("%s still holds %q", filepath.Base(name), text)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// fingerprints are the hashes of all lines but those given.
func fingerprints(lines []integrity.Line, but ...uint64) map[uint64][32]byte {
	m := map[uint64][32]byte{}
	for _, l := range lines {
		if !slices.Contains(but, l.Seq) {
			m[l.Seq] = sha256.Sum256(l.Append(nil))
		}
	}
	return m
}

func wantUntouched(t testing.TB, before map[uint64][32]byte, after []integrity.Line) {
	t.Helper()
	if len(after) < len(before) {
		t.Fatalf("%d lines of %d are left", len(after), len(before))
	}
	for _, l := range after {
		if sum, ok := before[l.Seq]; ok && sum != sha256.Sum256(l.Append(nil)) {
			t.Fatalf("line %d was changed", l.Seq)
		}
	}
}

// Lines of the file that is being written, of a finished and of a compressed
// one are erased in one call; everything else stays as it was, byte by byte.
func TestErase(t *testing.T) {
	for _, mode := range []journal.FsyncMode{journal.FsyncAlways, journal.FsyncNever, journal.FsyncEvery(time.Hour)} {
		t.Run(mode.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			var seqs []uint64
			fill := func(j *journal.Journal, what string) {
				for i := range 5 {
					rc := appendOne(t, j, record(uuid.New(), fmt.Sprintf("%s-%d", what, i)))
					if i == 2 {
						seqs = append(seqs, rc.Seq)
					}
				}
			}
			j := open(t, path, erasable, rotating(journal.Rotation{Compress: true}), func(o *journal.Options) { o.Fsync = mode })
			fill(j, "compressed")
			if err := j.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = open(t, path, func(o *journal.Options) { o.Fsync = mode })
			fill(j, "finished")
			if err := j.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
			fill(j, "newest")
			if names := fmt.Sprint(segments(t, path)); !strings.Contains(names, ".zst") {
				t.Fatalf("nothing is compressed: %s", names)
			}
			lines := chainOf(t, path)
			before := fingerprints(lines, seqs...)

			results := erase(t, j, seqs...)
			after := chainOf(t, path)
			wantUntouched(t, before, after)
			for i, r := range results {
				if r.Seq != seqs[i] || r.Already || r.Sealed <= lines[len(lines)-1].Seq || after[r.Sealed-1].ControlName() != integrity.ControlErased {
					t.Errorf("%+v", r)
				}
				was, is := lines[r.Seq-1], after[r.Seq-1]
				if is.Kind != integrity.Tombstone || len(is.Payload) != len(was.Payload) || is.MAC != was.MAC || r.Leaf != integrity.Leaf(was.Payload) {
					t.Errorf("line %d: %q", r.Seq, is.Payload)
				}
			}
			for _, what := range []string{"compressed-2", "finished-2", "newest-2"} {
				nowhere(t, path, what)
			}
			// Again, in other words: done, and nothing new is sealed.
			for _, r := range erase(t, j, seqs...) {
				if !r.Already {
					t.Errorf("%+v", r)
				}
			}
			if n := len(chainOf(t, path)); n != len(after) {
				t.Errorf("%d lines, and then %d", len(after), n)
			}
			appendOne(t, j, record(uuid.New(), "afterwards"))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			wantVerdict(t, verify(t, path), integrity.Verified)
			if _, err := os.Lstat(path + ".erase"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the marker is still there: %v", err)
			}
		})
	}
}

// What cannot be erased is refused before anything is changed.
func TestEraseRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, erasable)
	seq := appendOne(t, j, record(uuid.New(), "x")).Seq
	leaf := integrity.Leaf(chainOf(t, path)[seq-1].Payload)
	chain := integrity.ChainID(j.Chain())
	checkpoint, err := integrity.GenerateSigningKey(integrity.KindCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(change func(*journal.ErasureOrder)) journal.Erasure {
		o, err := journal.SignErasure(erasureKey(t, 'e'), chain, seq, leaf, "alice", "why", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		change(&o)
		return journal.Erasure{Order: &o}
	}
	otherLeaf, err := journal.SignErasure(erasureKey(t, 'e'), chain, seq, integrity.Hash{1}, "alice", "why", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*journal.Erasure)) journal.Erasure {
		e := order(t, seq)
		change(&e)
		return e
	}
	before := readFile(t, path)
	for name, c := range map[string]struct {
		e    journal.Erasure
		want error
	}{
		"no key":              {with(func(e *journal.Erasure) { e.Key = integrity.SigningKey{} }), journal.ErrErasureKey},
		"another kind of key": {with(func(e *journal.Erasure) { e.Key = checkpoint }), journal.ErrErasureKey},
		"another key":         {with(func(e *journal.Erasure) { e.Key = erasureKey(t, 'f') }), journal.ErrErasureKey},
		"no reason":           {with(func(e *journal.Erasure) { e.Reason = " " }), journal.ErrOrder},
		"nobody":              {with(func(e *journal.Erasure) { e.Who = "" }), journal.ErrOrder},
		"long":                {with(func(e *journal.Erasure) { e.Reason = strings.Repeat("x", 1001) }), journal.ErrOrder},
		"no UTF-8":            {with(func(e *journal.Erasure) { e.Who = "\xff" }), journal.ErrOrder},
		"beyond the end":      {with(func(e *journal.Erasure) { e.Seq = seq + 1 }), journal.ErrNoLine},
		"line 0":              {with(func(e *journal.Erasure) { e.Seq = 0 }), journal.ErrNoLine},
		"genesis":             {with(func(e *journal.Erasure) { e.Seq = 1 }), journal.ErrNotErasable},
		"control record":      {with(func(e *journal.Erasure) { e.Seq = 2 }), journal.ErrNotErasable},
		"order changed":       {signed(func(o *journal.ErasureOrder) { o.Reason = "other" }), journal.ErrErasureKey},
		"order for another":   {signed(func(o *journal.ErasureOrder) { o.Chain = integrity.ChainID{1} }), journal.ErrOrder},
		"order without time":  {signed(func(o *journal.ErasureOrder) { o.Ordered = "now" }), journal.ErrOrder},
		"another leaf":        {journal.Erasure{Order: &otherLeaf}, journal.ErrOrder},
		"order and more":      {func() journal.Erasure { e := signed(func(*journal.ErasureOrder) {}); e.Who = "bob"; return e }(), journal.ErrOrder},
	} {
		// A good one before it is not done either.
		r, err := j.Erase(t.Context(), []journal.Erasure{order(t, seq), c.e})
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.want.Error()) {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
		if !bytes.Equal(before, readFile(t, path)) || len(segments(t, path)) != 1 {
			t.Fatalf("%s: the journal was changed", name)
		}
	}
	if err := os.WriteFile(path+".hold", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Erase(t.Context(), []journal.Erasure{order(t, seq)}); !errors.Is(err, journal.ErrHeld) {
		t.Errorf("on hold: %v", err)
	}
	if err := os.Remove(path + ".hold"); err != nil {
		t.Fatal(err)
	}
	if r, err := j.Erase(t.Context(), []journal.Erasure{signed(func(*journal.ErasureOrder) {})}); err != nil || r[0].Sealed == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	chainOf(t, path)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Erase(t.Context(), []journal.Erasure{order(t, seq)}); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestEraseWithoutKeyInGenesis(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path)
	seq := appendOne(t, j, record(uuid.New(), "x")).Seq
	if _, err := j.Erase(t.Context(), []journal.Erasure{order(t, seq)}); !errors.Is(err, journal.ErrNoErasureKey) {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// A line whose file retention removed, and one that somebody altered.
func TestErasePrunedAndAltered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j := open(t, path, erasable, rotating(journal.Rotation{MaxSize: 1 << 30, Keep: 1}))
	pruned := appendOne(t, j, record(uuid.New(), "pruned")).Seq
	for range 2 {
		if err := j.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Erase(t.Context(), []journal.Erasure{order(t, pruned)}); !errors.Is(err, journal.ErrPruned) {
		t.Errorf("pruned: %v", err)
	}
	seq := appendOne(t, j, record(uuid.New(), "altered")).Seq
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b := readFile(t, path)
	at := bytes.Index(b, []byte("altered"))
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, rotating(journal.Rotation{MaxSize: 1 << 30, Keep: 1}))
	if _, err := j.Erase(t.Context(), []journal.Erasure{order(t, seq)}); !errors.Is(err, journal.ErrTampered) {
		t.Errorf("altered: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// The id of an erased record is refused, whatever comes with it: from memory,
// from the ring, and from a ring that had to be made anew.
func TestErasedIDIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	id := uuid.New()
	j := open(t, path, erasable)
	seq := appendOne(t, j, record(id, "secret")).Seq
	other := appendOne(t, j, record(uuid.New(), "other"))
	erase(t, j, seq)
	refused := func(when string) {
		t.Helper()
		for _, body := range []string{"secret", "something else"} {
			if rc := appendOne(t, j, record(id, body)); !errors.Is(rc.Err, journal.ErrErased) || rc.Seq != 0 || journal.Retryable(rc.Err) {
				t.Errorf("%s: %+v", when, rc)
			}
		}
	}
	refused("at once")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	refused("after a restart")
	if rc := appendOne(t, j, record(other.ID, "other")); !rc.Duplicate {
		t.Errorf("%+v", rc)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// Slots of other lines are lost, the last one among them: the ring is read
	// from the journal, which does not know the id of the erased line.
	ids := readFile(t, path+".ids")
	const slotsFrom, slotBytes = (1 << 17) * 2, 32
	for _, slot := range []int{2, len(chainOf(t, path))} {
		clear(ids[slotsFrom+slot*slotBytes : slotsFrom+(slot+1)*slotBytes])
	}
	if err := os.WriteFile(path+".ids", ids, 0o600); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	refused("with a ring made anew")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, l := range chainOf(t, path) {
		if l.Kind == integrity.Record && bytes.Contains(l.Payload, []byte(id.String())) {
			t.Errorf("line %d holds it again", l.Seq)
		}
	}
}

// Several journals on one file append, rotate and compress while lines are
// erased, two erasers at once, beside a follower and a verifier.
func TestEraseBesideOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var wg, writers sync.WaitGroup
	options := []func(*journal.Options){erasable, rotating(journal.Rotation{MaxSize: 8 << 10, Compress: true})}
	first := open(t, path, options...)
	var seqs []uint64
	for i := range 30 {
		seqs = append(seqs, appendOne(t, first, record(uuid.New(), fmt.Sprintf("secret-%02d-%s", i, strings.Repeat("y", 300)))).Seq)
	}
	for range 3 {
		j := open(t, path, options...)
		writers.Go(func() {
			for range 60 {
				rc := make([]journal.Receipt, 1)
				if err := j.Append(t.Context(), []journal.Record{record(uuid.New(), strings.Repeat("z", 200))}, rc); err != nil || rc[0].Err != nil {
					t.Error(err, rc[0].Err)
				}
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	for range 2 {
		j := open(t, path, options...)
		wg.Go(func() {
			for _, seq := range seqs {
				if r, err := j.Erase(t.Context(), []journal.Erasure{order(t, seq)}); err != nil || r[0].Seq != seq {
					t.Errorf("line %d: %v", seq, err)
				}
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			f, err := journal.NewFollower(path, journal.FollowOptions{Key: testKey(t, 'k'), Stop: true})
			if err != nil {
				t.Error(err)
				return
			}
			for {
				if _, err := f.Next(t.Context()); err == io.EOF {
					break
				} else if err != nil {
					t.Errorf("follower: %v", err)
					break
				}
			}
			f.Close()
		}
	})
	writers.Wait()
	close(stop)
	wg.Wait()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	lines := chainOf(t, path)
	erased := map[uint64]int{}
	for _, l := range lines {
		var e integrity.Erased
		if l.ControlName() == integrity.ControlErased && integrity.ParseControl(l.Payload, &e) == nil {
			erased[e.Line]++
		}
	}
	for _, seq := range seqs {
		if erased[seq] != 1 || lines[seq-1].Kind != integrity.Tombstone {
			t.Errorf("line %d: %d times, %v", seq, erased[seq], lines[seq-1].Kind)
		}
	}
	nowhere(t, path, "secret-")
	wantVerdict(t, verify(t, path), integrity.Verified)
}
