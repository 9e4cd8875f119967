// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

var (
	proofChain = ChainID{1, 2, 3}
	proofKey   = testSigner(7)
	otherKey   = testSigner(8)
)

func testSigner(fill byte) SigningKey {
	k, err := NewSigningKey(KindCheckpoint, bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		panic(err)
	}
	return k
}

func payloadOf(i uint64) []byte {
	return fmt.Appendf(nil, `{"timestamp":"2026-11-24T10:15:00.000000000Z","session_id":"s%d","blind":"b"`, i)
}

// tree is a chain of n records as a proof sees it.
func tree(n uint64) (leaves []Hash, root Hash) {
	var r Range
	for i := range n {
		leaves = append(leaves, Leaf(payloadOf(i)))
		r.Add(leaves[i])
	}
	return leaves, r.Root()
}

func signNote(t testing.TB, k SigningKey, chain ChainID, size uint64, root Hash) []byte {
	t.Helper()
	note, err := Checkpoint{Chain: chain, Size: size, Root: root}.Sign(k)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func fill(t testing.TB, b *PathBuilder, leaves []Hash) []Hash {
	t.Helper()
	for _, l := range leaves {
		if err := b.Add(l, 1); err != nil {
			t.Fatal(err)
		}
	}
	path, err := b.Path()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func proofOf(t testing.TB, index, size uint64) *Proof {
	t.Helper()
	leaves, root := tree(size)
	b, err := NewPath(index, size)
	if err != nil {
		t.Fatal(err)
	}
	return &Proof{Payload: payloadOf(index), Index: index, Path: fill(t, b, leaves), Note: signNote(t, proofKey, proofChain, size, root)}
}

func trusting(keys ...SigningKey) Trust {
	var t Trust
	for _, k := range keys {
		t.Keys = append(t.Keys, k.Public())
	}
	return t
}

// The vectors that implementations of RFC 6962 share.
func TestProofVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/rfc6962.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Leaves    []string
		Roots     []Hash
		Inclusion []struct {
			Index, Size uint64
			Path        []Hash
		}
		Consistency []struct {
			From, To uint64
			Path     []Hash
		}
	}
	if err := json.Unmarshal(text, &v); err != nil || len(v.Inclusion) < 5 || len(v.Consistency) < 5 || len(v.Roots) != 8 {
		t.Fatalf("%v: %d and %d proofs, %d roots", err, len(v.Inclusion), len(v.Consistency), len(v.Roots))
	}
	var leaves []Hash
	var r Range
	for i, l := range v.Leaves {
		data, err := hex.DecodeString(l)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, Leaf(data))
		r.Add(leaves[i])
		if r.Root() != v.Roots[i] {
			t.Errorf("root of %d leaves", i+1)
		}
	}
	for _, p := range v.Inclusion {
		b, err := NewPath(p.Index, p.Size)
		if err != nil {
			t.Fatal(err)
		}
		if got := fill(t, b, leaves[:p.Size]); fmt.Sprint(got) != fmt.Sprint(p.Path) {
			t.Errorf("path of leaf %d in %d: %v, want %v", p.Index, p.Size, got, p.Path)
		}
		if _, root, err := climb(leaves[p.Index], p.Index, p.Size, p.Path); err != nil || root != v.Roots[p.Size-1] {
			t.Errorf("path of leaf %d in %d leads to %v: %v", p.Index, p.Size, root, err)
		}
	}
	for _, p := range v.Consistency {
		b, err := NewConsistencyPath(p.From, p.To)
		if err != nil {
			t.Fatal(err)
		}
		if got := fill(t, b, leaves[:p.To]); fmt.Sprint(got) != fmt.Sprint(p.Path) {
			t.Errorf("from %d to %d: %v, want %v", p.From, p.To, got, p.Path)
		}
		proof := ConsistencyProof{
			Path: p.Path,
			From: signNote(t, proofKey, proofChain, p.From, v.Roots[p.From-1]),
			To:   signNote(t, proofKey, proofChain, p.To, v.Roots[p.To-1]),
		}
		if _, err := proof.Check(trusting(proofKey)); err != nil {
			t.Errorf("from %d to %d: %v", p.From, p.To, err)
		}
	}
}

func TestProof(t *testing.T) {
	for _, size := range []uint64{1, 2, 3, 7, 8, 13} {
		for index := range size {
			p := proofOf(t, index, size)
			c, err := p.Check(Trust{Keys: trusting(otherKey, proofKey).Keys, Chain: proofChain})
			if err != nil || c.Root != c.Checkpoint.Root || c.Key != proofKey.Public() || c.Kind != Record || len(c.Steps) != len(p.Path) {
				t.Fatalf("line %d of %d: %+v, %v", index+1, size, c, err)
			}
			if n := len(c.Steps); n > 0 && c.Steps[n-1].Hash != c.Root {
				t.Errorf("line %d of %d: the last step does not give the root", index+1, size)
			}
			text, _ := p.AppendText(nil)
			again, err := ParseProof(text)
			if err != nil {
				t.Fatalf("line %d of %d: %v", index+1, size, err)
			}
			if text2, _ := again.AppendText(nil); !bytes.Equal(text, text2) {
				t.Errorf("line %d of %d: parse then format differs", index+1, size)
			}
		}
	}
}

// A line whose payload was erased is proven by the leaf that it states.
func TestProofOfTombstone(t *testing.T) {
	p := proofOf(t, 4, 9)
	leaf := Leaf(p.Payload)
	p.Payload = AppendTombstone(nil, leaf, len(p.Payload)+90)
	c, err := p.Check(trusting(proofKey))
	if err != nil || c.Kind != Tombstone || c.Leaf != leaf {
		t.Fatalf("%+v, %v", c, err)
	}
}

// Whatever is changed in a proof, it is refused, and in the way that says what
// it was.
func TestProofRefused(t *testing.T) {
	hash := Hash{9}
	erasure, err := NewSigningKey(KindErasure, bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		edit  func(p *Proof)
		trust Trust
		want  error
	}{
		"altered record":        {func(p *Proof) { p.Payload = payloadOf(6) }, Trust{}, ErrProofRoot},
		"another place":         {func(p *Proof) { p.Index = 4 }, Trust{}, ErrProofRoot},
		"index outside":         {func(p *Proof) { p.Index = 11 }, Trust{}, ErrProofIndex},
		"index far outside":     {func(p *Proof) { p.Index = 1<<64 - 1 }, Trust{}, ErrProofIndex},
		"altered hash":          {func(p *Proof) { p.Path[1][0] ^= 1 }, Trust{}, ErrProofRoot},
		"a hash less":           {func(p *Proof) { p.Path = p.Path[1:] }, Trust{}, ErrProofRoot},
		"a hash more":           {func(p *Proof) { p.Path = append(p.Path, hash) }, Trust{}, ErrProofRoot},
		"no line":               {func(p *Proof) { p.Payload = []byte(`{"a":1`) }, Trust{}, ErrProofPayload},
		"no payload":            {func(p *Proof) { p.Payload = nil }, Trust{}, ErrProofPayload},
		"cut record":            {func(p *Proof) { p.Payload = p.Payload[:40] }, Trust{}, ErrProofPayload},
		"another root":          {func(p *Proof) { p.Note = signNote(t, proofKey, proofChain, 11, hash) }, Trust{}, ErrProofRoot},
		"another size":          {func(p *Proof) { p.Note = bytes.Replace(p.Note, []byte("\n11\n"), []byte("\n12\n"), 1) }, Trust{}, nil},
		"another origin":        {func(p *Proof) { p.Note = bytes.Replace(p.Note, []byte("auditchain/01"), []byte("auditchain/02"), 1) }, Trust{}, ErrCheckpointKey},
		"another key":           {func(*Proof) {}, trusting(otherKey), ErrCheckpointKey},
		"another chain":         {func(*Proof) {}, Trust{Keys: trusting(proofKey).Keys, Chain: ChainID{4}}, ErrProofChain},
		"a key of another kind": {func(*Proof) {}, trusting(erasure), ErrKeyKind},
		"no key":                {func(*Proof) {}, Trust{Chain: proofChain}, errNoTrust},
		"altered signature": {func(p *Proof) {
			p.Note = bytes.Clone(p.Note)
			p.Note[len(p.Note)-20] ^= 1
		}, Trust{}, ErrCheckpointSignature},
		"a note of somebody else": {func(p *Proof) { p.Note = signNote(t, otherKey, proofChain, 11, mustRoot(11)) }, Trust{}, ErrCheckpointKey},
	} {
		p := proofOf(t, 5, 11)
		tc.edit(p)
		if tc.trust.Keys == nil && tc.trust.Chain == (ChainID{}) {
			tc.trust = trusting(proofKey)
		}
		c, err := p.Check(tc.trust)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		if c == nil || !c.Key.IsZero() {
			t.Errorf("%s: the check says that somebody signed", name)
		}
	}
}

func mustRoot(n uint64) Hash { _, root := tree(n); return root }

// A file that is cut, at whatever place, is no proof; nor is one with anything
// added to it.
func TestProofCut(t *testing.T) {
	text, _ := proofOf(t, 5, 11).AppendText(nil)
	for i := range text {
		if _, err := ParseProof(text[:i]); !errors.Is(err, ErrProofForm) {
			t.Fatalf("cut at byte %d of %d: %v", i, len(text), err)
		}
	}
	consistency, _ := consistencyOf(t, 5, 11).AppendText(nil)
	for i := range consistency {
		if _, err := ParseConsistencyProof(consistency[:i]); !errors.Is(err, ErrProofForm) {
			t.Fatalf("consistency cut at byte %d of %d: %v", i, len(consistency), err)
		}
	}
	for _, more := range []string{"\n", " ", "x", "\r\n"} {
		if _, err := ParseProof(append(bytes.Clone(text), more...)); err == nil {
			t.Errorf("%q behind it is taken", more)
		}
		if _, err := ParseConsistencyProof(append(bytes.Clone(consistency), more...)); err == nil {
			t.Errorf("%q behind a consistency proof is taken", more)
		}
	}
	for _, edit := range [][2]string{
		{"index 5", "index 05"}, {"index 5", "index +5"}, {"index 5", "index -1"}, {"index 5", "index 18446744073709551616"},
		{"extra ", "extra  "}, {"extra ", "Extra "}, {"\nindex", "\n\nindex"}, {"@v1", "@v2"},
	} {
		if _, err := ParseProof([]byte(strings.Replace(string(text), edit[0], edit[1], 1))); !errors.Is(err, ErrProofForm) {
			t.Errorf("%q for %q: %v", edit[1], edit[0], err)
		}
	}
}

func FuzzProof(f *testing.F) {
	for _, p := range []*Proof{proofOf(f, 5, 11), proofOf(f, 0, 1)} {
		text, _ := p.AppendText(nil)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseProof(text)
		if err != nil {
			return
		}
		if again, _ := p.AppendText(nil); !bytes.Equal(again, text) {
			t.Errorf("parse then format: %q became %q", text, again)
		}
		if _, err := p.Check(trusting(proofKey)); err == nil {
			// Only the holder of the key signs, and one record has one place.
			c, _ := ParseCheckpoint(p.Note)
			if c.Size != 11 && c.Size != 1 || !bytes.Equal(p.Payload, payloadOf(p.Index)) {
				t.Errorf("a proof that nobody made holds: %q", text)
			}
		}
	})
}
