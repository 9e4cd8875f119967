// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/integrity"
)

// epochChain makes a journal whose key stepped in the middle of its file, with
// a checkpoint before that, and returns it and the tree of its lines.
func epochChain(t *testing.T, signer integrity.SigningKey, wrongRoot bool) (*handmade, integrity.Range) {
	t.Helper()
	k, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	h := &handmade{TB: t, dir: t.TempDir(), key: k, chain: integrity.ChainID{1, 2, 3}}
	h.path = h.dir + "/audit.jsonl"
	h.sealer = integrity.NewSealer(k, h.chain)
	h.at = integrity.Position{First: 1}
	tree := integrity.NewRange(0)
	add := func(payload []byte) {
		h.add(payload)
		tree.Add(integrity.Leaf(payload))
	}
	g := integrity.NewGenesis(h.chain, k, time.Unix(0, 0))
	g.CheckpointKey = signer.Public().Base64()
	add(integrity.ControlPayload(g))
	for range 10 {
		add([]byte(`{"timestamp":"2026-11-24T10:15:00.000000000Z","session_id":"s","event":{"type":"log"}`))
	}
	root := tree.Root()
	root[0] ^= map[bool]byte{true: 1}[wrongRoot]
	note, err := integrity.Checkpoint{Chain: h.chain, Size: h.at.Seq, Root: root}.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	now := integrity.FormatTime(time.Unix(1, 0))
	add(integrity.ControlPayload(integrity.Checkpointed{Control: integrity.ControlCheckpoint, Time: now, Writer: "w", Note: string(note)}))
	add(integrity.ControlPayload(integrity.Epoch{Control: integrity.ControlEpoch, Time: now, Writer: "w", Epoch: 1}))
	h.key = k.Next()
	h.sealer = integrity.NewSealer(h.key, h.chain)
	for range 10 {
		add([]byte(`{"timestamp":"2026-11-24T10:15:00.000000000Z","session_id":"s","event":{"type":"log"}`))
	}
	h.mark()
	h.mark()
	if err := os.WriteFile(h.path+lockSuffix, []byte(lockMark), 0o600); err != nil {
		t.Fatal(err)
	}
	return h, tree
}

// heldKey is a key store in memory.
type heldKey struct{ state integrity.KeyState }

func (k *heldKey) Load() (integrity.KeyState, error) { return k.state, nil }

func (k *heldKey) Save(s integrity.KeyState) error { k.state = s; return nil }

func (k *heldKey) Find(string) (integrity.KeyState, error) { return integrity.KeyState{}, ErrWrongKey }

func openEpoch(t *testing.T, h *handmade, signer integrity.SigningKey) (*Journal, *strings.Builder) {
	t.Helper()
	var said strings.Builder
	j, err := Open(t.Context(), h.path, Options{
		Keys: &heldKey{integrity.KeyState{Key: h.key}}, Epoch: Epoch{Every: -1, Records: -1}, Checkpoint: Checkpoint{Signer: signer, Records: -1, Every: -1},
		Report: func(err error) { said.WriteString(err.Error() + "\n") },
	})
	if err != nil {
		t.Fatal(err)
	}
	return j, &said
}

// Without a cache, the tree of lines under a key that is spent is made of them
// as they stand there. A checkpoint vouches for those before it; for the rest
// nothing does, and that is said.
func TestTreeOfSpentEpochs(t *testing.T) {
	signer, err := integrity.NewSigningKey(integrity.KindCheckpoint, bytes.Repeat([]byte{'s'}, 32))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("as they were", func(t *testing.T) {
		h, tree := epochChain(t, signer, false)
		j, said := openEpoch(t, h, signer)
		point, err := j.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The writer sealed chain.opened in between.
		b, err := os.ReadFile(h.path)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := integrity.ParseLine(bytes.Split(b, []byte("\n"))[h.at.Seq])
		if err != nil {
			t.Fatal(err)
		}
		tree.Add(integrity.Leaf(opened.Payload))
		if point.Size != tree.Size() || point.Root != tree.Root() {
			t.Errorf("a checkpoint of %d lines with another root than these have", point.Size)
		}
		if !strings.Contains(said.String(), "seq 12 to 13 are under the key of an epoch that is spent") {
			t.Errorf("said %q", said)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		// From then on the cache has it.
		j, said = openEpoch(t, h, signer)
		if _, err := j.Checkpoint(t.Context()); err != nil || said.String() != "" {
			t.Errorf("%v, said %q", err, said)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("altered before the checkpoint", func(t *testing.T) {
		h, _ := epochChain(t, signer, true)
		j, _ := openEpoch(t, h, signer)
		if _, err := j.Checkpoint(t.Context()); err == nil {
			t.Error("it was signed")
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("altered after the epoch", func(t *testing.T) {
		h, _ := epochChain(t, signer, false)
		b, err := os.ReadFile(h.path)
		if err != nil {
			t.Fatal(err)
		}
		i := bytes.Index(b, []byte(integrity.ControlEpoch))
		copy(b[i+bytes.Index(b[i:], []byte(`"s","event"`)):], `"t"`)
		if err := os.WriteFile(h.path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		j, _ := openEpoch(t, h, signer)
		if _, err := j.Checkpoint(t.Context()); err == nil {
			t.Error("it was signed")
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A writer whose key steps goes on with the tree that it has: it need not take
// lines from the file whose key is spent, and that somebody may have altered.
func TestTreeGoesOnBehindAStep(t *testing.T) {
	signer, err := integrity.NewSigningKey(integrity.KindCheckpoint, bytes.Repeat([]byte{'s'}, 32))
	if err != nil {
		t.Fatal(err)
	}
	key, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	path := t.TempDir() + "/audit.jsonl"
	j, err := Open(t.Context(), path, Options{
		Keys: &heldKey{integrity.KeyState{Key: key}}, Epoch: Epoch{Every: -1, Records: 5},
		Checkpoint: Checkpoint{Signer: signer, Records: -1, Every: -1},
		Report:     func(err error) { said.WriteString(err.Error() + "\n") },
	})
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte(`{"timestamp":"2026-11-24T10:15:00.000000000Z","session_id":"s","event":{"type":"log"}`)
	for range 12 {
		rc := make([]Receipt, 1)
		if err := j.Append(t.Context(), []Record{{Payload: payload, Leaf: integrity.Leaf(payload)}}, rc); err != nil || rc[0].Err != nil {
			t.Fatal(err, rc[0].Err)
		}
	}
	// Of lines that are altered behind the writer's back, it signs what it sealed.
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, []byte(`"chain.opened"`))
	altered := bytes.Clone(b)
	copy(altered[i+bytes.Index(b[i:], []byte(`"pid":`)):], `"pid"`+" ")
	if bytes.Equal(b, altered) {
		t.Fatal("nothing is altered")
	}
	if err := os.WriteFile(path, altered, 0o600); err != nil {
		t.Fatal(err)
	}
	point, err := j.Checkpoint(t.Context())
	if err != nil || said.String() != "" {
		t.Fatalf("%v, said %q", err, said.String())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// Put back, the file is the one that the checkpoint is of.
	now, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(now, b)
	tree, epochs := integrity.NewRange(0), 0
	for _, text := range bytes.Split(now, []byte("\n"))[:point.Size] {
		line, err := integrity.ParseLine(text)
		if err != nil {
			t.Fatal(err)
		}
		if line.ControlName() == integrity.ControlEpoch {
			epochs++
		}
		tree.Add(integrity.Leaf(line.Payload))
	}
	if epochs < 2 || point.Root != tree.Root() {
		t.Errorf("%d epochs, and a checkpoint of %d lines with another root than was sealed", epochs, point.Size)
	}
}
