// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package timestamp gets and checks RFC 3161 time stamps of checkpoints: the
// word of somebody else that a signed note existed at a time.
//
//	authority, err := timestamp.New(timestamp.Options{URL: "https://tsa.example/tsr"})
//	token, err := authority.Timestamp(ctx, note)
//	…
//	when, err := timestamp.Check(token, note, roots)
//
// Guaranteed: a token that is returned is about the note, answers the request
// that was made (its nonce), and is signed by the certificate that comes with
// it, which is one for time stamps. Whose certificate that is, is checked only
// against roots that were given. Not checked: revocation.
package timestamp

import (
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"

	"github.com/auditchain/auditchain/integrity"
)

// Reasons for which a token is refused.
var (
	// ErrImprint: the token is about something else than the note.
	ErrImprint = errors.New("the time stamp is not about this checkpoint")
	// ErrSignature: the token was not signed by the certificate in it, or that
	// is not one for time stamps.
	ErrSignature = errors.New("the signature of the time stamp does not hold")
	// ErrAuthority: the certificate does not lead to one of the given roots.
	ErrAuthority = errors.New("the time stamp is not by an authority that was given")
)

// Check returns the time that a token says the note existed at. With roots,
// the certificate of the authority must have led to one of them at that time;
// with nil, anybody can have made the token.
func Check(token, note []byte, roots *x509.CertPool) (time.Time, error) {
	t, err := parse(token, note, roots)
	if err != nil {
		return time.Time{}, err
	}
	return t.Time, nil
}

// parse reads a token and checks everything about it but its nonce.
func parse(token, note []byte, roots *x509.CertPool) (*timestamp.Timestamp, error) {
	// The strict reader first: what follows takes BER too, and would read what
	// verifiers without it refuse.
	imprint, err := integrity.TimestampImprint(token)
	if err != nil {
		return nil, err
	}
	if imprint != sha256.Sum256(note) {
		return nil, ErrImprint
	}
	t, p, err := read(token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if t.HashAlgorithm != crypto.SHA256 || !slices.Equal(t.HashedMessage, imprint[:]) {
		return nil, ErrImprint // the two readers do not read the same
	}
	signer := p.GetOnlySigner()
	if signer == nil {
		return nil, fmt.Errorf("%w: it does not have one signer, with its certificate in it", ErrSignature)
	}
	if len(signer.ExtKeyUsage) != 1 || signer.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(signer.UnknownExtKeyUsage) > 0 {
		return nil, fmt.Errorf("%w: the certificate is not for time stamps alone", ErrSignature)
	}
	if err := bound(p, signer); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if roots == nil {
		return t, nil
	}
	intermediates := x509.NewCertPool()
	for _, c := range p.Certificates {
		intermediates.AddCert(c)
	}
	_, err = signer.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: t.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAuthority, err)
	}
	return t, nil
}

// reading serialises the library below, which counts in a global variable.
var reading sync.Mutex

// read reads a token with the libraries, which check the signature. What they
// read comes from a network: a panic of theirs is an error.
func read(token []byte) (t *timestamp.Timestamp, p *pkcs7.PKCS7, err error) {
	reading.Lock()
	defer reading.Unlock()
	defer func() {
		if r := recover(); r != nil {
			t, p, err = nil, nil, errors.New("it cannot be read")
		}
	}()
	if t, err = timestamp.Parse(token); err != nil {
		return nil, nil, err
	}
	if p, err = pkcs7.Parse(token); err != nil {
		return nil, nil, err
	}
	// timestamp.Parse passes over the signature where no certificate is there.
	if err = p.Verify(); err != nil {
		return nil, nil, err
	}
	return t, p, nil
}

// Signed attributes that say which certificate signed (RFC 2634, section 5.4;
// RFC 5035), and the content type (RFC 5652, section 11.1).
var (
	oidSigningCertificate   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidContentType          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidTSTInfo              = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
)

type digest struct {
	oid asn1.ObjectIdentifier
	new func() hash.Hash
}

var digests = []digest{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, sha256.New},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, sha512.New384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, sha512.New},
}

// bound reports whether what was signed is a time stamp, and names the
// certificate, as RFC 3161 asks for: else the same key's signature under
// another certificate, or of something else, would do.
func bound(p *pkcs7.PKCS7, signer *x509.Certificate) error {
	var content asn1.ObjectIdentifier
	if err := p.UnmarshalSignedAttribute(oidContentType, &content); err != nil || !content.Equal(oidTSTInfo) {
		return errors.New("what is signed is not a time stamp")
	}
	var v2 struct {
		Certs []struct {
			Algorithm pkix.AlgorithmIdentifier `asn1:"optional"`
			Hash      []byte
			Issuer    asn1.RawValue `asn1:"optional"`
		}
	}
	if err := p.UnmarshalSignedAttribute(oidSigningCertificateV2, &v2); err == nil && len(v2.Certs) > 0 {
		sum := sha256.New // the default
		if oid := v2.Certs[0].Algorithm.Algorithm; len(oid) > 0 {
			i := slices.IndexFunc(digests, func(d digest) bool { return d.oid.Equal(oid) })
			if i < 0 {
				return errors.New("the certificate that signed is named by a hash that is not known")
			}
			sum = digests[i].new
		}
		return named(sum(), signer, v2.Certs[0].Hash)
	}
	var v1 struct {
		Certs []struct {
			Hash   []byte
			Issuer asn1.RawValue `asn1:"optional"`
		}
	}
	if err := p.UnmarshalSignedAttribute(oidSigningCertificate, &v1); err != nil || len(v1.Certs) == 0 {
		return errors.New("it does not name the certificate that signed")
	}
	// A collision in SHA-1 would take another certificate by the same
	// authority with the same key: the signature itself does not rest on it.
	return named(sha1.New(), signer, v1.Certs[0].Hash)
}

func named(h hash.Hash, signer *x509.Certificate, want []byte) error {
	h.Write(signer.Raw)
	if !slices.Equal(h.Sum(nil), want) {
		return errors.New("it names another certificate than the one that signed")
	}
	return nil
}
