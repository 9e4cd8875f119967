// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"testing"
)

// chainUnder is a chain with checkpoints and erasures under k.
func chainUnder(k Key, retention *Retention) *set {
	s := &set{key: k, chain: chainA, now: testTime, retention: retention, files: []*setFile{{name: "audit.jsonl"}}}
	s.signer, s.erasure = signingKey(KindCheckpoint, 1), signingKey(KindErasure, 101)
	return s.genesis()
}

func forwardKey(fill byte, epoch uint64) Key {
	k, err := newForwardKey(bytes.Repeat([]byte{fill}, HashSize)).At(epoch)
	if err != nil {
		panic(err)
	}
	return k
}

// given is a checkpoint of the chain as it is now, kept elsewhere.
func (s *set) given(name string) Given { return Given{name, s.note()} }

// TestBytesBehindAChangeOfKeys: a writer that changes its key or its signer
// leaves nothing behind the last line of the file.
func TestBytesBehindAChangeOfKeys(t *testing.T) {
	for name, change := range map[string]func(s *set){
		"key":    func(s *set) { s.rotateKey(key(2)) },
		"signer": func(s *set) { s.rotateSigner(signingKey(KindCheckpoint, 7)) },
	} {
		make2 := func() *set {
			s := chainUnder(key(1), nil).records(2)
			change(s)
			return s.records(2).pin().pin()
		}
		s := make2()
		wantVerdict(t, judgeInput(s.input(s.key, key(1))), Verified)
		for _, junk := range []string{"junk\n", "\x00\x00", string(s.files[0].lines[2])} {
			s := make2()
			s.files[0].lines = append(s.files[0].lines, []byte(junk))
			r := judgeInput(s.input(s.key, key(1)))
			if r.Verdict != Tampered || r.First().Kind != Inserted {
				t.Errorf("%s, %q: %s %v", name, junk, r.Verdict, r.First())
			}
		}
	}
}

// TestTornEndHidesNothing: with the watermark removed, and an end that is no
// line, whatever else shows still shows.
func TestTornEndHidesNothing(t *testing.T) {
	torn := func(s *set) *set {
		s.live().lines = append(s.live().lines, []byte("torn"))
		return s
	}
	honest := func() *set { return chainUnder(key(1), nil).records(6) }
	kept := []Given{honest().given("kept")}
	judge := func(s *set, public bool, given []Given) *Report {
		in := s.input(key(1))
		if public {
			in = s.input()
			in.PublicKey = s.signer.Public()
		}
		in.Head, in.Given = nil, given
		return judgeInput(in)
	}
	for _, public := range []bool{false, true} {
		wantVerdict(t, judge(honest(), public, nil), PartlyProven)
		r := judge(torn(honest()), public, nil)
		wantVerdict(t, r, PartlyProven)
		if r.BadTotal != 0 || r.TailBytes != 4 {
			t.Errorf("%+v", r)
		}
		// What a kept checkpoint pins is there; the end is still not clear.
		r = judge(torn(honest()), public, kept)
		wantVerdict(t, r, PartlyProven)
		if !r.Given[0].Holds {
			t.Errorf("%+v", r.Given)
		}
		wantVerdict(t, judge(torn(honest().records(1)), public, kept), PartlyProven)
		for more := range 3 {
			// Another history, before the size that was kept and behind it.
			o := chainUnder(key(1), nil)
			o.add([]byte(`{"timestamp":"x","session_id":"another story"`))
			r = judge(torn(o.records(5+more)), public, kept)
			wantVerdict(t, r, Tampered)
			if r.Given[0].Holds || r.First().Kind != Forged {
				t.Errorf("%d more: %v %+v", more, r.First(), r.Given)
			}
		}
		cut := honest()
		cut.live().lines = cut.live().lines[:5]
		r = judge(torn(cut), public, kept)
		wantVerdict(t, r, Truncated)
		if r.First() == nil || r.First().Kind != Missing {
			t.Errorf("%v", r.First())
		}
		r = judge(torn(honest().erase(4)), public, nil)
		wantVerdict(t, r, Tampered)
		if r.First().Kind != ErasedKind {
			t.Errorf("%v", r.First())
		}
	}
	// The position in the key file.
	s := chainUnder(forwardKey(5, 0), nil).records(4)
	lines := bytes.Clone(s.files[0].bytes())
	state := s.epoch().state()
	s.files[0].lines = [][]byte{lines}
	in := torn(s).input(forwardKey(5, 0))
	in.Head, in.State = nil, state
	wantVerdict(t, judgeInput(in), Truncated)
	in.State = KeyState{}
	wantVerdict(t, judgeInput(in), PartlyProven)
}

// TestAloneMissesNothingBehind: what stands in later segments is not missed
// where one is judged alone.
func TestAloneMissesNothingBehind(t *testing.T) {
	k := forwardKey(5, 0)
	s := chainUnder(k, nil).records(4).rotate(SegmentSize).records(3).order(4, signingKey(KindErasure, 101)).epoch()
	state := s.state()
	kept := s.records(2).checkpoint().given("kept")
	s.pin().erase(4)
	whole := s.input(k)
	whole.State, whole.Given = state, []Given{kept}
	wantVerdict(t, judgeInput(whole), Verified)
	alone := func(i int) Input {
		in := whole
		in.Files, in.Alone = whole.Files[i:i+1], true
		return in
	}
	for i := range whole.Files {
		r := judgeInput(alone(i))
		wantVerdict(t, r, PartlyProven)
		if r.BadTotal != 0 || r.PendingErasures != 0 || r.Given[0].Holds != (i == 1) {
			t.Errorf("file %d: %+v", i, r)
		}
	}
	// What is said of this very segment counts.
	cut := s.files[1].lines
	s.files[1].lines = cut[:3]
	in := alone(1)
	in.Head = nil
	wantVerdict(t, judgeInput(in), Truncated)
	s.files[1].lines = cut
	in = alone(1)
	in.State.MAC[0] ^= 1
	wantVerdict(t, judgeInput(in), Tampered)
}

// TestErasuresOfPrunedLines: an erasure of a line that retention removed is
// not one that somebody forgot to carry out.
func TestErasuresOfPrunedLines(t *testing.T) {
	s := chainUnder(key(1), &Retention{Keep: 1}).records(2).rotate(SegmentSize).records(2)
	s.order(3, s.erasure).order(6, s.erasure).rotate(SegmentSize).records(1).rotate(SegmentSize).prune(1).pin().pin()
	if r := judgeInput(s.input(key(1))); r.Verdict != Verified || r.PendingErasures != 2 {
		t.Fatalf("%s, %d pending", r.Verdict, r.PendingErasures)
	}
	s.drop(0)
	if r := judgeInput(s.input(key(1))); r.Verdict != Verified || r.PendingErasures != 1 {
		t.Errorf("%s, %d pending", r.Verdict, r.PendingErasures)
	}
}

// TestKeyOfALaterEpoch: whoever has the host in epoch e, and the key that the
// chain had before, kept beside, cannot let the key come in at e, and leave out
// what it had sealed before; nor begin the chain anew at e.
func TestKeyOfALaterEpoch(t *testing.T) {
	old, k := forwardKey(4, 0), forwardKey(5, 0)
	for epoch, want := range []Verdict{Verified, PartlyProven, PartlyProven} {
		at := forwardKey(5, uint64(epoch))
		for _, static := range []bool{false, true} {
			before := old
			if static {
				before = key(1)
			}
			s := chainUnder(before, nil).records(2).rotateKey(at).records(2).pin()
			wantVerdict(t, judgeInput(s.input(k, before)), want)
		}
		s := chainUnder(at, nil).records(2).pin()
		wantVerdict(t, judgeInput(s.input(k)), want)
	}
	// A chain of which the beginning was removed within its policy says no
	// such thing.
	s := chainUnder(k, &Retention{Keep: 1}).records(2).epoch().epoch().rotate(SegmentSize).records(2).rotate(SegmentSize).records(1).rotate(SegmentSize)
	s.prune(1).pin().pin()
	kept := s.given("kept")
	s.drop(0)
	wantVerdict(t, judgeInput(s.input(k)), PartlyProven) // whoever had the host in epoch 2 could have made it up
	in := s.input(k)
	in.Given = []Given{kept}
	wantVerdict(t, judgeInput(in), Verified)
}

// TestKeyFileOfAnotherChain: a chain under a key of which the file says that
// it is another chain's is not verified. It may be the one before (docs/SPEC.md,
// 7.4), so it is not tampered.
func TestKeyFileOfAnotherChain(t *testing.T) {
	k := forwardKey(5, 0)
	s := chainUnder(k, nil).records(2).pin()
	in := s.input(k)
	in.State = KeyState{Key: forwardKey(5, 2), Chain: chainB, Position: Position{First: 1, Seq: 2, MAC: Hash{1}, Size: 5}}
	wantVerdict(t, judgeInput(in), PartlyProven)
	in.State.Key = forwardKey(6, 2) // which is not its
	wantVerdict(t, judgeInput(in), Verified)
	in.State = KeyState{Key: k, Chain: s.chain}
	wantVerdict(t, judgeInput(in), Verified)
}

// TestSegmentsThatSayOtherwise: whoever has the key cannot have a later file
// say what the chain does not.
func TestSegmentsThatSayOtherwise(t *testing.T) {
	for name, policies := range map[string][2]*Retention{
		"a policy from nowhere": {nil, {Keep: 1}},
		"a lower one":           {{Keep: 3}, {Keep: 1}},
		"a shorter one":         {{KeepFor: "3h"}, {KeepFor: "1h"}},
		"none":                  {{Keep: 1}, nil},
	} {
		s := chainUnder(key(1), policies[0]).records(2)
		s.retention = policies[1]
		s.rotate(SegmentSize).records(2).pin()
		r := judgeInput(s.input(key(1)))
		if r.Verdict != Tampered || r.First().Kind != Forged || r.First().Line != 1 {
			t.Errorf("%s: %s %v", name, r.Verdict, r.First())
		}
	}
	s := chainUnder(key(1), nil).records(2)
	p := s.position()
	s.finish(p)
	s.control(Segment{
		Control: ControlSegment, Time: "t", Writer: "w", Format: FormatVersion, Chain: chainB, KeyID: s.key.ID(), KeyMode: s.key.Mode(),
		CheckpointKey: s.signer.Public().Base64(), ErasureKey: s.erasure.Public().Base64(), Tree: s.tree().Nodes(),
		Reason: SegmentSize, Previous: p, PreviousLeaf: s.firstLeaf(1),
	})
	r := judgeInput(s.pin().input(key(1)))
	wantVerdict(t, r, Tampered)
	if r.First().Kind != Forged {
		t.Errorf("%v", r.First())
	}
}

// TestTimestampsOfNothing: a time stamp is about a checkpoint that stands
// before it, unless that went with what retention removed.
func TestTimestampsOfNothing(t *testing.T) {
	stamp := func(s *set, size uint64) {
		s.control(Timestamped{Control: ControlTimestamp, Time: "t", Writer: "w", Size: size, Note: Hash{1}, Token: []byte{1}})
	}
	s := chainUnder(key(1), &Retention{Keep: 1}).records(2).checkpoint()
	stamp(s, 3)
	r := judgeInput(s.pin().input(key(1)))
	wantVerdict(t, r, Tampered)
	if r.First().Kind != Forged || r.First().Seq != 6 {
		t.Errorf("%v", r.First())
	}
	// So many checkpoints later that it is not remembered, or removed.
	s = chainUnder(key(1), nil).records(2).checkpoint()
	for range maxRecent + 1 {
		s.checkpoint()
	}
	stamp(s, 4)
	wantVerdict(t, judgeInput(s.pin().input(key(1))), Verified)
	s = chainUnder(key(1), &Retention{Keep: 1}).records(2).checkpoint().rotate(SegmentSize)
	stamp(s, 4)
	s.rotate(SegmentSize).records(1).rotate(SegmentSize).prune(1).pin().pin().drop(0)
	wantVerdict(t, judgeInput(s.input(key(1))), Verified)
}

// TestPrunedBeginnings: the tree that the first file says, and checkpoints from
// before it, by a signer that went with them.
func TestPrunedBeginnings(t *testing.T) {
	pruned := func() (*set, Given) {
		s := chainUnder(key(1), &Retention{Keep: 1}).records(2).checkpoint()
		kept := s.given("kept")
		s.rotateSigner(signingKey(KindCheckpoint, 7)).records(2).rotate(SegmentSize).records(1).checkpoint().rotate(SegmentSize).prune(1).pin().pin()
		s.drop(0)
		return s, kept
	}
	s, kept := pruned()
	in := s.input(key(1))
	wantVerdict(t, judgeInput(in), Verified)
	in.Given = []Given{kept}
	r := judgeInput(in)
	wantVerdict(t, r, Verified)
	if r.Given[0].Holds {
		t.Errorf("%+v", r.Given)
	}
	in.Head = nil // it pins nothing
	wantVerdict(t, judgeInput(in), PartlyProven)
	in.Given = []Given{s.given("now")}
	wantVerdict(t, judgeInput(in), Verified)

	// Whoever has the key cannot leave the tree out.
	o := &set{key: key(1), chain: chainA, now: testTime, retention: &Retention{Keep: 1}, signer: s.signer, slots: newSet(nil).slots, files: []*setFile{{name: "audit.jsonl"}}}
	o.leaves = make([]Hash, 6)
	p := Position{First: 1, Seq: 7, MAC: Hash{1}, Size: 99}
	o.begin(SegmentSize, p).records(1).rotate(SegmentSize).records(1).rotate(SegmentSize)
	o.control(Pruned{Control: ControlPruned, Time: FormatTime(o.now), Writer: "w", Through: p, Retention: *o.retention})
	r = judgeInput(o.pin().pin().input(key(1)))
	wantVerdict(t, r, Tampered)
	if r.First().Kind != Forged || r.First().Line != 1 {
		t.Errorf("%v", r.First())
	}
}

// TestPolicyFromNowhere: whoever has the host in epoch e must not be able to
// replace all that was sealed before by a beginning that a retention policy is
// said to have left, in a chain that has none.
func TestPolicyFromNowhere(t *testing.T) {
	k := forwardKey(5, 0)
	honest := chainUnder(k, nil).records(3).checkpoint()
	kept := honest.given("kept")
	s := &set{key: forwardKey(5, 2), chain: honest.chain, now: testTime, retention: &Retention{Keep: 1}, signer: honest.signer, erasure: signingKey(KindErasure, 77)}
	s.slots = newSet(nil).slots
	s.files = []*setFile{{name: "audit.jsonl"}}
	s.leaves = make([]Hash, 100)
	p := Position{First: 50, Seq: 100, MAC: Hash{1}, Size: 10000}
	s.begin(SegmentSize, p).records(3).checkpoint().rotate(SegmentSize).records(1).rotate(SegmentSize)
	s.control(Pruned{Control: ControlPruned, Time: FormatTime(s.now), Writer: "w", Through: p, Retention: *s.retention})
	in := s.records(1).pin().pin().input(k)
	for _, given := range [][]Given{nil, {kept}} {
		in.Given = given
		if r := judgeInput(in); r.ExitCode() == 0 {
			t.Errorf("%s, %d checkpoints given: %q", r.Verdict, len(given), r.Proven)
		}
	}
}

// TestOrderOfKeys: which of the keys at hand stands first makes no chain whole
// that was cut back to before its key was changed.
func TestOrderOfKeys(t *testing.T) {
	s := chainUnder(key(1), nil).records(2).pin()
	for _, keys := range [][]Key{{key(2), key(1)}, {key(1), key(2)}} {
		if r := judgeInput(s.input(keys...)); r.ExitCode() == 0 {
			t.Errorf("%s", r.Verdict)
		}
	}
}

// TestHostAfterAChangeOfKeys: on a host, the key file and the outgoing key that
// was kept beside it, each as it was at last, are no worse than the key file
// alone, and no better.
func TestHostAfterAChangeOfKeys(t *testing.T) {
	old, k := forwardKey(4, 0), forwardKey(5, 0)
	s := chainUnder(old, nil).records(2).epoch().records(1).checkpoint().rotateKey(k).records(2).checkpoint()
	state := s.epoch().state()
	s.records(2).checkpoint().records(1).pin()
	for name, keys := range map[string][]Key{"alone": {forwardKey(5, 1)}, "both": {forwardKey(5, 1), forwardKey(4, 1)}} {
		in := s.input(keys...)
		in.State = state
		r := judgeInput(in)
		wantVerdict(t, r, PartlyProven)
		if r.ProvenFrom == 0 || name == "both" && r.ProvenFrom == r.LastSeq {
			t.Errorf("%s: from %d", name, r.ProvenFrom)
		}
	}
	wantVerdict(t, judgeInput(s.input(k, forwardKey(4, 1))), PartlyProven)
	wantVerdict(t, judgeInput(s.input(k, old)), Verified)
	// One that is not at hand at all is missing.
	wantVerdict(t, judgeInput(s.input(old)), CannotVerify)
	// What is altered under a spent epoch shows by the root that is sealed
	// behind it.
	line := s.line(s.seq - 7)
	*line = bytes.Replace(*line, []byte("log"), []byte("lag"), 1)
	wantVerdict(t, judgeInput(s.input(forwardKey(5, 1), forwardKey(4, 1))), Tampered)
}
