// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"go.opentelemetry.io/collector/component"

	"github.com/auditchain/auditchain/internal/redactconfig"
)

// Config is the configuration of the processor. The zero value works.
type Config struct {
	// Redaction is the same block as that of the exporter audit_chain.
	Redaction redactconfig.Config `mapstructure:"redaction"`
	// ReportOnly passes every batch on as it came, and counts what would have
	// been masked: to try a policy on live traffic, in front of a processor
	// that masks.
	ReportOnly bool `mapstructure:"report_only"`

	_ struct{}
}

func createDefaultConfig() component.Config { return &Config{} }
