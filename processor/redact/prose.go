// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// spaced handles a name and a value with only spaces between: SQL's PASSWORD
// 'x', netrc's login a password b, prose ("the password is x"), and AWS names,
// which are never words of a sentence.
func (s *Scanner) spaced(v string, start, end, j int, kind kindID, name string) {
	if j >= len(v) {
		return
	}
	switch kind {
	case kindAWSSecretKey, kindAWSSessionToken:
		if hasFoldPrefix(v[j:], "is ") {
			j += 3
		}
		val := bareValue(v, j, false)
		if q, slashes, w := quoteAt(v, j); w > 0 {
			val = quotedValue(v, j+w, q, slashes)
		}
		if text := v[val.start:val.end]; len(text) >= 16 && !isFlag(text) && allIn(text, setBase64URL|setBase64) {
			s.addValue(v, val, kind)
		}
		return
	case kindPassword, kindSecret, kindToken, kindAPIKey, kindCredential:
	default:
		return
	}
	if kind == kindPassword {
		if q, slashes, w := quoteAt(v, j); w > 0 && q == '\'' && (sqlBefore(v, start) || equalFold(name, "password")) {
			val := quotedValue(v, j+w, q, slashes)
			if val.end < len(v) {
				s.addValue(v, val, kind)
			}
			return
		}
		if hasFoldPrefix(v[j:], "for ") {
			// SET PASSWORD FOR user = 'x'
			limit := min(len(v), j+128)
			if eq := strings.IndexByte(v[j:limit], '='); eq > 0 {
				k := skipBlanks(v, j+eq+1)
				if hasFoldPrefix(v[k:], "password(") {
					return // its own name follows
				}
				if q, slashes, w := quoteAt(v, k); w > 0 {
					s.addValue(v, quotedValue(v, k+w, q, slashes), kind)
				}
			}
			return
		}
		if netrcBefore(v, start) {
			s.addValue(v, bareValue(v, j, false), kind)
			return
		}
	}
	// "the password is hunter2": only what cannot be a word.
	for _, verb := range [...]string{"is ", "was ", "to ", "set to "} {
		if !hasFoldPrefix(v[j:], verb) {
			continue
		}
		k := skipBlanks(v, j+len(verb))
		if q, slashes, w := quoteAt(v, k); w > 0 {
			val := quotedValue(v, k+w, q, slashes)
			if val.next <= len(v) && val.end-val.start < 128 && val.end < len(v) {
				s.addValue(v, val, kind)
			}
			return
		}
		// Up to the next space: a sentence has no other separators.
		val := value{start: k, end: k}
		for val.end < len(v) && val.end-k < 256 && !in(v[val.end], setSpace) && !isQuote(v[val.end]) {
			val.end++
		}
		text := strings.TrimRight(v[val.start:val.end], ".,;:!?)")
		if n := markerLen(text); n > 0 {
			return
		}
		digit, lower, upper := shapes(text)
		if len(text) >= 6 && digit > 0 && lower+upper > 0 {
			val.end = val.start + len(text)
			s.addValue(v, val, kind)
		}
		return
	}
}

// sqlBefore: … WITH PASSWORD 'x', … ENCRYPTED PASSWORD 'x'.
func sqlBefore(v string, start int) bool {
	for _, w := range [...]string{"with ", "encrypted ", "set "} {
		if start >= len(w) && hasFoldPrefix(v[start-len(w):], w) {
			return true
		}
	}
	return false
}

// netrcBefore: "login <user> " stands before the name.
func netrcBefore(v string, start int) bool {
	from := max(0, start-80)
	i := strings.LastIndex(v[from:start], "login ")
	return i >= 0 && strings.Count(strings.TrimSpace(v[from+i:start]), " ") == 1
}

// proseValue says whether what follows "name: " is a value. In YAML, INI and
// the like the name starts its line. Inside a sentence ("invalid token:
// unexpected end") a word of plain letters is none.
func (s *Scanner) proseValue(v string, start int, val value, kind kindID, quotedName bool) bool {
	if quotedName {
		return true
	}
	i := start
	for i > 0 && (v[i-1] == ' ' || v[i-1] == '\t' || v[i-1] == '-') {
		i--
	}
	if i == 0 || v[i-1] == '\n' || v[i-1] == '{' || v[i-1] == ',' || i >= 2 && v[i-2] == '\\' && v[i-1] == 'n' {
		// A line start; but a line that goes on in words is prose.
		if val.next >= len(v) || v[val.next] != ' ' {
			return true
		}
	}
	text := v[val.start:val.end]
	digit, lower, upper := shapes(text)
	if kind == kindPassword {
		return digit > 0 || lower > 0 && upper > 1 || digit+lower+upper < len(strings.TrimRight(text, ".,;:!?"))
	}
	return len(text) >= 8 && digit > 0
}

// spacedName joins "secret access key" and the like, written as prose.
func (s *Scanner) spacedName(v string, start, end int) string {
	const lead = 20
	from := max(0, start-lead)
	for _, phrase := range [...]string{"secret access ", "aws secret ", "private ", "api ", "access ", "session "} {
		if start-from >= len(phrase) && hasFoldPrefix(v[start-len(phrase):], phrase) {
			from = start - len(phrase)
			if from == 0 || !in(v[from-1], setAlnum) {
				return v[from:end]
			}
		}
	}
	return ""
}
