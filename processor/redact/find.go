// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "slices"

// span is a secret found in a text.
type span struct {
	start, end int
	kind       kindID
	dec        decoding
}

// Span is a secret found in a text: v[Start:End].
type Span struct {
	Start, End int
	Kind       Kind
}

// Find appends to dst the secrets of a free text, in order and without
// overlaps. It does not look at what the text is a value of, nor into JSON:
// that is what Text does.
func (s *Scanner) Find(v string, dst []Span) (out []Span) {
	out = dst
	defer func() {
		if recover() != nil {
			out = append(dst[:len(dst):len(dst)], Span{0, len(v), kindNames[kindError]})
		}
	}()
	for _, sp := range s.find(v) {
		out = append(out, Span{sp.start, sp.end, kindNames[sp.kind]})
	}
	return out
}

// scratch is what the rules of one pass remember. All of it exists to keep a
// pass linear: no rule reads twice what it has read.
type scratch struct {
	nameEnd    int // names before it were looked at
	valueEnd   int // values before it are found
	commandEnd int // command lines before it were walked
	hereEnd    int // no here-string before it, but one that was looked at
	jwtEnd     int
	pemEnd     int
	noEnd      int // no "-----END" before it
	markerEnd  int // an exact marker ends here
	budget     int // what the rules may still read
	escaped    bool
	runs       [8]measuredRun
	nruns      int
}

// spend counts what a rule has read. The bounds of the rules keep the sum far
// below the budget; a text that exhausts it was made to, and is not worth
// more time: it is masked whole.
func (s *Scanner) spend(n int) { s.budget -= n }

func budgetFor(n int) int { return 64*n + 1<<16 }

// find is the free-text detection. The spans are valid until the next call.
func (s *Scanner) find(v string) []span {
	first := s.r.matcher.next(v, 0)
	if first >= len(v) {
		return nil
	}
	s.spans = s.spans[:0]
	s.scan(v, first)
	if s.escaped && !s.inView && s.budget >= 0 {
		s.scanDecoded(v)
	}
	if s.budget < 0 {
		s.spans = append(s.spans[:0], span{0, len(v), kindError, decodeNone})
	}
	if len(s.spans) > 1 {
		s.spans = mergeSpans(s.spans)
	}
	s.spans = withoutMarked(s.spans, v)
	return s.spans
}

// withoutMarked drops spans that are exact markers already, whichever rule
// took one for a secret.
func withoutMarked(spans []span, v string) []span {
	return slices.DeleteFunc(spans, func(sp span) bool { return isMarker(v[sp.start:sp.end]) })
}

// scan runs the rules wherever a literal stands at or after first, a multiple
// of eight. See matcher for how.
func (s *Scanner) scan(v string, first int) {
	s.scratch = scratch{budget: budgetFor(len(v))}
	m := s.r.matcher
	for i := first; i < len(v); i = m.next(v, i+8) {
		w := load(v, i)
		for j := i; w != 0; j, w = j+2, w>>16 {
			id := m.pairs[uint16(w)]
			if id == 0 {
				continue
			}
			bucket := m.buckets[id]
			for k := range bucket {
				c := &bucket[k]
				if start := m.stands(c, v, j); start >= s.markerEnd {
					s.apply(v, start, &m.lits[c.lit])
				}
			}
		}
		if s.budget < 0 {
			return
		}
	}
}

// apply runs the rule of a literal that stands at v[at:].
func (s *Scanner) apply(v string, at int, l *literal) {
	behind := at + len(l.text)
	switch l.rule {
	case rulePrefix:
		s.prefixed(v, at, l)
	case ruleWord:
		s.word(v, at, behind)
	case ruleMarker:
		if n := markerLen(v[at:]); n > 0 {
			s.markerEnd = at + n
		}
	case ruleJWT:
		s.jwt(v, at)
	case rulePEM:
		s.pem(v, at)
	case ruleAWSKeyID:
		s.awsKeyID(v, at)
	case ruleAzure:
		s.azureSecret(v, at)
	case ruleUserInfo:
		s.userInfo(v, behind)
	case ruleDSN:
		s.dsn(v, at)
	case ruleBearer:
		s.bearer(v, at, behind)
	case ruleBasic:
		s.basic(v, at, behind)
	case ruleQuery:
		s.query(v, at, behind, l.kind)
	case ruleIdentified:
		s.identified(v, behind)
	case ruleCommand:
		s.commandAt(v, at)
	case ruleWebhook:
		s.webhook(v, behind, l.kind)
	case ruleTelegram:
		s.telegram(v, at)
	case ruleSuffixed:
		s.suffixed(v, at, l)
	case rulePuTTY:
		s.putty(v, behind)
	case rulePiped:
		s.piped(v, at, l)
	case ruleEscaped:
		s.escaped = true
	}
}

// identified handles SQL's IDENTIFIED BY 'x' and IDENTIFIED WITH plugin BY 'x'.
func (s *Scanner) identified(v string, i int) {
	if hasFoldPrefix(v[i:], "with ") {
		i = run(v, skipBlanks(v, i+5), setName|setWord)
		i = skipBlanks(v, i)
		for i < len(v) && (isQuote(v[i]) || v[i] == ' ') {
			i++
		}
	}
	if !hasFoldPrefix(v[i:], "by ") {
		return
	}
	i = skipBlanks(v, i+3)
	if hasFoldPrefix(v[i:], "password ") {
		i = skipBlanks(v, i+9)
	}
	if q, slashes, w := quoteAt(v, i); w > 0 {
		s.addValue(v, quotedValue(v, i+w, q, slashes), kindPassword)
		return
	}
	s.addValue(v, bareValue(v, i, false), kindPassword)
}

// add records a span; empty ones are none.
func (s *Scanner) add(start, end int, kind kindID, dec decoding) {
	if start < end {
		s.spans = append(s.spans, span{start, end, kind, dec})
	}
}

// mergeSpans sorts spans and joins those that overlap. The name of a joined
// span is the one of its longest part; between equals, the more specific.
func mergeSpans(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	out := spans[:1]
	length := spans[0].end - spans[0].start
	for _, sp := range spans[1:] {
		last := &out[len(out)-1]
		if sp.start >= last.end {
			out = append(out, sp)
			length = sp.end - sp.start
			continue
		}
		if n := sp.end - sp.start; n > length || n == length && sp.kind > last.kind {
			last.kind, length = sp.kind, n
			if sp.dec != decodeNone || sp.kind >= kindJWT {
				last.dec = sp.dec
			}
		}
		last.end = max(last.end, sp.end)
	}
	return out
}

// scanDecoded looks at v once more with its \u00XX, %XX and &quot; escapes
// decoded, for names and values that hide behind them.
func (s *Scanner) scanDecoded(v string) {
	view, at := s.view[:0], s.viewAt[:0]
	for i := 0; i < len(v); {
		c, n := v[i], 1
		switch c {
		case '%':
			if d, ok := percentAt(v, i); ok {
				c, n = d, 3
			}
		case '\\':
			if r, ok := unicodeEscapeAt(v, i); ok && r < 0x80 {
				c, n = byte(r), 6
			}
		case '&':
			if hasFoldPrefix(v[i:], "&quot;") {
				c, n = '"', 6
			}
		}
		view = append(view, c)
		at = append(at, i)
		i += n
	}
	at = append(at, len(v))
	s.view, s.viewAt = view, at
	text := stringOf(view)
	from := len(s.spans)
	s.inView = true
	if first := s.r.matcher.next(text, 0); first < len(text) {
		s.scan(text, first)
	}
	s.inView = false
	for i := from; i < len(s.spans); i++ {
		sp := &s.spans[i]
		sp.start, sp.end = at[sp.start], at[sp.end]
		if sp.dec == decodeNone {
			sp.dec = decodePercent
		}
	}
}
