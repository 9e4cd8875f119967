// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
)

// HashSize is the size in bytes of a leaf hash and of a tag.
const HashSize = sha256.Size

// Hash is a leaf hash (SHA-256) or a tag (HMAC-SHA256).
type Hash [HashSize]byte

// String returns h in lowercase hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes h as String does.
func (h Hash) MarshalText() ([]byte, error) {
	return hex.AppendEncode(make([]byte, 0, 2*HashSize), h[:]), nil
}

// UnmarshalText reads exactly 64 lowercase hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if !parseHash(h, text) {
		return errors.New("not 64 lowercase hexadecimal digits")
	}
	return nil
}

// leafPrefix is what RFC 6962, section 2.1, puts before a leaf so that no
// leaf can pass for an inner node of the tree.
var leafPrefix = []byte{0}

// LeafHasher computes leaf hashes, reusing its state. The zero value is ready
// to use. It is for one goroutine.
type LeafHasher struct {
	h   hash.Hash
	sum Hash
}

// Sum returns the leaf hash of a payload: SHA-256(0x00 || payload).
func (l *LeafHasher) Sum(payload []byte) Hash {
	if l.h == nil {
		l.h = sha256.New()
	} else {
		l.h.Reset()
	}
	l.h.Write(leafPrefix)
	l.h.Write(payload)
	l.h.Sum(l.sum[:0])
	return l.sum
}

// Leaf returns the leaf hash of a payload. For many payloads, a LeafHasher
// does the same without allocating.
func Leaf(payload []byte) Hash {
	var l LeafHasher
	return l.Sum(payload)
}

// ChainID names a chain: a UUID, chosen at its genesis.
type ChainID [16]byte

// String returns the id as a UUID in lower case.
func (c ChainID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], c[0:4])
	hex.Encode(b[9:13], c[4:6])
	hex.Encode(b[14:18], c[6:8])
	hex.Encode(b[19:23], c[8:10])
	hex.Encode(b[24:36], c[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// ParseChainID reads what String writes, and nothing else.
func ParseChainID(s string) (ChainID, error) {
	var c ChainID
	if len(s) != 36 {
		return c, errors.New("chain id is not a UUID of 36 characters")
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(c[:], []byte(digits)); err != nil || c.String() != s {
		return ChainID{}, errors.New("chain id is not a UUID in lower case")
	}
	return c, nil
}

// Labels of docs/SPEC.md, sections 3 and 4.
const (
	macLabel     = "auditchain/v1"
	macKeyInfo   = "auditchain/v1/mac"
	headKeyInfo  = "auditchain/v1/head"
	macInputSize = len(macLabel) + HashSize + 8 + HashSize
)

// Sealer computes the tags of one chain. It is for one goroutine.
type Sealer struct {
	h   hash.Hash
	in  [macInputSize]byte
	sum Hash
}

// NewSealer returns a Sealer for the chain with the given id under k.
func NewSealer(k Key, id ChainID) *Sealer {
	s := &Sealer{h: hmac.New(sha256.New, k.derive(macKeyInfo, id))}
	copy(s.in[:], macLabel)
	return s
}

// MAC returns mac(seq), where prev is mac(seq-1) and leaf the leaf hash of
// the payload of line seq (docs/SPEC.md, section 3).
func (s *Sealer) MAC(prev Hash, seq uint64, leaf Hash) Hash {
	b := s.in[len(macLabel):]
	copy(b, prev[:])
	binary.BigEndian.PutUint64(b[HashSize:], seq)
	copy(b[HashSize+8:], leaf[:])
	s.h.Reset()
	s.h.Write(s.in[:])
	s.h.Sum(s.sum[:0])
	return s.sum
}

// derive returns the key for one purpose in one chain.
func (k Key) derive(info string, id ChainID) []byte {
	out, err := hkdf.Key(sha256.New, k.secret, nil, info+string(id[:]), HashSize)
	if err != nil {
		// Only a length above 255 hashes can fail, and it is a constant.
		panic("integrity: hkdf: " + err.Error())
	}
	return out
}
