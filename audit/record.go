// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
)

// Attributes of a record beside the fields of its event. docs/EVENTS.md says
// which of them are stable conventions and which are drafts.
const (
	keySessionID  = attribute.Key("session.id")
	keyProvider   = attribute.Key("cloud.provider")
	keyAgentID    = attribute.Key("gen_ai.agent.id")
	keyExitCode   = attribute.Key("process.exit.code")
	keyRecordUID  = attribute.Key("log.record.uid")
	keyRecordID   = attribute.Key("audit.record.id")
	keyActorID    = attribute.Key("audit.actor.id")
	keyActorType  = attribute.Key("audit.actor.type")
	keyAction     = attribute.Key("audit.action")
	keyOutcome    = attribute.Key("audit.outcome")
	keyTargetID   = attribute.Key("audit.target.id")
	keyTargetType = attribute.Key("audit.target.type")
)

// ActorType is the kind of who acted.
type ActorType string

// The kinds of actors.
const (
	ActorUser    ActorType = "user"
	ActorService ActorType = "service"
	ActorSystem  ActorType = "system"
)

// Outcome says how an action ended.
type Outcome string

// The outcomes.
const (
	OutcomeSuccess Outcome = "success"
	OutcomeFailure Outcome = "failure"
	OutcomeUnknown Outcome = "unknown"
)

type severity struct {
	number log.Severity
	text   string
}

var (
	info     = severity{log.SeverityInfo, "INFO"}
	warn     = severity{log.SeverityWarn, "WARN"}
	critical = severity{log.SeverityError, "ERROR"}
)

// party is an actor or a target.
type party struct{ id, kind string }

func (p party) checkActor() error {
	if p.id == "" {
		return errors.New("the actor has no id")
	}
	switch ActorType(p.kind) {
	case ActorUser, ActorService, ActorSystem:
		return nil
	}
	return fmt.Errorf("actor type %q: use user, service or system", p.kind)
}

// EmitOption says more about one event, or overrides what its type says.
type EmitOption interface{ applyEmit(*emitConfig) }

type emitConfig struct {
	actor, target *party
	defaultActor  *party
	action        string
	outcome       Outcome
	time          time.Time
	id            uuid.UUID
	severity      *severity
	message       string
	attrs         []attribute.KeyValue
	errs          []error
}

type emitOption func(*emitConfig)

func (f emitOption) applyEmit(c *emitConfig) { f(c) }

// WithActor says who acted. Without it that is the session's agent (as a
// service), else the Logger's default actor, else the session's role (as a
// service).
func WithActor(id string, t ActorType) EmitOption {
	return emitOption(func(c *emitConfig) {
		c.actor = &party{id, string(t)}
		c.fail(c.actor.checkActor())
	})
}

// WithAction says what was done, such as "session.create". It need not be one
// of the provider's actions.
func WithAction(action string) EmitOption {
	return emitOption(func(c *emitConfig) {
		if action == "" {
			c.fail(errors.New("the action is empty"))
		}
		c.action = action
	})
}

// WithOutcome says how it ended.
func WithOutcome(o Outcome) EmitOption {
	return emitOption(func(c *emitConfig) {
		switch o {
		case OutcomeSuccess, OutcomeFailure, OutcomeUnknown:
		default:
			c.fail(fmt.Errorf("outcome %q: use success, failure or unknown", string(o)))
		}
		c.outcome = o
	})
}

// WithTarget says what was acted upon; the type may be empty.
func WithTarget(id, targetType string) EmitOption {
	return emitOption(func(c *emitConfig) {
		if id == "" {
			c.fail(errors.New("the target has no id"))
		}
		c.target = &party{id, targetType}
	})
}

// WithTime says when it happened; without it, now.
func WithTime(t time.Time) EmitOption {
	return emitOption(func(c *emitConfig) {
		c.fail(checkTime("the event's time", t))
		c.time = t
	})
}

// WithRecordID gives the record's id, for emitting an event again after an
// error: the same id with the same content is sealed once.
func WithRecordID(id uuid.UUID) EmitOption {
	return emitOption(func(c *emitConfig) {
		if id == uuid.Nil {
			c.fail(errors.New("the record id is all zero"))
		}
		c.id = id
	})
}

// WithSeverity overrides the severity that the event's type has.
func WithSeverity(s log.Severity) EmitOption {
	return emitOption(func(c *emitConfig) {
		if s < log.SeverityTrace1 || s > log.SeverityFatal4 {
			c.fail(fmt.Errorf("severity %d is not one of 1 to 24", int(s)))
		}
		c.severity = &severity{s, s.String()}
	})
}

// WithMessage overrides the sentence that the record has as its body. Put no
// secret into it: redaction knows the forms of secrets, not their meaning.
func WithMessage(sentence string) EmitOption {
	return emitOption(func(c *emitConfig) { c.message = sentence })
}

// WithAttributes adds attributes to the record, such as cloud.region. Keys that
// the Logger sets itself, and all that begin with "audit.", are refused.
func WithAttributes(attrs ...attribute.KeyValue) EmitOption {
	return emitOption(func(c *emitConfig) {
		for _, kv := range attrs {
			if kv.Key == "" {
				c.fail(errors.New("an attribute has no key"))
			}
			if strings.HasPrefix(string(kv.Key), EventPrefix) {
				c.fail(fmt.Errorf("attribute %q: names that begin with %q are the logger's own", kv.Key, EventPrefix))
			}
		}
		c.attrs = append(c.attrs, attrs...)
	})
}

func (c *emitConfig) fail(err error) {
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

// record maps an event to a log record, by the table in docs/EVENTS.md.
func record(s *Session, e Event, c *emitConfig, now time.Time) (log.Record, uuid.UUID, []attribute.KeyValue, error) {
	if err := errors.Join(append([]error{e.check()}, c.errs...)...); err != nil {
		return log.Record{}, uuid.Nil, nil, err
	}
	id := c.id
	if id == uuid.Nil {
		var err error
		if id, err = uuid.NewV7(); err != nil {
			return log.Record{}, uuid.Nil, nil, fmt.Errorf("no record id: %w", err)
		}
	}
	d := e.describe(s)
	c.override(&d)

	var set attributes
	set.list = make([]attribute.KeyValue, 0, 24)
	add := func(kvs ...attribute.KeyValue) error {
		for _, kv := range kvs {
			if err := set.add(kv); err != nil {
				return err
			}
		}
		return nil
	}
	err := errors.Join(
		add(keyRecordID.String(id.String()), keyRecordUID.String(id.String())),
		add(Fields(e)...),
		add(s.attributes()...),
		add(c.parties(s, d)...),
		add(d.extra...),
		add(c.attrs...),
	)
	if err != nil {
		return log.Record{}, uuid.Nil, nil, err
	}

	var r log.Record
	r.SetEventName(EventPrefix + e.EventType())
	r.SetTimestamp(now)
	if !c.time.IsZero() {
		r.SetTimestamp(c.time)
	}
	r.SetObservedTimestamp(now)
	r.SetSeverity(d.severity.number)
	r.SetSeverityText(d.severity.text)
	r.SetBody(attribute.StringValue(strings.ToValidUTF8(d.sentence, string(utf8.RuneError))))
	r.AddAttributes(set.list...)
	return r, id, set.list, nil
}

func (c *emitConfig) override(d *description) {
	if c.action != "" {
		d.action = c.action
	}
	if c.outcome != "" {
		d.outcome = c.outcome
	}
	if c.target != nil {
		d.target = *c.target
	}
	if c.severity != nil {
		d.severity = *c.severity
	}
	if c.message != "" {
		d.sentence = c.message
	}
}

// parties returns who did what to what, and how it ended.
func (c *emitConfig) parties(s *Session, d description) []attribute.KeyValue {
	var out []attribute.KeyValue
	var actor party
	switch {
	case c.actor != nil:
		actor = *c.actor
	case s != nil && s.agentID != "":
		actor = party{s.agentID, string(ActorService)}
	case c.defaultActor != nil:
		actor = *c.defaultActor
	case s != nil:
		actor = party{s.role, string(ActorService)}
	}
	if actor.id != "" {
		out = append(out, keyActorID.String(actor.id), keyActorType.String(actor.kind))
	}
	out = append(out, keyAction.String(d.action), keyOutcome.String(string(d.outcome)))
	if d.target.id != "" {
		out = append(out, keyTargetID.String(d.target.id))
		if d.target.kind != "" {
			out = append(out, keyTargetType.String(d.target.kind))
		}
	}
	return out
}
