// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// Place says where a value stands: what the key names above it and the argv
// element before it make of it, and how deep it is. It is a small value; the
// zero Place is the root.
type Place struct {
	depth uint16
	kind  kindID // forced by a name above, or by the element before
	mode  mode
	hint  hint
	weak  hint      // hintWeak and beyond, where the name says that much: see weakHint
	topic topic     // what the name says about numbers, where personal data is looked for
	cmd   commandID // argv: the command whose word this is
}

// hint is what a place says beside its kind.
type hint uint8

const (
	hintNone  hint = iota
	hintReady      // of an element of an argv: the subcommand was seen
	hintPair       // of a field with no forced kind: the value part of a pair
	hintEach       // of an element of an argv: what is behind its '=' is secret
	hintData       // of a field with no forced kind: the data of a Secret, if it is one
	hintFlat       // likewise: the value part of a flattened pair
	hintJWK        // likewise: a member of a key that is secret, if it is one
	// hintVendor and beyond: of a field with no forced kind whose name holds the
	// keyword of a vendor. Each keyword has two, see keyword.hint.
	hintVendor
)

// hintWeak and beyond are what Place.weak says: see weakHint.
const hintWeak hint = 1

type mode uint8

const (
	modeText   mode = iota // the value itself is secret if kind says so
	modeLeaf               // only a string here is secret, not what a map below holds
	modeArg                // forced by the argv element before: a flag is no value
	modePair               // user:password
	modeHeader             // a bare scheme (Bearer) stood before
	modeAssign             // what is behind the first '=' is secret
	modeListed             // the name of a header stood before: another name is no value
	modeDigits             // only a string of a few digits here is secret
	modeCode               // likewise, or a number
)

// Root is the place of a value without a key.
func (s *Scanner) Root() Place { return Place{} }

// Field is the place of the value under key in a map at p. A sensitive key
// forces a kind on everything below it, whatever the names there. Where Key
// changed the name, pass what it returned.
func (s *Scanner) Field(p Place, key string) Place {
	sl := s.slot(key)
	if p.kind != kindNone && p.mode == modeText {
		return s.underForced(p, key, sl.class)
	}
	return sl.place(p)
}

func deeper(depth uint16) uint16 {
	if depth == ^uint16(0) {
		return depth
	}
	return depth + 1
}

// underForced is the place of the value under key where a name above forces a
// kind.
func (s *Scanner) underForced(p Place, key string, c class) Place {
	q := Place{depth: deeper(p.depth)}
	if c.reach == reachNone && c.kind == kindNone && !s.r.allowedName(key) {
		// secretName below secret: where the secret is, not what it is.
		return q
	}
	if p.kind == kindCredential {
		if c.kind == kindNone && lifted(key) {
			return q
		}
		if c.kind != kindNone {
			q.kind = c.kind
			return q
		}
	}
	q.kind = p.kind
	return q
}

// allowedName keeps AllowedKeys from lifting what a name above forces: they
// speak for the name alone.
func (r *Redactor) allowedName(key string) bool {
	if len(r.allowed) == 0 && r.allow == nil {
		return false
	}
	seg := normalise(nil, lastSegment(key))
	return r.allowed[string(seg)] || r.allow != nil && r.allow.names(seg)
}

func lifted(key string) bool {
	if len(key) > 40 {
		return false
	}
	var buf [40]byte
	return liftedNames[string(normalise(buf[:0], key))]
}

// Element is the place of an element of a slice at p. prev is the element
// before it if that is a string, else "". Call it for the elements in their
// order: the command that an argv starts with decides what -p means.
func (s *Scanner) Element(p Place, prev string) Place {
	q := Place{depth: deeper(p.depth), kind: p.kind, mode: p.mode, topic: p.topic}
	if s.depth != int(p.depth) {
		s.argv, s.depth = argvState{}, int(p.depth)
		s.pii.remote = remoteState{}
	}
	if s.r.pii != nil && s.pii.remote.next(prev) {
		q.topic = topicRemote
	}
	if p.mode != modeText && p.mode != modeLeaf {
		q.kind, q.mode = kindNone, modeText // an argv in an argv
	}
	if p.weak != hintNone {
		q.weak = p.weak
	}
	if q.kind != kindNone {
		return q
	}
	if prev == "" {
		s.argv = argvState{}
		return q
	}
	if kind, m := s.before(prev); kind != kindNone {
		q.kind, q.mode = kind, m
	}
	if s.argv.cmd != nil {
		q.cmd = s.argv.cmd.id
		switch {
		case s.argv.each:
			q.hint = hintEach
		case s.argv.ready && !s.argv.skip:
			q.hint = hintReady
		}
	}
	return q
}

// before says what the element prev makes of the one behind it.
func (s *Scanner) before(prev string) (kindID, mode) {
	st := &s.argv
	if len(prev) > 128 {
		st.want, st.pair = kindNone, false
		return kindNone, modeText
	}
	if st.cmd != nil {
		s.step(st, prev)
	}
	if kind := s.r.flagKind(prev); kind != kindNone {
		return kind, modeArg
	}
	if st.cmd != nil {
		if st.want != kindNone && st.assign {
			return st.want, modeAssign
		}
		if st.want != kindNone {
			return st.want, modeArg
		}
		if st.pair {
			return kindPassword, modePair
		}
	}
	if c := lookupCommand(prev); c != nil && !st.ready {
		*st = s.start(c)
		switch {
		case st.want != kindNone:
			return st.want, modeArg
		case st.pair:
			return kindPassword, modePair
		}
		return kindNone, modeText
	}
	switch last := prev[len(prev)-1]; {
	case st.sure && prev == "--secret":
		return kindNone, modeText // a flag without a value there
	case prev[0] == '-' && len(prev) > 2:
		name := strings.TrimLeft(prev, "-")
		if name == "" || strings.IndexByte(name, '=') >= 0 && last != '=' {
			break
		}
		if c := s.classify(strings.TrimRight(name, "=:")); c.kind != kindNone {
			if c.kind == kindAuthorization || c.kind == kindCookie {
				return c.kind, modeText
			}
			return c.kind, modeArg
		}
		return kindNone, modeText
	case last == ':' || last == '=':
		// A header or an assignment cut at its space.
		if c := s.classify(strings.Trim(prev, "'\":= ")); c.kind != kindNone {
			return c.kind, modeHeader
		}
	}
	word := strings.Trim(prev, "'\"")
	if isHeaderName(word) {
		// A header as a list of two, or a flat list of names and values.
		if c := s.classify(word); c.kind != kindNone {
			return c.kind, modeListed
		}
	}
	switch {
	case equalFold(word, "bearer"):
		return kindBearer, modeHeader
	case equalFold(word, "basic"):
		return kindBasicAuth, modeHeader
	}
	// aws configure set aws_secret_access_key x
	if len(word) >= 13 && in(word[0], setLower) {
		if c := s.classify(word); c.kind == kindAWSSecretKey || c.kind == kindAWSSessionToken {
			return c.kind, modeArg
		}
	}
	return kindNone, modeText
}

// Forced says whether a name makes what stands at p secret, whatever it is.
func (p Place) Forced() bool { return p.kind != kindNone }

// TooDeep says whether p lies deeper than MaxDepth. A caller that walks maps
// and slices need not go further down: it writes Refused in their place.
func (s *Scanner) TooDeep(p Place) bool { return int(p.depth) > s.r.maxDepth }

// Refused counts and returns the marker for what lies too deep.
func (s *Scanner) Refused() string {
	marker := s.bareMarker(kindTooDeep)
	s.stands(marker)
	return marker
}

// nameSlots is the size of the cache of key names, a power of two. Records of
// one kind have the same few dozen keys over and over. Four slots are a
// set: names that fall on the same one do not take turns in driving each other
// out. One more slot is for what is too long to be kept.
const (
	nameSlots   = 256
	nameWays    = 4
	nameSlotLen = 43
)

// nameSlot holds the decision on one key name. The name is copied in place:
// nothing is allocated, and no caller's string is kept alive.
type nameSlot struct {
	name  [nameSlotLen]byte
	n     uint8
	class class
	at    Place // of the value, but for its depth
	clean bool  // the name itself holds neither secret nor marker (known once it was looked at)
}

// place is the place of the value in a map at p, where no name above counts.
func (sl *nameSlot) place(p Place) Place {
	q := sl.at
	q.depth = deeper(p.depth)
	if q.topic == topicNone {
		q.topic = p.topic // {"phone": {"home": …}}
	}
	return q
}

func (sl *nameSlot) holds(name string) bool {
	return int(sl.n) == len(name) && len(name) > 0 && string(sl.name[:sl.n]) == name
}

func (sl *nameSlot) isClean(name string) bool { return sl.clean && int(sl.n) == len(name) }

func slotOf(name string) int {
	n := len(name)
	h := uint64(n) * 0x9e3779b97f4a7c15
	if n >= 8 {
		h ^= load8(name, 0)
		h *= 0xff51afd7ed558ccd
		h ^= h >> 29
		h ^= load8(name, n-8)
	} else {
		h ^= loadTail(name, 0)
	}
	h *= 0xff51afd7ed558ccd
	return int(h >> 56)
}

// classify is classifyName with a memory.
func (s *Scanner) classify(name string) class { return s.slot(name).class }

// slot is the cache entry of name, filled if it was not. That of a long name is
// filled anew every time. It is valid until the next call.
func (s *Scanner) slot(name string) *nameSlot {
	i := slotOf(name) & (nameSlots - nameWays)
	set := (*[nameWays]nameSlot)(s.names[i:])
	for k := range set {
		if set[k].holds(name) {
			return &set[k]
		}
	}
	return s.fill(set, name)
}

// fill looks name up and puts it in its set, in the place of the one that came
// first.
func (s *Scanner) fill(set *[nameWays]nameSlot, name string) *nameSlot {
	sl := &s.names[nameSlots]
	if len(name) > 0 && len(name) <= nameSlotLen {
		sl = &set[0]
		copy(set[1:], set[:])
	}
	*sl = nameSlot{class: s.r.classifyName(name)}
	sl.at.kind = sl.class.kind
	switch {
	case sl.class.kind == kindNone:
		if sl.at.hint = asks(name); sl.at.hint != hintPair && sl.class.reach != reachNone {
			sl.at.weak = weakHint(name)
			if vendor := s.r.vendorOf(name); vendor != hintNone {
				sl.at.hint = vendor
			}
		}
	case sl.class.reach == reachText:
		sl.at.mode = modeLeaf
	case sl.class.reach == reachDigits:
		sl.at.mode = modeDigits
	case sl.class.reach == reachCode:
		sl.at.mode = modeCode
	}
	if s.r.pii != nil {
		sl.at.topic = topicOf(name)
	}
	if len(name) <= nameSlotLen {
		sl.n = uint8(copy(sl.name[:], name))
	}
	return sl
}
