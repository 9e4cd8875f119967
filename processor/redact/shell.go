// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// hereReach bounds how far the start and the end of a line are looked for.
const hereReach = 512

// hereDocument handles the lines that a shell hands to a command: chpasswd
// <<EOF. at is where the command or its flag stands; the document may be opened
// before it (cat <<EOF | docker login --password-stdin).
func (s *Scanner) hereDocument(v string, at int, l *literal) bool {
	limit := min(len(v), at+hereReach)
	eol := at
	for eol < limit && newlineAt(v, eol) == 0 {
		eol++
	}
	low := max(0, at-hereReach)
	start := at
	for start > low && v[start-1] != '\n' && !escapeBefore2(v, start) {
		start--
	}
	s.spend(eol - start)
	open := -1
	for i := start; i+2 < eol; i++ {
		if v[i] == '<' && v[i+1] == '<' {
			if v[i+2] == '<' {
				i += 2
				continue
			}
			open = i + 2
			break
		}
	}
	if open < 0 || eol >= limit {
		return false
	}
	for open < eol && (v[open] == '-' || v[open] == '~' || v[open] == ' ' || v[open] == '\\' || isQuote(v[open])) {
		open++
	}
	end := run(v[:eol], open, setWord)
	if end == open {
		return false
	}
	s.hereBody(v, eol, v[open:end], l)
	return true
}

// hereBody takes the lines from i on up to the one that is the word.
func (s *Scanner) hereBody(v string, i int, word string, l *literal) {
	from, last, start := -1, -1, i
	for i < len(v) {
		w := newlineAt(v, i)
		if w == 0 {
			break
		}
		escaped := v[i] == '\\'
		i += w
		text := i
		for text < len(v) && (v[text] == ' ' || v[text] == '\t') {
			text++
		}
		eol := lineEnd(v, text, escaped)
		if strings.HasPrefix(v[text:eol], word) && (text+len(word) == len(v) || !in(v[text+len(word)], setWord)) {
			break
		}
		if text < eol {
			if l.text == "chpasswd" {
				if colon := strings.IndexByte(v[text:eol], ':'); colon >= 0 {
					s.addValue(v, value{start: text + colon + 1, end: eol, next: eol, quoted: true}, l.kind)
				}
			} else if from < 0 {
				from = text
			}
			last = eol
		}
		i = eol
	}
	s.spend(i - start)
	if from >= 0 {
		s.addValue(v, value{start: from, end: last, next: last, quoted: true}, l.kind)
	}
	s.hereEnd = max(s.hereEnd, i)
}

// passwd handles the command of that name, which reads a password from a pipe
// or from a here-document; at is where it stands.
func (s *Scanner) passwd(v string, at int, l *literal) {
	k := at
	if k >= 3 && v[k-3:k] == "smb" {
		k -= 3
	}
	for k > 0 && at-k < 64 && (in(v[k-1], setName) || v[k-1] == '/') {
		k--
	}
	if path := v[k:at]; path != "" && path != "smb" && !strings.HasSuffix(path, "bin/") {
		return // /etc/passwd, chpasswd
	}
	k = backOverBlanks(v, k)
	if k >= len("sudo") && v[k-len("sudo"):k] == "sudo" {
		k = backOverBlanks(v, k-len("sudo"))
	}
	switch {
	case k > 0 && v[k-1] == '|':
		s.piped(v, at, l)
	case k == 0, strings.IndexByte("\n;&(\"'`", v[k-1]) >= 0, escapeBefore2(v, k):
		s.hereString(v, at, l)
	}
}

// secureString handles PowerShell's ConvertTo-SecureString x, with the text as
// an argument, named or not, or from a pipe. at is where the second part of the
// name stands, i is behind it.
func (s *Scanner) secureString(v string, at, i int) {
	if at >= len("convert") {
		s.pipedString(v, at-len("convert"))
	}
	from := i
	skip := false
	defer func() { s.spend(i - from) }()
	for i < len(v) && i-from < tagReach {
		i = skipBlanks(v, i)
		if w := argvBreak(v, i); w > 0 {
			// An argv that was serialised: a word is a string.
			q, slashes, _ := quoteAt(v, i)
			i += w
			val := quotedValue(v, i, q, slashes)
			if strings.HasPrefix(v[val.start:val.end], "-") {
				i = val.end
				continue
			}
			s.taken(v, val, kindPassword)
			return
		}
		if i >= len(v) || newlineAt(v, i) > 0 || strings.IndexByte(";|)}", v[i]) >= 0 {
			return
		}
		if v[i] == '-' {
			end := run(v, i+1, setName)
			name := v[i+1 : end]
			skip = equalFold(name, "key") || equalFold(name, "securekey")
			if i = end; i < len(v) && v[i] == ':' {
				i++
			}
			continue
		}
		var val value
		if q, slashes, w := quoteAt(v, i); w > 0 {
			val = quotedValue(v, i+w, q, slashes)
			if val.next == len(v) && val.end == len(v) {
				return // the quote around the whole command
			}
		} else {
			val = bareValue(v, i, false)
		}
		i = max(i+1, val.next)
		if skip {
			skip = false
			continue
		}
		s.taken(v, val, kindPassword)
		return
	}
}

// pipedString takes 'x' | before v[at:].
func (s *Scanner) pipedString(v string, at int) {
	k := backOverBlanks(v, at)
	if k == 0 || v[k-1] != '|' {
		return
	}
	if k = backOverBlanks(v, k-1); k == 0 {
		return
	}
	low := max(0, k-tagReach, s.valueEnd)
	if q := v[k-1]; isQuote(q) {
		end := k - 1
		for end > low && v[end-1] == '\\' {
			end--
		}
		if open := strings.LastIndexByte(v[low:end], q); open >= 0 {
			s.taken(v, value{start: low + open + 1, end: end, next: k, quoted: true}, kindPassword)
		}
		s.spend(k - low)
		return
	}
	start := k
	for start > low && !in(v[start-1], setSpace) && !isQuote(v[start-1]) {
		start--
	}
	s.taken(v, value{start: start, end: k, next: k}, kindPassword)
}

// parameter handles --value x of a command line that says at v[at:] that the
// parameter is a SecureString.
func (s *Scanner) parameter(v string, at int, kind kindID) {
	const flag = "--value"
	low, limit := max(0, at-tagReach), min(len(v), at+tagReach)
	k := strings.Index(v[low:limit], flag)
	s.spend(limit - low)
	if k < 0 {
		return
	}
	i := low + k + len(flag)
	if w := argvBreak(v, i); w > 0 {
		q, slashes, _ := quoteAt(v, i)
		s.addValue(v, quotedValue(v, i+w, q, slashes), kind)
		return
	}
	if i >= len(v) || v[i] != '=' && v[i] != ' ' {
		return
	}
	i = skipBlanks(v, i+1)
	if q, slashes, w := quoteAt(v, i); w > 0 {
		s.addValue(v, quotedValue(v, i+w, q, slashes), kind)
		return
	}
	s.addValue(v, bareValue(v, i, false), kind)
}
