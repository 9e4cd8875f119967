// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"time"

	"github.com/auditchain/auditchain/integrity"
)

var (
	chainA = integrity.ChainID{0xa1}
	chainB = integrity.ChainID{0xb2}
	begun  = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	now    = integrity.FormatTime(begun)

	signer  = signing(integrity.KindCheckpoint, 0x51)
	signer2 = signing(integrity.KindCheckpoint, 0x52)
	signer3 = signing(integrity.KindCheckpoint, 0x53)
	eraser  = signing(integrity.KindErasure, 0x61)
	eraser2 = signing(integrity.KindErasure, 0x62)
)

func signing(kind string, b byte) integrity.SigningKey {
	k, err := integrity.NewSigningKey(kind, bytes.Repeat([]byte{b}, 32))
	must(err)
	return k
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func staticKey(b byte) integrity.Key {
	k, err := integrity.NewKey(bytes.Repeat([]byte{b}, 32))
	must(err)
	return k
}

// forwardKey is a forward-secure key at epoch 0. It is read from its text,
// because one that is made anew is random.
func forwardKey(b byte) integrity.Key {
	s, err := integrity.ParseKeyState(fmt.Appendf(nil, "auditchain-key v1 forward-secure id=%s epoch=0 secret=%x\n", staticKey(b).ID(), bytes.Repeat([]byte{b}, 32)))
	must(err)
	return s.Key
}

type segment struct {
	first uint64 // 0 for the newest file
	lines [][]byte
}

func (s *segment) name() string {
	if s.first == 0 {
		return live
	}
	return fmt.Sprintf("audit-%020d.jsonl", s.first)
}

// chain is a chain in memory, built as a writer would. The fields may be
// changed between two steps to build what a writer would not.
type chain struct {
	id        integrity.ChainID
	key       integrity.Key
	state     integrity.KeyState // the key file, where the key is forward-secure
	signer    integrity.SigningKey
	eraser    integrity.SigningKey
	retention *integrity.Retention
	treeless  bool // seal no tree, whatever the genesis names
	segments  []*segment
	seq       uint64
	tag       integrity.Hash
	leaves    []integrity.Hash
	pos       integrity.Position
	gen       uint64
	slots     [2][]byte
	notes     [][]byte // of its checkpoints, in their order
}

// newChain begins a chain: genesis, opened, and both slots of the watermark.
func newChain(k integrity.Key, s, e integrity.SigningKey) *chain {
	return newChainOf(chainA, k, s, e, nil)
}

func newChainOf(id integrity.ChainID, k integrity.Key, s, e integrity.SigningKey, r *integrity.Retention) *chain {
	c := &chain{id: id, key: k, state: integrity.KeyState{Key: k, Chain: id, Since: begun}, signer: s, eraser: e, retention: r, segments: []*segment{{}}}
	c.slots = [2][]byte{make([]byte, integrity.SlotSize), make([]byte, integrity.SlotSize)}
	g := integrity.NewGenesis(id, k, begun)
	g.Retention, g.CheckpointKey, g.ErasureKey = r, s.Public().Base64(), e.Public().Base64()
	return c.control(g).control(integrity.Opened{Control: integrity.ControlOpened, Time: now, Writer: "w", Host: "h", PID: 1, Version: "v", Fsync: "always"}).pin().pin()
}

func (c *chain) live() *segment { return c.segments[len(c.segments)-1] }

func (c *chain) seal(payload []byte) *chain {
	leaf := integrity.Leaf(payload)
	c.seq++
	c.tag = integrity.NewSealer(c.key, c.id).MAC(c.tag, c.seq, leaf)
	line := integrity.AppendSuffix(bytes.Clone(payload), c.seq, c.tag)
	if len(c.live().lines) == 0 {
		c.pos = integrity.Position{First: c.seq}
	}
	c.live().lines = append(c.live().lines, line)
	c.leaves = append(c.leaves, leaf)
	c.pos.Seq, c.pos.MAC, c.pos.Size = c.seq, c.tag, c.pos.Size+int64(len(line))
	return c
}

func (c *chain) control(record any) *chain { return c.seal(integrity.ControlPayload(record)) }

func (c *chain) records(n int) *chain {
	for range n {
		c.seal(fmt.Appendf(nil, `{"timestamp":"%s","session_id":"s%d","event":{"type":"log"},"event_name":"","id":"00000000-0000-7000-8000-%012d","blind":"AAAAAAAAAAAAAAAAAAAAAA"`, now, c.seq+1, c.seq+1))
	}
	return c
}

// pin writes a watermark.
func (c *chain) pin() *chain {
	c.gen++
	h := integrity.Head{Generation: c.gen, Chain: c.id, Position: c.pos, Time: begun}
	c.slots[c.gen%2] = h.AppendSlot(nil, integrity.NewHeadKey(c.key, c.id))
	return c
}

func (c *chain) tree() *integrity.Range {
	r := integrity.NewRange(0)
	for _, l := range c.leaves {
		r.Add(l)
	}
	return &r
}

func (c *chain) hasTree() bool { return !c.signer.IsZero() && !c.treeless }

// rotate goes on in another file. alter, where it is not nil, changes what its
// first line says.
func (c *chain) rotate(reason string, alter func(*integrity.Segment)) *chain {
	first, _ := integrity.ParseLine(bytes.TrimSuffix(c.live().lines[0], []byte("\n")))
	s := integrity.Segment{
		Control: integrity.ControlSegment, Time: now, Writer: "w", Format: 1, Chain: c.id,
		KeyID: c.key.ID(), KeyMode: c.key.Mode(), Epoch: c.key.Epoch(), CheckpointKey: c.signer.Public().Base64(), ErasureKey: c.eraser.Public().Base64(),
		Reason: reason, Previous: c.pos, PreviousLeaf: first.Leaf(new(integrity.LeafHasher)), Retention: c.retention,
	}
	if c.hasTree() {
		s.Tree = c.tree().Nodes()
	}
	if alter != nil {
		alter(&s)
	}
	c.live().first = c.pos.First
	c.segments = append(c.segments, &segment{})
	return c.control(s).pin()
}

// step steps the key to its next epoch.
func (c *chain) step() *chain {
	c.control(integrity.Epoch{Control: integrity.ControlEpoch, Time: now, Writer: "w", Epoch: c.key.Epoch() + 1})
	c.key = c.key.Next()
	c.state.Key, c.state.Position = c.key, c.pos
	return c.pin().pin()
}

// rekey goes on under another key.
func (c *chain) rekey(k integrity.Key, alter func(*integrity.KeyChange)) *chain {
	r := integrity.KeyChange{Control: integrity.ControlKey, Time: now, Writer: "w", KeyID: k.ID(), KeyMode: k.Mode(), Epoch: k.Epoch(), Proof: integrity.KeyProof(k, c.id, c.seq+1, c.tag, c.key.ID())}
	if alter != nil {
		alter(&r)
	}
	c.control(r)
	c.key, c.state = k, integrity.KeyState{Key: k, Chain: c.id, Since: begun}
	return c.pin().pin().rotate(integrity.SegmentKey, nil)
}

// resign goes on with another checkpoint key.
func (c *chain) resign(s integrity.SigningKey, alter func(*integrity.SignerChange)) *chain {
	m := integrity.SignerMessage(c.id, c.seq+1, c.tag, c.signer.Public(), s.Public())
	r := integrity.SignerChange{Control: integrity.ControlSigner, Time: now, Writer: "w", CheckpointKey: s.Public().Base64(), Previous: c.signer.Public().Base64(), Signature: c.signer.Sign(m), NewSignature: s.Sign(m)}
	if alter != nil {
		alter(&r)
	}
	c.control(r)
	c.signer = s
	return c.pin().rotate(integrity.SegmentKey, nil)
}

// note is a checkpoint of the lines so far.
func (c *chain) note(s integrity.SigningKey, alter func(*integrity.Checkpoint)) []byte {
	p := integrity.Checkpoint{Chain: c.id, Size: c.seq, Root: c.tree().Root()}
	if alter != nil {
		alter(&p)
	}
	b, err := p.Sign(s)
	must(err)
	return b
}

func (c *chain) checkpoint() *chain { return c.sealNote(c.note(c.signer, nil)) }

func (c *chain) sealNote(note []byte) *chain {
	c.notes = append(c.notes, note)
	return c.control(integrity.Checkpointed{Control: integrity.ControlCheckpoint, Time: now, Writer: "w", Note: string(note)})
}

// timestamp seals a time stamp that says it is about checkpoint i and is about
// a digest.
func (c *chain) timestamp(i int, digest integrity.Hash) *chain {
	p, err := integrity.ParseCheckpoint(c.notes[i])
	must(err)
	return c.control(integrity.Timestamped{Control: integrity.ControlTimestamp, Time: now, Writer: "w", Size: p.Size, Note: sha256.Sum256(c.notes[i]), Token: token(digest)})
}

// erased seals that a line may be erased.
func (c *chain) erased(seq uint64, by integrity.SigningKey, alter func(*integrity.Erased)) *chain {
	e := integrity.Erased{Control: integrity.ControlErased, Time: now, Writer: "w", Line: seq, Leaf: c.leaves[seq-1], Who: "A. Person", Reason: "asked for it", Ordered: now}
	if alter != nil {
		alter(&e)
	}
	e.Signature = by.Sign(integrity.ErasureMessage(c.id, &e))
	return c.control(e)
}

// bury puts a tombstone in the place of a payload.
func (c *chain) bury(seq uint64) *chain {
	return c.edit(seq, func(l *integrity.Line) {
		l.Payload = integrity.AppendTombstone(nil, c.leaves[seq-1], len(l.Payload))
	})
}

// edit changes a line where it stands.
func (c *chain) edit(seq uint64, change func(*integrity.Line)) *chain {
	for _, s := range c.segments {
		for i, b := range s.lines {
			l, err := integrity.ParseLine(bytes.TrimSuffix(b, []byte("\n")))
			must(err)
			if l.Seq == seq {
				change(&l)
				s.lines[i] = integrity.AppendSuffix(bytes.Clone(l.Payload), l.Seq, l.MAC)
			}
		}
	}
	return c
}

// files are the files as they stand in the folder.
func (c *chain) files() tree {
	out := tree{head: append(bytes.Clone(c.slots[0]), c.slots[1]...)}
	for _, s := range c.segments {
		out[s.name()] = bytes.Join(s.lines, nil)
	}
	return out
}

// at is where a line stands.
func (c *chain) at(seq uint64, kind integrity.BadKind) *place {
	for _, s := range c.segments {
		var offset int64
		for i, b := range s.lines {
			l, _ := integrity.ParseLine(bytes.TrimSuffix(b, []byte("\n")))
			if l.Seq == seq {
				return &place{s.name(), int64(i + 1), offset, seq, string(kind)}
			}
			offset += int64(len(b))
		}
	}
	panic("no such line")
}

// end is where the chain ends too early.
func (c *chain) end() *place {
	s := c.live()
	return &place{s.name(), int64(len(s.lines) + 1), int64(len(bytes.Join(s.lines, nil))), c.seq + 1, string(integrity.Missing)}
}

// token is the DER of a time stamp token about a digest, as far as a verifier
// reads it that does not judge the authority: nobody signed it.
func token(digest integrity.Hash) []byte {
	type algorithm struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.RawValue
	}
	sha := algorithm{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, asn1.NullRawValue}
	type imprint struct {
		Algorithm algorithm
		Digest    []byte
	}
	info, err := asn1.Marshal(struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint imprint
		Serial  int
		Time    time.Time `asn1:"generalized"`
	}{1, asn1.ObjectIdentifier{1, 2, 3, 4, 1}, imprint{sha, digest[:]}, 7, begun})
	must(err)
	type content struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}
	signed, err := asn1.Marshal(struct {
		Version    int
		Algorithms []algorithm `asn1:"set"`
		Content    content
		Signers    []asn1.RawValue `asn1:"set"`
	}{3, []algorithm{sha}, content{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}, info}, nil})
	must(err)
	der, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: signed}})
	must(err)
	return der
}
