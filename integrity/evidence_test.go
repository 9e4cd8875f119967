// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// newForward is a chain under a forward-secure key, with checkpoints and
// erasures; the key that is returned is that of epoch 0.
func newForward(fill byte) (*set, Key) {
	k := newForwardKey(bytes.Repeat([]byte{fill}, HashSize))
	s := &set{key: k, chain: chainA, now: testTime, files: []*setFile{{name: "audit.jsonl"}}}
	s.signer, s.erasure = signingKey(KindCheckpoint, fill), signingKey(KindErasure, fill+100)
	return s.genesis(), k
}

func signingKey(kind string, fill byte) SigningKey {
	k, err := NewSigningKey(kind, bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		panic(err)
	}
	return k
}

func (s *set) epoch() *set {
	s.control(Epoch{Control: ControlEpoch, Time: FormatTime(s.now), Writer: "w", Epoch: s.key.epoch + 1})
	s.key = s.key.Next()
	return s.pin().pin()
}

// state is what the key file holds right behind epoch.
func (s *set) state() KeyState {
	return KeyState{Key: s.key, Chain: s.chain, Position: s.position(), Since: s.now}
}

func (s *set) note() []byte {
	b, err := Checkpoint{Chain: s.chain, Size: s.seq, Root: s.tree().Root()}.Sign(s.signer)
	if err != nil {
		panic(err)
	}
	return b
}

func (s *set) checkpoint() *set {
	s.control(Checkpointed{Control: ControlCheckpoint, Time: FormatTime(s.now), Writer: "w", Note: string(s.note())})
	return s
}

func (s *set) rotateKey(to Key) *set {
	s.control(KeyChange{
		Control: ControlKey, Time: FormatTime(s.now), Writer: "w", KeyID: to.ID(), KeyMode: to.Mode(), Epoch: to.epoch,
		Proof: KeyProof(to, s.chain, s.seq+1, s.last, s.key.ID()),
	})
	s.key = to
	return s.pin().pin().rotate(SegmentKey)
}

func (s *set) rotateSigner(to SigningKey) *set {
	m := SignerMessage(s.chain, s.seq+1, s.last, s.signer.Public(), to.Public())
	s.control(SignerChange{
		Control: ControlSigner, Time: FormatTime(s.now), Writer: "w", CheckpointKey: to.Public().Base64(), Previous: s.signer.Public().Base64(),
		Signature: s.signer.Sign(m), NewSignature: to.Sign(m),
	})
	s.signer = to
	return s.rotate(SegmentKey)
}

// order seals that a line may be erased.
func (s *set) order(seq uint64, key SigningKey) *set {
	e := Erased{Control: ControlErased, Time: FormatTime(s.now), Writer: "w", Line: seq, Leaf: s.leaves[seq-1], Who: "dpo", Reason: "art. 17", Ordered: FormatTime(s.now)}
	e.Signature = key.Sign(ErasureMessage(s.chain, &e))
	s.control(e)
	return s
}

// line returns where a line stands.
func (s *set) line(seq uint64) *[]byte {
	for _, f := range s.files {
		for i := range f.lines {
			if l, err := ParseLine(bytes.TrimSuffix(f.lines[i], []byte("\n"))); err == nil && l.Seq == seq {
				return &f.lines[i]
			}
		}
	}
	panic("no such line")
}

// erase puts a tombstone in the place of a line.
func (s *set) erase(seq uint64) *set {
	at := s.line(seq)
	l, _ := ParseLine(bytes.TrimSuffix(*at, []byte("\n")))
	l.Payload = AppendTombstone(nil, s.leaves[seq-1], max(len(l.Payload), MinTombstone))
	*at = l.Append(nil)
	return s
}

func (s *set) input(keys ...Key) Input {
	in := Input{File: "audit.jsonl", Files: sources(s.files), Head: s.head(), Workers: 1}
	if len(keys) > 0 {
		in.Key, in.Keys = keys[0], keys[1:]
	}
	return in
}

func judgeInput(in Input) *Report { return Verify(context.Background(), in) }

func wantVerdict(t *testing.T, r *Report, v Verdict) {
	t.Helper()
	if r.Verdict != v {
		t.Fatalf("%s, want %s: %v\nproven %q\nnot %q", r.Verdict, v, r.First(), r.Proven, r.NotProven)
	}
}

// rich is a chain with everything in it: three epochs, three files, two
// signers, checkpoints, and an erased record, seq 4.
func rich() (*set, Key) {
	s, k := newForward(1)
	s.records(3).checkpoint().records(2).epoch().records(3).rotate(SegmentSize).records(2).checkpoint()
	s.rotateSigner(signingKey(KindCheckpoint, 7)).records(4).epoch().records(2).order(4, s.erasure).checkpoint().records(1).checkpoint().pin()
	return s.erase(4), k
}

func TestRichChain(t *testing.T) {
	for _, workers := range []int{1, 2, 4} {
		s, k := rich()
		in := s.input(k)
		in.Workers = workers
		r := judgeInput(in)
		wantVerdict(t, r, Verified)
		if r.Epochs != 2 || r.Checkpoints == nil || r.Checkpoints.Count != 4 || r.Checkpoints.Size != s.seq-1 || r.Tombstones != 1 || r.PendingErasures != 0 || len(r.Unknown) != 0 {
			t.Errorf("%+v %+v", r, r.Checkpoints)
		}
		if r.Lines != int64(s.seq) || r.ProvenFrom != 0 {
			t.Errorf("%d lines of %d, from %d", r.Lines, s.seq, r.ProvenFrom)
		}
	}
}

// TestWithoutTheFirstKey verifies with the key as it is on the host, and with
// no key at all.
func TestWithoutTheFirstKey(t *testing.T) {
	s, k := rich()
	k1, _ := k.At(1)
	for e, key := range []Key{k1, s.key} {
		r := judgeInput(s.input(key))
		wantVerdict(t, r, PartlyProven)
		if r.ProvenFrom == 0 || r.Lines != int64(s.seq) {
			t.Errorf("epoch %d: from %d, %d lines", e+1, r.ProvenFrom, r.Lines)
		}
		// What is altered before is not seen by tags, but by the root that is
		// sealed behind it.
		o, _ := rich()
		*o.line(5) = bytes.Replace(*o.line(5), []byte("s5"), []byte("sX"), 1)
		r = judgeInput(o.input(key))
		wantVerdict(t, r, Tampered)
	}
	in := s.input()
	wantVerdict(t, judgeInput(in), CannotVerify)
	in.PublicKey = s.signer.Public()
	r := judgeInput(in)
	wantVerdict(t, r, PartlyProven)
	in.Given = []Given{{Name: "kept", Note: sealedNote(s, s.seq)}}
	r = judgeInput(in)
	wantVerdict(t, r, Verified)
	if r.Checkpoints.Size != s.seq-1 || !r.Given[0].Holds {
		t.Errorf("%+v", r)
	}
	// The first signer's key is as good: the second follows from it.
	in.PublicKey = signingKey(KindCheckpoint, 1).Public()
	wantVerdict(t, judgeInput(in), Verified)
	in.PublicKey = signingKey(KindCheckpoint, 9).Public()
	r = judgeInput(in)
	wantVerdict(t, r, CannotVerify)
	// Every byte of what is covered is covered.
	in.PublicKey = s.signer.Public()
	rnd := 0
	for seq := uint64(1); seq < s.seq; seq++ {
		for _, at := range []int{12, 30, len(*s.line(seq)) / 2, len(*s.line(seq)) - 20} {
			o, _ := rich()
			line := *o.line(seq)
			line[at] ^= 1
			in.Files = sources(o.files)
			if r := judgeInput(in); r.Verdict.ExitCode() == 0 {
				// A tag is not covered by the tree, nor is it a claim without a
				// key.
				if at < len(line)-70 {
					t.Errorf("seq %d byte %d: %s", seq, at, r.Verdict)
				}
			}
			rnd++
		}
	}
	if rnd == 0 {
		t.Fatal("nothing was altered")
	}
}

// sealedNote returns the note of the chain.checkpoint at line seq.
func sealedNote(s *set, seq uint64) []byte {
	l, err := ParseLine(bytes.TrimSuffix(*s.line(seq), []byte("\n")))
	var c Checkpointed
	if err != nil || ParseControl(l.Payload, &c) != nil {
		panic("no checkpoint at that line")
	}
	return []byte(c.Note)
}

// TestKeyRing verifies across two changes of the key, with all keys and with
// fewer.
func TestKeyRing(t *testing.T) {
	s := newSet(nil)
	s.signer = signingKey(KindCheckpoint, 1)
	s = (&set{key: key(1), chain: chainA, now: testTime, files: []*setFile{{name: "audit.jsonl"}}, signer: s.signer}).genesis()
	fwd := newForwardKey(bytes.Repeat([]byte{5}, HashSize))
	s.records(3).rotateKey(key(2)).records(3).checkpoint().rotateKey(fwd).records(2).epoch().records(2).pin()
	for _, c := range []struct {
		name string
		keys []Key
		want Verdict
	}{
		{"all", []Key{key(1), key(2), fwd}, Verified},
		{"all, in another order", []Key{fwd, key(1), key(2)}, Verified},
		{"with one that is not its", []Key{fwd, key(9), key(1), key(2)}, PartlyProven},
		{"with one that should be its, and is nowhere", []Key{key(9), fwd, key(1), key(2)}, PartlyProven},
		{"without the last", []Key{key(1), key(2)}, CannotVerify},
		{"without the middle", []Key{key(1), fwd}, CannotVerify},
		{"without the first", []Key{key(2), fwd}, PartlyProven},
		{"the last alone", []Key{fwd}, PartlyProven},
		{"none of them", []Key{key(9)}, CannotVerify},
	} {
		r := judgeInput(s.input(c.keys...))
		if r.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %v %q", c.name, r.Verdict, c.want, r.First(), r.NotProven)
		}
	}
	// Whoever has the first key alone cannot make the chain go over to his own.
	evil := newSet(nil).records(3)
	evil.control(KeyChange{Control: ControlKey, Time: FormatTime(evil.now), Writer: "w", KeyID: key(2).ID(), KeyMode: ModeStatic, Proof: KeyProof(key(3), evil.chain, evil.seq+1, evil.last, key(1).ID())})
	evil.key = key(2)
	evil.pin().pin().rotate(SegmentKey).records(1).pin()
	r := judgeInput(evil.input(key(1), key(2)))
	wantVerdict(t, r, Tampered)
	if r.First().Kind != Forged {
		t.Errorf("%v", r.First())
	}
}

// TestHostTakenOver is the game: somebody has the host in epoch 2 with all
// that is on it then, the key of that epoch and the checkpoint key. What was
// sealed before cannot be changed by him, and what he does later shows in a
// checkpoint that had left the host.
func TestHostTakenOver(t *testing.T) {
	honest := func() (*set, Key) {
		s, k := newForward(1)
		s.records(4).checkpoint().epoch().records(4).checkpoint().epoch().records(4)
		return s, k
	}
	s, k := honest()
	had := s.key // what he finds
	if had.epoch != 2 {
		t.Fatal("the game is about epoch 2")
	}
	published := sealedNote(s, firstCheckpoint(s, 2))
	s.pin()
	wantVerdict(t, judgeInput(s.input(k)), Verified)

	// Each play is a whole journal, with a watermark that he makes as he
	// likes. He never has the key of epoch 0 or 1.
	plays := map[string]func() *set{}
	for seq := uint64(1); seq <= 13; seq++ {
		plays[fmt.Sprintf("alter seq %d and seal everything anew with what he has", seq)] = func() *set {
			o, _ := honest()
			lines := o.files[0].lines
			f := &set{key: had, chain: o.chain, now: o.now, files: []*setFile{{name: "audit.jsonl"}}, slots: o.slots, gen: o.gen, signer: o.signer, erasure: o.erasure}
			for i, line := range lines {
				l, _ := ParseLine(bytes.TrimSuffix(line, []byte("\n")))
				p := bytes.Clone(l.Payload)
				if l.Seq == seq {
					p = append(bytes.Clone(l.Payload[:len(l.Payload)-2]), 'X', l.Payload[len(l.Payload)-1])
				}
				if l.Seq < seq {
					f.files[0].lines = append(f.files[0].lines, bytes.Clone(line))
					f.seq, f.last, f.leaves = l.Seq, l.MAC, append(f.leaves, o.leaves[i])
					continue
				}
				f.add(p)
			}
			return f.pin().pin()
		}
		plays[fmt.Sprintf("cut behind seq %d and make the watermark fit", seq)] = func() *set {
			o, _ := honest()
			o.files[0].lines = o.files[0].lines[:seq]
			l, _ := ParseLine(bytes.TrimSuffix(o.files[0].lines[seq-1], []byte("\n")))
			o.seq, o.last, o.leaves = l.Seq, l.MAC, o.leaves[:seq]
			return o.pin().pin()
		}
		plays[fmt.Sprintf("cut behind seq %d and go on with another past", seq)] = func() *set {
			o, _ := honest()
			o.files[0].lines = o.files[0].lines[:seq]
			l, _ := ParseLine(bytes.TrimSuffix(o.files[0].lines[seq-1], []byte("\n")))
			o.seq, o.last, o.leaves = l.Seq, l.MAC, o.leaves[:seq]
			return o.records(9).checkpoint().pin().pin()
		}
	}
	names := make([]string, 0, len(plays))
	for name := range plays {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		o := plays[name]()
		r := judgeInput(o.input(k))
		if r.Verdict.ExitCode() != 3 {
			t.Errorf("%s: %s %q", name, r.Verdict, r.NotProven)
		}
		if strings.HasPrefix(name, "cut behind seq 12 and make") || strings.HasPrefix(name, "cut behind seq 13 and make") {
			continue // to whoever has the checkpoint alone, it says all that there is
		}
		// The public key shows it too, to whoever kept a checkpoint.
		in := o.input()
		in.PublicKey, in.Given = o.signer.Public(), []Given{{"kept", published}}
		if r := judgeInput(in); r.Verdict.ExitCode() == 0 {
			t.Errorf("%s, with a kept checkpoint alone: %s", name, r.Verdict)
		}
	}

	// In his own epoch he can do what he likes, as docs/THREATS.md says, and
	// no key shows it; a checkpoint of that epoch which left the host does.
	s, k = honest()
	kept := s.note()
	f, _ := honest()
	f.files[0].lines = f.files[0].lines[:15]
	l, _ := ParseLine(bytes.TrimSuffix(f.files[0].lines[14], []byte("\n")))
	f.seq, f.last, f.leaves = l.Seq, l.MAC, f.leaves[:15]
	f.add([]byte(`{"timestamp":"x","session_id":"another story"`))
	f.records(6).checkpoint().pin().pin()
	r := judgeInput(f.input(k))
	wantVerdict(t, r, Verified)
	in := f.input(k)
	in.Given = []Given{{"kept", kept}}
	r = judgeInput(in)
	wantVerdict(t, r, Tampered)
	if r.First().Kind != Forged || r.Given[0].Holds {
		t.Errorf("%v %+v", r.First(), r.Given)
	}
}

// firstCheckpoint returns the sequence number of the nth chain.checkpoint.
func firstCheckpoint(s *set, n int) uint64 {
	for _, f := range s.files {
		for _, line := range f.lines {
			l, _ := ParseLine(bytes.TrimSuffix(line, []byte("\n")))
			if l.ControlName() == ControlCheckpoint {
				if n--; n == 0 {
					return l.Seq
				}
			}
		}
	}
	panic("no such checkpoint")
}

func TestKeyFileAhead(t *testing.T) {
	s, k := newForward(1)
	s.records(4).epoch()
	state := s.state()
	s.records(3).pin()
	in := s.input(state.Key)
	in.State = state
	r := judgeInput(in)
	wantVerdict(t, r, PartlyProven)
	if r.ProvenFrom != state.Seq+1 {
		t.Errorf("proven from %d, the epoch begins behind %d", r.ProvenFrom, state.Seq)
	}
	// An older copy of the whole folder, with the key as it is now.
	old, _ := newForward(1)
	old.records(3).pin()
	in = old.input(k)
	in.State = state
	wantVerdict(t, judgeInput(in), Truncated)
	in = old.input(state.Key)
	in.State = state
	if r := judgeInput(in); r.Verdict == Verified || r.Verdict == Tampered {
		t.Errorf("%s", r.Verdict)
	}
	// The key file of another history.
	other, _ := newForward(1)
	other.records(1).rotate(SegmentAge).records(2).epoch()
	in = s.input(k)
	in.State = other.state()
	in.State.Seq = state.Seq
	wantVerdict(t, judgeInput(in), Tampered)
}

// TestGivenCheckpoints holds a chain against checkpoints that were kept.
func TestGivenCheckpoints(t *testing.T) {
	s, k := newForward(1)
	var kept []Given
	for i := range 5 {
		s.records(i + 1)
		kept = append(kept, Given{fmt.Sprintf("kept %d", i), s.note()})
	}
	s.pin()
	in := s.input(k)
	in.Given = kept
	r := judgeInput(in)
	wantVerdict(t, r, Verified)
	for _, g := range r.Given {
		if !g.Holds {
			t.Errorf("%+v", g)
		}
	}
	in.Head = nil
	wantVerdict(t, judgeInput(in), Verified)
	in.Given = kept[:4]
	wantVerdict(t, judgeInput(in), PartlyProven) // more may have come behind it
	// Cut, with the watermark of that time: only what was kept shows it.
	cut, _ := newForward(1)
	cut.records(1).records(2).pin()
	wantVerdict(t, judgeInput(cut.input(k)), Verified)
	in = cut.input(k)
	in.Given = kept
	r = judgeInput(in)
	wantVerdict(t, r, Truncated)
	if r.First().Kind != Missing {
		t.Errorf("%v", r.First())
	}
	// Of another chain, of another signer, cut.
	o, _ := newForward(1)
	o.chain = chainB
	in = s.input(k)
	in.Given = []Given{{"foreign", o.note()}}
	wantVerdict(t, judgeInput(in), CannotVerify)
	o.chain, o.signer = chainA, signingKey(KindCheckpoint, 3)
	in.Given = []Given{{"of another signer", o.note()}}
	wantVerdict(t, judgeInput(in), CannotVerify)
	in.Given = []Given{{"cut", kept[0].Note[:40]}}
	r = judgeInput(in)
	wantVerdict(t, r, CannotVerify)
	if !strings.Contains(strings.Join(r.NotProven, " "), "cut") {
		t.Errorf("%q", r.NotProven)
	}
	// A chain without checkpoints.
	plain := newSet(nil).records(2).pin()
	in = plain.input(key(1))
	in.Given = []Given{{"any", kept[0].Note}}
	wantVerdict(t, judgeInput(in), CannotVerify)
}

// TestForgedEvidence has writers say under the right key what is not so.
func TestForgedEvidence(t *testing.T) {
	other := signingKey(KindCheckpoint, 9)
	for name, forge := range map[string]func(s *set){
		"a checkpoint by another signer": func(s *set) { s.signer = other; s.checkpoint() },
		"a checkpoint of another root":   func(s *set) { s.leaves[2][0] ^= 1; s.checkpoint() },
		"a checkpoint of another size": func(s *set) {
			note := s.note()
			s.records(1)
			s.control(Checkpointed{Control: ControlCheckpoint, Time: "t", Writer: "w", Note: string(note)})
		},
		"a checkpoint that is none": func(s *set) {
			s.control(Checkpointed{Control: ControlCheckpoint, Time: "t", Writer: "w", Note: "hello"})
		},
		"a signer that the one before did not sign": func(s *set) {
			m := SignerMessage(s.chain, s.seq+1, s.last, s.signer.Public(), other.Public())
			s.control(SignerChange{Control: ControlSigner, Time: "t", Writer: "w", CheckpointKey: other.Public().Base64(), Previous: s.signer.Public().Base64(), Signature: other.Sign(m), NewSignature: other.Sign(m)})
		},
		"a signer that did not sign itself": func(s *set) {
			m := SignerMessage(s.chain, s.seq+1, s.last, s.signer.Public(), other.Public())
			s.control(SignerChange{Control: ControlSigner, Time: "t", Writer: "w", CheckpointKey: other.Public().Base64(), Previous: s.signer.Public().Base64(), Signature: s.signer.Sign(m), NewSignature: s.signer.Sign(m)})
		},
		"an epoch that is not the next": func(s *set) {
			s.control(Epoch{Control: ControlEpoch, Time: "t", Writer: "w", Epoch: 7})
		},
		"an erasure by another key":        func(s *set) { s.order(4, signingKey(KindErasure, 9)) },
		"an erasure by the checkpoint key": func(s *set) { s.order(4, s.signer) },
		"an erasure of what comes": func(s *set) {
			s.leaves = append(s.leaves, Hash{}, Hash{}, Hash{})
			seq := s.seq
			s.order(seq+2, s.erasure)
			s.leaves = s.leaves[:seq]
		},
		"a segment of another tree": func(s *set) { s.leaves[1][3] ^= 4; s.rotate(SegmentSize) },
		"a segment that names another erasure key": func(s *set) {
			s.erasure = signingKey(KindErasure, 9)
			s.rotate(SegmentSize)
		},
		"a segment that names another checkpoint key": func(s *set) { s.signer = other; s.rotate(SegmentSize) },
		"a time stamp of something else": func(s *set) {
			s.checkpoint()
			s.control(Timestamped{Control: ControlTimestamp, Time: "t", Writer: "w", Size: s.seq - 1, Note: Hash{1}, Token: []byte{1}})
		},
	} {
		s, k := newForward(1)
		s.records(5)
		forge(s)
		s.pin()
		r := judgeInput(s.input(k))
		if r.Verdict != Tampered || r.First() == nil || r.First().Kind != Forged {
			t.Errorf("%s: %s %v %q", name, r.Verdict, r.First(), r.NotProven)
		}
	}
}

func TestTombstones(t *testing.T) {
	make3 := func() (*set, Key) {
		s, k := newForward(1)
		s.records(5).epoch().records(2).rotate(SegmentSize).records(2)
		return s, k
	}
	s, k := make3()
	s.order(4, s.erasure).pin()
	r := judgeInput(s.input(k))
	wantVerdict(t, r, Verified)
	if r.PendingErasures != 1 {
		t.Errorf("%d pending", r.PendingErasures)
	}
	s.erase(4)
	r = judgeInput(s.input(k))
	wantVerdict(t, r, Verified)
	if r.PendingErasures != 0 || r.Tombstones != 1 {
		t.Errorf("%d pending, %d tombstones", r.PendingErasures, r.Tombstones)
	}
	// Without leave, whoever seals what.
	for name, o := range map[string]func(s *set){
		"nobody allowed it":           func(s *set) { s.pin().erase(4) },
		"for another line":            func(s *set) { s.order(5, s.erasure).pin().erase(4) },
		"by another key":              func(s *set) { s.order(4, signingKey(KindErasure, 9)).pin().erase(4) },
		"two, and one was allowed":    func(s *set) { s.order(4, s.erasure).pin().erase(4).erase(5) },
		"a control record":            func(s *set) { s.pin().erase(2) },
		"a tombstone of another leaf": func(s *set) { s.order(4, s.erasure).pin(); s.leaves[3] = Hash{1}; s.erase(4) },
	} {
		s, k := make3()
		o(s)
		r := judgeInput(s.input(k))
		if r.Verdict != Tampered {
			t.Errorf("%s: %s %v", name, r.Verdict, r.First())
		}
		if kind := r.First().Kind; kind != ErasedKind && kind != Forged && kind != Changed {
			t.Errorf("%s: %v", name, r.First())
		}
	}
	// A chain that names no erasure key.
	p := newSet(nil).records(3)
	p.order(4, signingKey(KindErasure, 1)).pin().erase(4)
	wantVerdict(t, judgeInput(p.input(key(1))), Tampered)
}
