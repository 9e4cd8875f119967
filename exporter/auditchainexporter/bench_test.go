// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
)

// BenchmarkConsumeLogs is the whole exporter, redaction and chain included.
func BenchmarkConsumeLogs(b *testing.B) {
	for _, fsync := range []string{"never", "always"} {
		for _, size := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("fsync=%s/batch=%d", fsync, size), func(b *testing.B) {
				f := newFixture(b, func(c *Config) { c.Fsync = fsync })
				f.inner.fs = nil
				f.start(b)
				ld := benchLogs(size)
				ld.MarkReadOnly()
				b.ReportAllocs()
				for b.Loop() {
					if err := f.ConsumeLogs(context.Background(), ld); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

// BenchmarkLastLine is what redaction costs in the exporter: on records without
// secrets, on those that a processor has redacted already, and on those that
// nobody has. The three have the same length, but for the markers.
func BenchmarkLastLine(b *testing.B) {
	const size = 100
	var secrets [size][2]string
	for i := range secrets {
		secrets[i] = [2]string{fmt.Sprintf("ghp_%036d", i), fmt.Sprintf("hunter2-%08d", i)}
	}
	for name, with := range map[string]func(i int) (token, password string){
		"clean": func(i int) (string, string) { return fmt.Sprintf("part-%036d", i), "[REDACTED]" },
		"redacted": func(int) (string, string) {
			return "[REDACTED:github-token:1a2b3c4d:a1b2c3d4e5f6]", "[REDACTED:password]"
		},
		"raw": func(i int) (string, string) { return secrets[i][0], secrets[i][1] },
	} {
		b.Run(name, func(b *testing.B) {
			f := newFixture(b, func(c *Config) { c.Fsync = "never" })
			f.inner.fs = nil
			f.start(b)
			ld := benchLogs(size)
			for i, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
				token, password := with(i)
				lr.Attributes().PutStr("note", "pushed with "+token+" by the agent")
				lr.Attributes().PutStr("password", password)
			}
			ld.MarkReadOnly()
			b.ReportAllocs()
			for b.Loop() {
				if err := f.ConsumeLogs(context.Background(), ld); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// benchLogs makes records of about 650 bytes as protobuf.
func benchLogs(n int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "deploy-agent")
	rl.Resource().Attributes().PutStr("service.version", "2.4.1")
	rl.Resource().Attributes().PutStr("host.name", "build-07.prod.example")
	rl.Resource().Attributes().PutStr("deployment.environment.name", "production")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("example.com/agent/audit")
	for i := range n {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(1_795_400_000_000_000_000)
		lr.SetObservedTimestamp(1_795_400_000_000_037_000)
		lr.SetSeverityNumber(plog.SeverityNumberInfo)
		lr.SetSeverityText("INFO")
		lr.SetEventName("audit.api_call")
		a := lr.Attributes()
		a.PutStr("session.id", fmt.Sprintf("9f0c1d5e-6b7a-4c3d-8e2f-%012d", i))
		a.PutStr("cloud.provider", "aws")
		a.PutStr("gen_ai.agent.id", "planner-3")
		a.PutStr("audit.actor.id", "alice@corp.example")
		a.PutStr("audit.action", "s3:PutObject")
		a.PutStr("audit.outcome", "success")
		a.PutStr("audit.target.id", fmt.Sprintf("arn:aws:s3:::invoices-archive/%06d", i))
		a.PutInt("audit.event.duration_ms", int64(100+i))
		m := lr.Body().SetEmptyMap()
		m.PutStr("summary", "object stored by the agent")
		req := m.PutEmptyMap("request")
		req.PutStr("id", fmt.Sprintf("3d1c5c34-9a1f-4f3a-9d5c-%012d", i))
		req.PutStr("region", "eu-west-1")
		req.PutStr("object", fmt.Sprintf("2026/11/23/part-%05d.parquet", i))
		req.PutBool("encrypted", true)
		src := m.PutEmptyMap("source")
		src.PutStr("address", "10.123.45.67")
		src.PutStr("user_agent", "aws-sdk-go-v2/1.32 os/linux")
		resp := m.PutEmptyMap("response")
		resp.PutInt("status", 200)
		resp.PutInt("bytes", 123456)
	}
	return ld
}
