// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadata"
	"github.com/auditchain/auditchain/internal/payload/pdatapayload"
)

// The values of the attribute "failure".
const (
	retryable = "retryable"
	stopped   = "stopped"
	permanent = "permanent"
)

// telemetry counts. Each counter is added to once a batch, with an attribute
// set that was made once: this is on the path of every batch.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	id      attribute.KeyValue
	add     []metric.AddOption    // the exporter's id alone
	record  []metric.RecordOption // likewise
	sets    sync.Map              // labelled → []metric.AddOption
}

type labelled struct{ key, value string }

func newTelemetry(set exporter.Settings) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	id := attribute.String("exporter", set.ID.String())
	own := metric.WithAttributeSet(attribute.NewSet(id))
	return &telemetry{
		builder: b,
		id:      id,
		add:     []metric.AddOption{own},
		record:  []metric.RecordOption{own},
	}, nil
}

func (t *telemetry) with(key, value string) []metric.AddOption {
	l := labelled{key, value}
	if o, ok := t.sets.Load(l); ok {
		return o.([]metric.AddOption)
	}
	o := []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(t.id, attribute.String(key, value)))}
	t.sets.Store(l, o)
	return o
}

// start makes the counters that one alerts on exist, at 0: a series that is
// born with its first failure shows no increase.
func (t *telemetry) start(ctx context.Context) {
	for _, f := range []string{retryable, stopped, permanent} {
		t.builder.AuditChainCommitFailures.Add(ctx, 0, t.with("failure", f)...)
	}
	for _, why := range []pdatapayload.Reason{pdatapayload.EventFieldType, pdatapayload.IDConflict, pdatapayload.Erased, pdatapayload.TooLarge, pdatapayload.RedactionFailed} {
		t.rejected(ctx, why, 0)
	}
	t.builder.AuditChainJournalBreaks.Add(ctx, 0, t.add...)
	t.builder.AuditChainJournalWarnings.Add(ctx, 0, t.add...)
	t.builder.AuditChainTimestampFailures.Add(ctx, 0, t.add...)
}

// checkpoint counts a checkpoint that is durable.
func (t *telemetry) checkpoint(ctx context.Context, p journal.Published) {
	t.builder.AuditChainCheckpoints.Add(ctx, 1, t.add...)
	// A tree of more than 2^63 lines is beyond everything.
	t.builder.AuditChainCheckpointSize.Record(ctx, int64(p.Size), t.record...)
}

// timestamp counts what came of asking for a time stamp.
func (t *telemetry) timestamp(ctx context.Context, err error) {
	if err != nil {
		t.builder.AuditChainTimestampFailures.Add(ctx, 1, t.add...)
		return
	}
	t.builder.AuditChainTimestamps.Add(ctx, 1, t.add...)
}

// stepped counts steps of a forward-secure key.
func (t *telemetry) stepped(n int64) {
	t.builder.AuditChainEpochs.Add(context.Background(), n, t.add...)
}

func (t *telemetry) commit(ctx context.Context, d time.Duration) {
	t.builder.AuditChainCommitDuration.Record(ctx, d.Seconds(), t.record...)
}

func (t *telemetry) failed(ctx context.Context, failure string) {
	t.builder.AuditChainCommitFailures.Add(ctx, 1, t.with("failure", failure)...)
}

// sealed counts a batch that was acknowledged.
func (t *telemetry) sealed(ctx context.Context, enc *pdatapayload.Result, receipts []journal.Receipt) {
	sealed := len(receipts)
	duplicates := 0
	for i := range receipts {
		switch r := &receipts[i]; {
		case r.Err != nil:
			sealed--
			why, _ := reasonFor(r.Err)
			t.rejected(ctx, why, 1)
		case r.Duplicate:
			duplicates++
		}
	}
	for _, c := range enc.Rejected() {
		sealed -= c.N
		t.rejected(ctx, c.Reason, c.N)
	}
	if duplicates > 0 {
		sealed -= duplicates
		t.builder.AuditChainRecordsDuplicate.Add(ctx, int64(duplicates), t.add...)
	}
	if sealed > 0 {
		t.builder.AuditChainRecordsSealed.Add(ctx, int64(sealed), t.add...)
	}
	for _, c := range enc.Redactions() {
		t.builder.AuditChainValuesRedacted.Add(ctx, int64(c.N), t.with("kind", string(c.Kind))...)
	}
}

func (t *telemetry) rejected(ctx context.Context, why pdatapayload.Reason, n int) {
	t.builder.AuditChainRecordsRejected.Add(ctx, int64(n), t.with("reason", string(why))...)
}
