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
	case kindVaultSecretID:
		s.settings(v, start, end, j, kind, name)
		return
	default:
		return
	}
	if q, slashes, w := quoteAt(v, j); w > 0 && q != '`' && !equalFold(name, "pass") && s.quotedBehind(v, quotedValue(v, j+w, q, slashes), kind) {
		return
	}
	if val, ok := s.curlyValue(v, j); ok && !strings.ContainsAny(v[val.start:val.end], " \t\n") {
		digit, lower, upper := shapes(v[val.start:val.end])
		if kind == kindPassword && digit+lower+upper < val.end-val.start || digit > 0 && lower+upper > 0 {
			s.addValue(v, val, kind)
		}
		return
	}
	if hasFoldPrefix(v[j:], "reg_sz ") || hasFoldPrefix(v[j:], "/t reg_sz /d ") {
		k := skipBlanks(v, j+strings.IndexByte(v[j:], 'Z')+1)
		if hasFoldPrefix(v[k:], "/d ") {
			k = skipBlanks(v, k+3)
		}
		s.word1(v, k, kind)
		return
	}
	if s.settings(v, start, end, j, kind, name) || s.prompted(v, j, kind) {
		return
	}
	if name == "SECRET" && v[j] == '\'' {
		if val := quotedValue(v, j+1, '\'', 0); val.end < len(v) {
			s.addValue(v, val, kind)
		}
		return
	}
	if kind == kindPassword {
		if equalFold(name, "requirepass") || equalFold(name, "masterauth") {
			s.addValue(v, bareValue(v, j, false), kind)
			return
		}
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
		if (equalFold(name, "password") || equalFold(name, "passwd")) && netrcBefore(v, start) {
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
		if val, ok := s.curlyValue(v, k); ok {
			s.addValue(v, val, kind)
			return
		}
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
		if n := s.markerLen(text); n > 0 {
			return
		}
		digit, lower, upper := shapes(text)
		if len(text) >= 6 && digit > 0 && lower+upper > 0 {
			val.end = val.start + len(text)
			s.addValue(v, val, kind)
		}
		return
	}
	s.adjacent(v, j, kind, kind != kindAPIKey)
}

// quotedBehind takes the quoted value right behind a name, as Gradle, Ruby and
// netrc write it, where it is no word of a sentence: field password "repeat".
func (s *Scanner) quotedBehind(v string, val value, kind kindID) bool {
	s.spend(val.end - val.start)
	text := v[val.start:val.end]
	if val.end >= len(v) || len(text) < 6 || len(text) > 256 || strings.ContainsAny(text, " \t\n") {
		return false
	}
	digit, lower, upper := shapes(text)
	if kind != kindPassword && strings.IndexByte(text, '/') >= 0 {
		return false // a path: an import of a package that is called so
	}
	if digit == 0 || lower+upper == 0 {
		// It ends its line, or its statement.
		if kind != kindPassword || val.next < len(v) && strings.IndexByte("\n\r;)", v[val.next]) < 0 && newlineAt(v, val.next) == 0 {
			return false
		}
	}
	s.addValue(v, val, kind)
	return true
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
	if i == 0 || hasHeaderFlag(v[:i]) || strings.IndexByte("\n\r{,\"'>", v[i-1]) >= 0 || i >= 2 && v[i-2] == '\\' && v[i-1] == 'n' {
		if i > 0 && kind != kindPassword && strings.IndexByte("\"'>", v[i-1]) >= 0 && strings.IndexByte(v[start:val.start], '-') < 0 && allIn(v[val.start:val.end], setLower) {
			return false // 'token: expired'
		}
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

// hasHeaderFlag: --header=X-Api-Key: x, -HX-Api-Key: x.
func hasHeaderFlag(v string) bool {
	return strings.HasSuffix(v, "header=") || strings.HasSuffix(v, "header ") || strings.HasSuffix(v, " -H")
}

// spacedName joins "secret access key" and the like, written as prose.
func (s *Scanner) spacedName(v string, start, end int) string {
	const lead = 20
	from := max(0, start-lead)
	for _, phrase := range [...]string{"secret access ", "aws secret ", "private ", "api ", "access ", "session ", "unseal ", "recovery ", "hmac ", "signing ", "encryption "} {
		if start-from >= len(phrase) && hasFoldPrefix(v[start-len(phrase):], phrase) {
			from = start - len(phrase)
			if from == 0 || !in(v[from-1], setAlnum) {
				return v[from:end]
			}
		}
	}
	return ""
}

// cell takes the next cell of a table's row, | password | x |, or what follows
// a single bar, where it is no word: a bar is a pipe more often. i is behind the
// bar.
func (s *Scanner) cell(v string, start, i int, kind kindID) {
	if kind == kindAuthorization || kind == kindCookie {
		return
	}
	i = skipBlanks(v, i)
	end := i
	for end < len(v) && end-i < 256 && v[end] != '|' && !in(v[end], setSpace) && !isQuote(v[end]) {
		end++
	}
	s.spend(end - i)
	after := skipBlanks(v, end)
	row := backOverBlanks(v, start) > 0 && v[backOverBlanks(v, start)-1] == '|'
	if row && after < len(v) && v[after] != '|' || !row && (after < len(v) && newlineAt(v, after) == 0 || end-i < 8) {
		return
	}
	digit, lower, upper := shapes(v[i:end])
	if end-i < 6 || digit == 0 || lower+upper == 0 || isFlag(v[i:end]) {
		return
	}
	s.addValue(v, value{start: i, end: end, next: end}, kind)
}
