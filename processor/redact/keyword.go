// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// keyword is the name of a vendor whose secrets have no text of their own:
// what they look like where one is assigned to a name that holds it.
type keyword struct {
	text   string // lower case
	shapes []shape
	hint   hint // of a place whose name holds it; the one above: and is that of an id
}

// shape is what a value has to be, from its first character to its last.
type shape struct {
	kind    kindID
	words   []string // one of them stands in the name, behind the keyword
	parts   []part
	entropy float32
}

const (
	// keywordReach is how far behind the keyword the name may go on.
	keywordReach = 40
	// keywordBlanks is how far it may go on with blanks in it.
	keywordBlanks = 20
	// gapReach is what may stand between operator and value: quotes, line
	// ends, escapes of both.
	gapReach = 24
	// minKeywordEntropy is asked of a value whose rule asks for nothing.
	minKeywordEntropy = 2
)

// keyword runs a ruleKeyword at a keyword that stands at v[at:behind].
func (s *Scanner) keyword(v string, at, behind int, k *keyword) {
	if behind >= len(v) || at < s.valueEnd || !k.standsAs(v, at, behind) {
		return
	}
	rest := nameRest(v, behind)
	i := assignment(v, rest)
	if i < 0 {
		return
	}
	start := at
	for start > 0 && at-start < nameReach && in(v[start-1], setName) {
		start--
	}
	end, kind := s.shaped(k, v[start:rest], v[behind:rest], v, i)
	if end < 0 {
		return
	}
	s.add(i, end, kind, decodeNone)
	s.valueEnd = max(s.valueEnd, end)
}

// shortKeyword is how long a keyword is that stands in other words by chance:
// etsy in setSysctl, meraki in cameraKit.
const shortKeyword = 6

// standsAs says whether the keyword at v[at:behind] is a word of a name. A long
// one always is.
func (k *keyword) standsAs(v string, at, behind int) bool {
	if len(k.text) > shortKeyword {
		return true
	}
	if at > 0 && in(v[at-1], setLower|setUpper) && !(in(v[at], setUpper) && in(v[at-1], setLower)) && !startsHere(v, at) {
		return false
	}
	// okta, Okta and OKTA, but not okTa.
	_, lower, upper := shapes(v[at+1 : behind])
	return (lower == 0 || upper == 0) && !(lower == 0 && in(v[at], setLower))
}

// nameRest is where the name ends that the keyword before v[i:] is part of.
func nameRest(v string, i int) int {
	from := i
	blanks := false
	for i < len(v) && i-from < keywordReach {
		switch c := v[i]; {
		case in(c, setName):
		case c == ' ' || c == '\t':
			blanks = true
		default:
			return i
		}
		i++
		if blanks && i-from > keywordBlanks {
			return i
		}
	}
	return i
}

// assignment is where the value starts that is assigned to the name before
// v[i:]; negative if none is.
func assignment(v string, i int) int {
	from := i
	quoted := false
	for i < len(v) && i-from < 8 && (isQuote(v[i]) || v[i] == '\\' || in(v[i], setSpace)) {
		quoted = quoted || isQuote(v[i])
		i++
	}
	op := i
	sign := byte(0)
	for i < len(v) && i-op < 5 && strings.IndexByte("=:>,|?+", v[i]) >= 0 {
		switch c := v[i]; c {
		case '=', ':', '>', ',':
			sign = c
		case '|':
			if i+1 < len(v) && v[i+1] == '|' {
				sign = c
			}
		}
		i++
	}
	if sign == 0 || sign == ',' && !quoted {
		return -1
	}
	i = gap(v, i)
	// {"name": "X_KEY", "value": "…"}
	if sign == ',' && hasFoldPrefix(v[i:], "value") {
		j := gap(v, i+len("value"))
		if j >= len(v) || v[j] != ':' {
			return -1
		}
		i = gap(v, j+1)
	}
	return i
}

// gap is where the quotes, blanks and line ends at v[i:] end, however escaped.
func gap(v string, i int) int {
	limit := min(len(v), i+gapReach)
	for i < limit {
		switch c := v[i]; {
		case isQuote(c), c == '=', in(c, setSpace):
			i++
		case c == '\\' && i+1 < limit && (isQuote(v[i+1]) || v[i+1] == '\\' || v[i+1] == 'n' || v[i+1] == 'r' || v[i+1] == 't'):
			i++
			if !isQuote(v[i]) {
				i++
			}
		default:
			return i
		}
	}
	return i
}

// shaped is where the value at v[i:] ends, and its kind, if it has one of the
// shapes of k; negative if not. name is the whole name, rest what of it follows
// the keyword.
func (s *Scanner) shaped(k *keyword, name, rest, v string, i int) (end int, kind kindID) {
	for n := range k.shapes {
		sh := &k.shapes[n]
		end := i
		for p := range sh.parts {
			if end = s.behind(&sh.parts[p], v, end); end < 0 {
				break
			}
		}
		if end < 0 || !endsValue(v, end) || !hasWord(rest, sh.words) {
			continue
		}
		if s.telling(name, v[i:end], sh) {
			return end, sh.kind
		}
	}
	return -1, kindNone
}

// endsValue says whether a value may end at v[i:].
func endsValue(v string, i int) bool {
	if i >= len(v) {
		return true
	}
	switch c := v[i]; c {
	case '"', '\'', '`', ';', ',', '<', '>', '&', ')', ']', '}', '|', '\\', '#', '%':
		return true
	case '.', '!', '?':
		return i+1 >= len(v) || in(v[i+1], setSpace)
	default:
		return in(c, setSpace)
	}
}

func hasWord(rest string, words []string) bool {
	if len(words) == 0 {
		return true
	}
	for i := range len(rest) {
		for _, w := range words {
			if hasFoldPrefix(rest[i:], w) {
				return true
			}
		}
	}
	return false
}

// telling says whether a value of the right shape is a secret rather than
// words, a placeholder, or what its name calls a hash or an id.
func (s *Scanner) telling(name, value string, sh *shape) bool {
	if !s.entropic(value, max(sh.entropy, minKeywordEntropy)) {
		return false
	}
	digit, lower, upper := shapes(value)
	if len(sh.parts) == 1 && digit == 0 && (lower == 0 || upper == 0) {
		return false
	}
	if digit < 3 && upper == 0 && strings.ContainsAny(value, "-_") {
		return false // words with a number
	}
	if names(name, &digestWords) && len(value) >= 16 && allIn(value, setHex) {
		return false
	}
	if identifierName(name) && (!sh.id() || !names(name, &clientWords)) {
		return false
	}
	for _, w := range publishedStopwords {
		if indexFold(value, w) >= 0 {
			return false
		}
	}
	return true
}

// id says whether the shape is that of an id that a vendor gave a client.
func (sh *shape) id() bool { return strings.HasSuffix(string(builtinKinds.names[sh.kind]), "-id") }

// digestWords and idWords are words of a name whose value is a hash or an id;
// clientWords are those of the name of an id that rules look for.
var (
	digestWords = map[string]bool{
		"sha": true, "sha1": true, "sha256": true, "sha512": true, "md5": true, "commit": true, "digest": true, "checksum": true,
		"etag": true, "hash": true, "revision": true, "rev": true, "fingerprint": true, "git": true, "ref": true, "sum": true, "version": true,
	}
	idWords = map[string]bool{
		"trace": true, "span": true, "request": true, "correlation": true, "event": true, "uuid": true, "guid": true, "transaction": true, "session": true, "trail": true,
	}
	clientWords = map[string]bool{"client": true, "access": true, "app": true, "application": true, "consumer": true, "oauth": true,
		"clientid": true, "accessid": true, "appid": true}
)

// names says whether one of the words of name is in set. A word ends at a sign
// and where lower case turns upper.
func names(name string, set *map[string]bool) bool {
	var buf [16]byte
	word := buf[:0]
	for i := 0; i <= len(name); i++ {
		if i == len(name) || !in(name[i], setAlnum) || len(word) > 0 && in(name[i], setUpper) && i > 0 && !in(name[i-1], setUpper) {
			if (*set)[string(word)] {
				return true
			}
			word = buf[:0]
		}
		if i < len(name) && in(name[i], setAlnum) && len(word) < len(buf) {
			word = append(word, fold(name[i]))
		}
	}
	return false
}

// identifierName says whether a name ends as that of an id does, or speaks of
// one: datadog.trace_id, heroku_app_id.
func identifierName(name string) bool {
	end := strings.TrimRight(name, " \t._-")
	n := len(end)
	if n >= 2 && equalFold(end[n-2:], "id") && (n == 2 || !in(end[n-3], setAlnum) || in(end[n-2], setUpper)) {
		return true
	}
	return names(name, &idWords)
}

// indexFold is where word, which is lower case, stands in v in any case, or
// negative if it does not.
func indexFold(v, word string) int {
	for i := 0; i+len(word) <= len(v); i++ {
		if fold(v[i]) == word[0] && hasFoldPrefix(v[i:], word) {
			return i
		}
	}
	return -1
}

// vendorOf finds the keyword in a key name that is not sensitive by itself. A
// name that speaks of a hash has none.
func (r *Redactor) vendorOf(name string) hint {
	if len(name) < minLiteral || len(name) > maxName {
		return hintNone
	}
	m := r.matcher
	for i := m.next(name, 0); i < len(name); i = m.next(name, i+8) {
		for hits, j := m.windows(name, i), i; hits != 0; hits, j = hits>>1, j+2 {
			if hits&1 == 0 {
				continue
			}
			here, next := m.owners(name, j)
			for k := range here {
				if h, known := r.keywordHint(name, &here[k], j); known {
					return h
				}
			}
			for k := range next {
				if h, known := r.keywordHint(name, &next[k], j+2); known {
					return h
				}
			}
		}
	}
	return hintNone
}

// keywordHint is what a candidate at name[at:] says, if it is a keyword.
func (r *Redactor) keywordHint(name string, c *candidate, at int) (h hint, known bool) {
	l := &r.matcher.lits[c.lit]
	switch {
	case l.rule != ruleKeyword:
	case !l.word.standsIn(name, r.matcher.stands(c, name, at)):
	case names(name, &digestWords) || !hasWord(name, l.word.shapes[0].words):
		return hintNone, true
	case identifierName(name):
		if !names(name, &clientWords) {
			return hintNone, true
		}
		return l.word.hint + 1, true
	default:
		return l.word.hint, true
	}
	return hintNone, false
}

// standsIn says whether k is a word of name, where it stands at name[at:], or
// nowhere if at is negative.
func (k *keyword) standsIn(name string, at int) bool {
	return at >= 0 && k.standsAs(name, at, at+len(k.text))
}

// vendorValue says what v is as the value of a key whose hint names a keyword:
// all of it has to have the shape.
func (s *Scanner) vendorValue(h hint, v string) kindID {
	s.scratch = scratch{budget: budgetFor(len(v))} // what was measured was of another text
	n := int(h - hintVendor)
	k, name, rest := keywords[n/2], "", ""
	if n%2 == 1 {
		name = "client_id"
	}
	if words := k.shapes[0].words; len(words) > 0 {
		rest = words[0] // it was looked for with the name
	}
	if end, kind := s.shaped(k, name, rest, v, 0); end == len(v) {
		return kind
	}
	return kindNone
}
