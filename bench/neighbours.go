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

	"github.com/auditchain/auditchain/bench/patterns"
)

// patterns19 are what a careful user gives redactionprocessor.
var patterns19 = patterns.Values

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
