// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package meter counts through the metric API of OpenTelemetry, for code that
// must go on whether it can be counted or not.
package meter

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// Counter makes a counter. It never fails: what cannot be had is told to the
// error handler of OpenTelemetry, and counts nothing.
func Counter(m metric.Meter, name, unit, description string) metric.Int64Counter {
	c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil || c == nil {
		otel.Handle(err)
		return noop.Int64Counter{}
	}
	return c
}

// Sets keeps the attribute sets that were counted under, of which there are few,
// so that none is built twice. The zero value is ready. It may be used
// concurrently.
type Sets struct {
	options sync.Map // attribute.KeyValue → []metric.AddOption
}

// Add adds n to c under one attribute, if anybody listens.
func (s *Sets) Add(ctx context.Context, c metric.Int64Counter, key, value string, n int) {
	if !c.Enabled(ctx) {
		return
	}
	kv := attribute.String(key, value)
	o, ok := s.options.Load(kv)
	if !ok {
		o, _ = s.options.LoadOrStore(kv, []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(kv))})
	}
	c.Add(ctx, int64(n), o.([]metric.AddOption)...)
}
