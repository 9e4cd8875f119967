// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package meter

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func TestSets(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	m := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test")
	c := Counter(m, "audit.things", "{thing}", "Number of things.")
	var s Sets
	s.Add(context.Background(), c, "kind", "a", 2)
	s.Add(context.Background(), c, "kind", "b", 1)
	s.Add(context.Background(), c, "kind", "a", 3)
	var got metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &got); err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, p := range got.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[int64]).DataPoints {
		v, _ := p.Attributes.Value("kind")
		sums[v.AsString()] = p.Value
	}
	if len(sums) != 2 || sums["a"] != 5 || sums["b"] != 1 {
		t.Errorf("counted %v", sums)
	}
}

// Where nobody listens, nothing is kept either.
func TestNobodyListens(t *testing.T) {
	var s Sets
	s.Add(context.Background(), Counter(noop.NewMeterProvider().Meter("test"), "audit.things", "{thing}", ""), "kind", "a", 1)
	s.options.Range(func(k, _ any) bool {
		t.Errorf("%v is kept", k)
		return true
	})
}

type broken struct{ noop.Meter }

func (broken) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("no counter today")
}

// A meter that makes none is no reason to stop.
func TestNoCounter(t *testing.T) {
	var s Sets
	s.Add(context.Background(), Counter(broken{}, "audit.things", "{thing}", ""), "kind", "a", 1)
}
