// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"unicode/utf16"
	"unicode/utf8"
)

// looksLikeJSON says whether v starts like an object or array.
func looksLikeJSON(v string) bool {
	i := 0
	for i < len(v) && in(v[i], setSpace) {
		i++
	}
	return i < len(v) && (v[i] == '{' || v[i] == '[')
}

func skipSpace(v string, i int) int {
	for i < len(v) && in(v[i], setSpace) {
		i++
	}
	return i
}

// str reads the string at i. The result is valid until the next string of
// the same level is read.
func (w *walker) str(i int) (text string, end int, ok bool) {
	src := w.src
	j := i + 1
	for j < len(src) {
		switch c := src[j]; {
		case c == '"':
			return src[i+1 : j], j + 1, true
		case c == '\\':
			return w.strEscaped(i, j)
		case c < 0x20:
			return "", i, false
		}
		j++
	}
	return "", i, false
}

// strEscaped is str from the first escape, at j, on.
func (w *walker) strEscaped(i, j int) (text string, end int, ok bool) {
	lv := &w.s.levels[w.s.nesting]
	buf := append(lv.dec[:0], w.src[i+1:j]...)
	src := w.src
	for j < len(src) {
		c := src[j]
		switch {
		case c == '"':
			lv.dec = buf
			return stringOf(buf), j + 1, true
		case c < 0x20:
			return "", i, false
		case c != '\\':
			buf = append(buf, c)
			j++
			continue
		}
		if j+1 >= len(src) {
			return "", i, false
		}
		switch e := src[j+1]; e {
		case '"', '\\', '/':
			buf = append(buf, e)
		case 'b':
			buf = append(buf, '\b')
		case 'f':
			buf = append(buf, '\f')
		case 'n':
			buf = append(buf, '\n')
		case 'r':
			buf = append(buf, '\r')
		case 't':
			buf = append(buf, '\t')
		case 'u':
			r, valid := unicodeEscapeAt(src, j)
			if !valid {
				return "", i, false
			}
			j += 6
			if utf16.IsSurrogate(r) {
				low, valid := unicodeEscapeAt(src, j)
				if r = utf16.DecodeRune(r, low); valid && r != utf8.RuneError {
					j += 6
				} else {
					r = utf8.RuneError
					w.loose = true
				}
			}
			buf = utf8.AppendRune(buf, r)
			continue
		default:
			return "", i, false
		}
		j += 2
	}
	return "", i, false
}

// number is the end of the JSON number at i, or i.
func number(v string, i int) int {
	j := i
	if j < len(v) && v[j] == '-' {
		j++
	}
	switch {
	case j < len(v) && v[j] == '0':
		j++
	case j < len(v) && '1' <= v[j] && v[j] <= '9':
		j = run(v, j, setDigit)
	default:
		return i
	}
	if j < len(v) && v[j] == '.' {
		k := run(v, j+1, setDigit)
		if k == j+1 {
			return i
		}
		j = k
	}
	if j < len(v) && (v[j] == 'e' || v[j] == 'E') {
		k := j + 1
		if k < len(v) && (v[k] == '+' || v[k] == '-') {
			k++
		}
		if end := run(v, k, setDigit); end > k {
			return end
		}
		return i
	}
	return j
}

const hexDigits = "0123456789abcdef"

// appendJSONString appends v as a JSON string. Only what JSON demands is
// escaped; invalid UTF-8 stays what it was.
func appendJSONString(dst []byte, v string) []byte {
	dst = append(dst, '"')
	at := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, v[at:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		at = i + 1
	}
	dst = append(dst, v[at:]...)
	return append(dst, '"')
}
