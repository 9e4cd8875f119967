// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"

	"github.com/auditchain/auditchain/integrity"
)

// vector is a journal with what a verifier is given and must say.
type vector struct {
	what    string
	files   tree
	keys    [][]byte // texts of key files
	public  []byte
	given   [][]byte
	verdict integrity.Verdict
	bad     *place
}

var (
	none     integrity.SigningKey
	verified = integrity.Verified
	partly   = integrity.PartlyProven
	cannot   = integrity.CannotVerify
	tampered = integrity.Tampered
	truncat  = integrity.Truncated
)

func texts(keys ...integrity.Key) (out [][]byte) {
	for _, k := range keys {
		out = append(out, k.Text())
	}
	return out
}

// all is what a verifier has that has every key.
func (c *chain) all(what string, v integrity.Verdict, bad *place) vector {
	k := c.key
	if k.Forward() {
		k = forwardKey(7).ForVerifying()
	}
	return vector{what: what, files: c.files(), keys: texts(k), verdict: v, bad: bad}
}

func (v vector) with(given ...[]byte) vector { v.given = given; return v }

func (v vector) under(keys ...[]byte) vector { v.keys = keys; return v }

// publicly is v verified without a key of the chain.
func (v vector) publicly(p integrity.PublicKey) vector {
	v.keys, v.public = nil, p.Text()
	return v
}

func (v vector) unpinned() vector { v.files = v.files.without(head); return v }

func flip(l *integrity.Line) {
	l.Payload = bytes.Replace(l.Payload, []byte(`"session_id":"s`), []byte(`"session_id":"x`), 1)
}

func vectors() []vector {
	return append(append(append(epochVectors(), keyVectors()...), checkpointVectors()...), erasureVectors()...)
}

// epochVectors: docs/SPEC.md, section 4.1.
func epochVectors() (out []vector) {
	add := func(v vector) { out = append(out, v) }
	stepped := func(s integrity.SigningKey) *chain {
		return newChain(forwardKey(7), s, none).records(2).step().records(2).pin().step().records(1).pin()
	}
	add(stepped(none).all("epochs", verified, nil))
	add(stepped(none).rotate(integrity.SegmentSize, nil).records(1).pin().all("epochs and a new file", verified, nil))
	c := newChain(forwardKey(7), none, none).records(1).step()
	add(c.all("an epoch at the end", verified, nil))
	add(c.all("an epoch at the end, with the key of the host", partly, nil).under(c.state.Text()))

	c = stepped(none)
	add(c.all("with the key of the host", partly, nil).under(c.state.Text()))
	c = stepped(none).edit(3, flip)
	add(c.all("with the key of the host, and a line of an earlier epoch altered", partly, nil).under(c.state.Text()))
	c = stepped(signer).checkpoint().pin()
	add(c.all("with the key of the host, and a checkpoint", partly, nil).under(c.state.Text()))
	c = stepped(signer).checkpoint().pin()
	n := c.seq
	add(c.edit(3, flip).all("with the key of the host, a checkpoint, and a line of an earlier epoch altered", tampered, c.at(n, integrity.Forged)).under(c.state.Text()))

	// Who has the key of epoch 1 makes an end of his own to epoch 0.
	c = newChain(forwardKey(7), none, none).records(2)
	c.key = c.key.Next()
	add(c.records(2).pin().pin().all("an epoch forged with a later key", tampered, c.at(5, integrity.Spliced)))
	// A watermark of a fork: another line has the sequence number.
	c = newChain(staticKey(1), none, none).records(2)
	c.slots = newChain(staticKey(1), none, none).control(integrity.Closed{Control: integrity.ControlClosed, Time: now, Writer: "w"}).records(1).pin().pin().slots
	add(c.all("a watermark of a fork", tampered, c.at(4, integrity.Spliced)))
	c = newChain(staticKey(1), none, none).records(2).pin()
	c.edit(1, func(l *integrity.Line) { l.Payload = bytes.Replace(l.Payload, []byte("key_id"), []byte("Key_id"), 1) })
	add(c.all("a first line that does not name its key any more", tampered, c.at(1, integrity.Changed)))
	// He cuts the chain back into epoch 0 and pins what is left with his key.
	c = stepped(none)
	later := c.key
	c = newChain(forwardKey(7), none, none).records(2)
	c.key = later
	c.gen = 6
	add(c.pin().pin().all("a watermark of a later epoch over a chain that was cut", truncat, c.end()))
	// He puts a watermark of epoch 0 back, and has no power over the key file.
	c = stepped(none)
	state := c.state
	c = newChain(forwardKey(7), none, none).records(2).pin()
	add(c.all("the key file is ahead of the chain", truncat, c.end()).under(state.Text()))
	add(c.all("the key file is ahead of the chain, and there is no watermark", truncat, c.end()).under(state.Text()).unpinned())
	add(c.all("an older copy of all, key file too", verified, nil).under(c.state.Text()))

	other := newChainOf(chainB, forwardKey(7), none, none, nil).records(2).step()
	c = newChain(staticKey(1), none, none).records(2).pin()
	add(c.all("a key file of another chain in the ring", partly, nil).under(staticKey(1).Text(), other.state.Text()))
	add(c.all("a key of another kind", cannot, nil).under(signer.Text()))
	add(c.all("a static key that is said to be forward-secure", cannot, nil).under(forwardKey(1).Text()).unpinned())

	c = newChain(forwardKey(7), none, none).records(1).control(integrity.Epoch{Control: integrity.ControlEpoch, Time: now, Writer: "w", Epoch: 2})
	add(c.pin().all("an epoch is left out", tampered, c.at(c.seq, integrity.Forged)))
	c = newChain(staticKey(1), none, none).records(1).control(integrity.Epoch{Control: integrity.ControlEpoch, Time: now, Writer: "w", Epoch: 1})
	add(c.pin().all("an epoch of a static key", tampered, c.at(c.seq, integrity.Forged)))
	late, err := forwardKey(7).At(3)
	must(err)
	add(newChain(late, none, none).records(1).step().records(1).pin().all("a chain that begins in epoch 3", partly, nil))
	return out
}

// keyVectors: docs/SPEC.md, sections 4.2 and 8.1.
func keyVectors() (out []vector) {
	add := func(v vector) { out = append(out, v) }
	k1, k2, k3 := staticKey(1), staticKey(2), staticKey(3)
	changed := func(s integrity.SigningKey) *chain {
		return newChain(k1, s, none).records(2).rekey(k2, nil).records(2).pin()
	}
	ring := texts(k1, k2)
	add(changed(none).all("another key", verified, nil).under(ring...))
	add(changed(none).all("another key, and the ring in another order", verified, nil).under(texts(k2, k1)...))
	add(changed(none).all("a key that is in force nowhere", partly, nil).under(texts(k3, k2, k1)...))
	add(changed(none).all("a later key is missing", cannot, nil).under(texts(k1)...))
	c := changed(none).edit(3, flip)
	add(c.all("a later key is missing, and a line before is altered", tampered, c.at(3, integrity.Changed)).under(texts(k1)...))
	add(changed(none).all("an earlier key is missing", partly, nil).under(texts(k2)...))
	c = changed(signer).checkpoint().pin()
	add(c.all("an earlier key is missing, and there is a checkpoint", partly, nil).under(texts(k2)...))
	c.edit(3, flip)
	add(c.all("an earlier key is missing, and the tree shows what was altered", tampered, c.at(6, integrity.Forged)).under(texts(k2)...))
	c = changed(none)
	c.edit(3, func(l *integrity.Line) { l.Seq = 30 })
	bad := changed(none).at(3, integrity.Changed)
	add(c.all("an earlier key is missing, and a sequence number is altered", tampered, bad).under(texts(k2)...))
	c = newChain(k1, none, none).records(2).rekey(k2, nil)
	bad = c.at(3, integrity.Changed)
	c.edit(3, func(l *integrity.Line) { l.Seq = 30 })
	add(c.all("an earlier key is missing, a sequence number is altered, and one line is genuine", tampered, bad).under(texts(k2)...).unpinned())
	add(changed(none).all("no key of the ring is one of the chain", cannot, nil).under(texts(k3)...))
	c = newChain(k1, none, none).records(2).rekey(k2, func(r *integrity.KeyChange) { r.Proof[0] ^= 1 }).records(1).pin()
	add(c.all("a proof that does not hold", tampered, c.at(5, integrity.Forged)).under(ring...))
	c = newChain(k1, none, none).records(2)
	proof := integrity.KeyProof(k2, c.id, c.seq, c.tag, k1.ID())
	c.rekey(k2, func(r *integrity.KeyChange) { r.Proof = proof }).records(1).pin()
	add(c.all("a proof of another place", tampered, c.at(5, integrity.Forged)).under(ring...))
	add(newChain(k1, none, none).records(1).rekey(forwardKey(7), nil).records(1).step().records(1).pin().all("from a static key to a forward-secure one", verified, nil).under(k1.Text(), forwardKey(7).ForVerifying().Text()))
	c = newChain(k1, none, none).records(1).rekey(k2, nil).records(1).rekey(k3, nil).records(1).pin()
	add(c.all("three keys", verified, nil).under(texts(k1, k2, k3)...))
	add(c.all("three keys, and the one between is missing", cannot, nil).under(texts(k1, k3)...))
	// chain.key is not followed by a new file.
	c = newChain(k1, none, none).records(1)
	c.control(integrity.KeyChange{Control: integrity.ControlKey, Time: now, Writer: "w", KeyID: k2.ID(), KeyMode: k2.Mode(), Proof: integrity.KeyProof(k2, c.id, c.seq+1, c.tag, k1.ID())})
	c.key = k2
	add(c.pin().pin().all("chain.key at the end", verified, nil).under(ring...))
	add(c.records(1).pin().all("no new file behind chain.key", tampered, c.at(c.seq, integrity.Forged)).under(ring...))
	// The file behind names another key than the one that was announced.
	c = newChain(k1, none, none).records(1).rotate(integrity.SegmentSize, func(s *integrity.Segment) { s.KeyID = k2.ID() }).records(1).pin()
	add(c.all("chain.segment names another key", tampered, c.at(4, integrity.Forged)).under(ring...))
	return out
}

// checkpointVectors: docs/SPEC.md, sections 8.1 and 10.
func checkpointVectors() (out []vector) {
	add := func(v vector) { out = append(out, v) }
	k, p := staticKey(1), signer.Public()
	base := func() *chain { return newChain(k, signer, none).records(3).checkpoint().records(2) }
	closed := func() *chain {
		c := base().control(integrity.Closed{Control: integrity.ControlClosed, Time: now, Writer: "w", Records: 5})
		note := c.note(c.signer, nil)
		c.notes = append(c.notes, note)
		return c.control(integrity.Checkpointed{Control: integrity.ControlCheckpoint, Time: now, Writer: "w", Note: string(note), Closing: true}).pin()
	}
	files := func() *chain {
		return base().rotate(integrity.SegmentSize, nil).records(2).checkpoint().rotate(integrity.SegmentAge, nil).records(1).checkpoint().pin()
	}
	add(closed().all("checkpoints", verified, nil))
	add(files().all("checkpoints and files", verified, nil))
	c := files()
	add(c.all("publicly, with the newest checkpoint", verified, nil).publicly(p).with(c.notes[2]))
	add(c.all("publicly, with an older checkpoint", partly, nil).publicly(p).with(c.notes[0]))
	add(c.all("publicly, with no checkpoint", partly, nil).publicly(p))
	add(c.records(1).all("publicly, and a record follows the last checkpoint", partly, nil).publicly(p).with(c.notes[2]))
	c = files().edit(3, flip)
	add(c.all("publicly, and a line is altered", tampered, c.at(6, integrity.Forged)).publicly(p).with(c.notes[2]))
	c = files().edit(files().seq-1, flip)
	add(c.all("publicly, and a line behind the last but one is altered", tampered, c.at(c.seq, integrity.Forged)).publicly(p))
	add(files().all("publicly, with a key of another chain", cannot, nil).publicly(signer2.Public()))
	add(newChain(k, none, none).records(1).pin().all("publicly, and the chain has no checkpoints", cannot, nil).publicly(p))

	for what, note := range forgedNotes() {
		c = base()
		add(c.sealNote(note(c)).records(1).pin().all(what, tampered, c.at(9, integrity.Forged)))
		add(c.all(what+", publicly", tampered, c.at(9, integrity.Forged)).publicly(p))
	}
	c = newChain(k, none, none).records(1)
	add(c.sealNote(c.note(signer, nil)).pin().all("a checkpoint in a chain that has none", tampered, c.at(4, integrity.Forged)))

	tree := func(s *integrity.Segment) { s.Tree[0][0] ^= 1 }
	c = base().rotate(integrity.SegmentSize, tree).records(1).pin()
	add(c.all("tree in chain.segment is wrong", tampered, c.at(9, integrity.Forged)))
	c = base().rotate(integrity.SegmentSize, func(s *integrity.Segment) { s.Tree = nil }).records(1).pin()
	add(c.all("tree in chain.segment is left out", verified, nil))
	c = base().rotate(integrity.SegmentSize, func(s *integrity.Segment) { s.PreviousLeaf[0] ^= 1 }).records(1).pin()
	add(c.all("previous_leaf is wrong", tampered, c.at(9, integrity.Forged)))
	c = base().rotate(integrity.SegmentSize, func(s *integrity.Segment) { s.CheckpointKey = signer2.Public().Base64() }).records(1).pin()
	add(c.all("chain.segment names another checkpoint key", tampered, c.at(9, integrity.Forged)))

	// Checkpoints that were kept elsewhere.
	c = files()
	add(c.all("a checkpoint in the watermark's place", verified, nil).unpinned().with(c.notes[2]))
	add(c.all("all checkpoints in one file", verified, nil).unpinned().with(append(append(bytes.Clone(c.notes[0]), '\n'), c.notes[2]...)))
	other := newChainOf(chainB, k, signer, none, nil).records(3).checkpoint()
	add(c.all("a checkpoint of another chain", cannot, nil).with(other.notes[0]))
	add(c.all("a checkpoint by nobody of this chain", cannot, nil).with(c.note(signer2, nil)))
	fork := newChain(k, signer, none).records(2).rotate(integrity.SegmentAge, nil).checkpoint()
	add(c.all("a fork", tampered, c.at(5, integrity.Forged)).with(fork.notes[0]))
	// One that is not of this chain, which anybody may have put there, hides nothing.
	for what, strange := range map[string][]byte{"of another chain": other.notes[0], "by nobody of this chain": c.note(signer2, nil)} {
		add(c.all("a fork, behind a checkpoint "+what, tampered, c.at(5, integrity.Forged)).with(strange, fork.notes[0]))
		add(c.all("a fork, before a checkpoint "+what, tampered, c.at(5, integrity.Forged)).with(fork.notes[0], strange))
		add(c.all("a fork, publicly, and a checkpoint "+what, tampered, c.at(5, integrity.Forged)).publicly(p).with(strange, fork.notes[0]))
		add(c.all("one that holds, and a checkpoint "+what, cannot, nil).with(c.notes[2], strange))
		add(c.all("one that holds, publicly, and a checkpoint "+what, cannot, nil).publicly(p).with(strange, c.notes[2]))
	}
	long := base().records(1).note(signer, nil)
	c = base().pin()
	add(c.all("more lines than there are, and a checkpoint of another chain", truncat, c.end()).with(other.notes[0], long))
	add(c.all("a checkpoint of more lines than there are", truncat, c.end()).with(long))
	add(c.all("a checkpoint of more lines than there are, publicly", truncat, c.end()).publicly(p).with(long))
	add(c.all("a checkpoint of all lines", verified, nil).unpinned().with(c.note(signer, nil)))

	// A crash tail in which whole lines stand behind what is none. Without a key
	// the watermark says no more than that it can be one.
	hole := func(c *chain, pinned bool) (*chain, vector) {
		if c.pin(); pinned {
			c.records(3).pin()
		} else {
			c.records(3)
		}
		lines := c.live().lines
		n := len(lines)
		v := c.all("", integrity.VerifiedCrashTail, nil)
		v.files = v.files.with(live, append(bytes.Join(lines[:n-3], nil), make([]byte, len(lines[n-3]))...), lines[n-2], lines[n-1])
		return c, v
	}
	holed := func(what string, make func() *chain, pinned bool, want integrity.Verdict, change func(c *chain, v vector) vector) {
		c, v := hole(make(), pinned)
		if v = change(c, v); want == tampered {
			v.bad = c.at(c.seq-2, integrity.IllFormed)
		}
		v.what, v.verdict = what, want
		add(v)
	}
	for what, make := range map[string]func() *chain{"": base, ", of several files": func() *chain { return files().records(1) }} {
		holed("a crash tail with a hole"+what, make, false, integrity.VerifiedCrashTail, func(_ *chain, v vector) vector { return v })
		holed("a crash tail with a hole, publicly"+what, make, false, partly, func(_ *chain, v vector) vector { return v.publicly(p) })
		holed("a crash tail with a hole, publicly, with a checkpoint"+what, make, false, partly, func(c *chain, v vector) vector { return v.publicly(p).with(c.notes[0]) })
		holed("a hole, publicly, with a checkpoint behind it"+what, make, false, tampered, func(c *chain, v vector) vector { return v.publicly(p).with(c.note(signer, nil)) })
		holed("a hole, publicly, and a checkpoint behind it by nobody"+what, make, false, cannot, func(c *chain, v vector) vector { return v.publicly(p).with(c.note(signer2, nil)) })
		holed("a hole, publicly, without a watermark"+what, make, false, tampered, func(_ *chain, v vector) vector { return v.publicly(p).unpinned() })
		holed("a hole, publicly, that the watermark is behind"+what, make, true, tampered, func(_ *chain, v vector) vector { return v.publicly(p) })
		holed("a hole, publicly, with the watermark of another chain"+what, make, false, tampered, func(_ *chain, v vector) vector {
			v.files = v.files.with(head, newChainOf(chainB, k, signer, none, nil).pin().files()[head])
			return v.publicly(p)
		})
		holed("a hole without a watermark"+what, make, false, tampered, func(_ *chain, v vector) vector { return v.unpinned() })
	}

	// Retention, verified publicly: the tree begins in the middle.
	policy := &integrity.Retention{Keep: 1}
	c = newChainOf(chainA, k, signer, none, policy).records(3).checkpoint().rotate(integrity.SegmentSize, nil).records(1).checkpoint()
	c.rotate(integrity.SegmentSize, nil).rotate(integrity.SegmentSize, nil)
	through := integrity.Position{First: 1, Seq: 6, Size: int64(len(bytes.Join(c.segments[0].lines, nil)))}
	l, err := integrity.ParseLine(bytes.TrimSuffix(c.segments[0].lines[5], []byte("\n")))
	must(err)
	through.MAC = l.MAC
	c.control(integrity.Pruned{Control: integrity.ControlPruned, Time: now, Writer: "w", Through: through, Retention: *policy}).checkpoint().pin()
	c.segments = c.segments[1:]
	add(c.all("pruned", verified, nil))
	add(c.all("pruned, publicly", verified, nil).publicly(p).with(c.notes[2]))
	add(c.all("pruned, with a checkpoint of what was removed", verified, nil).with(c.notes[0]))
	add(c.all("pruned, with a checkpoint of what was removed and no watermark", partly, nil).unpinned().with(c.notes[0]))

	// Of the key that signed it, nothing is left: it went with what was removed.
	c = newChainOf(chainA, k, signer, none, policy).records(3).checkpoint().resign(signer2, nil)
	gone := c.segments[0].lines
	l, err = integrity.ParseLine(bytes.TrimSuffix(gone[len(gone)-1], []byte("\n")))
	must(err)
	removed := integrity.Position{First: 1, Seq: l.Seq, MAC: l.MAC, Size: int64(len(bytes.Join(gone, nil)))}
	c.rotate(integrity.SegmentSize, nil).rotate(integrity.SegmentSize, nil)
	c.control(integrity.Pruned{Control: integrity.ControlPruned, Time: now, Writer: "w", Through: removed, Retention: *policy}).checkpoint().pin()
	c.segments = c.segments[1:]
	add(c.all("pruned, with a checkpoint of what was removed, by a signer that went with it", verified, nil).with(c.notes[0]))
	add(c.all("pruned, with a checkpoint by nobody of this chain", cannot, nil).with(c.note(signer3, nil)))

	// Without a key nobody knows who sealed a chain.pruned that no checkpoint
	// covers: here somebody who has none removed a file, and said it was due.
	c = newChainOf(chainA, k, signer, none, policy).records(3).checkpoint().rotate(integrity.SegmentSize, nil).records(1).checkpoint()
	c.rotate(integrity.SegmentSize, nil).checkpoint().pin()
	honest := c.key
	c.key = staticKey(9)
	c.control(integrity.Pruned{Control: integrity.ControlPruned, Time: now, Writer: "w", Through: through, Retention: *policy})
	c.key = honest
	c.segments = c.segments[1:]
	add(c.all("pruned by nobody, publicly", partly, nil).publicly(p).with(c.notes[2]))
	add(c.all("pruned by nobody", tampered, &place{c.segments[0].name(), 1, 0, 1, string(integrity.Removed)}))

	// docs/SPEC.md, section 10.3.
	changed := func(alter func(*integrity.SignerChange)) *chain {
		return base().resign(signer2, alter).records(1).checkpoint().pin()
	}
	add(changed(nil).all("another signer", verified, nil))
	c = changed(nil)
	for what, key := range map[string]integrity.PublicKey{"the first": signer.Public(), "the newest": signer2.Public()} {
		add(c.all("another signer, publicly with "+what+" key", verified, nil).publicly(key).with(c.notes[1]))
	}
	add(c.all("another signer, and a checkpoint by the first one", partly, nil).unpinned().with(c.notes[0]))
	c = changed(func(s *integrity.SignerChange) { s.Signature[0] ^= 1 })
	add(c.all("a signer that the one before did not sign", tampered, c.at(9, integrity.Forged)))
	add(c.all("a signer that the one before did not sign, publicly", tampered, c.at(9, integrity.Forged)).publicly(p))
	c = changed(func(s *integrity.SignerChange) { s.NewSignature[0] ^= 1 })
	add(c.all("a signer that did not sign itself", tampered, c.at(9, integrity.Forged)))
	c = base()
	m := integrity.SignerMessage(c.id, c.seq+1, c.tag, p, signer2.Public())
	c.control(integrity.SignerChange{Control: integrity.ControlSigner, Time: now, Writer: "w", CheckpointKey: signer2.Public().Base64(), Previous: p.Base64(), Signature: signer.Sign(m), NewSignature: signer2.Sign(m)}).pin()
	add(c.all("chain.signer at the end", verified, nil))
	add(c.records(1).pin().all("no new file behind chain.signer", tampered, c.at(10, integrity.Forged)))
	c = changed(func(s *integrity.SignerChange) { s.Previous = s.CheckpointKey })
	add(c.all("a signer that replaces another one", tampered, c.at(9, integrity.Forged)))
	// Both sign it, but the outgoing one is none of this chain.
	c = base()
	m = integrity.SignerMessage(c.id, c.seq+1, c.tag, signer3.Public(), signer2.Public())
	c = base().resign(signer2, func(s *integrity.SignerChange) {
		s.Previous, s.Signature, s.NewSignature = signer3.Public().Base64(), signer3.Sign(m), signer2.Sign(m)
	}).records(1).pin()
	add(c.all("a signer that replaces one of another chain", tampered, c.at(9, integrity.Forged)))
	c = base().resign(signer2, nil).records(1)
	c.sealNote(c.note(signer, nil)).pin()
	add(c.all("a checkpoint by the signer that went", tampered, c.at(c.seq, integrity.Forged)))

	// docs/SPEC.md, section 10.4.
	c = base()
	digest := integrity.Hash(sha256.Sum256(c.notes[0]))
	add(base().timestamp(0, digest).pin().all("a time stamp", verified, nil))
	wrong := integrity.Hash(sha256.Sum256([]byte("another note")))
	c = base().timestamp(0, wrong).pin()
	add(c.all("a time stamp about another note", tampered, c.at(9, integrity.Forged)))
	c = base().control(integrity.Timestamped{Control: integrity.ControlTimestamp, Time: now, Writer: "w", Size: 5, Note: wrong, Token: token(wrong)}).pin()
	add(c.all("a time stamp that names another note", tampered, c.at(9, integrity.Forged)))
	c = base().control(integrity.Timestamped{Control: integrity.ControlTimestamp, Time: now, Writer: "w", Size: 5, Note: digest, Token: []byte("no DER")}).pin()
	add(c.all("a time stamp that is none", tampered, c.at(9, integrity.Forged)))

	type later struct {
		Control string `json:"control"`
		Time    string `json:"time"`
	}
	add(base().control(later{"chain.later", now}).pin().all("a control record of a later release", verified, nil))
	return out
}

// forgedNotes are checkpoints that do not hold.
func forgedNotes() map[string]func(*chain) []byte {
	by := func(alter func(*integrity.Checkpoint)) func(*chain) []byte {
		return func(c *chain) []byte { return c.note(signer, alter) }
	}
	return map[string]func(*chain) []byte{
		"a checkpoint by another key":      func(c *chain) []byte { return c.note(signer2, nil) },
		"a checkpoint with another root":   by(func(p *integrity.Checkpoint) { p.Root[0] ^= 1 }),
		"a checkpoint with another size":   by(func(p *integrity.Checkpoint) { p.Size-- }),
		"a checkpoint of another origin":   by(func(p *integrity.Checkpoint) { p.Chain = chainB }),
		"a checkpoint without a signature": func(c *chain) []byte { n := c.note(signer, nil); return n[:bytes.Index(n, []byte("\n\n"))+2] },
		// The same signature in another form (RFC 8032, 5.1.7): S and the order of
		// the base point, added.
		"a checkpoint whose signature is not canonical": func(c *chain) []byte {
			text, mark, _ := bytes.Cut(c.note(signer, nil), []byte(" auditchain/"+chainA.String()+" "))
			raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(mark)))
			must(err)
			s := raw[len(raw)-32:]
			slices.Reverse(s)
			order, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
			order.Add(order, new(big.Int).Lsh(big.NewInt(1), 252))
			order.Add(order, new(big.Int).SetBytes(s)).FillBytes(s)
			slices.Reverse(s)
			return fmt.Appendf(nil, "%s auditchain/%s %s\n", text, chainA, base64.StdEncoding.EncodeToString(raw))
		},
		"a checkpoint that was altered": func(c *chain) []byte {
			n := c.note(signer, nil)
			n[len(n)-5] ^= 1
			return n
		},
	}
}

// erasureVectors: docs/SPEC.md, section 11.
func erasureVectors() (out []vector) {
	add := func(v vector) { out = append(out, v) }
	k := staticKey(1)
	base := func() *chain { return newChain(k, signer, eraser).records(3) }
	add(base().erased(4, eraser, nil).bury(4).checkpoint().pin().all("erased", verified, nil))
	c := base().erased(4, eraser, nil).bury(4).checkpoint().pin()
	add(c.all("erased, publicly", verified, nil).publicly(signer.Public()).with(c.notes[0]))
	add(base().erased(4, eraser, nil).pin().all("an erasure that is not done yet", verified, nil))
	add(base().rotate(integrity.SegmentSize, nil).records(1).erased(4, eraser, nil).bury(4).pin().all("erased in a finished file", verified, nil))
	c = base().bury(4).pin()
	add(c.all("a tombstone that nobody allowed", tampered, c.at(4, integrity.ErasedKind)))
	c = base().checkpoint().bury(4).pin()
	add(c.all("a tombstone that nobody allowed, publicly", tampered, c.at(4, integrity.ErasedKind)).publicly(signer.Public()).with(c.notes[0]))
	c = base().erased(4, eraser, nil).bury(5).pin()
	add(c.all("another line is erased than was allowed", tampered, c.at(5, integrity.ErasedKind)))
	c = base().erased(4, eraser2, nil).bury(4).pin()
	add(c.all("an erasure by another key", tampered, c.at(6, integrity.Forged)))
	c = base().erased(4, eraser2, nil).pin()
	add(c.all("an erasure by another key that is not done", tampered, c.at(6, integrity.Forged)))
	other := base().leaves[4]
	c = base().erased(4, eraser, func(e *integrity.Erased) { e.Leaf = other }).bury(4).pin()
	add(c.all("an erasure of another leaf", tampered, c.at(4, integrity.ErasedKind)))
	c = newChain(k, none, none).records(2).erased(3, eraser, nil).bury(3).pin()
	add(c.all("an erasure in a chain that allows none", tampered, c.at(5, integrity.Forged)))
	// A tombstone whose leaf is another one than was sealed.
	c = base().erased(4, eraser, nil)
	c.edit(4, func(l *integrity.Line) { l.Payload = integrity.AppendTombstone(nil, other, len(l.Payload)) }).pin()
	add(c.all("a tombstone with another leaf", tampered, c.at(4, integrity.Changed)))
	// Another erasure key is smuggled in with a new file.
	c = base().rotate(integrity.SegmentSize, func(s *integrity.Segment) { s.ErasureKey = eraser2.Public().Base64() }).erased(4, eraser2, nil).bury(4).pin()
	add(c.all("chain.segment names another erasure key", tampered, c.at(6, integrity.Forged)))
	return out
}
