// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "strconv"

// group is a resource or a scope, encoded and redacted once for all the
// records that carry it.
type group struct {
	// member is `,"resource":{…}` or `,"scope":{…}`, empty where it is left out.
	member []byte
	// tally is of what is in it: each record that carries it says so.
	tally tally
	// cut: an adapter stopped in it, since no record with it can be short enough.
	cut bool
	// session and provider are what a resource gives to lift (section 6.2).
	session, provider lifted
}

// lifted is an attribute of the resource that records may take over.
type lifted struct {
	text  string // redacted; "" for none
	tally tally
	n     int // how often the resource has it; the first counts
}

func (g *group) forget() {
	if cap(g.member) > maxKeptBytes {
		g.member = nil
	}
	*g = group{member: g.member[:0]}
}

// OpenResource starts the resource of the records that follow. The adapter
// then gives its attributes: ResourceText for each that WantsResourceText,
// GroupAttributes and the map where there are any, and CloseGroup.
func (w *Writer) OpenResource() {
	w.openGroup(&w.resource)
	w.buf = append(w.buf, `,"resource":{`...)
}

// OpenScope starts the scope of the records that follow: GroupAttributes and
// the map, then CloseGroup.
func (w *Writer) OpenScope(name, version string) {
	w.openGroup(&w.scope)
	w.buf = append(w.buf, `,"scope":{`...)
	w.groupText(`"name":`, name)
	w.groupText(`"version":`, version)
}

// NoResource says that the records that follow have no resource.
func (w *Writer) NoResource() { w.OpenResource(); w.CloseGroup(0, "") }

// NoScope says that the records that follow have no scope.
func (w *Writer) NoScope() { w.OpenScope("", ""); w.CloseGroup(0, "") }

func (w *Writer) openGroup(g *group) {
	g.session, g.provider = lifted{}, lifted{}
	g.tally = tally{}
	w.stopped = false
	w.open, w.saved = g, w.buf
	w.buf, w.start = g.member[:0], 0
	if w.s != nil {
		w.s.Reset()
	}
}

// ResourceText tells the resource's attribute key, of which text is the value
// where it is a string.
func (w *Writer) ResourceText(key string, isString bool, text string) {
	var l *lifted
	switch key {
	case keySession:
		l = &w.open.session
	case keyProvider:
		l = &w.open.provider
	default:
		return
	}
	l.n++
	if l.n > 1 || !isString || !liftable(text) {
		return
	}
	// The attribute itself is written, and counted, as any other; what a
	// record takes over counts in that record.
	if text, t := w.probed(key, text); liftable(text) {
		l.text, l.tally = text, t
	}
}

// WantsResourceText says whether ResourceText has a use for the value of key.
func WantsResourceText(key string) bool { return key == keySession || key == keyProvider }

func (w *Writer) groupMember(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, name...)
}

func (w *Writer) groupText(name, v string) {
	if v != "" {
		w.groupMember(name)
		w.Text(w.Root(), v)
	}
}

// GroupAttributes starts the member that holds the group's attributes, of
// which there is at least one. The adapter writes the map.
func (w *Writer) GroupAttributes() { w.groupMember(`"attributes":`) }

// CloseGroup ends the group.
func (w *Writer) CloseGroup(dropped uint32, schemaURL string) {
	if dropped != 0 {
		w.groupMember(`"dropped":`)
		w.buf = strconv.AppendUint(w.buf, uint64(dropped), 10)
	}
	w.groupText(`"schema_url":`, schemaURL)
	g := w.open
	g.cut = w.stopped
	if w.buf[len(w.buf)-1] == '{' {
		w.buf = w.buf[:0] // nothing in it
	} else {
		w.buf = append(w.buf, '}')
	}
	if w.s != nil {
		g.tally.scanned(w.s)
	}
	g.member, w.buf, w.saved, w.open = w.buf, w.saved, nil, nil

	w.groupsGen++
	w.groups = meta{session: w.resource.session, provider: w.resource.provider}
	w.groups.tally.add(&w.resource.tally)
	w.groups.tally.add(&w.scope.tally)
}

// meta is what a rejection needs to know of a record's groups.
type meta struct {
	session, provider lifted
	tally             tally
}
