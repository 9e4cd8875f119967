// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/processor/redact"
	"github.com/auditchain/auditchain/processor/redactlog"
)

func Example() {
	r, err := redact.New(redact.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := redactlog.Resource(r, resource.NewSchemaless(attribute.String("process.command_line", "deploy --token hunter2secret")))
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := sdklog.NewLoggerProvider(
		sdklog.WithResource(res),
		// In a program: the processor that exports, such as sdklog.NewBatchProcessor(exporter).
		sdklog.WithProcessor(redactlog.New(r, sdklog.NewSimpleProcessor(printer{}))),
	)
	defer provider.Shutdown(context.Background())

	var rec log.Record
	rec.SetBody(attribute.StringValue("command was run"))
	rec.AddAttributes(attribute.StringSlice("process.command_args", []string{"mysql", "--password", "hunter2", "app"}))
	redactlog.Logger(r, provider, "example.com/deploy").Emit(context.Background(), rec)
	// Output:
	// process.command_line: deploy --token [REDACTED:token]
	// process.command_args: ["mysql","--password","[REDACTED:password]","app"]
}

type printer struct{}

func (printer) Export(_ context.Context, records []sdklog.Record) error {
	for _, r := range records {
		v, _ := r.Resource().Set().Value("process.command_line")
		fmt.Println("process.command_line:", v.AsString())
		r.WalkAttributes(func(kv attribute.KeyValue) bool {
			fmt.Printf("%s: %s\n", kv.Key, kv.Value.String())
			return true
		})
	}
	return nil
}

func (printer) Shutdown(context.Context) error   { return nil }
func (printer) ForceFlush(context.Context) error { return nil }

// A new policy is tried beside the one that masks: what it would mask is counted.
func ExampleNewReporter() {
	ctx := context.Background()
	r, err := redact.New(redact.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	trial, err := redact.New(redact.Config{SensitiveKeys: []string{"badge_number"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	reader := sdkmetric.NewManualReader() // in a program: a periodic reader with an exporter
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(redactlog.NewReporter(trial, redactlog.WithMeterProvider(meters))),
		sdklog.WithProcessor(redactlog.New(r, sdklog.NewSimpleProcessor(badges{}))),
	)
	defer provider.Shutdown(ctx)

	var rec log.Record
	rec.AddAttributes(attribute.String("badge_number", "4711-0815"))
	provider.Logger("example.com/door").Emit(ctx, rec)

	var rm metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &rm); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range rm.ScopeMetrics[0].Metrics {
		for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
			fmt.Println(m.Name, p.Attributes.Encoded(attribute.DefaultEncoder()), p.Value)
		}
	}
	// Output:
	// exported: 4711-0815
	// audit.redaction.records_reported  1
	// audit.redaction.values_reported kind=secret 1
}

type badges struct{ printer }

func (badges) Export(_ context.Context, records []sdklog.Record) error {
	for _, r := range records {
		r.WalkAttributes(func(kv attribute.KeyValue) bool {
			fmt.Printf("exported: %s\n", kv.Value.String())
			return true
		})
	}
	return nil
}
