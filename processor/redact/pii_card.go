// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// The lengths of payment card numbers, ISO/IEC 7812.
const (
	minCard = 13
	maxCard = 19
)

// card is the end of the number of a payment card that starts at v[i:], whose
// first run of digits ends at run1; 0 for none. A number has the prefix of an
// issuer, a length that goes with it, and the check digit of Luhn. It is
// written in one, or in the groups of a card: 4-4-4-4, 4-6-5, 4-6-4.
func (s *Scanner) card(v string, i, run1 int) int {
	var digits [maxCard]byte
	n := copy(digits[:], v[i:run1])
	if n >= minCard {
		if !isCard(digits[:n]) || !s.standsAlone(v, i, run1) {
			return 0
		}
		switch t := s.topicAt(v, i, run1); {
		case t == topicCard:
			return run1
		case t == topicNumber || t == topicVersion || t == topicPhone && n <= maxPhone:
			return 0
		case n == 13 || n > 16:
			return 0 // an article number, or an id of 64 bits: the name would have to say
		}
		return run1
	}
	if n != 4 {
		return 0
	}
	end, best := run1, 0
	var lens [5]int
	lens[0] = 4
	for g := 1; g < len(lens); g++ {
		if end >= len(v) {
			break
		}
		w := separatorAt(v, end)
		if w == 0 || v[end] != v[run1] {
			break
		}
		next := run(v[:min(len(v), end+w+7)], end+w, setDigit)
		if lens[g] = next - end - w; lens[g] == 0 || n+lens[g] > maxCard {
			break
		}
		n += copy(digits[n:], v[end+w:next])
		end = next
		if groupsOfCard(lens[:g+1]) && isCard(digits[:n]) && s.standsAlone(v, i, end) {
			best = end
		}
	}
	return best
}

// groupsOfCard says whether groups of digits have the lengths that are printed
// on cards.
func groupsOfCard(lens []int) bool {
	switch len(lens) {
	case 3:
		return lens[1] == 6 && (lens[2] == 4 || lens[2] == 5)
	case 4:
		return lens[1] == 4 && lens[2] == 4 && lens[3] == 4
	case 5:
		return lens[1] == 4 && lens[2] == 4 && lens[3] == 4 && lens[4] <= 3
	}
	return false
}

// standsAlone says whether the digits at v[start:end] are no part of something
// longer: a hash, a UUID, a decimal fraction, a name.
func (s *Scanner) standsAlone(v string, start, end int) bool {
	if start > 0 {
		switch c := v[start-1]; {
		case wordByte(c) && separatorBefore(v, start) == 0:
			return false
		case (c == '.' || c == ',') && start > 1 && in(v[start-2], setDigit) && c == '.':
			return false
		case c == '-' && start > 1 && in(v[start-2], setAlnum) && topicOf(v[max(s.pii.floor, start-topicReach):start]) != topicCard:
			return false
		}
	}
	if end < len(v) {
		switch c := v[end]; {
		case wordByte(c) && separatorAt(v, end) == 0:
			return false
		case c == '.' && end+1 < len(v) && in(v[end+1], setDigit):
			return false
		case c == '-' && end+1 < len(v) && in(v[end+1], setAlnum):
			return false
		}
	}
	return true
}

// separatorBefore is the width of a separator of more than one byte that ends
// at i.
func separatorBefore(v string, i int) int {
	for _, w := range [...]int{2, 3} {
		if i >= w && separatorAt(v, i-w) == w {
			return w
		}
	}
	return 0
}

// isCard says whether digits are the number of a card.
func isCard(digits []byte) bool { return issuedAt(digits, len(digits)) && luhn(digits) }

// issuedAt says whether an issuer's numbers begin as digits do and are n long.
func issuedAt(digits []byte, n int) bool {
	if n < minCard || n > maxCard {
		return false
	}
	p := 0
	for _, c := range digits[:6] {
		p = p*10 + int(c-'0')
	}
	two, three, four := p/10000, p/1000, p/100
	switch {
	case two/10 == 4: // Visa
		return n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720: // Mastercard
		return n == 16
	case two == 34 || two == 37: // American Express
		return n == 15
	case three >= 300 && three <= 305, four == 3095, two == 36, two == 38, two == 39: // Diners Club
		return n == 14 || n == 16
	case four >= 3528 && four <= 3589: // JCB
		return n >= 16
	case four >= 2200 && four <= 2204: // Mir
		return n >= 16
	case two == 50 || two >= 56 && two <= 58: // Maestro, Elo, Verve, RuPay
		return n >= 16
	case two >= 60 && two <= 69: // Discover, UnionPay, Maestro, RuPay, Hipercard
		return n >= 16
	case four == 9792: // Troy
		return n == 16
	}
	return false
}

// luhn says whether the last digit is the check digit of ISO/IEC 7812 annex B.
func luhn(digits []byte) bool {
	sum, same := 0, true
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		same = same && digits[i] == digits[0]
	}
	return sum%10 == 0 && !same
}
