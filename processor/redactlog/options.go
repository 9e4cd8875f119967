// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
)

// Option configures a Processor or a Reporter.
type Option interface {
	apply(*config)
}

type config struct {
	meters metric.MeterProvider
}

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// WithMeterProvider sets where the metrics go. By default, as with what the
// OpenTelemetry SDK says of itself, that is the global provider: nothing is
// counted until an application has set one, also later, and what failed shows
// without anybody having had to think of it here. A nil p stands for the default;
// to have no metrics, give noop.NewMeterProvider().
func WithMeterProvider(p metric.MeterProvider) Option {
	return optionFunc(func(c *config) { c.meters = p })
}

func newConfig(opts []Option) config {
	var c config
	for _, o := range opts {
		o.apply(&c)
	}
	if c.meters == nil {
		c.meters = otel.GetMeterProvider()
	}
	return c
}
