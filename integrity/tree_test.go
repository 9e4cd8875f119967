// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func leafOf(i uint64) Hash { return Leaf(fmt.Appendf(nil, "leaf %d", i)) }

// tlogRoots returns the roots of the trees of 0..n leaves as another
// implementation computes them.
func tlogRoots(t *testing.T, n uint64) []Hash {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, k := range at {
			out[i] = stored[k]
		}
		return out, nil
	})
	roots := []Hash{(&Range{}).Root()}
	for i := range n {
		more, err := tlog.StoredHashesForRecordHash(int64(i), tlog.Hash(leafOf(i)), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		root, err := tlog.TreeHash(int64(i+1), reader)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, Hash(root))
	}
	return roots
}

// TestRange compares trees that grow leaf by leaf, and trees that are put
// together from ranges however they are cut, with golang.org/x/mod/sumdb/tlog.
func TestRange(t *testing.T) {
	const n = 130
	roots := tlogRoots(t, n)
	var tree Range
	for i := range uint64(n) {
		if tree.Root() != roots[i] {
			t.Fatalf("root of %d leaves", i)
		}
		again, err := TreeOf(i, tree.Nodes())
		if err != nil || again.Root() != roots[i] {
			t.Fatalf("tree of %d nodes: %v", i, err)
		}
		tree.Add(leafOf(i))
	}
	for a := range uint64(n) {
		for b := a; b <= n; b += 1 + b%7 {
			var parts [3]Range
			for i, cut := range [][2]uint64{{0, a}, {a, b}, {b, n}} {
				parts[i] = NewRange(cut[0])
				for k := cut[0]; k < cut[1]; k++ {
					parts[i].Add(leafOf(k))
				}
			}
			whole := parts[0].Clone()
			if err := whole.Append(&parts[1]); err != nil {
				t.Fatal(err)
			}
			if whole.Root() != roots[b] {
				t.Fatalf("root of %d leaves, put together from %d and the rest", b, a)
			}
			if err := whole.Append(&parts[2]); err != nil {
				t.Fatal(err)
			}
			if whole.Root() != roots[n] {
				t.Fatalf("root of %d leaves, cut at %d and %d", n, a, b)
			}
			right := parts[1].Clone()
			if err := right.Append(&parts[2]); err != nil {
				t.Fatal(err)
			}
			if err := parts[0].Append(&right); err != nil || parts[0].Root() != roots[n] {
				t.Fatalf("root of %d leaves, cut at %d and %d, from the right: %v", n, a, b, err)
			}
		}
	}
	if err := tree.Append(&Range{from: 5, to: 5}); err == nil {
		t.Fatal("ranges that do not meet were put together")
	}
}

// TestCheckpointNote has another implementation open what is signed here, and
// refuses notes that are cut, altered, of another key or of another form.
func TestCheckpointNote(t *testing.T) {
	key, err := NewSigningKey(KindCheckpoint, []byte(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	c := Checkpoint{Chain: ChainID{1, 2}, Size: 7, Root: Hash{9}}
	b, err := c.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(key.Public().NoteKey(c.Chain))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(b, note.VerifierList(v))
	if err != nil {
		t.Fatal(err)
	}
	if tree, err := tlog.ParseTree([]byte(strings.Replace(n.Text, Origin(c.Chain), "go.sum database tree", 1))); err != nil || tree.N != 7 {
		t.Fatalf("tlog reads %v: %v", tree, err)
	}
	if got, err := OpenCheckpoint(b, key.Public()); err != nil || got != c {
		t.Fatalf("read back %v: %v", got, err)
	}
	other, _ := GenerateSigningKey(KindCheckpoint)
	erasure, _ := GenerateSigningKey(KindErasure)
	if _, err := c.Sign(erasure); !errors.Is(err, ErrKeyKind) {
		t.Fatalf("an erasure key signs: %v", err)
	}
	if _, err := OpenCheckpoint(b, other.Public()); !errors.Is(err, ErrCheckpointKey) {
		t.Fatalf("another key: %v", err)
	}
	for i := range b {
		if _, err := OpenCheckpoint(b[:i], key.Public()); err == nil {
			t.Fatalf("cut at byte %d of %d: accepted", i, len(b))
		}
		altered := append([]byte(nil), b...)
		altered[i] ^= 1
		if _, err := OpenCheckpoint(altered, key.Public()); err == nil {
			t.Fatalf("byte %d altered: accepted", i)
		}
	}
	for _, bad := range []string{"07\n", "+7\n", "7 \n", "7\nmore\n"} {
		if _, err := ParseCheckpoint([]byte(strings.Replace(string(b), "\n7\n", "\n"+bad, 1))); !errors.Is(err, ErrNotCheckpoint) {
			t.Errorf("size %q: %v", bad, err)
		}
	}
}

// TestForwardKey steps a key and reads it back at each epoch; and what is not
// canonical, or of another kind, is refused.
func TestForwardKey(t *testing.T) {
	k0, err := GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	k := k0
	for e := range uint64(4) {
		s := KeyState{Key: k}
		if e > 0 {
			s.Chain, s.Position, s.Since = ChainID{7}, Position{First: 1, Seq: 10 * e, MAC: Hash{3}, Size: 99}, testTime
		}
		got, err := ParseKeyState(s.Text())
		if err != nil || string(got.Text()) != string(s.Text()) || got.Key.Epoch() != e || got.Key.ID() != k0.ID() {
			t.Fatalf("epoch %d reads back as %v: %v", e, got.Key, err)
		}
		at, err := k0.At(e)
		if err != nil || string(at.Text()) != string(k.Text()) {
			t.Fatalf("epoch %d: %v", e, err)
		}
		if _, err := k.Next().At(e); !errors.Is(err, ErrSpentEpoch) {
			t.Fatalf("a spent key was had again: %v", err)
		}
		text := string(s.Text())
		for _, bad := range []string{
			text[:len(text)/2], strings.Replace(text, " v1 ", " v2 ", 1), strings.Replace(text, "secret=", "secret=0", 1),
			strings.Replace(text, "forward-secure", "checkpoint", 1), text + "x=y\n", strings.Replace(text, " id=", "  id=", 1),
		} {
			if _, err := ParseKeyState([]byte(bad)); err == nil {
				t.Errorf("accepted, cut or altered: epoch %d", e)
			} else if strings.Contains(err.Error(), strings.Fields(text)[5][7:20]) {
				t.Errorf("the error shows the key: %v", err)
			}
		}
		k = k.Next()
	}
	v, err := ParseKeyState(KeyState{Key: k0.ForVerifying()}.Text())
	if err != nil || !v.Key.VerifyOnly() || v.Key.ID() != k0.ID() {
		t.Fatalf("verification key: %v", err)
	}
	for _, kind := range []string{KindCheckpoint, KindErasure} {
		s, err := GenerateSigningKey(kind)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseSigningKey(kind, s.Text()); err != nil || got.ID() != s.ID() {
			t.Fatalf("%s: %v", kind, err)
		}
		if got, err := ParsePublicKey(kind, s.Public().Text()); err != nil || got != s.Public() {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, text := range [][]byte{s.Public().Text(), k0.Text(), v.Text(), []byte("00")} {
			if _, err := ParseSigningKey(kind, text); err == nil {
				t.Errorf("accepted as a key for signing: %s", kind)
			}
		}
		if _, err := ParseKeyState(s.Text()); !errors.Is(err, ErrKeyKind) {
			t.Errorf("%s accepted as a chain's key: %v", kind, err)
		}
	}
}
