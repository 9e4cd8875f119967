// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package synclog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/internal/receipt"
)

// ErrShutdown is what Emit gets for a record that came after Shutdown.
var ErrShutdown = errors.New("synclog: the processor was shut down: the record was not exported")

var _ sdklog.Processor = (*Processor)(nil)

// Processor exports each record before OnEmit returns.
//
// All methods are safe for concurrent use, and OnEmit exports concurrently with
// itself. Export gets the context that was given to Emit, with its values, its
// deadline and its cancellation: an exporter that waits ends with it.
type Processor struct {
	exporter sdklog.Exporter
	serial   chan struct{} // of length 1; nil where the exporter is called concurrently
	stopped  atomic.Bool
	now      func() time.Time
}

// Option configures a [Processor].
type Option interface{ apply(*Processor) }

type option func(*Processor)

func (f option) apply(p *Processor) { f(p) }

// WithSerialExport calls the exporter for one record at a time, for exporters
// that are not safe for concurrent use (the SDK does not ask it of them). It
// makes concurrent Emits wait for each other, until their context ends.
func WithSerialExport() Option {
	return option(func(p *Processor) { p.serial = make(chan struct{}, 1) })
}

// New returns a Processor that exports to exporter, which must not be nil, and
// which it shuts down when it is shut down itself.
func New(exporter sdklog.Exporter, opts ...Option) *Processor {
	if exporter == nil {
		panic("synclog.New: no exporter: a processor that drops every record must not look like one that works")
	}
	p := &Processor{exporter: exporter, now: time.Now}
	for _, o := range opts {
		o.apply(p)
	}
	return p
}

// Enabled reports whether p exports records: until it is shut down.
func (p *Processor) Enabled(context.Context, sdklog.EnabledParameters) bool { return !p.stopped.Load() }

// OnEmit exports the record. Where somebody waits for its receipt, the outcome
// goes to them and OnEmit returns nil; else it returns the error.
func (p *Processor) OnEmit(ctx context.Context, r *sdklog.Record) error {
	slot := receipt.From(ctx)
	if !slot.Concerns(r.EventName(), r.WalkAttributes) {
		// The context of another record: a transport that logs while it
		// exports hands it on. Its receipt is not this record's to give.
		slot, ctx = nil, receipt.Without(ctx)
	}
	before := slot.Failures()
	err := p.export(ctx, slot, r)
	switch {
	case slot == nil:
		return err
	case slot.Failures() > before:
		return nil // the exporter reported the failure itself
	case err != nil:
		slot.Fail(err)
		return nil
	}
	// Where the exporter said more, this changes nothing.
	slot.Fill(receipt.Receipt{RecordID: recordID(r), Time: p.now()})
	return nil
}

func (p *Processor) export(ctx context.Context, slot *receipt.Slot, r *sdklog.Record) error {
	if p.stopped.Load() {
		return ErrShutdown
	}
	if err := slot.Lost(r.DroppedAttributes(), r.WalkAttributes); err != nil {
		return fmt.Errorf("synclog: the record was not exported: %w", err)
	}
	records := pool.Get().(*[1]sdklog.Record)
	defer func() {
		records[0] = sdklog.Record{}
		pool.Put(records)
	}()
	records[0] = *r
	if p.serial != nil {
		select {
		case p.serial <- struct{}{}:
			defer func() { <-p.serial }()
		case <-ctx.Done():
			return fmt.Errorf("synclog: the record was not exported: waiting for the exporter: %w", ctx.Err())
		}
	}
	return p.exporter.Export(ctx, records[:])
}

// pool holds the slices of one record that exporters are given, which they must
// not keep.
var pool = sync.Pool{New: func() any { return new([1]sdklog.Record) }}

func recordID(r *sdklog.Record) (id uuid.UUID) {
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		if kv.Key != receipt.RecordIDKey {
			return true
		}
		if parsed, err := uuid.Parse(kv.Value.AsString()); err == nil {
			id = parsed
		}
		return false
	})
	return id
}

// ForceFlush flushes the exporter.
func (p *Processor) ForceFlush(ctx context.Context) error {
	if p.stopped.Load() {
		return nil
	}
	return p.exporter.ForceFlush(ctx)
}

// Shutdown flushes the exporter and shuts it down. Records that come afterwards
// are not exported, and Emit gets ErrShutdown for them. Further calls do nothing.
func (p *Processor) Shutdown(ctx context.Context) error {
	if p.stopped.Swap(true) {
		return nil
	}
	return errors.Join(p.exporter.ForceFlush(ctx), p.exporter.Shutdown(ctx))
}
