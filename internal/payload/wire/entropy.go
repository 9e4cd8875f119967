// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"math"

	"github.com/google/uuid"
)

// entropy hands out random bytes that it reads many records' worth at a time.
// No byte is handed out twice.
type entropy struct {
	source io.Reader
	pool   [4096]byte
	left   int
}

// keystream is AES-256 in counter mode under a random key: as good as
// crypto/rand for bytes that must not be guessed, at a fraction of the cost.
// It never repeats within the 2^64 blocks and more that nobody reads.
type keystream struct{ cipher.Stream }

func newKeystream() keystream {
	var key [32]byte
	_, _ = rand.Read(key[:]) // crypto/rand: it does not return an error
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("wire: aes: " + err.Error()) // only a wrong size of key can fail
	}
	return keystream{cipher.NewCTR(block, make([]byte, aes.BlockSize))}
}

// Read fills b with the next bytes.
func (k keystream) Read(b []byte) (int, error) {
	clear(b)
	k.XORKeyStream(b, b)
	return len(b), nil
}

// take returns n fresh bytes, valid until the next call.
func (e *entropy) take(n int) []byte {
	if e.left < n {
		if _, err := io.ReadFull(e.source, e.pool[:]); err != nil {
			// Only a reader that a test put in can fail, and a blind that
			// can be guessed would be worse than a surprised test.
			_, _ = rand.Read(e.pool[:])
		}
		e.left = len(e.pool)
	}
	at := len(e.pool) - e.left
	e.left -= n
	return e.pool[at : at+n]
}

// newID makes a UUIDv7 (RFC 9562) for the Unix time ns.
func (e *entropy) newID(ns uint64) (id uuid.UUID) {
	copy(id[6:], e.take(10))
	ms := ns / 1e6
	id[0], id[1], id[2] = byte(ms>>40), byte(ms>>32), byte(ms>>24)
	id[3], id[4], id[5] = byte(ms>>16), byte(ms>>8), byte(ms)
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// appendBlind appends 16 random bytes in base64url.
func (e *entropy) appendBlind(b []byte) []byte {
	return base64.RawURLEncoding.AppendEncode(b, e.take(16))
}

// derivedID is the UUIDv8 that a sender's string determines (docs/SPEC.md,
// section 6.4).
func derivedID(s string) (id uuid.UUID) {
	const label = "auditchain record id"
	var short [128]byte
	sum := sha256.Sum256(append(append(short[:0], label...), s...))
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// idTime is the Unix time in nanoseconds in a UUIDv7, 0 where id has none
// that such a time can hold.
func idTime(id *uuid.UUID) uint64 {
	if id[6]>>4 != 7 || id[8]>>6 != 2 {
		return 0
	}
	ms := uint64(id[0])<<40 | uint64(id[1])<<32 | uint64(id[2])<<24 | uint64(id[3])<<16 | uint64(id[4])<<8 | uint64(id[5])
	if ms > math.MaxUint64/1_000_000 {
		return 0
	}
	return ms * 1e6
}
