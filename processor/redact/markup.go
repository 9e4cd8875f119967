// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// tagReach bounds how far the ends of a tag are looked for.
const tagReach = 256

// pairAround handles a name that is a value itself, with its secret in a field
// beside it: "name":"DB_PASSWORD","value":"x" in JSON that did not parse, the
// same in YAML, <add key="DbPassword" value="x"/>, a part of a form. The name is
// v[start:end]; i is behind its closing quote. The result says whether it is
// such a name.
func (s *Scanner) pairAround(v string, start, end, i int, kind kindID) bool {
	at, ok := pairNameBefore(v, start)
	if !ok {
		if i < len(v) && v[i] == ',' && i > end {
			s.pairValue(v, i+1, kind)
			s.headerPair(v, start, end, i, kind)
			return true
		}
		return false
	}
	if i < len(v) && v[i] != ',' && v[i] != ' ' && v[i] != '\t' && v[i] != '}' && v[i] != '/' && newlineAt(v, i) == 0 {
		if i < len(v) && v[i] == '>' && i > end {
			s.pairedBefore(v, at, kind) // <meta content="x" name="csrf-token">
		}
		return false // name="password">, or a value: name=password=x
	}
	form := at >= len("form-data; ") && strings.Contains(v[max(0, at-32):at], "form-data")
	j := i
	defer func() { s.spend(j - i) }()
	for fields := 0; fields < 6 && j < len(v); fields++ {
		lines := 0
	separators:
		for j < len(v) {
			switch v[j] {
			case ' ', '\t', ',':
				j++
			default:
				w := newlineAt(v, j)
				if w == 0 {
					break separators
				}
				if j += w; lines == 0 && newlineAt(v, j) > 0 {
					lines++
				}
				lines++
			}
		}
		if form && lines >= 2 {
			s.taken(v, lineValue(v, j), kind)
			return true
		}
		k := j
		if _, _, w := quoteAt(v, j); w > 0 {
			k += w
		}
		e := run(v, k, setName)
		name := v[k:e]
		if name == "" || v[k] == '-' || len(name) > 40 {
			break
		}
		if _, _, w := quoteAt(v, e); w > 0 && k > j {
			e += w
		}
		if e = skipBlanks(v, e); e >= len(v) || v[e] != ':' && v[e] != '=' {
			break
		}
		e = skipBlanks(v, e+1)
		if last := name[strings.LastIndexByte(name, '.')+1:]; isPairValue(last) && samePrefix(v, at, name) || equalFold(name, "val") || equalFold(name, "defaultvalue") || equalFold(name, "content") {
			s.pairField(v, k, e, lines > 0, kind)
			return true
		}
		if q, slashes, w := quoteAt(v, e); w > 0 {
			j = quotedValue(v, e+w, q, slashes).next
			continue
		}
		for j = e; j < len(v) && j-e < nameReach && v[j] != ',' && v[j] != '{' && v[j] != '}' && newlineAt(v, j) == 0; {
			j++
		}
	}
	s.pairedBefore(v, at, kind)
	return true
}

// samePrefix says whether the field called name has the prefix of the one whose
// name starts at v[at:]: env.0.value that of env.0.name.
func samePrefix(v string, at int, name string) bool {
	dot := strings.LastIndexByte(name, '.') + 1
	if _, _, w := quoteAt(v, at); w > 0 {
		at += w
	}
	end := run(v[:min(len(v), at+nameReach+8)], at, setName)
	return v[at:at+strings.LastIndexByte(v[at:end], '.')+1] == name[:dot]
}

// pairNameBefore says whether the value that starts at v[start:] is that of a
// field called name or key, and where that field's name starts.
func pairNameBefore(v string, start int) (at int, ok bool) {
	k := backOverQuote(v, start)
	k = backOverBlanks(v, k)
	if k == 0 || v[k-1] != ':' && v[k-1] != '=' {
		return 0, false
	}
	k = backOverQuote(v, backOverBlanks(v, k-1))
	for _, w := range [...]string{"name", "key", "k"} {
		if w == "k" && (k >= len(v) || !isQuote(v[k]) && v[k] != '\\') {
			continue
		}
		if from := k - len(w); from >= 0 && equalFold(v[from:k], w) && (from == 0 || !in(v[from-1], setName) || escapeBefore2(v, from)) {
			return backOverQuote(v, from), true
		} else if from > 0 && v[from-1] == '.' && k < len(v) && isQuote(v[k]) || from > 0 && v[from-1] == '.' && k < len(v) && v[k] == '\\' {
			// "env.0.name": the prefix stands before the value's name, too.
			for low := max(0, from-nameReach); from > low && in(v[from-1], setName); {
				from--
			}
			return backOverQuote(v, from), true
		}
	}
	return 0, false
}

// escapeBefore2 says whether what stands before v[i] is an escaped line end.
func escapeBefore2(v string, i int) bool {
	return i >= 2 && (v[i-1] == 'n' || v[i-1] == 't') && v[i-2] == '\\' || i >= 3 && v[i-1] == '-' && v[i-2] == 'n' && v[i-3] == '\\'
}

func backOverBlanks(v string, i int) int {
	for low := max(0, i-8); i > low && (v[i-1] == ' ' || v[i-1] == '\t'); {
		i--
	}
	return i
}

// backOverQuote steps back over a quote and the backslashes before it.
func backOverQuote(v string, i int) int {
	if i == 0 || !isQuote(v[i-1]) {
		return i
	}
	i--
	for low := max(0, i-16); i > low && v[i-1] == '\\'; {
		i--
	}
	return i
}

// pairField takes the value at v[i:] of a field whose name starts at start.
func (s *Scanner) pairField(v string, start, i int, own bool, kind kindID) {
	if i >= len(v) {
		return
	}
	if q, slashes, w := quoteAt(v, i); w > 0 {
		s.taken(v, quotedValue(v, i+w, q, slashes), kind)
		return
	}
	switch {
	case v[i] == '{' || v[i] == '[':
		s.nested(v, i, kind)
	case own && (v[i] == '|' || v[i] == '>'):
		s.block(v, start, i, kind)
	case own:
		s.taken(v, lineValue(v, i), kind)
	default:
		s.taken(v, bareValue(v, i, false), kind)
	}
}

// taken adds a value of which its place says that it is whole.
func (s *Scanner) taken(v string, val value, kind kindID) {
	s.spend(val.end - val.start)
	switch kind {
	case kindAuthorization:
		s.credentials(v, val.start, val.end, false)
		s.valueEnd = max(s.valueEnd, val.end)
	case kindCookie:
		s.cookies(v, val)
	default:
		s.addValue(v, val, kind)
	}
}

// pairedBefore is the value that stands before the name of its pair:
// "value":"x","name":"DB_PASSWORD". at is where the field of the name starts.
func (s *Scanner) pairedBefore(v string, at int, kind kindID) {
	k := backOverBlanks(v, at)
	if k > 0 && v[k-1] == ',' {
		k = backOverBlanks(v, k-1)
	}
	if k < 2 || !isQuote(v[k-1]) {
		return
	}
	end := k - 1
	slashes := 0
	for end > 0 && v[end-1] == '\\' && slashes < 16 {
		end--
		slashes++
	}
	low := max(0, end-tagReach, s.valueEnd)
	open := strings.LastIndexByte(v[low:end], v[k-1])
	s.spend(end - low)
	if open < 0 {
		return
	}
	from := low + open + 1
	b := backOverBlanks(v, backOverQuote(v, from))
	if b == 0 || v[b-1] != ':' && v[b-1] != '=' {
		return
	}
	b = backOverQuote(v, backOverBlanks(v, b-1))
	if n := b - len("content"); n >= 0 && equalFold(v[n:b], "content") {
		s.taken(v, value{start: from, end: end, next: k, quoted: true}, kind)
	}
	if n := b - len("value"); n >= 0 && equalFold(v[n:b], "value") {
		s.taken(v, value{start: from, end: end, next: k, quoted: true}, kind)
	}
}

// headerPair handles ["x-api-key","x"], a header as a list of two. Only names
// that headers have: ["password","email"] is a list of fields.
func (s *Scanner) headerPair(v string, start, end, comma int, kind kindID) {
	open := backOverBlanks(v, backOverQuote(v, start))
	if open == 0 || v[open-1] != '[' && v[open-1] != '(' {
		return
	}
	header := isHeaderName(v[start:end])
	if !header && (v[open-1] != '(' || open < 2 || !in(v[open-2], setName)) {
		return
	}
	i := quotePrefix(v, skipBlanks(v, comma+1))
	if q, slashes, w := quoteAt(v, i); w > 0 {
		val := quotedValue(v, i+w, q, slashes)
		text := v[val.start:val.end]
		if defined := open > len("define") && hasFoldPrefix(v[open-1-len("define"):], "define("); header && listedName(text) || !header && !defined && !comparable(text) {
			return // a call with any two texts: setProperty("password", "text")
		}
		s.taken(v, val, kind)
	}
}

// listedName says whether v, which follows the name of a header in a list, is
// the next name of a list of names: ["authorization","content-type"].
func listedName(v string) bool {
	if v == "*" || len(v) > 40 || !allIn(v, setToken) {
		return v == "*"
	}
	digit, _, _ := shapes(v)
	return digit == 0 && (len(v) < 16 || strings.IndexByte(v, '-') > 0) || digit <= 3 && strings.HasPrefix(v, "x-")
}

// isHeaderName says whether a sensitive name is that of a header, and so a list
// that starts with it no list of fields and no command.
func isHeaderName(name string) bool {
	return hasFoldPrefix(name, "x-") || equalFold(name, "private-token") || equalFold(name, "api-key") || equalFold(name, "cookie") ||
		equalFold(name, "set-cookie") || equalFold(name, "authorization") || equalFold(name, "proxy-authorization")
}

// inTag handles a name in a tag of XML: <password>x<, <ns:password type="a">x<,
// <property name="password">x<, <key>password</key><string>x<. i is behind the
// name and the quote that closes it.
func (s *Scanner) inTag(v string, start, i int, kind kindID) bool {
	if start == 0 || i >= len(v) {
		return false
	}
	switch {
	case v[start-1] == '>' && strings.HasPrefix(v[i:], "</key>"):
		i += len("</key>")
		for i < len(v) && (in(v[i], setSpace) || newlineAt(v, i) > 0) {
			i++
		}
		if !strings.HasPrefix(v[i:], "<string>") {
			return false
		}
		s.element(v, i+len("<string>"), kind)
		return true
	case v[start-1] == '>' && strings.HasPrefix(v[i:], "</name>"):
		// <member><name>password</name><value><string>x
		for i += len("</name>"); i < len(v) && (in(v[i], setSpace) || newlineAt(v, i) > 0); {
			i++
		}
		if !strings.HasPrefix(v[i:], "<value>") {
			return false
		}
		s.element(v, i+len("<value>"), kind)
		return true
	case isQuote(v[start-1]):
		// An attribute: only one that names what the element holds.
		if _, ok := pairNameBefore(v, start); !ok || v[i] != '>' && v[i] != ' ' {
			return false
		}
		open := strings.LastIndexByte(v[max(0, start-tagReach):start], '<')
		if open < 0 {
			return false
		}
		tag := v[max(0, start-tagReach)+open+1 : start]
		s.spend(len(tag))
		if strings.IndexByte(tag, '>') >= 0 || hasFoldPrefix(tag, "input") {
			return false
		}
	default:
		k := start
		if v[k-1] == ':' {
			for k--; k > 0 && start-k < 32 && in(v[k-1], setName); {
				k--
			}
		}
		if k == 0 || v[k-1] != '<' {
			return false
		}
		if v[i] != '>' && !in(v[i], setSpace) {
			return false
		}
	}
	reach := v[i:min(len(v), i+tagReach)]
	s.spend(len(reach))
	end := strings.IndexAny(reach, "<>")
	if end < 0 || reach[end] != '>' || end > 0 && reach[end-1] == '/' {
		return false
	}
	s.element(v, i+end+1, kind)
	return true
}

// element is the text of an XML element whose start tag ended at i.
func (s *Scanner) element(v string, i int, kind kindID) {
	const cdata = "<![CDATA["
	end := "<"
	if strings.HasPrefix(v[i:], cdata) {
		i += len(cdata)
		end = "]]>"
	}
	if k := skipSpaces(v, i); k < len(v) && v[k] == '<' {
		// <Password><Value>x</Value>, <value><string>x
		for _, tag := range [...]string{"<value>", "<string>"} {
			if hasFoldPrefix(v[k:], tag) {
				i = k + len(tag)
				break
			}
		}
	}
	j := len(v)
	if n := strings.Index(v[i:], end); n >= 0 {
		j = i + n
	}
	s.spend(j - i)
	if end == "<" && (j+1 < len(v) && v[j+1] != '/' || j == len(v) && !comparable(v[i:j])) {
		return // KEY=<secret_key> says what to put there
	}
	val := value{start: i, end: j, next: j, quoted: true}
	for val.end > i && in(v[val.end-1], setSpace) {
		val.end--
	}
	for val.start < val.end && in(v[val.start], setSpace) {
		val.start++
	}
	s.taken(v, val, kind)
}

// attribute handles a name and a value in the attributes of an XML element:
// <add key="Password" value="…"/>. v[at:behind] is " value=".
func (s *Scanner) attribute(v string, at, behind int) {
	q, slashes, w := quoteAt(v, behind)
	if w == 0 {
		return
	}
	end := at
	for end > 0 && at-end < 8 && in(v[end-1], setSpace) {
		end--
	}
	if end == 0 || v[end-1] != q {
		return
	}
	end--
	for k := 0; k < slashes; k++ {
		if end == 0 || v[end-1] != '\\' {
			return
		}
		end--
	}
	start := end
	for start > 0 && end-start < nameReach && in(v[start-1], setName) {
		start--
	}
	open := start - 1 - slashes
	if open < 4 || v[start-1] != q || v[open-1] != '=' {
		return
	}
	switch name := v[open-4 : open-1]; {
	case hasFoldPrefix(name, "key"):
	case open >= 5 && hasFoldPrefix(v[open-5:], "name"):
	default:
		return
	}
	if c := s.r.classifyName(v[start:end]); c.kind != kindNone {
		val := quotedValue(v, behind+w, q, slashes)
		s.spend(val.end - behind)
		s.addValue(v, val, c.kind)
	}
}
