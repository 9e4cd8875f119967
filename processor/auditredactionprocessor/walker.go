// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"encoding/binary"
	"iter"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/auditchain/auditchain/processor/redact"
)

// walker redacts values in place.
type walker struct {
	s      scanner
	report bool // s is reporting
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
	case pcommon.ValueTypeInt:
		if marker, masked := w.s.Int(p, v.Int()); masked {
			v.SetStr(marker)
		}
	case pcommon.ValueTypeDouble:
		if marker, masked := w.s.Float(p, v.Double()); masked {
			v.SetStr(marker)
		}
	case pcommon.ValueTypeMap:
		if w.s.TooDeep(p) {
			w.refuse(v)
			return
		}
		w.mapping(p, v.Map())
	case pcommon.ValueTypeSlice:
		if w.s.TooDeep(p) {
			w.refuse(v)
			return
		}
		w.slice(p, v.Slice())
	}
}

// refuse puts a marker in the place of what lies too deep.
func (w walker) refuse(v pcommon.Value) {
	marker := w.s.Refused()
	if !w.report {
		v.SetStr(marker)
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
	var (
		masked map[int]string // the keys that hold a secret, by position
		few    [4]told
		names  = few[:0] // the strings so far that may say something of others
		beside redact.Siblings
		looked bool
	)
	i := 0
	for k, v := range m.All() {
		name, changed, place := w.s.Name(p, k)
		switch {
		case place.IsPairValue():
			if !looked {
				beside, looked = w.beside(p, m, names), true
			}
			place = beside.Place(k, place)
		case !looked && v.Type() == pcommon.ValueTypeStr && redact.IsPairName(k):
			names = append(names, told{i, v.Str()})
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

// told is a string of a map, as it was before it was redacted.
type told struct {
	i    int
	text string
}

// beside is what the strings of the map m at p say about the values beside them.
// Those in names are not any more what they were. Most maps ask for none of it,
// and a string is looked up as a name only for those that do.
func (w walker) beside(p redact.Place, m pcommon.Map, names []told) (b redact.Siblings) {
	i := 0
	for k, v := range m.All() {
		if v.Type() == pcommon.ValueTypeStr && redact.IsPairName(k) {
			text := v.Str()
			if len(names) > 0 && names[0].i == i {
				text, names = names[0].text, names[1:]
			}
			b.Tell(k, text, w.s.Field(p, text))
		}
		i++
	}
	return b
}

// rename builds m anew: pdata cannot change a key.
func rename(m pcommon.Map, names map[int]string) {
	var (
		keys  = make([]string, 0, m.Len())
		taken = make(map[string]bool, m.Len())
		next  = map[string]int{} // the number to try next, by key
	)
	i := 0
	for key := range m.All() {
		if name, ok := names[i]; ok {
			key = name
		}
		// Two secrets of one kind have the same marker, and neither value may be
		// lost: where the map has a key already, a number goes behind it.
		name := key
		for taken[name] {
			next[key]++
			name = key + "#" + strconv.Itoa(next[key]+1)
		}
		taken[name] = true
		keys = append(keys, name)
		i++
	}
	out := withKeys(keys)
	value, stop := iter.Pull2(m.All())
	defer stop()
	for _, v := range out.All() {
		_, from, _ := value()
		from.MoveTo(v)
	}
	out.MoveTo(m)
}

// withKeys is a map of these keys, of which no two are alike, in this order. To
// put them in one by one would look through all that are there each time, and
// somebody may send a hundred thousand of them. They are decoded instead: in the
// encoding, every field on the way to a key is the first of its message.
func withKeys(keys []string) pcommon.Map {
	var attributes []byte
	for _, k := range keys {
		attributes = appendField(attributes, string(appendField(nil, k)))
	}
	resourceLogs := appendField(nil, string(appendField(nil, string(attributes))))
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(resourceLogs)
	if err == nil && logs.ResourceLogs().Len() == 1 {
		if m := logs.ResourceLogs().At(0).Resource().Attributes(); m.Len() == len(keys) {
			return m
		}
	}
	m := pcommon.NewMap()
	for _, k := range keys {
		m.PutEmpty(k)
	}
	return m
}

// appendField appends field 1 of a message: a length and a text.
func appendField(dst []byte, text string) []byte {
	dst = binary.AppendUvarint(append(dst, 1<<3|2), uint64(len(text)))
	return append(dst, text...)
}

func (w walker) keys(s pcommon.StringSlice) {
	for i, k := range s.All() {
		if key, changed := w.s.Key(k); changed {
			s.SetAt(i, key)
		}
	}
}
