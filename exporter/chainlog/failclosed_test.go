// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/auditchain/auditchain/internal/receipt"
	"github.com/auditchain/auditchain/internal/redacttest"
	"github.com/auditchain/auditchain/processor/redact"
)

// counted returns an option that sets a provider of metrics, and what reads it.
func counted(t testing.TB) (Option, func() map[string]int64) {
	t.Helper()
	reader := sdkmetric.NewManualReader()
	return WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))), func() map[string]int64 {
		t.Helper()
		var rm metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &rm); err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, scope := range rm.ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
					got[m.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] += p.Value
				}
			}
		}
		return got
	}
}

// What cannot be looked through is sealed as a marker that says why, the record
// is kept, and a counter rises.
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
		refused  bool
	}{
		"too large":     {limited, attribute.StringValue(strings.Repeat(canary+" ", 100)), `"body":"[REDACTED:too-large]"`, map[string]int64{"audit.chain.values_redacted kind=too-large": 1}, false},
		"too deep":      {limited, deep, `[REDACTED:too-deep]`, map[string]int64{"audit.chain.values_redacted kind=too-deep": 1}, false},
		"a rule panics": {redacttest.PanickingRules(t), attribute.StringValue("password=" + canary), `"body":"[REDACTED:error]"`, map[string]int64{"audit.chain.values_redacted kind=error": 1}, false},
		"the redactor panics": {redacttest.Panicking(t), attribute.StringValue(canary), `"event":{"type":"rejected","reason":"redaction_failed"`,
			// The resource and the scope of the test fail too.
			map[string]int64{"audit.chain.values_redacted kind=error": 2, "audit.chain.records_rejected reason=redaction_failed": 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			with, read := counted(t)
			e := open(t, WithRedactor(c.redactor), with)
			var r log.Record
			r.SetBody(c.body)
			ctx, slot := receipt.With(context.Background())
			slot.Bind(uuid.Nil, "", nil)
			err := e.Export(ctx, collect(r))
			if errors.Is(err, ErrRefused) != c.refused || err != nil && (!c.refused || strings.Contains(err.Error(), canary)) {
				t.Errorf("error %v", err)
			}
			verify(t, e.Journal().Path())
			records := 0
			for _, l := range sealed(t, e.Journal().Path()) {
				if strings.Contains(string(l.Payload), canary) {
					t.Errorf("content: %s", l.Payload)
				}
				if l.ControlName() == "" {
					records++
					if !strings.Contains(string(l.Payload), c.want) {
						t.Errorf("sealed %s, want %s", l.Payload, c.want)
					}
				}
			}
			if records != 1 {
				t.Errorf("%d records", records)
			}
			if diff := cmp.Diff(c.counted, read()); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		})
	}
}

// What the exporter masks itself is counted by kind; what was masked before is
// not, nor anything that was not sealed.
func TestTelemetry(t *testing.T) {
	with, read := counted(t)
	e := open(t, with)
	err := e.Export(context.Background(), collect(rec(id1, "with "+secret), rec("", "password=[REDACTED:password] and [REDACTED:github-token]"), rec("", "x", attribute.String("password", "hunter2"))))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background(), collect(rec(id1, "other"))); !errors.Is(err, ErrRefused) {
		t.Fatalf("error %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Export(ended, collect(rec("", secret))); err == nil {
		t.Fatal("sealed with an ended context")
	}
	want := map[string]int64{
		"audit.chain.values_redacted kind=github-token":   1,
		"audit.chain.values_redacted kind=password":       1,
		"audit.chain.records_rejected reason=id_conflict": 1,
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}
