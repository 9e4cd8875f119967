// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// MarshalJSON writes the entry as it stands in its line (docs/SPEC.md, section
// 6), without `blind`, `seq` and `hmac`; [Decode] reads it back to the same
// Entry. The event and the attributes are written from Attributes and
// EventName, which hold the record exactly. Event is not looked at, and Type
// only where EventName is "audit.rejected": it then tells the journal's own event
// ("rejected") from a record that was sent under that name.
//
// Call it directly, or encode with SetEscapeHTML(false), for the same bytes as
// in the line: encoding/json escapes '<', '>' and '&' in what it is given.
func (e Entry) MarshalJSON() ([]byte, error) {
	switch e.Kind {
	case KindErased:
		return append(hex.AppendEncode([]byte(beginErased), e.Erased[:]), `"}`...), nil
	case KindControl:
		return e.marshalControl()
	}
	w := &writer{b: make([]byte, 0, 1024)}
	rest, fields := e.split()
	typ := e.EventName
	audit := e.isAudit()
	switch {
	case audit:
		typ = e.EventName[len(EventPrefix):]
	case !validUTF8(typ):
		typ = "log"
	}

	w.b = append(w.b, `{"timestamp":"`...)
	w.b = append(e.Timestamp.UTC().AppendFormat(w.b, timeFormat), '"')
	w.typed("session_id", e.SessionID)
	if e.saysProvider(audit) {
		w.typed("provider", string(e.Provider))
	}
	w.key("event")
	w.b = appendEvent(w.b, typ, fields)
	if e.Older {
		return append(w.b, '}'), nil
	}
	if !audit {
		w.typed("event_name", e.EventName)
	}
	w.typed("id", e.ID.String())
	w.integer("severity", int64(e.Severity))
	w.text("severity_text", e.SeverityText)
	w.hex("trace_id", e.TraceID[:])
	w.hex("span_id", e.SpanID[:])
	w.integer("flags", int64(e.Flags))
	if err := w.body(e); err != nil {
		return nil, err
	}
	w.group("resource", "", "", e.Resource.Attributes, e.Resource.Dropped, e.Resource.SchemaURL)
	w.group("scope", e.Scope.Name, e.Scope.Version, e.Scope.Attributes, e.Scope.Dropped, e.Scope.SchemaURL)
	w.attributes(rest)
	w.integer("dropped", int64(e.Dropped))
	w.redacted(e.Redacted)
	if !e.Observed.IsZero() {
		w.typed("observed", e.Observed.UTC().Format(timeFormat))
	}
	if len(e.Filled) > 0 {
		w.key("filled")
		w.b = appendList(w.b, e.Filled, appendTyped)
	}
	return append(w.b, '}'), nil
}

// isAudit reports whether the entry is an audit event.
func (e *Entry) isAudit() bool {
	return isAuditName(e.EventName) || e.EventName == nameRejected && (e.Older || e.Type == typeRejected)
}

func (e *Entry) marshalControl() ([]byte, error) {
	if e.Control == nil || !strings.HasPrefix(e.Control.Name, "chain.") {
		return nil, errors.New("entry: a control record without a name")
	}
	w := &writer{b: appendTyped([]byte(`{"control":`), e.Control.Name)}
	w.typed("time", e.Control.Time.UTC().Format(timeFormat))
	for _, f := range e.Control.Fields {
		w.key(string(f.Key))
		w.b = appendValue(w.b, f.Value)
	}
	return append(w.b, '}'), nil
}

// saysProvider reports whether the line names the provider, rather than leaving
// it to the reader's default.
func (e *Entry) saysProvider(audit bool) bool {
	return e.Older || e.Provider != "" && (!audit || e.Type == typeRejected || e.Provider != DefaultProvider ||
		sameString(e.Attributes, keyProvider, string(e.Provider)) ||
		sameString(e.Resource.Attributes, keyProvider, string(e.Provider)))
}

// split parts the attributes into the fields of the event and what is not said
// elsewhere in the line, as SPEC sections 6.2 to 6.4 say.
func (e *Entry) split() (rest, fields []attribute.KeyValue) {
	audit := e.isAudit()
	times := func(key attribute.Key) (n int) {
		for _, kv := range e.Attributes {
			if kv.Key == key {
				n++
			}
		}
		return n
	}
	lifted := func(kv attribute.KeyValue, said string) bool {
		return kv.Value.Type() == attribute.STRING && validUTF8(said) && kv.Value.AsString() == said && times(kv.Key) == 1
	}
	for _, kv := range e.Attributes {
		switch kv.Key {
		case keySessionID:
			if lifted(kv, e.SessionID) && !sameString(e.Resource.Attributes, kv.Key, e.SessionID) {
				continue
			}
		case keyProvider:
			if lifted(kv, string(e.Provider)) && !sameString(e.Resource.Attributes, kv.Key, string(e.Provider)) {
				continue
			}
		case keyRecordID:
			if lifted(kv, e.ID.String()) && !slices.Contains(e.Filled, "id") {
				continue
			}
		default:
			name, ok := strings.CutPrefix(string(kv.Key), FieldPrefix)
			if audit && ok && validUTF8(name) && name != "type" && !has(fields, attribute.Key(name)) {
				fields = append(fields, attribute.KeyValue{Key: attribute.Key(name), Value: kv.Value})
				continue
			}
		}
		rest = append(rest, kv)
	}
	return rest, fields
}

// writer appends members, leaving out those that are empty where it says so.
type writer struct{ b []byte }

func (w *writer) key(k string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(appendString(w.b, k), ':')
}

func (w *writer) typed(k, s string) {
	w.key(k)
	w.b = appendTyped(w.b, s)
}

func (w *writer) text(k, s string) {
	if s != "" {
		w.typed(k, s)
	}
}

func (w *writer) integer(k string, i int64) {
	if i != 0 {
		w.key(k)
		w.b = strconv.AppendInt(w.b, i, 10)
	}
}

func (w *writer) hex(k string, id []byte) {
	if slices.ContainsFunc(id, func(c byte) bool { return c != 0 }) {
		w.typed(k, hex.EncodeToString(id))
	}
}

func (w *writer) body(e Entry) error {
	switch {
	case e.JSONBody:
		text := e.Body.AsString()
		p := &parser{b: []byte(text)}
		n, err := p.value()
		if p.skip(); err != nil || p.i != len(p.b) || !utf8.ValidString(text) || n.kind != objectNode && n.kind != arrayNode {
			return errors.New("entry: the body is no JSON text")
		}
		w.key("body")
		w.b = append(w.b, text...)
		w.typed("body_form", "json")
	case e.Body.Type() != attribute.EMPTY:
		w.key("body")
		w.b = appendValue(w.b, e.Body)
	}
	return nil
}

func (w *writer) attributes(kvs []attribute.KeyValue) {
	if len(kvs) > 0 {
		w.key("attributes")
		w.b = appendMap(w.b, kvs)
	}
}

func (w *writer) group(k, name, version string, kvs []attribute.KeyValue, dropped uint32, schema string) {
	if name == "" && version == "" && len(kvs) == 0 && dropped == 0 && schema == "" {
		return
	}
	w.key(k)
	w.b = append(w.b, '{')
	w.text("name", name)
	w.text("version", version)
	w.attributes(kvs)
	w.integer("dropped", int64(dropped))
	w.text("schema_url", schema)
	w.b = append(w.b, '}')
}

func (w *writer) redacted(kinds map[string]int64) {
	if len(kinds) == 0 {
		return
	}
	w.key("redacted")
	w.b = append(w.b, '{')
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		w.key(k)
		w.b = strconv.AppendInt(w.b, kinds[k], 10)
	}
	w.b = append(w.b, '}')
}
