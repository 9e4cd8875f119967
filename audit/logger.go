// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"

	"github.com/auditchain/auditchain/internal/receipt"
)

// scopeName is the instrumentation scope of a Logger that names no other.
const scopeName = "github.com/auditchain/auditchain/audit"

var (
	// ErrNoReceipt is returned by [Logger.Emit] when no processor reported
	// what became of the record, so that nothing can be said about it.
	ErrNoReceipt = errors.New("no processor reported what became of the record: " +
		"the logger provider has none of processor/synclog, or was shut down")

	// ErrInvalidEvent is wrapped by the error that [Logger.Emit] returns for an
	// event or an option that was refused before anything was emitted.
	ErrInvalidEvent = errors.New("invalid audit event")

	// ErrLost is wrapped by the error that [Logger.Emit] returns when a limit of
	// the SDK cut the record or dropped some of it.
	ErrLost = receipt.ErrLost
)

// Status says how far a record got.
type Status string

const (
	// StatusDurable: sealed in a chain and synced to the disk.
	StatusDurable Status = "durable"
	// StatusAccepted: an exporter took the record without an error, and did
	// not say that it is durable.
	StatusAccepted Status = "accepted"
)

// Receipt says what became of an emitted record.
type Receipt struct {
	// RecordID is the record's id (UUIDv7 unless [WithRecordID] gave another).
	RecordID uuid.UUID
	// Status says how far the record got; empty when it got nowhere.
	Status Status
	// Chain is the id of the chain that holds the record. Zero, like Seq and
	// Hash, where no journal sealed it; not zero with StatusAccepted where the
	// journal does not sync each commit (its fsync mode).
	Chain uuid.UUID
	// Seq is the record's place in the chain, from 1.
	Seq uint64
	// Hash is the leaf hash of the record as it was persisted (docs/SPEC.md,
	// section 3): after redaction, so it is not a hash of what was emitted.
	Hash [32]byte
	// Time is when the sink acknowledged the record.
	Time time.Time
}

// Logger emits audit events. It is safe for concurrent use: concurrent calls of
// Emit are sealed together where the sink can do that.
type Logger struct {
	logger log.Logger
	actor  *party
	now    func() time.Time
}

// LoggerOption configures a [Logger].
type LoggerOption interface{ applyLogger(*loggerConfig) }

type loggerConfig struct {
	scope, version string
	actor          *party
	err            error
}

type loggerOption func(*loggerConfig)

func (f loggerOption) applyLogger(c *loggerConfig) { f(c) }

// WithScope names the instrumentation scope of the records: the package or
// program that emits them, and its version (which may be empty).
func WithScope(name, version string) LoggerOption {
	return loggerOption(func(c *loggerConfig) {
		if name == "" {
			c.err = errors.New("audit.WithScope: empty name: give the import path of the emitting package")
		}
		c.scope, c.version = name, version
	})
}

// WithDefaultActor sets who acts in events that name no actor with [WithActor]
// and whose session names no agent. Without it that is the session's role.
func WithDefaultActor(id string, t ActorType) LoggerOption {
	return loggerOption(func(c *loggerConfig) {
		a := party{id, string(t)}
		if err := a.checkActor(); err != nil {
			c.err = fmt.Errorf("audit.WithDefaultActor: %w", err)
		}
		c.actor = &a
	})
}

// NewLogger returns a Logger that emits through provider. The provider needs a
// processor that reports back (processor/synclog); without one, every Emit
// returns ErrNoReceipt. It should have no limits on attributes
// (WithAttributeCountLimit(-1) and its siblings of the SDK): what a limit cuts
// is an error here.
func NewLogger(provider log.LoggerProvider, opts ...LoggerOption) (*Logger, error) {
	if provider == nil {
		return nil, errors.New("audit.NewLogger: no logger provider: give that of the SDK (go.opentelemetry.io/otel/sdk/log)")
	}
	c := loggerConfig{scope: scopeName}
	for _, o := range opts {
		o.applyLogger(&c)
	}
	if c.err != nil {
		return nil, c.err
	}
	var lo []log.LoggerOption
	if c.version != "" {
		lo = append(lo, log.WithInstrumentationVersion(c.version))
	}
	return &Logger{logger: provider.Logger(c.scope, lo...), actor: c.actor, now: time.Now}, nil
}

// Emit emits one event, in a session or (session nil) outside of any, and
// returns what became of it. It blocks until every processor of the provider
// has seen the record.
//
// Errors:
//   - the error of ctx, when ctx ended before anything was emitted;
//   - one that wraps ErrInvalidEvent: the event or an option was refused, and
//     nothing was emitted;
//   - one that wraps ErrLost: a limit of the SDK cut the record, and
//     processor/synclog did not export it;
//   - ErrNoReceipt: nobody reported;
//   - otherwise what the sinks reported, joined.
//
// The Receipt is valid together with an error of a sink, too: when its Status is
// StatusDurable, the record stands in the chain and another sink failed. To try
// the same event again, pass [WithRecordID] and [WithTime], in the same span: the
// journal then sees the same record and seals it once.
//
// The context reaches processors and exporters; when it ends while they work,
// what they do is theirs to say.
func (l *Logger) Emit(ctx context.Context, session *Session, event Event, opts ...EmitOption) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	if isNil(event) {
		return Receipt{}, fmt.Errorf("%w: no event", ErrInvalidEvent)
	}
	c := emitConfig{defaultActor: l.actor}
	for _, o := range opts {
		o.applyEmit(&c)
	}
	now := l.now()
	rec, id, attrs, err := record(session, event, &c, now)
	if err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrInvalidEvent, err)
	}
	ctx, slot := receipt.With(ctx)
	slot.Bind(id, rec.EventName(), attrs)
	l.logger.Emit(ctx, rec)

	got, filled, err := slot.Result()
	r := Receipt{RecordID: id}
	if filled {
		r.Status, r.Chain, r.Seq, r.Hash, r.Time = StatusAccepted, got.Chain, got.Seq, got.Hash, got.Time
		if got.Durable {
			r.Status = StatusDurable
		}
	}
	if err == nil && !filled {
		err = ErrNoReceipt
	}
	return r, err
}

// Session returns a logger that emits in session s, which must not be nil.
func (l *Logger) Session(s *Session) *SessionLogger { return &SessionLogger{l, s} }

// SessionLogger emits events of one session. It is safe for concurrent use.
type SessionLogger struct {
	logger  *Logger
	session *Session
}

// Emit is [Logger.Emit] in the session.
func (s *SessionLogger) Emit(ctx context.Context, event Event, opts ...EmitOption) (Receipt, error) {
	return s.logger.Emit(ctx, s.session, event, opts...)
}

// Session returns the session.
func (s *SessionLogger) Session() *Session { return s.session }

func isNil(event Event) bool {
	if event == nil {
		return true
	}
	v := reflect.ValueOf(event)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// attributes is a list of attributes that refuses a key twice.
type attributes struct {
	list []attribute.KeyValue
	seen map[attribute.Key]struct{}
}

func (a *attributes) add(kv attribute.KeyValue) error {
	if _, dup := a.seen[kv.Key]; dup {
		return fmt.Errorf("attribute %q is given twice", kv.Key)
	}
	if a.seen == nil {
		a.seen = make(map[attribute.Key]struct{}, 24)
	}
	a.seen[kv.Key] = struct{}{}
	a.list = append(a.list, kv)
	return nil
}
