// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/auditchain/auditchain/internal/meter"
	"github.com/auditchain/auditchain/processor/redact"
)

// scopeName is the instrumentation scope of the metrics.
const scopeName = "github.com/auditchain/auditchain/processor/redactlog"

// kindError is the kind of a value whose redaction failed inside package redact;
// the value alone was replaced by a marker.
const kindError redact.Kind = "error"

// telemetry counts what a Processor or a Reporter did. The names are those of
// the Collector's processor audit_redaction, as OpenTelemetry writes names.
type telemetry struct {
	records, values, failures metric.Int64Counter
	// withheld is a Processor's alone.
	withheld metric.Int64Counter
	sets     meter.Sets
}

func newTelemetry(c config) *telemetry {
	m := c.meters.Meter(scopeName)
	return &telemetry{
		records:  meter.Counter(m, "audit.redaction.records", "{record}", "Number of log records looked through."),
		values:   meter.Counter(m, "audit.redaction.values_redacted", "{secret}", "Number of secrets masked."),
		failures: meter.Counter(m, "audit.redaction.failures", "{failure}", "Number of values, records, scopes and resources whose redaction failed and whose content was withheld."),
		withheld: meter.Counter(m, "audit.redaction.withheld", "{record}", "Number of records whose content was not passed on."),
	}
}

func newReporterTelemetry(c config) *telemetry {
	m := c.meters.Meter(scopeName)
	return &telemetry{
		records:  meter.Counter(m, "audit.redaction.records_reported", "{record}", "Number of log records looked through by a reporter."),
		values:   meter.Counter(m, "audit.redaction.values_reported", "{secret}", "Number of secrets found by a reporter, which masks none."),
		failures: meter.Counter(m, "audit.redaction.report_failures", "{failure}", "Number of values, records, scopes and resources that a reporter could not look through."),
	}
}

// found counts what a scanner has masked, and resets it.
func (t *telemetry) found(ctx context.Context, s scanner) {
	for _, c := range s.Counts() {
		t.sets.Add(ctx, t.values, "kind", string(c.Kind), c.N)
		if c.Kind == kindError {
			t.failures.Add(ctx, int64(c.N))
		}
	}
	s.Reset()
}

// Why the content of a record was not passed on.
const (
	// failed: a record that says so was passed on in its place.
	failed = "failed"
	// unredacted: its resource or its scope holds a secret; nothing was.
	unredacted = "unredacted"
)
