// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is what a signed note says of a chain: the root of the RFC 6962
// tree of its first Size lines (C2SP tlog-checkpoint; docs/SPEC.md, section
// 10).
type Checkpoint struct {
	Chain ChainID
	Size  uint64
	Root  Hash
}

const originStart = "auditchain/"

// Origin returns the origin of the checkpoints of a chain, which is also the
// name of their signer.
func Origin(id ChainID) string { return originStart + id.String() }

// text returns the signed text of the note.
func (c Checkpoint) text() string {
	return Origin(c.Chain) + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// Reasons for which a note is refused.
var (
	// ErrNotCheckpoint: the note is cut, or is none, or not of this form.
	ErrNotCheckpoint = errors.New("this is no checkpoint of a chain")
	// ErrCheckpointKey: no signature of the key is there.
	ErrCheckpointKey = errors.New("the checkpoint has no signature of this key")
	// ErrCheckpointSignature: there is one, and it is wrong.
	ErrCheckpointSignature = errors.New("the signature of the checkpoint is not genuine: the note was altered")
)

// Sign returns the signed note.
func (c Checkpoint) Sign(key SigningKey) ([]byte, error) {
	if key.kind != KindCheckpoint {
		return nil, fmt.Errorf("%w: "+wrongKindFormat, ErrKeyKind, key.kind, KindCheckpoint)
	}
	return note.Sign(&note.Note{Text: c.text()}, noteSigner{key, Origin(c.Chain)})
}

// ParseCheckpoint reads a note without checking its signatures. It refuses
// all but the canonical text. Lines behind the root (extensions, which the
// tlog-checkpoint format allows) are refused: this project writes none.
func ParseCheckpoint(b []byte) (Checkpoint, error) {
	text, _, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		return Checkpoint{}, fmt.Errorf("%w: it has no signatures; it may be cut", ErrNotCheckpoint)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], originStart) {
		return Checkpoint{}, fmt.Errorf("%w: it does not have the three lines origin, size and root", ErrNotCheckpoint)
	}
	var c Checkpoint
	var err error
	if c.Chain, err = ParseChainID(lines[0][len(originStart):]); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: its origin is not %s and a chain id", ErrNotCheckpoint, originStart)
	}
	if c.Size, err = strconv.ParseUint(lines[1], 10, 64); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: its size is no number", ErrNotCheckpoint)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != HashSize {
		return Checkpoint{}, fmt.Errorf("%w: its root is not 32 bytes in base64", ErrNotCheckpoint)
	}
	copy(c.Root[:], root)
	if c.text() != text+"\n" {
		return Checkpoint{}, fmt.Errorf("%w: it is not in canonical form", ErrNotCheckpoint)
	}
	return c, nil
}

// OpenCheckpoint reads a note and checks that key signed it. Signatures of
// others (cosigners) are passed over.
func OpenCheckpoint(b []byte, key PublicKey) (Checkpoint, error) {
	c, err := ParseCheckpoint(b)
	if err != nil {
		return c, err
	}
	_, err = note.Open(b, note.VerifierList(noteVerifier{key, Origin(c.Chain)}))
	var bad *note.InvalidSignatureError
	var none *note.UnverifiedNoteError
	switch {
	case err == nil && canonicalSignatures(b):
		return c, nil
	case errors.As(err, &bad):
		return c, ErrCheckpointSignature
	case errors.As(err, &none):
		return c, fmt.Errorf("%w (key %s); it is another chain's or signer's, or the key is", ErrCheckpointKey, key.ID())
	}
	return c, fmt.Errorf("%w: its signatures are not whole", ErrNotCheckpoint)
}

// canonicalSignatures reports whether each signature is in the one form that
// its bytes have in base64: else one note could have many forms.
func canonicalSignatures(b []byte) bool {
	_, sigs, _ := strings.Cut(string(b), "\n\n")
	for line := range strings.Lines(sigs) {
		_, text, _ := cutLast(strings.TrimSuffix(line, "\n"), " ")
		if _, err := base64.StdEncoding.Strict().DecodeString(text); err != nil {
			return false
		}
	}
	return true
}

// NoteKey returns the key as a verifier key of golang.org/x/mod/sumdb/note
// (C2SP signed-note), for other tools. It depends on the chain, which it names.
func (p PublicKey) NoteKey(id ChainID) string {
	name := Origin(id)
	return fmt.Sprintf("%s+%08x+%s", name, noteHash(name, p), base64.StdEncoding.EncodeToString(append([]byte{noteEd25519}, p.key[:]...)))
}

// noteEd25519 is the algorithm byte of C2SP signed-note for Ed25519.
const noteEd25519 = 1

func noteHash(name string, p PublicKey) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{noteEd25519})
	h.Write(p.key[:])
	return binary.BigEndian.Uint32(h.Sum(nil))
}

type noteSigner struct {
	key  SigningKey
	name string
}

func (s noteSigner) Name() string                    { return s.name }
func (s noteSigner) KeyHash() uint32                 { return noteHash(s.name, s.key.Public()) }
func (s noteSigner) Sign(msg []byte) ([]byte, error) { return s.key.Sign(msg), nil }

type noteVerifier struct {
	key  PublicKey
	name string
}

func (v noteVerifier) Name() string                { return v.name }
func (v noteVerifier) KeyHash() uint32             { return noteHash(v.name, v.key) }
func (v noteVerifier) Verify(msg, sig []byte) bool { return v.key.Verify(msg, sig) }
