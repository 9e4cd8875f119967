// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package sdkpayload_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/internal/payload/sdkpayload"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

func toTime(ns uint64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(int64(ns/1e9), int64(ns%1e9))
}

// toSDK is r as a record of the SDK; false where the SDK makes no such record.
func toSDK(t testing.TB, r payload.LogRecord) (sdklog.Record, bool) {
	t.Helper()
	res, sc := resource.Empty(), instrumentation.Scope{}
	if g := r.Resource; g != nil {
		res = resource.NewWithAttributes(g.SchemaURL, g.Attributes...)
		if g.Dropped != 0 || cmp.Diff(res.Attributes(), g.Attributes, cmp.Comparer(sameValue), cmpopts.EquateEmpty()) != "" {
			return sdklog.Record{}, false
		}
	}
	if g := r.Scope; g != nil {
		sc = instrumentation.Scope{Name: g.Name, Version: g.Version, SchemaURL: g.SchemaURL, Attributes: attribute.NewSet(g.Attributes...)}
		if g.Dropped != 0 || sc.Attributes.Len() != len(g.Attributes) {
			return sdklog.Record{}, false
		}
	}
	if r.Flags > math.MaxUint8 || r.Dropped != 0 {
		return sdklog.Record{}, false
	}
	rec := emit(t, res, sc, func(l *log.Record) {
		l.SetEventName(r.EventName)
		l.SetTimestamp(toTime(r.Timestamp))
		l.SetSeverity(log.Severity(r.Severity))
		l.SetSeverityText(r.SeverityText)
		l.SetBody(r.Body)
		l.AddAttributes(r.Attributes...)
	})
	rec.SetObservedTimestamp(toTime(r.Observed))
	rec.SetTraceID(trace.TraceID(r.TraceID))
	rec.SetSpanID(trace.SpanID(r.SpanID))
	rec.SetTraceFlags(trace.TraceFlags(r.Flags))
	return rec, rec.AttributesLen() == len(r.Attributes)
}

// emit sends a record through the SDK and returns what its processors see.
func emit(t testing.TB, res *resource.Resource, sc instrumentation.Scope, f func(*log.Record)) sdklog.Record {
	t.Helper()
	return emitAll(t, res, sc, 1, func(r *log.Record, _ int) { f(r) })[0]
}

// emitAll sends n records through one logger.
func emitAll(t testing.TB, res *resource.Resource, sc instrumentation.Scope, n int, f func(*log.Record, int)) []sdklog.Record {
	t.Helper()
	var c capture
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(&c), sdklog.WithResource(res), sdklog.WithAllowKeyDuplication(),
		sdklog.WithAttributeCountLimit(-1), sdklog.WithAttributeValueLengthLimit(-1), sdklog.WithAttributeValueDepthLimit(-1))
	l := p.Logger(sc.Name, log.WithInstrumentationVersion(sc.Version), log.WithSchemaURL(sc.SchemaURL), log.WithInstrumentationAttributeSet(sc.Attributes))
	for i := range n {
		var r log.Record
		f(&r, i)
		l.Emit(context.Background(), r)
	}
	if len(c.recs) != n {
		t.Fatalf("the SDK made %d records of %d", len(c.recs), n)
	}
	return c.recs
}

type capture struct{ recs []sdklog.Record }

func (c *capture) OnEmit(_ context.Context, r *sdklog.Record) error {
	c.recs = append(c.recs, r.Clone())
	return nil
}
func (c *capture) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (c *capture) Shutdown(context.Context) error                         { return nil }
func (c *capture) ForceFlush(context.Context) error                       { return nil }

func sameValue(a, b attribute.Value) bool { return a == b }

func TestGolden(t *testing.T) {
	enc := sdkpayload.New(payloadtest.Options())
	ran := 0
	for _, c := range payloadtest.Cases() {
		rec, ok := toSDK(t, c.Record)
		if !ok {
			continue
		}
		ran++
		res := enc.Encode([]sdklog.Record{rec})
		if len(res.Records) != 1 {
			t.Fatalf("%s: %d records of one", c.Name, len(res.Records))
		}
		if diff := cmp.Diff(c.Line(), string(res.Records[0].Payload)); diff != "" {
			t.Errorf("%s: payload (-want +got):\n%s", c.Name, diff)
		}
		if err := payloadtest.Check(res.Records[0]); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		res.Release()
	}
	if ran < 80 {
		t.Errorf("only %d golden records can be made in the SDK", ran)
	}
}

// Many records of several resources and scopes, encoded in parallel, are what
// each is alone.
func TestBatch(t *testing.T) {
	redactor, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	o := payloadtest.Options()
	o.Redactor = redactor
	var recs []sdklog.Record
	for i := range 500 {
		res := resource.NewSchemaless(attribute.Int("r", i/100))
		if i%3 == 0 {
			res = resource.Empty()
		}
		sc := instrumentation.Scope{Name: fmt.Sprint(i / 50), Attributes: attribute.NewSet(attribute.Int("s", i/25))}
		recs = append(recs, emit(t, res, sc, func(r *log.Record) {
			r.SetEventName("audit.x")
			r.SetTimestamp(payloadtest.At.Add(time.Duration(i)))
			r.AddAttributes(attribute.Int("audit.event.i", i), attribute.String("password", "hunter2hunter2"))
		}))
	}
	enc := sdkpayload.New(o)
	for range 2 {
		res := enc.Encode(recs)
		if len(res.Records) != len(recs) {
			t.Fatalf("%d records of %d", len(res.Records), len(recs))
		}
		for i := range recs {
			alone := sdkpayload.New(o).Encode(recs[i : i+1])
			if diff := cmp.Diff(string(alone.Records[0].Payload), string(res.Records[i].Payload)); diff != "" {
				t.Fatalf("record %d (-alone +in the batch):\n%s", i, diff)
			}
		}
		if diff := cmp.Diff([]redact.KindCount{{Kind: "password", N: 500}}, res.Redactions()); diff != "" {
			t.Errorf("redactions (-want +got):\n%s", diff)
		}
		res.Release()
	}
}

// Times that the data model cannot hold are left out, not bent.
func TestTimes(t *testing.T) {
	enc := sdkpayload.New(payloadtest.Options())
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "2026-11-23T10:15:01.123456789Z"},
		{time.Date(1969, 12, 31, 23, 59, 59, 999999999, time.UTC), "2026-11-23T10:15:01.123456789Z"},
		{time.Unix(0, 1), "1970-01-01T00:00:00.000000001Z"},
		{time.Date(2026, 11, 23, 11, 0, 0, 5, time.FixedZone("", 3600)), "2026-11-23T10:00:00.000000005Z"},
		{time.Date(2554, 7, 21, 0, 0, 0, 0, time.UTC), "2554-07-21T00:00:00.000000000Z"},
		{time.Date(2555, 1, 1, 0, 0, 0, 0, time.UTC), "2026-11-23T10:15:01.123456789Z"},
		{time.Date(200000, 1, 1, 0, 0, 0, 0, time.UTC), "2026-11-23T10:15:01.123456789Z"},
	} {
		var rec sdklog.Record
		rec.SetTimestamp(c.at)
		res := enc.Encode([]sdklog.Record{rec})
		if got := string(res.Records[0].Payload[14 : 14+30]); got != c.want {
			t.Errorf("%v is written %s, want %s", c.at, got, c.want)
		}
		res.Release()
	}
}

func BenchmarkEncode(b *testing.B) {
	redactor, err := redact.New(redact.Config{})
	if err != nil {
		b.Fatal(err)
	}
	res := resource.NewSchemaless(attribute.String("service.name", "deploy-agent"), attribute.String("host.name", "build-07.prod.example"))
	sc := instrumentation.Scope{Name: "example.com/agent/audit"}
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			recs := emitAll(b, res, sc, n, func(r *log.Record, i int) {
				r.SetEventName("audit.api_call")
				r.SetTimestamp(payloadtest.At)
				r.SetBody(attribute.StringValue("PutObject by alice@corp.example: success"))
				r.AddAttributes(attribute.String("session.id", fmt.Sprint("s-", i)), attribute.String("cloud.provider", "aws"),
					attribute.Int("audit.event.ms", i), attribute.String("audit.outcome", "success"),
					attribute.String("audit.actor.id", "alice@corp.example"))
			})
			enc := sdkpayload.New(payload.Options{Redactor: redactor})
			b.ReportAllocs()
			for b.Loop() {
				enc.Encode(recs).Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
		})
	}
}
