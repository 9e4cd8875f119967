// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// maxRounds bounds how often a value is redacted until nothing more is found.
// A replacement moves the borders of what stands beside it, so a second look
// may find more; a value that still changes after that is masked whole. The
// result is always one that redacting again leaves alone.
const maxRounds = 4

// minSecret is the shortest value that any rule could mask without a key name.
const minSecret = 4

// Text redacts the string v at p, and says whether the result differs. A
// clean value is returned as it is, without an allocation.
func (s *Scanner) Text(p Place, v string) (out string, changed bool) {
	if s.plain(p, v) {
		return v, false
	}
	out, changed = s.closely(p, v)
	s.stands(out)
	return out, changed
}

// text is Text for a value inside another, whose markers count with the whole.
func (s *Scanner) text(p Place, v string) (out string, changed bool) {
	if s.plain(p, v) {
		return v, false
	}
	return s.closely(p, v)
}

// plain says that no name, no bracket and no literal (that of a marker among
// them) speaks for a closer look at v. Most values end here.
func (s *Scanner) plain(p Place, v string) bool {
	if p.kind != kindNone || p.weak != hintNone && len(v) >= weakMin || len(v) > s.r.maxBytes || int(p.depth) > s.r.maxDepth {
		return false
	}
	if len(v) < minSecret {
		return true
	}
	c := v[0]
	return c != '{' && c != '[' && c > ' ' && len(v) != awsSecretLen && p.cmd == 0 && p.hint < hintVendor && s.finder == nil && s.r.matcher.next(v, 0) >= len(v) && (s.r.pii == nil || p.topic != topicPhone && !s.r.pii.candidate(v))
}

// closely redacts a value that is not plain.
func (s *Scanner) closely(p Place, v string) (out string, changed bool) {
	if len(v) > s.r.maxBytes {
		return s.refuse(v, kindTooLarge)
	}
	if int(p.depth) > s.r.maxDepth {
		return s.refuse(v, kindTooDeep)
	}
	nesting, base := s.nesting, len(s.keys)
	defer func() {
		if recover() != nil {
			s.nesting, s.inView, s.keys = nesting, false, s.keys[:base]
			out, changed = s.bareMarker(kindError), true
		}
	}()
	out, changed = s.once(p, v)
	if !changed {
		return v, false
	}
	for round := 1; round < maxRounds; round++ {
		next, again := s.once(p, out)
		if !again {
			return out, true
		}
		out = next
	}
	if _, again := s.once(p, out); again {
		return s.bareMarker(kindError), true
	}
	return out, true
}

// refuse masks a value unseen. A marker is left alone, so that a value that
// was refused before stays what it is.
func (s *Scanner) refuse(v string, kind kindID) (string, bool) {
	if len(v) <= maxMarker && s.isMarker(v) {
		return v, false
	}
	return s.bareMarker(kind), true
}

// once is one round of Text.
func (s *Scanner) once(p Place, v string) (string, bool) {
	if p.kind != kindNone {
		return s.forced(p, v)
	}
	if p.hint >= hintVendor {
		if kind := s.vendorValue(p.hint, v); kind != kindNone && !s.allows(kind, v, decodeNone) {
			return s.marker(kind, v, decodeNone), true
		}
	} else if p.cmd != 0 && v != "" {
		// -psecret, or the token behind a subcommand.
		st := argvState{cmd: p.cmd.command(), ready: p.hint == hintReady, each: p.hint == hintEach, argv: true}
		if from, to, kind := s.step(&st, v); kind != kindNone && !s.isPlaceholder(v[from:to]) && !s.allows(kind, v[from:to], decodeNone) {
			return v[:from] + s.marker(kind, v[from:to], decodeNone) + v[to:], true
		}
	}
	if len(v) < minSecret {
		return v, false
	}
	if c := v[0]; c == '{' || c == '[' || c <= ' ' {
		if looksLikeJSON(v) && !s.isMarker(v) {
			if out, changed, ok := s.nestedJSON(p, v); ok {
				return out, changed
			}
		}
	}
	if p.weak != hintNone && weakSecret(v, p.weak.kind(), true) && !s.isMarker(v) && !s.allows(p.weak.kind(), v, decodeNone) {
		return s.marker(p.weak.kind(), v, decodeNone), true
	}
	if len(v) == awsSecretLen && isBareAWSSecret(v) && !s.allows(kindAWSSecretKey, v, decodeNone) {
		return s.marker(kindAWSSecretKey, v, decodeNone), true
	}
	s.pii.topic = p.topic
	return s.free(v)
}

// free redacts free text.
func (s *Scanner) free(v string) (string, bool) {
	spans := s.find(v)
	if len(spans) == 0 {
		return v, false
	}
	out := s.out[:0]
	at := 0
	for _, sp := range spans {
		out = append(out, v[at:sp.start]...)
		if sp.kind == kindError {
			s.masked.add(kindError)
			out = append(out, s.r.bare[kindError]...)
		} else {
			out = s.appendMarker(out, sp.kind, v[sp.start:sp.end], sp.dec)
		}
		at = sp.end
	}
	out = append(out, v[at:]...)
	s.out = out
	if string(out) == v {
		return v, false
	}
	return string(out), true
}

// forced redacts a value whose place says that it is secret.
func (s *Scanner) forced(p Place, v string) (string, bool) {
	s.pii.topic = p.topic
	if s.allowsForced(p, v) {
		return v, false
	}
	if p.kind == kindCredential && s.isKeyIDScope(v) {
		return s.once(Place{depth: p.depth}, v)
	}
	if s.harmless(v, p.kind) {
		return s.onlyPersonal(v)
	}
	switch p.mode {
	case modeAssign:
		eq := strings.IndexByte(v, '=')
		if eq < 0 || s.harmless(v[eq+1:], p.kind) {
			return s.once(Place{depth: p.depth}, v)
		}
		return v[:eq+1] + s.marker(p.kind, v[eq+1:], decodeNone), true
	case modeArg:
		if p.cmd.command().passes(v) {
			return s.once(Place{depth: p.depth}, v)
		}
		if isFlag(v) || p.kind == kindSecret && isContainerOption(v) {
			return s.once(Place{depth: p.depth}, v)
		}
		if q := strings.Trim(v, "'\""); s.harmless(q, p.kind) {
			return v, false
		}
		if strings.HasPrefix(v, "pass:") {
			out := s.marker(p.kind, v[len("pass:"):], decodeNone)
			if s.isPlaceholder(v[len("pass:"):]) {
				return v, false
			}
			return "pass:" + out, true
		}
	case modePair:
		from, to, kind := s.pairSecret(v, 0, p.cmd.command())
		if kind == kindNone {
			return s.once(Place{depth: p.depth}, v)
		}
		return v[:from] + s.marker(kind, v[from:to], decodeNone) + v[to:], true
	case modeListed:
		if listedName(v) {
			return s.once(Place{depth: p.depth}, v)
		}
	case modeDigits, modeCode:
		if !isCode(v) {
			return s.once(Place{depth: p.depth}, v)
		}
	case modeHeader:
		if equalFold(strings.Trim(v, "'\""), "bearer") || equalFold(v, "basic") || equalFold(v, "token") {
			return v, false
		}
	}
	switch p.kind {
	case kindAuthorization:
		return s.with(v, func() { s.credentials(v, 0, len(v), true) })
	case kindCookie:
		if strings.IndexByte(v, '=') >= 0 {
			return s.with(v, func() { s.cookies(v, value{end: len(v)}) })
		}
	case kindCredential:
		if looksLikeJSON(v) {
			if out, changed, ok := s.nestedJSON(Place{depth: p.depth, kind: p.kind}, v); ok {
				return out, changed
			}
		}
	case kindBasicAuth:
		if p.mode != modeHeader && !isBasicAuth(v) {
			return s.once(Place{depth: p.depth}, v)
		}
	case kindVaultSecretID:
		if !isUUID(v) {
			return s.once(Place{depth: p.depth}, v)
		}
	}
	kind, dec := p.kind, decodeNone
	switch kind {
	case kindBasicAuth:
		dec = decodeBasic
	case kindPrivateKey:
		dec = decodePEM
	}
	// The value's own shape names it better than its key does.
	trimmed := strings.TrimSpace(v)
	if kind, dec, ok := s.shape(trimmed); ok {
		return s.marker(kind, trimmed, dec), true
	}
	return s.marker(kind, v, dec), true
}

// shape names the secret that the whole of v is by its form.
func (s *Scanner) shape(v string) (kindID, decoding, bool) {
	if spans := s.found(v); len(spans) == 1 && spans[0].start == 0 && spans[0].end == len(v) && spans[0].kind >= kindJWT {
		return spans[0].kind, spans[0].dec, true
	}
	return kindNone, decodeNone, false
}

// with runs a rule on the whole of v and what free text finds beside it.
func (s *Scanner) with(v string, rule func()) (string, bool) {
	s.spans = s.spans[:0]
	s.scratch = scratch{budget: budgetFor(len(v))}
	if s.finder == nil {
		s.scan(v, 0)
	} else if spans := s.foreign(v); len(spans) > 0 && spans[0].kind == kindError {
		return s.bareMarker(kindError), true
	}
	rule()
	if s.mayBePersonal(v) {
		s.personal(v)
	}
	if s.budget < 0 {
		return s.bareMarker(kindError), true
	}
	if len(s.spans) == 0 {
		return v, false
	}
	spans := s.withoutAllowed(s.withoutMarked(mergeSpans(s.spans), v), v)
	if len(spans) == 0 {
		return v, false
	}
	var out []byte
	at := 0
	for _, sp := range spans {
		out = append(out, v[at:sp.start]...)
		out = s.appendMarker(out, sp.kind, v[sp.start:sp.end], sp.dec)
		at = sp.end
	}
	out = append(out, v[at:]...)
	return string(out), true
}

// Scalar says whether a number or another scalar that is no string is masked
// at p: only where a key name forces a kind, or where p lies too deep. There
// is no fingerprint: the value is not known here. Do not call it for booleans
// and nulls, which are never masked: they hold no secret, and "password": null
// is worth knowing.
func (s *Scanner) Scalar(p Place) (marker string, masked bool) {
	marker, masked = s.scalar(p)
	s.stands(marker)
	return marker, masked
}

func (s *Scanner) scalar(p Place) (marker string, masked bool) {
	if int(p.depth) > s.r.maxDepth {
		return s.bareMarker(kindTooDeep), true
	}
	if p.kind == kindNone || p.mode == modeArg || p.mode == modePair || p.mode == modeAssign || p.mode == modeListed || p.mode == modeDigits || p.kind == kindBasicAuth || p.kind == kindVaultSecretID {
		return "", false
	}
	return s.bareMarker(p.kind), true
}

// Bytes redacts the bytes v at p as Text does a string, since bytes often are
// text. A clean value is returned as it is; v is never written to.
func (s *Scanner) Bytes(p Place, v []byte) (out []byte, changed bool) {
	text, changed := s.Text(p, stringOf(v))
	if !changed {
		return v, false
	}
	return []byte(text), true
}

// Key redacts the name of a map key, which may hold a secret as any text.
func (s *Scanner) Key(name string) (out string, changed bool) {
	if s.slot(name).isClean(name) {
		return name, false
	}
	out, changed = s.key(name)
	s.stands(out)
	return out, changed
}

// Name is Key and, for the name that it returns, Field: both in one look-up,
// and the place is the one that redacting again would give.
func (s *Scanner) Name(p Place, key string) (out string, changed bool, q Place) {
	sl := s.slot(key)
	if sl.isClean(key) {
		if p.kind == kindNone || p.mode != modeText {
			return key, false, sl.place(p) // nearly every key
		}
		return key, false, s.underForced(p, key, sl.class)
	}
	out, changed = s.key(key)
	s.stands(out)
	return out, changed, s.Field(p, out)
}

// name is Name for a key inside a value, whose markers count with the whole.
func (s *Scanner) name(p Place, key string) (out string, changed bool, q Place) {
	sl := s.slot(key)
	if !sl.isClean(key) {
		key, changed = s.key(key)
		return key, changed, s.Field(p, key)
	}
	if p.kind == kindNone || p.mode != modeText {
		return key, false, sl.place(p)
	}
	return key, false, s.underForced(p, key, sl.class)
}

// key redacts a name that is not known to be clean.
func (s *Scanner) key(name string) (out string, changed bool) {
	out, changed = s.text(Place{}, name)
	if !changed && len(name) <= nameSlotLen && !strings.Contains(name, markerOpen) {
		// The rules may have looked up other names: find the slot again.
		s.slot(name).clean = true
	}
	return out, changed
}
