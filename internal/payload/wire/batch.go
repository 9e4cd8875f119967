// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"slices"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/processor/redact"
)

// Batch holds encoded records in one buffer. The zero value is empty and
// ready to use. It is for one goroutine.
type Batch struct {
	buf   []byte
	recs  []journal.Record
	spans []span
	// pointed is how many recs have their Payload set. The buffer moves when
	// it grows, so that is done when the records are asked for.
	pointed int

	metas  []meta
	writer *Writer // whose groups metas ends with
	gen    int

	opts       *Options
	redactions []redact.KindCount
	rejected   []ReasonCount
}

// span is where a record stands in the buffer.
type span struct {
	from, to             int
	groupsFrom, groupsTo int // the members `resource` and `scope`
	meta                 int
}

// maxKept is the largest buffer that a Batch keeps for its next use.
const maxKept = 4 << 20

// Len returns the number of records.
func (b *Batch) Len() int { return len(b.recs) }

// Records returns the records in the order in which they were appended, ready
// for one Append to the journal. They are valid until Reset or the next
// record is appended.
func (b *Batch) Records() []journal.Record {
	for i := b.pointed; i < len(b.recs); i++ {
		s := &b.spans[i]
		b.recs[i].Payload = b.buf[s.from:s.to:s.to]
	}
	b.pointed = len(b.recs)
	return b.recs
}

// Redactions returns what was masked, summed over the records (what resource
// and scope had masked counts for each of their records), sorted by kind.
func (b *Batch) Redactions() []redact.KindCount {
	out := slices.Clone(b.redactions)
	sortCounts(out)
	return out
}

// Rejected returns how many records were refused; audit.rejected stands in
// the place of each.
func (b *Batch) Rejected() []ReasonCount { return slices.Clone(b.rejected) }

// Reset empties b. What Records returned must not be used after it.
func (b *Batch) Reset() {
	if cap(b.buf) > maxKept {
		b.buf = nil
	}
	clear(b.recs)
	clear(b.metas)
	*b = Batch{
		buf: b.buf[:0], recs: b.recs[:0], spans: b.spans[:0], metas: b.metas[:0],
		redactions: b.redactions[:0], rejected: b.rejected[:0],
	}
}

// begin returns the buffer for one more record, behind the zero byte that
// makes the payload a leaf.
func (b *Batch) begin(w *Writer) []byte {
	if b.writer != w || b.gen != w.groupsGen {
		b.writer, b.gen, b.opts = w, w.groupsGen, &w.o
		b.metas = append(b.metas, w.groups)
	}
	return append(b.buf, 0)
}

// end adds the record that w wrote.
func (b *Batch) end(w *Writer, r journal.Record, s span) {
	s.meta = len(b.metas) - 1
	b.buf = w.buf
	b.recs = append(b.recs, r)
	b.spans = append(b.spans, s)
}

// addReason adds n refusals for a reason to dst.
func addReason(dst []ReasonCount, why Reason, n int) []ReasonCount {
	for i := range dst {
		if dst[i].Reason == why {
			dst[i].N += n
			return dst
		}
	}
	return append(dst, ReasonCount{why, n})
}
