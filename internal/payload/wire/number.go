// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"math"
	"strconv"

	"github.com/google/uuid"
)

// appendDouble appends f as a typed double (docs/SPEC.md, section 6.1): the
// shortest decimal that reads back the same, positional between 1e-6 and 1e21
// and with an exponent elsewhere, always with a point or an exponent.
func appendDouble(b []byte, f float64) []byte {
	switch {
	case f != f:
		return append(b, `{"$double":"NaN"}`...)
	case f > math.MaxFloat64:
		return append(b, `{"$double":"Infinity"}`...)
	case f < -math.MaxFloat64:
		return append(b, `{"$double":"-Infinity"}`...)
	}
	abs := math.Abs(f)
	if abs < 1e15 && abs == math.Trunc(abs) {
		if math.Signbit(f) {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(abs), 10)
		return append(b, '.', '0')
	}
	if abs >= 1e-6 && abs < 1e21 {
		n := len(b)
		b = strconv.AppendFloat(b, f, 'f', -1, 64)
		for _, c := range b[n:] {
			if c == '.' {
				return b
			}
		}
		return append(b, '.', '0')
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	// e-09 is written e-9, as JSON writers do.
	if n := len(b); n >= 4 && b[n-4] == 'e' && b[n-2] == '0' {
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

const pairs = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

func put2(b []byte, n uint64) {
	copy(b[:2], pairs[2*n:2*n+2])
}

// timeLen is the length of a time: RFC 3339, UTC, nine fractional digits.
const timeLen = len("2006-01-02T15:04:05.000000000Z")

// clock writes times; it keeps the second that it wrote last, because records
// of a batch share it.
type clock struct {
	second uint64
	text   [timeLen]byte
	valid  bool
}

// append appends the Unix time ns as docs/SPEC.md, section 2, rule 6 has it.
func (c *clock) append(b []byte, ns uint64) []byte {
	sec, frac := ns/1e9, ns%1e9
	if sec != c.second || !c.valid {
		c.set(sec)
	}
	n := len(b)
	b = append(b, c.text[:]...)
	f := b[n+20 : n+29]
	f[0] = byte('0' + frac/1e8)
	put2(f[1:], frac/1e6%100)
	put2(f[3:], frac/1e4%100)
	put2(f[5:], frac/1e2%100)
	put2(f[7:], frac%100)
	return b
}

// set writes the second sec. The year ends at 2554: ns has 64 bits.
func (c *clock) set(sec uint64) {
	days, rest := sec/86400, sec%86400
	// Howard Hinnant's civil_from_days, for days that are not negative.
	z := days + 719468
	era := z / 146097
	doe := z % 146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day := doy - (153*mp+2)/5 + 1
	month := mp + 3
	if month > 12 {
		month -= 12
	}
	year := yoe + era*400
	if month <= 2 {
		year++
	}
	t := &c.text
	copy(t[:], "0000-00-00T00:00:00.000000000Z")
	put2(t[0:], year/100)
	put2(t[2:], year%100)
	put2(t[5:], month)
	put2(t[8:], day)
	put2(t[11:], rest/3600)
	put2(t[14:], rest/60%60)
	put2(t[17:], rest%60)
	c.second, c.valid = sec, true
}

func appendHex(b []byte, v []byte) []byte {
	for _, c := range v {
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

// appendUUID appends id in its canonical form.
func appendUUID(b []byte, id *uuid.UUID) []byte {
	b = appendHex(b, id[0:4])
	b = append(b, '-')
	b = appendHex(b, id[4:6])
	b = append(b, '-')
	b = appendHex(b, id[6:8])
	b = append(b, '-')
	b = appendHex(b, id[8:10])
	b = append(b, '-')
	return appendHex(b, id[10:16])
}

// canonicalUUID reads s where it is a UUID exactly as appendUUID writes one.
func canonicalUUID(s string) (id uuid.UUID, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	i := 0
	for n := 0; n < 36; {
		if n == 8 || n == 13 || n == 18 || n == 23 {
			n++
			continue
		}
		hi, lo := unhex[s[n]], unhex[s[n+1]]
		if hi|lo > 15 {
			return uuid.UUID{}, false
		}
		id[i] = hi<<4 | lo
		i++
		n += 2
	}
	return id, true
}

// unhex is the value of a lower-case hexadecimal digit, 0xff for other bytes.
var unhex = func() (t [256]uint8) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range 16 {
		t[hexDigits[i]] = uint8(i)
	}
	return t
}()
