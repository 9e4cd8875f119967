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
	compared := s.comparedBefore(v, start)
	// A name that ends the text, or goes on as a path, has nothing assigned.
	if !compared.found {
		if end >= len(v) {
			return
		}
		switch v[end] {
		case '%':
			s.escaped = true
		case '=', ':', '"', '\'', '\\', ' ', ']', '\t', '>', '`', '(', '\n', '\r', '[', ',', ')', '<', '!', '-', '|':
		case '+':
			// A space, perhaps: --password+x in a query.
			if end+1 < len(v) && (in(v[end+1], setOpaque) && v[end+1] != '+' && v[end+1] != '=' || isQuote(v[end+1])) {
				s.escaped, s.plus = true, true
			}
			return
		case arrow[0], wide[0]:
		default:
			return
		}
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
		if cls.reach != reachNone {
			s.weak(v, start, end, flag, name)
		}
		return
	}
	if cls.reach == reachDigits || cls.reach == reachCode && !codeFollows(v, end) {
		return // a PIN is one only under its key: text says "pin: 4711" of other things
	}
	if compared.found {
		if text := v[compared.value.start:compared.value.end]; cls.kind != kindPassword && !comparable(text) {
			return
		}
		s.addValue(v, compared.value, cls.kind)
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
	quotedName := false
	if i < len(v) && v[i] == ']' {
		i++ // user[password]
		if endsLine(v, i) && !flag {
			s.section(v, start, i, kind, name)
			return
		}
	}
	if i < len(v) && v[i] == '[' {
		// char secret[25] =
		if k := run(v, i+1, setDigit); k < len(v) && v[k] == ']' {
			if i = k + 1; strings.HasPrefix(v[skipBlanks(v, i):], "==") || strings.HasPrefix(v[skipBlanks(v, i):], "!=") {
				return // one character of it
			}
		}
	}
	// The quote that closes a quoted name, which CSV doubles.
	if _, _, w := quoteAt(v, i); w > 0 && start > 0 && isQuote(v[start-1]) {
		quotedName = true
		i += w
		if w == 1 && i < len(v) && v[i] == v[i-1] && v[i] != '`' && start > 1 && v[start-2] == v[i] {
			i++
		}
	} else if k := skipBlanks(v, i); k == i+1 && kind == kindAPIKey {
		// "Unseal Key 2: x"
		if d := run(v, k, setDigit); d > k && d-k <= 2 && d < len(v) && v[d] == ':' {
			i = d
		}
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
	j := skipBlanks(v, i)
	if s.pairAround(v, start, end, i, kind) || !flag && s.column(v, start, end, kind) {
		return
	}
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
	case j+1 < len(v) && v[j] == '!' && v[j+1] == '=':
		sep = '='
		for j++; j < len(v) && v[j] == '='; {
			j++
		}
		if j = skipBlanks(v, j); !s.comparedValue(v, j) {
			return
		}
		space = true
	case strings.HasPrefix(v[j:], "->"), strings.HasPrefix(v[j:], arrow):
		// In words, too: "password -> hash". Only what cannot be one is taken.
		j += 2
		if v[j-2] != '-' {
			j += len(arrow) - 2
		}
		j = skipBlanks(v, j)
		if quotedName || !s.arrowValue(v, j, kind) {
			return
		}
	case j < len(v) && v[j] == '|':
		s.cell(v, start, j+1, kind)
		return
	case start >= 2 && v[start-1] == ' ' && v[start-2] == '?' && newlineAt(v, j) > 0:
		// A key of YAML that is written out: ? password
		k := skipBlanks(v, j+newlineAt(v, j))
		if !strings.HasPrefix(v[k:], ": ") {
			return
		}
		j = skipBlanks(v, k+1)
		s.blockItem(v, j, lineEnd(v, j, false), kind)
		return
	case wideColon(v[j:]):
		j = skipBlanks(v, j+len(wide))
		sep, space = ':', true
	case s.inTag(v, start, i, kind):
		return
	case flag && j > i:
		if quotedName || kind == kindSecret && strings.HasSuffix(v[:start], "config set ") {
			return // `--key` is named, not given
		}
		sep = ' '
	case j < len(v) && (v[j] == ',' || v[j] == ')') && s.inserted(v, start, end, kind):
		return
	case j > i && !quotedName && typedValue(v, j) > j:
		j = typedValue(v, j)
		sep, space = '=', true
	case j > i && !quotedName:
		s.spaced(v, start, end, j, kind, name)
		return
	case j < len(v) && v[j] == '(' && j == end:
		// PASSWORD('x')
		k := quotePrefix(v, skipBlanks(v, j+1))
		if q, slashes, w := quoteAt(v, k); w > 0 {
			val := quotedValue(v, k+w, q, slashes)
			two := hasFoldPrefix(lastSegment(name), "userp") // UserPassword("bob", "x") starts with the user
			if text := v[val.start:val.end]; kind != kindCredential && !two && (kind == kindPassword || comparable(text)) {
				s.addValue(v, val, kind) // so does Credential("bob", "x")
			}
			// UserPassword("bob", "x")
			if k = skipBlanks(v, val.next); k < len(v) && v[k] == ',' {
				k = quotePrefix(v, skipBlanks(v, k+1))
				if q, slashes, w := quoteAt(v, k); w > 0 {
					if val := quotedValue(v, k+w, q, slashes); two || comparable(v[val.start:val.end]) {
						s.addValue(v, val, kind)
					}
				}
			}
		}
		return
	default:
		return
	}
	if j = typedValue(v, j); j >= len(v) {
		return
	}
	if sep == ':' && !quotedName && (newlineAt(v, j) > 0 || v[j] == '|' || v[j] == '>') {
		s.block(v, start, j, kind)
		return
	}
	if sep == ':' && !space && !quotedName && start > 0 {
		// An ARN (…:secret:name), an image (repo/secret:v1), a URL's user.
		switch v[start-1] {
		case '/':
			// A flag of Windows: /password:x
			if start > 1 && !in(v[start-2], setSpace) && !isQuote(v[start-2]) {
				return
			}
		case '@':
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

	if val, ok := s.curlyValue(v, j); ok {
		s.addValue(v, val, kind)
		return
	}
	j = wrapped(v, quotePrefix(v, j))
	if q, slashes, w := quoteAt(v, j); w > 0 {
		val := quotedValue(v, j+w, q, slashes)
		s.spend(val.end - j)
		if slashes == 0 && w == 1 && !quotedName && !space {
			if end := s.joinedTo(v, j, val.next); end > val.next {
				val = value{start: j, end: end, next: end, quoted: true}
			}
		}
		s.addValue(v, val, kind)
		return
	}
	if quotedName && (v[j] == '{' || v[j] == '[') {
		if kind == kindBasicAuth || kind == kindVaultSecretID {
			return // a name that says nothing of what is below
		}
		s.nested(v, j, kind)
		return
	}
	if v[j] == '[' && kind == kindPassword && s.markerLen(v[j:]) == 0 {
		// passwords = ["x", "y"]; of a form's rules (['required']) no word is one.
		k := skipSpaces(v, j+1)
		if q, slashes, w := quoteAt(v, k); w > 0 {
			if val := quotedValue(v, k+w, q, slashes); comparable(v[val.start:val.end]) && strings.IndexByte(v[val.start:val.end], ':') < 0 {
				s.nested(v, j, kind)
				return
			}
		}
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
	if space && s.secretFlag(v[val.start:val.end]) {
		return // the name of another secret, which stands behind it
	}
	if (space || sep == '=' && kind != kindPassword) && isExpression(v, val, name) || sep == ':' && isPackage(v, start, val) {
		return
	}
	if sep == ':' && space && !s.proseValue(v, start, val, kind, quotedName) {
		return
	}
	if val.percent && !query && !(val.next < len(v) && v[val.next] == '&') && strings.IndexByte(v[:start], '&') < 0 && start > 0 {
		val.percent = false
	}
	s.addValue(v, val, kind)
}

// quotePrefix steps over what languages write before a quote: N'x', @"x", b'x'.
func quotePrefix(v string, i int) int {
	if i+1 < len(v) && (v[i+1] == '"' || v[i+1] == '\'') && strings.IndexByte("@NnLuUbBrRfFEqQ", v[i]) >= 0 {
		return i + 1
	}
	return i
}

const (
	arrow = "→"
	wide  = "："
)

// arrowValue says whether what follows an arrow is a value rather than a word.
func (s *Scanner) arrowValue(v string, i int, kind kindID) bool {
	if i >= len(v) || kind == kindAuthorization || kind == kindCookie {
		return false
	}
	from := i
	if _, _, w := quoteAt(v, i); w > 0 {
		from += w
	}
	val := bareValue(v, from, false)
	s.spend(val.end - i)
	digit, lower, upper := shapes(v[val.start:val.end])
	return val.end-val.start >= 6 && digit > 0 && lower+upper > 0
}

// comparedValue says whether what a name is compared with at v[i:] is long
// enough to be a secret, rather than '\0' or "".
func (s *Scanner) comparedValue(v string, i int) bool {
	q, slashes, w := quoteAt(v, i)
	if w == 0 {
		return false
	}
	val := quotedValue(v, i+w, q, slashes)
	s.spend(val.end - i)
	return comparable(v[val.start:val.end])
}

// comparable says whether a text that a name is compared with may be a secret:
// token == "def" tells one kind of token from another.
func comparable(text string) bool {
	digit, lower, upper := shapes(text)
	return len(text) >= 6 && digit > 0 && lower+upper > 0
}

// comparison is a value that stands before the name it is compared with.
type comparison struct {
	found bool
	value value
}

// comparedBefore handles "x" == password; start is where the name starts.
func (s *Scanner) comparedBefore(v string, start int) (c comparison) {
	i := start
	for i > 0 && start-i < 4 && v[i-1] == ' ' {
		i--
	}
	if i < 2 || v[i-1] != '=' || v[i-2] != '=' && v[i-2] != '!' {
		return c
	}
	for i > 0 && (v[i-1] == '=' || v[i-1] == '!') && start-i < 8 {
		i--
	}
	for i > 0 && start-i < 12 && v[i-1] == ' ' {
		i--
	}
	if i < 2 || !isQuote(v[i-1]) {
		return c
	}
	end := i - 1
	low := max(0, end-256, s.valueEnd)
	if low >= end {
		return c // a value that is found already
	}
	k := strings.LastIndexByte(v[low:end], v[end])
	s.spend(end - low)
	if k < 0 || end-low-k <= minSecret || strings.IndexByte(v[low+k:end], '\n') >= 0 {
		return c
	}
	return comparison{true, value{start: low + k + 1, end: end, next: i, quoted: true}}
}

// codeFollows says whether a few digits follow the name that ended at v[i:],
// behind an operator.
func codeFollows(v string, i int) bool {
	from := i
	for i < len(v) && i-from < 12 && strings.IndexByte("\"'\\ \t=:>", v[i]) >= 0 {
		i++
	}
	end := run(v, i, setDigit)
	return i > from && end-i >= 3 && end-i <= 10 && (end == len(v) || !in(v[end], setName))
}

// isCode says whether v is a PIN, a one-time code or the like.
func isCode(v string) bool { return len(v) >= 3 && len(v) <= 10 && allIn(v, setDigit) }

// inARN says whether the word that reaches up to start begins with arn: or
// urn:, in which names and values are separated by colons.
func inARN(v string, start int) bool {
	from := start
	for from > 0 && start-from < 256 && !in(v[from-1], setSpace) && !isQuote(v[from-1]) && v[from-1] != '=' {
		from--
	}
	return strings.Contains(v[from:start], "arn:") || hasFoldPrefix(v[from:], "urn:")
}

// secretFlag: --password, which is looked at by itself.
func (s *Scanner) secretFlag(v string) bool {
	if !strings.HasPrefix(v, "--") || !isFlag(v) {
		return false
	}
	name, _, _ := strings.Cut(v[2:], "=")
	return s.classify(name).kind != kindNone
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
				if strings.HasSuffix(text, "}}") {
					s.valueEnd = max(s.valueEnd, val.end) // its names assign nothing
				}
				return
			}
		}
		for len(text) > 0 && (text[len(text)-1] == ',' || text[len(text)-1] == ':') {
			text = text[:len(text)-1]
			val.end--
		}
	}
	if text == "" || s.harmless(text, kind) {
		return
	}
	dec := decodeNone
	switch kind {
	case kindAPIKey:
		if len(text) <= 2 {
			return // HTML's accesskey="n"
		}
	case kindSecret:
		if isContainerOption(text) {
			return
		}
	case kindVaultSecretID:
		if !isUUID(text) {
			return
		}
	case kindBasicAuth:
		if isBasicAuth(text) {
			dec = decodeBasic
		} else if !random(text, true) {
			return
		}
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
