// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/hex"
	"slices"
	"strings"
)

// Fingerprints returns what the markers of a secret would end in,
// "<key id>:<12 hex digits>", so that it can be looked for in what was redacted.
// It returns none where r has no fingerprint key, and none for "".
//
// A fingerprint is over the secret and not over its spelling, and only where a
// secret was found tells how it was spelt there. So there is one for each way in
// which secret can be read: as it is written, first; and, where that is another
// text, with its percent escapes or its backslash escapes decoded, without the
// quotes of a JSON string, and the password alone of Basic credentials. Of a
// private key in PEM form only the base64 body ever counts. What is personal data
// has that of the one form that counts there, also where r leaves it alone.
//
// Equal fingerprints are 48 bits that are equal: enough to find a secret, no
// proof that it is the same.
func (r *Redactor) Fingerprints(secret string) []string {
	if r.key == nil || secret == "" {
		return nil
	}
	var out []string
	add := func(fp string) {
		if !slices.Contains(out, fp) {
			out = append(out, fp)
		}
	}
	for _, reading := range r.Scanner().readings(secret) {
		mac := newMAC(r.key)
		mac.Write([]byte(reading))
		add(r.keyID + ":" + hex.EncodeToString(mac.Sum(nil))[:fpLen])
	}
	for _, fp := range personalFingerprints(r.key, strings.TrimSpace(secret)) {
		add(fp)
	}
	return out
}

// personalFingerprints are those that v has as an address or a number of
// somebody, under the names that say so.
func personalFingerprints(key []byte, v string) (out []string) {
	if len(v) > maxPersonal {
		return nil
	}
	const fp = PolicyFingerprint
	r, err := New(Config{FingerprintKey: key, PII: PII{Email: fp, PaymentCard: fp, IBAN: fp, Phone: fp, IP: fp}})
	if err != nil {
		return nil // key is that of a Redactor: it is good
	}
	s := r.Scanner()
	for _, name := range [...]string{"email", "card_number", "iban", "phone", "ip"} {
		marker, _ := s.Text(s.Field(s.Root(), name), v)
		if n, kind := r.kinds.parseMarker(marker); n == len(marker) && kind.personal() && marker != v {
			out = append(out, marker[n-len("]")-fpLen-len(":")-keyIDLen:n-len("]")])
		}
	}
	return out
}

// maxPersonal is longer than any address or number of somebody.
const maxPersonal = 1 << 10

// maxUnescaped is how many levels of backslash escapes are undone; see
// decodeBackslash.
const maxUnescaped = 8

// readings are the texts that v may stand for.
func (s *Scanner) readings(v string) (out []string) {
	add := func(v string, dec decoding) {
		if text := string(s.decodeSecret(v, dec)); text != "" {
			out = append(out, text)
		}
	}
	trimmed := strings.TrimSpace(v)
	var found []span // what the rules take for the secret in it
	for _, sp := range slices.Clone(s.find(trimmed)) {
		switch whole := sp.end-sp.start == len(trimmed); {
		case whole && sp.dec == decodePEM:
			add(trimmed, decodePEM)
			return out // no marker of it has another
		case whole && sp.kind >= kindJWT, !whole && namesScheme(trimmed):
			// A token, without the white space around it; credentials,
			// without their scheme.
			found = append(found, sp)
		}
	}
	add(v, decodeNone)
	if isBasicAuth(trimmed) {
		add(trimmed, decodeBasic)
	}
	add(v, decodePercent)
	add(v, decodeView)
	if n := len(v); n > 2 && v[0] == '"' && v[n-1] == '"' {
		v = v[1 : n-1]
		add(v, decodeNone)
	}
	// A secret may have backslashes of its own: it may be meant at any level.
	b := []byte(v)
	for range maxUnescaped {
		n := unescapeOnce(b)
		if n == len(b) {
			break
		}
		b = b[:n]
		add(string(b), decodeNone)
	}
	if isWrappedBase64(v) {
		add(v, decodePEM)
	}
	for _, sp := range found {
		add(trimmed[sp.start:sp.end], sp.dec)
	}
	return out
}

// namesScheme says whether v is the credentials of a header, or the header.
func namesScheme(v string) bool {
	for _, name := range [...]string{"basic ", "bearer ", "authorization:", "proxy-authorization:"} {
		if hasFoldPrefix(v, name) {
			return true
		}
	}
	return false
}

// isWrappedBase64 says whether v is base64 in lines, as a private key without
// its first and its last line.
func isWrappedBase64(v string) bool {
	body := string(appendPEMBody(nil, v))
	if len(body) < 64 || len(body) == len(v) {
		return false
	}
	return strings.NewReplacer("\n", "", "\r", "", " ", "", "\t", "", `\n`, "", `\r`, "").Replace(v) == body
}
