// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"bytes"
	"fmt"

	"github.com/auditchain/auditchain/integrity"
)

// Kinds of keys, as Any names them and their files do.
const (
	KindStatic           = integrity.ModeStatic
	KindForward          = integrity.ModeForward
	KindVerification     = "verification"
	KindCheckpoint       = integrity.KindCheckpoint
	KindErasure          = integrity.KindErasure
	KindCheckpointPublic = KindCheckpoint + "-public"
	KindErasurePublic    = KindErasure + "-public"
)

// Any is a key of any kind.
type Any struct {
	Kind string
	ID   string
	// State is of a key that a chain is written or verified with; Public is of
	// a key for checkpoints or erasures, the public one of a private one too.
	State  integrity.KeyState
	Public integrity.PublicKey
	// Encrypted says that the file is.
	Encrypted bool
}

// LoadAny reads a key of whatever kind.
func LoadAny(s Source) (Any, error) {
	text, name, sealed, err := load(s, publicText)
	if err != nil {
		return Any{}, err
	}
	found, err := parseAny(text)
	if err != nil {
		return Any{}, fmt.Errorf("key in %s: %w; `auditchain key new FILE` makes a good one", name, err)
	}
	found.Encrypted = sealed
	return found, nil
}

// kindOf returns the kind that a key file says it is of; "" for one that says
// nothing.
func kindOf(text []byte) string {
	rest, ok := bytes.CutPrefix(text, []byte("auditchain-key v1 "))
	if !ok {
		return ""
	}
	kind, _, _ := bytes.Cut(rest, []byte(" "))
	return string(kind)
}

// publicText reports whether a key file holds no secret.
func publicText(text []byte) bool {
	kind := kindOf(text)
	return kind == KindCheckpointPublic || kind == KindErasurePublic
}

func parseAny(text []byte) (Any, error) {
	switch kind := kindOf(text); kind {
	case KindCheckpoint, KindErasure:
		k, err := integrity.ParseSigningKey(kind, text)
		return Any{Kind: kind, ID: k.ID(), Public: k.Public()}, err
	case KindCheckpointPublic, KindErasurePublic:
		of := KindCheckpoint
		if kind == KindErasurePublic {
			of = KindErasure
		}
		k, err := integrity.ParsePublicKey(of, text)
		return Any{Kind: kind, ID: k.ID(), Public: k}, err
	}
	state, err := integrity.ParseKeyState(text)
	if err != nil {
		return Any{}, err
	}
	found := Any{Kind: state.Key.Mode(), ID: state.Key.ID(), State: state}
	if state.Key.VerifyOnly() {
		found.Kind = KindVerification
	}
	return found, nil
}
