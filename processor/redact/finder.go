// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"unicode/utf8"
)

// Finder finds the secrets of a free text. It may take the place of the rules
// built in (Config.Finder); a *Scanner is one itself.
//
// Find appends to dst the spans of s that are secret, by where they start, and
// returns it. They may overlap. It must not keep s or dst. A Finder belongs to
// one Scanner, so it is called by one goroutine at a time and needs no lock.
//
// A span whose Kind the Redactor does not know is masked as "secret". A Finder
// that panics, or returns spans that are out of order or out of the text, has
// failed: the value is masked whole, as [REDACTED:error]. What it finds of an
// exact marker is left alone, and a span that cuts a character in two takes all
// of it.
type Finder interface {
	Find(s string, dst []Span) []Span
}

// foreign is find with a Finder in the place of the built-in rules.
func (s *Scanner) foreign(v string) []span {
	s.spans = s.spans[:0]
	if !s.ask(v) {
		s.spans = append(s.spans[:0], span{0, len(v), kindError, decodeNone})
		return s.withoutMarked(s.spans, v)
	}
	if s.mayBePersonal(v) {
		s.scratch = scratch{budget: budgetFor(len(v))}
		s.personal(v)
	}
	if len(s.spans) > 1 {
		s.spans = mergeSpans(s.spans)
	}
	if len(s.spans) > 0 && strings.Contains(v, markerOpen) {
		s.spans = s.besideMarkers(s.spans, v)
	}
	return s.spans
}

// ask calls the Finder and checks what it returns.
func (s *Scanner) ask(v string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	s.finds = s.finder.Find(v, s.finds[:0])
	from := 0
	for _, f := range s.finds {
		if f.Start < from || f.End < f.Start || f.End > len(v) {
			return false
		}
		from = f.Start
		kind, known := s.r.kinds.byName[string(f.Kind)]
		if !known || kind.refusal() {
			kind = kindSecret
		}
		start, end := f.Start, f.End
		for start > 0 && start < len(v) && !utf8.RuneStart(v[start]) {
			start--
		}
		for end < len(v) && !utf8.RuneStart(v[end]) {
			end++
		}
		if f.Start < f.End {
			s.add(start, end, kind, decodeNone)
		}
	}
	return true
}

// besideMarkers cuts the exact markers in v out of the spans.
func (s *Scanner) besideMarkers(spans []span, v string) []span {
	out := make([]span, 0, len(spans)+1)
	at, n := s.nextMarker(v, 0)
	for _, sp := range spans {
		for at+n <= sp.start && n > 0 {
			at, n = s.nextMarker(v, at+n)
		}
		from := sp.start
		for n > 0 && at < sp.end {
			if from < at {
				out = append(out, span{from, at, sp.kind, sp.dec})
			}
			if from = at + n; from >= sp.end {
				break // it may reach into the next span
			}
			at, n = s.nextMarker(v, from)
		}
		if from < sp.end {
			out = append(out, span{from, sp.end, sp.kind, sp.dec})
		}
	}
	return out
}

// nextMarker is the first exact marker at or after i, and its length: 0 if
// there is none.
func (s *Scanner) nextMarker(v string, i int) (at, n int) {
	for {
		k := strings.Index(v[i:], markerOpen)
		if k < 0 {
			return len(v), 0
		}
		i += k
		if n := s.markerLen(v[i:]); n > 0 {
			return i, n
		}
		i += len(markerOpen)
	}
}

// noFinder stands for a Finder that was asked for and not made.
type noFinder struct{}

func (noFinder) Find(s string, dst []Span) []Span { return append(dst, Span{Start: -1}) }
