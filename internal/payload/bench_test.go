// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"testing"

	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/processor/redact"
	"go.opentelemetry.io/otel/attribute"
)

func flat() payload.LogRecord {
	return payload.LogRecord{
		Timestamp: uint64(payloadtest.At.UnixNano()), Observed: uint64(payloadtest.At.UnixNano()), Severity: 9, EventName: "audit.api_call",
		Body: attribute.StringValue("PutObject by alice@corp.example: success"),
		Attributes: []attribute.KeyValue{
			attribute.String("session.id", "8c7f7f1e-4b44-4a7a-9d2c-0f6f2b1f4f0a"), attribute.String("cloud.provider", "aws"),
			attribute.String("audit.event.bucket", "invoices"), attribute.Int("audit.event.ms", 120), attribute.Float64("audit.event.cost", 0.25),
			attribute.String("audit.outcome", "success"), attribute.String("audit.actor.id", "alice@corp.example"),
		},
		Resource: &payload.Group{Attributes: []attribute.KeyValue{attribute.String("service.name", "deploy-agent")}},
		Scope:    &payload.Group{Name: "example.com/agent/audit"},
	}
}

// A record in which nothing is masked costs no allocation.
func TestNoAllocations(t *testing.T) {
	for name, o := range map[string]payload.Options{"plain": {}, "redacted": redacting(t, redact.Config{})} {
		enc := payload.NewEncoder(o)
		var b payload.Batch
		r := flat()
		one := func() {
			enc.Append(&b, &r)
			_ = b.Records()
			b.Reset()
		}
		one()
		if n := testing.AllocsPerRun(200, one); n != 0 {
			t.Errorf("%s: %v allocations a record", name, n)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for name, o := range map[string]payload.Options{"plain": {}, "redacted": redacting(b, redact.Config{})} {
		b.Run(name, func(b *testing.B) {
			enc := payload.NewEncoder(o)
			var batch payload.Batch
			r := flat()
			b.ReportAllocs()
			for b.Loop() {
				enc.Append(&batch, &r)
				_ = batch.Records()
				batch.Reset()
			}
		})
	}
}
