// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payloadtest

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/auditchain/auditchain/internal/payload"
	"go.opentelemetry.io/otel/attribute"
)

// FromBytes makes a record out of any bytes, for fuzzing: the bytes choose the
// shape, and names and texts are cut out of them or taken from a list of what
// the format treats in a special way.
func FromBytes(data []byte) payload.LogRecord {
	s := source{data: data}
	r := payload.LogRecord{
		EventName: s.text(), SeverityText: s.text(),
		Severity: int32(s.number()), Flags: uint32(s.number()), Dropped: uint32(s.byte() % 3),
	}
	if s.byte()%2 == 0 {
		r.Timestamp = s.number()
	}
	if s.byte()%2 == 0 {
		r.Observed = s.number()
	}
	if s.byte()%2 == 0 {
		binary.LittleEndian.PutUint64(r.TraceID[4:], s.number())
		binary.LittleEndian.PutUint64(r.SpanID[:], s.number())
	}
	r.Resource, r.Scope = s.group(false), s.group(true)
	r.Body = s.value(0)
	r.Attributes = s.attributes(0)
	return r
}

// special are names and texts that mean something somewhere.
var special = []string{
	"", "session.id", "cloud.provider", "audit.record.id", "log.record.uid", "audit.", "audit.x", "audit.rejected", "rejected",
	"audit.event.", "audit.event.a", "audit.event.b", "audit.event.type", "audit.event.command", "log",
	"$string", "$bytes", "$map", "$pairs", "$double", "$", "type", "seq", "hmac", "control", "a", "b",
	"019a0000-0000-7000-8000-0000000000aa", "019A0000-0000-7000-8000-0000000000AA", "ffffffff-ffff-7fff-bfff-ffffffffffff",
	"\xff", "a\xff", "\x00", "\n", "\"", "\\", "\x1f\x7f\x80", "é\u2028", ",\"seq\":1,\"hmac\":\"",
	"{\"control\":\"chain.genesis\"", `{"a":1}`, `{"a":1,"a":2}`, `{"a":[1,{"$string":"x"}]}`, `[]`, ` []`, "[\n]", `{"a":1,"\u0061":2}`,
	`{"a":"\ud800"}`, `["\ud83d\ude00"]`, "name", "value", `{"value":"x","name":"password"}`, "[REDACTED:github-token]",
	"AKIAIOSFODNN7EXAMPLE", "--password", "hunter2hunter2", "password", "password=hunter2hunter2",
	"ghp_0123456789abcdefghijABCDEFGHIJ012345", `{"password":"hunter2hunter2","n":1}`, "[REDACTED:password]",
}

// source reads choices from bytes; behind the end all are 0.
type source struct{ data []byte }

func (s *source) byte() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *source) number() uint64 {
	var b [8]byte
	n := copy(b[:], s.data)
	s.data = s.data[n:]
	return binary.LittleEndian.Uint64(b[:])
}

func (s *source) bytes() []byte {
	n := min(int(s.byte())%40, len(s.data))
	b := s.data[:n:n]
	s.data = s.data[n:]
	return b
}

func (s *source) text() string {
	if b := s.byte(); b < 160 {
		return special[int(b)%len(special)]
	}
	return string(s.bytes())
}

func (s *source) value(depth int) attribute.Value {
	kind := s.byte() % 14
	if depth > 6 && kind > 8 {
		kind %= 8
	}
	switch kind {
	case 0:
		return attribute.Value{}
	case 1:
		return attribute.BoolValue(s.byte()%2 == 0)
	case 2:
		return attribute.Int64Value(int64(s.number()))
	case 3:
		return attribute.Float64Value(math.Float64frombits(s.number()))
	case 4:
		return attribute.Float64Value(float64(int64(s.number())>>40) / 8)
	case 5:
		return attribute.ByteSliceValue(s.bytes())
	case 6, 7:
		return attribute.StringValue(s.text())
	case 8:
		list := make([]string, s.byte()%4)
		for i := range list {
			list[i] = s.text()
		}
		return attribute.StringSliceValue(list)
	case 9:
		return attribute.Int64SliceValue([]int64{int64(s.number()), int64(s.byte())})
	case 10:
		return attribute.Float64SliceValue([]float64{math.Float64frombits(s.number()), 1})
	case 11:
		list := make([]attribute.Value, s.byte()%8)
		for i := range list {
			list[i] = s.value(depth + 1)
		}
		return attribute.SliceValue(list...)
	default:
		return attribute.MapValue(s.attributes(depth + 1)...)
	}
}

func (s *source) attributes(depth int) []attribute.KeyValue {
	kvs := make([]attribute.KeyValue, s.byte()%9)
	for i := range kvs {
		kvs[i].Key = attribute.Key(s.text())
		kvs[i].Value = s.value(depth)
	}
	return kvs
}

func (s *source) group(scope bool) *payload.Group {
	if s.byte()%3 == 0 {
		return nil
	}
	g := &payload.Group{SchemaURL: s.text(), Dropped: uint32(s.byte() % 2), Attributes: s.attributes(0)}
	if scope {
		g.Name, g.Version = s.text(), s.text()
	}
	return g
}

// Seeds returns inputs for FromBytes that make records of all shapes.
func Seeds() [][]byte {
	all := [][]byte{{}}
	for i, name := range special {
		if name == "audit.rejected" || name == "rejected" {
			// An EventName, and attributes behind the other choices.
			all = append(all, append([]byte{byte(i)}, make([]byte, 40)...), append([]byte{byte(i)}, bytes.Repeat([]byte{7, 9}, 200)...))
		}
	}
	x := uint32(1)
	for range 60 {
		b := make([]byte, 400)
		for j := range b {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			b[j] = byte(x >> 8)
		}
		all = append(all, b)
	}
	return all
}
