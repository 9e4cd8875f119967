// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"github.com/rs/zerolog"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/logging"
	"go.opentelemetry.io/collector/exporter"
)

// patterns19 are what a careful user gives redactionprocessor: one expression
// a kind of secret, anchored where the kind allows it.
var patterns19 = []string{
	`\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`,                                   // AWS access key id
	`\bgh[pousr]_[A-Za-z0-9]{36,}\b`,                                            // GitHub tokens
	`\bglpat-[A-Za-z0-9_-]{20,}`,                                                // GitLab personal token
	`\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`,           // JWT
	`-----BEGIN [A-Z ]*PRIVATE KEY-----`,                                        // PEM
	`(?i)aws_?secret_?access_?key["'\s:=]+[A-Za-z0-9/+=]{40}`,                   // AWS secret
	`(?i)--?(?:password|passwd|pwd|token|secret)[=\s]+\S+`,                      // arguments
	`(?i)\b(?:password|passwd|secret|token|api_?key)\s*[:=]\s*["']?[^\s"']{8,}`, // assignments
	`\bAIza[0-9A-Za-z_-]{35}`,                                                   // GCP API key
	`\bxox[abeprs]-[A-Za-z0-9-]{10,}`,                                           // Slack
	`\bgithub_pat_[A-Za-z0-9_]{60,}`,                                            // GitHub fine-grained
	`\bhvs\.[A-Za-z0-9_-]{24,}`,                                                 // Vault
	`\b[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}`,                         // Azure client secret
	`AccountKey=[A-Za-z0-9+/]{86}==`,                                            // Azure storage
	`://[^/\s:@]+:[^/\s:@]+@`,                                                   // URL user info
	`(?i)\bauthorization:\s*(?:basic|bearer)\s+\S+`,                             // headers
	`\bya29\.[0-9A-Za-z_-]{20,}`,                                                // GCP OAuth
	`\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{24,}`,                                // Stripe
	`\bnpm_[A-Za-z0-9]{36}\b`,                                                   // npm
}

// patterns10 are the first ten of them.
var patterns10 = patterns19[:10]

// redactionProcessor is the contrib processor set to keep every key and mask
// the values that match.
func redactionProcessor(patterns []string) procSpec {
	return procSpec{redactionprocessor.NewFactory(), settings{
		"allow_all_keys": true,
		"blocked_values": asList(patterns),
	}}
}

// fileExporter is the contrib exporter as its README sets it up: JSON, flushed
// once a second, never fsynced.
func fileExporter(path string) (f exporter.Factory, conf settings) {
	return fileexporter.NewFactory(), settings{"path": path, "format": "json"}
}

// gitleaksDetector is gitleaks with the rules that it ships.
func gitleaksDetector() (*detect.Detector, error) {
	logging.Logger = logging.Logger.Level(zerolog.ErrorLevel)
	d, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		return nil, fmt.Errorf("gitleaks: %w", err)
	}
	return d, nil
}

func asList(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
