// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/internal/payload/sdkpayload"
	"github.com/auditchain/auditchain/processor/redact"
)

// kept keeps the record as it came.
type kept struct{ rec sdklog.Record }

func (*kept) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (k *kept) OnEmit(_ context.Context, r *sdklog.Record) error {
	k.rec = r.Clone()
	return nil
}
func (*kept) Shutdown(context.Context) error   { return nil }
func (*kept) ForceFlush(context.Context) error { return nil }

// attributesOf is a JSON object as attributes.
func attributesOf(m map[string]any) (kvs []attribute.KeyValue) {
	for k, v := range m {
		kvs = append(kvs, attribute.KeyValue{Key: attribute.Key(k), Value: valueOf(v)})
	}
	return attribute.MapValue(kvs...).AsMap() // in a fixed order
}

func valueOf(v any) attribute.Value {
	switch v := v.(type) {
	case string:
		return attribute.StringValue(v)
	case float64:
		return attribute.Float64Value(v)
	case bool:
		return attribute.BoolValue(v)
	case map[string]any:
		return attribute.MapValue(attributesOf(v)...)
	case []any:
		texts := make([]string, 0, len(v))
		list := make([]attribute.Value, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				texts = append(texts, s)
			}
			list = append(list, valueOf(e))
		}
		if len(texts) == len(v) {
			return attribute.StringSliceValue(texts)
		}
		return attribute.SliceValue(list...)
	}
	return attribute.Value{}
}

// A record is sealed alike whether the exporter alone redacts it or a Processor
// did so before, what it says was masked among that. Where a key is masked, a
// map may be in another order, for the SDK sorts it by its keys.
func TestSealedAlikeBehindTheProcessor(t *testing.T) {
	r := newRedactor(t)
	o := payloadtest.Options()
	o.Redactor = r
	encode := func(rec sdklog.Record) (string, []redact.KindCount) {
		// Of its own, so that ids come out the same.
		res := sdkpayload.New(o).Encode([]sdklog.Record{rec})
		defer res.Release()
		return string(res.Records[0].Payload), res.Redactions()
	}
	raw, masked := new(kept), new(kept)
	logger := provider(raw, New(r, masked)).Logger("test")

	f, err := os.Open("../redact/testdata/recall.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	said, n := 0, 0
	for sc.Scan() {
		n++
		if testing.Short() && n%10 != 0 {
			continue
		}
		var sample struct{ Line string }
		var m map[string]any
		if err := json.Unmarshal(sc.Bytes(), &sample); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(sample.Line), &m); err != nil {
			t.Fatal(err)
		}
		kvs := attributesOf(m)
		for shape, put := range map[string]func(*log.Record){
			"body text":  func(r *log.Record) { r.SetBody(attribute.StringValue(sample.Line)) },
			"body map":   func(r *log.Record) { r.SetBody(attribute.MapValue(kvs...)) },
			"attributes": func(r *log.Record) { r.AddAttributes(kvs...) },
			"texts":      func(r *log.Record) { r.SetEventName("audit." + sample.Line); r.SetSeverityText(sample.Line) },
			"bytes":      func(r *log.Record) { r.AddAttributes(attribute.ByteSlice("b", []byte(sample.Line))) },
			"pair": func(r *log.Record) {
				r.AddAttributes(attribute.String("name", "DB_PASSWORD"), attribute.String("value", sample.Line))
				r.SetBody(attribute.MapValue(attribute.String("key", "token"), attribute.String("value", sample.Line)))
			},
		} {
			rec := record()
			put(&rec)
			logger.Emit(t.Context(), rec)
			want, _ := encode(raw.rec)
			got, again := encode(masked.rec)
			if want != got {
				t.Fatalf("%s (-alone +behind):\n%s", shape, cmp.Diff(want, got))
			}
			if len(again) != 0 {
				t.Fatalf("%s: behind the processor %v is masked in %s", shape, again, got)
			}
			if strings.Contains(got, `,"redacted":{`) {
				said++
			}
		}
	}
	if err := sc.Err(); err != nil || n < 1000 || said < n/2 {
		t.Fatalf("%d lines, of which %d say that something was masked (%v)", n, said, err)
	}
}

// The name of a pair says what its value is, in attributes and in maps.
func TestPairs(t *testing.T) {
	next := new(last)
	p := &errs{Processor: New(newRedactor(t), next)}
	rec := record(
		attribute.String("value", "hunter2"), attribute.Int("values", 7), attribute.String("name", "DB_PASSWORD"),
		attribute.Map("env", attribute.String("value", "hunter2"), attribute.String("key", "API_TOKEN")),
		attribute.Map("plain", attribute.String("value", "3"), attribute.String("name", "replicas")),
	)
	provider(p).Logger("test").Emit(t.Context(), rec)
	got := map[string]string{}
	next.rec.WalkAttributes(func(kv attribute.KeyValue) bool { got[string(kv.Key)] = kv.Value.String(); return true })
	want := map[string]string{
		"value": "[REDACTED:password]", "values": "[REDACTED:password]", "name": "DB_PASSWORD",
		"env":   `{"key":"API_TOKEN","value":"[REDACTED:token]"}`,
		"plain": `{"name":"replicas","value":"3"}`,
	}
	delete(got, "empty") // of the next processor
	if diff := cmp.Diff(want, got); diff != "" || p.err != nil {
		t.Errorf("error %v, -want +got:\n%s", p.err, diff)
	}
}
