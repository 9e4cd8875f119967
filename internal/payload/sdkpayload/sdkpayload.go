// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package sdkpayload encodes records of the OpenTelemetry SDK into payloads.
//
// The smallest use:
//
//	enc := sdkpayload.New(payload.Options{Redactor: redactor})
//	res := enc.Encode(records)
//	defer res.Release()
//	err := j.Append(ctx, res.Records, receipts)
//
// Encode gives one record for each log record, in their order, with the
// guarantees of package payload. It uses all cores from 64 records on. It
// neither changes nor keeps what it is given.
//
// A time before 1970 or after 2554, which OpenTelemetry's data model cannot
// hold, counts as left out.
package sdkpayload

import (
	"math"
	"time"

	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/wire"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// Encoder encodes SDK records. It is safe for concurrent use.
type Encoder struct {
	runner wire.Runner[*worker]
}

// New returns an Encoder.
func New(o payload.Options) *Encoder {
	return &Encoder{runner: wire.Runner[*worker]{
		New:  func() *worker { return newWorker(o) },
		Idle: (*worker).idle,
	}}
}

// Encode encodes recs in order. The Result is to be released once the journal
// has taken its Records.
func (e *Encoder) Encode(recs []sdklog.Record) *payload.Result {
	size := wire.Pieces(len(recs))
	return e.runner.Run(len(recs), size, func(k *worker, b *wire.Batch, p int) {
		for i := p * size; i < min((p+1)*size, len(recs)); i++ {
			k.append(b, &recs[i])
		}
	})
}

// worker encodes in one goroutine.
type worker struct {
	enc    *payload.Encoder
	rec    payload.LogRecord
	groups groups
	add    func(attribute.KeyValue) bool
}

func newWorker(o payload.Options) *worker {
	k := &worker{enc: payload.NewEncoder(o)}
	k.add = func(kv attribute.KeyValue) bool {
		k.rec.Attributes = append(k.rec.Attributes, kv)
		return true
	}
	return k
}

func (k *worker) idle() {
	const keep = 1024
	clear(k.rec.Attributes)
	attrs := k.rec.Attributes[:0]
	if cap(attrs) > keep {
		attrs = nil
	}
	k.rec = payload.LogRecord{Attributes: attrs}
	k.enc.Forget()
}

func (k *worker) append(b *wire.Batch, r *sdklog.Record) {
	rec := &k.rec
	rec.Timestamp, rec.Observed = nanos(r.Timestamp()), nanos(r.ObservedTimestamp())
	rec.Severity, rec.SeverityText = int32(r.Severity()), r.SeverityText()
	rec.EventName, rec.Body = r.EventName(), r.Body()
	rec.TraceID, rec.SpanID, rec.Flags = r.TraceID(), r.SpanID(), uint32(r.TraceFlags())
	rec.Dropped = uint32(min(uint64(max(0, r.DroppedAttributes())), math.MaxUint32))
	clear(rec.Attributes) // the next record may have fewer
	rec.Attributes = rec.Attributes[:0]
	r.WalkAttributes(k.add)
	rec.Resource = k.groups.resource(r.Resource())
	rec.Scope = k.groups.scope(r.InstrumentationScope())
	k.enc.Append(b, rec)
}

// nanos is t as OpenTelemetry's data model has it, 0 where that cannot hold it.
func nanos(t time.Time) uint64 {
	const second = 1_000_000_000
	s, ns := t.Unix(), uint64(t.Nanosecond())
	if s < 0 || s > math.MaxUint64/second || s == math.MaxUint64/second && ns > math.MaxUint64%second {
		return 0
	}
	return uint64(s)*second + ns
}
