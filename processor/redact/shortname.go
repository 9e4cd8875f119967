// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// shortNames are names too short to be looked for without what follows them:
// "id:bob pw:x1" of a note, "h(PW=x1)".
var shortNames = []literal{
	{text: "pw:", fold: true, rule: ruleShortName, kind: kindPassword},
	{text: "pw =", fold: true, rule: ruleShortName, kind: kindPassword},
	{text: "pw=", fold: true, rule: ruleShortName, kind: kindPassword},
}

// A short name is enough for a value of this length.
const (
	shortNameMin = 6
	shortNameMax = 128
)

// shortName handles a short name at v[at:], with its separator; i is behind it.
// The value must be none of the words that a sentence or a table has there.
func (s *Scanner) shortName(v string, at, i int, kind kindID) {
	if at < s.valueEnd || at > 0 && in(v[at-1], setAlnum) {
		return
	}
	if i < len(v) && v[i] == '=' {
		i++ // :=
	}
	i = skipBlanks(v, i)
	if i >= len(v) {
		return
	}
	limit := min(len(v), i+shortNameMax) // a longer one is no password
	var val value
	if q, slashes, w := quoteAt(v, i); w > 0 {
		val = quotedValue(v[:limit], i+w, q, slashes)
	} else {
		val = bareValue(v[:limit], i, false)
	}
	s.spend(val.end - i)
	text := v[val.start:val.end]
	if len(text) < shortNameMin || val.end == limit && limit < len(v) {
		return
	}
	digit, lower, upper := shapes(text)
	if lower+upper == 0 || digit == 0 && !strings.ContainsAny(text, "!#$%&*+?@^~") {
		return
	}
	s.addValue(v, val, kind)
}
