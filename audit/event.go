// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// Names on the wire.
const (
	// EventPrefix begins the EventName of a record that is an audit event.
	EventPrefix = "audit."
	// FieldPrefix begins the attributes that hold the fields of an event.
	FieldPrefix = "audit.event."

	// maxTypeLen bounds a type name: it stands in every record, and some
	// backends cut event names at 256.
	maxTypeLen = 128
	// timeFormat is that of every time in a line (docs/SPEC.md, section 2).
	timeFormat = "2006-01-02T15:04:05.000000000Z"
)

// Event is something that happened and must leave a trail: one of the six types
// of this package, or [Custom]. Nothing else can implement it, so that every
// event has a form on the wire that can be read back.
type Event interface {
	// EventType is the type's name, such as "session_created".
	EventType() string

	// eventFields returns the fields in their order, named without the prefix.
	eventFields() []attribute.KeyValue
	// check says why the event must not be emitted.
	check() error
	// describe says what the record holds beside the fields.
	describe(s *Session) description
}

// description is what an event says about itself beside its fields.
type description struct {
	sentence string
	severity severity
	action   string
	outcome  Outcome
	target   party
	extra    []attribute.KeyValue // attributes of the semantic conventions
}

// Fields returns the fields of an event as the attributes that a record holds:
// `audit.event.<field>`, in the order of the fields.
func Fields(e Event) []attribute.KeyValue {
	fields := e.eventFields()
	for i := range fields {
		fields[i].Key = FieldPrefix + fields[i].Key
	}
	return fields
}

// Custom is an event of a type of its own.
//
// A type name begins with a lower case ASCII letter, goes on with lower case
// letters, digits, '_', '.' and '-', ends with a letter or a digit, and has at
// most 128 bytes. The names of the other types of this package are refused, and
// so are "log", "rejected" and "checkpoint", which mean something else in a journal
// or a backend.
//
// The fields have names that are not empty, are valid UTF-8 and differ from each
// other. A field named "type" is refused: the event's type stands under that
// name. Values may be of any kind, maps and slices included.
type Custom struct {
	Type   string
	Fields []attribute.KeyValue
}

// EventType returns c.Type.
func (c Custom) EventType() string { return c.Type }

func (c Custom) eventFields() []attribute.KeyValue {
	return append([]attribute.KeyValue(nil), c.Fields...)
}

func (c Custom) check() error {
	if err := checkType(c.Type); err != nil {
		return err
	}
	seen := make(map[attribute.Key]struct{}, len(c.Fields))
	for i, f := range c.Fields {
		switch {
		case f.Key == "type":
			return fmt.Errorf("event %q: a field must not be named %q, which holds the event's type: choose another name", c.Type, "type")
		case f.Key == "":
			return fmt.Errorf("event %q: field %d has no name", c.Type, i)
		case !utf8.ValidString(string(f.Key)):
			return fmt.Errorf("event %q: the name of field %d is not valid UTF-8", c.Type, i)
		}
		if _, dup := seen[f.Key]; dup {
			return fmt.Errorf("event %q: field %q is given twice", c.Type, f.Key)
		}
		seen[f.Key] = struct{}{}
	}
	return nil
}

func (c Custom) describe(*Session) description {
	return description{
		sentence: strings.NewReplacer("_", " ", "-", " ").Replace(c.Type),
		severity: info,
		action:   c.Type,
		outcome:  OutcomeUnknown,
	}
}

// reserved are the types that Custom must not take: those of this package, and
// those that mean something else in a journal or a backend.
var reserved = map[string]string{
	typeSessionCreated:    "use audit.SessionCreated",
	typeCredentialsIssued: "use audit.CredentialsIssued",
	typeSessionEnded:      "use audit.SessionEnded",
	typeBudgetWarning:     "use audit.BudgetWarning",
	typeBudgetExceeded:    "use audit.BudgetExceeded",
	typeResourceCreated:   "use audit.ResourceCreated",
	"log":                 "it marks records that are no audit events",
	typeRejected:          "it marks records that a journal refused",
	typeCheckpoint:        "it marks checkpoints of a journal on their way to a backend",
}

func checkType(name string) error {
	switch {
	case name == "":
		return errors.New("event type is empty: give a name such as \"deploy_finished\"")
	case len(name) > maxTypeLen:
		return fmt.Errorf("event type has %d bytes, more than %d", len(name), maxTypeLen)
	}
	for i := range len(name) {
		c := name[i]
		letter, digit := c >= 'a' && c <= 'z', c >= '0' && c <= '9'
		sep := c == '_' || c == '.' || c == '-'
		if !letter && (i == 0 || !digit && (!sep || i == len(name)-1)) {
			return fmt.Errorf("event type %q: byte %d is not allowed there: a type begins with a lower case letter, goes on with "+
				"lower case letters, digits, '_', '.' and '-', and ends with a letter or a digit", name, i)
		}
	}
	if why, ok := reserved[name]; ok {
		return fmt.Errorf("event type %q is reserved: %s", name, why)
	}
	return nil
}

func checkFinite(field string, v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%s is not a finite number", field)
	}
	return nil
}

func checkTime(field string, t time.Time) error {
	if y := t.UTC().Year(); t.IsZero() || y < 1 || y > 9999 {
		return fmt.Errorf("%s is unset or outside of the years 1 to 9999", field)
	}
	return nil
}
