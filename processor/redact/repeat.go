// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

const (
	// repeatMin is the shortest secret that is looked for a second time.
	repeatMin = 8
	// repeatMost is how many secrets of one text are.
	repeatMost = 16
)

// repeated adds what stands a second time: a text that names a secret once often
// says it again where no name speaks for it ("token=x rejected: x has expired").
// It looks only for what can hardly be a word, and only between other characters
// than letters and digits.
func (s *Scanner) repeated(v string) {
	n, from := len(s.spans), len(s.spans)
	if n > repeatMost {
		n = repeatMost
	}
	for i := range n {
		sp := s.spans[i]
		if sp.kind.refusal() || sp.end-sp.start < repeatMin || sp.end-sp.start > len(v)/2 {
			continue
		}
		secret := v[sp.start:sp.end]
		digit, lower, upper := shapes(secret[:min(len(secret), 256)])
		if lower+upper == 0 || digit == 0 && (len(secret) < randomMin || lower < 4 || upper < 4) {
			continue
		}
		s.spend(len(v) / 4)
		for at := 0; ; {
			k := strings.Index(v[at:], secret)
			if k < 0 {
				break
			}
			start := at + k
			at = start + len(secret)
			if start != sp.start && startsHere(v, start) && (at == len(v) || !in(v[at], setAlnum)) {
				s.add(start, at, sp.kind, sp.dec)
			}
		}
	}
	if len(s.spans) > from {
		s.spans = mergeSpans(s.spans)
	}
}
