// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// identified handles SQL's IDENTIFIED BY 'x', with what stands around it:
// IDENTIFIED WITH plugin BY 'x' or AS 'hash', BY PASSWORD 'hash', BY new REPLACE
// old. i is behind "identified ".
func (s *Scanner) identified(v string, i int) {
	bare := isStatement(v, i-len("identified "))
	i = skipBlanks(v, i)
	with := hasFoldPrefix(v[i:], "with ")
	if with {
		i = run(v, skipBlanks(v, i+5), setName)
		i = skipBlanks(v, i)
		for i < len(v) && (isQuote(v[i]) || v[i] == ' ' || v[i] == '\\' || in(v[i], setName) && isQuote(v[i-1])) {
			if in(v[i], setName) {
				i = run(v, i, setName)
				continue
			}
			i++
		}
	}
	switch {
	case hasFoldPrefix(v[i:], "by "), with && hasFoldPrefix(v[i:], "as "):
	default:
		return
	}
	i = skipBlanks(v, i+3)
	for _, w := range [...]string{"password ", "values ", "random "} {
		if hasFoldPrefix(v[i:], w) {
			i = skipBlanks(v, i+len(w))
		}
	}
	if _, _, w := quoteAt(v, quotePrefix(v, i)); !bare && w == 0 {
		return // "identified by the client"
	}
	next := s.sqlValue(v, i)
	if next = skipBlanks(v, next); hasFoldPrefix(v[next:], "replace ") {
		s.sqlValue(v, skipBlanks(v, next+len("replace ")))
	}
}

// isStatement says whether the word at v[at:] belongs to SQL rather than to a
// sentence: capitals do, and what follows CREATE USER.
func isStatement(v string, at int) bool {
	if v[at] == 'I' && v[at+1] == 'D' {
		return true
	}
	for i := max(0, at-160); i < at; i++ {
		switch fold(v[i]) {
		case 'c':
			if hasFoldPrefix(v[i:], "create ") || hasFoldPrefix(v[i:], "connect to ") {
				return true
			}
		case 'a':
			if hasFoldPrefix(v[i:], "alter ") {
				return true
			}
		case 'g':
			if hasFoldPrefix(v[i:], "grant ") {
				return true
			}
		}
	}
	return false
}

// sqlValue takes the password at v[i:] and returns where it ends.
func (s *Scanner) sqlValue(v string, i int) int {
	i = quotePrefix(v, i)
	var val value
	switch q, slashes, w := quoteAt(v, i); {
	case q == '`':
		return i
	case w > 0:
		val = quotedValue(v, i+w, q, slashes)
	default:
		val = bareValue(v, i, false)
	}
	s.spend(val.end - i)
	s.addValue(v, val, kindPassword)
	return val.next
}

// insertReach bounds an INSERT's list of columns, and its list of values.
const insertReach = 1024

// inserted handles INSERT INTO t (name, password) VALUES ('bob', 'x'): the
// value is found by its column's position. v[start:end] is the column.
func (s *Scanner) inserted(v string, start, end int, kind kindID) bool {
	low := max(0, start-insertReach)
	open := strings.LastIndexByte(v[low:start], '(')
	s.spend(start - low)
	if open < 0 {
		return false
	}
	open += low
	head := v[max(0, open-96):open]
	if k := strings.LastIndex(head, "into "); k < 0 {
		if k = strings.LastIndex(head, "INTO "); k < 0 {
			return false
		}
	}
	column := strings.Count(v[open:start], ",")
	limit := min(len(v), end+insertReach)
	shut := strings.IndexByte(v[end:limit], ')')
	s.spend(limit - end)
	if shut < 0 {
		return false
	}
	i := skipSpaces(v, end+shut+1)
	if !hasFoldPrefix(v[i:], "values") {
		return false
	}
	i = skipSpaces(v, i+len("values"))
	from := i
	// One row behind the other: (a, b), (c, d).
	for i < len(v) && v[i] == '(' && i-from < 4*insertReach {
		i++
		for n := 0; i < len(v); n++ {
			i = quotePrefix(v, skipSpaces(v, i))
			at := i
			val := value{start: i}
			if q, slashes, w := quoteAt(v, i); w > 0 {
				val = quotedValue(v, i+w, q, slashes)
				i = val.next
			} else {
				for i < len(v) && v[i] != ',' && v[i] != ')' && v[i] != '(' && i-at < 256 {
					i++
				}
				val.end, val.next = i, i
			}
			if n == column && val.quoted {
				s.taken(v, val, kind)
			}
			if i = skipSpaces(v, i); i >= len(v) || v[i] != ',' {
				break
			}
			i++
		}
		if i >= len(v) || v[i] != ')' {
			break
		}
		if i = skipSpaces(v, i+1); i >= len(v) || v[i] != ',' {
			break
		}
		i = skipSpaces(v, i+1)
	}
	s.spend(i - from)
	s.nameEnd = max(s.nameEnd, from)
	return true
}

// skipSpaces skips blanks and line ends, real or escaped.
func skipSpaces(v string, i int) int {
	for i < len(v) {
		if in(v[i], setSpace) {
			i++
		} else if w := newlineAt(v, i); w > 0 {
			i += w
		} else {
			break
		}
	}
	return i
}

// thin handles Oracle's jdbc:oracle:thin:user/x@host; i is behind the second
// colon.
func (s *Scanner) thin(v string, i int) {
	slash := run(v[:min(len(v), i+128)], i, setName)
	if slash == i || slash >= len(v) || v[slash] != '/' {
		return
	}
	end := slash + 1
	for end < len(v) && end-slash < 256 && v[end] != '@' && !in(v[end], setSpace) && !isQuote(v[end]) {
		end++
	}
	s.spend(end - i)
	if end < len(v) && v[end] == '@' {
		s.addValue(v, value{start: slash + 1, end: end, next: end, percent: true}, kindURLPassword)
	}
}

// pgpass handles a line of that file: host:5432:database:user:x. v[at:behind]
// is the port with its colons.
func (s *Scanner) pgpass(v string, at, behind int) {
	if at == 0 || !in(v[at-1], setName) && v[at-1] != '*' && v[at-1] != ']' {
		return
	}
	i := behind
	for range 2 {
		end := i
		for end < len(v) && end-i < 128 && (in(v[end], setName) || v[end] == '*') {
			end++
		}
		if end == i || end >= len(v) || v[end] != ':' {
			return
		}
		i = end + 1
	}
	end := i
	for end < len(v) && end-i < 256 && !in(v[end], setSpace) && !isQuote(v[end]) && newlineAt(v, end) == 0 {
		end++
	}
	s.spend(end - at)
	s.addValue(v, value{start: i, end: end, next: end}, kindPassword)
}

// secondArgument handles a call with a user and a password:
// NetworkCredential("bob", "x"). i is behind its name, or its bracket.
func (s *Scanner) secondArgument(v string, i int) {
	least := 1
	if v[i-1] != '(' {
		open := strings.IndexByte(v[i:min(len(v), i+24)], '(')
		if open < 0 {
			return
		}
		i += open + 1
	} else {
		least = 7 // of any object's method: .auth("user", "bearer")
	}
	i = skipBlanks(v, i)
	from := i
	if q, slashes, w := quoteAt(v, i); w > 0 {
		i = quotedValue(v, i+w, q, slashes).next
	} else {
		for i < len(v) && i-from < 80 && v[i] != ',' && v[i] != ')' {
			i++
		}
	}
	s.spend(i - from)
	if i = skipBlanks(v, i); i >= len(v) || v[i] != ',' {
		return
	}
	i = quotePrefix(v, skipBlanks(v, i+1))
	if q, slashes, w := quoteAt(v, i); w > 0 {
		if val := quotedValue(v, i+w, q, slashes); val.end-val.start >= least {
			s.taken(v, val, kindPassword)
		}
	}
}
