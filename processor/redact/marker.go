// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
)

// The grammar of a marker:
//
//	marker = "[REDACTED:" kind [ ":" tail ] [ ":" keyid ":" fp ] "]"
//	tail   = "****" 4*4( A-Z / 0-9 )   only for aws-access-key-id, by policy
//	keyid  = 8*8 lower-case hex
//	fp     = 12*12 lower-case hex
const (
	markerOpen = "[REDACTED:"
	keyIDLen   = 8
	fpLen      = 12
	tailOpen   = "****"
	tailLen    = 8 // "****F6B1"

	// maxMarker bounds how far a marker is looked for.
	maxMarker = len(markerOpen) + 32 + 1 + tailLen + 1 + keyIDLen + 1 + fpLen + 1
)

// markerLen is the length of the exact marker that v starts with, or 0. The
// grammar is strict, so that text which only looks like a marker is scanned
// as any other text.
func (t *kindTable) markerLen(v string) int {
	n, _ := t.parseMarker(v)
	return n
}

// parseMarker is markerLen and the kind that the marker names.
func (t *kindTable) parseMarker(v string) (n int, id kindID) {
	if !strings.HasPrefix(v, markerOpen) {
		return 0, kindNone
	}
	limit := min(len(v), maxMarker)
	end := strings.IndexByte(v[:limit], ']')
	if end < 0 {
		return 0, kindNone
	}
	kind, rest, more := strings.Cut(v[len(markerOpen):end], ":")
	id, ok := t.byName[kind]
	if !ok {
		return 0, kindNone
	}
	if more && id == kindAWSAccessKeyID && strings.HasPrefix(rest, tailOpen) {
		var tail string
		tail, rest, more = strings.Cut(rest, ":")
		if len(tail) != tailLen || !allIn(tail[len(tailOpen):], setUpperDigit) {
			return 0, kindNone
		}
	}
	if more {
		keyID, fp, _ := strings.Cut(rest, ":")
		if len(keyID) != keyIDLen || len(fp) != fpLen || !allIn(keyID, setLowerHex) || !allIn(fp, setLowerHex) {
			return 0, kindNone
		}
	}
	return end + 1, id
}

// isMarker says whether v is one exact marker and nothing else.
func (t *kindTable) isMarker(v string) bool {
	return len(v) > 0 && v[0] == '[' && t.markerLen(v) == len(v)
}

func (s *Scanner) markerLen(v string) int { return s.r.kinds.markerLen(v) }
func (s *Scanner) isMarker(v string) bool { return s.r.kinds.isMarker(v) }

// decoding says how a secret is written where it was found, so that the
// fingerprint is over the secret and not over its spelling.
type decoding uint8

const (
	decodeNone decoding = iota
	decodePercent
	decodeBackslash // JSON or shell escapes, at any number of levels
	decodeBasic     // base64 of user:password
	decodePEM       // only the base64 body counts
	decodeView      // percent and other escapes, of which some stand for others
	decodeBase64    // the secret stands in what this decodes to
)

// appendMarker appends the marker of secret.
func (s *Scanner) appendMarker(dst []byte, kind kindID, secret string, dec decoding) []byte {
	s.masked.add(kind)
	if kind.personal() && s.r.pii.on(kind) {
		return s.appendPersonal(dst, kind, secret)
	}
	dst = append(dst, markerOpen...)
	dst = append(dst, s.r.kinds.names[kind]...)
	if kind == kindAWSAccessKeyID && s.r.keyIDs == PolicyLast4 {
		dst = append(dst, ':')
		dst = append(dst, tailOpen...)
		dst = append(dst, s.keyIDTail(secret, dec)...)
	}
	if s.mac != nil && !kind.refusal() {
		dst = s.appendFingerprint(dst, s.decodeSecret(secret, dec))
	}
	return append(dst, ']')
}

// appendFingerprint appends the key id and the fingerprint of secret.
func (s *Scanner) appendFingerprint(dst, secret []byte) []byte {
	dst = append(dst, ':')
	dst = append(dst, s.r.keyID...)
	dst = append(dst, ':')
	s.mac.Reset()
	s.mac.Write(secret)
	sum := s.mac.Sum(s.sum[:0])
	return hex.AppendEncode(dst, sum[:fpLen/2])
}

// keyIDTail is what of an access key id stays readable. What is no id after
// all (spans were joined) shows nothing.
func (s *Scanner) keyIDTail(secret string, dec decoding) string {
	id := s.decodeSecret(secret, dec)
	if len(id) != 20 || !allIn(string(id), setUpperDigit) {
		return "XXXX"
	}
	return string(id[16:])
}

// marker is appendMarker as a string.
func (s *Scanner) marker(kind kindID, secret string, dec decoding) string {
	s.mbuf = s.appendMarker(s.mbuf[:0], kind, secret, dec)
	return string(s.mbuf)
}

// bareMarker is a marker for a secret whose value is not at hand, or that is
// none: no fingerprint.
func (s *Scanner) bareMarker(kind kindID) string {
	s.masked.add(kind)
	return s.r.bare[kind]
}

// decodeSecret undoes the spelling. What cannot be decoded counts as it is.
func (s *Scanner) decodeSecret(v string, dec decoding) []byte {
	buf := s.fpbuf[:0]
	switch dec {
	case decodePercent:
		buf = appendUnescaped(buf, v)
	case decodeView:
		buf = appendView(buf, v)
	case decodeBackslash:
		buf = append(buf, v...)
		// Each round takes one level of escaping; the length shrinks with
		// every round that changes anything.
		for round := 0; round < 8; round++ {
			n := unescapeOnce(buf)
			if n == len(buf) {
				break
			}
			buf = buf[:n]
		}
	case decodeBasic:
		raw, err := base64.StdEncoding.AppendDecode(buf, []byte(v))
		if err != nil {
			raw, err = base64.RawStdEncoding.AppendDecode(buf, []byte(v))
		}
		if err != nil {
			buf = append(buf, v...)
			break
		}
		buf = raw
		if i := strings.IndexByte(string(raw), ':'); i >= 0 {
			s.fpbuf = raw
			return raw[i+1:]
		}
	case decodeBase64:
		buf = append(buf, s.base64Secret(v)...)
	case decodePEM:
		buf = appendPEMBody(buf, v)
	default:
		buf = append(buf, v...)
	}
	s.fpbuf = buf
	return buf
}

// unescapeOnce undoes one level of backslash escapes in place and returns the
// new length.
func unescapeOnce(b []byte) int {
	n := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			switch e := b[i+1]; e {
			case '"', '\\', '/', '\'', '`':
				c = e
				i++
			case 'n':
				c = '\n'
				i++
			case 'r':
				c = '\r'
				i++
			case 't':
				c = '\t'
				i++
			case 'u':
				if r, ok := unicodeEscapeAt(string(b[i:min(len(b), i+6)]), 0); ok && r < 0x80 {
					c = byte(r)
					i += 5
				}
			}
		}
		b[n] = c
		n++
	}
	return n
}

// fingerprintKeyID names a fingerprint key without telling anything of it.
func fingerprintKeyID(key []byte) string {
	h := sha256.New()
	h.Write([]byte("auditchain fingerprint key id\x00"))
	h.Write(key)
	return hex.EncodeToString(h.Sum(nil))[:keyIDLen]
}

func newMAC(key []byte) hash.Hash { return hmac.New(sha256.New, key) }
