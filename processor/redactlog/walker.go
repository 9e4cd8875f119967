// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"slices"
	"strconv"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/processor/redact"
)

// walker redacts values. Values are immutable and are shared with the
// application, so what changes is built anew and the rest is kept.
type walker struct {
	s scanner
}

// scanner is what is used of redact.Scanner.
type scanner interface {
	Root() redact.Place
	Field(redact.Place, string) redact.Place
	Name(redact.Place, string) (string, bool, redact.Place)
	Element(redact.Place, string) redact.Place
	Text(redact.Place, string) (string, bool)
	Bytes(redact.Place, []byte) ([]byte, bool)
	Scalar(redact.Place) (string, bool)
	TooDeep(redact.Place) bool
	Refused() string
	Reset()
}

func scannerOf(r *redact.Redactor) func() scanner {
	return func() scanner { return r.Scanner() }
}

// text redacts a string that stands under no key.
func (w walker) text(v string) (string, bool) {
	if v == "" {
		return v, false
	}
	return w.s.Text(w.s.Root(), v)
}

// attributes redacts a list of attributes; n is about how many there are.
func (w walker) attributes(n int, walk func(func(attribute.KeyValue) bool)) ([]attribute.KeyValue, bool) {
	var at struct {
		out  []attribute.KeyValue // nil until something changes
		i    int
		pair pairing
	}
	root := w.s.Root()
	walk(func(kv attribute.KeyValue) bool {
		k, keyChanged, place := w.s.Name(root, string(kv.Key))
		if place.IsPairValue() {
			place = at.pair.valueAt(w, place, root, walk)
		}
		v, changed := w.value(place, kv.Value)
		changed = changed || keyChanged
		if changed && at.out == nil {
			at.out = make([]attribute.KeyValue, 0, n)
			before := 0
			walk(func(kv attribute.KeyValue) bool {
				if before == at.i {
					return false
				}
				before++
				at.out = append(at.out, kv)
				return true
			})
		}
		if at.out != nil {
			if keyChanged {
				kv.Key = unused(at.out, attribute.Key(k))
			}
			kv.Value = v
			at.out = append(at.out, kv)
		}
		at.i++
		return true
	})
	return at.out, at.out != nil
}

// pairing finds the name of the name and value pairs in one map. It looks for
// it at most once, and only if there is a value to be named.
type pairing struct {
	name   redact.Place
	looked bool
}

// valueAt is the place of a pair's value in the map at p, which walk goes
// through: q but for its name.
func (n *pairing) valueAt(w walker, q, p redact.Place, walk func(func(attribute.KeyValue) bool)) redact.Place {
	if !n.looked {
		n.looked = true
		n.name = w.named(p, walk)
	}
	if n.name.Forced() {
		return n.name
	}
	return q
}

func (w walker) named(p redact.Place, walk func(func(attribute.KeyValue) bool)) (q redact.Place) {
	walk(func(kv attribute.KeyValue) bool {
		if kv.Value.Type() == attribute.STRING && redact.IsPairName(string(kv.Key)) {
			q = w.s.Field(p, kv.Value.AsString())
		}
		return !q.Forced()
	})
	return q
}

// value redacts v, which stands at p. Maps and slices that are too deep to be
// looked through are not passed on.
func (w walker) value(p redact.Place, v attribute.Value) (attribute.Value, bool) {
	switch v.Type() {
	case attribute.STRING:
		if t, changed := w.s.Text(p, v.AsString()); changed {
			return attribute.StringValue(t), true
		}
	case attribute.BYTESLICE:
		if b, changed := w.s.Bytes(p, v.AsByteSlice()); changed {
			return attribute.ByteSliceValue(b), true
		}
	case attribute.INT64, attribute.FLOAT64:
		if marker, masked := w.s.Scalar(p); masked {
			return attribute.StringValue(marker), true
		}
	case attribute.STRINGSLICE:
		return w.strings(p, v)
	case attribute.INT64SLICE:
		return w.numbers(p, v, len(v.AsInt64Slice()))
	case attribute.FLOAT64SLICE:
		return w.numbers(p, v, len(v.AsFloat64Slice()))
	case attribute.SLICE:
		if w.s.TooDeep(p) {
			return attribute.StringValue(w.s.Refused()), true
		}
		return w.slice(p, v)
	case attribute.MAP:
		if w.s.TooDeep(p) {
			return attribute.StringValue(w.s.Refused()), true
		}
		return w.mapping(p, v)
	}
	return v, false
}

func (w walker) strings(p redact.Place, v attribute.Value) (attribute.Value, bool) {
	in := v.AsStringSlice() // a copy
	prev, changed := "", false
	for i, raw := range in {
		t, c := w.s.Text(w.s.Element(p, prev), raw)
		in[i], prev, changed = t, raw, changed || c
	}
	if !changed {
		return v, false
	}
	return attribute.StringSliceValue(in), true
}

// numbers masks each of n numbers: all of them stand in the same place.
func (w walker) numbers(p redact.Place, v attribute.Value, n int) (attribute.Value, bool) {
	masked := make([]string, 0, n)
	for range n {
		marker, m := w.s.Scalar(w.s.Element(p, ""))
		if !m {
			return v, false
		}
		masked = append(masked, marker)
	}
	if n == 0 {
		return v, false
	}
	return attribute.StringSliceValue(masked), true
}

func (w walker) slice(p redact.Place, v attribute.Value) (attribute.Value, bool) {
	in := v.AsSlice() // a copy
	prev, changed := "", false
	for i, raw := range in {
		e, c := w.value(w.s.Element(p, prev), raw)
		in[i], changed = e, changed || c
		prev = ""
		if raw.Type() == attribute.STRING {
			// Before it is masked: a flag says what its neighbour is.
			prev = raw.AsString()
		}
	}
	if !changed {
		return v, false
	}
	return attribute.SliceValue(in...), true
}

func (w walker) mapping(p redact.Place, v attribute.Value) (attribute.Value, bool) {
	in, changed := v.AsMap(), false // a copy
	var pair pairing
	for i, kv := range in {
		k, keyChanged, place := w.s.Name(p, string(kv.Key))
		if place.IsPairValue() {
			place = pair.valueAt(w, place, p, func(yield func(attribute.KeyValue) bool) {
				for _, kv := range v.AsMap() { // as it was
					if !yield(kv) {
						return
					}
				}
			})
		}
		val, c := w.value(place, kv.Value)
		if keyChanged {
			in[i].Key = unused(in, attribute.Key(k))
		}
		in[i].Value = val
		changed = changed || c || keyChanged
	}
	if !changed {
		return v, false
	}
	return attribute.MapValue(in...), true
}

// unused returns key, with a number behind it where in has it already: two
// secrets of one kind have the same marker, and the SDK would keep only one
// of two values under the same key.
func unused(in []attribute.KeyValue, key attribute.Key) attribute.Key {
	name := key
	for n := 2; ; n++ {
		if !slices.ContainsFunc(in, func(kv attribute.KeyValue) bool { return kv.Key == name }) {
			return name
		}
		name = attribute.Key(string(key) + "#" + strconv.Itoa(n))
	}
}

func isUUID(v attribute.Value) bool {
	if v.Type() != attribute.STRING {
		return false
	}
	id, err := uuid.Parse(v.AsString())
	return err == nil && id.String() == v.AsString()
}
