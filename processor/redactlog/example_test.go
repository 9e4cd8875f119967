// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
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
