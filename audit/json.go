// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep objects and arrays may be nested, so that a line
// cannot exhaust the stack. It is the bound of encoding/json.
const maxDepth = 10000

// node is one JSON value. encoding/json cannot serve here: it takes keys in any
// case and keys twice, loses the text of numbers, replaces invalid strings, and
// gives no byte positions, which the body of SPEC section 6.5 needs.
//
// It is small, since a long line has many.
type node struct {
	kind nodeKind
	open bool   // an object whose brace at the end is missing
	text string // of a string, unescaped; of a number, as it stands
	in   *inner // of an array and an object
}

type inner struct {
	members []member
	items   []node
}

func (n node) members() []member {
	if n.in == nil {
		return nil
	}
	return n.in.members
}

func (n node) items() []node {
	if n.in == nil {
		return nil
	}
	return n.in.items
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	trueNode
	falseNode
	numberNode
	stringNode
	arrayNode
	objectNode
)

type member struct {
	key   string
	value node
	// raw is the value as it stands, with the spaces around it.
	raw []byte
}

// parser reads one JSON object. Its errors hold positions and no content.
type parser struct {
	b     []byte
	i     int
	depth int
}

// parseObject reads b, which holds one JSON object and nothing more. Where open
// is set, the brace that ends the object may be missing: that is a payload.
func parseObject(b []byte, open bool) (node, error) {
	if !utf8.Valid(b) {
		return node{}, fmt.Errorf("not valid UTF-8")
	}
	p := &parser{b: b}
	if p.peek() != '{' {
		return node{}, p.fail("not a JSON object")
	}
	n, err := p.object(open)
	if err != nil {
		return node{}, err
	}
	if p.skip(); p.i != len(p.b) {
		return node{}, p.fail("something follows the object")
	}
	return n, nil
}

func (p *parser) fail(what string) error { return fmt.Errorf("byte %d: %s", p.i, what) }

// skip skips spaces: the only white space there is, since a line has no byte
// below 0x20.
func (p *parser) skip() {
	for p.i < len(p.b) && p.b[p.i] == ' ' {
		p.i++
	}
}

// peek returns the next byte that is no space, 0 at the end.
func (p *parser) peek() byte {
	p.skip()
	if p.i == len(p.b) {
		return 0
	}
	return p.b[p.i]
}

func (p *parser) value() (node, error) {
	switch c := p.peek(); {
	case c == '{':
		return p.object(false)
	case c == '[':
		return p.array()
	case c == '"':
		s, err := p.str()
		return node{kind: stringNode, text: s}, err
	case c == '-' || c >= '0' && c <= '9':
		s, err := p.number()
		return node{kind: numberNode, text: s}, err
	}
	for _, lit := range []struct {
		text string
		kind nodeKind
	}{{"null", nullNode}, {"true", trueNode}, {"false", falseNode}} {
		if len(p.b)-p.i >= len(lit.text) && string(p.b[p.i:p.i+len(lit.text)]) == lit.text {
			p.i += len(lit.text)
			return node{kind: lit.kind}, nil
		}
	}
	return node{}, p.fail("not a JSON value")
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.fail("nested too deep")
	}
	p.i++
	return nil
}

func (p *parser) object(open bool) (node, error) {
	if err := p.enter(); err != nil {
		return node{}, err
	}
	n := node{kind: objectNode, in: &inner{members: make([]member, 0, 4)}}
	var seen map[string]struct{}
	for first := true; ; first = false {
		switch c := p.peek(); {
		case c == '}' && first:
			p.i++
			p.depth--
			return n, nil
		case c != '"':
			return node{}, p.fail("want a key")
		}
		at := p.i
		key, err := p.str()
		if err != nil {
			return node{}, err
		}
		if seen = note(seen, n.in.members, key); seen == nil {
			p.i = at
			return node{}, p.fail("a key that the object already has")
		}
		if p.peek() != ':' {
			return node{}, p.fail("want ':'")
		}
		p.i++
		from := p.i
		v, err := p.value()
		if err != nil {
			return node{}, err
		}
		c := p.peek()
		n.in.members = append(n.in.members, member{key, v, p.b[from:p.i]})
		switch {
		case c == ',':
			p.i++
		case c == '}':
			p.i++
			p.depth--
			return n, nil
		case open && p.i == len(p.b):
			n.open = true
			return n, nil
		default:
			return node{}, p.fail("want ',' or '}'")
		}
	}
}

// note returns the keys of an object with key among them, nil where it already
// was. Few keys are compared one by one, and need no map.
func note(seen map[string]struct{}, members []member, key string) map[string]struct{} {
	const few = 12
	if len(members) < few {
		for i := range members {
			if members[i].key == key {
				return nil
			}
		}
		return noKeys
	}
	if len(members) == few {
		seen = make(map[string]struct{}, 4*few)
		for i := range members {
			seen[members[i].key] = struct{}{}
		}
	}
	if _, dup := seen[key]; dup {
		return nil
	}
	seen[key] = struct{}{}
	return seen
}

var noKeys = map[string]struct{}{}

func (p *parser) array() (node, error) {
	if err := p.enter(); err != nil {
		return node{}, err
	}
	n := node{kind: arrayNode, in: new(inner)}
	if p.peek() == ']' {
		p.i++
		p.depth--
		return n, nil
	}
	for {
		v, err := p.value()
		if err != nil {
			return node{}, err
		}
		n.in.items = append(n.in.items, v)
		switch p.peek() {
		case ',':
			p.i++
		case ']':
			p.i++
			p.depth--
			return n, nil
		default:
			return node{}, p.fail("want ',' or ']'")
		}
	}
}

// number reads a number by the grammar of RFC 8259 and returns its text.
func (p *parser) number() (string, error) {
	from := p.i
	digits := func() bool {
		at := p.i
		for p.i < len(p.b) && p.b[p.i] >= '0' && p.b[p.i] <= '9' {
			p.i++
		}
		return p.i > at
	}
	next := func(set string) bool {
		for i := range len(set) {
			if p.i < len(p.b) && p.b[p.i] == set[i] {
				p.i++
				return true
			}
		}
		return false
	}
	next("-")
	if !next("0") && !digits() {
		return "", p.fail("not a number")
	}
	if next(".") && !digits() {
		return "", p.fail("not a number")
	}
	if next("eE") {
		next("+-")
		if !digits() {
			return "", p.fail("not a number")
		}
	}
	return string(p.b[from:p.i]), nil
}

// str reads a string. The input as a whole is valid UTF-8.
func (p *parser) str() (string, error) {
	p.i++
	from := p.i
	for p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c == '"':
			s := string(p.b[from:p.i])
			p.i++
			return s, nil
		case c == '\\':
			return p.escaped(from)
		case c < 0x20:
			return "", p.fail("a byte below 0x20 in a string")
		}
		p.i++
	}
	return "", p.fail("a string without an end")
}

// escaped reads the rest of a string from its first backslash on.
func (p *parser) escaped(from int) (string, error) {
	out := append([]byte(nil), p.b[from:p.i]...)
	for p.i < len(p.b) {
		c := p.b[p.i]
		switch {
		case c == '"':
			p.i++
			return string(out), nil
		case c < 0x20:
			return "", p.fail("a byte below 0x20 in a string")
		case c != '\\':
			out = append(out, c)
			p.i++
			continue
		}
		if p.i++; p.i == len(p.b) {
			break
		}
		switch e := p.b[p.i]; e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := p.hex4()
			if utf16.IsSurrogate(r) && ok && p.i+2 < len(p.b) && p.b[p.i+1] == '\\' && p.b[p.i+2] == 'u' {
				p.i += 2
				var low rune
				low, ok = p.hex4()
				r = utf16.DecodeRune(r, low)
				ok = ok && r != utf8.RuneError
			} else if utf16.IsSurrogate(r) {
				ok = false
			}
			if !ok {
				return "", p.fail("an escape that stands for no character")
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", p.fail("an unknown escape")
		}
		p.i++
	}
	return "", p.fail("a string without an end")
}

// hex4 reads the four digits of \uXXXX, from the 'u' on to the last digit.
func (p *parser) hex4() (rune, bool) {
	if p.i+4 >= len(p.b) {
		return 0, false
	}
	var r rune
	for range 4 {
		p.i++
		c := p.b[p.i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
