// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "errors"

// prefixRun is what follows a prefix of a user's rule.
type prefixRun struct {
	set      charTable
	min, max int // how many bytes of set; max 0 is no limit
}

// charTable is a set of ASCII characters that a user names.
type charTable [2]uint64

func (t *charTable) has(c byte) bool { return c < 128 && t[c>>6]>>(c&63)&1 != 0 }

// parseChars reads a set such as A-Za-z0-9_-: printable ASCII characters and
// ranges. '-' is itself at either end; `\` makes the next character itself.
func parseChars(chars string) (t charTable, err error) {
	if chars == "" {
		return t, errors.New("is missing; write which characters follow a prefix, such as A-Za-z0-9_-")
	}
	one := func(i int) (c byte, next int, ok bool) {
		if chars[i] == '\\' {
			i++
		}
		if i >= len(chars) || chars[i] <= ' ' || chars[i] > '~' {
			return 0, 0, false
		}
		return chars[i], i + 1, true
	}
	bad := errors.New(`is no set of characters; write printable ASCII characters and ranges, without brackets, such as A-Za-z0-9_- (\- and \\ are '-' and '\')`)
	for i := 0; i < len(chars); {
		from, next, ok := one(i)
		if !ok {
			return t, bad
		}
		to := from
		if next+1 < len(chars) && chars[next] == '-' {
			if to, next, ok = one(next + 1); !ok || to < from {
				return t, bad
			}
		}
		for c := from; c <= to; c++ {
			t[c>>6] |= 1 << (c & 63)
		}
		i = next
	}
	return t, nil
}

// prefixRun handles a secret that starts with the prefix at v[at:].
func (s *Scanner) prefixRun(v string, at int, l *literal, st *patternState) {
	if in(v[at], setAlnum) && !startsHere(v, at) {
		return
	}
	r := l.pat.run
	body := at + len(l.text)
	end := body
	switch {
	case r.max > 0:
		for limit := min(len(v), body+r.max+1); end < limit && r.set.has(v[end]); {
			end++
		}
		s.spend(end - body)
	case st.runStart <= body && body <= st.runEnd:
		end = st.runEnd // a run full of prefixes is measured once
	default:
		for end < len(v) && r.set.has(v[end]) {
			end++
		}
		st.runStart, st.runEnd = body, end
		s.spend(end - body)
	}
	for end > body && v[end-1] == '.' && end-body > r.min {
		end-- // the full stop of a sentence
		s.spend(1)
	}
	if n := end - body; n < r.min || r.max > 0 && n > r.max {
		return
	}
	s.addOwn(v, at, end, l.kind)
}
