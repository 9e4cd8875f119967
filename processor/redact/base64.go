// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What stands in base64 is found by how base64 spells the words that secrets
// stand beside. A word has three spellings, by where it stands in the groups of
// three bytes; the characters that hold bits of its neighbours are left out.
// Clean text pays for the literals alone: only where one of them stands is
// anything decoded, and the whole run at once.

// maxBase64 bounds the run that is decoded at once.
const maxBase64 = 64 << 10

// minBase64 is the shortest run that is looked at.
const minBase64 = 12

// base64Names are looked for as they are, with a capital, and in capitals.
var base64Names = []string{"pass", "pwd=", "secret", "token", "api_key", "api-key", "apikey", "private_key", "authorization", "bearer", "credential"}

// base64Shapes are looked for as they are.
var base64Shapes = []string{
	"-----BEGIN", "AKIA", "ASIA", "AIza", "AccountKey=", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk_live_", "sk-ant-",
	"sk-proj-", "hvs.", "npm_", "eyJhbGci", `"auths":{`, "Api-Key", "ecureString", "dentified by", "IDENTIFIED BY", "docker login", "curl -u", "mysql -", "redis-cli",
}

// base64Literals are the spellings. min of each is how many characters of its
// group stand before it.
var base64Literals = func() []literal {
	var out []literal
	add := func(word string) {
		for before := range 3 {
			text, off := spelling(word, before)
			out = append(out, literal{text: text, rule: ruleBase64, min: off})
		}
	}
	for _, name := range base64Names {
		title := string(unicode.ToUpper(rune(name[0]))) + name[1:]
		for _, word := range [...]string{name, title, strings.ToUpper(name)} {
			add(word)
		}
	}
	// What PowerShell's -EncodedCommand takes.
	for _, name := range [...]string{"password", "secret", "token"} {
		title := string(unicode.ToUpper(rune(name[0]))) + name[1:]
		for _, word := range [...]string{name, title} {
			add(strings.Join(strings.Split(word, ""), "\x00"))
		}
	}
	for _, word := range base64Shapes {
		add(word)
	}
	for _, flag := range [...]string{"-enc ", "-ec ", "-encodedcommand ", `-enc",`, `-encodedcommand",`} {
		out = append(out, literal{text: flag, fold: true, rule: ruleEncoded})
	}
	return out
}()

// spelling is how base64 writes word behind before bytes, without what depends
// on its neighbours, and how many characters of a group stand before that.
func spelling(word string, before int) (text string, off int) {
	enc := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + word))
	off = (8*before + 5) / 6
	end := 8 * (before + len(word)) / 6
	return enc[off:end], off
}

// base64At looks into the run of base64 around a spelling at v[at:].
func (s *Scanner) base64At(v string, at int, l *literal) {
	if s.inner || at < s.base64End {
		return
	}
	start, end := s.base64Run(v, at, max(0, s.base64End, at-maxBase64))
	s.base64End = end
	// The spelling says where the groups start.
	before := 0
	for i := start; i < at; i++ {
		if in(v[i], setBase64URL) {
			before++
		}
	}
	s.decoded(v, start, end, (before+4-l.min%4)%4)
}

// encodedCommand handles -EncodedCommand base64; i is behind the flag.
func (s *Scanner) encodedCommand(v string, i int) {
	if s.inner {
		return
	}
	for i < len(v) && (v[i] == ' ' || v[i] == '\\' || isQuote(v[i])) {
		i++
	}
	if i >= len(v) || i < s.base64End || !in(v[i], setBase64URL) {
		return
	}
	start, end := s.base64Run(v, i, i)
	if s.base64End = end; start == i {
		s.decoded(v, start, end, 0)
	}
}

// base64Run is the run of base64 around v[at], with the line ends that programs
// put into it. It goes back no further than low.
func (s *Scanner) base64Run(v string, at, low int) (start, end int) {
	start = at
	for start > low {
		if c := v[start-1]; in(c, setBase64URL) && c != '=' {
			start--
			continue
		}
		// The line before, if it is a full one.
		k := start
		if v[k-1] == '\n' {
			if k--; k > low && v[k-1] == '\r' {
				k--
			}
		}
		line := k
		for line > low && start-line < 100 && in(v[line-1], setBase64URL) {
			line--
		}
		if k == start || k-line < 60 {
			break
		}
		start = line
	}
	limit := min(len(v), at+maxBase64)
	line := start
	for end = at; end < limit; {
		if in(v[end], setBase64URL) && v[end] != '=' {
			end++
			continue
		}
		w := newlineAt(v, end)
		if w == 0 || end-line < 60 || end+w >= limit || !in(v[end+w], setBase64URL) {
			break
		}
		end += w
		line = end
	}
	for n := 0; end < len(v) && v[end] == '=' && n < 2; n++ {
		end++
	}
	s.spend(end - start)
	return start, end
}

// decoded masks the run v[start:end] if a secret stands in what it decodes to;
// its groups start at the skip-th character.
func (s *Scanner) decoded(v string, start, end, skip int) {
	if end-start < minBase64 {
		return
	}
	sub := s.sub()
	text := sub.unbase64(v[start:end], skip)
	if sp, ok := sub.secretIn(text); ok {
		s.add(start, end, sp.kind, decodeBase64)
		s.valueEnd = max(s.valueEnd, end)
	}
}

// sub is the scanner for decoded text. It looks into no further base64, and its
// spans and buffers are its own.
func (s *Scanner) sub() *Scanner {
	if s.below == nil {
		s.below = s.r.Scanner()
		s.below.inner = true
	}
	s.below.inView = false // a rule may have panicked
	return s.below
}

// secretIn is the first secret that the free-text detection finds in text.
func (s *Scanner) secretIn(text string) (span, bool) {
	for _, sp := range s.find(text) {
		if !sp.kind.refusal() && !sp.kind.personal() {
			return sp, true
		}
	}
	return span{}, false
}

// unbase64 decodes v, in either alphabet, without its first skip characters,
// line ends and padding. UTF-16 of ASCII letters becomes that. The result is
// valid until the next call.
func (s *Scanner) unbase64(v string, skip int) string {
	s.raw = s.raw[:0]
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '-':
			s.raw = append(s.raw, '+')
		case c == '_':
			s.raw = append(s.raw, '/')
		case in(c, setBase64):
			s.raw = append(s.raw, c)
		case c == '\\' && i+1 < len(v):
			i++ // an escaped line end
		}
	}
	b := s.raw[min(skip, len(s.raw)):]
	if len(b)%4 == 1 {
		b = b[:len(b)-1]
	}
	s.dec = s.dec[:0]
	dec, _ := base64.RawStdEncoding.AppendDecode(s.dec, b)
	s.dec = dec
	zeros := 0
	for _, c := range dec {
		if c == 0 {
			zeros++
		}
	}
	if 5*zeros > 2*len(dec) {
		n := 0
		for _, c := range dec {
			if c != 0 {
				dec[n] = c
				n++
			}
		}
		dec = dec[:n]
	}
	return stringOf(dec)
}

// base64Secret is the secret that stands in the run v, for its fingerprint: the
// same secret has the same one, in base64 or not.
func (s *Scanner) base64Secret(v string) []byte {
	if !utf8.ValidString(v) || strings.IndexByte(v, '%') >= 0 {
		v = string(appendUnescaped(nil, v))
	}
	sub := s.sub()
	for skip := range 4 {
		text := sub.unbase64(v, skip)
		if sp, ok := sub.secretIn(text); ok {
			return sub.decodeSecret(text[sp.start:sp.end], sp.dec)
		}
	}
	return []byte(v)
}
