// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/processor/redact"
)

// Head is what a record says beside its values.
type Head struct {
	// Timestamp and Observed are Unix times in nanoseconds, 0 for none.
	Timestamp, Observed uint64
	Severity            int32
	SeverityText        string
	EventName           string
	TraceID             [16]byte
	SpanID              [8]byte
	Flags, Dropped      uint32
}

// The first bytes of a record. The writer builds them; nothing of the input
// stands before them.
const recordStart = `{"timestamp":"`

// afterTimestamp is where the payload goes on behind the timestamp.
const afterTimestamp = len(recordStart) + timeLen + len(`"`)

// Begin starts a record. The resource and the scope are those written last.
func (w *Writer) Begin(b *Batch, h *Head) {
	w.buf = b.begin(w)
	w.start = len(w.buf)
	w.Pop(0)
	w.pairs = false
	w.tally.reset()
	w.stopped = w.resource.cut || w.scope.cut
	w.rec = record{head: *h, attrs: w.rec.attrs[:0]}
	if w.s != nil {
		w.s.Reset()
	}
}

// Open writes the members up to the event's type, once all attributes are
// announced. It returns false where the record is refused: audit.rejected
// then stands in its place, and the record is over.
func (w *Writer) Open(b *Batch) bool {
	r := &w.rec
	h := &r.head
	w.identify()
	r.name = h.EventName
	if r.name != "" {
		r.name = w.redacted(w.Root(), r.name)
	}
	named := r.name != "" && utf8.ValidString(r.name)
	r.audit = named && len(r.name) > len(eventPrefix) && strings.HasPrefix(r.name, eventPrefix) && r.name != nameRejected
	if !w.liftFields() {
		w.reject(b, EventFieldType, 0)
		return false
	}

	ns := h.Timestamp
	if ns == 0 {
		r.noTime = true
		ns = h.Observed
		if ns == 0 {
			ns = idTime(&r.id) // 0 as long as there is no id
		}
		if ns == 0 {
			ns = w.nowNanos()
		}
	}
	if !r.idem {
		r.id = w.entropy.newID(w.nowNanos())
	}

	w.buf = append(w.buf, recordStart...)
	w.buf = w.clock.append(w.buf, ns)
	w.buf = append(w.buf, `","session_id":`...)
	w.buf = appendString(w.buf, w.lift(roleSession, keySession, &w.resource.session))
	if p := w.lift(roleProvider, keyProvider, &w.resource.provider); p != "" {
		w.buf = append(w.buf, `,"provider":`...)
		w.buf = appendString(w.buf, p)
	}
	w.buf = append(w.buf, `,"event":{"type":`...)
	switch {
	case r.audit:
		w.buf = appendString(w.buf, r.name[len(eventPrefix):])
	case named:
		w.buf = appendString(w.buf, r.name)
	default:
		w.buf = append(w.buf, `"log"`...)
	}
	return true
}

// IsField says whether the i-th attribute is a field of the event.
func (w *Writer) IsField(i int) bool {
	a := &w.rec.attrs[i]
	return a.gone && a.role == roleField
}

// HasFields says whether IsField can be true.
func (w *Writer) HasFields() bool { return w.rec.audit && w.rec.fields }

// Field starts the field that the i-th attribute is.
func (w *Writer) Field(i int) {
	k := &w.keys[i]
	w.buf = append(w.buf, `,"`...)
	w.buf = appendEscaped(w.buf, k.name[len(fieldPrefix):])
	w.buf = append(w.buf, `":`...)
}

// AfterEvent ends the event and writes the members up to the body.
func (w *Writer) AfterEvent() {
	r := &w.rec
	h := &r.head
	b := append(w.buf, '}')
	if !r.audit {
		b = append(b, `,"event_name":`...)
		b = appendString(b, r.name)
	}
	b = append(b, `,"id":"`...)
	b = appendUUID(b, &r.id)
	b = append(b, '"')
	if h.Severity != 0 {
		b = append(b, `,"severity":`...)
		b = strconv.AppendInt(b, int64(h.Severity), 10)
	}
	if h.SeverityText != "" {
		b = append(b, `,"severity_text":`...)
		b = appendString(b, w.redacted(w.Root(), h.SeverityText))
	}
	if h.TraceID != [16]byte{} {
		b = append(b, `,"trace_id":"`...)
		b = appendHex(b, h.TraceID[:])
		b = append(b, '"')
	}
	if h.SpanID != [8]byte{} {
		b = append(b, `,"span_id":"`...)
		b = appendHex(b, h.SpanID[:])
		b = append(b, '"')
	}
	if h.Flags != 0 {
		b = append(b, `,"flags":`...)
		b = strconv.AppendUint(b, uint64(h.Flags), 10)
	}
	w.buf = b
}

// Body starts the body, which is neither empty nor a string.
func (w *Writer) Body() { w.buf = append(w.buf, `,"body":`...) }

// BodyText writes a body that is a string: JSON as it is, where it is JSON
// that may stand in a payload (section 6.5), and else a typed string.
func (w *Writer) BodyText(v string) {
	w.buf = append(w.buf, `,"body":`...)
	if !bracketed(v) {
		w.Text(w.Root(), v)
		return
	}
	if w.s == nil {
		if strictJSON(v) {
			w.buf = append(w.buf, v...)
			w.buf = append(w.buf, `,"body_form":"json"`...)
		} else {
			w.buf = appendString(w.buf, v)
		}
		return
	}
	n := len(w.buf)
	out, form := w.s.JSON(w.buf, w.Root(), v)
	if form == redact.NotJSON {
		w.buf = out[:n]
		text, changed := w.s.Text(w.Root(), v)
		if changed && bracketed(text) && strictJSON(text) {
			// What kept it from being JSON was masked.
			w.buf = append(append(w.buf, text...), `,"body_form":"json"`...)
			return
		}
		w.buf = appendString(w.buf, text)
		return
	}
	text := out[n:]
	if text[0] == '"' {
		w.buf = out // too long or too deep to be looked at: a marker
		return
	}
	if embeds(text, v, form) {
		w.buf = append(out, `,"body_form":"json"`...)
		return
	}
	w.scratch = append(w.scratch[:0], text...)
	w.buf = appendString(out[:n], string(w.scratch))
}

// embeds says whether text, which is the JSON v redacted, may stand in a payload
// as it is. Where redaction changed something, or a redactor goes deeper than
// the format, it is checked again: a payload with a key twice would be
// ill-formed for ever, and what kept v out may be masked.
func embeds(text []byte, v string, form redact.Form) bool {
	if string(text) != v {
		return strictJSON(string(text))
	}
	return form == redact.StrictJSON && (shallow(v) || strictJSON(v))
}

// shallow says that v cannot nest deeper than an embedded text may: it has not
// that many brackets.
func shallow(v string) bool { return strings.Count(v, "{")+strings.Count(v, "[") <= jsonDepth }

// bracketed says whether v could be a JSON object or array with nothing
// around it.
func bracketed(v string) bool {
	if len(v) < 2 {
		return false
	}
	first, last := v[0], v[len(v)-1]
	return first == '{' && last == '}' || first == '[' && last == ']'
}

// Attributes writes resource and scope and starts the attributes. It returns
// false where no attribute is left.
func (w *Writer) Attributes() bool {
	r := &w.rec
	r.groupsAt = len(w.buf)
	w.buf = append(w.buf, w.resource.member...)
	w.buf = append(w.buf, w.scope.member...)
	r.groupsTo = len(w.buf)
	var n int
	if r.form, n = w.attributesForm(); n == 0 {
		return false
	}
	w.buf = append(w.buf, `,"attributes":`...)
	w.OpenMap(r.form)
	return true
}

// Stays says whether the i-th attribute stands in `attributes`.
func (w *Writer) Stays(i int) bool { return !w.rec.attrs[i].gone }

// Attribute starts the i-th attribute.
func (w *Writer) Attribute(i int) { w.Entry(w.rec.form, i) }

// EndAttribute ends an attribute.
func (w *Writer) EndAttribute() { w.EndEntry(w.rec.form) }

// CloseAttributes ends the attributes, where Attributes returned true.
func (w *Writer) CloseAttributes() { w.CloseMap(w.rec.form) }

// End ends the record and adds it to b: sealed as it is, or audit.rejected
// where it is too long.
func (w *Writer) End(b *Batch) {
	if w.stopped {
		// How long it would have been is not known.
		w.reject(b, TooLarge, 0)
		return
	}
	r := &w.rec
	h := &r.head
	if h.Dropped != 0 {
		w.buf = append(w.buf, `,"dropped":`...)
		w.buf = strconv.AppendUint(w.buf, uint64(h.Dropped), 10)
	}
	t := w.tallied()
	if len(t.markers) > 0 {
		w.buf = appendRedacted(w.buf, t.markers)
	}
	to := len(w.buf) - w.start
	if h.Observed != 0 {
		w.buf = append(w.buf, `,"observed":"`...)
		w.buf = w.clock.append(w.buf, h.Observed)
		w.buf = append(w.buf, '"')
	}
	switch {
	case r.noTime && !r.idGiven:
		w.buf = append(w.buf, `,"filled":["timestamp","id"]`...)
	case r.noTime:
		w.buf = append(w.buf, `,"filled":["timestamp"]`...)
	case !r.idGiven:
		w.buf = append(w.buf, `,"filled":["id"]`...)
	}
	w.buf = append(w.buf, `,"blind":"`...)
	w.buf = w.entropy.appendBlind(w.buf)
	w.buf = append(w.buf, '"')
	if n := len(w.buf) - w.start; n > w.o.MaxRecordBytes {
		w.reject(b, TooLarge, int64(n))
		return
	}
	b.redactions = addCounts(b.redactions, t.masked)
	rec := journal.Record{Leaf: leaf(w.buf, w.start), ID: r.id, Idempotent: r.idem, ContentTo: to}
	if r.noTime {
		rec.ContentFrom = afterTimestamp
	}
	b.end(w, rec, span{from: w.start, to: len(w.buf), groupsFrom: r.groupsAt, groupsTo: r.groupsTo})
}

// tallied sums the record and its groups.
func (w *Writer) tallied() *tally {
	if w.s != nil {
		w.tally.scanned(w.s)
	}
	w.tally.add(&w.resource.tally)
	w.tally.add(&w.scope.tally)
	return &w.tally
}

// leaf hashes the payload that starts at start, where the byte before it is
// the zero byte of RFC 6962: one pass over one piece of memory.
func leaf(buf []byte, start int) integrity.Hash {
	return integrity.Hash(sha256.Sum256(buf[start-1:]))
}
