// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package receipt carries the outcome of one audit record back from the
// processor or exporter that handled it to the audit.Logger that emitted it.
//
// [go.opentelemetry.io/otel/log.Logger.Emit] returns nothing, but the context
// given to it reaches every processor, and from there the exporter. The Logger
// puts a Slot into that context, our processors and exporters report into it,
// and the Logger reads it after Emit:
//
//	receipt.From(ctx).Fill(receipt.Receipt{RecordID: id, …, Durable: true})
//	receipt.From(ctx).Fail(err)
//
// All methods may be called on a nil Slot, and then do nothing, so that a
// processor needs no case for records that nobody waits for.
//
// A Slot belongs to one record. Code that handles a record and finds a Slot in
// its context asks [Slot.Concerns] first: an exporter whose transport emits log
// records of its own hands its context on to them.
package receipt

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
)

// RecordIDKey is the attribute that names the record a Slot belongs to.
const RecordIDKey = attribute.Key("audit.record.id")

// Receipt says what became of a record.
type Receipt struct {
	// RecordID is the record's id.
	RecordID uuid.UUID
	// Chain is the id of the chain that holds the record; zero, like Seq and
	// Hash, where the sink has no chain.
	Chain uuid.UUID
	// Seq is the record's place in the chain, from 1.
	Seq uint64
	// Hash is the leaf hash of the record as it was persisted.
	Hash [32]byte
	// Time is when the sink acknowledged the record.
	Time time.Time
	// Durable says that the record is as durable as the sink's fsync mode
	// promises; otherwise it was only handed over without an error.
	Durable bool
}

// Slot takes the outcome of one record. It is safe for concurrent use.
type Slot struct {
	mu        sync.Mutex
	bound     bool
	id        uuid.UUID
	eventName string
	emitted   []attribute.KeyValue // never changed after Bind
	filled    bool
	receipt   Receipt
	errs      []error
	lost      error // what Lost found first
}

type contextKey struct{}

// With returns a context that carries a new Slot. Until [Slot.Bind] names its
// record, the Slot concerns every record.
func With(ctx context.Context) (context.Context, *Slot) {
	s := new(Slot)
	return context.WithValue(ctx, contextKey{}, s), s
}

// Bind says which record s belongs to, and with which event name and attributes
// that was emitted. These are not copied: the caller leaves them unchanged.
func (s *Slot) Bind(id uuid.UUID, eventName string, emitted []attribute.KeyValue) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound, s.id, s.eventName, s.emitted = true, id, eventName, emitted
}

// From returns the Slot that ctx carries, or nil.
func From(ctx context.Context) *Slot {
	s, _ := ctx.Value(contextKey{}).(*Slot)
	return s
}

// Without returns a context that carries no Slot, for a record that the Slot
// in ctx does not concern.
func Without(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, (*Slot)(nil))
}

// Concerns reports whether s belongs to the record with this event name and
// these attributes: one of the same name whose audit.record.id is that of s, or
// what a limit of the SDK left of that id, be it nothing. A nil Slot concerns no
// record.
func (s *Slot) Concerns(eventName string, walk func(yield func(attribute.KeyValue) bool)) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	bound, id, same := s.bound, s.id.String(), eventName == s.eventName
	s.mu.Unlock()
	if !bound || !same {
		return !bound
	}
	v, found := find(walk)
	return !found || v.Type() == attribute.STRING && strings.HasPrefix(id, v.AsString())
}

// find returns the record's id.
func find(walk func(yield func(attribute.KeyValue) bool)) (id attribute.Value, found bool) {
	walk(func(kv attribute.KeyValue) bool {
		if kv.Key == RecordIDKey {
			id, found = kv.Value, true
		}
		return !found
	})
	return id, found
}

// Fill reports that the record was taken. Of several receipts the one that says
// most wins: a durable one before one that names a place in a chain, that before
// any other, and the first of equals.
func (s *Slot) Fill(r Receipt) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.filled || r.rank() > s.receipt.rank() {
		s.filled, s.receipt = true, r
	}
}

func (r *Receipt) rank() int {
	switch {
	case r.Durable:
		return 2
	case r.Seq > 0:
		return 1
	}
	return 0
}

// Fail reports that a sink did not take the record. Several failures are kept,
// but of those that wrap ErrLost only the first: each processor in the line
// finds the same loss.
func (s *Slot) Fail(err error) {
	if s == nil || err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, ErrLost) && errors.Is(errors.Join(s.errs...), ErrLost) {
		return
	}
	s.errs = append(s.errs, err)
}

// Failures returns how many failures were reported so far.
func (s *Slot) Failures() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.errs)
}

// Result returns the receipt, whether there is one, and the failures joined.
// A receipt and a failure can both stand: one sink took the record and another
// did not.
func (s *Slot) Result() (Receipt, bool, error) {
	if s == nil {
		return Receipt{}, false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.errs) == 1 {
		return s.receipt, s.filled, s.errs[0]
	}
	return s.receipt, s.filled, errors.Join(s.errs...)
}
