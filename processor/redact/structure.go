// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// pairValue is the value behind "name":"DB_PASSWORD", in JSON that did not
// parse: ,"value":"x".
func (s *Scanner) pairValue(v string, i int, kind kindID) {
	i = skipBlanks(v, i)
	_, _, w := quoteAt(v, i)
	if w == 0 || !hasFoldPrefix(v[i+w:], "value") {
		return
	}
	i += w + len("value")
	if _, _, w = quoteAt(v, i); w == 0 {
		return
	}
	if i = skipBlanks(v, i+w); i >= len(v) || v[i] != ':' {
		return
	}
	i = skipBlanks(v, i+1)
	if q, slashes, w := quoteAt(v, i); w > 0 {
		val := quotedValue(v, i+w, q, slashes)
		s.spend(val.end - i)
		s.addValue(v, val, kind)
	}
}

// block is a YAML value on the lines below its name: a block scalar, a plain
// one, or a list. It is what is indented deeper than the name. The line ends may
// be escaped, as in a string of JSON.
func (s *Scanner) block(v string, start, j int, kind kindID) {
	indent := 0
	for indent < start && indent < 64 && (v[start-indent-1] == ' ' || v[start-indent-1] == '-') {
		indent++
	}
	if line := start - indent; line > 0 && v[line-1] != '\n' && v[line-1] != '>' && !isQuote(v[line-1]) && !escapeBefore2(v, line) {
		return
	}
	scalar := v[j] == '|' || v[j] == '>'
	for j < len(v) && newlineAt(v, j) == 0 {
		if scalar && strings.IndexByte("|>+-123456789 ", v[j]) < 0 {
			return
		}
		j++
	}
	from, end, list := -1, j, false
	for i := j; i < len(v); {
		w := newlineAt(v, i)
		if w == 0 {
			break
		}
		escaped := v[i] == '\\'
		i += w
		text := i
		for text < len(v) && v[text] == ' ' {
			text++
		}
		eol := lineEnd(v, text, escaped)
		if text >= eol {
			i = eol
			continue
		}
		item := !scalar && v[text] == '-' && text+1 < eol && v[text+1] == ' '
		if text-i < indent || text-i == indent && !item || list && !item {
			break
		}
		if item {
			list = true
			s.blockItem(v, skipBlanks(v, text+1), eol, kind)
			i = eol
			continue
		}
		if from < 0 {
			from = text
			if !scalar && (v[text] == '#' || v[text] == '-' || strings.Contains(v[text:eol], ": ") || v[eol-1] == ':') {
				return // a map: it has names of its own
			}
		}
		end, i = eol, eol
		if !scalar {
			break
		}
	}
	s.spend(end - j)
	if from >= 0 && from < end {
		s.blockItem(v, from, end, kind)
	}
}

// blockItem is a value of YAML that is all of v[from:end].
func (s *Scanner) blockItem(v string, from, end int, kind kindID) {
	for end > from && in(v[end-1], setSpace) {
		end--
	}
	s.spend(end - from)
	if q, slashes, w := quoteAt(v, from); w > 0 && from+w < end {
		if val := quotedValue(v[:end], from+w, q, slashes); val.next == end {
			s.taken(v, val, kind)
			return
		}
	}
	if text := v[from:end]; strings.Contains(text, ": ") || strings.HasSuffix(text, ":") || strings.HasPrefix(text, "{") {
		return
	}
	s.taken(v, value{start: from, end: end, quoted: true}, kind)
}

// lineEnd is where the line ends that i stands in: in a string of JSON, whose
// line ends are escaped, at its quote, too.
func lineEnd(v string, i int, escaped bool) int {
	for i < len(v) {
		switch v[i] {
		case '\n', '\r':
			return i
		case '\\':
			if newlineAt(v, i) > 0 {
				return i
			}
		case '"':
			if escaped {
				return i
			}
		}
		i++
	}
	return i
}

// nested masks an object or array that stands under a sensitive name in JSON
// that did not parse: up to its closing bracket, or to the end if it was cut.
func (s *Scanner) nested(v string, i int, kind kindID) {
	if n := s.markerLen(v[i:]); n > 0 {
		return
	}
	depth, j := 0, i
	for j < len(v) {
		switch v[j] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"', '\\':
			if q, slashes, w := quoteAt(v, j); w > 0 && q == '"' {
				j = quotedValue(v, j+w, q, slashes).next
				continue
			}
		}
		j++
		if depth == 0 {
			break
		}
	}
	s.spend(j - i)
	if allIn(v[i:j], setSpace) || j-i <= 2 {
		return
	}
	s.add(i, j, kind, decodeNone)
	s.valueEnd = max(s.valueEnd, j)
}
