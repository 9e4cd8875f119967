// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// game is an honest chain with everything in it, and what is true of it.
type game struct {
	s *set
	// leaves and erased are the truth: which line is which, and which may be a
	// tombstone.
	leaves []Hash
	erased map[uint64]bool
	// old is the static key that the chain began under, verify that which came
	// then; had is what is on the host in the end, from line since on.
	old, verify, had Key
	since            uint64
	heads            [][]byte // watermarks of earlier times
	kept             []Given
}

func newGame() *game {
	g := &game{old: key(1), verify: forwardKey(5, 0), erased: map[uint64]bool{4: true}}
	s := chainUnder(g.old, nil)
	g.s = s
	mark := func() {
		s.pin().pin()
		g.heads = append(g.heads, s.head())
		g.kept = append(g.kept, s.given(fmt.Sprintf("kept at %d", s.seq)))
	}
	s.records(3).checkpoint()
	mark()
	s.rotateKey(g.verify).records(2)
	mark()
	s.checkpoint().epoch().records(2).rotate(SegmentSize).records(1)
	p := s.position()
	s.records(1)
	s.finish(p)
	s.begin(SegmentCrash, p).records(1).checkpoint()
	mark()
	s.rotateSigner(signingKey(KindCheckpoint, 7)).records(1).order(4, s.erasure).epoch()
	mark()
	g.had, g.since = s.key, s.seq
	s.records(2).checkpoint().rotate(SegmentAge).records(2).checkpoint().records(1).checkpoint()
	mark()
	s.erase(4)
	g.leaves = slices.Clone(s.leaves)
	return g
}

// endOf is where file i ends, as the next one says where that is not from line
// n on.
func (s *set) endOf(i, n int) int64 {
	if i+1 < len(s.files) && len(s.files[i+1].lines) > 0 {
		var next Segment
		if l, err := ParseLine(bytes.TrimSuffix(s.files[i+1].lines[0], []byte("\n"))); err == nil && l.Seq < uint64(n) && l.ControlName() == ControlSegment && ParseControl(l.Payload, &next) == nil {
			return max(0, next.Previous.Size)
		}
	}
	return math.MaxInt64
}

// judged are the lines that count, as the files themselves say.
func (s *set) judged() (out []Line) {
	for i, f := range s.files {
		b := f.bytes()
		b = b[:min(int64(len(b)), s.endOf(i, math.MaxInt))]
		for line := range bytes.Lines(b) {
			if l, err := ParseLine(bytes.TrimSuffix(line, []byte("\n"))); err == nil && bytes.HasSuffix(line, []byte("\n")) {
				out = append(out, l)
			}
		}
	}
	return out
}

// agree says where the first n lines are not those of the truth; "" where they
// are.
func (g *game) agree(n int) string {
	var h LeafHasher
	lines := g.s.judged()
	for i, l := range lines[:min(n, len(lines))] {
		switch {
		case i >= len(g.leaves):
			return fmt.Sprintf("line %d: there were not so many", i+1)
		case l.Seq != uint64(i+1) || l.Leaf(&h) != g.leaves[i]:
			return fmt.Sprintf("line %d is not what it was", i+1)
		case l.Kind == Tombstone && !g.erased[l.Seq]:
			return fmt.Sprintf("line %d is erased", i+1)
		}
	}
	if len(lines) < n {
		return fmt.Sprintf("%d lines, and there were %d", len(lines), n)
	}
	return ""
}

// reseal seals every line from the nth on with k, as somebody would who knows
// the format: files name the end of the one before, checkpoints are signed.
func (s *set) reseal(n int, k Key, signer SigningKey) {
	var prev Position
	var firstLeaf, leaf Hash
	var tree Range
	var h LeafHasher
	resealing := false
	for i, f := range s.files {
		var size int64
		first := prev.Seq + 1
		limit := s.endOf(i, n)
		for j := range f.lines {
			if size >= limit {
				break // abandoned
			}
			l, err := ParseLine(bytes.TrimSuffix(f.lines[j], []byte("\n")))
			if err != nil {
				size += int64(len(f.lines[j]))
				continue
			}
			resealing = resealing || l.Seq >= uint64(n)
			if resealing {
				p := bytes.Clone(l.Payload)
				var seg Segment
				var c Checkpointed
				var e Epoch
				switch l.ControlName() {
				case ControlSegment:
					if ParseControl(p, &seg) == nil {
						seg.Previous, seg.PreviousLeaf, seg.Tree = prev, firstLeaf, slices.Clone(tree.Nodes())
						seg.KeyID, seg.KeyMode, seg.Epoch, seg.CheckpointKey = k.ID(), k.Mode(), k.epoch, signer.Public().Base64()
						p = ControlPayload(seg)
					}
				case ControlCheckpoint:
					if ParseControl(p, &c) == nil && !signer.IsZero() {
						note, err := Checkpoint{Chain: s.chain, Size: prev.Seq, Root: tree.Root()}.Sign(signer)
						if err != nil {
							panic(err)
						}
						c.Note = string(note)
						p = ControlPayload(c)
					}
				case ControlEpoch:
					if ParseControl(p, &e) == nil {
						e.Epoch = k.epoch + 1
						p = ControlPayload(e)
					}
				}
				leaf = h.Sum(p)
				if l.Kind == Tombstone {
					leaf = l.Leaf(&h)
				}
				mac := NewSealer(k, s.chain).MAC(prev.MAC, prev.Seq+1, leaf)
				f.lines[j] = AppendSuffix(p, prev.Seq+1, mac)
				if l.ControlName() == ControlEpoch {
					k = k.Next()
				}
				l.Seq, l.MAC = prev.Seq+1, mac
			} else {
				leaf = l.Leaf(&h)
			}
			size += int64(len(f.lines[j]))
			if l.Seq == first {
				firstLeaf = leaf
			}
			if tree.Size() == l.Seq-1 {
				tree.Add(leaf)
			}
			prev = Position{First: first, Seq: l.Seq, MAC: l.MAC, Size: size}
		}
	}
	if prev.Seq > 0 {
		s.pinUnder(k, prev)
		s.pinUnder(k, prev)
	}
}

func (s *set) pinUnder(k Key, p Position) {
	had := s.key
	s.key = k
	s.pinAt(p)
	s.key = had
}

// loot is what somebody has who plays against the chain.
type loot struct {
	name   string
	keys   []Key
	signer SigningKey
}

// play does one thing to the chain.
func (g *game) play(l *loot, n func(int) int) string {
	s := g.s
	some := func() (*setFile, int) {
		if len(s.files) == 0 {
			return nil, 0
		}
		f := s.files[n(len(s.files))]
		if len(f.lines) == 0 {
			return nil, 0
		}
		return f, n(len(f.lines))
	}
	f, i := some()
	switch op := n(11); {
	case f == nil:
		return "nothing"
	case op < 3:
		attackAtRandom(s, n)
		return "files"
	case op < 5: // content
		line, err := ParseLine(bytes.TrimSuffix(f.lines[i], []byte("\n")))
		if err != nil || len(line.Payload) < 20 {
			return "nothing"
		}
		p := bytes.Clone(line.Payload)
		p[len(p)-2] ^= 1
		line.Payload = p
		f.lines[i] = line.Append(nil)
		return fmt.Sprintf("content of %d", line.Seq)
	case op == 5: // a tombstone
		line, err := ParseLine(bytes.TrimSuffix(f.lines[i], []byte("\n")))
		if err != nil {
			return "nothing"
		}
		var h LeafHasher
		line.Payload = AppendTombstone(nil, line.Leaf(&h), max(len(line.Payload), MinTombstone))
		f.lines[i] = line.Append(nil)
		return fmt.Sprintf("tombstone of %d", line.Seq)
	case op == 6: // an older watermark, or none
		head := append(g.heads, nil)[n(len(g.heads)+1)]
		s.slots = [2][]byte{bytes.Clone(slotOf(head, 0)), bytes.Clone(slotOf(head, 1))}
		return "watermark"
	case op == 7: // a control record that says something
		k := g.had
		if len(l.keys) > 0 {
			k = l.keys[n(len(l.keys))]
		}
		records := []any{
			Epoch{Control: ControlEpoch, Time: FormatTime(s.now), Writer: "w", Epoch: k.epoch + 1},
			KeyChange{Control: ControlKey, Time: FormatTime(s.now), Writer: "w", KeyID: g.verify.ID(), KeyMode: ModeForward, Epoch: uint64(n(4))},
			KeyChange{Control: ControlKey, Time: FormatTime(s.now), Writer: "w", KeyID: g.verify.ID(), KeyMode: ModeStatic},
			Break{Control: ControlBreak, Time: FormatTime(s.now), Writer: "w", Found: BreakShorter},
			Closed{Control: ControlClosed, Time: FormatTime(s.now), Writer: "w"},
			Pruned{Control: ControlPruned, Time: FormatTime(s.now), Writer: "w", Retention: Retention{Keep: 1}},
		}
		line := AppendSuffix(ControlPayload(records[n(len(records))]), uint64(n(30)+1), Hash{})
		f.lines = slices.Insert(f.lines, i, line)
		return "control record"
	case len(l.keys) == 0:
		attackAtRandom(s, n)
		return "files"
	}
	k := l.keys[n(len(l.keys))]
	from := 1 + n(len(g.leaves)+2)
	if n(2) == 0 {
		from = int(g.since) + 1
		// With another story to tell.
		if line, err := ParseLine(bytes.TrimSuffix(f.lines[i], []byte("\n"))); err == nil && line.Kind == Record && line.Seq > g.since {
			line.Payload = bytes.Replace(line.Payload, []byte(`"log"`), []byte(`"lie"`), 1)
			f.lines[i] = line.Append(nil)
		}
	}
	s.reseal(from, k, l.signer)
	return fmt.Sprintf("sealed from line %d with key %s epoch %d", from, k.ID(), k.epoch)
}

// TestRandomPlays plays at random with what somebody may have, and holds what
// verify calls verified against what that may not have been able to change.
func TestRandomPlays(t *testing.T) {
	loots := []loot{
		{name: "nothing"},
		{name: "the old key", keys: []Key{key(1)}},
		{name: "the host", keys: []Key{key(1), forwardKey(5, 2)}, signer: signingKey(KindCheckpoint, 7)},
		{name: "the host but for the signer", keys: []Key{key(1), forwardKey(5, 2)}},
		{name: "the signer", signer: signingKey(KindCheckpoint, 7)},
		{name: "the old signer and key", keys: []Key{key(1)}, signer: signingKey(KindCheckpoint, 1)},
	}
	rounds, seed := 40, uint64(1)
	if testing.Short() {
		rounds = 15
	}
	if n, err := strconv.Atoi(os.Getenv("AUDITCHAIN_PLAYS")); err == nil {
		rounds, seed = n, uint64(n)
	}
	random := rand.New(rand.NewPCG(3, seed))
	verdicts := map[string]int{}
	for round := range rounds * len(loots) {
		g := newGame()
		total, l := len(g.leaves), &loots[round%len(loots)]
		var did []string
		for range 1 + random.IntN(3) {
			did = append(did, g.play(l, random.IntN))
		}
		// sure is how many lines cannot be other than they were.
		sure := total
		if slices.ContainsFunc(l.keys, Key.Forward) {
			sure = int(g.since)
		}
		check := func(mode string, in Input, want int, rolledBack bool) {
			r := judgeInput(in)
			verdicts[l.name+", "+mode+": "+string(r.Verdict)]++
			if r.ExitCode() != 0 {
				return
			}
			if rolledBack {
				want = min(want, len(g.s.judged()))
			}
			if g.agree(total) != "" {
				verdicts[l.name+" forged what it may"]++
			}
			if wrong := g.agree(want); wrong != "" {
				t.Errorf("round %d, %s, %s: %q: %s: %s\n%s", round, l.name, mode, did, r.Verdict, wrong, r.Proven)
			}
		}
		rolled := true // older genuine watermarks are a rollback, which no key shows
		in := g.s.input(g.verify, g.old)
		check("all keys", in, sure, rolled)
		in.Given = g.kept[len(g.kept)-1:]
		check("all keys, kept", in, max(sure, int(g.kept[len(g.kept)-1].size())), false)
		check("host", g.s.input(g.had), total, false)
		in = g.s.input()
		for _, p := range []SigningKey{signingKey(KindCheckpoint, 1), signingKey(KindCheckpoint, 7)} {
			in.PublicKey, in.Given = p.Public(), g.kept[len(g.kept)-1:]
			check("public, kept", in, int(in.Given[0].size()), false)
			in.Given = nil
			r := judgeInput(in)
			if r.ExitCode() == 0 {
				t.Errorf("round %d: %s without a pinned end", round, r.Verdict)
			}
		}
		for i := range g.s.files {
			in = g.s.input(g.verify, g.old)
			in.Files, in.Alone = in.Files[i:i+1], true
			if r := judgeInput(in); r.ExitCode() == 0 {
				t.Errorf("round %d: %s, alone", round, r.Verdict)
			}
		}
	}
	for _, k := range slices.Sorted(func(yield func(string) bool) {
		for k := range verdicts {
			if !yield(k) {
				return
			}
		}
	}) {
		t.Logf("%6d %s", verdicts[k], k)
	}
	if verdicts["the host, all keys: verified"] == 0 {
		t.Error("no play leaves a chain verified: the test proves nothing")
	}
}

func (g Given) size() uint64 {
	c, err := ParseCheckpoint(g.Note)
	if err != nil {
		panic(err)
	}
	return c.Size
}

func TestGameIsHonest(t *testing.T) {
	g := newGame()
	wantVerdict(t, judgeInput(g.s.input(g.verify, g.old)), Verified)
	if wrong := g.agree(len(g.leaves)); wrong != "" {
		t.Fatal(wrong)
	}
	in := g.s.input()
	in.PublicKey, in.Given = signingKey(KindCheckpoint, 1).Public(), g.kept[len(g.kept)-1:]
	wantVerdict(t, judgeInput(in), Verified)
	// What it is held against is told from it.
	o := newGame()
	line := o.s.line(g.since + 2)
	*line = bytes.Replace(*line, []byte("log"), []byte("lag"), 1)
	if o.agree(int(g.since+1)) != "" || o.agree(int(g.since+2)) == "" {
		t.Error("a line that was altered is not told")
	}
	// Sealed anew with what the host has, it is a chain that verifies.
	g.s.reseal(int(g.since)+1, g.had, signingKey(KindCheckpoint, 7))
	wantVerdict(t, judgeInput(g.s.input(g.verify, g.old)), Verified)
	// And so does another story of that epoch, which is told from the truth.
	o.s.reseal(int(g.since)+1, o.had, signingKey(KindCheckpoint, 7))
	wantVerdict(t, judgeInput(o.s.input(o.verify, o.old)), Verified)
	if o.agree(int(g.since)) != "" || o.agree(len(o.leaves)) == "" {
		t.Error("another story is not told from the truth")
	}
}
