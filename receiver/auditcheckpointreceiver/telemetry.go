// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditcheckpointreceiver

import (
	"context"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/auditchain/auditchain/receiver/auditcheckpointreceiver/internal/metadata"
)

// The values of the attribute "reason".
const (
	malformed  = "malformed"
	unverified = "unverified"
	refused    = "refused"
)

type telemetry struct {
	builder *metadata.TelemetryBuilder
	id      attribute.KeyValue
}

func newTelemetry(set receiver.Settings) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &telemetry{b, attribute.String("receiver", set.ID.String())}, nil
}

// start makes the counters that one alerts on exist, at 0.
func (t *telemetry) start(ctx context.Context) {
	for _, reason := range []string{malformed, unverified, refused} {
		t.dropped(ctx, reason, 0)
	}
	t.builder.AuditCheckpointRetries.Add(ctx, 0, metric.WithAttributes(t.id))
}

func (t *telemetry) dropped(ctx context.Context, reason string, n int) {
	t.builder.AuditCheckpointDropped.Add(ctx, int64(n), metric.WithAttributes(t.id, attribute.String("reason", reason)))
}

func (t *telemetry) retry(ctx context.Context) {
	t.builder.AuditCheckpointRetries.Add(ctx, 1, metric.WithAttributes(t.id))
}

func (t *telemetry) passed(ctx context.Context, size uint64) {
	t.builder.AuditCheckpointSize.Record(ctx, int64(size), metric.WithAttributes(t.id))
}
