// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/auditchain/auditchain/processor/auditredactionprocessor"
)

// A Collector does this with what its configuration says.
func ExampleNewFactory() {
	ctx := context.Background()
	exporter, err := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error {
		lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		fmt.Println(lr.Body().Str())
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	factory := auditredactionprocessor.NewFactory()
	p, err := factory.CreateLogs(ctx, processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig(), exporter)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := p.Start(ctx, componenttest.NewNopHost()); err != nil {
		fmt.Println(err)
		return
	}
	defer p.Shutdown(ctx)

	ld := plog.NewLogs()
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	lr.Body().SetStr("ran: mysql --password=hunter2 app")
	if err := p.ConsumeLogs(ctx, ld); err != nil {
		fmt.Println(err)
	}
	// Output: ran: mysql --password=[REDACTED:password] app
}
