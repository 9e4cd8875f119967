// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"unicode/utf8"
)

// maxRecoded bounds how often an escape is read that was escaped again:
// %2541, &amp;amp;quot;, \\\\u0041.
const maxRecoded = 3

// escapeAt reads the escape at v[i:]: the character it stands for and how many
// bytes it takes. A width of 0 says that there is none.
//
// Escapes that were escaped once more, as text that went through several hands
// is, are read to their end. A view for reading only may do that: what it
// finds is masked in the text as it stands.
func escapeAt(v string, i int) (r rune, width int) {
	switch v[i] {
	case '%':
		c, ok := percentAt(v, i)
		if !ok {
			return 0, 0
		}
		for n := 0; c == '%' && n < maxRecoded && i+4+2*n < len(v); n++ {
			hi, ok1 := unhex(v[i+3+2*n])
			lo, ok2 := unhex(v[i+4+2*n])
			if !ok1 || !ok2 {
				break
			}
			c, width = hi<<4|lo, width+2
		}
		return rune(c), width + 3
	case '\\':
		j := i
		for j < len(v) && v[j] == '\\' && j-i < 2<<maxRecoded {
			j++
		}
		if j >= len(v) {
			return 0, 0
		}
		switch v[j] {
		case '/':
			return '/', j - i + 1
		case 'u':
			if r, ok := unicodeEscapeAt(v, j-1); ok && (r < 0xd800 || r > 0xdfff) {
				return r, j - i + 5
			}
		case 'x':
			if j+2 < len(v) {
				hi, ok1 := unhex(v[j+1])
				lo, ok2 := unhex(v[j+2])
				if ok1 && ok2 {
					return rune(hi<<4 | lo), j - i + 3
				}
			}
		}
	case '&':
		return entityAt(v, i)
	case '\'':
		// How a shell writes a single quote between single quotes.
		j := i + 1
		for j < len(v) && v[j] == '\\' && j-i <= 2<<maxRecoded {
			j++
		}
		if j > i+1 && strings.HasPrefix(v[j:], "''") {
			return '\'', j - i + 2
		}
		if strings.HasPrefix(v[i:], `'"'"'`) {
			return '\'', len(`'"'"'`)
		}
	}
	return 0, 0
}

// entities of XML and HTML that stand around names and values.
var entities = []struct {
	name string
	r    rune
}{{"amp;", '&'}, {"quot;", '"'}, {"apos;", '\''}, {"lt;", '<'}, {"gt;", '>'}, {"nbsp;", ' '}}

// entityAt reads the character reference at v[i:].
func entityAt(v string, i int) (r rune, width int) {
	j := i + 1
	for n := 0; n <= maxRecoded; n++ {
		r, w := entityName(v[j:])
		if w == 0 {
			if n > 0 {
				return '&', j - i
			}
			return 0, 0
		}
		j += w
		if r != '&' {
			return r, j - i
		}
	}
	return '&', j - i
}

// entityName reads a character reference without its ampersand.
func entityName(v string) (r rune, width int) {
	if len(v) > 2 && v[0] == '#' {
		base, j := rune(10), 1
		if fold(v[1]) == 'x' {
			base, j = 16, 2
		}
		from := j
		for j < len(v) && j-from < 6 {
			d, ok := unhex(v[j])
			if !ok || rune(d) >= base {
				break
			}
			r = r*base + rune(d)
			j++
		}
		if j == from || j >= len(v) || v[j] != ';' || r == 0 || r > utf8.MaxRune || r >= 0xd800 && r <= 0xdfff {
			return 0, 0
		}
		return r, j + 1
	}
	for _, e := range entities {
		if hasFoldPrefix(v, e.name) {
			return e.r, len(e.name)
		}
	}
	return 0, 0
}

// appendUnescaped appends v without its escapes, for a fingerprint: of percent
// escapes one level, since what is behind it may belong to the secret.
func appendUnescaped(dst []byte, v string) []byte {
	for i := 0; i < len(v); {
		if c, ok := percentAt(v, i); ok {
			dst = append(dst, c)
			i += 3
			continue
		}
		if r, w := escapeAt(v, i); w > 0 {
			dst = appendRune(dst, r, v[i])
			i += w
			continue
		}
		dst = append(dst, v[i])
		i++
	}
	return dst
}

// appendView is appendUnescaped for what stands for an escape in its turn, as
// %2541 does.
func appendView(dst []byte, v string) []byte {
	for i := 0; i < len(v); {
		if r, w := escapeAt(v, i); w > 0 {
			dst = appendRune(dst, r, v[i])
			i += w
			continue
		}
		dst = append(dst, v[i])
		i++
	}
	return dst
}

// appendRune appends what an escape stands for. %C3 and \xC3 are bytes, which
// make a character together with what follows.
func appendRune(dst []byte, r rune, opened byte) []byte {
	if r < 0x80 || r <= 0xff && opened == '%' {
		return append(dst, byte(r))
	}
	return utf8.AppendRune(dst, r)
}

// percentSign notes a '%' at v[at]. A few escapes stand in every other URL: what
// needs none, what hides the border of a name or a value, and more than two of
// any kind are reason to look at the decoded text.
func (s *Scanner) percentSign(v string, at int) {
	r, w := escapeAt(v, at)
	if w == 0 {
		return
	}
	s.percents++
	switch {
	case s.percents >= 3, w > 3, r < 0x80 && in(byte(r), setTilde), strings.IndexByte("=:;|&\"'`[{@<", byte(r)) >= 0 && r < 0x80:
		s.escaped = true
	case r == '/' && hasFoldPrefix(v[at+w:], "%2f"):
		s.escaped = true // a URL in a URL
	}
}

// scanDecoded looks at v once more with its escapes decoded, for names and
// values that hide behind them. Where '+' may be a space, both readings are
// tried: the one in which it is none finds values that hold it.
func (s *Scanner) scanDecoded(v string) {
	plus := s.plus || s.percents > 0 && (strings.IndexByte(v, '+') >= 0 || strings.Contains(v, "%2B") || strings.Contains(v, "%2b"))
	s.scanView(v, '+')
	if plus && s.budget >= 0 {
		s.scanView(v, ' ')
	}
}

// scanView is scanDecoded for one reading of '+'.
func (s *Scanner) scanView(v string, plus byte) {
	view, at := s.view[:0], s.viewAt[:0]
	for i := 0; i < len(v); {
		w := 1
		switch c := v[i]; c {
		case '%', '\\', '&', '\'':
			if r, n := escapeAt(v, i); n > 0 {
				if r == '+' {
					r = rune(plus) // encoded twice
				}
				view, w = appendRune(view, r, c), n
			} else {
				view = append(view, c)
			}
		case '+':
			view = append(view, plus)
		case 0:
			// Every second byte of ASCII in UTF-16.
		default:
			view = append(view, c)
		}
		for len(at) < len(view) {
			at = append(at, i)
		}
		i += w
	}
	at = append(at, len(v))
	s.view, s.viewAt = view, at
	text := stringOf(view)
	from := len(s.spans)
	s.inView = true
	if first := s.r.matcher.next(text, 0); first < len(text) {
		s.scan(text, first)
	}
	s.inView = false
	for i := from; i < len(s.spans); i++ {
		sp := &s.spans[i]
		sp.start, sp.end = at[sp.start], at[sp.end]
		if sp.dec == decodeNone || sp.dec == decodePercent {
			sp.dec = decodeView
		}
	}
}
