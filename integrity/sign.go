// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Labels of docs/SPEC.md, sections 4 and 11: what is signed for one purpose
// must not pass for another.
const (
	keyProofLabel = "auditchain/v1/key"
	signerLabel   = "auditchain/v1/signer"
	erasureLabel  = "auditchain/v1/erase"
)

// KeyProof returns the proof that a chain.key record at line seq, behind a line
// with the tag prev, was made by somebody who has the incoming key.
func KeyProof(incoming Key, id ChainID, seq uint64, prev Hash, outgoingID string) (proof Hash) {
	h := hmac.New(sha256.New, incoming.derive(macKeyInfo, id))
	h.Write([]byte(keyProofLabel))
	h.Write(id[:])
	_ = binary.Write(h, binary.BigEndian, seq)
	h.Write(prev[:])
	h.Write([]byte(outgoingID))
	h.Write([]byte(incoming.ID()))
	h.Sum(proof[:0])
	return proof
}

// SignerMessage is what both keys sign in a chain.signer record at line seq,
// behind a line with the tag prev.
func SignerMessage(id ChainID, seq uint64, prev Hash, outgoing, incoming PublicKey) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%d\n%s\n%s\n%s\n", signerLabel, id, seq, prev, outgoing.Base64(), incoming.Base64())
}

// Check reports whether both keys signed the record, which stands at line seq
// behind a line with the tag prev. It returns the incoming key.
func (s *SignerChange) Check(id ChainID, seq uint64, prev Hash, outgoing PublicKey) (PublicKey, error) {
	incoming, err := parsePublic64(KindCheckpoint, s.CheckpointKey)
	switch {
	case err != nil || incoming.IsZero():
		return PublicKey{}, errors.New("it does not name a public key")
	case s.Previous != outgoing.Base64():
		return PublicKey{}, errors.New("the key that it replaces is not the one that signed so far")
	}
	m := SignerMessage(id, seq, prev, outgoing, incoming)
	if !outgoing.Verify(m, s.Signature) || !incoming.Verify(m, s.NewSignature) {
		return PublicKey{}, errors.New("one of its two signatures is not genuine")
	}
	return incoming, nil
}

// ErasureMessage is what the erasure key signs so that a line may be erased.
func ErasureMessage(id ChainID, e *Erased) []byte {
	who, reason := sha256.Sum256([]byte(e.Who)), sha256.Sum256([]byte(e.Reason))
	return fmt.Appendf(nil, "%s\n%s\n%d\n%s\n%s\n%x\n%x\n", erasureLabel, id, e.Line, e.Leaf, e.Ordered, who, reason)
}

// Check reports whether the erasure key of the chain signed the erasure.
func (e *Erased) Check(id ChainID, key PublicKey) bool {
	return key.kind == KindErasure && key.Verify(ErasureMessage(id, e), e.Signature)
}
