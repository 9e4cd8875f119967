// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strconv"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/google/uuid"
)

// rejection is an audit.rejected event (docs/SPEC.md, section 6.6): an audit
// event of the writer's own, with nothing of the refused record but its id
// and the resource and scope that it came with.
type rejection struct {
	why    Reason
	id     *uuid.UUID // of the refused record, nil for none
	bytes  int64      // of the refused record, 0 if not known
	groups []byte     // its members `resource` and `scope`
	meta   *meta
	max    int
}

// append writes the payload for the time ns and returns it with the record
// that goes with it (all but Payload and Leaf) and what the writer masked in it.
func (r *rejection) append(b []byte, ns uint64, e *entropy, c *clock) ([]byte, journal.Record, []redact.KindCount) {
	start := len(b)
	rec := journal.Record{ID: e.newID(ns)}
	b, to, masked := r.layOut(b, ns, &rec.ID, e, c)
	if len(b)-start > r.max {
		// What made the record too large is its resource or its scope.
		r.groups, r.meta = nil, &meta{}
		b, to, masked = r.layOut(b[:start], ns, &rec.ID, e, c)
	}
	rec.ContentTo = to - start
	return b, rec, masked
}

func (r *rejection) layOut(b []byte, ns uint64, id *uuid.UUID, e *entropy, c *clock) (_ []byte, to int, masked []redact.KindCount) {
	m := r.meta
	b = append(b, recordStart...)
	b = c.append(b, ns)
	b = append(b, `","session_id":`...)
	b = appendString(b, m.session.text)
	if m.provider.text != "" {
		b = append(b, `,"provider":`...)
		b = appendString(b, m.provider.text)
	}
	b = append(b, `,"event":{"type":"rejected","reason":"`...)
	b = append(b, r.why...)
	b = append(b, '"')
	if r.id != nil {
		b = append(b, `,"record_id":"`...)
		b = appendUUID(b, r.id)
		b = append(b, '"')
	}
	if r.bytes > 0 {
		b = append(b, `,"bytes":`...)
		b = strconv.AppendInt(b, r.bytes, 10)
	}
	b = append(b, `},"id":"`...)
	b = appendUUID(b, id)
	b = append(b, `","severity":13,"severity_text":"WARN","body":"record refused: `...)
	b = append(b, r.why...)
	b = append(b, '"')
	b = append(b, r.groups...)
	var t tally
	t.add(&m.tally)
	t.add(&m.session.tally)
	t.add(&m.provider.tally)
	if len(t.markers) > 0 {
		b = appendRedacted(b, t.markers)
	}
	to = len(b)
	b = append(b, `,"blind":"`...)
	b = e.appendBlind(b)
	return append(b, '"'), to, t.masked
}

// reject puts an audit.rejected event in the place of the record that is
// being written.
func (w *Writer) reject(b *Batch, why Reason, size int64) {
	if cap(w.buf) > maxKept && w.start < maxKept {
		// Let go of what the refused record took.
		w.buf = append(make([]byte, 0, w.start+minMaxRecordBytes), w.buf[:w.start]...)
	}
	w.scratch = append(append(w.scratch[:0], w.resource.member...), w.scope.member...)
	r := rejection{why: why, bytes: size, groups: w.scratch, meta: &w.groups, max: w.o.MaxRecordBytes}
	if w.rec.idem {
		r.id = &w.rec.id
	}
	from := w.start
	buf, rec, masked := r.append(w.buf[:from], w.nowNanos(), &w.entropy, &w.clock)
	w.buf = buf
	rec.Leaf = leaf(buf, from)
	at := len(buf) // no groups of its own to hand on
	b.rejected = addReason(b.rejected, why, 1)
	b.redactions = addCounts(b.redactions, masked)
	b.end(w, rec, span{from: from, to: len(buf), groupsFrom: at, groupsTo: at})
}

// Refuse adds an audit.rejected event for a record of which nothing but its
// length is known, 0 where it is not: too long to be held, for instance. The
// resource and the scope are those written last.
func (w *Writer) Refuse(b *Batch, why Reason, size int64) {
	w.Begin(b, &Head{})
	w.reject(b, why, size)
}

// Rejection returns an audit.rejected event for the i-th record, which the
// journal would not take. The record returned stands on its own: it stays
// valid after Reset. It does not count in Rejected.
func (b *Batch) Rejection(i int, why Reason) journal.Record {
	s := &b.spans[i]
	orig := &b.recs[i]
	r := rejection{why: why, bytes: int64(s.to - s.from), groups: b.buf[s.groupsFrom:s.groupsTo], meta: &b.metas[s.meta], max: b.opts.MaxRecordBytes}
	if orig.Idempotent {
		r.id = &orig.ID
	}
	e := entropy{source: b.opts.Rand}
	var c clock
	payload, rec, _ := r.append(nil, uint64(max(1, b.opts.Now().UnixNano())), &e, &c)
	rec.Payload, rec.Leaf = payload, integrity.Leaf(payload)
	return rec
}
