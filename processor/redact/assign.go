// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// nameReach bounds how far a name is read to either side of the word that
// triggered the rule.
const nameReach = 80

// word looks at what is assigned to the name around the word at v[at:].
func (s *Scanner) word(v string, at, wordEnd int) {
	if at < s.nameEnd || at < s.valueEnd {
		return // part of a name or a value that was looked at
	}
	start := at
	for start > 0 && start > s.nameEnd && at-start < nameReach && in(v[start-1], setName) {
		start--
	}
	plain := start
	if start > 0 && start < at && escapeBefore(v, start) {
		start++ // the n of \n is no letter of the name
	}
	end := wordEnd
	for end < len(v) && end-wordEnd < nameReach && in(v[end], setName) {
		end++
	}
	s.nameEnd = end
	// A name that ends the text, or goes on as a path, has nothing assigned.
	if end >= len(v) {
		return
	}
	switch v[end] {
	case '=', ':', '"', '\'', '\\', ' ', ']', '\t', '>', '`', '(', '\n', '%':
	default:
		return
	}
	name := v[start:end]
	flag := strings.HasPrefix(name, "-")
	name = strings.TrimLeft(name, "-")
	if name == "" {
		return
	}
	if c := s.spacedName(v, start, end); c != "" {
		name = c
	}
	cls := s.r.classifyName(name)
	if cls.kind == kindNone && plain < start {
		cls = s.r.classifyName(strings.TrimLeft(v[plain:end], "-"))
	}
	if cls.kind == kindNone {
		s.keyParameter(v, start, end, name)
		return
	}
	s.assigned(v, start, end, flag, cls.kind, name)
}

// escapeBefore says whether the byte at v[i] is the letter of an escape.
func escapeBefore(v string, i int) bool {
	return v[i-1] == '\\' && (v[i] == 'n' || v[i] == 'r' || v[i] == 't')
}

// assigned finds the value that follows the name v[start:end].
func (s *Scanner) assigned(v string, start, end int, flag bool, kind kindID, name string) {
	i := end
	// The quote that closes a quoted name, the bracket of user[password].
	quotedName := false
	if i < len(v) && v[i] == ']' {
		i++
	}
	if _, _, w := quoteAt(v, i); w > 0 && start > 0 && isQuote(v[start-1]) {
		quotedName = true
		i += w
	}
	if flag {
		// "--password","x" of an argv that was serialised.
		if w := argvBreak(v, end); w > 0 {
			q, slashes, _ := quoteAt(v, end)
			val := quotedValue(v, end+w, q, slashes)
			s.spend(val.end - end)
			if !isFlag(v[val.start:val.end]) {
				s.addValue(v, val, kind)
			}
			return
		}
	}
	if quotedName && i < len(v) && v[i] == ',' {
		s.pairValue(v, i+1, kind)
		return
	}
	j := skipBlanks(v, i)
	sep := byte(0)
	space := false
	switch {
	case j < len(v) && (v[j] == '=' || v[j] == ':'):
		sep = v[j]
		j++
		for j < len(v) && (v[j] == '=' || v[j] == '>' && sep == '=' || v[j] == ':') && j-i < 6 {
			j++
		}
		k := skipBlanks(v, j)
		space = k > j
		j = k
	case j < len(v) && v[j] == '>' && start > 0 && v[start-1] == '<':
		s.element(v, j+1, kind)
		return
	case flag && j > i:
		sep = ' '
	case j > i && !quotedName:
		s.spaced(v, start, end, j, kind, name)
		return
	case j < len(v) && v[j] == '(' && j == end:
		// PASSWORD('x')
		if q, slashes, w := quoteAt(v, j+1); w > 0 {
			s.addValue(v, quotedValue(v, j+1+w, q, slashes), kind)
		}
		return
	default:
		return
	}
	if j >= len(v) {
		return
	}
	if sep == ':' && !quotedName && (v[j] == '\n' || v[j] == '\r' || v[j] == '|' || v[j] == '>') {
		s.block(v, start, j, kind)
		return
	}
	if sep == ':' && !space && !quotedName && start > 0 {
		// An ARN (…:secret:name), an image (repo/secret:v1), a URL's user.
		switch v[start-1] {
		case '/', '@':
			return
		case ':':
			if inARN(v, start) {
				return
			}
		}
	}
	if start >= 3 && strings.HasSuffix(v[:start], "://") {
		return // user info: the URL rule knows where it ends
	}
	if sep == '=' && space && in(v[end], setSpace) == false && v[j] == '-' {
		return // an empty assignment, and a flag behind it
	}

	switch kind {
	case kindAuthorization:
		s.authorization(v, j)
		return
	case kindCookie:
		if sep == ':' || sep == ' ' {
			if _, _, w := quoteAt(v, j); w > 0 {
				j += w
			}
			s.cookies(v, lineValue(v, j))
			return
		}
	}

	if q, slashes, w := quoteAt(v, j); w > 0 {
		val := quotedValue(v, j+w, q, slashes)
		s.spend(val.end - j)
		if slashes == 0 && !quotedName && !space {
			if end := s.joinedTo(v, j, val.next); end > val.next {
				val = value{start: j, end: end, next: end, quoted: true}
			}
		}
		s.addValue(v, val, kind)
		return
	}
	if quotedName && (v[j] == '{' || v[j] == '[') {
		s.nested(v, j, kind)
		return
	}
	query := start > 0 && (v[start-1] == '?' || v[start-1] == '&')
	val := bareValue(v, j, query)
	s.spend(val.end - j)
	if sep == ' ' {
		// --password --force: the flag has no value here.
		if isFlag(v[val.start:val.end]) {
			return
		}
	}
	if sep == ':' && space && !s.proseValue(v, start, val, kind, quotedName) {
		return
	}
	if val.percent && !query && !(val.next < len(v) && v[val.next] == '&') && strings.IndexByte(v[:start], '&') < 0 && start > 0 {
		val.percent = false
	}
	s.addValue(v, val, kind)
}

// inARN says whether the word that reaches up to start begins with arn: or
// urn:, in which names and values are separated by colons.
func inARN(v string, start int) bool {
	from := start
	for from > 0 && start-from < 256 && !in(v[from-1], setSpace) && !isQuote(v[from-1]) && v[from-1] != '=' {
		from--
	}
	return hasFoldPrefix(v[from:], "arn:") || hasFoldPrefix(v[from:], "urn:")
}

// isFlag: -x, --long-flag; not a secret that begins with a dash.
func isFlag(v string) bool {
	if len(v) < 2 || v[0] != '-' {
		return false
	}
	if v[1] == '-' {
		return len(v) == 2 || in(v[2], setLower) && allIn(v[2:], setToken|setName) || strings.IndexByte(v, '=') > 0 && in(v[2], setLower)
	}
	return len(v) == 2 || len(v) <= 24 && in(v[1], setLower) && allIn(v[1:], setLower)
}

// keyParameter handles names that are sensitive in a URL only: ?key=….
func (s *Scanner) keyParameter(v string, start, end int, name string) {
	if !equalFold(name, "key") || start == 0 || v[start-1] != '?' && v[start-1] != '&' || v[end] != '=' {
		return
	}
	from := end + 1
	to := s.cutEncoded(v, from, s.runEnd(v, from, setOpaque))
	val := value{start: from, end: to, next: to, percent: true}
	if text := v[from:to]; len(text) >= 16 {
		if digit, _, _ := shapes(text); digit > 0 {
			s.addValue(v, val, kindAPIKey)
		}
	}
}

// addValue adds the span of a value unless it is no secret.
func (s *Scanner) addValue(v string, val value, kind kindID) {
	text := v[val.start:val.end]
	// openssl's pass:… says how the password is given.
	if strings.HasPrefix(text, "pass:") {
		val.start += len("pass:")
		text = text[len("pass:"):]
	}
	if !val.quoted {
		// An unquoted $(command …) or {{ template }} ends further on.
		if strings.HasPrefix(text, "$(") || strings.HasPrefix(text, "{{") || strings.HasPrefix(text, "${{") {
			if harmlessPrefix(text) {
				return
			}
		}
		for len(text) > 0 && (text[len(text)-1] == ',' || text[len(text)-1] == ':') {
			text = text[:len(text)-1]
			val.end--
		}
	}
	if text == "" || harmless(text, kind) {
		return
	}
	dec := decodeNone
	switch kind {
	case kindSecret:
		if isContainerOption(text) {
			return
		}
	case kindVaultSecretID:
		if !isUUID(text) {
			return
		}
	case kindBasicAuth:
		if !isBasicAuth(text) {
			return
		}
		dec = decodeBasic
	case kindPrivateKey:
		dec = decodePEM
	}
	switch {
	case dec != decodeNone:
	case val.percent:
		dec = decodePercent
	case val.escaped:
		dec = decodeBackslash
	}
	s.add(val.start, val.end, kind, dec)
	s.valueEnd = max(s.valueEnd, val.end)
}

// harmlessPrefix: an expression cut short by a space inside it.
func harmlessPrefix(text string) bool {
	return strings.HasPrefix(text, "$(") || strings.IndexByte(text, '}') < 0 || strings.HasSuffix(text, "}}")
}

// isContainerOption: docker's --secret id=npmrc,src=….
func isContainerOption(v string) bool {
	return strings.HasPrefix(v, "id=") || strings.HasPrefix(v, "type=") || strings.HasPrefix(v, "source=") || strings.HasPrefix(v, "src=")
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

func skipBlanks(v string, i int) int {
	for i < len(v) && (v[i] == ' ' || v[i] == '\t') {
		i++
	}
	return i
}
