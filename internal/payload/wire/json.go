// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonDepth is how deep a JSON text may nest to be embedded.
const jsonDepth = 64

// strictJSON says whether v is a JSON object or array, with nothing around
// it, that may stand in a payload as it is (docs/SPEC.md, section 6.5).
func strictJSON(v string) bool {
	if !bracketed(v) || !utf8.ValidString(v) {
		return false
	}
	c := jsonChecker{v: v}
	return c.value(0) && c.at == len(v)
}

// jsonChecker walks a JSON text (RFC 8259), more strictly than parsers do:
// unique keys, a bounded depth, no byte below 0x20, not even as space, and no
// escape that stands for half a character.
type jsonChecker struct {
	v  string
	at int
}

func (c *jsonChecker) peek() byte {
	if c.at < len(c.v) {
		return c.v[c.at]
	}
	return 0
}

func (c *jsonChecker) space() {
	for c.peek() == ' ' {
		c.at++
	}
}

func (c *jsonChecker) value(depth int) bool {
	switch b := c.peek(); {
	case b == '{':
		return depth < jsonDepth && c.object(depth+1)
	case b == '[':
		return depth < jsonDepth && c.array(depth+1)
	case b == '"':
		_, ok := c.text()
		return ok
	case b == 't':
		return c.word("true")
	case b == 'f':
		return c.word("false")
	case b == 'n':
		return c.word("null")
	default:
		return c.number()
	}
}

func (c *jsonChecker) object(depth int) bool {
	c.at++
	c.space()
	if c.peek() == '}' {
		c.at++
		return true
	}
	var one string // an object of one key needs no set
	var set map[string]struct{}
	for n := 0; ; n++ {
		k, ok := c.key()
		if !ok {
			return false
		}
		switch {
		case n == 0:
			one = k
		case n == 1:
			set = map[string]struct{}{one: {}}
			fallthrough
		default:
			if _, twice := set[k]; twice {
				return false
			}
			set[k] = struct{}{}
		}
		c.space()
		if c.peek() != ':' {
			return false
		}
		c.at++
		c.space()
		if !c.value(depth) {
			return false
		}
		c.space()
		switch c.peek() {
		case ',':
			c.at++
			c.space()
		case '}':
			c.at++
			return true
		default:
			return false
		}
	}
}

func (c *jsonChecker) array(depth int) bool {
	c.at++
	c.space()
	if c.peek() == ']' {
		c.at++
		return true
	}
	for {
		if !c.value(depth) {
			return false
		}
		c.space()
		switch c.peek() {
		case ',':
			c.at++
			c.space()
		case ']':
			c.at++
			return true
		default:
			return false
		}
	}
}

// key reads a string and undoes its escapes: "a" and "\u0061" are one key.
func (c *jsonChecker) key() (string, bool) {
	from := c.at
	escaped, ok := c.text()
	if !ok {
		return "", false
	}
	if !escaped {
		return c.v[from+1 : c.at-1], true
	}
	var k string
	err := json.Unmarshal([]byte(c.v[from:c.at]), &k)
	return k, err == nil
}

// text reads a string and says whether it has escapes.
func (c *jsonChecker) text() (escaped, ok bool) {
	if c.peek() != '"' {
		return false, false
	}
	for c.at++; c.at < len(c.v); c.at++ {
		switch b := c.v[c.at]; {
		case b == '"':
			c.at++
			return escaped, true
		case b < 0x20:
			return false, false
		case b == '\\':
			escaped = true
			c.at++
			switch c.peek() {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if !c.unicode() {
					return false, false
				}
			default:
				return false, false
			}
		}
	}
	return false, false
}

// unicode reads what follows the backslash of an escape, at 'u', up to its last
// digit. The two halves of a surrogate pair are one character.
func (c *jsonChecker) unicode() bool {
	r, ok := c.hex4()
	if !ok || !utf16.IsSurrogate(r) {
		return ok
	}
	if !strings.HasPrefix(c.v[c.at+1:], `\u`) {
		return false
	}
	c.at += 2
	low, ok := c.hex4()
	return ok && utf16.DecodeRune(r, low) != utf8.RuneError
}

// hex4 reads the four digits behind the 'u' at c.at, up to the last one.
func (c *jsonChecker) hex4() (r rune, ok bool) {
	for range 4 {
		c.at++
		b := c.peek()
		if !isHex(b) {
			return 0, false
		}
		if b > '9' {
			b += 9 // of 'A' and 'a' the low digit is 1
		}
		r = r<<4 | rune(b&0x0f)
	}
	return r, true
}

func isHex(b byte) bool { return unhex[b] < 16 || b >= 'A' && b <= 'F' }

func (c *jsonChecker) word(w string) bool {
	if len(c.v)-c.at < len(w) || c.v[c.at:c.at+len(w)] != w {
		return false
	}
	c.at += len(w)
	return true
}

func (c *jsonChecker) digits() bool {
	from := c.at
	for b := c.peek(); b >= '0' && b <= '9'; b = c.peek() {
		c.at++
	}
	return c.at > from
}

func (c *jsonChecker) number() bool {
	if c.peek() == '-' {
		c.at++
	}
	if c.peek() == '0' {
		c.at++
	} else if !c.digits() {
		return false
	}
	if c.peek() == '.' {
		c.at++
		if !c.digits() {
			return false
		}
	}
	if c.peek()|0x20 == 'e' {
		c.at++
		if b := c.peek(); b == '+' || b == '-' {
			c.at++
		}
		return c.digits()
	}
	return true
}
