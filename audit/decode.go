// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
)

// Decode reads what a line says: the payload of a line (all before its last
// `,"seq":`, docs/SPEC.md, section 2), or a whole JSON object, such as a line of
// the older format without its mark or what [Entry.MarshalJSON] writes.
//
// It is strict: keys are compared with regard to case, a key that stands twice
// in an object, a member that the format does not know and a value that is not
// of its kind are errors, since a reader that guesses would show something else
// than what was sealed. The order of the members is free beyond the first, and
// `blind` may be missing, since it does not leave the file.
//
// The error says what is wrong with which member and holds nothing of the
// content. Decode verifies nothing. It is safe for concurrent use, and the Entry
// keeps nothing of payload.
func Decode(payload []byte) (Entry, error) {
	e, err := decode(payload)
	if err != nil {
		return Entry{}, fmt.Errorf("record: %w", err)
	}
	return e, nil
}

// What a payload begins with (docs/SPEC.md, section 2).
const (
	beginRecord  = `{"timestamp":"`
	beginControl = `{"control":"chain.`
	beginErased  = `{"erased":"`
)

func decode(payload []byte) (Entry, error) {
	if at := slices.IndexFunc(payload, func(c byte) bool { return c < 0x20 }); at >= 0 {
		return Entry{}, fmt.Errorf("byte %d: a byte below 0x20", at)
	}
	read := decodeRecord
	switch {
	case bytes.HasPrefix(payload, []byte(beginRecord)):
	case bytes.HasPrefix(payload, []byte(beginControl)):
		read = decodeControl
	case bytes.HasPrefix(payload, []byte(beginErased)):
		read = decodeErased
	default:
		return Entry{}, errors.New("it begins like neither a record nor a control record nor what is left of an erased one")
	}
	n, err := parseObject(payload, true)
	if err != nil {
		return Entry{}, err
	}
	return read(n)
}

func decodeErased(n node) (Entry, error) {
	e := Entry{Kind: KindErased}
	if len(n.members()) != 1 || !hexBytes(n.members()[0].value, e.Erased[:]) {
		return Entry{}, errors.New(`"erased" is not 64 lower case hexadecimal digits and nothing more`)
	}
	return e, nil
}

func decodeControl(n node) (Entry, error) {
	c := &Control{Name: n.members()[0].value.text}
	for i, m := range n.members()[1:] {
		switch {
		case m.key == "seq" || m.key == "hmac":
			return Entry{}, errSuffix
		case i == 0:
			if m.key != "time" {
				return Entry{}, errors.New(`"time" does not follow "control"`)
			}
			t, err := timeValue(m.value)
			if err != nil {
				return Entry{}, fmt.Errorf(`"time": %w`, err)
			}
			c.Time = t
		default:
			v, err := value(m.value)
			if err != nil {
				return Entry{}, fmt.Errorf("member %d: %w", i+2, err)
			}
			c.Fields = append(c.Fields, attribute.KeyValue{Key: attribute.Key(m.key), Value: v})
		}
	}
	if len(n.members()) < 2 {
		return Entry{}, errors.New(`"time" is missing`)
	}
	return Entry{Kind: KindControl, Timestamp: c.Time, Control: c}, nil
}

var errSuffix = errors.New(`"seq" and "hmac" are no members of a payload: give Decode what stands before them`)

// reading holds what the assembly of an Entry needs beside the Entry itself.
type reading struct {
	Entry
	have      []string             // the members that there are
	fields    []attribute.KeyValue // of the event
	timestamp string
	bodyForm  string
	untyped   bool // the body, which is then a JSON text or wrong
	bodyRaw   []byte
	eventName string
}

func decodeRecord(n node) (Entry, error) {
	r := &reading{have: make([]string, 0, 24)}
	for _, m := range n.members() {
		read, ok := memberReaders[m.key]
		if !ok {
			if m.key == "seq" || m.key == "hmac" {
				return Entry{}, errSuffix
			}
			return Entry{}, errors.New("a member that version 1 of the format does not know: the line was written by a newer version")
		}
		if err := read(r, m); err != nil {
			return Entry{}, fmt.Errorf("%q: %w", m.key, err)
		}
		r.have = append(r.have, m.key)
	}
	for _, key := range []string{"timestamp", "session_id", "event"} {
		if !slices.Contains(r.have, key) {
			return Entry{}, fmt.Errorf("%q is missing", key)
		}
	}
	if slices.Contains(r.have, "id") {
		return r.current()
	}
	for _, key := range r.have {
		switch key {
		case "timestamp", "session_id", "provider", "event":
		default:
			return Entry{}, errors.New(`"id" is missing`)
		}
	}
	if n.open {
		// The older format has no payload, only whole objects.
		return Entry{}, errors.New(`"id" is missing`)
	}
	return r.older()
}

// memberReaders read the members of SPEC section 6.
var memberReaders = map[string]func(*reading, member) error{
	"timestamp": func(r *reading, m member) (err error) {
		r.timestamp = m.value.text
		r.Timestamp, err = olderTimeValue(m.value) // current is stricter
		return err
	},
	"session_id": func(r *reading, m member) (err error) { r.SessionID, err = plainString(m.value); return err },
	"provider": func(r *reading, m member) error {
		s, err := plainString(m.value)
		r.Provider = Provider(s)
		return err
	},
	"event": func(r *reading, m member) (err error) { r.Type, r.fields, err = eventMembers(m.value); return err },
	"event_name": func(r *reading, m member) (err error) {
		r.eventName, err = typedString(m.value)
		return err
	},
	"id": func(r *reading, m member) (err error) {
		r.ID, err = canonicalUUID(m.value.text)
		return err
	},
	"severity": func(r *reading, m member) error {
		v, err := value(m.value)
		if err != nil || v.Type() != attribute.INT64 || v.AsInt64() != int64(int32(v.AsInt64())) {
			return errors.New("not an integer of 32 bits")
		}
		r.Severity = log.Severity(v.AsInt64())
		return nil
	},
	"severity_text": func(r *reading, m member) (err error) { r.SeverityText, err = typedString(m.value); return err },
	"trace_id":      func(r *reading, m member) error { return hexMember(m.value, r.TraceID[:]) },
	"span_id":       func(r *reading, m member) error { return hexMember(m.value, r.SpanID[:]) },
	"flags":         func(r *reading, m member) error { return unsigned32(m.value, &r.Flags) },
	"body": func(r *reading, m member) (err error) {
		r.bodyRaw = m.raw
		if m.value.kind != objectNode && m.value.kind != arrayNode {
			r.Body, err = value(m.value)
			return err
		}
		// Whether it is typed is known once body_form was read.
		r.Body, err = value(m.value)
		if err != nil {
			r.Body, r.untyped = attribute.Value{}, true
		}
		return nil
	},
	"body_form": func(r *reading, m member) error {
		if m.value.kind != stringNode || m.value.text != "json" {
			return errors.New(`not "json"`)
		}
		r.bodyForm = m.value.text
		return nil
	},
	"resource": func(r *reading, m member) error {
		return group(m.value, groupMembers{
			"attributes": attributesInto(&r.Resource.Attributes),
			"dropped":    unsignedInto(&r.Resource.Dropped),
			"schema_url": stringInto(&r.Resource.SchemaURL),
		})
	},
	"scope": func(r *reading, m member) error {
		return group(m.value, groupMembers{
			"name":       stringInto(&r.Scope.Name),
			"version":    stringInto(&r.Scope.Version),
			"attributes": attributesInto(&r.Scope.Attributes),
			"dropped":    unsignedInto(&r.Scope.Dropped),
			"schema_url": stringInto(&r.Scope.SchemaURL),
		})
	},
	"attributes": func(r *reading, m member) error { return attributesInto(&r.Attributes)(m.value) },
	"dropped":    func(r *reading, m member) error { return unsigned32(m.value, &r.Dropped) },
	"redacted": func(r *reading, m member) error {
		if m.value.kind != objectNode {
			return errors.New("not an object")
		}
		r.Redacted = make(map[string]int64, len(m.value.members()))
		for _, kind := range m.value.members() {
			u, err := unsigned(kind.value, math.MaxInt64)
			if err != nil {
				return err
			}
			r.Redacted[kind.key] = int64(u)
		}
		return nil
	},
	"observed": func(r *reading, m member) (err error) { r.Observed, err = timeValue(m.value); return err },
	"filled": func(r *reading, m member) error {
		if m.value.kind != arrayNode {
			return errors.New("not an array")
		}
		for _, it := range m.value.items() {
			if it.kind != stringNode || it.text != "timestamp" && it.text != "id" || slices.Contains(r.Filled, it.text) {
				return errors.New(`it holds something else than "timestamp" and "id"`)
			}
			r.Filled = append(r.Filled, it.text)
		}
		return nil
	},
	"blind": func(_ *reading, m member) error {
		b, err := base64.RawURLEncoding.Strict().DecodeString(m.value.text)
		if m.value.kind != stringNode || err != nil || len(b) != 16 {
			return errors.New("not 16 bytes in base64url")
		}
		return nil
	},
}

// eventMembers reads `{"type":T, …fields}`.
func eventMembers(n node) (string, []attribute.KeyValue, error) {
	if n.kind != objectNode {
		return "", nil, errors.New("not an object")
	}
	typ, found := "", false
	var fields []attribute.KeyValue
	for _, m := range n.members() {
		if m.key == "type" {
			if m.value.kind != stringNode || m.value.text == "" {
				return "", nil, errors.New("its type is no name")
			}
			typ, found = m.value.text, true
			continue
		}
		v, err := value(m.value)
		if err != nil {
			return "", nil, fmt.Errorf("field %d: %w", len(fields)+1, err)
		}
		if m.key == "" {
			return "", nil, errors.New("a field has no name")
		}
		fields = append(fields, attribute.KeyValue{Key: attribute.Key(m.key), Value: v})
	}
	if !found {
		return "", nil, errors.New("it has no type")
	}
	return typ, fields, nil
}

func plainString(n node) (string, error) {
	if n.kind != stringNode {
		return "", errors.New("not a string")
	}
	return n.text, nil
}

// timeValue reads a time in the one form of SPEC section 2.
func timeValue(n node) (time.Time, error) {
	t, err := time.Parse(timeFormat, n.text)
	if n.kind != stringNode || err != nil || t.Format(timeFormat) != n.text {
		return time.Time{}, errors.New("not a time in UTC with nine fractional digits")
	}
	return t, nil
}

// olderTimeValue reads any RFC 3339 time. UnmarshalText is stricter than
// time.Parse, which takes "T1:02" and a comma.
func olderTimeValue(n node) (t time.Time, err error) {
	if n.kind != stringNode || t.UnmarshalText([]byte(n.text)) != nil || t.UTC().Year() < 0 || t.UTC().Year() > 9999 {
		return time.Time{}, errors.New("not a time as in RFC 3339")
	}
	return t.UTC(), nil
}

// canonicalUUID reads a UUID in its one canonical form, in lower case.
func canonicalUUID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || id.String() != s {
		return uuid.Nil, errors.New("not a UUID in lower case")
	}
	return id, nil
}

func hexBytes(n node, into []byte) bool {
	if n.kind != stringNode || len(n.text) != 2*len(into) || strings.ToLower(n.text) != n.text {
		return false
	}
	_, err := hex.Decode(into, []byte(n.text))
	return err == nil
}

func hexMember(n node, into []byte) error {
	if !hexBytes(n, into) {
		return fmt.Errorf("not %d lower case hexadecimal digits", 2*len(into))
	}
	return nil
}

func unsigned32(n node, into *uint32) error {
	u, err := unsigned(n, math.MaxUint32)
	*into = uint32(u)
	return err
}

// groupMembers reads the members of `resource` and `scope`.
type groupMembers map[string]func(node) error

func group(n node, readers groupMembers) error {
	if n.kind != objectNode {
		return errors.New("not an object")
	}
	for _, m := range n.members() {
		read, ok := readers[m.key]
		if !ok {
			return errors.New("a member that version 1 of the format does not know")
		}
		if err := read(m.value); err != nil {
			return fmt.Errorf("%q: %w", m.key, err)
		}
	}
	return nil
}

func attributesInto(into *[]attribute.KeyValue) func(node) error {
	return func(n node) (err error) { *into, err = mapValue(n); return err }
}

func unsignedInto(into *uint32) func(node) error {
	return func(n node) error { return unsigned32(n, into) }
}

func stringInto(into *string) func(node) error {
	return func(n node) (err error) { *into, err = typedString(n); return err }
}

func validUTF8(s string) bool { return s != "" && utf8.ValidString(s) }
