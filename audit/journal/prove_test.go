// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// treed is a handmade chain with checkpoints.
type treed struct {
	*handmade
	signer integrity.SigningKey
	tree   integrity.Range
	blocks fakeBlocks
	notes  map[uint64][]byte
}

func checkpointKey(t testing.TB, fill byte) integrity.SigningKey {
	t.Helper()
	k, err := integrity.NewSigningKey(integrity.KindCheckpoint, bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newTreed(t testing.TB) *treed {
	t.Helper()
	h := newHandmade(t)
	h.check(os.Remove(h.path))
	h.sealer = integrity.NewSealer(h.key, h.chain)
	h.at = integrity.Position{First: 1}
	c := &treed{handmade: h, signer: checkpointKey(t, 1), notes: make(map[uint64][]byte)}
	g := integrity.NewGenesis(h.chain, h.key, time.Unix(0, 0))
	g.CheckpointKey = c.signer.Public().Base64()
	c.add(integrity.ControlPayload(g))
	return c
}

// seal is the line with a payload; the tree grows by it.
func (c *treed) seal(payload []byte) []byte {
	if c.tree.Size()%blockSize == 0 {
		c.blocks = append(c.blocks, fakeBlock{first: c.at.First, off: c.at.Size, lines: integrity.NewRange(c.tree.Size())})
	}
	leaf := integrity.Leaf(payload)
	c.tree.Add(leaf)
	c.blocks[len(c.blocks)-1].lines.Add(leaf)
	return c.line(payload)
}

func (c *treed) add(payload []byte) {
	c.Helper()
	c.write(c.seal(payload))
}

func recordPayload(seq uint64) []byte {
	return fmt.Appendf(nil, `{"timestamp":"2026-11-24T10:15:00.000000000Z","session_id":"s%d","event":{"type":"log","id":"%s"},"id":"%s","blind":"x"`, seq, recordID(seq+1), recordID(seq))
}

func recordID(seq uint64) string { return fmt.Sprintf("019a0000-0000-7000-8000-%012d", seq) }

func (c *treed) records(n int) {
	c.Helper()
	var b []byte
	for range n {
		b = append(b, c.seal(recordPayload(c.at.Seq+1))...)
	}
	c.write(b)
}

// checkpoint seals a checkpoint, and returns its size.
func (c *treed) checkpoint() uint64 {
	c.Helper()
	size := c.at.Seq
	note, err := integrity.Checkpoint{Chain: c.chain, Size: size, Root: c.tree.Root()}.Sign(c.signer)
	c.check(err)
	c.notes[size] = note
	c.add(integrity.ControlPayload(integrity.Checkpointed{Control: integrity.ControlCheckpoint, Time: integrity.FormatTime(time.Unix(2, 0)), Writer: "w", Note: string(note)}))
	return size
}

// rotate begins a new file.
func (c *treed) rotate() string {
	c.Helper()
	name := c.finish()
	before := c.at
	c.at.First, c.at.Size = c.at.Seq+1, 0
	c.add(integrity.ControlPayload(integrity.Segment{
		Control: integrity.ControlSegment, Time: integrity.FormatTime(time.Unix(2, 0)), Writer: "w", Format: 1,
		Chain: c.chain, KeyID: c.key.ID(), CheckpointKey: c.signer.Public().Base64(), Reason: integrity.SegmentSize, Previous: before,
		Tree: c.tree.Nodes(),
	}))
	return name
}

func (c *treed) trust() integrity.Trust {
	return integrity.Trust{Keys: []integrity.PublicKey{checkpointKey(c, 1).Public(), checkpointKey(c, 2).Public()}, Chain: c.chain}
}

// proves makes a proof, and checks it.
func (c *treed) proves(o ProveOptions) *integrity.Proof {
	c.Helper()
	p, err := Prove(context.Background(), c.path, o)
	c.check(err)
	_, err = p.Check(c.trust())
	c.check(err)
	return p
}

func (c *treed) refuses(o ProveOptions, want error, says string) {
	c.Helper()
	p, err := Prove(context.Background(), c.path, o)
	if !errors.Is(err, want) || !strings.Contains(err.Error(), says) || p != nil && err == nil {
		c.Errorf("%+v: %v; want %v with %q", o, err, want, says)
	}
}

// threeFiles is a chain of three files, the first of which is compressed, with
// several checkpoints.
func threeFiles(t testing.TB) (c *treed, sizes []uint64) {
	t.Helper()
	c = newTreed(t)
	c.records(20)
	sizes = append(sizes, c.checkpoint())
	c.records(5)
	first := c.rotate()
	c.compress(first)
	c.records(9)
	sizes = append(sizes, c.checkpoint())
	c.rotate()
	c.records(11)
	sizes = append(sizes, c.checkpoint())
	c.records(3)
	c.mark()
	return c, sizes
}

func TestProve(t *testing.T) {
	c, sizes := threeFiles(t)
	newest := sizes[len(sizes)-1]
	for seq := uint64(1); seq <= newest; seq++ {
		p := c.proves(ProveOptions{Seq: seq})
		if p.Seq() != seq || !bytes.Equal(p.Note, c.notes[newest]) {
			t.Fatalf("seq %d: proof of seq %d", seq, p.Seq())
		}
	}
	for _, size := range sizes {
		for _, o := range []ProveOptions{{Seq: 7, Size: size}, {Seq: 7, Note: c.notes[size]}, {ID: recordID(7), Size: size}} {
			p := c.proves(o)
			if !bytes.Equal(p.Note, c.notes[size]) || !bytes.Equal(p.Payload, recordPayload(7)) {
				t.Errorf("%+v: not what was asked for", o)
			}
		}
	}
	// A member that has the id deeper, as the record before has, is not it.
	for _, seq := range []uint64{2, 30, 40} {
		if p := c.proves(ProveOptions{ID: recordID(seq)}); p.Seq() != seq {
			t.Errorf("id of seq %d: proof of seq %d", seq, p.Seq())
		}
	}

	last := c.at.Seq
	c.refuses(ProveOptions{Seq: last}, ErrNoCheckpoint, "run auditchain checkpoint")
	c.refuses(ProveOptions{Seq: last + 1}, ErrNoRecord, fmt.Sprintf("ends with line %d", last))
	c.refuses(ProveOptions{ID: recordID(last)}, ErrNoCheckpoint, "run auditchain checkpoint")
	c.refuses(ProveOptions{ID: recordID(999)}, ErrNoRecord, "none has the id")
	c.refuses(ProveOptions{Seq: 30, Size: sizes[0]}, ErrNoCheckpoint, "sealed before line 30")
	c.refuses(ProveOptions{Seq: 3, Size: 9}, ErrNoCheckpoint, fmt.Sprintf("none has size 9; the newest one has size %d", newest))
	c.refuses(ProveOptions{Seq: 3, Size: 1 << 40}, ErrNoCheckpoint, "none has size")
	if _, err := Prove(context.Background(), c.path, ProveOptions{}); err == nil {
		t.Error("a proof of nothing")
	}

	// A checkpoint of another chain, one of another signer, one of more lines
	// than there are.
	foreign, err := integrity.Checkpoint{Chain: integrity.ChainID{9}, Size: 20, Root: integrity.Hash{1}}.Sign(c.signer)
	c.check(err)
	c.refuses(ProveOptions{Seq: 3, Note: foreign}, integrity.ErrProofChain, "given")
	c.check(err)
	ours, err := integrity.OpenCheckpoint(c.notes[newest], c.signer.Public())
	c.check(err)
	other, err := ours.Sign(checkpointKey(t, 9))
	c.check(err)
	c.refuses(ProveOptions{Seq: 3, Note: other}, ErrDoesNotHold, "has no signature of this key")
	ours.Size = 1000
	larger, err := ours.Sign(c.signer)
	c.check(err)
	c.refuses(ProveOptions{Seq: 3, Note: larger}, ErrDoesNotHold, "ends with line")
}

// A journal without a checkpoint, or without a checkpoint key, says so.
func TestProveWithoutCheckpoints(t *testing.T) {
	c := newTreed(t)
	c.records(3)
	c.refuses(ProveOptions{Seq: 2}, ErrNoCheckpoint, "run auditchain checkpoint")
	h := newHandmade(t)
	h.records(3)
	if _, err := Prove(context.Background(), h.path, ProveOptions{Seq: 2}); !errors.Is(err, ErrNoCheckpoint) || !strings.Contains(err.Error(), "without a checkpoint key") {
		t.Error(err)
	}
	if _, err := Prove(context.Background(), h.path+".absent", ProveOptions{Seq: 2}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// What a crash or a writer at work left behind the last line is no obstacle.
func TestProveWhileWritten(t *testing.T) {
	c, sizes := threeFiles(t)
	c.write([]byte(`{"timestamp":"2026-`))
	c.proves(ProveOptions{Seq: 3})
	c.write(bytes.Repeat([]byte{0}, 100_000))
	c.proves(ProveOptions{Seq: sizes[2]})
	// A rotation that a crash interrupted, before and after the new file was made.
	c2, _ := threeFiles(t)
	c2.finish()
	c2.proves(ProveOptions{Seq: 40})
	c2.write([]byte("{"))
	c2.proves(ProveOptions{Seq: 40})
}

// One line that was altered, anywhere up to the checkpoint: no proof of any
// record that comes out of the same lines.
func TestProveAltered(t *testing.T) {
	c, sizes := threeFiles(t)
	c.edit(c.path, func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"session_id":"s43"`), []byte(`"session_id":"s99"`), 1)
	})
	c.refuses(ProveOptions{Seq: 43}, ErrDoesNotHold, "run auditchain verify")
	c.refuses(ProveOptions{Seq: 44}, ErrDoesNotHold, "run auditchain verify")
	c.proves(ProveOptions{Seq: 3, Size: sizes[1]}) // which is not about the line

	c, _ = threeFiles(t)
	c.edit(c.path, func(b []byte) []byte { // a line is gone
		lines := bytes.SplitAfter(b, []byte("\n"))
		return bytes.Join(append(lines[:4:4], lines[5:]...), nil)
	})
	c.refuses(ProveOptions{Seq: 3}, ErrDoesNotHold, "run auditchain verify")

	c, _ = threeFiles(t)
	segments, err := Segments(c.path)
	c.check(err)
	c.check(os.Remove(segments[1].Path)) // a whole file is gone
	c.refuses(ProveOptions{Seq: 3}, ErrDoesNotHold, "run auditchain verify")

	c, _ = threeFiles(t)
	c.edit(segmentsOf(c)[0].Path, func(b []byte) []byte { return b[:len(b)-9] }) // cut inside a zstd frame
	c.refuses(ProveOptions{Seq: 3}, ErrDoesNotHold, "run auditchain verify")
	c.proves(ProveOptions{Seq: 40}) // of which the file is whole
}

func segmentsOf(c *treed) []Segment {
	c.Helper()
	s, err := Segments(c.path)
	c.check(err)
	return s
}

// What a chain.segment says of the tree before it is not trusted.
func TestProveWrongTree(t *testing.T) {
	c, _ := threeFiles(t)
	c.edit(c.path, func(b []byte) []byte {
		at := bytes.Index(b, []byte(`"tree":["`)) + len(`"tree":["`)
		b[at] = '0' + (b[at]-'0'+1)%10
		return b
	})
	// Its own leaf is altered with it: no proof from there, and none from the
	// beginning on.
	c.refuses(ProveOptions{Seq: 40}, ErrDoesNotHold, "run auditchain verify")
	// Where it is not needed, the beginning of the chain gives one.
	c.proves(ProveOptions{Seq: 3, Size: 21})
}

// Behind the beginning of a pruned chain, records are proven from the tree that
// its first line states; those that were removed are said to be.
func TestProvePruned(t *testing.T) {
	c, sizes := threeFiles(t)
	segments := segmentsOf(c)
	c.check(os.Remove(segments[0].Path))
	first := segments[1].First
	for seq := first; seq <= sizes[2]; seq++ {
		c.proves(ProveOptions{Seq: seq})
	}
	c.proves(ProveOptions{Seq: first + 1, Size: sizes[1]})
	c.refuses(ProveOptions{Seq: first - 1}, ErrNoRecord, "not there any more")
	c.refuses(ProveOptions{ID: recordID(3)}, ErrNoRecord, "none has the id")
	// The note of a checkpoint may be older than what is there.
	if _, err := ProveConsistency(context.Background(), c.path, ConsistencyOptions{From: sizes[1]}); err != nil {
		t.Error(err)
	}
	if _, err := ProveConsistency(context.Background(), c.path, ConsistencyOptions{FromNote: c.notes[sizes[0]]}); !errors.Is(err, ErrNoRecord) {
		t.Errorf("from a checkpoint before the beginning: %v", err)
	}
}

// A record that was erased is proven by its tombstone.
func TestProveErased(t *testing.T) {
	c, _ := threeFiles(t)
	payload := recordPayload(40)
	c.edit(c.path, func(b []byte) []byte {
		return bytes.Replace(b, payload, integrity.AppendTombstone(nil, integrity.Leaf(payload), len(payload)), 1)
	})
	p := c.proves(ProveOptions{Seq: 40})
	check, err := p.Check(c.trust())
	if err != nil || check.Kind != integrity.Tombstone || check.Leaf != integrity.Leaf(payload) {
		t.Errorf("%+v, %v", check, err)
	}
	c.refuses(ProveOptions{ID: recordID(40)}, ErrNoRecord, "name it by its sequence number")
	c.proves(ProveOptions{Seq: 41})
}

// What a writer abandoned in a finished file is no part of the tree.
func TestProveAbandoned(t *testing.T) {
	c := newTreed(t)
	c.records(5)
	at, tree := c.at, c.tree.Clone()
	c.records(3) // abandoned
	blocks := c.blocks
	c.at, c.tree, c.blocks = at, tree, blocks
	c.write([]byte("{half a line"))
	c.rotate()
	c.records(4)
	c.checkpoint()
	for seq := uint64(1); seq <= 10; seq++ {
		c.proves(ProveOptions{Seq: seq})
	}
}

// A checkpoint that was abandoned with the end of its file is none.
func TestProveAbandonedCheckpoint(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		c := newTreed(t)
		c.records(5)
		kept := c.checkpoint()
		at, tree := c.at, c.tree.Clone()
		c.records(2)
		c.checkpoint() // abandoned
		c.at, c.tree = at, tree
		name := c.rotate()
		if compressed {
			c.compress(name)
		}
		c.records(4)
		if p := c.proves(ProveOptions{Seq: 3}); !bytes.Equal(p.Note, c.notes[kept]) {
			t.Errorf("compressed %v: proven in another checkpoint", compressed)
		}
	}
}

// Another signer: records before and after it are proven by the one in force.
func TestProveAnotherSigner(t *testing.T) {
	c := newTreed(t)
	c.records(5)
	before := c.checkpoint()
	c.records(2)
	c.signer = checkpointKey(t, 2)
	c.rotate()
	c.records(5)
	after := c.checkpoint()
	c.proves(ProveOptions{Seq: 3})
	c.proves(ProveOptions{Seq: 3, Size: before})
	p, err := ProveConsistency(context.Background(), c.path, ConsistencyOptions{From: before, To: after})
	c.check(err)
	check, err := p.Check(c.trust())
	if err != nil || check.FromKey == check.ToKey {
		t.Errorf("%v: %v and %v", err, check.FromKey, check.ToKey)
	}
}

func TestProveConsistency(t *testing.T) {
	c, sizes := threeFiles(t)
	for i, from := range sizes {
		for _, o := range []ConsistencyOptions{{From: from}, {FromNote: c.notes[from]}, {From: from, To: sizes[2]}, {FromNote: c.notes[from], ToNote: c.notes[sizes[2]]}} {
			p, err := ProveConsistency(context.Background(), c.path, o)
			c.check(err)
			check, err := p.Check(c.trust())
			if err != nil || check.From.Size != from || check.To.Size != sizes[2] {
				t.Errorf("from %d: %+v, %v", i, check, err)
			}
		}
	}
	for name, tc := range map[string]struct {
		o    ConsistencyOptions
		want error
	}{
		"the wrong way round": {ConsistencyOptions{From: sizes[2], To: sizes[0]}, integrity.ErrProofSizes},
		"no such size":        {ConsistencyOptions{From: 7}, ErrNoCheckpoint},
		"no such size to":     {ConsistencyOptions{From: sizes[0], To: 30}, ErrNoCheckpoint},
	} {
		if _, err := ProveConsistency(context.Background(), c.path, tc.o); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A checkpoint of the same size of another history.
	forked, err := integrity.Checkpoint{Chain: c.chain, Size: sizes[0], Root: integrity.Hash{1}}.Sign(c.signer)
	c.check(err)
	if _, err := ProveConsistency(context.Background(), c.path, ConsistencyOptions{FromNote: forked}); !errors.Is(err, ErrDoesNotHold) {
		t.Errorf("a fork: %v", err)
	}
	// The right root, by a key that the chain never had.
	ours, err := integrity.OpenCheckpoint(c.notes[sizes[0]], c.signer.Public())
	c.check(err)
	other, err := ours.Sign(checkpointKey(t, 9))
	c.check(err)
	if _, err := ProveConsistency(context.Background(), c.path, ConsistencyOptions{FromNote: other}); !errors.Is(err, ErrDoesNotHold) {
		t.Errorf("a checkpoint of somebody else: %v", err)
	}
}

// fakeBlocks is an index as a writer keeps one.
type fakeBlocks []fakeBlock

type fakeBlock struct {
	first uint64
	off   int64
	lines integrity.Range
}

func (b fakeBlocks) Count() uint64 {
	n := uint64(len(b))
	if n > 0 && b[n-1].lines.Size()%blockSize != 0 {
		n--
	}
	return n
}

func (b fakeBlocks) Block(i uint64) (root integrity.Hash, first uint64, off int64, ok bool) {
	if i >= b.Count() {
		return root, 0, 0, false
	}
	return b[i].lines.Nodes()[0], b[i].first, b[i].off, true
}

func (b fakeBlocks) Close() error { return nil }

// gappy is an index that knows only some blocks.
type gappy struct {
	fakeBlocks
	knows func(i uint64) bool
}

func (g gappy) Block(i uint64) (root integrity.Hash, first uint64, off int64, ok bool) {
	if !g.knows(i) {
		return root, 0, 0, false
	}
	return g.fakeBlocks.Block(i)
}

// With the index only a few blocks are read: lines of others may be anything.
// Where it is wrong, or knows less, the proof is made all the same.
func TestProveByIndex(t *testing.T) {
	c := newTreed(t)
	c.records(3 * blockSize)
	c.compress(c.rotate())
	c.records(blockSize)
	early := c.checkpoint()
	c.records(2*blockSize + 100)
	c.checkpoint()
	c.records(50)
	index := c.blocks
	var asked int
	use := func(b blockIndex) {
		t.Helper()
		old := openIndex
		openIndex = func(fs vfs.FS, path string) blockIndex {
			asked++
			if path != c.path {
				t.Errorf("the index of %q", path)
			}
			return b
		}
		t.Cleanup(func() { openIndex = old })
	}
	all := func() {
		t.Helper()
		for _, seq := range []uint64{1, 2, 4096, 4097, 3 * blockSize, 3*blockSize + 2, 4*blockSize + 7, 6*blockSize + 90} {
			c.proves(ProveOptions{Seq: seq})
			if seq <= early {
				c.proves(ProveOptions{Seq: seq, Size: early})
			}
		}
		p, err := ProveConsistency(context.Background(), c.path, ConsistencyOptions{From: early})
		c.check(err)
		_, err = p.Check(c.trust())
		c.check(err)
	}
	use(index)
	all()
	if asked == 0 {
		t.Fatal("nobody asked the index")
	}
	use(index[:3]) // one that is behind
	all()
	use(gappy{index, func(i uint64) bool { return i%2 == 1 }})
	all()
	use(gappy{index, func(i uint64) bool { return i == 4 }})
	all()
	use(gappy{index, func(uint64) bool { return false }})
	all()
	wrong := append(fakeBlocks(nil), index...)
	wrong[1].lines = wrong[2].lines
	wrong[4].off += 7
	wrong[2].first = 5
	use(wrong)
	all()

	// A line of another block is altered: by the index the proof is made, and
	// holds; without it, it is not.
	c.edit(c.path, func(b []byte) []byte {
		return bytes.Replace(b, fmt.Appendf(nil, `"session_id":"s%d"`, 4*blockSize+200), fmt.Appendf(nil, `"session_id":"S%d"`, 4*blockSize+200), 1)
	})
	use(index)
	c.proves(ProveOptions{Seq: 3})
	use(nil)
	openIndex = func(vfs.FS, string) blockIndex { return nil }
	c.refuses(ProveOptions{Seq: 3}, ErrDoesNotHold, "run auditchain verify")
}

func TestProveCancelled(t *testing.T) {
	c, _ := threeFiles(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Prove(ctx, c.path, ProveOptions{Seq: 3}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
