// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"hash/maphash"
	"slices"
	"unicode/utf8"
)

// Form is what JSON found a text to be.
type Form int

const (
	// NotJSON: not one JSON object or array.
	NotJSON Form = iota
	// LooseJSON: valid JSON, but with duplicate keys, with raw bytes below
	// 0x20 between its tokens, with invalid UTF-8, with an escape that is half
	// a surrogate pair, or nested deeper than MaxDepth. Some reader will
	// understand it differently, or not at all.
	LooseJSON
	// StrictJSON: none of these; fit to stand inside one line of JSON.
	StrictJSON
)

// level is the scratch of one level of JSON in strings.
type level struct {
	dec []byte // a decoded string
	out []byte
}

// JSON appends text to dst with its strings, keys and sensitive numbers
// redacted and every other byte as it is: white space, the spelling of
// numbers, the order of keys, escapes in what is clean. Only objects and
// arrays count; for anything else dst is returned as it came, with NotJSON.
func (s *Scanner) JSON(dst []byte, p Place, text string) (out []byte, form Form) {
	if !looksLikeJSON(text) {
		return dst, NotJSON
	}
	n := len(dst)
	if len(text) > s.r.maxBytes || int(p.depth) > s.r.maxDepth {
		kind := kindTooLarge
		if int(p.depth) > s.r.maxDepth {
			kind = kindTooDeep
		}
		s.standing.add(kind)
		dst = append(dst, '"')
		dst = append(dst, s.bareMarker(kind)...)
		return append(dst, '"'), StrictJSON
	}
	nesting, base := s.nesting, len(s.keys)
	before, some := s.masked.n, s.masked.some
	defer func() {
		if recover() != nil {
			s.nesting, s.inView, s.keys = nesting, false, s.keys[:base]
			s.standing.add(kindError)
			out = append(dst[:n], '"')
			out = append(out, s.bareMarker(kindError)...)
			out, form = append(out, '"'), StrictJSON
		}
	}()
	w := walker{s: s, src: text, dst: dst}
	s.nesting++ // as for the same text as a value: what is too deep does not depend on it
	ok := w.document(p)
	s.nesting--
	if !ok {
		s.masked.n, s.masked.some = before, some
		return dst[:n], NotJSON
	}
	out, form = w.flush(), StrictJSON
	if w.loose || !utf8.ValidString(text) {
		form = LooseJSON
	}
	s.stands(stringOf(out[n:]))
	return out, form
}

// nestedJSON redacts a string that holds JSON. ok is false if it does not.
func (s *Scanner) nestedJSON(p Place, v string) (out string, changed, ok bool) {
	if s.nesting >= maxNesting {
		return s.bareMarker(kindTooDeep), true, true
	}
	before, some := s.masked.n, s.masked.some
	lv := &s.levels[s.nesting]
	s.nesting++
	w := walker{s: s, src: v, dst: lv.out[:0]}
	ok = w.document(p)
	s.nesting--
	lv.out = w.dst[:0]
	if !ok {
		s.masked.n, s.masked.some = before, some
		return v, false, false
	}
	if !w.changed {
		return v, false, true
	}
	lv.out = w.flush()
	return string(lv.out), true, true
}

// walker goes through one JSON text and copies it as it goes. It is a parser
// of its own because no other keeps the bytes.
type walker struct {
	s       *Scanner
	src     string
	dst     []byte
	copied  int // src before it is in dst
	changed bool
	loose   bool
}

// document parses the whole of src; false if it is no JSON. Nothing is copied
// to dst before the first change.
func (w *walker) document(p Place) bool {
	base := len(w.s.keys)
	i := w.space(0)
	i, ok := w.value(i, p)
	w.s.keys = w.s.keys[:base]
	if !ok || w.space(i) != len(w.src) {
		return false
	}
	return true
}

// flush copies what is left of src.
func (w *walker) flush() []byte { return append(w.dst, w.src[w.copied:]...) }

// space skips white space and notes what is more than blanks.
func (w *walker) space(i int) int {
	for i < len(w.src) {
		switch w.src[i] {
		case ' ':
		case '\t', '\n', '\r':
			w.loose = true
		default:
			return i
		}
		i++
	}
	return i
}

// replace puts b in the place of src[start:end].
func (w *walker) replace(start, end int, b string, quoted bool) {
	w.dst = append(w.dst, w.src[w.copied:start]...)
	if quoted {
		w.dst = appendJSONString(w.dst, b)
	} else {
		w.dst = append(w.dst, b...)
	}
	w.copied = end
	w.changed = true
}

// value parses the value at i, which stands at p, and returns its end.
func (w *walker) value(i int, p Place) (int, bool) {
	if i >= len(w.src) {
		return i, false
	}
	switch c := w.src[i]; {
	case c == '{' || c == '[':
		if int(p.depth) >= w.s.r.maxDepth {
			return w.tooDeep(i)
		}
		if c == '{' {
			return w.object(i, p)
		}
		return w.array(i, p)
	case c == '"':
		text, end, ok := w.str(i)
		if !ok {
			return i, false
		}
		if out, changed := w.s.text(p, text); changed {
			w.replace(i, end, out, true)
		}
		return end, true
	case c == 't':
		return w.word(i, "true")
	case c == 'f':
		return w.word(i, "false")
	case c == 'n':
		return w.word(i, "null")
	}
	end := number(w.src, i)
	if end == i {
		return i, false
	}
	if m, masked := w.s.number(p, w.src[i:end]); masked {
		w.replace(i, end, m, true)
	}
	return end, true
}

func (w *walker) word(i int, word string) (int, bool) {
	if end := i + len(word); end <= len(w.src) && w.src[i:end] == word {
		return end, true
	}
	return i, false
}

func (w *walker) object(i int, p Place) (int, bool) {
	if p.mode == modeLeaf {
		p.kind, p.mode = kindNone, modeText
	}
	base := len(w.s.keys)
	var named Place // what {"name": …} makes of {"value": …}
	looked := false // for a name behind the value
	start := i
	var beside siblings
	i = w.space(i + 1)
	if i < len(w.src) && w.src[i] == '}' {
		return i + 1, true
	}
	for {
		if i >= len(w.src) || w.src[i] != '"' {
			return i, false
		}
		name, end, ok := w.str(i)
		if !ok {
			return i, false
		}
		name, changed, q := w.s.name(p, name)
		if changed {
			w.replace(i, end, name, true)
		}
		w.s.keys = append(w.s.keys, maphash.String(keySeed, name))
		i = w.space(end)
		if i >= len(w.src) || w.src[i] != ':' {
			return i, false
		}
		i = w.space(i + 1)
		switch {
		case !named.Forced() && isPairName(name):
			named = w.nameAt(i, p)
		case q.hint == hintPair:
			if !named.Forced() && !looked {
				named, looked = w.nameBehind(i, p), true
			}
			if named.Forced() {
				q = named
			}
		}
		if p.kind == kindNone && q.kind == kindNone {
			q = beside.place(w, start, p, name, q)
		}
		if i, ok = w.value(i, q); !ok {
			return i, false
		}
		i = w.space(i)
		if i >= len(w.src) {
			return i, false
		}
		switch w.src[i] {
		case ',':
			i = w.space(i + 1)
		case '}':
			w.closeKeys(base)
			return i + 1, true
		default:
			return i, false
		}
	}
}

// nameAt is the place that the name at i makes of its value; not forced where
// it is no string, or none that says so.
func (w *walker) nameAt(i int, p Place) Place {
	if i >= len(w.src) || w.src[i] != '"' {
		return Place{}
	}
	text, _, ok := w.str(i)
	if !ok {
		return Place{}
	}
	if q := w.s.Field(p, text); q.Forced() {
		return q
	}
	return Place{}
}

// nameBehind looks for the name of a pair whose value, at i, comes first:
// {"value": "x", "name": "DB_PASSWORD"}. It reads the rest of an object at most
// once, so that no byte is read more often here than MaxDepth says.
func (w *walker) nameBehind(i int, p Place) Place {
	for {
		var ok bool
		if i, ok = skipValue(w.src, i); !ok {
			return Place{}
		}
		if i = skipSpace(w.src, i); i >= len(w.src) || w.src[i] != ',' {
			return Place{}
		}
		if i = skipSpace(w.src, i+1); i >= len(w.src) || w.src[i] != '"' {
			return Place{}
		}
		var key string
		if key, i, ok = w.str(i); !ok {
			return Place{}
		}
		isName := isPairName(key)
		if i = skipSpace(w.src, i); i >= len(w.src) || w.src[i] != ':' {
			return Place{}
		}
		i = skipSpace(w.src, i+1)
		if isName {
			if q := w.nameAt(i, p); q.Forced() {
				return q
			}
		}
	}
}

var keySeed = maphash.MakeSeed()

// closeKeys looks for duplicates among the keys of the object that ends.
func (w *walker) closeKeys(base int) {
	keys := w.s.keys[base:]
	if len(keys) > 1 {
		slices.Sort(keys)
		for i := 1; i < len(keys); i++ {
			if keys[i] == keys[i-1] {
				w.loose = true
			}
		}
	}
	w.s.keys = w.s.keys[:base]
}

func (w *walker) array(i int, p Place) (int, bool) {
	i = w.space(i + 1)
	if i < len(w.src) && w.src[i] == ']' {
		return i + 1, true
	}
	q := w.s.Element(p, "")
	for {
		if i >= len(w.src) {
			return i, false
		}
		end, ok := w.value(i, q)
		if !ok {
			return i, false
		}
		at := i
		i = w.space(end)
		if i >= len(w.src) {
			return i, false
		}
		switch w.src[i] {
		case ',':
			prev := ""
			if w.src[at] == '"' {
				// Decoded again: the value may have used the buffer.
				prev, _, _ = w.str(at)
			}
			if prev == "" {
				q = Place{depth: q.depth}
				q = w.s.Element(p, "")
			} else {
				q = w.s.Element(p, prev)
			}
			i = w.space(i + 1)
		case ']':
			return i + 1, true
		default:
			return i, false
		}
	}
}

// tooDeep puts a marker in the place of what lies too deep. It is parsed
// without recursion, so that the text around it stays known.
func (w *walker) tooDeep(i int) (int, bool) {
	w.loose = true
	end, ok := skipDeep(w.src, i)
	if !ok {
		return i, false
	}
	w.replace(i, end, w.s.bareMarker(kindTooDeep), true)
	return end, true
}
