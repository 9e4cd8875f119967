// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"fmt"
	"time"

	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/processor/redact"
	"go.opentelemetry.io/otel/attribute"
)

func ExampleEncoder() {
	redactor, err := redact.New(redact.Config{})
	if err != nil {
		panic(err)
	}
	enc := payload.NewEncoder(payload.Options{Redactor: redactor})
	var b payload.Batch
	enc.Append(&b, &payload.LogRecord{
		Timestamp: uint64(time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC).UnixNano()),
		EventName: "audit.command_run",
		Attributes: []attribute.KeyValue{
			attribute.StringSlice("audit.event.command", []string{"mysql", "--password", "hunter2hunter2"}),
			attribute.String("audit.record.id", "019a0000-0000-7000-8000-0000000000aa"),
			attribute.String("session.id", "s1"),
		},
	})
	r := b.Records()[0]
	fmt.Println(string(r.Payload[:r.ContentTo]))
	fmt.Println(r.ID, r.Idempotent)
	// Output:
	// {"timestamp":"2026-11-23T10:15:00.000000000Z","session_id":"s1","event":{"type":"command_run","command":["mysql","--password","[REDACTED:password]"]},"id":"019a0000-0000-7000-8000-0000000000aa","redacted":{"password":1}
	// 019a0000-0000-7000-8000-0000000000aa true
}
