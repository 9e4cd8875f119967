// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"github.com/auditchain/auditchain/processor/redact"
	"go.opentelemetry.io/otel/attribute"
)

// value writes v, which stands at p, below depth maps and slices.
func (e *Encoder) value(p redact.Place, v *attribute.Value, depth int) {
	w := e.w
	switch v.Type() {
	case attribute.STRING:
		w.Text(p, v.AsString())
	case attribute.INT64:
		w.Int(p, v.AsInt64())
	case attribute.FLOAT64:
		w.Double(p, v.AsFloat64())
	case attribute.BOOL:
		w.Bool(v.AsBool())
	case attribute.BYTESLICE:
		w.Bytes(p, v.AsByteSlice())
	case attribute.MAP:
		if !w.TooDeep(p, depth) {
			e.mapping(p, v.AsMap(), depth)
		}
	case attribute.EMPTY:
		w.Null()
	default:
		if !w.TooDeep(p, depth) {
			w.OpenSlice()
			e.items(p, v, depth)
			w.CloseSlice()
		}
	}
}

// items writes the elements of a slice of any kind.
func (e *Encoder) items(p redact.Place, v *attribute.Value, depth int) {
	w := e.w
	prev := ""
	switch v.Type() {
	case attribute.STRINGSLICE:
		for _, s := range v.AsStringSlice() {
			w.Item()
			w.Text(w.Next(p, prev), s)
			prev = s
			if w.Over() {
				return
			}
		}
	case attribute.SLICE:
		list := v.AsSlice()
		for i := range list {
			w.Item()
			e.value(w.Next(p, prev), &list[i], depth+1)
			prev = ""
			if list[i].Type() == attribute.STRING {
				prev = list[i].AsString()
			}
			if w.Over() {
				return
			}
		}
	case attribute.INT64SLICE:
		for _, n := range v.AsInt64Slice() {
			w.Item()
			w.Int(w.Next(p, ""), n)
		}
	case attribute.FLOAT64SLICE:
		for _, f := range v.AsFloat64Slice() {
			w.Item()
			w.Double(w.Next(p, ""), f)
		}
	case attribute.BOOLSLICE:
		for _, b := range v.AsBoolSlice() {
			w.Item()
			w.Bool(b)
		}
	}
}

// mapping writes a map, or attributes that are a map of their own.
func (e *Encoder) mapping(p redact.Place, kvs []attribute.KeyValue, depth int) {
	w := e.w
	mark := w.Mark()
	for i := range kvs {
		w.Push(p, string(kvs[i].Key))
	}
	if w.Pairs() {
		e.pairs(p, kvs, mark)
	}
	form := w.Form(mark)
	w.OpenMap(form)
	for i := range kvs {
		w.Entry(form, mark+i)
		e.value(w.Place(mark+i), &kvs[i].Value, depth+1)
		w.EndEntry(form)
		if w.Over() {
			break
		}
	}
	w.CloseMap(form)
	w.Pop(mark)
}

// pairs asks the strings of the map at p, whose keys stand from mark on, about
// the values beside them.
func (e *Encoder) pairs(p redact.Place, kvs []attribute.KeyValue, mark int) {
	var b redact.Siblings
	for i := range kvs {
		if kv := &kvs[i]; kv.Value.Type() == attribute.STRING && redact.IsPairName(string(kv.Key)) {
			e.w.Tell(&b, p, string(kv.Key), kv.Value.AsString())
		}
	}
	e.w.Told(&b, mark)
}
