// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"github.com/auditchain/auditchain/internal/payload/wire"
	"go.opentelemetry.io/otel/attribute"
)

// Group is a resource or a scope. Name and Version are a scope's.
type Group struct {
	Name, Version, SchemaURL string
	Attributes               []attribute.KeyValue
	Dropped                  uint32
}

// LogRecord is one OpenTelemetry log record.
type LogRecord struct {
	// Timestamp and Observed are Unix times in nanoseconds, 0 for none.
	Timestamp, Observed uint64
	Severity            int32
	SeverityText        string
	EventName           string
	TraceID             [16]byte
	SpanID              [8]byte
	Flags               uint32
	Body                attribute.Value
	Attributes          []attribute.KeyValue
	Dropped             uint32
	// Resource and Scope may be nil. An Encoder knows a Group again by its
	// address and encodes it once: it must not change after its first use.
	Resource, Scope *Group
}

// Encoder encodes records. It is for one goroutine.
type Encoder struct {
	w *wire.Writer
	// resource and scope are those that the writer has encoded.
	resource, scope *Group
}

// NewEncoder returns an Encoder.
func NewEncoder(o Options) *Encoder { return &Encoder{w: wire.NewWriter(o)} }

// Append encodes r and adds it to b as one record: r itself, or the
// audit.rejected event that stands in its place (docs/SPEC.md, section 6.6).
func (e *Encoder) Append(b *Batch, r *LogRecord) {
	w := e.w
	w.Tick()
	if r.Resource != e.resource {
		e.encodeResource(r.Resource)
	}
	if r.Scope != e.scope {
		e.encodeScope(r.Scope)
	}

	h := wire.Head{
		Timestamp: r.Timestamp, Observed: r.Observed,
		Severity: r.Severity, SeverityText: r.SeverityText, EventName: r.EventName,
		TraceID: r.TraceID, SpanID: r.SpanID, Flags: r.Flags, Dropped: r.Dropped,
	}
	w.Begin(b, &h)
	defer w.RescueRecord(b)
	for i := range r.Attributes {
		kv := &r.Attributes[i]
		if w.Attr(string(kv.Key)) {
			w.AttrText(kv.Value.Type() == attribute.STRING, kv.Value.AsString())
		}
	}
	if w.Pairs() {
		e.pairs(w.Root(), r.Attributes, 0)
	}
	if !w.Open(b) {
		return
	}
	if w.HasFields() {
		for i := range r.Attributes {
			if w.IsField(i) {
				w.Field(i)
				e.value(w.Place(i), &r.Attributes[i].Value, 0)
			}
		}
	}
	w.AfterEvent()
	switch r.Body.Type() {
	case attribute.EMPTY:
	case attribute.STRING:
		w.BodyText(r.Body.AsString())
	default:
		w.Body()
		e.value(w.Root(), &r.Body, 0)
	}
	if w.Attributes() {
		for i := range r.Attributes {
			if w.Stays(i) {
				w.Attribute(i)
				e.value(w.Place(i), &r.Attributes[i].Value, 0)
				w.EndAttribute()
			}
		}
		w.CloseAttributes()
	}
	w.End(b)
}

// Refuse adds to b the audit.rejected event that stands for a record that was
// never there to be encoded (docs/SPEC.md, section 6.6): too long to be held, for
// instance. res is its resource, nil for none, and size its length, 0 where that
// is not known.
func (e *Encoder) Refuse(b *Batch, res *Group, why Reason, size int64) {
	e.w.Tick()
	if res != e.resource {
		e.encodeResource(res)
	}
	if e.scope != nil {
		e.encodeScope(nil)
	}
	e.w.Refuse(b, why, size)
}

// Forget drops what the Encoder still holds of the records that it encoded. It
// keeps their last resource and scope.
func (e *Encoder) Forget() { e.w.Forget() }

func (e *Encoder) encodeResource(g *Group) {
	e.resource = g
	w := e.w
	if g == nil {
		w.NoResource()
		return
	}
	w.OpenResource()
	defer w.RescueGroup()
	for i := range g.Attributes {
		kv := &g.Attributes[i]
		if k := string(kv.Key); wire.WantsResourceText(k) {
			w.ResourceText(k, kv.Value.Type() == attribute.STRING, kv.Value.AsString())
		}
	}
	e.groupAttributes(g)
	w.CloseGroup(g.Dropped, g.SchemaURL)
}

func (e *Encoder) encodeScope(g *Group) {
	e.scope = g
	if g == nil {
		e.w.NoScope()
		return
	}
	defer e.w.RescueGroup()
	e.w.OpenScope(g.Name, g.Version)
	e.groupAttributes(g)
	e.w.CloseGroup(g.Dropped, g.SchemaURL)
}

func (e *Encoder) groupAttributes(g *Group) {
	if len(g.Attributes) > 0 {
		e.w.GroupAttributes()
		e.mapping(e.w.Root(), g.Attributes, 0)
	}
}
