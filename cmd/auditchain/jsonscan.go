// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// eachMember calls f for the top-level members of a JSON object, with the
// name as it is written between its quotes and the text of the value, until f
// returns false. It reports whether text looked like an object as far as it
// was read. It checks no more than it needs to find the ends of the values:
// what must be valid is parsed once more by somebody strict.
func eachMember(text []byte, f func(name, value []byte) bool) bool {
	i := skipSpace(text, 0)
	if i == len(text) || text[i] != '{' {
		return false
	}
	i = skipSpace(text, i+1)
	if i < len(text) && text[i] == '}' {
		return skipSpace(text, i+1) == len(text)
	}
	for {
		end, ok := skipString(text, i)
		if !ok {
			return false
		}
		name := text[i+1 : end-1]
		i = skipSpace(text, end)
		if i == len(text) || text[i] != ':' {
			return false
		}
		i = skipSpace(text, i+1)
		end, ok = skipValue(text, i)
		if !ok {
			return false
		}
		if !f(name, text[i:end]) {
			return true
		}
		i = skipSpace(text, end)
		if i == len(text) {
			return false
		}
		switch text[i] {
		case ',':
			i = skipSpace(text, i+1)
		case '}':
			return skipSpace(text, i+1) == len(text)
		default:
			return false
		}
	}
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') {
		i++
	}
	return i
}

// skipString returns the place after the string that begins at i.
func skipString(text []byte, i int) (int, bool) {
	if i >= len(text) || text[i] != '"' {
		return i, false
	}
	i++
	for {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return i, false
		}
		slashes := 0
		for slashes < n && text[i+n-1-slashes] == '\\' {
			slashes++
		}
		i += n + 1
		if slashes%2 == 0 {
			return i, true
		}
	}
}

// skipValue returns the place after the value that begins at i.
func skipValue(text []byte, i int) (int, bool) {
	if i >= len(text) {
		return i, false
	}
	switch text[i] {
	case '"':
		return skipString(text, i)
	case '{', '[':
		depth := 0
		for i < len(text) {
			switch text[i] {
			case '"':
				end, ok := skipString(text, i)
				if !ok {
					return i, false
				}
				i = end
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			i++
			if depth == 0 {
				return i, true
			}
		}
		return i, false
	}
	start := i
	for i < len(text) && !strings.ContainsRune(" \t\r\n,]}", rune(text[i])) {
		i++
	}
	return i, i > start
}

// errInexact is the error for JSON that no OpenTelemetry value holds exactly.
var errInexact = errors.New("not exactly representable")

// maxEventDepth bounds the nesting of an event's fields.
const maxEventDepth = 64

// attributesOf turns a JSON object into attributes, in order. It refuses
// whatever would not read back as the same JSON value: duplicate names,
// numbers that neither an int64 nor a double holds, strings that are no
// Unicode.
func attributesOf(text []byte) ([]attribute.KeyValue, error) {
	if !utf8.Valid(text) || loneSurrogate(text) {
		return nil, errInexact
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errInexact
	}
	kvs, err := objectOf(d, 1)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errInexact
	}
	return kvs, nil
}

// loneSurrogate reports whether a \u escape may be half of a pair, which
// encoding/json would silently replace. It errs on the safe side: any escaped
// surrogate counts.
func loneSurrogate(text []byte) bool {
	for i := 0; ; {
		n := bytes.Index(text[i:], []byte(`\u`))
		if n < 0 || i+n+4 > len(text) {
			return false
		}
		i += n + 2
		if (text[i] == 'd' || text[i] == 'D') && text[i+1] >= '8' {
			return true
		}
	}
}

func objectOf(d *json.Decoder, depth int) ([]attribute.KeyValue, error) {
	var kvs []attribute.KeyValue
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, errInexact
		}
		name, ok := t.(string)
		if !ok || seen[name] {
			return nil, errInexact
		}
		seen[name] = true
		v, err := valueOf(d, depth)
		if err != nil {
			return nil, err
		}
		kvs = append(kvs, attribute.KeyValue{Key: attribute.Key(name), Value: v})
	}
	if _, err := d.Token(); err != nil {
		return nil, errInexact
	}
	return kvs, nil
}

func valueOf(d *json.Decoder, depth int) (attribute.Value, error) {
	t, err := d.Token()
	if err != nil || depth > maxEventDepth {
		return attribute.Value{}, errInexact
	}
	switch t := t.(type) {
	case nil:
		return attribute.Value{}, nil
	case bool:
		return attribute.BoolValue(t), nil
	case string:
		return attribute.StringValue(t), nil
	case json.Number:
		return numberOf(t.String())
	case json.Delim:
		if t == '{' {
			kvs, err := objectOf(d, depth+1)
			return attribute.MapValue(kvs...), err
		}
	}
	var vals []attribute.Value
	for d.More() {
		v, err := valueOf(d, depth+1)
		if err != nil {
			return attribute.Value{}, err
		}
		vals = append(vals, v)
	}
	if _, err := d.Token(); err != nil {
		return attribute.Value{}, errInexact
	}
	return attribute.SliceValue(vals...), nil
}

// numberOf keeps what JSON writes without a point as an integer, the rest as
// a double.
func numberOf(s string) (attribute.Value, error) {
	if !strings.ContainsAny(s, ".eE") {
		if s == "-0" {
			return attribute.Value{}, errInexact
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return attribute.Value{}, errInexact
		}
		return attribute.Int64Value(n), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || digits(s) != digits(strconv.FormatFloat(f, 'e', -1, 64)) {
		return attribute.Value{}, errInexact
	}
	return attribute.Float64Value(f), nil
}

// digits returns the significant digits of a number.
func digits(s string) string {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		s = s[:i]
	}
	return strings.Trim(strings.Replace(strings.TrimPrefix(s, "-"), ".", "", 1), "0")
}
