// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
)

// Kind says what a line is.
type Kind int

// The kinds of lines.
const (
	// KindRecord is a record: an audit event, or any other log record.
	KindRecord Kind = iota
	// KindControl is a record that a journal wrote about itself.
	KindControl
	// KindErased is what is left of a line that was erased.
	KindErased
)

// Entry is one line of a journal, read back. It equals the OpenTelemetry log
// record that was written, after redaction.
type Entry struct {
	Kind Kind
	// Older says that the line has the older format: nothing but Timestamp,
	// SessionID, Provider and the event.
	Older bool

	// Timestamp is when it happened (see Filled), in UTC. Of a control record
	// it is when that was written.
	Timestamp time.Time
	// SessionID is the id of the session, "" where there is none.
	SessionID string
	// Provider is the cloud. Where the line names none it is "aws" for audit
	// events and "" for all other records. A line may name any cloud.
	Provider Provider
	// Type is the event's type; "log" or the event name for a record that is
	// no audit event.
	Type string
	// Event is the audit event: one of the six types where type and fields
	// fit, else Custom. It is nil for a record that is no audit event.
	Event Event
	// EventName is that of the log record. It is "audit.rejected" of the event
	// that a journal writes for a record that it refused; where a sender gave a
	// record that name, Type is "audit.rejected" too and Event is nil.
	EventName string
	// ID is the record's id.
	ID uuid.UUID

	Severity     log.Severity
	SeverityText string
	TraceID      [16]byte
	SpanID       [8]byte
	Flags        uint32
	// Body is the record's body. A JSON body is a string with that JSON.
	Body attribute.Value
	// JSONBody says that Body is a JSON text that stands in the line as it is.
	JSONBody bool

	Resource Resource
	Scope    Scope
	// Attributes are those of the log record: with the fields of the event
	// and everything else that stands elsewhere in the line put back.
	Attributes []attribute.KeyValue
	// Dropped is how many attributes were dropped before the record was sealed.
	Dropped uint32
	// Redacted says how many secrets of which kind were masked.
	Redacted map[string]int64
	// Observed is when the record was seen; zero where the line does not say.
	Observed time.Time
	// Filled names what the writer filled in because the sender left it out:
	// "timestamp", "id".
	Filled []string

	// Control is set where Kind is KindControl.
	Control *Control
	// Erased is the leaf hash that a tombstone states.
	Erased [32]byte
}

// Resource is what emitted the record.
type Resource struct {
	Attributes []attribute.KeyValue
	Dropped    uint32
	SchemaURL  string
}

// Scope is the instrumentation scope of the record.
type Scope struct {
	Name, Version string
	Attributes    []attribute.KeyValue
	Dropped       uint32
	SchemaURL     string
}

// Control is a record that a journal wrote about itself.
type Control struct {
	// Name is such as "chain.genesis".
	Name string
	Time time.Time
	// Fields are the other members, in their order.
	Fields []attribute.KeyValue
}

// Attribute returns the first attribute of the record with that key.
func (e *Entry) Attribute(key attribute.Key) (attribute.Value, bool) {
	for _, kv := range e.Attributes {
		if kv.Key == key {
			return kv.Value, true
		}
	}
	return attribute.Value{}, false
}

func (e *Entry) text(key attribute.Key) string {
	if v, ok := e.Attribute(key); ok && v.Type() == attribute.STRING {
		return v.AsString()
	}
	return ""
}

// Actor returns who acted: audit.actor.id, else the agent of the session.
func (e *Entry) Actor() string {
	for _, key := range []attribute.Key{keyActorID, keyAgentID, FieldPrefix + "agent_id"} {
		if s := e.text(key); s != "" {
			return s
		}
	}
	return ""
}

// Outcome returns how the action ended, "" where the record does not say.
func (e *Entry) Outcome() Outcome { return Outcome(e.text(keyOutcome)) }

// Message returns the body as text. It may hold line breaks and bytes that mean
// something to a terminal.
func (e *Entry) Message() string { return e.Body.String() }
