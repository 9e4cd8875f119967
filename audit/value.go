// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// This file undoes SPEC section 6.1. A form that a writer had no need to use
// ("$string" around valid UTF-8, say) is read all the same; a `$` key of another
// name is refused, since nobody can say what it means.

var (
	errForm    = errors.New("an object with one key that begins with '$' and is no form of SPEC section 6.1")
	errInteger = errors.New("an integer outside of the range of int64")
)

// value reads a typed value.
func value(n node) (attribute.Value, error) {
	switch n.kind {
	case nullNode:
		return attribute.Value{}, nil
	case trueNode, falseNode:
		return attribute.BoolValue(n.kind == trueNode), nil
	case stringNode:
		return attribute.StringValue(n.text), nil
	case numberNode:
		return number(n.text)
	case arrayNode:
		return array(n.items())
	}
	if form, ok := dollar(n); ok {
		return formValue(form)
	}
	kvs, err := plainMap(n)
	return attribute.MapValue(kvs...), err
}

// number reads an integer, or a double where there is a point or an exponent.
func number(text string) (attribute.Value, error) {
	if !strings.ContainsAny(text, ".eE") {
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return attribute.Value{}, errInteger
		}
		return attribute.Int64Value(i), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return attribute.Value{}, errors.New("a number outside of the range of a double")
	}
	return attribute.Float64Value(f), nil
}

// array reads a slice. Slices of one simple type become the slice type of that
// (OpenTelemetry's wire has only one kind of array, so neither does a line); an
// empty one has no type and becomes a slice of values.
func array(items []node) (attribute.Value, error) {
	values := make([]attribute.Value, len(items))
	same := len(items) > 0
	for i, it := range items {
		v, err := value(it)
		if err != nil {
			return attribute.Value{}, err
		}
		values[i] = v
		same = same && v.Type() == values[0].Type()
	}
	if same {
		switch values[0].Type() {
		case attribute.STRING:
			return attribute.StringSliceValue(each(values, attribute.Value.AsString)), nil
		case attribute.BOOL:
			return attribute.BoolSliceValue(each(values, attribute.Value.AsBool)), nil
		case attribute.INT64:
			return attribute.Int64SliceValue(each(values, attribute.Value.AsInt64)), nil
		case attribute.FLOAT64:
			return attribute.Float64SliceValue(each(values, attribute.Value.AsFloat64)), nil
		}
	}
	return attribute.SliceValue(values...), nil
}

func each[T any](values []attribute.Value, as func(attribute.Value) T) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = as(v)
	}
	return out
}

// dollar returns the one member of an object whose only key begins with '$'.
func dollar(n node) (member, bool) {
	if len(n.members()) == 1 && strings.HasPrefix(n.members()[0].key, "$") {
		return n.members()[0], true
	}
	return member{}, false
}

func formValue(m member) (attribute.Value, error) {
	switch m.key {
	case "$string":
		b, err := base64Text(m.value)
		return attribute.StringValue(string(b)), err
	case "$bytes":
		b, err := base64Text(m.value)
		return attribute.ByteSliceValue(b), err
	case "$double":
		if m.value.kind == stringNode {
			switch m.value.text {
			case "NaN":
				return attribute.Float64Value(math.NaN()), nil
			case "Infinity":
				return attribute.Float64Value(math.Inf(1)), nil
			case "-Infinity":
				return attribute.Float64Value(math.Inf(-1)), nil
			}
		}
	case "$map", "$pairs":
		kvs, err := mapForm(m)
		return attribute.MapValue(kvs...), err
	}
	return attribute.Value{}, errForm
}

func base64Text(n node) ([]byte, error) {
	if n.kind == stringNode {
		if b, err := base64.StdEncoding.Strict().DecodeString(n.text); err == nil {
			return b, nil
		}
	}
	return nil, errors.New("not a base64 text")
}

// mapValue reads a map in any of its forms, in the order in which it stands.
func mapValue(n node) ([]attribute.KeyValue, error) {
	if n.kind != objectNode {
		return nil, errors.New("not an object")
	}
	if form, ok := dollar(n); ok {
		return mapForm(form)
	}
	return plainMap(n)
}

func mapForm(m member) ([]attribute.KeyValue, error) {
	switch {
	case m.key == "$map" && m.value.kind == objectNode:
		return plainMap(m.value)
	case m.key == "$pairs" && m.value.kind == arrayNode:
		out := make([]attribute.KeyValue, len(m.value.items()))
		for i, pair := range m.value.items() {
			if pair.kind != arrayNode || len(pair.items()) != 2 {
				return nil, errForm
			}
			key, err := typedString(pair.items()[0])
			if err != nil {
				return nil, err
			}
			v, err := value(pair.items()[1])
			if err != nil {
				return nil, err
			}
			out[i] = attribute.KeyValue{Key: attribute.Key(key), Value: v}
		}
		return out, nil
	}
	return nil, errForm
}

func plainMap(n node) ([]attribute.KeyValue, error) {
	out := make([]attribute.KeyValue, len(n.members()))
	for i, m := range n.members() {
		v, err := value(m.value)
		if err != nil {
			return nil, err
		}
		out[i] = attribute.KeyValue{Key: attribute.Key(m.key), Value: v}
	}
	return out, nil
}

// typedString reads a typed string.
func typedString(n node) (string, error) {
	if n.kind == stringNode {
		return n.text, nil
	}
	if form, ok := dollar(n); ok && n.kind == objectNode && form.key == "$string" {
		b, err := base64Text(form.value)
		return string(b), err
	}
	return "", errors.New("not a string")
}

// unsigned reads an integer from 0 to limit.
func unsigned(n node, limit uint64) (uint64, error) {
	if n.kind == numberNode && !strings.ContainsAny(n.text, "-.eE") {
		if u, err := strconv.ParseUint(n.text, 10, 64); err == nil && u <= limit {
			return u, nil
		}
	}
	return 0, errors.New("not an integer of that size")
}
