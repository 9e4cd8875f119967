// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Values of key_mode (docs/SPEC.md, section 4).
const (
	ModeStatic  = "static"
	ModeForward = "forward-secure"
)

const epochInfo = "auditchain/v1/epoch"

// ErrSpentEpoch is returned where the key of an epoch is asked of one that is
// further: it was spent, and cannot be had again.
var ErrSpentEpoch = errors.New("the key of this epoch is spent")

// ErrVerifyOnly is returned where something would be written with a
// verification key.
var ErrVerifyOnly = errors.New("this is the verification key, which is for verifying, and for keeping away from the host that writes")

// maxSteps bounds how far a key is stepped at once: further than any chain
// gets, and an altered file must not keep a program busy for ever.
const maxSteps = 1 << 20

// GenerateForwardKey returns a new random forward-secure key, at epoch 0.
func GenerateForwardKey() (Key, error) {
	k, err := GenerateKey()
	if err != nil {
		return Key{}, err
	}
	return newForwardKey(k.secret), nil
}

func newForwardKey(secret []byte) Key {
	return Key{secret: bytes.Clone(secret), forward: true, id: keyID(secret)}
}

// Forward reports whether k is forward-secure.
func (k Key) Forward() bool { return k.forward }

// Mode returns the value of key_mode for k.
func (k Key) Mode() string {
	if k.forward {
		return ModeForward
	}
	return ModeStatic
}

// Epoch returns the epoch that k is at; 0 for a static key.
func (k Key) Epoch() uint64 { return k.epoch }

// VerifyOnly reports whether k is a verification key: ErrVerifyOnly is what a
// writer answers to it.
func (k Key) VerifyOnly() bool { return k.verifyOnly }

// ForVerifying returns k, which must be forward-secure and at epoch 0, as its
// verification key.
func (k Key) ForVerifying() Key {
	k.verifyOnly = true
	return k
}

// Next returns the key of the next epoch. A static key stays as it is.
func (k Key) Next() Key {
	if !k.forward {
		return k
	}
	secret, err := hkdf.Key(sha256.New, k.secret, nil, epochInfo, HashSize)
	if err != nil {
		panic("integrity: hkdf: " + err.Error()) // only a length can be wrong, and it is a constant
	}
	k.secret = secret
	k.epoch++
	return k
}

// At returns the key of an epoch, which must not be before that of k.
func (k Key) At(epoch uint64) (Key, error) {
	switch {
	case epoch == k.epoch:
		return k, nil
	case !k.forward:
		return Key{}, fmt.Errorf("a static key has no epoch %d", epoch)
	case epoch < k.epoch:
		return Key{}, fmt.Errorf("%w: epoch %d, and the key is at epoch %d", ErrSpentEpoch, epoch, k.epoch)
	case epoch-k.epoch > maxSteps:
		return Key{}, fmt.Errorf("epoch %d is further than any chain gets", epoch)
	}
	for k.epoch < epoch {
		k = k.Next()
	}
	return k, nil
}

// Same reports whether k and o are one key, whatever their epochs.
func (k Key) Same(o Key) bool { return k.forward == o.forward && k.ID() == o.ID() }
