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

// block is a YAML value on the lines below its name: a block scalar, or a
// plain one. It is what is indented deeper than the name.
func (s *Scanner) block(v string, start, j int, kind kindID) {
	indent := 0
	for indent < start && indent < 64 && (v[start-indent-1] == ' ' || v[start-indent-1] == '-') {
		indent++
	}
	if start-indent > 0 && v[start-indent-1] != '\n' {
		return
	}
	scalar := v[j] == '|' || v[j] == '>'
	for j < len(v) && v[j] != '\n' {
		if scalar && !strings.ContainsRune("|>+-123456789 \r", rune(v[j])) {
			return
		}
		j++
	}
	from, end := -1, j
	for i := j + 1; i < len(v); {
		eol := i
		for eol < len(v) && v[eol] != '\n' {
			eol++
		}
		text := i
		for text < eol && v[text] == ' ' {
			text++
		}
		if text < eol && text-i <= indent {
			break
		}
		if text < eol {
			if from < 0 {
				from = text
				if !scalar && (v[text] == '-' || v[text] == '#' || strings.Contains(v[text:eol], ": ") || v[eol-1] == ':') {
					return // a map or a list: it has names of its own
				}
			}
			end = eol
		}
		i = eol + 1
		if !scalar {
			break
		}
	}
	s.spend(end - j)
	if from >= 0 && from < end {
		for end > from && in(v[end-1], setSpace) {
			end--
		}
		s.addValue(v, value{start: from, end: end, quoted: true}, kind)
	}
}

// nested masks an object or array that stands under a sensitive name in JSON
// that did not parse: up to its closing bracket, or to the end if it was cut.
func (s *Scanner) nested(v string, i int, kind kindID) {
	if n := markerLen(v[i:]); n > 0 {
		return
	}
	depth, j := 0, i
	for j < len(v) {
		switch v[j] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			j = quotedValue(v, j+1, '"', 0).next
			continue
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

// element is the text of an XML element whose start tag ended at i.
func (s *Scanner) element(v string, i int, kind kindID) {
	j := i
	for j < len(v) && v[j] != '<' {
		j++
	}
	s.spend(j - i)
	s.addValue(v, value{start: i, end: j, next: j}, kind)
}
