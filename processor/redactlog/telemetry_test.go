// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/internal/redacttest"
	"github.com/auditchain/auditchain/processor/redact"
)

// meters is a provider of which a test reads what was counted.
func meters(t testing.TB) (metric.MeterProvider, func() map[string]int64) {
	t.Helper()
	reader := sdkmetric.NewManualReader()
	return sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), func() map[string]int64 {
		t.Helper()
		var rm metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &rm); err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, scope := range rm.ScopeMetrics {
			if scope.Scope.Name != scopeName {
				t.Errorf("metrics of the scope %q", scope.Scope.Name)
			}
			for _, m := range scope.Metrics {
				if m.Description == "" || m.Unit == "" {
					t.Errorf("%s has no description or no unit", m.Name)
				}
				for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
					name := m.Name
					for _, kv := range p.Attributes.ToSlice() {
						name += " " + string(kv.Key) + "=" + kv.Value.AsString()
					}
					got[name] += p.Value
				}
			}
		}
		return got
	}
}

func TestTelemetry(t *testing.T) {
	mp, read := meters(t)
	next := &last{}
	sound := scannerOf(newRedactor(t))
	p := newProcessor(func() scanner { return broken{sound()} }, next, WithMeterProvider(mp))
	logger := provider(&errs{Processor: p}).Logger("test")
	ctx := context.Background()
	logger.Emit(ctx, record(attribute.String("a", "fine")))
	logger.Emit(ctx, record(attribute.String("a", secret), attribute.String(secret2, "x"), attribute.String("password", "hunter2")))
	logger.Emit(ctx, record(attribute.String("a", secret), attribute.String("b", "poison")))
	provider(&errs{Processor: p}).Logger(secret).Emit(ctx, record())
	provider(&errs{Processor: p}).Logger("poison").Emit(ctx, record())
	// Two of the first secrets were masked; that of the third record was lost
	// with its scanner.
	want := map[string]int64{
		"audit.redaction.records":                           3,
		"audit.redaction.values_redacted kind=github-token": 2,
		"audit.redaction.values_redacted kind=password":     1,
		"audit.redaction.failures":                          2,
		"audit.redaction.withheld reason=failed":            1,
		"audit.redaction.withheld reason=unredacted":        2,
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// Without a provider of metrics, nothing is counted, and nothing is kept for it.
func TestWithoutMetricsNothingIsCounted(t *testing.T) {
	r := newRedactor(t)
	for name, opts := range map[string][]Option{
		"global": nil, "nil": {WithMeterProvider(nil)}, "none": {WithMeterProvider(metricnoop.NewMeterProvider())},
	} {
		next := &last{}
		p := New(r, next, opts...)
		provider(p).Logger("test").Emit(context.Background(), record(attribute.String("a", secret)))
		if got := dump(&next.rec); strings.Contains(got, secret) || next.n != 1 {
			t.Errorf("%s: %d records, %s", name, next.n, got)
		}
		if s := p.scanners.Get().(scanner); len(s.Counts()) != 0 {
			t.Errorf("%s: a scanner goes on with the counts %v", name, s.Counts())
		}
	}
}

// A provider that cannot make a counter does not keep records from being masked.
func TestCountersThatCannotBeMade(t *testing.T) {
	next := &last{}
	for _, p := range []sdklog.Processor{
		New(newRedactor(t), next, WithMeterProvider(poorMeters{})),
		NewReporter(newRedactor(t), WithMeterProvider(poorMeters{})),
	} {
		provider(p).Logger("test").Emit(context.Background(), record(attribute.String("a", secret)))
	}
	if got := dump(&next.rec); next.n != 1 || strings.Contains(got, secret) {
		t.Errorf("%d records, %s", next.n, got)
	}
}

type poorMeters struct{ metricnoop.MeterProvider }

func (poorMeters) Meter(string, ...metric.MeterOption) metric.Meter { return poorMeter{} }

type poorMeter struct{ metricnoop.Meter }

func (poorMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("no counters today")
}

// What cannot be looked through is passed on as a marker that says why, and the
// record with it; where the redactor itself fails, the record says so.
func TestFailClosed(t *testing.T) {
	const canary = "canary-in-the-record"
	limited, err := redact.New(redact.Config{MaxValueBytes: 1024, MaxDepth: 3})
	if err != nil {
		t.Fatal(err)
	}
	deep := attribute.StringValue(canary)
	for range 10 {
		deep = attribute.MapValue(attribute.KeyValue{Key: "k", Value: deep})
	}
	for name, c := range map[string]struct {
		redactor *redact.Redactor
		body     attribute.Value
		want     string
		counted  map[string]int64
	}{
		"too large": {limited, attribute.StringValue(strings.Repeat(canary+" ", 100)), "body=[REDACTED:too-large]\nn=3\n",
			map[string]int64{"audit.redaction.values_redacted kind=too-large": 1}},
		"too deep": {limited, deep, `[REDACTED:too-deep]`,
			map[string]int64{"audit.redaction.values_redacted kind=too-deep": 1}},
		"a rule panics": {redacttest.PanickingRules(t), attribute.StringValue("password=" + canary), "body=[REDACTED:error]\nn=3\n",
			map[string]int64{"audit.redaction.values_redacted kind=error": 1, "audit.redaction.failures": 1}},
		"the redactor panics": {redacttest.Panicking(t), attribute.StringValue(canary), "event=audit.redaction_failed severity=9 \"\" body=a record was withheld: its redaction failed\n",
			map[string]int64{"audit.redaction.failures": 1, "audit.redaction.withheld reason=failed": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			mp, read := meters(t)
			next := &last{}
			p := &errs{Processor: New(c.redactor, next, WithMeterProvider(mp))}
			// No resource and no scope: they would be looked through first.
			logs := sdklog.NewLoggerProvider(sdklog.WithResource(resource.Empty()), sdklog.WithProcessor(p))
			rec := record(attribute.Int("n", 3))
			rec.SetBody(c.body)
			logs.Logger("").Emit(context.Background(), rec)
			if got := dump(&next.rec); next.n != 1 || !strings.Contains(got, c.want) || strings.Contains(got, canary) {
				t.Errorf("%d records, the last one\n%swant %s", next.n, got, c.want)
			}
			if p.err != nil && strings.Contains(p.err.Error(), canary) {
				t.Errorf("the error has content: %v", p.err)
			}
			c.counted["audit.redaction.records"] = 1
			if diff := cmp.Diff(c.counted, read()); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		})
	}
}
