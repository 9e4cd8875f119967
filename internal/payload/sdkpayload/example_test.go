// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package sdkpayload_test

import (
	"context"
	"fmt"
	"time"

	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/sdkpayload"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
)

// printer is an exporter that prints payloads.
type printer struct{ enc *sdkpayload.Encoder }

func (p printer) Export(_ context.Context, recs []sdklog.Record) error {
	res := p.enc.Encode(recs)
	defer res.Release()
	for _, r := range res.Records {
		fmt.Println(string(r.Payload[:r.ContentTo]))
	}
	return nil
}
func (printer) Shutdown(context.Context) error   { return nil }
func (printer) ForceFlush(context.Context) error { return nil }

func ExampleEncoder_Encode() {
	exporter := printer{sdkpayload.New(payload.Options{})}
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(resource.Empty()),
		sdklog.WithProcessor(sdklog.NewSimpleProcessor(exporter)))

	var r log.Record
	r.SetEventName("audit.session_ended")
	r.SetTimestamp(time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC))
	r.AddAttributes(
		attribute.String("audit.event.status", "completed"),
		attribute.String("audit.record.id", "019a0000-0000-7000-8000-0000000000aa"),
	)
	provider.Logger("example").Emit(context.Background(), r)
	// Output:
	// {"timestamp":"2026-11-23T10:15:00.000000000Z","session_id":"","event":{"type":"session_ended","status":"completed"},"id":"019a0000-0000-7000-8000-0000000000aa","scope":{"name":"example"}
}
