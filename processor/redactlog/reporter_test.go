// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/internal/receipt"
	"github.com/google/uuid"
)

// everything is a record with a secret in every place that one can be in.
func everything() log.Record {
	deep := attribute.StringValue("treasure")
	for range 100 {
		deep = attribute.SliceValue(attribute.MapValue(attribute.KeyValue{Key: "k", Value: deep}))
	}
	rec := record(
		attribute.String("a", "with "+secret), attribute.String(secret, "x"),
		attribute.Map("m", attribute.String("s", secret2), attribute.String("value", "hunter2"), attribute.String("name", "DB_PASSWORD")),
		attribute.ByteSlice("raw", []byte("id "+secret)), attribute.Int("password", 1337), attribute.StringSlice("argv", []string{"mysql", "--password", "hunter2"}),
		attribute.KeyValue{Key: "deep", Value: deep}, attribute.Int64Slice("tokens", []int64{1337, 1338}),
	)
	rec.SetBody(attribute.StringValue(`{"a":["` + secret + `"]}`))
	rec.SetEventName("audit." + secret)
	rec.SetSeverityText(secret)
	return rec
}

func unlimited(res *resource.Resource, p ...sdklog.Processor) *sdklog.LoggerProvider {
	opts := []sdklog.LoggerProviderOption{sdklog.WithResource(res), sdklog.WithAttributeValueDepthLimit(-1)}
	for _, p := range p {
		opts = append(opts, sdklog.WithProcessor(p))
	}
	return sdklog.NewLoggerProvider(opts...)
}

// What a Reporter counts is what a Processor masks, and the records go by it as
// they are.
func TestReporterCountsWhatWouldBeMasked(t *testing.T) {
	maskedMeters, masked := meters(t)
	reportedMeters, reported := meters(t)
	before, beside, after := &last{}, &last{}, &last{}
	reporter := NewReporter(newRedactor(t), WithMeterProvider(reportedMeters))
	logs := unlimited(resource.Empty(), reporter, keep{before}, New(newRedactor(t), after, WithMeterProvider(maskedMeters)), keep{beside})
	for range 2 { // the second time from the cache of names
		logs.Logger("").Emit(context.Background(), everything())
	}

	alone := &last{}
	unlimited(resource.Empty(), keep{alone}).Logger("").Emit(context.Background(), everything())
	for name, l := range map[string]*last{"behind the reporter": before, "behind the processor": beside} {
		if diff := cmp.Diff(dump(&alone.rec), dump(&l.rec)); diff != "" || l.n != 2 {
			t.Errorf("%s (-alone +beside):\n%s", name, diff)
		}
	}
	if got := dump(&after.rec); strings.Contains(got, secret) || strings.Contains(got, "treasure") {
		t.Fatalf("the test's secrets are not all masked:\n%s", got)
	}
	want := map[string]int64{}
	for name, n := range masked() {
		want[strings.Replace(strings.Replace(name, "values_redacted", "values_reported", 1), ".records", ".records_reported", 1)] = n
	}
	if diff := cmp.Diff(want, reported()); diff != "" || want["audit.redaction.values_reported kind=github-token"] != 14 {
		t.Errorf("counted (-masked +reported):\n%s\nmasked: %v", diff, want)
	}
}

// keep is a last that leaves the record as it is for those behind it.
type keep struct{ *last }

func (k keep) OnEmit(ctx context.Context, r *sdklog.Record) error {
	c := r.Clone()
	return k.last.OnEmit(ctx, &c)
}

// Secrets in the resource and in the scope are counted once, and keep nothing
// back; nor does a panic.
func TestReporterRefusesNothing(t *testing.T) {
	mp, read := meters(t)
	sound := scannerOf(newRedactor(t))
	made := 0
	reporter := newReporter(func() scanner { made++; return broken{sound()} }, WithMeterProvider(mp))
	next := &last{}
	logs := unlimited(resource.NewWithAttributes("https://x/?t="+secret, attribute.String("cmd", "run "+secret)), reporter, next)
	for range 3 {
		logs.Logger(secret, log.WithInstrumentationVersion(secret), log.WithInstrumentationAttributes(attribute.String("a", secret))).
			Emit(context.Background(), record(attribute.String("b", "c")))
	}
	logs.Logger("poison").Emit(context.Background(), record(attribute.String("b", "poison")))
	if got := dump(&next.rec); next.n != 4 || !strings.Contains(got, "b=poison\n") {
		t.Errorf("%d records, the last one\n%s", next.n, got)
	}
	want := map[string]int64{
		"audit.redaction.records_reported":                  4,
		"audit.redaction.values_reported kind=github-token": 5,
		"audit.redaction.report_failures":                   2,
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if err := reporter.OnEmit(context.Background(), &next.rec); err != nil {
		t.Errorf("error %v", err)
	}
	if made < 3 {
		t.Errorf("%d scanners for 2 panics: one that was interrupted may be in any state", made)
	}
}

// Who waits for a receipt gets that of the record, with a Reporter beside.
func TestReporterLeavesReceiptsAlone(t *testing.T) {
	id := uuid.New()
	next := &last{}
	ctx, slot := receipt.With(context.Background())
	slot.Bind(id, "", nil)
	provider(NewReporter(newRedactor(t)), next).Logger("test").Emit(ctx, record(attribute.String("audit.record.id", id.String()), attribute.String("a", secret)))
	if _, filled, err := slot.Result(); filled || err != nil || next.slot != slot {
		t.Errorf("receipt %v, error %v, the next processor has another slot: %v", filled, err, next.slot != slot)
	}
}

func TestReporterIsNotAskedFor(t *testing.T) {
	p := NewReporter(newRedactor(t))
	if p.Enabled(context.Background(), sdklog.EnabledParameters{}) {
		t.Error("a reporter wants records that nobody else does")
	}
	if p.Shutdown(context.Background()) != nil || p.ForceFlush(context.Background()) != nil {
		t.Error("errors")
	}
	defer func() {
		if recover() == nil {
			t.Error("NewReporter took a nil redactor")
		}
	}()
	NewReporter(nil)
}

func TestConcurrentReports(t *testing.T) {
	mp, read := meters(t)
	logger := provider(NewReporter(newRedactor(t), WithMeterProvider(mp)), keep{&last{}}).Logger("test")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				logger.Emit(context.Background(), record(attribute.String("note", "with "+secret)))
			}
		})
	}
	wg.Wait()
	if got := read()["audit.redaction.values_reported kind=github-token"]; got != 400 {
		t.Errorf("%d secrets reported", got)
	}
}
