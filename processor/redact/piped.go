// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// piped handles echo secret | command that reads it; at is where the command
// or its flag stands.
func (s *Scanner) piped(v string, at int, l *literal) {
	const reach = 512
	s.hereString(v, at, l)
	low := max(0, at-reach)
	bar := strings.LastIndexByte(v[low:at], '|')
	if bar < 0 {
		return
	}
	s.spend(at - low)
	end := low + bar
	for end > low && in(v[end-1], setSpace) {
		end--
	}
	start := end
	for start > low && v[start-1] != ';' && v[start-1] != '|' && v[start-1] != '&' && v[start-1] != '\n' {
		start--
	}
	if end > start && v[end-1] == ')' {
		// (echo x; echo x) | smbpasswd: every one of them.
		if open := strings.LastIndexByte(v[low:end], '('); open >= 0 {
			from := low + open + 1
			for from < start {
				semi := strings.IndexAny(v[from:end], ";&")
				if semi < 0 {
					break
				}
				s.echoed(v, from, backOverBlanks(v, from+semi), l)
				from += semi + 1
			}
			start = max(start, from)
			end = backOverBlanks(v, end-1)
			for end > start && v[end-1] == ';' {
				end--
			}
		}
	}
	s.echoed(v, start, end, l)
}

// echoed takes what a command at v[start:end] writes.
func (s *Scanner) echoed(v string, start, end int, l *literal) {
	rest := v[start:end]
	i := -1
	for _, cmd := range [...]string{"echo ", "printf ", "Write-Output "} {
		if k := strings.LastIndex(rest, cmd); k >= 0 && (k == 0 || !in(rest[k-1], setAlnum)) {
			i = start + k + len(cmd)
		}
	}
	if i < 0 {
		return
	}
	for i = skipBlanks(v, i); i+1 < end && v[i] == '-' && in(v[i+1], setLower); {
		i = skipBlanks(v, run(v, i+1, setLower))
	}
	if strings.HasPrefix(v[i:end], "%s ") {
		i = skipBlanks(v, i+3)
	} else if strings.HasPrefix(v[i:end], "'%s' ") || strings.HasPrefix(v[i:end], `"%s" `) {
		i = skipBlanks(v, i+5)
	}
	if q, _, w := quoteAt(v, i); w > 0 && i+w < end {
		i += w
		if k := strings.LastIndexByte(v[i:end], q); k >= 0 {
			end = i + k
		}
		for end > i && v[end-1] == '\\' {
			end--
		}
	}
	if l.text == "chpasswd" {
		colon := strings.IndexByte(v[i:max(i, end)], ':')
		if colon < 0 {
			return
		}
		i += colon + 1
	}
	if i >= end || s.harmless(v[i:end], l.kind) || strings.HasPrefix(v[i:end], "$") {
		return
	}
	s.add(i, end, l.kind, decodeNone)
}

// hereString handles command <<< secret; at is where the command or its flag
// stands.
func (s *Scanner) hereString(v string, at int, l *literal) {
	if at < s.hereEnd || s.hereDocument(v, at, l) {
		return
	}
	i := at
	for i < len(v) && v[i] != '\n' && v[i] != ';' && v[i] != '|' && v[i] != '&' && v[i] != '<' {
		i++
	}
	s.spend(i - at)
	s.hereEnd = i
	if !strings.HasPrefix(v[i:], "<<<") {
		return
	}
	i = skipBlanks(v, i+len("<<<"))
	var val value
	if q, slashes, w := quoteAt(v, i); w > 0 {
		val = quotedValue(v, i+w, q, slashes)
		if end := s.joinedTo(v, i, val.next); slashes == 0 && end > val.next {
			val = value{start: i, end: end, next: end, quoted: true}
		}
	} else {
		val = bareValue(v, i, false)
	}
	s.spend(val.end - i)
	if l.text == "chpasswd" {
		colon := strings.IndexByte(v[val.start:val.end], ':')
		if colon < 0 {
			return
		}
		val.start += colon + 1
		for val.end > val.start && isQuote(v[val.end-1]) {
			val.end-- // of a word joined from several
		}
	}
	s.addValue(v, val, l.kind)
}
