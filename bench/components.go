// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
)

// chain is a started exporter, with the processors before it: what a
// pipeline of the Collector calls in one process. Both sides of a comparison
// are built by the same code, from a factory and the settings that a user
// would write, with telemetry that goes nowhere.
type chain struct {
	first consumer.Logs
	parts []component.Component // in the order in which they are to be stopped
}

func (c *chain) push(ctx context.Context, ld plog.Logs) error { return c.first.ConsumeLogs(ctx, ld) }

// mutates says whether some part changes what it is given, so that each push
// needs a batch of its own (in a Collector, the fan-out copies it).
func (c *chain) mutates() bool { return c.first.Capabilities().MutatesData }

func (c *chain) stop(ctx context.Context) error {
	var errs []error
	for _, p := range c.parts {
		errs = append(errs, p.Shutdown(ctx))
	}
	return errors.Join(errs...)
}

// settings are a component's part of a Collector's configuration file.
type settings map[string]any

// procSpec is a processor and its settings.
type procSpec struct {
	factory processor.Factory
	conf    settings
}

// startExporter builds and starts processors, in order, and the exporter.
func startExporter(ctx context.Context, f exporter.Factory, conf settings, procs ...procSpec) (*chain, error) {
	cfg, err := configure(f, conf)
	if err != nil {
		return nil, err
	}
	e, err := f.CreateLogs(ctx, exportertest.NewNopSettings(f.Type()), cfg)
	if err != nil {
		return nil, fmt.Errorf("creating the exporter %s: %w", f.Type(), err)
	}
	if err := e.Start(ctx, componenttest.NewNopHost()); err != nil {
		return nil, fmt.Errorf("starting the exporter %s: %w", f.Type(), err)
	}
	return startBefore(ctx, &chain{first: e, parts: []component.Component{e}}, procs)
}

// startProcessors builds and starts processors in front of next.
func startProcessors(ctx context.Context, next consumer.Logs, procs ...procSpec) (*chain, error) {
	return startBefore(ctx, &chain{first: next}, procs)
}

func startBefore(ctx context.Context, c *chain, procs []procSpec) (*chain, error) {
	for i := len(procs) - 1; i >= 0; i-- {
		f := procs[i].factory
		cfg, err := configure(f, procs[i].conf)
		if err != nil {
			return nil, errors.Join(err, c.stop(ctx))
		}
		p, err := f.CreateLogs(ctx, processortest.NewNopSettings(f.Type()), cfg, c.first)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("creating the processor %s: %w", f.Type(), err), c.stop(ctx))
		}
		if err := p.Start(ctx, componenttest.NewNopHost()); err != nil {
			return nil, errors.Join(fmt.Errorf("starting the processor %s: %w", f.Type(), err), c.stop(ctx))
		}
		c.first = p
		c.parts = append([]component.Component{p}, c.parts...)
	}
	return c, nil
}

// configure reads settings the way the Collector reads its file.
func configure(f component.Factory, conf settings) (component.Config, error) {
	cfg := f.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(conf).Unmarshal(&cfg); err != nil {
		return nil, fmt.Errorf("settings of %s: %w", f.Type(), err)
	}
	if err := confmap.Validate(cfg); err != nil {
		return nil, fmt.Errorf("settings of %s: %w", f.Type(), err)
	}
	return cfg, nil
}
