// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payloadtest

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/auditchain/auditchain/internal/payload"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
)

// ToLogs is the same record as pdata. It goes through protobuf written by
// hand, since neither pdata's setters nor a protobuf library would take keys
// that stand twice and strings that are not UTF-8; a sender can.
func ToLogs(t testing.TB, recs ...payload.LogRecord) plog.Logs {
	t.Helper()
	var all message
	for i := range recs {
		all.message(1, resourceLogs(&recs[i]))
	}
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(all)
	if err != nil {
		t.Fatalf("pdata does not read the test's protobuf: %v", err)
	}
	return ld
}

// message is a protobuf message.
type message []byte

func (m *message) tag(field, wire int) { *m = binary.AppendUvarint(*m, uint64(field<<3|wire)) }

func (m *message) uint(field int, v uint64) {
	m.tag(field, 0)
	*m = binary.AppendUvarint(*m, v)
}

func (m *message) fixed64(field int, v uint64) {
	m.tag(field, 1)
	*m = binary.LittleEndian.AppendUint64(*m, v)
}

func (m *message) fixed32(field int, v uint32) {
	m.tag(field, 5)
	*m = binary.LittleEndian.AppendUint32(*m, v)
}

func (m *message) text(field int, v string) {
	m.tag(field, 2)
	*m = binary.AppendUvarint(*m, uint64(len(v)))
	*m = append(*m, v...)
}

func (m *message) message(field int, v message) { m.text(field, string(v)) }

func resourceLogs(r *payload.LogRecord) (m message) {
	var sl message
	if g := r.Scope; g != nil {
		var s message
		s.text(1, g.Name)
		s.text(2, g.Version)
		s.attributes(3, g.Attributes)
		s.uint(4, uint64(g.Dropped))
		sl.message(1, s)
		sl.text(3, g.SchemaURL)
	}
	sl.message(2, logRecord(r))
	if g := r.Resource; g != nil {
		var res message
		res.attributes(1, g.Attributes)
		res.uint(2, uint64(g.Dropped))
		m.message(1, res)
		m.text(3, g.SchemaURL)
	}
	m.message(2, sl)
	return m
}

func logRecord(r *payload.LogRecord) (m message) {
	m.fixed64(1, r.Timestamp)
	m.uint(2, uint64(int64(r.Severity)))
	m.text(3, r.SeverityText)
	m.message(5, anyValue(r.Body))
	m.attributes(6, r.Attributes)
	m.uint(7, uint64(r.Dropped))
	m.fixed32(8, r.Flags)
	if r.TraceID != [16]byte{} {
		m.text(9, string(r.TraceID[:]))
	}
	if r.SpanID != [8]byte{} {
		m.text(10, string(r.SpanID[:]))
	}
	m.fixed64(11, r.Observed)
	m.text(12, r.EventName)
	return m
}

func (m *message) attributes(field int, kvs []attribute.KeyValue) {
	for _, kv := range kvs {
		var e message
		e.text(1, string(kv.Key))
		e.message(2, anyValue(kv.Value))
		m.message(field, e)
	}
}

func anyValue(v attribute.Value) (m message) {
	switch v.Type() {
	case attribute.STRING:
		m.text(1, v.AsString())
	case attribute.BOOL:
		m.uint(2, map[bool]uint64{true: 1}[v.AsBool()])
	case attribute.INT64:
		m.uint(3, uint64(v.AsInt64()))
	case attribute.FLOAT64:
		m.fixed64(4, math.Float64bits(v.AsFloat64()))
	case attribute.BYTESLICE:
		m.text(7, string(v.AsByteSlice()))
	case attribute.MAP:
		var list message
		list.attributes(1, v.AsMap())
		m.message(6, list)
	case attribute.EMPTY:
	default:
		var list message
		for _, e := range Elements(v) {
			list.message(1, anyValue(e))
		}
		m.message(5, list)
	}
	return m
}

// Elements returns the elements of a slice of any kind.
func Elements(v attribute.Value) (out []attribute.Value) {
	switch v.Type() {
	case attribute.SLICE:
		return v.AsSlice()
	case attribute.STRINGSLICE:
		for _, e := range v.AsStringSlice() {
			out = append(out, attribute.StringValue(e))
		}
	case attribute.INT64SLICE:
		for _, e := range v.AsInt64Slice() {
			out = append(out, attribute.Int64Value(e))
		}
	case attribute.FLOAT64SLICE:
		for _, e := range v.AsFloat64Slice() {
			out = append(out, attribute.Float64Value(e))
		}
	case attribute.BOOLSLICE:
		for _, e := range v.AsBoolSlice() {
			out = append(out, attribute.BoolValue(e))
		}
	}
	return out
}
