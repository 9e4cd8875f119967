// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// appendValue writes a value in the forms of SPEC section 6.1.
func appendValue(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.EMPTY:
		return append(b, "null"...)
	case attribute.BOOL:
		return strconv.AppendBool(b, v.AsBool())
	case attribute.INT64:
		return strconv.AppendInt(b, v.AsInt64(), 10)
	case attribute.FLOAT64:
		return appendDouble(b, v.AsFloat64())
	case attribute.STRING:
		return appendTyped(b, v.AsString())
	case attribute.BYTESLICE:
		b = append(b, `{"$bytes":"`...)
		b = base64.StdEncoding.AppendEncode(b, v.AsByteSlice())
		return append(b, `"}`...)
	case attribute.BOOLSLICE:
		return appendList(b, v.AsBoolSlice(), strconv.AppendBool)
	case attribute.INT64SLICE:
		return appendList(b, v.AsInt64Slice(), func(b []byte, i int64) []byte { return strconv.AppendInt(b, i, 10) })
	case attribute.FLOAT64SLICE:
		return appendList(b, v.AsFloat64Slice(), appendDouble)
	case attribute.STRINGSLICE:
		return appendList(b, v.AsStringSlice(), appendTyped)
	case attribute.SLICE:
		return appendList(b, v.AsSlice(), appendValue)
	}
	return appendMap(b, v.AsMap())
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, it := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, it)
	}
	return append(b, ']')
}

// appendMap writes a map, in pairs where a JSON object could not hold it.
func appendMap(b []byte, kvs []attribute.KeyValue) []byte {
	if !plainKeys(kvs) {
		b = append(b, `{"$pairs":`...)
		b = appendList(b, kvs, func(b []byte, kv attribute.KeyValue) []byte {
			b = append(appendTyped(append(b, '['), string(kv.Key)), ',')
			return append(appendValue(b, kv.Value), ']')
		})
		return append(b, '}')
	}
	wrap := len(kvs) == 1 && strings.HasPrefix(string(kvs[0].Key), "$")
	if wrap {
		b = append(b, `{"$map":`...)
	}
	b = append(b, '{')
	for i, kv := range kvs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, string(kv.Key)), ':')
		b = appendValue(b, kv.Value)
	}
	b = append(b, '}')
	if wrap {
		b = append(b, '}')
	}
	return b
}

func plainKeys(kvs []attribute.KeyValue) bool {
	seen := make(map[attribute.Key]struct{}, len(kvs))
	for _, kv := range kvs {
		if _, dup := seen[kv.Key]; dup || !utf8.ValidString(string(kv.Key)) {
			return false
		}
		seen[kv.Key] = struct{}{}
	}
	return true
}

// appendDouble writes the shortest decimal that reads back the same, always
// with a point or an exponent, in the manner of encoding/json.
func appendDouble(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `{"$double":"NaN"}`...)
	case math.IsInf(f, 1):
		return append(b, `{"$double":"Infinity"}`...)
	case math.IsInf(f, -1):
		return append(b, `{"$double":"-Infinity"}`...)
	}
	from := len(b)
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		b = strconv.AppendFloat(b, f, 'e', -1, 64)
		if n := len(b); n-from >= 4 && string(b[n-4:n-1]) == "e-0" {
			b = append(b[:n-2], b[n-1]) // e-07 is not the shortest: e-7
		}
		return b
	}
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if !slices.Contains(b[from:], '.') {
		b = append(b, ".0"...)
	}
	return b
}

// appendTyped writes a string of any bytes.
func appendTyped(b []byte, s string) []byte {
	if utf8.ValidString(s) {
		return appendString(b, s)
	}
	b = append(b, `{"$string":"`...)
	b = base64.StdEncoding.AppendEncode(b, []byte(s))
	return append(b, `"}`...)
}

// appendString writes valid UTF-8 and escapes no more than JSON asks for.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, `\u00`...)
			b = hex.AppendEncode(b, []byte{c})
		}
	}
	return append(append(b, s[from:]...), '"')
}

// marshalEvent writes an event as it stands in a line: `{"type":T, …fields}`.
func marshalEvent(e Event) ([]byte, error) {
	if c, ok := e.(Custom); ok {
		for _, f := range c.Fields {
			if f.Key == "type" || f.Key == "" || !utf8.ValidString(string(f.Key)) {
				return nil, fmt.Errorf("%w: a field that cannot stand in a line", ErrInvalidEvent)
			}
		}
		if !plainKeys(c.Fields) || !validUTF8(c.Type) {
			return nil, fmt.Errorf("%w: a field given twice, or a type that is no name", ErrInvalidEvent)
		}
	}
	return appendEvent(nil, e.EventType(), e.eventFields()), nil
}

func appendEvent(b []byte, typ string, fields []attribute.KeyValue) []byte {
	b = appendString(append(b, `{"type":`...), typ)
	for _, f := range fields {
		b = append(appendString(append(b, ','), string(f.Key)), ':')
		b = appendValue(b, f.Value)
	}
	return append(b, '}')
}

// MarshalJSON writes the event as in a line: `{"type":T, …fields}`.
func (e SessionCreated) MarshalJSON() ([]byte, error) { return marshalEvent(e) }

// MarshalJSON writes the event as in a line: `{"type":T, …fields}`.
func (e CredentialsIssued) MarshalJSON() ([]byte, error) { return marshalEvent(e) }

// MarshalJSON writes the event as in a line: `{"type":T, …fields}`.
func (e SessionEnded) MarshalJSON() ([]byte, error) { return marshalEvent(e) }

// MarshalJSON writes the event as in a line: `{"type":T, …fields}`.
func (e BudgetWarning) MarshalJSON() ([]byte, error) { return marshalEvent(e) }

// MarshalJSON writes the event as in a line: `{"type":T, …fields}`.
func (e BudgetExceeded) MarshalJSON() ([]byte, error) { return marshalEvent(e) }

// MarshalJSON writes the event as in a line: `{"type":T, …fields}`.
func (e ResourceCreated) MarshalJSON() ([]byte, error) { return marshalEvent(e) }

// MarshalJSON writes the event as in a line: `{"type":T, …fields}`.
func (c Custom) MarshalJSON() ([]byte, error) { return marshalEvent(c) }
