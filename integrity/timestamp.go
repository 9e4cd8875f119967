// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"encoding/asn1"
	"errors"
	"fmt"
)

// MaxTimestampToken is the size in bytes of the largest time stamp token that
// is read. Tokens have some kilobytes, with the certificates in them.
const MaxTimestampToken = 64 << 10

// ErrNotTimestamp is returned for what is no TimeStampToken of RFC 3161 over
// a SHA-256 hash.
var ErrNotTimestamp = errors.New("this is no time stamp of a checkpoint")

// Object identifiers of RFC 5652, RFC 3161 and FIPS 180.
var (
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// The parts of a token that lead to its imprint; what follows in each is left
// unread (RFC 3161, section 2.4.2; RFC 5652, sections 3 and 5).
type (
	cmsContentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,tag:0"`
	}
	cmsSignedData struct {
		Version          int
		DigestAlgorithms asn1.RawValue
		Encapsulated     struct {
			Type    asn1.ObjectIdentifier
			Content []byte `asn1:"explicit,tag:0"`
		}
	}
	tstInfo struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint struct {
			Algorithm struct {
				Algorithm  asn1.ObjectIdentifier
				Parameters asn1.RawValue `asn1:"optional"`
			}
			Hash []byte
		}
	}
)

// TimestampImprint returns the SHA-256 hash that a TimeStampToken (RFC 3161,
// DER) is about: for that of a checkpoint, the hash of the whole signed note
// (docs/SPEC.md, section 10.4). It checks no signature: who made the token, and
// when, is not known by it.
func TimestampImprint(token []byte) (Hash, error) {
	var h Hash
	if len(token) > MaxTimestampToken {
		return h, fmt.Errorf("%w: it is larger than %d bytes", ErrNotTimestamp, MaxTimestampToken)
	}
	var outer cmsContentInfo
	if rest, err := asn1.Unmarshal(token, &outer); err != nil || len(rest) > 0 {
		return h, fmt.Errorf("%w: it is not one value in DER", ErrNotTimestamp)
	}
	if !outer.Type.Equal(oidSignedData) {
		return h, fmt.Errorf("%w: it is not signed data", ErrNotTimestamp)
	}
	var signed cmsSignedData
	if err := unmarshalHead(outer.Content.Bytes, &signed); err != nil || !signed.Encapsulated.Type.Equal(oidTSTInfo) {
		return h, fmt.Errorf("%w: what is signed in it is not a time", ErrNotTimestamp)
	}
	var info tstInfo
	if err := unmarshalHead(signed.Encapsulated.Content, &info); err != nil || info.Version != 1 {
		return h, fmt.Errorf("%w: what is signed in it is not a time", ErrNotTimestamp)
	}
	if !info.Imprint.Algorithm.Algorithm.Equal(oidSHA256) || len(info.Imprint.Hash) != HashSize {
		return h, fmt.Errorf("%w: it is not about a SHA-256 hash", ErrNotTimestamp)
	}
	copy(h[:], info.Imprint.Hash)
	return h, nil
}

// unmarshalHead reads a sequence that fills b into a struct of its first
// members: encoding/asn1 passes over members that follow those.
func unmarshalHead(b []byte, v any) error {
	rest, err := asn1.Unmarshal(b, v)
	if err == nil && len(rest) > 0 {
		err = errors.New("trailing data")
	}
	return err
}
