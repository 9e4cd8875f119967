// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// flagged handles a user's flag at v[at:end]: what is assigned to it, or stands
// behind it, is of kind.
func (s *Scanner) flagged(v string, at, end int, kind kindID) {
	if at > 0 && in(v[at-1], setToken) && !startsHere(v, at) || end >= len(v) {
		return
	}
	switch v[end] {
	case '=', ':', ' ', '\t', '"', '\'', '`', '\\':
		s.assigned(v, at, end, true, kind, v[at:end])
	}
}

// flagKind is what the argv element prev makes of the one behind it, where a
// user's rule names it.
func (r *Redactor) flagKind(prev string) kindID {
	if len(r.flags) == 0 {
		return kindNone
	}
	return r.flags[prev]
}
