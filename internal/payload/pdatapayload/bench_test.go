// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package pdatapayload

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/processor/redact"
)

func BenchmarkEncode(b *testing.B) {
	redactor, err := redact.New(redact.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for _, o := range []struct {
		name string
		Options
	}{{"redacted", Options{Redactor: redactor}}, {"plain", Options{}}} {
		for _, n := range []int{1, 100, 1000} {
			for _, procs := range []int{1, runtime.NumCPU()} {
				b.Run(fmt.Sprintf("%s/batch=%d/cores=%d", o.name, n, procs), func(b *testing.B) {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
					ld := payloadtest.Logs(n)
					enc := New(o.Options)
					b.ReportAllocs()
					bytes := 0
					for b.Loop() {
						res := enc.Encode(ld)
						bytes = len(res.Records[0].Payload)
						res.Release()
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
					b.ReportMetric(float64(bytes), "bytes/record")
				})
			}
		}
	}
}
