// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
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
	Int(redact.Place, int64) (string, bool)
	Float(redact.Place, float64) (string, bool)
	TooDeep(redact.Place) bool
	Refused() string
	Counts() []redact.KindCount
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
		out   []attribute.KeyValue // nil until something changes
		i     int
		pair  pairing
		names keyNames
	}
	root := w.s.Root()
	walk(func(kv attribute.KeyValue) bool {
		k, keyChanged, place := w.s.Name(root, string(kv.Key))
		if place.IsPairValue() {
			place = at.pair.valueAt(w, string(kv.Key), place, root, walk)
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
				kv.Key = at.names.unused(at.out, attribute.Key(k))
			} else {
				at.names.add(kv.Key)
			}
			kv.Value = v
			at.out = append(at.out, kv)
		}
		at.i++
		return true
	})
	return at.out, at.out != nil
}

// pairing finds what the strings of one map say about the values beside them.
// It looks at most once, and only if a value asks.
type pairing struct {
	beside redact.Siblings
	looked bool
}

// valueAt is the place of the value under key in the map at p, which walk goes
// through: q but for what stands beside it.
func (n *pairing) valueAt(w walker, key string, q, p redact.Place, walk func(func(attribute.KeyValue) bool)) redact.Place {
	if !n.looked {
		n.looked = true
		walk(func(kv attribute.KeyValue) bool {
			if kv.Value.Type() == attribute.STRING && redact.IsPairName(string(kv.Key)) {
				text := kv.Value.AsString()
				n.beside.Tell(string(kv.Key), text, w.s.Field(p, text))
			}
			return true
		})
	}
	return n.beside.Place(key, q)
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
	case attribute.INT64:
		if marker, masked := w.s.Int(p, v.AsInt64()); masked {
			return attribute.StringValue(marker), true
		}
	case attribute.FLOAT64:
		if marker, masked := w.s.Float(p, v.AsFloat64()); masked {
			return attribute.StringValue(marker), true
		}
	case attribute.STRINGSLICE:
		return w.strings(p, v)
	case attribute.INT64SLICE:
		in := v.AsInt64Slice() // a copy
		return w.numbers(p, v, len(in), func(i int) attribute.Value { return attribute.Int64Value(in[i]) })
	case attribute.FLOAT64SLICE:
		in := v.AsFloat64Slice() // a copy
		return w.numbers(p, v, len(in), func(i int) attribute.Value { return attribute.Float64Value(in[i]) })
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

// numbers masks those of n numbers that are to be masked. A slice that holds a
// marker is one of strings; where numbers stand beside it, one of values.
func (w walker) numbers(p redact.Place, v attribute.Value, n int, at func(int) attribute.Value) (attribute.Value, bool) {
	var out []attribute.Value
	masked := 0
	for i := range n {
		e, changed := w.value(w.s.Element(p, ""), at(i))
		if changed {
			if out == nil {
				out = make([]attribute.Value, 0, n)
				for k := range i {
					out = append(out, at(k))
				}
			}
			masked++
		}
		if out != nil {
			out = append(out, e)
		}
	}
	switch masked {
	case 0:
		return v, false
	case n:
		texts := make([]string, 0, n)
		for _, e := range out {
			texts = append(texts, e.AsString())
		}
		return attribute.StringSliceValue(texts), true
	}
	return attribute.SliceValue(out...), true
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
	var names keyNames
	for i, kv := range in {
		k, keyChanged, place := w.s.Name(p, string(kv.Key))
		if place.IsPairValue() {
			place = pair.valueAt(w, string(kv.Key), place, p, func(yield func(attribute.KeyValue) bool) {
				for _, kv := range v.AsMap() { // as it was
					if !yield(kv) {
						return
					}
				}
			})
		}
		val, c := w.value(place, kv.Value)
		if keyChanged {
			in[i].Key = names.unused(in, attribute.Key(k))
		}
		in[i].Value = val
		changed = changed || c || keyChanged
	}
	if !changed {
		return v, false
	}
	return attribute.MapValue(in...), true
}

// keyNames are the keys that a map has already. Two secrets of one kind have the
// same marker, and the SDK would keep only one of two values under the same key.
type keyNames struct {
	taken map[attribute.Key]bool
	next  map[attribute.Key]int // the number to try next, by key
}

// unused returns key, with a number behind it where in has it already, and takes
// it. It looks through in only the first time: what comes later is added.
func (n *keyNames) unused(in []attribute.KeyValue, key attribute.Key) attribute.Key {
	if n.taken == nil {
		n.taken, n.next = make(map[attribute.Key]bool, len(in)), map[attribute.Key]int{}
		for _, kv := range in {
			n.taken[kv.Key] = true
		}
	}
	name := key
	for n.taken[name] {
		n.next[key]++
		name = attribute.Key(string(key) + "#" + strconv.Itoa(n.next[key]+1))
	}
	n.taken[name] = true
	return name
}

// add takes a key that stays as it is.
func (n *keyNames) add(key attribute.Key) {
	if n.taken != nil {
		n.taken[key] = true
	}
}

func isUUID(v attribute.Value) bool {
	if v.Type() != attribute.STRING {
		return false
	}
	id, err := uuid.Parse(v.AsString())
	return err == nil && id.String() == v.AsString()
}
