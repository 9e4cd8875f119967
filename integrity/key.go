// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// MinKeySize is the smallest size of a key, in bytes.
const MinKeySize = 32

// ErrShortKey is returned for a key of fewer than MinKeySize bytes.
var ErrShortKey = errors.New("key is too short")

// Key is the secret that a chain's keys are derived from. Its methods never
// reveal it, except Text. The zero Key is no key.
//
// A static key stays as it is. A forward-secure one steps, one way, from epoch
// to epoch: whoever has that of an epoch has those of all later ones and none
// of an earlier one (docs/SPEC.md, section 4).
type Key struct {
	secret []byte
	// forward says that the key is forward-secure; then id is that of epoch 0,
	// which cannot be computed later.
	forward bool
	id      string
	epoch   uint64
	// verifyOnly says that nothing is to be written with it: the key of epoch
	// 0 as it is kept off the host.
	verifyOnly bool
}

// NewKey returns a Key made of a copy of secret, which must have at least
// MinKeySize bytes.
func NewKey(secret []byte) (Key, error) {
	if len(secret) < MinKeySize {
		return Key{}, fmt.Errorf("%w: %d bytes where at least %d are needed", ErrShortKey, len(secret), MinKeySize)
	}
	return Key{secret: bytes.Clone(secret)}, nil
}

// ParseKey reads the contents of a key file (docs/SPEC.md, section 4): text
// that is all hexadecimal digits is hexadecimal, anything else is the key as
// it is. White space at the end of a hexadecimal text is ignored. Of a
// forward-secure key it returns the key alone; ParseKeyState returns all that
// its file says.
func ParseKey(text []byte) (Key, error) {
	if isKeyText(text) {
		s, err := ParseKeyState(text)
		return s.Key, err
	}
	digits := bytes.TrimRight(text, " \t\r\n")
	if len(digits) > 0 && allHex(digits) {
		secret := make([]byte, hex.DecodedLen(len(digits)))
		if len(digits)%2 != 0 {
			return Key{}, fmt.Errorf("key is cut: %d hexadecimal digits, an odd number", len(digits))
		}
		if _, err := hex.Decode(secret, digits); err != nil {
			return Key{}, errors.New("key is not hexadecimal")
		}
		return NewKey(secret)
	}
	return NewKey(text)
}

// GenerateKey returns a new random key of MinKeySize bytes.
func GenerateKey() (Key, error) {
	secret := make([]byte, MinKeySize)
	if _, err := rand.Read(secret); err != nil {
		return Key{}, fmt.Errorf("no randomness for a key: %w", err)
	}
	return Key{secret: secret}, nil
}

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return len(k.secret) == 0 }

// ID returns the key id: 16 hexadecimal digits that name the key and are safe
// to print.
//
// That of a forward-secure key is that of its epoch 0, and the same in all of
// its epochs.
func (k Key) ID() string {
	if k.forward {
		return k.id
	}
	return keyID(k.secret)
}

func keyID(secret []byte) string {
	h := sha256.New()
	h.Write([]byte("auditchain key id"))
	h.Write(secret)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Text returns the key as a key file holds it. This is the secret itself.
func (k Key) Text() []byte {
	if k.forward {
		return KeyState{Key: k}.Text()
	}
	return append(hex.AppendEncode(nil, k.secret), '\n')
}

// String hides the key, so that a Key printed by mistake reveals nothing.
func (k Key) String() string { return "integrity.Key(" + k.ID() + ")" }

// GoString hides the key from %#v too.
func (k Key) GoString() string { return k.String() }

func allHex(b []byte) bool {
	for _, c := range b {
		if !isHex(c) && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
