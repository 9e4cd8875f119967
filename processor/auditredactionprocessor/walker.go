// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/auditchain/auditchain/processor/redact"
)

// walker redacts values in place.
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
	Key(string) (string, bool)
	Counts() []redact.KindCount
	Reset()
}

// text redacts a string that stands under no key.
func (w walker) text(v string) (string, bool) {
	if v == "" {
		return v, false
	}
	return w.s.Text(w.s.Root(), v)
}

// value redacts v, which stands at p. Maps and slices that are too deep to be
// looked through are not passed on.
func (w walker) value(p redact.Place, v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if t, changed := w.s.Text(p, v.Str()); changed {
			v.SetStr(t)
		}
	case pcommon.ValueTypeBytes:
		if b, changed := w.s.Bytes(p, v.Bytes().AsRaw()); changed {
			v.Bytes().FromRaw(b)
		}
	case pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
		if marker, masked := w.s.Scalar(p); masked {
			v.SetStr(marker)
		}
	case pcommon.ValueTypeMap:
		if w.s.TooDeep(p) {
			v.SetStr(w.s.Refused())
			return
		}
		w.mapping(p, v.Map())
	case pcommon.ValueTypeSlice:
		if w.s.TooDeep(p) {
			v.SetStr(w.s.Refused())
			return
		}
		w.slice(p, v.Slice())
	}
}

func (w walker) slice(p redact.Place, s pcommon.Slice) {
	prev := ""
	for _, e := range s.All() {
		place := w.s.Element(p, prev)
		prev = ""
		if e.Type() == pcommon.ValueTypeStr {
			// Before it is masked: a flag says what its neighbour is.
			prev = e.Str()
		}
		w.value(place, e)
	}
}

func (w walker) mapping(p redact.Place, m pcommon.Map) {
	var masked map[int]string // the keys that hold a secret, by position
	var named redact.Place    // what the name of a pair makes of its value
	looked := false           // for it
	i := 0
	for k, v := range m.All() {
		name, changed, place := w.s.Name(p, k)
		if !looked && (place.IsPairValue() || redact.IsPairName(k)) {
			// Before the name itself is masked.
			named, looked = w.named(p, m), true
		}
		if place.IsPairValue() && named.Forced() {
			place = named
		}
		w.value(place, v)
		if changed {
			if masked == nil {
				masked = make(map[int]string, 1)
			}
			masked[i] = name
		}
		i++
	}
	if masked != nil {
		rename(m, masked)
	}
}

// named is the place that the name of a name and value pair in the map m at p
// makes for the value, if that is forced.
func (w walker) named(p redact.Place, m pcommon.Map) redact.Place {
	for k, v := range m.All() {
		if v.Type() == pcommon.ValueTypeStr && redact.IsPairName(k) {
			if q := w.s.Field(p, v.Str()); q.Forced() {
				return q
			}
		}
	}
	return redact.Place{}
}

// rename builds m anew: pdata cannot change a key.
func rename(m pcommon.Map, names map[int]string) {
	out := pcommon.NewMap()
	out.EnsureCapacity(m.Len())
	i := 0
	for key, v := range m.All() {
		if name, ok := names[i]; ok {
			key = name
		}
		v.MoveTo(out.PutEmpty(unused(out, key)))
		i++
	}
	out.MoveTo(m)
}

// unused returns key, with a number behind it where the map already has it:
// two secrets of one kind have the same marker, and neither value may be lost.
func unused(m pcommon.Map, key string) string {
	name := key
	for n := 2; ; n++ {
		if _, taken := m.Get(name); !taken {
			return name
		}
		name = key + "#" + strconv.Itoa(n)
	}
}

func (w walker) keys(s pcommon.StringSlice) {
	for i, k := range s.All() {
		if key, changed := w.s.Key(k); changed {
			s.SetAt(i, key)
		}
	}
}
