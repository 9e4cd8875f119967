// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package pdatapayload_test

import (
	"fmt"

	"github.com/auditchain/auditchain/internal/payload/pdatapayload"
	"go.opentelemetry.io/collector/pdata/plog"
)

func ExampleEncoder_Encode() {
	ld := plog.NewLogs()
	lr := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	lr.SetTimestamp(1_000_000_001)
	lr.SetEventName("audit.session_ended")
	lr.Attributes().PutStr("audit.event.status", "completed")
	lr.Attributes().PutStr("audit.record.id", "019a0000-0000-7000-8000-0000000000aa")

	enc := pdatapayload.New(pdatapayload.Options{})
	res := enc.Encode(ld)
	defer res.Release()
	for _, r := range res.Records {
		fmt.Println(string(r.Payload[:r.ContentTo]))
	}
	// Output:
	// {"timestamp":"1970-01-01T00:00:01.000000001Z","session_id":"","event":{"type":"session_ended","status":"completed"},"id":"019a0000-0000-7000-8000-0000000000aa"
}
