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
	s.pii.topic = topicNone
	defer func() {
		if recover() != nil {
			out = append(dst[:len(dst):len(dst)], Span{0, len(v), s.r.kinds.names[kindError]})
		}
	}()
	for _, sp := range s.find(v) {
		out = append(out, Span{sp.start, sp.end, s.r.kinds.names[sp.kind]})
	}
	return out
}

// scratch is what the rules of one pass remember. All of it exists to keep a
// pass linear: no rule reads twice what it has read.
type scratch struct {
	nameEnd    int // names before it were looked at
	foreignEnd int // likewise, those of other languages: a part of one may be looked at before it is
	valueEnd   int // values before it are found
	commandEnd int // command lines before it were walked
	hereEnd    int // no here-string before it, but one that was looked at
	jwtEnd     int
	pemEnd     int
	noEnd      int // no "-----END" before it
	markerEnd  int // an exact marker ends here
	base64End  int // base64 before it was decoded
	kubeEnd    int // manifests before it were read
	budget     int // what the rules may still read
	escaped    bool
	phoneSeen  bool // a word for a phone stands in the text
	percents   int  // escapes that were seen
	plus       bool // a '+' stands where a space may be meant
	runs       [8]measuredRun
	nruns      int
	setRuns    [8]setRun
	nearEnd    int // where ruleNear of nearTo has looked
	nearTo     *literal
}

// spend counts what a rule has read. The bounds of the rules keep the sum far
// below the budget; a text that exhausts it was made to, and is not worth
// more time: it is masked whole.
func (s *Scanner) spend(n int) { s.budget -= n }

func budgetFor(n int) int { return 64*n + 1<<16 }

// find is the free-text detection. The spans are valid until the next call.
func (s *Scanner) find(v string) []span { return s.withoutAllowed(s.found(v), v) }

// found is find, with what is allowed.
func (s *Scanner) found(v string) []span {
	if s.finder != nil {
		return s.foreign(v)
	}
	first := s.r.matcher.next(v, 0)
	personal := s.mayBePersonal(v)
	if first >= len(v) && !personal {
		return nil
	}
	s.spans = s.spans[:0]
	s.scan(v, first)
	if personal || s.phoneSeen {
		s.personal(v)
	}
	if s.escaped && !s.inView && s.budget >= 0 {
		s.scanDecoded(v)
	}
	if s.budget < 0 {
		s.spans = append(s.spans[:0], span{0, len(v), kindError, decodeNone})
	}
	if len(s.spans) > 1 {
		s.spans = mergeSpans(s.spans)
	}
	s.spans = s.withoutMarked(s.spans, v)
	if len(s.spans) > 0 {
		s.repeated(v)
	}
	return s.spans
}

// withoutMarked drops spans that are exact markers already, whichever rule
// took one for a secret, and ids of access keys that stay.
func (s *Scanner) withoutMarked(spans []span, v string) []span {
	return slices.DeleteFunc(spans, func(sp span) bool {
		text := v[sp.start:sp.end]
		return s.isMarker(text) || s.keptID(text)
	})
}

// scan runs the rules wherever a literal stands at or after first, a multiple
// of eight. See matcher for how.
func (s *Scanner) scan(v string, first int) {
	s.scratch = scratch{budget: budgetFor(len(v))}
	s.met = s.met[:0]
	m := s.r.matcher
	for i := first; i < len(v); i = m.next(v, i+8) {
		for hits, j := m.windows(v, i), i; hits != 0; hits, j = hits>>1, j+2 {
			if hits&1 == 0 {
				continue
			}
			here, next := m.owners(v, j)
			for k := range here {
				if start := m.stands(&here[k], v, j); start >= s.markerEnd {
					s.apply(v, start, &m.lits[here[k].lit])
				}
			}
			for k := range next {
				if start := m.stands(&next[k], v, j+2); start >= s.markerEnd {
					s.apply(v, start, &m.lits[next[k].lit])
				}
			}
		}
		if s.budget < 0 {
			return
		}
	}
	s.finishPatterns(v)
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
		if n := s.markerLen(v[at:]); n > 0 {
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
	case ruleSequence:
		s.sequence(v, at, l)
	case rulePattern:
		s.pattern(v, at, l)
	case ruleHook:
		s.hook(v, behind, l)
	case ruleCrypt:
		s.crypt(v, at, l)
	case ruleShortName:
		s.shortName(v, at, behind, l.kind)
	case rulePhoneWord:
		s.phoneWord(v, at, behind)
	case ruleKeyword:
		s.keyword(v, at, behind, l.word)
	case ruleNear:
		s.near(v, at, behind, l)
	case ruleManifest:
		s.kubeSecret(v, at, behind)
	case ruleAttribute:
		s.attribute(v, at, behind)
	default:
		s.surrounded(v, at, behind, l)
	}
}

// add records a span; empty ones are none.
func (s *Scanner) add(start, end int, kind kindID, dec decoding) {
	if start < end {
		s.spans = append(s.spans, span{start, end, kind, dec})
	}
}

// mergeSpans sorts spans and joins those that overlap. The name of a joined
// span is the one of its longest part that is a secret; between equals, the more
// specific.
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
		if n := sp.end - sp.start; last.kind.personal() && !sp.kind.personal() {
			last.kind, last.dec, length = sp.kind, sp.dec, n
		} else if !last.kind.personal() && sp.kind.personal() {
			// The secret names it, however long the rest.
		} else if n > length || n == length && sp.kind > last.kind {
			last.kind, length = sp.kind, n
			if sp.dec != decodeNone || sp.kind >= kindJWT {
				last.dec = sp.dec
			}
		}
		last.end = max(last.end, sp.end)
	}
	return out
}
