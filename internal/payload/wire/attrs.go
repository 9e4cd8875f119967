// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Attributes that a record says elsewhere (docs/SPEC.md, sections 6.2 to 6.4).
const (
	keySession  = "session.id"
	keyProvider = "cloud.provider"
	keyRecordID = "audit.record.id"
	keyUID      = "log.record.uid"
	fieldPrefix = "audit.event."
	eventPrefix = "audit."
	fieldType   = fieldPrefix + "type"
	// nameRejected is the EventName of the writer's own event (section 6.6):
	// a sender's record of that name is no audit event.
	nameRejected = eventPrefix + "rejected"
)

// attr is what an attribute of the record is to the layout.
type attr struct {
	role role
	gone bool // said elsewhere: left out of `attributes`
}

type role uint8

const (
	roleNone role = iota
	roleSession
	roleProvider
	roleRecordID
	roleUID
	roleField
	roles
)

// special is an attribute with a role of its own; the first of duplicates.
type special struct {
	n     int // how often the key stands
	index int
	text  string
	isSet bool // a non-empty string
}

func roleOf(name string) role {
	switch len(name) {
	case len(keySession):
		if name == keySession {
			return roleSession
		}
	case len(keyProvider): // and keyUID
		if name == keyProvider {
			return roleProvider
		}
		if name == keyUID {
			return roleUID
		}
	case len(keyRecordID):
		if name == keyRecordID {
			return roleRecordID
		}
	}
	if len(name) > len(fieldPrefix) && name[:len(fieldPrefix)] == fieldPrefix {
		return roleField
	}
	return roleNone
}

// liftable says whether text may become session_id or provider.
func liftable(text string) bool { return text != "" && (clean(text) || utf8.ValidString(text)) }

// Attr announces the record's next attribute. It returns true where AttrText
// wants to know its value.
func (w *Writer) Attr(k string) bool {
	i := len(w.keys)
	w.Push(w.Root(), k)
	r := roleOf(w.keys[i].name)
	w.rec.attrs = append(w.rec.attrs, attr{role: r})
	if r == roleNone {
		return false
	}
	if r == roleField {
		w.rec.fields = true
		return false
	}
	s := &w.rec.special[r]
	s.n++
	if s.n > 1 {
		return false
	}
	s.index = i
	return true
}

// AttrText tells the value of the attribute announced last.
func (w *Writer) AttrText(isString bool, text string) {
	s := &w.rec.special[w.rec.attrs[len(w.rec.attrs)-1].role]
	s.text, s.isSet = text, isString && text != ""
}

// identify finds the record's id (section 6.4).
func (w *Writer) identify() {
	r := &w.rec
	own := &r.special[roleRecordID]
	if own.isSet {
		if id, ok := canonicalUUID(own.text); ok {
			r.id, r.idGiven, r.idem = id, true, true
			r.attrs[own.index].gone = own.n == 1
			return
		}
	}
	from, key := own, keyRecordID
	if !own.isSet {
		from, key = &r.special[roleUID], keyUID
	}
	if !from.isSet {
		return
	}
	if id, ok := canonicalUUID(from.text); ok {
		r.id, r.idem = id, true
		return
	}
	// A secret neither shows in a hash that anybody could guess against, nor
	// makes two records one because both have the same marker.
	if w.secret(key, from.text) {
		return
	}
	r.id, r.idem = derivedID(from.text), true
}

func (w *Writer) secret(key, text string) bool {
	if strings.Contains(text, "[REDACTED:") {
		return true
	}
	out, _ := w.probed(key, text)
	return out != text
}

// lift decides on session_id or provider (section 6.2). It goes by the values
// as they are written, so that reading back gives the record as written.
func (w *Writer) lift(r role, key string, s *lifted) string {
	own := &w.rec.special[r]
	if own.isSet && liftable(own.text) {
		text := own.text
		if w.s != nil {
			text, _ = w.s.Text(w.s.Field(w.s.Root(), key), text)
		}
		if liftable(text) {
			w.rec.attrs[own.index].gone = own.n == 1 && s.n <= 1 && text != s.text
			return text
		}
	}
	w.tally.add(&s.tally)
	return s.text
}

// liftFields decides which attributes become fields of the event (section
// 6.3). It returns false where one would overwrite event.type.
func (w *Writer) liftFields() bool {
	r := &w.rec
	dups := w.duplicates(w.keys)
	r.dups = dups
	if !r.audit || !r.fields {
		return true
	}
	var seen map[string]struct{}
	if dups {
		seen = w.openSeen()
		defer w.closeSeen()
	}
	for i := range r.attrs {
		if r.attrs[i].role != roleField || w.keys[i].class == keyInvalid {
			continue
		}
		name := w.keys[i].name
		if name == fieldType {
			return false
		}
		if dups {
			if _, twice := seen[name]; twice {
				continue
			}
			seen[name] = struct{}{}
		}
		r.attrs[i].gone = true
	}
	return true
}

// attributesForm is the form of the attributes that stay, of which there are n.
func (w *Writer) attributesForm() (f Form, n int) {
	r := &w.rec
	last := 0
	for i := range r.attrs {
		if r.attrs[i].gone {
			continue
		}
		n++
		last = i
		if w.keys[i].class == keyInvalid {
			f = FormPairs
		}
	}
	switch {
	case f == FormPairs:
	case n == 1:
		if strings.HasPrefix(w.keys[last].name, "$") {
			f = FormDollar
		}
	case r.dups && w.staysTwice():
		f = FormPairs
	}
	return f, n
}

func (w *Writer) staysTwice() bool {
	seen := w.openSeen()
	defer w.closeSeen()
	n := 0
	for i := range w.rec.attrs {
		if w.rec.attrs[i].gone {
			continue
		}
		n++
		seen[w.keys[i].name] = struct{}{}
		if len(seen) != n {
			return true
		}
	}
	return false
}

// record is the state of the record that is being written.
type record struct {
	head    Head
	attrs   []attr
	special [roles]special
	fields  bool // an attribute could be a field of an audit event
	dups    bool // a key of the attributes stands twice
	audit   bool
	name    string // EventName, redacted

	id       uuid.UUID
	idGiven  bool // audit.record.id as it stands
	idem     bool // the sender determined the id
	noTime   bool // the sender left the timestamp out
	form     Form // of the attributes
	groupsAt int
	groupsTo int
}
