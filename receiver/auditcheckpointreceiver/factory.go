// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditcheckpointreceiver

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/auditchain/auditchain/receiver/auditcheckpointreceiver/internal/metadata"
)

// NewFactory returns the factory of the receiver audit_checkpoint.
func NewFactory() receiver.Factory {
	return receiver.NewFactory(metadata.Type, createDefaultConfig, receiver.WithLogs(createLogs, metadata.LogsStability))
}

func createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	return newCheckpointReceiver(set, cfg.(*Config), next)
}
