// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

// tokenOf makes what stands around an imprint in a TimeStampToken, by the
// grammar of RFC 5652 and RFC 3161. Tokens of a real authority are read in
// internal/timestamp.
func tokenOf(t testing.TB, contentType, infoType asn1.ObjectIdentifier, version int, algorithm asn1.ObjectIdentifier, hash []byte) []byte {
	t.Helper()
	type algorithmID struct{ Algorithm asn1.ObjectIdentifier }
	type imprint struct {
		Algorithm algorithmID
		Hash      []byte
	}
	marshal := func(v any) []byte {
		b, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	explicit := func(b []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: b}
	}
	info := marshal(struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint imprint
		Serial  int
	}{version, asn1.ObjectIdentifier{1, 2, 3}, imprint{algorithmID{algorithm}, hash}, 7})
	signed := marshal(struct {
		Version    int
		Algorithms []algorithmID `asn1:"set"`
		Content    struct {
			Type    asn1.ObjectIdentifier
			Content asn1.RawValue
		}
		Signers []int `asn1:"set"`
	}{Version: 3, Content: struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{infoType, explicit(marshal(info))}})
	return marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{contentType, explicit(signed)})
}

var (
	oidSigned = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidInfo   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidHash   = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

func TestTimestampImprint(t *testing.T) {
	sum := sha256.Sum256([]byte("a note"))
	token := tokenOf(t, oidSigned, oidInfo, 1, oidHash, sum[:])
	if got, err := integrity.TimestampImprint(token); err != nil || got != sum {
		t.Errorf("%v, %v", got, err)
	}
	data := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	for name, c := range map[string]struct {
		token []byte
		says  string
	}{
		"nothing":         {nil, "DER"},
		"text":            {[]byte("not a token"), "DER"},
		"a byte behind":   {append(bytes.Clone(token), 0), "DER"},
		"no signed data":  {tokenOf(t, data, oidInfo, 1, oidHash, sum[:]), "not signed data"},
		"of other things": {tokenOf(t, oidSigned, data, 1, oidHash, sum[:]), "not a time"},
		"another version": {tokenOf(t, oidSigned, oidInfo, 2, oidHash, sum[:]), "not a time"},
		"another hash":    {tokenOf(t, oidSigned, oidInfo, 1, data, sum[:]), "SHA-256"},
		"a short hash":    {tokenOf(t, oidSigned, oidInfo, 1, oidHash, sum[:31]), "SHA-256"},
		"too large":       {make([]byte, integrity.MaxTimestampToken+1), "larger"},
		"indefinite":      {[]byte{0x30, 0x80, 0, 0}, "DER"},
	} {
		if got, err := integrity.TimestampImprint(c.token); !errors.Is(err, integrity.ErrNotTimestamp) || !strings.Contains(err.Error(), c.says) || got != (integrity.Hash{}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for n := range token {
		if _, err := integrity.TimestampImprint(token[:n]); err == nil {
			t.Errorf("the first %d of %d bytes pass", n, len(token))
		}
	}
}

func FuzzTimestampImprint(f *testing.F) {
	sum := sha256.Sum256([]byte("a note"))
	f.Add(tokenOf(f, oidSigned, oidInfo, 1, oidHash, sum[:]))
	f.Fuzz(func(t *testing.T, token []byte) {
		if h, err := integrity.TimestampImprint(token); err == nil && !bytes.Contains(token, h[:]) {
			t.Errorf("%v is not in the token", h)
		}
	})
}
