// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"

	"github.com/auditchain/auditchain/internal/meter"
	"github.com/auditchain/auditchain/internal/payload"
)

// telemetry counts what sealing masked and refused. The names are those of the
// Collector's exporter audit_chain, as OpenTelemetry writes names.
type telemetry struct {
	redacted, rejected metric.Int64Counter
	sets               meter.Sets
}

func newTelemetry(p metric.MeterProvider) *telemetry {
	if p == nil {
		p = otel.GetMeterProvider()
	}
	m := p.Meter("github.com/auditchain/auditchain/exporter/chainlog")
	return &telemetry{
		redacted: meter.Counter(m, "audit.chain.values_redacted", "{secret}", "Number of secrets masked when records were sealed, because nothing had masked them before."),
		rejected: meter.Counter(m, "audit.chain.records_rejected", "{record}", "Number of records in whose place an audit.rejected record was sealed."),
	}
}

// encoded counts a batch that was sealed.
func (t *telemetry) encoded(ctx context.Context, enc *payload.Result) {
	if t.redacted.Enabled(ctx) {
		for _, c := range enc.Redactions() {
			t.sets.Add(ctx, t.redacted, "kind", string(c.Kind), c.N)
		}
	}
	for _, c := range enc.Rejected() {
		t.refused(ctx, c.Reason, c.N)
	}
}

func (t *telemetry) refused(ctx context.Context, why payload.Reason, n int) {
	t.sets.Add(ctx, t.rejected, "reason", string(why), n)
}
