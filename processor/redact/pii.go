// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// piiRules finds personal data. It is off unless a configuration asks for it.
//
// Personal data has no literals that a matcher could look for: an address has
// a '@', a card number has digits. So it has a pass of its own, in two steps. A
// look at pairs of bytes, as the matcher does it, says whether anything in a
// value is worth it (candidate); the pass itself (personal) reads every byte
// at most a few times.
type piiRules struct {
	policy [kindIP - kindEmail + 1]Policy // by kind; "" is keep
	pairs  [1 << 16]look                  // what to look at, by pair of bytes
	act    [256]act                       // what to do at a byte
}

// look says what a pair of bytes may belong to.
type look uint8

const (
	lookNow    look = 1 << iota // an '@'
	lookEscape                  // %40, \u0040
	lookDot                     // 192.0
	lookColon                   // fe80::1, ://
	lookDigits                  // a card number
	lookIBAN                    // E8 or 89 of DE89
	lookPlus                    // +49
)

// act says which rule looks at a byte.
type act uint8

const (
	actNone act = iota
	actMarker
	actAt
	actPercent
	actColon
	actPlus
	actDigit
)

// on says whether the kind is looked for.
func (p *piiRules) on(kind kindID) bool { return p != nil && p.policy[kind-kindEmail] != "" }

// compile fills the tables from the policies.
func (p *piiRules) compile() {
	p.act['['] = actMarker
	pair := func(a, b byte, l look) { p.pairs[uint16(a)|uint16(b)<<8] |= l }
	each := func(set charset, f func(c byte)) {
		for c := range 256 {
			if in(byte(c), set) {
				f(byte(c))
			}
		}
	}
	either := func(c byte, l look) {
		for x := range 256 {
			pair(c, byte(x), l)
			pair(byte(x), c, l)
		}
	}
	either('%', lookEscape)
	either('\\', lookEscape)
	if p.on(kindEmail) {
		p.act['@'], p.act['%'], p.act[':'] = actAt, actPercent, actColon
		either('@', lookNow)
	}
	if p.on(kindIP) {
		p.act[':'] = actColon
		each(setDigit, func(c byte) {
			p.act[c] = actDigit
			pair(c, '.', lookDot)
			pair('.', c, lookDot)
		})
		pair(':', ':', lookColon)
		each(setHex, func(c byte) {
			pair(c, ':', lookColon)
			pair(':', c, lookColon)
		})
	}
	if p.on(kindPaymentCard) || p.on(kindPhone) || p.on(kindIBAN) {
		each(setDigit, func(c byte) { p.act[c] = actDigit })
	}
	if p.on(kindPaymentCard) {
		each(setDigit, func(a byte) { each(setDigit, func(b byte) { pair(a, b, lookDigits) }) })
	}
	if p.on(kindIBAN) {
		// Letter, letter, digit, digit: either the last two are a pair, or the
		// middle ones are.
		each(setDigit, func(b byte) {
			each(setDigit, func(a byte) { pair(a, b, lookIBAN) })
			for _, c := range ibanCountries {
				pair(c.code[1], b, lookIBAN)
				pair(c.code[1]|0x20, b, lookIBAN)
			}
		})
	}
	if p.on(kindPhone) {
		p.act['+'] = actPlus
		either('+', lookPlus)
	}
}

// phoneWords trigger a look for numbers in a national spelling. They are
// looked for by the matcher, so that values without them cost nothing.
var phoneWords = []string{"phone", "telefon", "téléphone", "mobil", "móvil", "movil", "tel", "fax", "cell", "handy", "msisdn", "whatsapp", "sms"}

// literals are what the matcher looks for on behalf of these rules.
func (p *piiRules) literals() []literal {
	if !p.on(kindPhone) {
		return nil
	}
	var out []literal
	for _, w := range phoneWords {
		out = append(out, literal{text: w, fold: true, rule: rulePhoneWord})
	}
	return out
}

// phoneWord notes that a word stands at v[at:behind] that may introduce a phone
// number.
func (s *Scanner) phoneWord(v string, at, behind int) {
	if behind < len(v) && in(v[behind], setLower) && behind-at <= 4 {
		return // telemetry, cellar; mobile and telefono go on
	}
	if at > 0 && in(v[at-1], setAlnum) && !in(v[at], setUpper) && behind-at <= 4 {
		return // hotel
	}
	s.phoneSeen = true
}

// candidate says whether v may hold personal data: a cheap look, so that a
// clean value costs little more than without.
func (p *piiRules) candidate(v string) bool {
	behind := 0 // of a run of digits that was looked at
	for i := 0; i < len(v); i += 8 {
		w := load(v, i)
		if p.pairs[uint16(w)]|p.pairs[uint16(w>>16)]|p.pairs[uint16(w>>32)]|p.pairs[uint16(w>>48)] == 0 {
			continue
		}
		for j := i; w != 0; j, w = j+2, w>>16 {
			l := p.pairs[uint16(w)]
			if l == 0 {
				continue
			}
			// Two digits, the most frequent by far, may be part of an IBAN's head
			// behind a letter only.
			if (l&^(lookDigits|lookIBAN) != 0 || j > 0 && in(v[j-1], setUpper|setLower)) && p.lookAt(v, j, l) {
				return true
			}
			if l&lookDigits != 0 && j >= behind && j+2 < len(v) && in(v[j+2], setDigit) {
				var n int
				if n, behind = digitsAt(v, j); n >= minCard {
					return true
				}
			}
		}
	}
	return false
}

// lookAt says whether the pair at v[j:] belongs to something worth a pass, by
// what is next to it.
func (p *piiRules) lookAt(v string, j int, l look) bool {
	switch {
	case l&lookNow != 0:
		return true
	case l&lookIBAN != 0 && ibanAt(v, j):
		return true
	case l&lookDot != 0 && quadAt(v, j):
		return true
	case l&lookColon != 0 && colonsAt(v, j):
		return true
	case l&lookPlus != 0 && plusAt(v, j):
		return true
	}
	return l&lookEscape != 0 && escapedAt(v, j)
}

// escapedAt says whether the pair at v[j:] touches an escape of a sign that
// personal data is told by.
func escapedAt(v string, j int) bool {
	for i := j; i < j+2 && i+2 < len(v); i++ {
		switch v[i] {
		case '%':
			if c, ok := percentAt(v, i); ok && (c == '@' || c == '+' || c == ':' || c == '.' || c == '%') {
				return true
			}
		case '\\':
			if v[i+1] == 'u' || v[i+1] == 'x' {
				return true
			}
		}
	}
	return false
}

// quadAt says whether the pair at v[j:], one of which is a dot, is part of
// three dots between digits.
func quadAt(v string, j int) bool {
	dot := j
	if v[j] != '.' {
		dot++
	}
	if dot == 0 || dot+1 >= len(v) || !in(v[dot-1], setDigit) || !in(v[dot+1], setDigit) {
		return false
	}
	i := j
	for i > 0 && j-i < 12 && (in(v[i-1], setDigit) || v[i-1] == '.') {
		i--
	}
	dots := 0
	for ; i < len(v) && (in(v[i], setDigit) || v[i] == '.'); i++ {
		if v[i] == '.' {
			if dots++; dots == 3 {
				return true
			}
		}
	}
	return false
}

// colonsAt says whether the pair at v[j:] is part of a second colon with
// nothing but hexadecimal digits between.
func colonsAt(v string, j int) bool {
	i := j
	for i > 0 && j-i < 6 && (in(v[i-1], setHex) || v[i-1] == ':') {
		i--
	}
	colons := 0
	for ; i < len(v) && i < j+12 && (in(v[i], setHex) || v[i] == ':'); i++ {
		if v[i] == ':' {
			if colons++; colons == 2 {
				return true
			}
		}
	}
	return false
}

// plusAt says whether the pair at v[j:] has a '+' before a digit.
func plusAt(v string, j int) bool {
	if v[j] != '+' {
		j++
	}
	for k := j + 1; k < len(v) && k < j+3; k++ {
		if in(v[k], setDigit) {
			return true
		}
	}
	return false
}

// digitsAt counts the digits around v[j:], with one separator or an escaped
// space between them at most, and says where they end. A run that begins with
// a digit that no card does counts as none.
func digitsAt(v string, j int) (n, end int) {
	for j > 0 && in(v[j-1], setDigit) {
		j--
	}
	i := j
	for i < len(v) {
		if in(v[i], setDigit) {
			n++
			i++
			continue
		}
		w := separatorAt(v, i)
		if w == 0 && v[i] == '%' && i+2 < len(v) && v[i+1] == '2' && (v[i+2] == '0' || v[i+2] == 'D' || v[i+2] == 'd') {
			w = 3
		}
		if w == 0 || i+w >= len(v) || !in(v[i+w], setDigit) {
			break
		}
		i += w
	}
	if end = i; run(v, j, setDigit)-j >= minCard && strings.IndexByte("017", v[j]) >= 0 {
		return 0, end
	}
	return n, end
}

// separatorAt is the width of the sign at v[i:] that may stand between groups
// of digits: a space (also one that does not break a line, or a '+' for it) or
// a dash. 0 is none.
func separatorAt(v string, i int) int {
	switch v[i] {
	case ' ', '-', '+':
		return 1
	case 0xc2:
		if strings.HasPrefix(v[i:], "\u00a0") {
			return 2
		}
	case 0xe2:
		if strings.HasPrefix(v[i:], "\u202f") || strings.HasPrefix(v[i:], "\u2011") {
			return 3
		}
	}
	return 0
}
