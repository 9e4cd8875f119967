// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/internal/receipt"
	"github.com/auditchain/auditchain/processor/redact"
)

var (
	// ErrWithheld is wrapped by the error for a record whose redaction
	// failed. A record that says so was passed on in its place.
	ErrWithheld = errors.New("redaction failed and the record was withheld")

	// ErrUnredacted is wrapped by the error for a record that was not passed
	// on because the resource or the scope it belongs to holds a secret.
	ErrUnredacted = errors.New("the record was not passed on: its resource or scope holds a secret")

	// errPanicked says that redaction did not come to its end. What the panic
	// said is left out, for it may quote the record.
	errPanicked = errors.New("redaction panicked")
)

// Processor redacts a record and hands it to the next processor. Its methods
// may be called concurrently. OnEmit does not block by itself and takes no
// notice of a cancelled context; the next processor may.
type Processor struct {
	next      sdklog.Processor
	scanner   func() scanner // makes one; a seam for tests
	scanners  sync.Pool
	telemetry *telemetry

	// cleanResource is the resource that was last found to hold no secret.
	// A provider has one resource, so it is looked through once.
	cleanResource atomic.Pointer[resource.Resource]
	// cleanScopes holds the scopes that were found to hold no secret: as
	// many as the provider keeps loggers.
	cleanScopes sync.Map // instrumentation.Scope → struct{}
}

var _ sdklog.Processor = (*Processor)(nil)

// New returns a Processor that redacts with r before next. It panics when one
// of them is nil: a provider without redaction is not what was asked for.
func New(r *redact.Redactor, next sdklog.Processor, opts ...Option) *Processor {
	if r == nil || next == nil {
		panic("redactlog.New: the redactor and the next processor must not be nil")
	}
	return newProcessor(scannerOf(r), next, opts...)
}

func newProcessor(s func() scanner, next sdklog.Processor, opts ...Option) *Processor {
	p := &Processor{next: next, scanner: s, telemetry: newTelemetry(newConfig(opts))}
	p.scanners.New = func() any { return s() }
	return p
}

// Enabled asks the next processor.
func (p *Processor) Enabled(ctx context.Context, param sdklog.EnabledParameters) bool {
	return p.next.Enabled(ctx, param)
}

// OnEmit passes a redacted copy of rec on and returns the error of the next
// processor. Its own errors, ErrWithheld and ErrUnredacted, go to the
// audit.Logger that waits for a receipt, else they are returned too. A record
// that lost something to a limit of the SDK is not passed on when a Logger
// waits for it: afterwards, a cut could not be told from a mask.
func (p *Processor) OnEmit(ctx context.Context, rec *sdklog.Record) error {
	slot := receipt.From(ctx)
	if !slot.Concerns(rec.EventName(), rec.WalkAttributes) {
		slot = nil
	}
	if err := slot.Lost(rec.DroppedAttributes(), rec.WalkAttributes); err != nil {
		return tell(slot, err)
	}
	if err := p.checkGroups(rec); err != nil {
		if errors.Is(err, errPanicked) {
			p.telemetry.failures.Add(ctx, 1)
		}
		p.telemetry.sets.Add(ctx, p.telemetry.withheld, "reason", unredacted, 1)
		return tell(slot, err)
	}
	out := rec.Clone()
	changed, err := p.redact(ctx, &out)
	if err != nil {
		p.telemetry.failures.Add(ctx, 1)
		p.telemetry.sets.Add(ctx, p.telemetry.withheld, "reason", failed, 1)
		withhold(&out, rec)
		// What becomes of the substitute is not what became of the record.
		return errors.Join(tell(slot, fmt.Errorf("%w: %w", ErrWithheld, err)),
			p.next.OnEmit(receipt.Without(ctx), &out))
	}
	if slot == nil || !changed {
		return p.next.OnEmit(ctx, &out)
	}
	return p.emitFor(ctx, slot, &out)
}

// tell gives err to who waits for the record, else to the caller.
func tell(slot *receipt.Slot, err error) error {
	if slot == nil {
		return err
	}
	slot.Fail(err)
	return nil
}

// emitFor passes on a record that was changed and that slot belongs to. The
// next processor gets a slot that knows the record as it is now: it would not
// recognise one whose name was masked, and miss the keys that were.
func (p *Processor) emitFor(ctx context.Context, slot *receipt.Slot, out *sdklog.Record) error {
	var id uuid.UUID
	attrs := make([]attribute.KeyValue, 0, out.AttributesLen())
	out.WalkAttributes(func(kv attribute.KeyValue) bool {
		if kv.Key == receipt.RecordIDKey {
			// An id that is none was not recognised as that of slot.
			id, _ = uuid.Parse(kv.Value.AsString())
		}
		attrs = append(attrs, kv)
		return true
	})
	ctx, inner := receipt.With(ctx)
	inner.Bind(id, out.EventName(), attrs)
	err := p.next.OnEmit(ctx, out)
	got, filled, failed := inner.Result()
	if filled {
		slot.Fill(got)
	}
	slot.Fail(failed)
	return err
}

// Shutdown shuts the next processor down.
func (p *Processor) Shutdown(ctx context.Context) error { return p.next.Shutdown(ctx) }

// ForceFlush flushes the next processor.
func (p *Processor) ForceFlush(ctx context.Context) error { return p.next.ForceFlush(ctx) }

// redact redacts rec in place and says whether that changed it. On an error,
// rec is in an unknown state.
func (p *Processor) redact(ctx context.Context, rec *sdklog.Record) (changed bool, err error) {
	p.telemetry.records.Add(ctx, 1)
	defer recoverTo(&err)
	s := p.scanners.Get().(scanner)
	w := walker{s: s}
	if name, c := w.text(rec.EventName()); c {
		rec.SetEventName(name)
		changed = true
	}
	if text, c := w.text(rec.SeverityText()); c {
		rec.SetSeverityText(text)
		changed = true
	}
	if body, c := w.value(s.Root(), rec.Body()); c {
		rec.SetBody(body)
		changed = true
	}
	if attrs, c := w.attributes(rec.AttributesLen(), rec.WalkAttributes); c {
		rec.SetAttributes(attrs...)
		changed = true
	}
	// Not deferred: a scanner that a panic interrupted is not used again.
	p.telemetry.found(ctx, s)
	p.scanners.Put(s)
	return changed, nil
}

// checkGroups reports an error when the resource or the scope of rec holds a
// secret. What was found clean is remembered.
func (p *Processor) checkGroups(rec *sdklog.Record) error {
	if res := rec.Resource(); res != nil && p.cleanResource.Load() != res {
		_, changed, err := redactResource(p.scanner, res)
		switch {
		case err != nil:
			return fmt.Errorf("%w, as far as is known (resource): %w", ErrUnredacted, err)
		case changed:
			return fmt.Errorf("%w (resource): build the provider with sdklog.WithResource and a resource from redactlog.Resource", ErrUnredacted)
		}
		p.cleanResource.Store(res)
	}
	scope := rec.InstrumentationScope()
	if scope == (instrumentation.Scope{}) {
		return nil
	}
	if _, ok := p.cleanScopes.Load(scope); ok {
		return nil
	}
	_, changed, err := redactScope(p.scanner, scope)
	switch {
	case err != nil:
		return fmt.Errorf("%w, as far as is known (scope): %w", ErrUnredacted, err)
	case changed:
		return fmt.Errorf("%w (scope): get the logger from redactlog.Logger", ErrUnredacted)
	}
	p.cleanScopes.Store(scope, struct{}{})
	return nil
}

// withhold makes out say that rec was withheld. What remains is what cannot
// hold a secret: times, severity number, trace, flags, and the record id where
// it is a canonical UUID, so that the sender finds the record again.
func withhold(out, rec *sdklog.Record) {
	attrs := []attribute.KeyValue{attribute.String("audit.event.reason", "redaction failed")}
	rec.WalkAttributes(func(kv attribute.KeyValue) bool {
		if kv.Key == receipt.RecordIDKey && isUUID(kv.Value) {
			attrs = append(attrs, kv)
			return false
		}
		return true
	})
	out.SetEventName("audit.redaction_failed")
	out.SetSeverityText("")
	out.SetBody(attribute.StringValue("a record was withheld: its redaction failed"))
	out.SetAttributes(attrs...)
}

// recoverTo turns a panic into errPanicked.
func recoverTo(err *error) {
	if recover() != nil {
		*err = errPanicked
	}
}
