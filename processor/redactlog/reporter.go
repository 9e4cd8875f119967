// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/processor/redact"
)

// Reporter counts, by kind, what a Redactor would mask, and masks nothing: to
// try a policy on live traffic. It is registered beside what sends the records,
// and before it:
//
//	provider := sdklog.NewLoggerProvider(
//		sdklog.WithProcessor(redactlog.NewReporter(trial)),
//		sdklog.WithProcessor(redactlog.New(r, sdklog.NewBatchProcessor(exporter))),
//	)
//
// It has no next processor, so that it can neither lose a record nor change one:
// the SDK gives each processor the record, whatever another one does. What the
// resource and the scope hold is counted once, and keeps no record back.
//
// Its methods may be called concurrently. OnEmit does not block, takes no notice
// of a cancelled context, and never returns an error; a panic of the redactor is
// counted. A Reporter only reads: other processors may have the same record at
// the same time.
type Reporter struct {
	scanner   func() scanner // makes one; a seam for tests
	scanners  sync.Pool
	telemetry *telemetry

	seenResource atomic.Pointer[resource.Resource]
	seenScopes   sync.Map // instrumentation.Scope → struct{}
}

var _ sdklog.Processor = (*Reporter)(nil)

// NewReporter returns a Reporter of what r finds. It panics when r is nil.
func NewReporter(r *redact.Redactor, opts ...Option) *Reporter {
	if r == nil {
		panic("redactlog.NewReporter: the redactor must not be nil")
	}
	return newReporter(scannerOf(r), opts...)
}

func newReporter(s func() scanner, opts ...Option) *Reporter {
	p := &Reporter{scanner: s, telemetry: newReporterTelemetry(newConfig(opts))}
	p.scanners.New = func() any { return s() }
	return p
}

// Enabled is false: a Reporter asks for no record that nobody else wants. Those
// that others want it gets all the same.
func (p *Reporter) Enabled(context.Context, sdklog.EnabledParameters) bool { return false }

// OnEmit looks rec through.
func (p *Reporter) OnEmit(ctx context.Context, rec *sdklog.Record) error {
	p.telemetry.records.Add(ctx, 1)
	p.look(ctx, func(w walker) {
		w.text(rec.EventName())
		w.text(rec.SeverityText())
		w.value(w.s.Root(), rec.Body())
		w.attributes(rec.AttributesLen(), rec.WalkAttributes)
	})
	if res := rec.Resource(); res != nil && p.seenResource.Swap(res) != res {
		p.look(ctx, func(w walker) {
			w.text(res.SchemaURL())
			w.set(res.Set())
		})
	}
	scope := rec.InstrumentationScope()
	if scope == (instrumentation.Scope{}) {
		return nil
	}
	if _, seen := p.seenScopes.LoadOrStore(scope, struct{}{}); !seen {
		p.look(ctx, func(w walker) {
			w.text(scope.Name)
			w.text(scope.Version)
			w.text(scope.SchemaURL)
			w.set(&scope.Attributes)
		})
	}
	return nil
}

// look counts what f finds. What f had found before it panicked is not counted,
// and the scanner is not used again.
func (p *Reporter) look(ctx context.Context, f func(walker)) {
	done := false
	defer func() {
		if !done {
			_ = recover()
			p.telemetry.failures.Add(ctx, 1)
		}
	}()
	s := p.scanners.Get().(scanner)
	f(walker{s: s})
	p.telemetry.found(ctx, s)
	p.scanners.Put(s)
	done = true
}

// Shutdown does nothing: a Reporter holds nothing back.
func (p *Reporter) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing.
func (p *Reporter) ForceFlush(context.Context) error { return nil }
