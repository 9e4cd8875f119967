// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package pdatapayload encodes the log records of the Collector (pdata) into
// payloads, straight from where they lie.
//
// The smallest use:
//
//	enc := pdatapayload.New(pdatapayload.Options{Redactor: redactor})
//	res := enc.Encode(ld)
//	defer res.Release()
//	err := j.Append(ctx, res.Records, receipts)
//
// Encode gives one record for each log record, in their order, with the
// guarantees of package payload. It uses all cores from 64 records on. It
// changes nothing in ld and keeps nothing of it once it has returned; ld may
// be shared with other readers meanwhile.
package pdatapayload

import (
	"github.com/auditchain/auditchain/internal/payload/wire"
	"go.opentelemetry.io/collector/pdata/plog"
)

// What the encoders of all data models share.
type (
	// Options configures an Encoder.
	Options = wire.Options
	// Result is an encoded batch.
	Result = wire.Result
	// Reason says why a record was refused.
	Reason = wire.Reason
	// ReasonCount is how many records were refused for a reason.
	ReasonCount = wire.ReasonCount
)

// Why a record was refused (docs/SPEC.md, section 6.6).
const (
	EventFieldType  = wire.EventFieldType
	IDConflict      = wire.IDConflict
	Erased          = wire.Erased
	TooLarge        = wire.TooLarge
	RedactionFailed = wire.RedactionFailed
)

// Encoder encodes plog.Logs. It is safe for concurrent use.
type Encoder struct {
	runner wire.Runner[*worker]
}

// New returns an Encoder.
func New(o Options) *Encoder {
	return &Encoder{runner: wire.Runner[*worker]{
		New:  func() *worker { return &worker{w: wire.NewWriter(o)} },
		Idle: (*worker).idle,
	}}
}

// Encode encodes every record of ld in order. The Result is to be released
// once the journal has taken its Records.
func (e *Encoder) Encode(ld plog.Logs) *Result {
	res := e.Start(ld)
	res.Finish()
	return res
}

// Start is Encode that returns before all is encoded; Result.Next gives the
// records. ld must not change and must not be let go until Release.
func (e *Encoder) Start(ld plog.Logs) *Result {
	n := ld.LogRecordCount()
	size := wire.Pieces(n)
	if n <= size {
		return e.runner.Start(n, size, func(k *worker, b *wire.Batch, _ int) { k.encode(b, ld, place{}, n) })
	}
	starts := split(ld, n, size)
	return e.runner.Start(n, size, func(k *worker, b *wire.Batch, p int) {
		k.encode(b, ld, starts[p], min(size, n-p*size))
	})
}

// place is where a record lies.
type place struct{ resource, scope, record int }

// split finds the places where the pieces of size records begin.
func split(ld plog.Logs, n, size int) []place {
	starts := make([]place, 0, (n+size-1)/size)
	next := 0 // records up to the start of the next piece
	rls := ld.ResourceLogs()
	for r := range rls.Len() {
		sls := rls.At(r).ScopeLogs()
		for s := range sls.Len() {
			have := sls.At(s).LogRecords().Len()
			for ; next < have; next += size {
				starts = append(starts, place{r, s, next})
			}
			next -= have
		}
	}
	return starts
}
