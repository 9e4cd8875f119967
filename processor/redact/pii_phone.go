// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// ITU-T E.164: at most fifteen digits. Seven is the least that is taken for a
// number where a word says that it is one, eight with a country code.
const (
	maxPhone         = 15
	minPhone         = 8
	minNationalPhone = 7
)

// countryCodes are the lengths of national numbers, least and most, by country
// code. A sign and digits are too little otherwise: +10000000 is an amount.
// Codes of three digits that are not listed have five to eleven.
var countryCodes = map[string][2]int{
	"1": {10, 10}, "7": {10, 10}, "20": {8, 10}, "27": {9, 9}, "30": {10, 10}, "31": {9, 10}, "32": {8, 9}, "33": {9, 9}, "34": {9, 9},
	"36": {8, 9}, "39": {6, 12}, "40": {9, 9}, "41": {9, 12}, "43": {6, 13}, "44": {9, 10}, "45": {8, 8}, "46": {7, 13}, "47": {8, 12},
	"48": {9, 9}, "49": {6, 13}, "51": {8, 11}, "52": {10, 11}, "53": {6, 8}, "54": {10, 11}, "55": {10, 11}, "56": {8, 10}, "57": {8, 10},
	"58": {10, 10}, "60": {8, 10}, "61": {9, 9}, "62": {7, 12}, "63": {8, 11}, "64": {8, 10}, "65": {8, 8}, "66": {8, 9}, "81": {9, 10},
	"82": {8, 11}, "84": {9, 10}, "86": {10, 11}, "90": {10, 10}, "91": {10, 10}, "92": {9, 10}, "93": {9, 9}, "94": {9, 9}, "95": {7, 10},
	"98": {10, 10},
}

// validE164 says whether digits are a country code and so many digits as a
// number there has.
func validE164(digits string) bool {
	if len(digits) < minPhone || len(digits) > maxPhone || digits[0] == '0' {
		return false
	}
	for n := 1; n <= 2; n++ {
		if lens, ok := countryCodes[digits[:n]]; ok {
			rest := digits[n:]
			if n == 1 && digits[0] == '1' && (rest[0] < '2' || len(rest) > 3 && rest[3] < '2') {
				return false // no area or exchange of North America begins so
			}
			return len(rest) >= lens[0] && len(rest) <= lens[1] && !repeats(rest)
		}
	}
	switch digits[:2] {
	case "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69", "80", "85", "87", "88", "96", "97", "99":
		return len(digits)-3 >= 5 && len(digits)-3 <= 11 && !repeats(digits[3:])
	}
	return false
}

// phoneDigits are the digits of what may be a phone number, and where its groups
// end: the number may stand before another that does not belong to it.
type phoneDigits struct {
	digits [maxPhone]byte
	n      int
	groups [maxPhone]struct{ n, end int }
	ngroup int
}

// read reads the digits from v[i:] on and the signs that may stand between them:
// up to three of space, dash, dot, slash and brackets.
func (p *phoneDigits) read(v string, i int) {
	p.n, p.ngroup = 0, 0
	opened, closed := i > 0 && v[i-1] == '(', false // one pair of brackets
	for i < len(v) {
		start := i
		for i < len(v) && in(v[i], setDigit) {
			if p.n == maxPhone {
				return
			}
			p.digits[p.n] = v[i]
			p.n++
			i++
		}
		if i == start || p.ngroup == len(p.groups) {
			return
		}
		end := i
		for signs := 0; i < len(v) && !in(v[i], setDigit); signs++ {
			w := 1
			switch c := v[i]; c {
			case ' ', '-', '/':
			case '.':
				if i+1 < len(v) && v[i+1] == ' ' {
					w = 0 // the end of a sentence
				}
			case '(':
				if opened {
					w = 0
				}
				opened = true
			case ')':
				if !opened || closed {
					w = 0
				} else if end == i {
					end++
				}
				closed = true
			default:
				if w = separatorAt(v, i); w < 2 {
					w = 0
				}
			}
			if w == 0 || signs == 3 {
				p.groups[p.ngroup] = struct{ n, end int }{p.n, end}
				p.ngroup++
				return
			}
			i += w
		}
		p.groups[p.ngroup] = struct{ n, end int }{p.n, end}
		p.ngroup++
	}
}

// longest is the longest part of what was read that is a number and may end
// where it does.
func (p *phoneDigits) longest(v string, valid func(digits string, end int) bool) (end int, ok bool) {
	last := p.ngroup - 1
	if last > 0 && p.groups[0].n >= 10 {
		last = 0 // written in one: what follows is another number
	}
	for k := last; k >= 0; k-- {
		if g := p.groups[k]; endsPhone(v, g.end) && valid(string(p.digits[:g.n]), g.end) {
			return g.end, true
		}
	}
	return 0, false
}

// endsPhone says whether a number may end at v[end:], and is no part of a word
// or of a longer number.
func endsPhone(v string, end int) bool {
	if end >= len(v) {
		return true
	}
	switch c := v[end]; {
	case c == '_' || c == '%' || c == '@' || c == ':' && end+1 < len(v) && in(v[end+1], setDigit):
		return false
	case c >= 0x80:
		return true
	default:
		return !in(c, setAlnum) || (c == 'x' || c == 'e') && extension(v, end) > end
	}
}

// extension is the end of the extension at v[i:]: "x12", " ext. 12".
func extension(v string, i int) int {
	j := skipBlanks(v, i)
	switch {
	case hasFoldPrefix(v[j:], "ext"):
		j += 3
	case hasFoldPrefix(v[j:], "x"):
		j++
	default:
		return i
	}
	for j < len(v) && (v[j] == '.' || v[j] == ' ' || v[j] == ':') && j-i < 8 {
		j++
	}
	end := run(v[:min(len(v), j+6)], j, setDigit)
	if end == j {
		return i
	}
	return end
}

// phonePlus looks at the '+' at v[i:] and returns where to go on.
func (s *Scanner) phonePlus(v string, i int) int {
	first := i + 1
	if first < len(v) && v[first] == '(' {
		first++
	}
	if first >= len(v) || !in(v[first], setDigit) || i < s.pii.floor {
		return i + 1
	}
	if i > 0 && (wordByte(v[i-1]) && separatorBefore(v, i) == 0 || strings.IndexByte("+/=_.)", v[i-1]) >= 0 && !(v[i-1] == '=' && s.named(v, i-1))) {
		return i + 1 // base64, an expression, UTC+1
	}
	var p phoneDigits
	p.read(v, first)
	end, ok := p.longest(v, func(digits string, end int) bool {
		if k := strings.Index(v[first:end], "(0)"); k >= 0 {
			// +49 (0)30: the zero is dialled at home only.
			n := countDigits(v[first : first+k])
			digits = digits[:n] + digits[n+1:]
		}
		return validE164(digits)
	})
	if !ok || isDecimal(v[first:end]) {
		return i + 1
	}
	if i > 0 && v[i-1] != ' ' && s.topicAt(v, i, end) == topicNumber || i == 0 && s.pii.topic == topicNumber {
		return end
	}
	return s.record(i, extension(v, end), kindPhone)
}

// isDecimal says whether text is a number with a fraction: digits around one dot.
func isDecimal(text string) bool {
	whole, fraction, ok := strings.Cut(text, ".")
	return ok && allIn(whole, setDigit) && allIn(fraction, setDigit)
}

// named says whether the '=' at v[i:] stands behind a name, as in a query, and
// is not the end of base64.
func (s *Scanner) named(v string, i int) bool { return i > 0 && in(v[i-1], setAlnum) }

func countDigits(v string) (n int) {
	for i := range len(v) {
		if in(v[i], setDigit) {
			n++
		}
	}
	return n
}

// phoneNational looks for a number without a country code at the digits at
// v[i:]: only where a word or a name says that it is one. end is 0 if not.
func (s *Scanner) phoneNational(v string, i int) (start, end int) {
	start = i
	if start > s.pii.floor && v[start-1] == '(' {
		start--
	}
	if start > 0 && (wordByte(v[start-1]) && separatorBefore(v, start) == 0 || v[start-1] == '+' || v[start-1] == '_' ||
		(v[start-1] == '-' || v[start-1] == '.') && start > 1 && in(v[start-2], setAlnum)) {
		return 0, 0
	}
	if s.topicAt(v, start, len(v)) != topicPhone {
		return 0, 0
	}
	var p phoneDigits
	p.read(v, i)
	end, ok := p.longest(v, func(digits string, end int) bool {
		return len(digits) >= minNationalPhone && !repeats(digits) && !likeDate(v[i:end]) && !dotted(v[i:end])
	})
	if !ok {
		return 0, 0
	}
	return start, extension(v, end)
}

// likeDate says whether text begins as 2026-11-24 does, or 24.11.2026.
func likeDate(text string) bool {
	year := func(t string) bool { return len(t) == 4 && allIn(t, setDigit) && (t[:2] == "19" || t[:2] == "20") }
	sign := func(c byte) bool { return c == '-' || c == '.' || c == '/' }
	switch {
	case len(text) >= 10 && sign(text[4]) && text[7] == text[4] && year(text[:4]):
		return true
	case len(text) >= 10 && sign(text[2]) && text[5] == text[2] && year(text[6:10]):
		return true
	}
	return false
}

// dotted says whether text has the form of an IPv4 address.
func dotted(text string) bool { _, ok := parseIP(text); return ok }

// canonicalPhone is a '+' and digits, or digits alone.
func canonicalPhone(dst []byte, text string) []byte {
	if e := strings.IndexAny(text, "xXeE"); e >= 0 {
		text = text[:e] // without the extension
	}
	if strings.HasPrefix(text, "+") {
		dst = append(dst, '+')
		text = strings.Replace(text, "(0)", "", 1)
	} else if strings.HasPrefix(text, "00") {
		dst = append(dst, '+')
		text = text[2:]
	}
	for i := range len(text) {
		if in(text[i], setDigit) {
			dst = append(dst, text[i])
		}
	}
	return dst
}
