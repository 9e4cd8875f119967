// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// prefixed handles a secret that starts with a literal of its own.
func (s *Scanner) prefixed(v string, at int, l *literal) {
	if !startsHere(v, at) {
		return
	}
	body := at + len(l.text)
	end := 0
	if l.max > 0 {
		limit := min(len(v), body+l.max+1)
		end = run(v[:limit], body, l.set)
	} else {
		end = s.runEnd(v, body, l.set)
	}
	if l.set == setOpaque {
		end = s.cutEncoded(v, body, end)
	}
	for end > body && (v[end-1] == '.' || l.set == setOpaque && v[end-1] == '%') {
		end-- // the full stop of a sentence
		s.spend(1)
	}
	n := end - body
	if n < l.min || l.max > 0 && n > l.max {
		return
	}
	if !varied(v[body:end], l.mix) || len(l.text) < 16 && distinct(v[body:end]) < 4 {
		return
	}
	if l.text == "sk-" && strings.HasPrefix(v[body:], "ant-") {
		return // the more specific rule names it
	}
	s.add(at, end, l.kind, decodeNone)
}

// cutEncoded is where v[from:end], a run that may hold percent escapes, meets
// an escaped separator.
func (s *Scanner) cutEncoded(v string, from, end int) int {
	s.spend(end - from)
	for i := from; i < end; i++ {
		if v[i] != '%' {
			continue
		}
		if c, ok := percentAt(v, i); ok && (c <= ' ' || strings.IndexByte("&\"';,<>{}()[]|?#`\\", c) >= 0) {
			return i
		}
	}
	return end
}

// varied says whether v has the variety that a rule asks for.
func varied(v string, m mix) bool {
	if m == mixNone {
		return true
	}
	digit, lower, upper := shapes(v[:min(len(v), 256)])
	if m == mixDigit {
		return digit > 0
	}
	return digit > 0 && lower > 0 && upper > 0
}

// distinct is how many different letters and digits v is written with, up to
// four: what has fewer is "xxxxxxxx" and stands for a secret.
func distinct(v string) int {
	v = v[:min(len(v), 256)]
	var seen [4]byte
	n := 0
next:
	for i := 0; i < len(v) && n < len(seen); i++ {
		if !in(v[i], setAlnum) {
			continue
		}
		for _, c := range seen[:n] {
			if c == v[i] {
				continue next
			}
		}
		seen[n] = v[i]
		n++
	}
	return n
}

// runEnd is run with a memory: where a run of the same set was measured
// before and i lies inside it, its end is known. That keeps a text that is one
// long run full of literals linear.
func (s *Scanner) runEnd(v string, i int, set charset) int {
	for k := range s.runs {
		if r := &s.runs[k]; r.set == set {
			if r.start <= i && i <= r.end {
				return r.end
			}
			r.start, r.end = i, run(v, i, set)
			return r.end
		}
	}
	end := run(v, i, set)
	if s.nruns < len(s.runs) {
		s.runs[s.nruns] = measuredRun{set: set, start: i, end: end}
		s.nruns++
	} else {
		s.spend(end - i)
	}
	return end
}

type measuredRun struct {
	set        charset
	start, end int
}

// awsKeyID handles AKIA and ASIA ids: 20 characters between others. A secret
// access key that follows in the same breath has no shape of its own; the id
// is what gives it away.
func (s *Scanner) awsKeyID(v string, at int) {
	const n = 20
	if at+n > len(v) || !startsHere(v, at) || distinct(v[at+4:at+n]) < 4 || !allIn(v[at+4:at+n], setUpperDigit) || at+n < len(v) && in(v[at+n], setAlnum) {
		return
	}
	s.add(at, at+n, kindAWSAccessKeyID, decodeNone)
	limit := min(len(v), at+n+96)
	for i := at + n; i < limit; {
		if !in(v[i], setBase64) {
			i++
			continue
		}
		end := i
		for end < len(v) && end-i <= awsSecretLen && in(v[end], setBase64) {
			end++
		}
		if end-i == awsSecretLen && isAWSSecret(v[i:end]) {
			s.add(i, end, kindAWSSecretKey, decodeNone)
			return
		}
		i = end + 1
	}
}

const awsSecretLen = 40

// isAWSSecret says whether v has the form of a secret access key: 40
// characters of base64 with letters of both cases and digits, which a
// hexadecimal hash has not.
func isAWSSecret(v string) bool {
	if len(v) != awsSecretLen || !allIn(v, setBase64) {
		return false
	}
	digit, lower, upper := shapes(v)
	return digit > 0 && lower > 2 && upper > 2 && strings.Count(v, "/") <= 5
}

// isBareAWSSecret is isAWSSecret for a value that nothing else speaks for. It
// asks for more: the cases change often, as they do not in words and paths.
func isBareAWSSecret(v string) bool {
	if len(v) != awsSecretLen || v[0] == '/' || !isAWSSecret(v) {
		return false
	}
	digit, lower, upper := shapes(v)
	if digit < 2 || lower < 6 || upper < 6 || strings.Count(v, "/") > 4 {
		return false
	}
	changes := 0
	for i := 1; i < len(v); i++ {
		if classOf[v[i]]&(setDigit|setLower|setUpper) != classOf[v[i-1]]&(setDigit|setLower|setUpper) {
			changes++
		}
	}
	return changes >= 16
}

// azureSecret handles Entra ID client secrets: three characters, a digit,
// "Q~", and 31 to 34 more. at is where the digit stands.
func (s *Scanner) azureSecret(v string, at int) {
	start := at - 3
	if start < 0 || !allIn(v[start:at], setTilde) || start > 0 && in(v[start-1], setAlnum|setTilde) && !startsHere(v, start) && v[start-1] != '-' {
		return
	}
	body := at + 3
	limit := min(len(v), body+44)
	end := run(v[:limit], body, setTilde)
	for end > body && v[end-1] == '.' && end-body > 34 {
		end--
	}
	if n := end - body; n >= 30 && n <= 42 {
		s.add(start, end, kindAzureClientSecret, decodeNone)
	}
}

// jwt handles JSON web tokens: segments of base64url, of which the first is a
// JSON object (eyJ). Three parts, two of which the second is an object too
// (the signature was cut off or is empty), or five (encrypted).
func (s *Scanner) jwt(v string, at int) {
	if at < s.jwtEnd || !startsHere(v, at) {
		return
	}
	end := run(v, at, setDotToken)
	s.jwtEnd = end
	text := v[at:end]
	first := strings.IndexByte(text, '.')
	if first < 0 {
		return
	}
	// A run may start with an eyJ that is none: take the last segment that
	// starts a token with enough behind it.
	for first >= 0 && first < 10 {
		next := strings.Index(text[first:], ".eyJ")
		if next < 0 {
			return
		}
		at += first + next + 1
		text = v[at:end]
		first = strings.IndexByte(text, '.')
	}
	if first < 0 {
		return
	}
	rest := text[first+1:]
	second := strings.IndexByte(rest, '.')
	if second < 0 && !strings.HasPrefix(rest, "eyJ") || second >= 0 && second < 4 && !strings.HasPrefix(rest, "eyJ") && strings.Count(rest, ".") < 3 {
		return
	}
	for end > at && v[end-1] == '.' && second < 0 {
		end--
	}
	s.add(at, end, kindJWT, decodeNone)
}

// telegram handles bot tokens: 8 to 10 digits, ":AA", 33 more. at is where
// the colon stands.
func (s *Scanner) telegram(v string, at int) {
	start := at
	for start > 0 && at-start < 11 && in(v[start-1], setDigit) {
		start--
	}
	if n := at - start; n < 8 || n > 10 {
		return
	}
	body := at + 1
	end := run(v[:min(len(v), body+37)], body, setToken)
	if n := end - body; n < 34 || n > 36 {
		return
	}
	s.add(start, end, kindTelegramToken, decodeNone)
}

// suffixed handles secrets that carry their literal inside.
func (s *Scanner) suffixed(v string, at int, l *literal) {
	before, set := 14, setAlnum
	if l.kind == kindMailchimpKey {
		before, set = 32, setLowerHex
	}
	start := at - before
	if start < 0 || !allIn(v[start:at], set) || !startsHere(v, start) {
		return
	}
	body := at + len(l.text)
	end := run(v[:min(len(v), body+128)], body, l.set)
	if n := end - body; n < l.min || l.max > 0 && n > l.max {
		return
	}
	s.add(start, end, l.kind, decodeNone)
}

const (
	pemReach  = 48      // from BEGIN to PRIVATE KEY
	pemLength = 1 << 16 // the longest key with an END that is looked for
)

// pem handles private keys, with real or escaped line ends, whole or cut off.
func (s *Scanner) pem(v string, at int) {
	if at < s.pemEnd {
		return
	}
	head := v[at:min(len(v), at+pemReach)]
	k := strings.Index(head, "PRIVATE")
	if k < 0 || !strings.Contains(head[k:min(len(head), k+16)], "KEY") || strings.Contains(head[:k], "-----END") || strings.Count(head[:k], "-----") > 1 {
		return
	}
	body := at + k + len("PRIVATE")
	body += strings.Index(v[body:], "KEY") + len("KEY")
	limit := min(len(v), body+pemLength)
	end := -1
	if from := max(body, s.noEnd); from < limit {
		if e := strings.Index(v[body:limit], "-----END"); e >= 0 {
			s.spend(e)
			end = body + e + len("-----END")
			// … PRIVATE KEY-----
			if d := strings.Index(v[end:min(len(v), end+pemReach)], "-----"); d >= 0 {
				end += d + len("-----")
			}
		} else {
			s.spend(limit - body)
			s.noEnd = limit
		}
	}
	if end < 0 {
		end = s.cutPEM(v, body)
	}
	s.pemEnd = end
	s.valueEnd = max(s.valueEnd, end)
	s.add(at, end, kindPrivateKey, decodePEM)
}

// putty handles the private part of a PuTTY key; i is behind "Private-Lines: ".
func (s *Scanner) putty(v string, i int) {
	if i < s.pemEnd {
		return
	}
	start := run(v, i, setDigit)
	end := s.cutPEM(v, start)
	s.pemEnd = end
	if end > start {
		s.valueEnd = max(s.valueEnd, end)
		s.add(start, end, kindPrivateKey, decodePEM)
	}
}

// cutPEM is the end of a key that was cut off: long words of base64 between
// line ends, real or escaped, and at most one short word behind them.
func (s *Scanner) cutPEM(v string, i int) int {
	from := i
	for i < len(v) && v[i] == '-' {
		i++
	}
	end := i
	for i < len(v) {
		j := i
		for j < len(v) && (in(v[j], setSpace) || v[j] == '\\' && j+1 < len(v) && (v[j+1] == 'n' || v[j+1] == 'r' || v[j+1] == '\\')) {
			if v[j] == '\\' && v[j+1] != '\\' {
				j++
			}
			j++
		}
		k := j
		for k < len(v) && (in(v[k], setBase64) || v[k] == '=' || v[k] == '%') {
			k++
		}
		if k == j {
			// Headers of an encrypted key: "Proc-Type: 4,ENCRYPTED".
			break
		}
		header := k < len(v) && (v[k] == '-' || v[k] == ':') && k-j < 16
		if header {
			for k < len(v) && v[k] != '\n' && v[k] != '\\' {
				k++
			}
		}
		if k-j < 16 && !header {
			if end > i-1 && j > i && strings.IndexByte(v[i:j], ' ') < 0 {
				end = k
			}
			break
		}
		end, i = k, k
	}
	s.spend(max(end, i) - from)
	return end
}

// appendPEMBody appends what of a key counts for its fingerprint: the base64
// of its body, so that line ends and their escapes do not.
func appendPEMBody(dst []byte, v string) []byte {
	if i := strings.Index(v, "KEY-----"); i >= 0 {
		v = v[i+len("KEY-----"):]
	}
	if i := strings.Index(v, "-----END"); i >= 0 {
		v = v[:i]
	}
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) && (v[i+1] == 'n' || v[i+1] == 'r') {
			i++
			continue
		}
		if in(v[i], setBase64) || v[i] == '=' {
			dst = append(dst, v[i])
		}
	}
	return dst
}
