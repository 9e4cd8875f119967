// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadata"
)

// NewFactory returns the factory of the exporter audit_chain.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(
		metadata.Type,
		createDefaultConfig,
		exporter.WithLogs(createLogs, metadata.LogsStability),
	)
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	e, err := newChainExporter(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	return e.helper(ctx, set)
}

// helper wraps e in what every exporter has, without a queue and without
// retries: both are absent from the configuration too.
func (e *chainExporter) helper(ctx context.Context, set exporter.Settings) (exporter.Logs, error) {
	return exporterhelper.NewLogs(ctx, set, e.cfg, e.consumeLogs,
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		// The helper's own 5 s would abandon a commit that is under way on a
		// slow disk, and the client would not learn that it succeeded. What
		// can wait without end has limits of its own: lock_timeout for
		// another writer, the client's deadline for a place in the commit.
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}),
	)
}
