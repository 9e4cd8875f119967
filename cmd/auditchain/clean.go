// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// What a record holds was chosen by whoever sent it. Before it reaches a
// terminal, everything that a terminal, or the eye, would take for something
// else than text is spelled out: control characters (an escape sequence can
// rewrite what was printed before), the C1 controls (U+009B is one byte of an
// escape sequence to some terminals), invisible characters and those that
// turn the direction of writing around.

// harmless reports whether r may be printed as it is.
func harmless(r rune) bool {
	if r < 0x20 || r == 0x7f || r == utf8.RuneError {
		return false
	}
	return r < 0x7f || unicode.IsPrint(r) && !hiddenMark(r)
}

// hiddenMark reports marks that are printable by Unicode's classes and yet
// leave nothing to see, or stack without end.
func hiddenMark(r rune) bool {
	return r == 0x034f || r >= 0x115f && r <= 0x1160 || r == 0x17b4 || r == 0x17b5 ||
		r == 0x3164 || r == 0xffa0 || r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef
}

// cleanText makes s safe to print on one line: what is not harmless is
// written as \n, \t, \x1b, \u202e and so on, a byte that is no UTF-8 as \xNN.
func cleanText(s string) string {
	clean := true
	for _, r := range s {
		if !harmless(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case harmless(r):
			b.WriteString(s[:n])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[n:]
	}
	return b.String()
}

// appendCleanJSON appends a JSON text in which what is not harmless is
// written as a \u escape: to a JSON reader it is the same text. Outside of
// strings valid JSON has nothing but ASCII, so that only strings change.
func appendCleanJSON(dst []byte, text []byte) []byte {
	for len(text) > 0 {
		i := 0
		for i < len(text) && text[i] >= 0x20 && text[i] < 0x7f {
			i++
		}
		dst = append(dst, text[:i]...)
		if text = text[i:]; len(text) == 0 {
			break
		}
		r, n := utf8.DecodeRune(text)
		switch {
		case harmless(r):
			dst = append(dst, text[:n]...)
		case r == '\t' || r == '\n' || r == '\r':
			dst = append(dst, ' ') // between values: a string has none raw
		case r <= 0xffff:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			// JSON writes what is beyond 16 bits as two surrogates.
			r -= 0x10000
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		}
		text = text[n:]
	}
	return dst
}

// runeWidth is the number of terminal columns that a harmless rune takes.
func runeWidth(r rune) int {
	if r < 0x7f {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// textWidth is the number of columns of a clean text.
func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// fit cuts a clean text to at most columns columns, saying with ".." that it
// was cut, and pads it with spaces to exactly that when pad is set.
func fit(s string, columns int, pad bool) string {
	w := textWidth(s)
	if w > columns {
		keep := max(columns-2, 0)
		w = 0
		end := len(s)
		for i, r := range s {
			if w+runeWidth(r) > keep {
				end = i
				break
			}
			w += runeWidth(r)
		}
		dots := min(2, columns)
		s = s[:end] + ".."[:dots]
		w += dots
	}
	if pad && w < columns {
		s += strings.Repeat(" ", columns-w)
	}
	return s
}

// shellWord quotes s for a shell, when it needs quoting.
func shellWord(s string) string {
	plain := s != ""
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./=:@%+,", r)) {
			plain = false
		}
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
