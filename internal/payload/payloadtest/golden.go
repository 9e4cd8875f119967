// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payloadtest

import (
	"math"
	"strings"
	"time"

	"github.com/auditchain/auditchain/internal/payload"
	"go.opentelemetry.io/otel/attribute"
)

// At is the time of the golden records, and the writer's clock a second later.
var (
	At    = time.Date(2026, 11, 23, 10, 15, 0, 123456789, time.UTC)
	Clock = At.Add(time.Second)
)

// Options are those that the golden lines were written for: a clock that
// stands still and bytes of randomness that are all zero.
func Options() payload.Options {
	return payload.Options{Now: func() time.Time { return Clock }, Rand: zeros{}}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Case is a record and the payload that docs/SPEC.md wants for it. In Want,
// line breaks and the blanks that follow them are for the reader.
type Case struct {
	Name   string
	Record payload.LogRecord
	Want   string
	// NoIdentity says that reading back does not give Record, and why.
	NoIdentity string
}

// Line is Want as the one line that it is.
func (c *Case) Line() string { return line(c.Want) }

func line(s string) string {
	var b strings.Builder
	for l := range strings.Lines(s) {
		b.WriteString(strings.TrimSuffix(strings.TrimLeft(l, " \t"), "\n"))
	}
	return b.String()
}

const (
	givenID = "019a0000-0000-7000-8000-0000000000aa"
	stamp   = `{"timestamp":"2026-11-23T10:15:00.123456789Z",`
	filled  = `{"timestamp":"2026-11-23T10:15:01.123456789Z",`
	newID   = `"id":"01a207e6-e103-7000-8000-000000000000"`
	end     = `"filled":["id"],"blind":"AAAAAAAAAAAAAAAAAAAAAA"`
	logOf   = `"session_id":"","event":{"type":"log"},"event_name":"",` + newID + `,`
)

func at() uint64 { return uint64(At.UnixNano()) }

// rec is a record at At with these attributes.
func rec(attrs ...attribute.KeyValue) payload.LogRecord {
	return payload.LogRecord{Timestamp: at(), Attributes: attrs}
}

func (c Case) with(f func(r *payload.LogRecord)) Case {
	f(&c.Record)
	return c
}

func body(name string, v attribute.Value, want string) Case {
	r := rec()
	r.Body = v
	return Case{Name: "body/" + name, Record: r, Want: stamp + logOf + want + end}
}

func attr(name string, want string, kvs ...attribute.KeyValue) Case {
	return Case{Name: "attributes/" + name, Record: rec(kvs...), Want: stamp + logOf + `"attributes":` + want + `,` + end}
}

// Cases returns the golden records.
func Cases() []Case {
	var all []Case
	for _, f := range []func() []Case{wholes, values, sessions, events, ids, times, bodies, groups} {
		all = append(all, f()...)
	}
	return all
}

func wholes() []Case {
	full := payload.LogRecord{
		Timestamp: at(), Observed: at() + 3211, Severity: 9, SeverityText: "INFO",
		EventName: "audit.session_ended",
		TraceID:   [16]byte{0: 0x0a, 15: 0xff}, SpanID: [8]byte{7: 1}, Flags: 1,
		Body: attribute.StringValue("session ended: completed"),
		Attributes: []attribute.KeyValue{
			attribute.String("audit.event.status", "completed"),
			attribute.Int64("audit.event.duration_seconds", 12),
			attribute.Int64("audit.event.exit_code", 0),
			attribute.String("audit.record.id", givenID),
			attribute.String("log.record.uid", givenID),
			attribute.String("session.id", "s-1"),
			attribute.String("cloud.provider", "aws"),
			attribute.String("audit.outcome", "success"),
		},
		Dropped:  2,
		Resource: &payload.Group{Attributes: []attribute.KeyValue{attribute.String("service.name", "x")}, Dropped: 1, SchemaURL: "https://example.com/1"},
		Scope: &payload.Group{Name: "n", Version: "v1", Attributes: []attribute.KeyValue{attribute.Bool("b", true)},
			Dropped: 4, SchemaURL: "https://example.com/2"},
	}
	return []Case{
		{Name: "whole/every member", Record: full, Want: stamp + `
			"session_id":"s-1","provider":"aws",
			"event":{"type":"session_ended","status":"completed","duration_seconds":12,"exit_code":0},
			"id":"019a0000-0000-7000-8000-0000000000aa","severity":9,"severity_text":"INFO",
			"trace_id":"0a0000000000000000000000000000ff","span_id":"0000000000000001","flags":1,
			"body":"session ended: completed",
			"resource":{"attributes":{"service.name":"x"},"dropped":1,"schema_url":"https://example.com/1"},
			"scope":{"name":"n","version":"v1","attributes":{"b":true},"dropped":4,"schema_url":"https://example.com/2"},
			"attributes":{"log.record.uid":"019a0000-0000-7000-8000-0000000000aa","audit.outcome":"success"},
			"dropped":2,"observed":"2026-11-23T10:15:00.123460000Z","blind":"AAAAAAAAAAAAAAAAAAAAAA"`},
		{Name: "whole/nothing", Want: filled + logOf + `"filled":["timestamp","id"],"blind":"AAAAAAAAAAAAAAAAAAAAAA"`},
		Case{Name: "whole/unknown severity and all flags", Record: rec(), Want: stamp + logOf + `"severity":-2147483648,"flags":4294967295,` + end}.
			with(func(r *payload.LogRecord) { r.Severity, r.Flags = math.MinInt32, math.MaxUint32 }),
		Case{Name: "whole/texts that are not UTF-8", Record: rec(), Want: stamp + `"session_id":"","event":{"type":"log"},
			"event_name":{"$string":"//4="},` + newID + `,"severity_text":{"$string":"//4="},` + end}.
			with(func(r *payload.LogRecord) { r.EventName, r.SeverityText = "\xff\xfe", "\xff\xfe" }),
	}
}

func values() []Case {
	kv := func(v attribute.Value) attribute.KeyValue { return attribute.KeyValue{Key: "k", Value: v} }
	double := func(f float64, want string) Case {
		return attr("double "+want, `{"k":`+want+`}`, attribute.Float64("k", f))
	}
	m := attribute.MapValue
	return []Case{
		attr("string", `{"k":"a\"b\\c\b\f\n\r\t\u0000\u001f/<&>é`+"\x7f\u2028"+`"}`, attribute.String("k", "a\"b\\c\b\f\n\r\t\x00\x1f/<&>é\x7f\u2028")),
		attr("string not UTF-8", `{"k":{"$string":"Yf9i"}}`, attribute.String("k", "a\xffb")),
		attr("surrogate half", `{"k":{"$string":"7aCA"}}`, attribute.String("k", "\xed\xa0\x80")),
		attr("empty string", `{"k":""}`, attribute.String("k", "")),
		attr("bools", `{"k":[true,false]}`, attribute.BoolSlice("k", []bool{true, false})),
		attr("ints", `{"k":[-9223372036854775808,0,9223372036854775807]}`, attribute.Int64Slice("k", []int64{math.MinInt64, 0, math.MaxInt64})),
		double(1, "1.0"), double(-1, "-1.0"), double(0, "0.0"), double(math.Copysign(0, -1), "-0.0"),
		double(0.1, "0.1"), double(8.5, "8.5"), double(1e15, "1000000000000000.0"), double(123456789012345680, "123456789012345680.0"),
		double(1e20, "100000000000000000000.0"), double(1e21, "1e+21"), double(-1e21, "-1e+21"),
		double(1e-6, "0.000001"), double(1e-7, "1e-7"), double(1.5e-10, "1.5e-10"),
		double(math.MaxFloat64, "1.7976931348623157e+308"), double(math.SmallestNonzeroFloat64, "5e-324"),
		double(math.NaN(), `{"$double":"NaN"}`), double(math.Inf(1), `{"$double":"Infinity"}`), double(math.Inf(-1), `{"$double":"-Infinity"}`),
		attr("doubles", `{"k":[0.5,2.0]}`, attribute.Float64Slice("k", []float64{0.5, 2})),
		attr("bytes", `{"k":{"$bytes":"AAECAwQ="}}`, attribute.ByteSlice("k", []byte{0, 1, 2, 3, 4})),
		attr("no bytes", `{"k":{"$bytes":""}}`, attribute.ByteSlice("k", nil)),
		attr("empty", `{"k":null}`, kv(attribute.Value{})),
		attr("mixed slice", `{"k":[null,"a",1,1.0,[],{},[["b"]]]}`, kv(attribute.SliceValue(attribute.Value{}, attribute.StringValue("a"),
			attribute.Int64Value(1), attribute.Float64Value(1), attribute.SliceValue(), m(),
			attribute.SliceValue(attribute.StringSliceValue([]string{"b"}))))),
		attr("map", `{"k":{"":1,"a\"":2,"ü":3}}`, kv(m(attribute.Int("", 1), attribute.Int("a\"", 2), attribute.Int("ü", 3)))),
		attr("map with one dollar key", `{"k":{"$map":{"$string":"x"}}}`, kv(m(attribute.String("$string", "x")))),
		attr("map with two dollar keys", `{"k":{"$bytes":"","$string":"x"}}`, kv(m(attribute.String("$string", "x"), attribute.String("$bytes", "")))),
		attr("map with one dollar key twice", `{"k":{"$pairs":[["$a",1],["$a",2]]}}`, kv(m(attribute.Int("$a", 1), attribute.Int("$a", 2)))),
		attr("map with a key twice", `{"k":{"$pairs":[["a",1],["a",1],["b",{"$pairs":[["",null],["",null]]}]]}}`,
			kv(m(attribute.Int("a", 1), attribute.Int("a", 1), attribute.KeyValue{Key: "b", Value: m(attribute.KeyValue{}, attribute.KeyValue{})}))),
		attr("map with a key not UTF-8", `{"k":{"$pairs":[["a",1],[{"$string":"a/8="},2]]}}`, kv(m(attribute.Int("a", 1), attribute.Int("k\xff", 2)))),
		attr("one dollar attribute", `{"$map":{"$k":1}}`, attribute.Int("$k", 1)),
		attr("an attribute twice", `{"$pairs":[["k",1],["k",2],["l",3]]}`, attribute.Int("k", 1), attribute.Int("k", 2), attribute.Int("l", 3)),
		attr("an attribute not UTF-8", `{"$pairs":[["k",1],[{"$string":"a/8="},2]]}`, attribute.Int("k", 1), attribute.Int("k\xff", 2)),
		attr("members' names are only names", `{"seq":1,"hmac":"x","timestamp":"y","control":"chain.genesis"}`,
			attribute.Int("seq", 1), attribute.String("hmac", "x"), attribute.String("timestamp", "y"), attribute.String("control", "chain.genesis")),
		attr("a suffix is only text", `{"k":",\"seq\":7,\"hmac\":\"00\"}\n{\"control\":\"chain.genesis\""}`,
			attribute.String("k", ",\"seq\":7,\"hmac\":\"00\"}\n{\"control\":\"chain.genesis\"")),
	}
}

func groups() []Case {
	withRes := func(c Case, g *payload.Group) Case {
		c.Record.Resource = g
		return c
	}
	withScope := func(c Case, g *payload.Group) Case {
		c.Record.Scope = g
		return c
	}
	plain := func(name, want string) Case {
		return Case{Name: "groups/" + name, Record: rec(), Want: stamp + logOf + want + end}
	}
	return []Case{
		withRes(withScope(plain("empty", ""), &payload.Group{}), &payload.Group{}),
		withRes(plain("schema only", `"resource":{"schema_url":"u"},`), &payload.Group{SchemaURL: "u"}),
		withRes(plain("dropped only", `"resource":{"dropped":7},`), &payload.Group{Dropped: 7}),
		withScope(plain("version only", `"scope":{"version":"2"},`), &payload.Group{Version: "2"}),
		withScope(plain("not UTF-8", `"scope":{"name":{"$string":"//4="},"schema_url":{"$string":"//4="}},`),
			&payload.Group{Name: "\xff\xfe", SchemaURL: "\xff\xfe"}),
		withRes(plain("one dollar key", `"resource":{"attributes":{"$map":{"$x":null}}},`), &payload.Group{Attributes: []attribute.KeyValue{{Key: "$x"}}}),
		withRes(plain("key twice", `"resource":{"attributes":{"$pairs":[["x",1],["x",2]]}},`),
			&payload.Group{Attributes: []attribute.KeyValue{attribute.Int("x", 1), attribute.Int("x", 2)}}),
		withScope(plain("scope's session is not lifted", `"scope":{"attributes":{"session.id":"x"}},`),
			&payload.Group{Attributes: []attribute.KeyValue{attribute.String("session.id", "x")}}),
	}
}
