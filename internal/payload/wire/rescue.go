// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import "github.com/auditchain/auditchain/processor/redact"

// withheld is what a resource or a scope says whose redaction failed; the
// processors write the same.
const withheld = `"attributes":{"audit.redaction.withheld":true}`

// RescueRecord is to be deferred where a record is written. Where the redactor
// panics, audit.rejected takes the place of the record: it is neither written
// raw, nor lost, nor does it take the program and every other record with it.
// What the panic says is dropped, for it may quote the record.
//
// Without a redactor, nothing is rescued: a panic is a mistake in this program
// then, and is to be seen.
func (w *Writer) RescueRecord(b *Batch) {
	if w.o.Redactor == nil || recover() == nil {
		return
	}
	w.renew()
	w.reject(b, RedactionFailed, 0)
}

// RescueGroup is RescueRecord for a resource or a scope, which then says that
// it was withheld. Each record that carries it counts the failure.
func (w *Writer) RescueGroup() {
	if w.o.Redactor == nil || recover() == nil {
		return
	}
	w.renew()
	g := w.open
	g.session, g.provider = lifted{}, lifted{}
	name := `,"resource":{`
	if g == &w.scope {
		name = `,"scope":{`
	}
	w.buf = append(append(w.buf[:0], name...), withheld...)
	w.stopped = false
	g.tally = tally{masked: []redact.KindCount{{Kind: kindError, N: 1}}}
	w.CloseGroup(0, "")
}

// kindError is what the redactor calls a failure of its own.
const kindError redact.Kind = "error"

// renew takes a scanner in the place of one that a panic interrupted, which may
// be in any state.
func (w *Writer) renew() {
	w.s, w.probe, w.pairs = w.o.Redactor.Scanner(), nil, false
	w.Pop(0)
}
