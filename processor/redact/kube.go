// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// kubeReach bounds how far the data of a Secret are looked for to either side
// of its kind.
const kubeReach = 64 << 10

// kubeSecret handles a Kubernetes Secret in text: everything below its data is
// secret, whatever it is called. v[at:] is "kind: Secret" of YAML, or the same
// of JSON that did not parse.
func (s *Scanner) kubeSecret(v string, at, behind int) {
	if at < s.kubeEnd || behind < len(v) && in(v[behind], setName) {
		return // looked at, or a kind that goes on: SecretStore
	}
	low, limit := max(0, at-kubeReach, s.kubeEnd), min(len(v), at+kubeReach)
	if v[at] == '"' || strings.HasPrefix(v[at:], "kind\\") {
		s.kubeJSON(v, at, low, limit)
		return
	}
	line := at
	for line > low && (v[line-1] == ' ' || v[line-1] == '\t' || v[line-1] == '-') {
		line--
	}
	if line > 0 && v[line-1] != '\n' && !isQuote(v[line-1]) && !escapeBefore2(v, line) && line != low {
		return
	}
	indent := at - line
	if k := strings.LastIndex(v[low:at], "---"); k >= 0 {
		low += k + len("---")
	}
	// The item of a list that the kind stands in.
	from, to := low, limit
	for i := low; i < limit; {
		start, text, eol := kubeLine(v, i, limit)
		switch {
		case strings.HasPrefix(v[text:eol], "---"):
			limit, to = start, start
		case text < eol && v[text] == '-' && text-start == indent-2:
			if start <= line {
				from = start
			} else {
				to = min(to, start)
			}
		case text < eol && text-start < indent && start > line && indent > 0:
			to = min(to, start)
		}
		if start > line && to <= start {
			break
		}
		i = max(eol, i+1)
	}
	s.kubeEnd = to
	s.spend(2 * (to - low))
	data := false
	for i := from; i < to; {
		start, text, eol := kubeLine(v, i, to)
		depth := text - start
		for text < eol && v[text] == '-' && strings.HasPrefix(v[text:eol], "- ") && depth < indent {
			text += 2
			depth += 2
		}
		switch {
		case text >= eol, v[text] == '#':
		case depth == indent:
			data = strings.HasPrefix(v[text:eol], "data:") || strings.HasPrefix(v[text:eol], "stringData:")
			if open := strings.IndexByte(v[text:eol], '{'); data && open >= 0 {
				s.nested(v, text+open, kindSecret)
			}
		case data && depth > indent:
			eol = s.kubeValue(v, text, eol, to, depth)
		}
		i = max(eol, i+1)
	}
}

// kubeLine is the line behind the line end at v[i:], if one stands there: where
// it starts, where its text does, and where it ends.
func kubeLine(v string, i, limit int) (start, text, eol int) {
	w := newlineAt(v, i)
	start = i + w
	for text = start; text < limit && (v[text] == ' ' || v[text] == '\t'); {
		text++
	}
	eol = min(limit, lineEnd(v, text, w > 0 && v[i] == '\\'))
	return start, min(text, eol), eol
}

// kubeValue masks the value of name: value at v[text:eol], with the lines below
// it if it is a block, and returns where it ended.
func (s *Scanner) kubeValue(v string, text, eol, limit, depth int) int {
	colon := strings.IndexByte(v[text:eol], ':')
	if colon < 0 || v[text] == '#' {
		return eol
	}
	i := skipBlanks(v, text+colon+1)
	if i < eol && v[i] != '|' && v[i] != '>' {
		s.blockItem(v, i, eol, kindSecret)
		return eol
	}
	from, end := -1, eol
	for j := eol; j < limit; {
		start, text, eol := kubeLine(v, j, limit)
		if text < eol && text-start <= depth {
			break
		}
		if text < eol {
			if from < 0 {
				from = text
			}
			end = eol
		}
		j = max(eol, j+1)
	}
	if from >= 0 {
		s.taken(v, value{start: from, end: end, next: end, quoted: true}, kindSecret)
	}
	return end
}

// kubeJSON is kubeSecret for JSON that did not parse.
func (s *Scanner) kubeJSON(v string, at, low, limit int) {
	s.kubeEnd = at + 1
	for _, part := range [...][2]int{{at, limit}, {low, at}} {
		s.kubeEnd = max(s.kubeEnd, part[1])
		for i := part[0]; i < part[1]; {
			k := strings.Index(v[i:part[1]], "ata")
			if k < 0 {
				s.spend(part[1] - i)
				break
			}
			s.spend(k)
			i += k + len("ata")
			if name := v[max(0, i-len("stringData")):i]; !strings.HasSuffix(name, "stringData") && !strings.HasSuffix(name, "data") || strings.HasSuffix(name, "metadata") {
				continue
			}
			_, _, w := quoteAt(v, i)
			if j := skipBlanks(v, i+w); w > 0 && j < len(v) && v[j] == ':' {
				if j = skipBlanks(v, j+1); j < len(v) && v[j] == '{' {
					s.nested(v, j, kindSecret)
					s.kubeEnd = max(at+1, s.valueEnd)
					return
				}
			}
		}
	}
}
