// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"strings"
)

// authorization handles the value of an Authorization header at v[i:]: the
// scheme stays, the credentials go.
func (s *Scanner) authorization(v string, i int) {
	if _, _, w := quoteAt(v, i); w > 0 {
		i += w
	}
	if w := parameterScheme(v, i); w > 0 {
		// The parameters have quotes of their own, at which no line ends.
		s.valueEnd = max(s.valueEnd, s.headerParameters(v, i+w, len(v)))
		return
	}
	val := lineValue(v, i)
	s.spend(val.end - i)
	s.valueEnd = max(s.valueEnd, val.end)
	s.credentials(v, val.start, val.end, false)
}

// credentials adds what is secret in "<scheme> <credentials>" at v[start:end].
// Where no key name but text says that this is a header, what reads like a
// sentence ("authorization: denied for alice") is left alone.
func (s *Scanner) credentials(v string, start, end int, sure bool) {
	text := v[start:end]
	if s.harmless(text, kindAuthorization) || hasFoldPrefix(text, "https://") || hasFoldPrefix(text, "http://") {
		return
	}
	sp := strings.IndexByte(text, ' ')
	if sp < 0 {
		digit, _, upper := shapes(text)
		if len(text) <= 12 && digit+upper == 0 && allIn(text, setLower) || !sure && len(text) < 16 && digit == 0 {
			return // "allowed"
		}
		s.add(start, end, kindAuthorization, decodeNone)
		return
	}
	scheme, rest := text[:sp], strings.TrimLeft(text[sp:], " ")
	from := end - len(rest)
	if rest == "" {
		return
	}
	switch {
	case parameterScheme(v, start) > 0:
		// Parameters: the names stay readable, the key id has its own rule.
		s.headerParameters(v, from, end)
	case equalFold(scheme, "bearer"), equalFold(scheme, "token"), equalFold(scheme, "apikey"), equalFold(scheme, "ssws"), equalFold(scheme, "oauth"), equalFold(scheme, "genie-key"):
		s.bearerToken(v, from, end)
	case equalFold(scheme, "basic"):
		tok := run(v, from, setOpaque)
		if s.harmless(rest, kindBasicAuth) || tok > end {
			return
		}
		if tok == from {
			tok = end
		}
		s.add(from, tok, kindBasicAuth, decodeBasic)
	default:
		if !allIn(scheme, setToken) || len(scheme) > 24 {
			from = start
		}
		if rest := v[from:end]; !s.harmless(rest, kindAuthorization) {
			if digit, _, _ := shapes(rest); !sure && digit == 0 {
				return
			}
			s.add(from, end, kindAuthorization, decodeNone)
		}
	}
}

// bearerToken takes what stands behind a scheme: one token, or up to the end
// if it does not look like one.
func (s *Scanner) bearerToken(v string, from, end int) {
	if _, _, w := quoteAt(v, from); w > 0 {
		from += w
	}
	tok := from
	for tok < end && in(v[tok], setOpaque) {
		tok++
	}
	if tok == from {
		tok = end
	} else if tok < end && !in(v[tok], setSpace) && v[tok] != ',' && v[tok] != ';' {
		tok = end
	}
	if text := v[from:tok]; text != "" && !s.harmless(text, kindBearer) {
		s.add(from, tok, kindBearer, decodeNone)
	}
}

// headerParameters masks Signature=…, response="…", mac="…" and the like in the
// parameters at v[from:], and returns where they end. Their quotes may be
// escaped, as in a header within a string.
func (s *Scanner) headerParameters(v string, from, end int) int {
	i := from
	for i < end {
		j := i
		for j < end && (v[j] == ',' || v[j] == ' ' || v[j] == '\t') {
			j++
		}
		k := run(v[:end], j, setToken)
		if k == j || k >= end || v[k] != '=' {
			break
		}
		name := v[j:k]
		val := value{start: k + 1}
		if q, slashes, w := quoteAt(v[:end], k+1); w > 0 {
			val = quotedValue(v[:end], k+1+w, q, slashes)
		} else {
			for val.end = k + 1; val.end < end && v[val.end] != ',' && !in(v[val.end], setSpace) && !isQuote(v[val.end]) && v[val.end] != '\\'; {
				val.end++
			}
			val.next = val.end
		}
		switch {
		case equalFold(name, "signature"), equalFold(name, "response"), equalFold(name, "mac"), equalFold(name, "nonce"), equalFold(name, "cnonce"),
			equalFold(name, "oauth_signature"), equalFold(name, "oauth_token"), equalFold(name, "oauth_nonce"):
			if !s.isPlaceholder(v[val.start:val.end]) {
				s.add(val.start, val.end, kindSignature, decodeNone)
			}
		}
		i = val.next
	}
	s.spend(i - from)
	return i
}

// parameterScheme is the width of a scheme that has parameters rather than a
// token, and the blanks behind it; 0 if there is none at v[i:].
func parameterScheme(v string, i int) int {
	sp := run(v, i, setToken)
	switch scheme := v[i:sp]; {
	case hasFoldPrefix(scheme, "aws4-hmac"), equalFold(scheme, "digest"), equalFold(scheme, "hawk"):
	case equalFold(scheme, "oauth"):
		// Version 1; version 2 has a token.
		from := skipBlanks(v, sp)
		if k := run(v, from, setToken); k == from || k >= len(v) || v[k] != '=' {
			return 0
		}
	default:
		return 0
	}
	if from := skipBlanks(v, sp); from > sp {
		return from - i
	}
	return 0
}

// bearer handles "Bearer <token>" anywhere in text.
func (s *Scanner) bearer(v string, at, i int) {
	if !startsHere(v, at) {
		return
	}
	i = skipBlanks(v, i)
	end := s.cutEncoded(v, i, s.runEnd(v, i, setOpaque))
	for end > i && v[end-1] == '.' {
		end--
		s.spend(1)
	}
	text := v[i:end]
	digit, _, _ := shapes(text[:min(len(text), 256)])
	if len(text) >= 16 || len(text) >= 8 && digit > 0 {
		if digit == 0 && len(text) < 24 || s.isPlaceholder(text) {
			return // "bearer authentication-scheme"
		}
		s.add(i, end, kindBearer, decodeNone)
	}
}

// basic handles "Basic <base64 of user:password>" anywhere in text.
func (s *Scanner) basic(v string, at, i int) {
	if !startsHere(v, at) {
		return
	}
	i = skipBlanks(v, i)
	end := run(v, i, setBase64)
	for end < len(v) && v[end] == '=' {
		end++
	}
	s.spend(end - i)
	if isBasicAuth(v[i:end]) {
		s.add(i, end, kindBasicAuth, decodeBasic)
	}
}

// isBasicAuth says whether v decodes to printable user:password.
func isBasicAuth(v string) bool {
	if len(v) < 8 || len(v) > 1024 {
		return false
	}
	var raw [768]byte
	var src [1024]byte
	n, err := base64.RawStdEncoding.Decode(raw[:], src[:copy(src[:], strings.TrimRight(v, "="))])
	if err != nil {
		return false
	}
	colon := false
	for _, c := range raw[:n] {
		if c < 0x20 || c == 0x7f {
			return false
		}
		colon = colon || c == ':'
	}
	return colon
}

// cookieAttributes of Set-Cookie are no cookies.
var cookieAttributes = map[string]bool{
	"path": true, "domain": true, "expires": true, "max-age": true, "samesite": true, "priority": true, "version": true,
}

// cookies masks the value of every cookie in v[val.start:val.end]; the names
// stay, since they say which session was used.
func (s *Scanner) cookies(v string, val value) {
	s.spend(val.end - val.start)
	s.valueEnd = max(s.valueEnd, val.end)
	for i := val.start; i < val.end; {
		semi := strings.IndexByte(v[i:val.end], ';')
		stop := val.end
		if semi >= 0 {
			stop = i + semi
		}
		if eq := strings.IndexByte(v[i:stop], '='); eq >= 0 {
			name := strings.TrimSpace(v[i : i+eq])
			from := i + eq + 1
			var buf [16]byte
			key := buf[:0]
			for k := 0; k < len(name) && k < len(buf); k++ {
				key = append(key, fold(name[k]))
			}
			if text := v[from:stop]; !(len(name) < len(buf) && cookieAttributes[string(key)]) && !s.isPlaceholder(text) {
				s.add(from, stop, kindCookie, decodeNone)
			}
		}
		i = stop + 1
	}
}

// query handles a signature in a URL: the parameter must stand in a query.
func (s *Scanner) query(v string, at, i int, kind kindID) {
	start := at
	for start > 0 && at-start < 24 && in(v[start-1], setToken) {
		start--
	}
	if (start == 0 || v[start-1] != '?' && v[start-1] != '&') && !hasFoldPrefix(v[start:], "cloudfront-") {
		return
	}
	val := bareValue(v, i, true)
	s.spend(val.end - i)
	least := 16
	if hasFoldPrefix(v[at:], "policy") {
		least = 40 // CloudFront's, as base64; a name of a policy is none
		if digit, lower, upper := shapes(v[val.start:val.end]); digit == 0 || lower == 0 || upper == 0 {
			return
		}
	}
	if text := v[val.start:val.end]; len(text) >= least {
		val.percent = true
		s.addValue(v, val, kind)
	}
}
