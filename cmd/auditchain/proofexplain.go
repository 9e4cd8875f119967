// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/auditchain/auditchain/integrity"
)

// explanation is the steps of a check in words, numbered, so that each can be
// done again with other tools.
type explanation []string

func (e *explanation) add(format string, args ...any) {
	*e = append(*e, fmt.Sprintf("%d. ", len(*e)+1)+fmt.Sprintf(format, args...))
}

func explainProof(p *integrity.Proof, c *integrity.ProofCheck) []string {
	var e explanation
	e.note("checkpoint", p.Note, c.Checkpoint)
	if c.Kind == 0 || c.Leaf == (integrity.Hash{}) {
		return e
	}
	if c.Kind == integrity.Tombstone {
		e.add(`leaf: the line was erased, and states it: "erased" is %s`, c.Leaf)
	} else {
		e.add(`leaf: SHA-256(00 || the %d bytes of "extra" in the proof: the line before ,"seq":) = %s`, len(p.Payload), c.Leaf)
	}
	e.add("place: leaf %d of a tree of %d leaves (seq %d less one)", p.Index, c.Checkpoint.Size, p.Seq())
	for _, s := range c.Steps {
		if s.Left {
			e.add("left:  SHA-256(01 || %s || the hash above) = %s", s.Sibling, s.Hash)
		} else {
			e.add("right: SHA-256(01 || the hash above || %s) = %s", s.Sibling, s.Hash)
		}
	}
	e.root("root", c.Root, c.Checkpoint.Root)
	e.signature("signature", p.Note, c.Checkpoint, c.Key)
	return e
}

func explainConsistency(p *integrity.ConsistencyProof, c *integrity.ConsistencyCheck) []string {
	var e explanation
	e.note("smaller checkpoint", p.From, c.From)
	e.note("larger checkpoint", p.To, c.To)
	if c.Start == (integrity.Hash{}) {
		return e
	}
	start := "the first hash of the proof"
	if size := c.From.Size; size&(size-1) == 0 || size == c.To.Size {
		start = "the root of the smaller checkpoint, whose tree is a node of the larger one"
	}
	e.add("start of both: %s, %s", start, c.Start)
	for _, s := range c.Steps {
		if s.Left {
			e.add("left:  smaller: SHA-256(01 || %s || the one above) = %s; larger: likewise = %s", s.Sibling, s.From, s.To)
		} else {
			e.add("right: larger: SHA-256(01 || the one above || %s) = %s; smaller: stays", s.Sibling, s.To)
		}
	}
	e.root("root of the smaller tree", c.FromRoot, c.From.Root)
	e.root("root of the larger tree", c.ToRoot, c.To.Root)
	e.signature("signature of the smaller checkpoint", p.From, c.From, c.FromKey)
	e.signature("signature of the larger checkpoint", p.To, c.To, c.ToKey)
	return e
}

func (e *explanation) note(what string, note []byte, c integrity.Checkpoint) {
	if c.Size == 0 {
		return
	}
	e.add("%s: chain %s, size %d, root %s (%s)", what, c.Chain, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]), c.Root)
}

func (e *explanation) root(what string, got, want integrity.Hash) {
	if got == want {
		e.add("%s: %s, which is that of the checkpoint", what, got)
	} else {
		e.add("%s: %s, which is NOT that of the checkpoint, %s", what, got, want)
	}
}

func (e *explanation) signature(what string, note []byte, c integrity.Checkpoint, key integrity.PublicKey) {
	if key.IsZero() {
		e.add("%s: not checked, or not genuine", what)
		return
	}
	text, _, _ := bytes.Cut(note, []byte("\n\n"))
	e.add("%s: Ed25519, over the first three lines of the checkpoint (%d bytes): genuine", what, len(text)+1)
	e.add("key: %s, %s; for other tools: %s", key.ID(), key.Base64(), key.NoteKey(c.Chain))
}
