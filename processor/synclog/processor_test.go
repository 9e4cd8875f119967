// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package synclog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/internal/receipt"
	"github.com/auditchain/auditchain/processor/synclog"
)

// exporter hands each record to a function and counts what it is asked to do.
type exporter struct {
	export                       func(context.Context, sdklog.Record) error
	mu                           sync.Mutex
	exported, flushed, shutdown  int
	exportErr, flushErr, shutErr error
}

func (e *exporter) Export(ctx context.Context, rs []sdklog.Record) error {
	e.mu.Lock()
	e.exported += len(rs)
	e.mu.Unlock()
	if e.export == nil {
		return e.exportErr
	}
	for _, r := range rs {
		if err := e.export(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) ForceFlush(context.Context) error { e.flushed++; return e.flushErr }
func (e *exporter) Shutdown(context.Context) error   { e.shutdown++; return e.shutErr }

func setup(t *testing.T, p sdklog.Processor, opts ...sdklog.LoggerProviderOption) (*audit.Logger, *sdklog.LoggerProvider) {
	t.Helper()
	provider := sdklog.NewLoggerProvider(append([]sdklog.LoggerProviderOption{sdklog.WithProcessor(p)}, opts...)...)
	logger, err := audit.NewLogger(provider)
	if err != nil {
		t.Fatal(err)
	}
	return logger, provider
}

var event = audit.Custom{Type: "deploy_finished", Fields: []attribute.KeyValue{attribute.String("version", "1.2.3-with-a-long-suffix")}}

type key struct{}

func TestOnEmitContextReachesExporter(t *testing.T) {
	var got any
	e := &exporter{export: func(ctx context.Context, r sdklog.Record) error {
		got = ctx.Value(key{})
		receipt.From(ctx).Fill(receipt.Receipt{Seq: 42, Hash: [32]byte{1}, Durable: true})
		return nil
	}}
	logger, _ := setup(t, synclog.New(e))
	r, err := logger.Emit(context.WithValue(t.Context(), key{}, "there"), nil, event)
	if err != nil {
		t.Fatal(err)
	}
	if got != "there" {
		t.Errorf("the exporter found %v in its context", got)
	}
	if r.Status != audit.StatusDurable || r.Seq != 42 || r.Hash[0] != 1 {
		t.Errorf("receipt %+v", r)
	}
}

func TestOnEmitAccepted(t *testing.T) {
	logger, _ := setup(t, synclog.New(&exporter{}))
	r, err := logger.Emit(t.Context(), nil, event)
	if err != nil || r.Status != audit.StatusAccepted || r.Time.IsZero() || r.Seq != 0 {
		t.Errorf("receipt %+v, error %v", r, err)
	}
}

func TestOnEmitExporterFails(t *testing.T) {
	full := errors.New("disk full")
	for name, export := range map[string]func(context.Context, sdklog.Record) error{
		"returned":              func(context.Context, sdklog.Record) error { return full },
		"reported":              func(ctx context.Context, _ sdklog.Record) error { receipt.From(ctx).Fail(full); return nil },
		"reported and returned": func(ctx context.Context, _ sdklog.Record) error { receipt.From(ctx).Fail(full); return full },
	} {
		t.Run(name, func(t *testing.T) {
			logger, _ := setup(t, synclog.New(&exporter{export: export}))
			r, err := logger.Emit(t.Context(), nil, event)
			if !errors.Is(err, full) || strings.Count(err.Error(), "disk full") != 1 {
				t.Errorf("error %v", err)
			}
			if r.Status != "" {
				t.Errorf("status %q of a record that was not taken", r.Status)
			}
		})
	}
}

// One sink holds the record and another failed: both are said.
func TestOnEmitTwoSinks(t *testing.T) {
	durable := &exporter{export: func(ctx context.Context, _ sdklog.Record) error {
		receipt.From(ctx).Fill(receipt.Receipt{Seq: 1, Durable: true})
		return nil
	}}
	down := errors.New("backend is down")
	logger, _ := setup(t, synclog.New(durable), sdklog.WithProcessor(synclog.New(&exporter{exportErr: down})))
	r, err := logger.Emit(t.Context(), nil, event)
	if !errors.Is(err, down) || r.Status != audit.StatusDurable {
		t.Errorf("receipt %+v, error %v", r, err)
	}
}

func TestLimitsAreErrors(t *testing.T) {
	deep := audit.Custom{Type: "deep", Fields: []attribute.KeyValue{
		attribute.Map("m", attribute.Map("m", attribute.Map("m", attribute.String("s", "x")))),
	}}
	twice := audit.Custom{Type: "twice", Fields: []attribute.KeyValue{
		attribute.Map("m", attribute.Int("a", 1), attribute.Int("a", 2)),
	}}
	for _, tt := range []struct {
		name, env, value string
		opts             []sdklog.LoggerProviderOption
		event            audit.Event
	}{
		{name: "count from the environment", env: "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", value: "4", event: event},
		{name: "length from the environment", env: "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", value: "36", event: audit.Custom{
			Type: "x", Fields: []attribute.KeyValue{attribute.String("s", strings.Repeat("y", 37))}}},
		{name: "count", opts: []sdklog.LoggerProviderOption{sdklog.WithAttributeCountLimit(0)}, event: event},
		{name: "length", opts: []sdklog.LoggerProviderOption{sdklog.WithAttributeValueLengthLimit(36)}, event: audit.Custom{
			Type: "x", Fields: []attribute.KeyValue{attribute.StringSlice("s", []string{strings.Repeat("y", 37)})}}},
		{name: "length that cuts the id", opts: []sdklog.LoggerProviderOption{sdklog.WithAttributeValueLengthLimit(3)}, event: event},
		{name: "length 0", opts: []sdklog.LoggerProviderOption{sdklog.WithAttributeValueLengthLimit(0)}, event: event},
		{name: "depth", opts: []sdklog.LoggerProviderOption{sdklog.WithAttributeValueDepthLimit(2)}, event: deep},
		{name: "deduplication", event: twice},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.env != "" {
				t.Setenv(tt.env, tt.value)
			}
			e := &exporter{}
			logger, _ := setup(t, synclog.New(e), tt.opts...)
			r, err := logger.Emit(t.Context(), nil, tt.event)
			if !errors.Is(err, audit.ErrLost) || r.Status != "" || e.exported != 0 {
				t.Errorf("receipt %+v, error %v, %d exported", r, err, e.exported)
			}
			// The same without the limit is taken: the test sees the limit.
			logger, _ = setup(t, synclog.New(e), sdklog.WithAttributeCountLimit(-1), sdklog.WithAttributeValueLengthLimit(-1),
				sdklog.WithAttributeValueDepthLimit(-1), sdklog.WithAllowKeyDuplication())
			if _, err := logger.Emit(t.Context(), nil, tt.event); err != nil {
				t.Errorf("without a limit: %v", err)
			}
		})
	}
}

func TestConcurrentEmits(t *testing.T) {
	const n = 16
	// Every export waits until all n are under way: with a lock around Export
	// this never ends.
	var all sync.WaitGroup
	all.Add(n)
	var mu sync.Mutex
	seq := uint64(0)
	e := &exporter{export: func(ctx context.Context, _ sdklog.Record) error {
		all.Done()
		all.Wait()
		mu.Lock()
		defer mu.Unlock()
		seq++
		receipt.From(ctx).Fill(receipt.Receipt{Seq: seq, Durable: true})
		return nil
	}}
	logger, _ := setup(t, synclog.New(e))
	seqs := make([]uint64, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r, err := logger.Emit(t.Context(), nil, event)
			if err != nil {
				t.Error(err)
			}
			seqs[i] = r.Seq
		})
	}
	wg.Wait()
	seen := map[uint64]bool{}
	for _, s := range seqs {
		seen[s] = true
	}
	if len(seen) != n || seen[0] {
		t.Errorf("receipts %v: want each of 1 to %d once", seqs, n)
	}
}

func TestSerialExport(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []synclog.Option
		want int
	}{
		"concurrent": {nil, 3},
		"serial":     {[]synclog.Option{synclog.WithSerialExport()}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var inside atomic.Int32
				leave := make(chan struct{})
				p := synclog.New(&exporter{export: func(context.Context, sdklog.Record) error {
					inside.Add(1)
					<-leave
					return nil
				}}, tt.opts...)
				errs := make(chan error, 3)
				for range 3 {
					go func() { errs <- p.OnEmit(t.Context(), new(sdklog.Record)) }()
				}
				synctest.Wait()
				if n := int(inside.Load()); n != tt.want {
					t.Errorf("%d exports at once, want %d", n, tt.want)
				}
				if tt.want == 1 {
					ctx, cancel := context.WithCancel(t.Context())
					cancel()
					if err := p.OnEmit(ctx, new(sdklog.Record)); !errors.Is(err, context.Canceled) {
						t.Errorf("waiting beyond the end of the context: %v", err)
					}
				}
				close(leave)
				for range 3 {
					if err := <-errs; err != nil {
						t.Error(err)
					}
				}
				if n := int(inside.Load()); n != 3 {
					t.Errorf("%d exports in all, want 3", n)
				}
			})
		})
	}
}

func TestShutdown(t *testing.T) {
	flushErr, shutErr := errors.New("flush"), errors.New("shut")
	e := &exporter{flushErr: flushErr, shutErr: shutErr}
	p := synclog.New(e)
	logger, _ := setup(t, p)
	if err := p.ForceFlush(t.Context()); !errors.Is(err, flushErr) {
		t.Errorf("ForceFlush: %v", err)
	}
	if err := p.Shutdown(t.Context()); !errors.Is(err, flushErr) || !errors.Is(err, shutErr) {
		t.Errorf("Shutdown: %v, want both errors", err)
	}
	if err := errors.Join(p.Shutdown(t.Context()), p.ForceFlush(t.Context())); err != nil || e.shutdown != 1 || e.flushed != 2 {
		t.Errorf("again: error %v, %d shutdowns, %d flushes", err, e.shutdown, e.flushed)
	}
	if _, err := logger.Emit(t.Context(), nil, event); !errors.Is(err, synclog.ErrShutdown) || e.exported != 0 {
		t.Errorf("Emit after Shutdown: %v", err)
	}
	if p.Enabled(t.Context(), sdklog.EnabledParameters{}) {
		t.Error("Enabled after Shutdown")
	}
}

// The provider, too, was shut down: it calls no processor, so that no one
// reports. Silence is an error.
func TestProviderShutdown(t *testing.T) {
	logger, provider := setup(t, synclog.New(&exporter{}))
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := logger.Emit(t.Context(), nil, event); !errors.Is(err, audit.ErrNoReceipt) {
		t.Errorf("error %v", err)
	}
}

// A record that nobody waits for: its error goes to the handler of the SDK.
func TestRecordWithoutSlot(t *testing.T) {
	full := errors.New("disk full")
	p := synclog.New(&exporter{exportErr: full})
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(p))
	var got error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { got = err }))
	provider.Logger("plain").Emit(t.Context(), log.Record{})
	if !errors.Is(got, full) {
		t.Errorf("the handler got %v", got)
	}
}

// An exporter whose transport logs through the same provider, under the context
// of the record that it exports: the receipt is not for that.
func TestRecordInsideAnExport(t *testing.T) {
	var provider *sdklog.LoggerProvider
	e := &exporter{}
	e.export = func(ctx context.Context, r sdklog.Record) error {
		if r.EventName() == "" {
			receipt.From(ctx).Fill(receipt.Receipt{Seq: 99, Durable: true})
			return errors.New("the inner record was refused")
		}
		provider.Logger("transport").Emit(ctx, log.Record{})
		receipt.From(ctx).Fill(receipt.Receipt{Seq: 1, Durable: true})
		return nil
	}
	var handled error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = err }))
	var logger *audit.Logger
	logger, provider = setup(t, synclog.New(e))
	r, err := logger.Emit(t.Context(), nil, event)
	if err != nil || r.Seq != 1 || handled == nil {
		t.Errorf("receipt %+v, error %v, handled %v", r, err, handled)
	}
}

func TestNewWithoutExporter(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New(nil) did not panic")
		}
	}()
	synclog.New(nil)
}

func Example() {
	exporter := &exporter{} // exporter/chainlog, or one for OTLP

	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(synclog.New(exporter)),
		sdklog.WithAttributeCountLimit(-1),
		sdklog.WithAttributeValueLengthLimit(-1),
		sdklog.WithAttributeValueDepthLimit(-1),
	)
	logger, err := audit.NewLogger(provider)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := logger.Emit(context.Background(), nil, audit.Custom{Type: "deploy_finished"})
	fmt.Println(r.Status, err)
	// Output: accepted <nil>
}
