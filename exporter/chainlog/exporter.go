// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/sdkpayload"
	"github.com/auditchain/auditchain/internal/receipt"
	"github.com/auditchain/auditchain/processor/redact"
)

// ErrRefused is wrapped by the error for records that can never be sealed as
// they are. All other records of the batch are sealed.
var ErrRefused = errors.New("record is refused")

// Exporter seals log records into a journal. All methods may be called
// concurrently, Export too: calls that wait for the disk at the same time are
// committed together.
type Exporter struct {
	journal *journal.Journal
	owned   bool // Shutdown closes the journal
	encoder *sdkpayload.Encoder
	counts  *telemetry

	stopped  atomic.Bool
	receipts sync.Pool // of *[]journal.Receipt
}

var _ sdklog.Exporter = (*Exporter)(nil)

// New opens the journal at path, or begins a new chain where there is none,
// and returns an Exporter that owns it. The folder must exist. Errors are
// those of the key, of the redactor and of journal.Open.
func New(path string, opts ...Option) (*Exporter, error) {
	c := newConfig(opts)
	if err := errors.Join(c.keys(), c.checkpoints()); err != nil {
		return nil, fmt.Errorf("chainlog: %w", err)
	}
	j, err := journal.Open(context.Background(), path, c.open)
	if err != nil {
		return nil, fmt.Errorf("chainlog: %w", err)
	}
	e, err := newExporter(j, c)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	e.owned = true
	return e, nil
}

// NewWithJournal returns an Exporter into a journal that the caller has opened
// and closes: Shutdown leaves it open. The only options that it takes are
// WithRedactor and WithMeterProvider; the others are about opening a journal and
// are refused.
func NewWithJournal(j *journal.Journal, opts ...Option) (*Exporter, error) {
	if j == nil {
		return nil, errors.New("chainlog: the journal is nil; use New to open one")
	}
	c := newConfig(opts)
	if c.opening {
		return nil, errors.New("chainlog: the journal is open already; keys, checkpoints, epochs, fsync, lock timeout, rotation, report and version are options of New")
	}
	return newExporter(j, c)
}

func newConfig(opts []Option) *config {
	c := new(config)
	for _, o := range opts {
		o.apply(c)
	}
	return c
}

func newExporter(j *journal.Journal, c *config) (*Exporter, error) {
	if c.redactor == nil {
		r, err := redact.New(redact.Config{})
		if err != nil {
			return nil, fmt.Errorf("chainlog: %w", err)
		}
		c.redactor = r
	}
	return &Exporter{
		journal:  j,
		encoder:  sdkpayload.New(payload.Options{Redactor: c.redactor, MaxRecordBytes: journal.MaxRecordBytes}),
		counts:   newTelemetry(c.meters),
		receipts: sync.Pool{New: func() any { return new([]journal.Receipt) }},
	}, nil
}

// Journal returns the journal, for its path and its chain.
func (e *Exporter) Journal() *journal.Journal { return e.journal }

// Export seals records in order. It returns once they are as durable as the
// fsync mode promises; while another process writes to the file, it waits, up
// to the lock timeout or the end of ctx. A ctx that ends when the records are
// already being written does not stop them.
//
// A record that can never be sealed (its id is taken by another record, or by one
// that was erased, it is too large, it has an attribute audit.event.type) does not stop the others: an
// audit.rejected record is sealed in its place, and the error wraps ErrRefused.
// After any other error none of the records is acknowledged. After Shutdown the error is
// sdklog.ErrExporterShutdown.
//
// An audit.Logger that waits for a receipt gets it, or why there is none,
// through ctx.
func (e *Exporter) Export(ctx context.Context, records []sdklog.Record) error {
	if e.stopped.Load() {
		return sdklog.ErrExporterShutdown
	}
	if len(records) == 0 {
		return nil
	}
	enc := e.encoder.Encode(records)
	defer enc.Release()
	pooled := e.receipts.Get().(*[]journal.Receipt)
	defer e.receipts.Put(pooled)
	if cap(*pooled) < len(enc.Records) {
		*pooled = make([]journal.Receipt, len(enc.Records))
	}
	receipts := (*pooled)[:len(enc.Records)] // Append sets each of them

	if err := e.journal.Append(ctx, enc.Records, receipts); err != nil {
		if errors.Is(err, journal.ErrClosed) {
			return errors.Join(sdklog.ErrExporterShutdown, err)
		}
		return err
	}
	e.counts.encoded(ctx, enc)
	e.report(ctx, enc, records, receipts)
	return e.refusals(ctx, enc, receipts)
}

// report fills the slot that ctx carries, if it belongs to one of records.
func (e *Exporter) report(ctx context.Context, enc *payload.Result, records []sdklog.Record, receipts []journal.Receipt) {
	slot := receipt.From(ctx)
	if slot == nil {
		return
	}
	refused := len(enc.Rejected()) > 0
	for i := range receipts {
		r := &receipts[i]
		if r.Err != nil || !slot.Concerns(records[i].EventName(), records[i].WalkAttributes) {
			continue
		}
		id, ok := recordID(&records[i])
		if refused && id != r.ID.String() {
			continue // audit.rejected was sealed in its place
		}
		if !ok && len(records) > 1 {
			continue // one of many that do not say which they are
		}
		slot.Fill(receipt.Receipt{
			RecordID: r.ID,
			Chain:    r.Chain,
			Seq:      r.Seq,
			Hash:     r.Leaf,
			Time:     r.Time,
			Durable:  e.journal.Fsync() == journal.FsyncAlways,
		})
	}
}

func recordID(rec *sdklog.Record) (id string, ok bool) {
	rec.WalkAttributes(func(kv attribute.KeyValue) bool {
		if kv.Key == receipt.RecordIDKey {
			id, ok = kv.Value.AsString(), true
		}
		return !ok
	})
	return id, ok
}

// refusals returns an error that says which records were refused, nil for
// none, and seals audit.rejected in the place of those that the journal
// refused; for those that could not be encoded it is sealed already.
func (e *Exporter) refusals(ctx context.Context, enc *payload.Result, receipts []journal.Receipt) error {
	var (
		recs []journal.Record
		errs []error
	)
	for _, c := range enc.Rejected() {
		errs = append(errs, fmt.Errorf("%w (%s): %d of the batch; audit.rejected is sealed in its place", ErrRefused, c.Reason, c.N))
	}
	for i := range receipts {
		err := receipts[i].Err
		if err == nil {
			continue
		}
		var why payload.Reason
		switch {
		case errors.Is(err, journal.ErrConflict):
			why = payload.IDConflict
		case errors.Is(err, journal.ErrErased):
			why = payload.Erased
		case errors.Is(err, journal.ErrTooLarge):
			why = payload.TooLarge
		default:
			errs = append(errs, fmt.Errorf("record %s: %w", enc.Records[i].ID, err))
			continue
		}
		recs = append(recs, enc.Rejection(i, why))
		e.counts.refused(ctx, why, 1)
		errs = append(errs, fmt.Errorf("%w (%s): %w", ErrRefused, enc.Records[i].ID, err))
	}
	if recs != nil {
		if err := e.journal.Append(ctx, recs, make([]journal.Receipt, len(recs))); err != nil {
			errs = append(errs, fmt.Errorf("audit.rejected could not be sealed: %w", err))
		}
	}
	return errors.Join(errs...)
}

// ForceFlush does nothing: the exporter holds nothing back.
func (e *Exporter) ForceFlush(context.Context) error { return nil }

// Shutdown lets Exports under way finish, seals chain.closed and closes the
// journal, where New opened it. Called again it does nothing. It does not
// leave an Export under way before its time, whatever ctx says.
func (e *Exporter) Shutdown(context.Context) error {
	if e.stopped.Swap(true) || !e.owned {
		return nil
	}
	return e.journal.Close()
}
