// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"math"
	"strconv"
	"strings"
)

// personalState is what the rules for personal data remember, on one pass and
// between them.
type personalState struct {
	topic topic // what the name above the value says

	floor   int // what is found begins here at the earliest: markers and finds before it
	authEnd int // a URL's authority ends here
	authAt  int // the '@' behind the user of that URL, or -1
	v6End   int // colons before it were looked at

	remote remoteState // of the argv that is being walked

	view []byte // the text without escapes
	at   []int  // where the bytes of view stand
	num  []byte
	form []byte
}

// personal adds the personal data in v to the spans.
func (s *Scanner) personal(v string) {
	if strings.IndexByte(v, '%') < 0 && strings.IndexByte(v, '\\') < 0 {
		s.personalIn(v)
		return
	}
	// What escapes stand for is looked at instead of them, once: an address
	// begins behind an escaped line end, and %40 is a '@'.
	s.pii.view, s.pii.at = unescaped(s.pii.view[:0], s.pii.at[:0], v)
	from := len(s.spans)
	s.personalIn(stringOf(s.pii.view))
	for i := from; i < len(s.spans); i++ {
		sp := &s.spans[i]
		sp.start, sp.end = s.pii.at[sp.start], s.pii.at[sp.end]
	}
}

// unescaped appends v without percent escapes and backslashes, and where each
// byte comes from. at has one element more than view.
func unescaped(view []byte, at []int, v string) ([]byte, []int) {
	for i := 0; i < len(v); {
		c, n := v[i], 1
		switch c {
		case '%':
			if d, ok := percentAt(v, i); ok && d < 0x80 {
				c, n = d, 3
			}
		case '\\':
			c, n = unbackslashed(v, i)
		}
		view, at = append(view, c), append(at, i)
		i += n
	}
	return view, append(at, len(v))
}

// unbackslashed is what the backslashes at v[i:], and what they escape at
// however many levels, stand for.
func unbackslashed(v string, i int) (c byte, n int) {
	j := i
	for j < len(v) && v[j] == '\\' {
		j++
	}
	if j == len(v) {
		return '\\', j - i
	}
	switch v[j] {
	case 'n', 'r', 't':
		return '\n', j - i + 1
	case '"', '\'', '/':
		return v[j], j - i + 1
	case 'u':
		if r, ok := unicodeEscapeAt(v, j-1); ok && r < 0x80 {
			return byte(r), j - i + 5
		}
	}
	return '\\', j - i
}

// personalIn is personal for a text whose escapes, if any, do not count.
func (s *Scanner) personalIn(v string) {
	st := &s.pii
	st.floor, st.authEnd, st.authAt, st.v6End = 0, 0, -1, 0
	acts := &s.r.pii.act
	for i := 0; i < len(v); {
		end := i + 1
		switch acts[v[i]] {
		case actMarker:
			if n := s.markerLen(v[i:]); n > 0 {
				end = i + n
				st.floor = end
			}
		case actAt:
			end = s.email(v, i, 1)
		case actPercent:
			if c, ok := percentAt(v, i); ok && c == '@' {
				end = s.email(v, i, 3) // escaped twice
			}
		case actColon:
			end = s.colon(v, i)
		case actPlus:
			end = s.phonePlus(v, i)
		case actDigit:
			end = s.digits(v, i)
		}
		i = end
	}
}

// found records personal data, and returns its end. What an IP address becomes
// when it is truncated is not found again.
func (s *Scanner) record(start, end int, kind kindID) int {
	s.add(start, end, kind, decodeNone)
	s.pii.floor = end
	return end
}

// digits looks at the run of digits that starts at v[i:], and returns where to
// go on.
func (s *Scanner) digits(v string, i int) int {
	p, run1 := s.r.pii, run(v, i, setDigit)
	if p.on(kindIBAN) && i-2 >= s.pii.floor {
		if end := ibanEnd(v, i-2); end > 0 {
			return s.record(i-2, end, kindIBAN)
		}
	}
	if p.on(kindIP) && run1-i <= 3 && run1 < len(v) && v[run1] == '.' {
		if end, is := s.ipv4(v, i); is {
			return end
		}
	}
	if p.on(kindPaymentCard) && run1-i >= 4 && run1-i <= maxCard {
		if end := s.card(v, i, run1); end > 0 {
			return s.record(i, end, kindPaymentCard)
		}
	}
	if p.on(kindPhone) && (s.phoneSeen || s.pii.topic == topicPhone) {
		if start, end := s.phoneNational(v, i); end > 0 {
			return s.record(start, end, kindPhone)
		}
	}
	return run1
}

// Int is Scalar for an integer, which may be personal data: the number of a
// card is one even where no name says so.
func (s *Scanner) Int(p Place, n int64) (marker string, masked bool) {
	if s.r.allow == nil && (s.r.pii == nil || n < minPersonalNumber) {
		return s.Scalar(p)
	}
	defer func() {
		if recover() != nil {
			marker, masked = s.bareMarker(kindError), true
		}
		s.stands(marker)
	}()
	s.pii.num = strconv.AppendInt(s.pii.num[:0], n, 10)
	return s.number(p, stringOf(s.pii.num))
}

// Float is Int for a floating-point number: what reads a card's number from
// JSON may make one of it.
func (s *Scanner) Float(p Place, f float64) (marker string, masked bool) {
	if s.r.allow == nil && (s.r.pii == nil || f < minPersonalNumber) || f < 0 || f >= 1<<63 || f != math.Trunc(f) {
		return s.Scalar(p)
	}
	return s.Int(p, int64(f))
}

// minPersonalNumber has seven digits: a phone number.
const minPersonalNumber = 1_000_000

// number is scalar for a number, as it is written in decimal digits. What has
// another form is looked at only for its place.
func (s *Scanner) number(p Place, text string) (marker string, masked bool) {
	if s.r.allow != nil && s.allowsNumber(p, text) {
		return "", false
	}
	if marker, masked = s.scalar(p); masked || s.r.pii == nil || len(text) < 7 {
		return marker, masked
	}
	if !allIn(text, setDigit) {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f < minPersonalNumber || f >= 1<<63 || f != math.Trunc(f) {
			return "", false
		}
		s.pii.num = strconv.AppendInt(s.pii.num[:0], int64(f), 10)
		text = stringOf(s.pii.num)
	}
	s.spans, s.scratch, s.pii.topic = s.spans[:0], scratch{}, p.topic
	s.personalIn(text)
	if len(s.spans) != 1 || s.allows(s.spans[0].kind, text[s.spans[0].start:s.spans[0].end], decodeNone) {
		return "", false
	}
	sp := s.spans[0]
	return s.marker(sp.kind, text[sp.start:sp.end], decodeNone), true
}

// appendPersonal appends what stands in the place of personal data.
func (s *Scanner) appendPersonal(dst []byte, kind kindID, text string) []byte {
	policy := s.r.pii.policy[kind-kindEmail]
	if policy == PolicyTruncate {
		if a, ok := parseIP(s.plainText(text)); ok {
			return truncated(a).AppendTo(dst)
		}
	}
	dst = append(dst, s.r.bare[kind]...)
	if policy == PolicyFingerprint {
		dst = s.appendFingerprint(dst[:len(dst)-1], s.canonical(kind, text))
		dst = append(dst, ']')
	}
	return dst
}

// plainText is text without escapes, valid until the next call.
func (s *Scanner) plainText(text string) string {
	if strings.IndexByte(text, '%') < 0 && strings.IndexByte(text, '\\') < 0 {
		return text
	}
	s.pii.view, s.pii.at = unescaped(s.pii.view[:0], s.pii.at[:0], text)
	return stringOf(s.pii.view)
}

// canonical is the one form of personal data that fingerprints are over, so
// that the same address or number has the same, however it is written:
//
//   - an e-mail address in lower case. A server may tell capitals apart on the
//     left of the '@', and none that matters does;
//   - the digits of a card;
//   - an IBAN in capitals and without spaces;
//   - a phone number's digits, behind a '+' where it has a country code;
//   - an IP address as RFC 5952 writes it, an IPv4 address in an IPv6 one as
//     the former.
func (s *Scanner) canonical(kind kindID, text string) []byte {
	text = s.plainText(text)
	out := s.pii.form[:0]
	switch kind {
	case kindEmail:
		if i := strings.IndexByte(text, '%'); i >= 0 {
			text = strings.Replace(text, "%40", "@", 1)
		}
		for i := range len(text) {
			out = append(out, fold(text[i]))
		}
	case kindIP:
		if a, ok := parseIP(text); ok {
			out = a.AppendTo(out)
			break
		}
		out = append(out, text...)
	case kindPhone:
		out = canonicalPhone(out, text)
	default:
		for i := range len(text) {
			switch c := text[i]; {
			case in(c, setLower):
				out = append(out, c-0x20)
			case in(c, setAlnum):
				out = append(out, c)
			}
		}
	}
	s.pii.form = out
	return out
}

// mayBePersonal says whether v is worth a pass for personal data.
func (s *Scanner) mayBePersonal(v string) bool {
	return s.r.pii != nil && (s.pii.topic == topicPhone || s.r.pii.candidate(v))
}

// onlyPersonal redacts what a name says is secret and is left alone, such as a
// path: no address in it for that.
func (s *Scanner) onlyPersonal(v string) (string, bool) {
	if !s.mayBePersonal(v) || s.isMarker(v) {
		return v, false
	}
	s.spans, s.scratch = s.spans[:0], scratch{}
	s.personal(v)
	if len(s.spans) == 0 {
		return v, false
	}
	var out []byte
	at := 0
	spans := s.withoutAllowed(mergeSpans(s.spans), v)
	if len(spans) == 0 {
		return v, false
	}
	for _, sp := range spans {
		out = s.appendMarker(append(out, v[at:sp.start]...), sp.kind, v[sp.start:sp.end], sp.dec)
		at = sp.end
	}
	return string(append(out, v[at:]...)), true
}
