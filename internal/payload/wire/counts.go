// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"slices"
	"strconv"
	"strings"

	"github.com/auditchain/auditchain/processor/redact"
)

// addCounts adds what src counts to dst. Both are short.
func addCounts(dst, src []redact.KindCount) []redact.KindCount {
next:
	for _, c := range src {
		if c.N == 0 {
			continue
		}
		for i := range dst {
			if dst[i].Kind == c.Kind {
				dst[i].N += c.N
				continue next
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// tally is what redaction did and what there is to see of it.
type tally struct {
	masked  []redact.KindCount // what this writer masked
	markers []redact.KindCount // what stands in the payload, whoever masked it
}

// scanned adds what s counted.
func (t *tally) scanned(s *redact.Scanner) {
	t.masked = addCounts(t.masked, s.Counts())
	t.markers = addCounts(t.markers, s.Markers())
}

func (t *tally) add(o *tally) {
	t.masked = addCounts(t.masked, o.masked)
	t.markers = addCounts(t.markers, o.markers)
}

func (t *tally) reset() { t.masked, t.markers = t.masked[:0], t.markers[:0] }

func sortCounts(c []redact.KindCount) {
	slices.SortFunc(c, func(a, b redact.KindCount) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
}

// appendRedacted appends the member `redacted`, kinds sorted.
func appendRedacted(b []byte, c []redact.KindCount) []byte {
	sortCounts(c)
	b = append(b, `,"redacted":{`...)
	for i := range c {
		if i > 0 {
			b = append(b, ',')
		}
		// Kinds are lower-case ASCII letters, digits and '-'.
		b = append(b, '"')
		b = appendEscaped(b, strings.ToValidUTF8(string(c[i].Kind), "?"))
		b = append(b, '"', ':')
		b = strconv.AppendInt(b, int64(c[i].N), 10)
	}
	return append(b, '}')
}
