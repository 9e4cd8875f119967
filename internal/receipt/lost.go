// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package receipt

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// ErrLost is wrapped by the error of [Slot.Lost].
var ErrLost = errors.New("the record lost content between Emit and the processor")

// Lost compares a record with what was emitted and returns an error that wraps
// ErrLost and names the first attribute that is missing, cut, emptied or short
// of elements or keys. That is what the limits of an SDK do, and what its count
// of dropped attributes does not tell: it stays 0 for values that were cut,
// deduplicated or limited in depth.
//
// Attributes that were added, and values that were rewritten as a whole, are no
// loss: enrichment and redaction do that on purpose. So redaction calls Lost
// before it masks, since afterwards a cut cannot be told from a mask.
//
// What Lost found once it returns ever after: a record that was cut and then
// masked is still one that was cut.
//
// dropped is the record's count of dropped attributes, walk its attributes. The
// error holds keys and no values.
func (s *Slot) Lost(dropped int, walk func(yield func(attribute.KeyValue) bool)) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	emitted, err := s.emitted, s.lost
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err = inOrder(emitted, walk); err == nil && dropped > 0 {
		err = lost("%d attributes were dropped", dropped)
	}
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lost = err
	}
	return err
}

// inOrder compares attributes that come in the order in which they were emitted,
// as an SDK keeps it. Where they do not, byKey looks for each.
func inOrder(emitted []attribute.KeyValue, walk func(yield func(attribute.KeyValue) bool)) (err error) {
	i := 0
	walk(func(kv attribute.KeyValue) bool {
		if i == len(emitted) || kv.Key != emitted[i].Key {
			return false
		}
		err = cut(emitted[i], kv.Value)
		i++
		return err == nil
	})
	if err != nil || i == len(emitted) {
		return err
	}
	return byKey(emitted[i:], walk)
}

func byKey(emitted []attribute.KeyValue, walk func(yield func(attribute.KeyValue) bool)) error {
	got := make(map[attribute.Key]attribute.Value, len(emitted))
	walk(func(kv attribute.KeyValue) bool {
		if _, dup := got[kv.Key]; !dup {
			got[kv.Key] = kv.Value
		}
		return true
	})
	for _, want := range emitted {
		v, ok := got[want.Key]
		if !ok {
			return lost("attribute %q is missing", want.Key)
		}
		if err := cut(want, v); err != nil {
			return err
		}
	}
	return nil
}

func cut(want attribute.KeyValue, have attribute.Value) error {
	if shrunk(want.Value, have) {
		return lost("attribute %q was cut", want.Key)
	}
	return nil
}

func lost(format string, a ...any) error {
	return fmt.Errorf("%w: %s (raise the provider's limits: WithAttributeCountLimit(-1), "+
		"WithAttributeValueLengthLimit(-1), WithAttributeValueDepthLimit(-1))", ErrLost, fmt.Sprintf(format, a...))
}

// shrunk reports whether have is what a limit leaves of want, at any depth.
func shrunk(want, have attribute.Value) bool {
	if want == have {
		return false
	}
	if have.Type() == attribute.EMPTY {
		return true
	}
	if want.Type() != have.Type() {
		return false
	}
	switch want.Type() {
	case attribute.STRING:
		return isCut(want.AsString(), have.AsString())
	case attribute.BYTESLICE:
		return strings.HasPrefix(string(want.AsByteSlice()), string(have.AsByteSlice()))
	case attribute.STRINGSLICE:
		w, h := want.AsStringSlice(), have.AsStringSlice()
		if len(h) < len(w) {
			return true
		}
		for i := range w {
			if w[i] != h[i] && isCut(w[i], h[i]) {
				return true
			}
		}
	case attribute.BOOLSLICE:
		return len(have.AsBoolSlice()) < len(want.AsBoolSlice())
	case attribute.INT64SLICE:
		return len(have.AsInt64Slice()) < len(want.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		return len(have.AsFloat64Slice()) < len(want.AsFloat64Slice())
	case attribute.SLICE:
		w, h := want.AsSlice(), have.AsSlice()
		if len(h) < len(w) {
			return true
		}
		for i := range w {
			if shrunk(w[i], h[i]) {
				return true
			}
		}
	case attribute.MAP:
		return mapShrunk(want.AsMap(), have.AsMap())
	}
	return false
}

// mapShrunk compares two maps, each sorted by key.
func mapShrunk(want, have []attribute.KeyValue) bool {
	if len(have) < len(want) {
		return true
	}
	i := 0
	for _, w := range want {
		for i < len(have) && have[i].Key < w.Key {
			i++
		}
		if i == len(have) || have[i].Key != w.Key || shrunk(w.Value, have[i].Value) {
			return true
		}
		i++
	}
	return false
}

// isCut reports whether have is a beginning of want, which may also have lost
// its bytes that are not valid UTF-8: that is how the SDK cuts strings.
func isCut(want, have string) bool {
	if len(have) >= len(want) {
		return false
	}
	return strings.HasPrefix(want, have) ||
		(!utf8.ValidString(want) && strings.HasPrefix(strings.ToValidUTF8(want, ""), have))
}
