// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/auditchain/auditchain/processor/auditredactionprocessor/internal/metadata"
	"github.com/auditchain/auditchain/processor/redact"
)

// kindError is the kind of a value whose redaction failed inside package
// redact; the value alone was replaced by a marker.
const kindError redact.Kind = "error"

type redactionProcessor struct {
	cfg       *Config
	logger    *zap.Logger
	telemetry *metadata.TelemetryBuilder
	id        attribute.KeyValue
	own       metric.MeasurementOption // the processor's id alone
	kinds     sync.Map                 // redact.Kind → metric.MeasurementOption

	fresh    func() scanner // set by start
	scanners sync.Pool      // of scanner
}

func newRedactionProcessor(set processor.Settings, cfg *Config) (*redactionProcessor, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	id := attribute.String("processor", set.ID.String())
	return &redactionProcessor{
		cfg:       cfg,
		logger:    set.Logger,
		telemetry: telemetry,
		id:        id,
		own:       metric.WithAttributeSet(attribute.NewSet(id)),
	}, nil
}

// start reads the fingerprint key: a Collector whose key is missing does not
// come up, instead of running with other fingerprints.
func (p *redactionProcessor) start(context.Context, component.Host) error {
	r, err := p.cfg.Redaction.Redactor()
	if err != nil {
		return err
	}
	p.fresh = func() scanner { return r.Scanner() }
	if p.cfg.ReportOnly {
		p.logger.Warn("report_only: nothing is masked here; secrets are counted, and every batch is passed on as it came")
	}
	return nil
}

func (p *redactionProcessor) shutdown(context.Context) error {
	p.telemetry.Shutdown()
	return nil
}

// processLogs redacts ld in place. It never fails: what cannot be redacted is
// replaced by a marker. With report_only, ld is only read.
func (p *redactionProcessor) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	if p.fresh == nil {
		return ld, errors.New("audit_redaction is not started; nothing is passed on")
	}
	b := batch{fresh: p.fresh, report: p.cfg.ReportOnly}
	if s, ok := p.scanners.Get().(scanner); ok {
		b.scanner = s
	} else {
		b.scanner = p.fresh()
	}
	b.logs(ld)
	p.count(ctx, &b)
	b.scanner.Reset()
	p.scanners.Put(b.scanner)
	return ld, nil
}

// count tells what became of a batch.
func (p *redactionProcessor) count(ctx context.Context, b *batch) {
	values, failed := p.telemetry.AuditRedactionValuesRedacted, p.telemetry.AuditRedactionFailures
	message := "redaction failed; content was withheld and markers were passed on in its place"
	if b.report {
		values, failed = p.telemetry.AuditRedactionValuesReported, p.telemetry.AuditRedactionReportFailures
		message = "not everything could be looked through; with report_only it was passed on as it came"
	}
	p.telemetry.AuditRedactionRecords.Add(ctx, int64(b.records), p.own)
	for _, c := range b.scanner.Counts() {
		values.Add(ctx, int64(c.N), p.kind(c.Kind))
		if c.Kind == kindError {
			b.failures += c.N
		}
	}
	if b.failures > 0 {
		failed.Add(ctx, int64(b.failures), p.own)
		p.logger.Error(message, zap.Int("failures", b.failures), zap.Int("records", b.records))
	}
}

func (p *redactionProcessor) kind(k redact.Kind) metric.MeasurementOption {
	if o, ok := p.kinds.Load(k); ok {
		return o.(metric.MeasurementOption)
	}
	o := metric.WithAttributeSet(attribute.NewSet(p.id, attribute.String("kind", string(k))))
	p.kinds.Store(k, o)
	return o
}
