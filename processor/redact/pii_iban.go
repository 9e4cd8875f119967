// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// ibanCountries are the countries of the IBAN registry (ISO 13616, release 99)
// and those that use the form without being in it, with the length of theirs.
var ibanCountries = []struct {
	code   string
	length uint8
}{
	{"AD", 24}, {"AE", 23}, {"AL", 28}, {"AO", 25}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BF", 28}, {"BG", 22},
	{"BH", 22}, {"BI", 27}, {"BJ", 28}, {"BR", 29}, {"BY", 28}, {"CF", 27}, {"CG", 27}, {"CH", 21}, {"CI", 28}, {"CM", 27},
	{"CR", 22}, {"CV", 25}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"DZ", 26}, {"EE", 20},
	{"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GA", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23},
	{"GL", 18}, {"GQ", 27}, {"GR", 27}, {"GT", 28}, {"GW", 25}, {"HN", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23},
	{"IQ", 23}, {"IR", 26}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KM", 27}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32},
	{"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MA", 28}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MG", 27},
	{"MK", 19}, {"ML", 28}, {"MN", 20}, {"MR", 27}, {"MT", 31}, {"MU", 30}, {"MZ", 25}, {"NE", 28}, {"NI", 28}, {"NL", 18},
	{"NO", 15}, {"OM", 23}, {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33},
	{"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SN", 28}, {"SO", 23}, {"ST", 25},
	{"SV", 28}, {"TD", 27}, {"TG", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20},
	{"YE", 30},
}

const (
	minIBAN = 15
	maxIBAN = 34
)

// ibanLength is the length of an IBAN by the two letters of its country.
var ibanLength = func() (t [26 * 26]uint8) {
	for _, c := range ibanCountries {
		t[int(c.code[0]-'A')*26+int(c.code[1]-'A')] = c.length
	}
	return t
}()

// ibanHead is the length of the IBAN that may start at v[i:] with the code of a
// country and two check digits, or 0.
func ibanHead(v string, i int) int {
	if i < 0 || i+minIBAN > len(v) || !in(v[i], setUpper|setLower) || !in(v[i+1], setUpper|setLower) || !in(v[i+2], setDigit) || !in(v[i+3], setDigit) {
		return 0
	}
	if i > 0 && in(v[i-1], setAlnum) && !startsHere(v, i) {
		return 0
	}
	return int(ibanLength[int(v[i]&^0x20-'A')*26+int(v[i+1]&^0x20-'A')])
}

// ibanAt says whether an IBAN may start where the pair at v[j:] is part of its
// head.
func ibanAt(v string, j int) bool {
	if in(v[j], setDigit) {
		return ibanHead(v, j-2) > 0
	}
	return ibanHead(v, j-1) > 0
}

// ibanEnd is the end of the IBAN that starts at v[i:], or 0: so long as its
// country says, and with check digits that are right (ISO 7064, mod 97-10). It
// is written in one, or in groups of four.
func ibanEnd(v string, i int) int {
	length := ibanHead(v, i)
	if length == 0 {
		return 0
	}
	var text [maxIBAN]byte
	n, grouped := 0, false
	for n < length {
		if n > 0 && n%4 == 0 && i < len(v) {
			w := separatorAt(v, i)
			if n == 4 {
				grouped = w > 0
			}
			if grouped != (w > 0) {
				return 0
			}
			i += w
		}
		if i >= len(v) || !in(v[i], setAlnum) {
			return 0
		}
		text[n] = v[i]
		n++
		i++
	}
	if i < len(v) && in(v[i], setAlnum) {
		return 0
	}
	rest := 0
	for k := range length {
		c := text[(k+4)%length]
		switch {
		case in(c, setDigit):
			rest = (rest*10 + int(c-'0')) % 97
		case k < length-4 && in(c, setLower):
			// Small letters are allowed where nothing can be mistaken: a hash
			// of hexadecimal digits is written in them.
			return 0
		default:
			rest = (rest*100 + int(c&^0x20-'A') + 10) % 97
		}
	}
	if rest != 1 {
		return 0
	}
	return i
}
