// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// charset is a set of byte classes; classOf maps a byte to all sets it is in,
// so that one table serves every rule.
type charset uint16

const (
	setUpperDigit charset = 1 << iota // A-Z 0-9
	setLowerHex                       // 0-9 a-f
	setHex                            // 0-9 a-f A-F
	setAlnum                          // A-Z a-z 0-9
	setWord                           // alnum _
	setToken                          // alnum _ -
	setDotToken                       // alnum _ - .
	setBase64                         // alnum + /
	setBase64URL                      // alnum + / = _ -
	setName                           // alnum _ - . : what a key name is written with
	setSpace                          // space \t \n \r
	setDigit                          // 0-9
	setTilde                          // alnum _ - . ~
	setLower                          // a-z
	setUpper                          // A-Z
	setOpaque                         // alnum _ - . ~ + / = %
)

var classOf = func() (t [256]charset) {
	add := func(set charset, chars string) {
		for i := 0; i < len(chars); i++ {
			t[chars[i]] |= set
		}
	}
	const (
		lower = "abcdefghijklmnopqrstuvwxyz"
		upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		digit = "0123456789"
		alnum = lower + upper + digit
	)
	add(setUpperDigit, upper+digit)
	add(setLowerHex, digit+"abcdef")
	add(setHex, digit+"abcdefABCDEF")
	add(setAlnum, alnum)
	add(setWord, alnum+"_")
	add(setToken, alnum+"_-")
	add(setDotToken, alnum+"_-.")
	add(setBase64, alnum+"+/")
	add(setBase64URL, alnum+"+/=_-")
	add(setName, alnum+"_-.")
	add(setSpace, " \t\n\r")
	add(setDigit, digit)
	add(setTilde, alnum+"_-.~")
	add(setLower, lower)
	add(setUpper, upper)
	add(setOpaque, alnum+"_-.~+/=%")
	return t
}()

func in(c byte, set charset) bool { return classOf[c]&set != 0 }

// allIn says whether every byte of v is in set.
func allIn(v string, set charset) bool {
	for i := 0; i < len(v); i++ {
		if classOf[v[i]]&set == 0 {
			return false
		}
	}
	return true
}

// run is the end of the run of set that starts at i.
func run(v string, i int, set charset) int {
	for i < len(v) && classOf[v[i]]&set != 0 {
		i++
	}
	return i
}

// shapes says which of digits, lower and upper case letters v holds.
func shapes(v string) (digit, lower, upper int) {
	for i := 0; i < len(v); i++ {
		c := classOf[v[i]]
		switch {
		case c&setDigit != 0:
			digit++
		case c&setLower != 0:
			lower++
		case c&setUpper != 0:
			upper++
		}
	}
	return digit, lower, upper
}

// fold is ASCII lower case.
func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// hasFoldPrefix says whether v starts with prefix, which is lower case.
func hasFoldPrefix(v, prefix string) bool {
	if len(v) < len(prefix) {
		return false
	}
	for i := 0; i < len(prefix); i++ {
		if fold(v[i]) != prefix[i] {
			return false
		}
	}
	return true
}

// equalFold says whether v is word, which is lower case.
func equalFold(v, word string) bool { return len(v) == len(word) && hasFoldPrefix(v, word) }

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// percentAt decodes the percent escape at v[i:].
func percentAt(v string, i int) (byte, bool) {
	if i+2 >= len(v) || v[i] != '%' {
		return 0, false
	}
	hi, ok1 := unhex(v[i+1])
	lo, ok2 := unhex(v[i+2])
	return hi<<4 | lo, ok1 && ok2
}

// unicodeEscapeAt decodes the \uXXXX escape at v[i:].
func unicodeEscapeAt(v string, i int) (rune, bool) {
	if i+6 > len(v) || v[i] != '\\' || v[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(v[i+2 : i+6]) {
		d, ok := unhex(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// startsHere says whether a token may start at v[i]: the byte before is no
// letter or digit, or it ends an escape (\n, %3D, \u003d, a terminal colour).
func startsHere(v string, i int) bool {
	if i == 0 || !in(v[i-1], setAlnum) {
		return true
	}
	if i >= 2 && v[i-2] == '\\' {
		switch v[i-1] {
		case 'n', 'r', 't', 'b', 'f':
			return true
		}
	}
	if i >= 3 && v[i-3] == '%' {
		_, ok := percentAt(v, i-3)
		return ok
	}
	if i >= 4 && v[i-4] == '\\' && v[i-3] == 'x' {
		return true
	}
	if i >= 6 && v[i-6] == '\\' {
		_, ok := unicodeEscapeAt(v, i-6)
		return ok
	}
	if v[i-1] == 'm' {
		j := i - 2
		for j >= 0 && i-j < 12 && (in(v[j], setDigit) || v[j] == ';') {
			j--
		}
		return j >= 1 && v[j] == '[' && v[j-1] == 0x1b
	}
	return false
}
