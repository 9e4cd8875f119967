// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/internal/payload"
)

// rejectedType is the journal's own word for what it refused (docs/SPEC.md,
// section 6.6): nobody else's event has it.
const rejectedType = "rejected"

// lineDefaults is what append's flags say about the lines that do not say it
// themselves.
type lineDefaults struct {
	session, provider, actor, eventType string
}

// attributes returns the defaults as attributes of a record that has its own
// session and provider, or "".
func (d lineDefaults) attributes(session, provider string) []attribute.KeyValue {
	var kvs []attribute.KeyValue
	for _, a := range []struct{ key, value, fallback string }{
		{"session.id", session, d.session},
		{"cloud.provider", provider, d.provider},
		{"audit.actor.id", "", d.actor},
	} {
		if a.value == "" {
			a.value = a.fallback
		}
		if a.value != "" {
			kvs = append(kvs, attribute.String(a.key, a.value))
		}
	}
	return kvs
}

// recordOf makes a record of a line that is not blank. A line is never
// refused here: what it is not understood as, it is kept as.
func (d lineDefaults) recordOf(line []byte, now time.Time) payload.LogRecord {
	if trimmed := bytes.TrimSpace(line); len(trimmed) < len(line) && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed) {
		// White space around a JSON text is no part of it, and a body that is
		// to be kept as JSON has none.
		line = trimmed
	}
	if r, ok := d.auditEntry(line, now); ok {
		return r
	}
	return payload.LogRecord{
		Timestamp:  timestampOf(line),
		Observed:   unixNano(now),
		EventName:  d.eventType,
		Body:       attribute.StringValue(string(line)),
		Attributes: d.attributes("", ""),
	}
}

// resource is that of an audit.rejected event for a line too long to be held,
// which takes its session and its provider from there (docs/SPEC.md, section
// 6.6); nil where there is nothing to say.
func (d lineDefaults) resource() *payload.Group {
	kvs := d.attributes("", "")
	if kvs == nil {
		return nil
	}
	return &payload.Group{Attributes: kvs}
}

// timestampFields are the top-level members that a log record's time is taken
// from, the first that is there and is RFC 3339.
var timestampFields = [...]string{"eventTime", "timestamp", "time"}

// timestampOf finds the time that a JSON object states, 0 where it states
// none: the record then gets the time at which the line was read, and says in
// "filled" that it did.
func timestampOf(line []byte) uint64 {
	var found [len(timestampFields)]uint64
	ok := eachMember(line, func(name, value []byte) bool {
		for i, f := range timestampFields {
			if string(name) == f {
				if t, ok := parseTime(value); ok {
					found[i] = t
					return i > 0 // nothing comes before the first
				}
			}
		}
		return true
	})
	if ok {
		for _, t := range found {
			if t != 0 {
				return t
			}
		}
	}
	return 0
}

// parseTime reads a JSON string that is an RFC 3339 time which OpenTelemetry
// can hold: after 1970, before 2262.
func parseTime(value []byte) (uint64, bool) {
	if len(value) < 2 || len(value) > 64 || value[0] != '"' {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, string(value[1:len(value)-1]))
	if err != nil || t.Year() < 1970 || t.Year() > 2261 {
		return 0, false
	}
	n := unixNano(t)
	return n, n != 0
}

func unixNano(t time.Time) uint64 {
	if n := t.UnixNano(); n > 0 {
		return uint64(n)
	}
	return 0
}

// auditEntry reads a line as an audit entry in the shape of the older system:
// timestamp, session_id, provider, event{type, fields}, optionally id, and
// nothing else. Whatever would not be kept exactly as an event is no entry:
// it is kept as a JSON body instead, byte for byte.
func (d lineDefaults) auditEntry(line []byte, now time.Time) (payload.LogRecord, bool) {
	var timestamp, session, provider, event, id []byte
	entry := eachMember(line, func(name, value []byte) bool {
		for _, m := range []struct {
			name string
			to   *[]byte
		}{{"timestamp", &timestamp}, {"session_id", &session}, {"provider", &provider}, {"event", &event}, {"id", &id}} {
			if string(name) == m.name {
				if *m.to != nil {
					timestamp, event = nil, nil
					return false
				}
				*m.to = value
				return true
			}
		}
		timestamp, event = nil, nil
		return false
	})
	if !entry || timestamp == nil || session == nil || event == nil || event[0] != '{' {
		return payload.LogRecord{}, false
	}
	at, ok := parseTime(timestamp)
	if !ok {
		return payload.LogRecord{}, false
	}
	members, err := attributesOf(line)
	if err != nil {
		return payload.LogRecord{}, false
	}
	text := map[attribute.Key]string{}
	for _, m := range members {
		switch {
		case m.Value.Type() == attribute.STRING:
			text[m.Key] = m.Value.AsString()
		case m.Key != "event":
			return payload.LogRecord{}, false
		}
	}
	fields, err := attributesOf(event)
	if err != nil {
		return payload.LogRecord{}, false
	}
	r := payload.LogRecord{
		Timestamp:  at,
		Observed:   unixNano(now),
		Attributes: d.attributes(text["session_id"], text["provider"]),
	}
	if s := text["id"]; s != "" {
		r.Attributes = append(r.Attributes, attribute.String("audit.record.id", s))
	}
	for _, f := range fields {
		switch {
		case f.Key == "type":
			name := f.Value.AsString()
			if f.Value.Type() != attribute.STRING || name == "" || name == rejectedType {
				return payload.LogRecord{}, false
			}
			r.EventName = audit.EventPrefix + name
		case f.Key == "":
			return payload.LogRecord{}, false
		default:
			r.Attributes = append(r.Attributes, attribute.KeyValue{Key: audit.FieldPrefix + f.Key, Value: f.Value})
		}
	}
	return r, r.EventName != ""
}

var bom = []byte("\xef\xbb\xbf")

// isBlank reports whether a line has nothing in it but white space.
func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }
