// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payloadtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Logs returns n records as the benchmarks use them: 8 attributes, a nested
// body, 4 resource attributes, 658 bytes as protobuf. No two are the same.
func Logs(n int) plog.Logs {
	rnd := rand.New(rand.NewPCG(1, 2))
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	m := rl.Resource().Attributes()
	m.PutStr("service.name", "deploy-agent")
	m.PutStr("service.version", "2.4.1")
	m.PutStr("host.name", "build-07.prod.example")
	m.PutStr("deployment.environment", "production")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("example.com/agent/audit")
	for i := range n {
		fill(sl.LogRecords().AppendEmpty(), rnd, i)
	}
	return ld
}

func fill(lr plog.LogRecord, rnd *rand.Rand, n int) {
	at := time.Date(2026, 11, 23, 10, 15, 0, n*1000, time.UTC)
	lr.SetTimestamp(plogTime(at))
	lr.SetObservedTimestamp(plogTime(at.Add(37 * time.Microsecond)))
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	lr.SetEventName("audit.api_call")
	a := lr.Attributes()
	a.PutStr("session.id", randomUUID(rnd))
	a.PutStr("cloud.provider", "aws")
	a.PutStr("gen_ai.agent.id", fmt.Sprintf("planner-%d", rnd.IntN(10)))
	a.PutStr("audit.actor.id", fmt.Sprintf("user%d@corp.example", rnd.IntN(10)))
	a.PutStr("audit.action", "s3:PutObject")
	a.PutStr("audit.outcome", "success")
	a.PutStr("audit.target.id", fmt.Sprintf("arn:aws:s3:::invoices/%06d", rnd.IntN(1_000_000)))
	a.PutInt("audit.event.ms", int64(100+rnd.IntN(900)))
	b := lr.Body().SetEmptyMap()
	req := b.PutEmptyMap("request")
	req.PutStr("id", randomUUID(rnd))
	req.PutStr("user_agent", fmt.Sprintf("aws-sdk-go-v2/1.32.6 os/linux lang/go from 10.%03d.%03d.%03d",
		100+rnd.IntN(100), 100+rnd.IntN(100), 100+rnd.IntN(100)))
	req.PutStr("path", fmt.Sprintf("/invoices/2026/11/%06d.pdf", rnd.IntN(1_000_000)))
	res := b.PutEmptyMap("response")
	res.PutInt("status", 200)
	res.PutInt("bytes", int64(rnd.IntN(100_000)))
	res.PutDouble("seconds", float64(rnd.IntN(10_000))/1000)
	res.PutBool("cached", false)
	tags := res.PutEmptySlice("tags")
	tags.AppendEmpty().SetStr("prod")
	tags.AppendEmpty().SetStr("eu-central-1")
}

func randomUUID(rnd *rand.Rand) string {
	var u uuid.UUID
	for i := range u {
		u[i] = byte(rnd.Uint32())
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}
