// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package receipt_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/internal/receipt"
)

func walk(kvs ...attribute.KeyValue) func(func(attribute.KeyValue) bool) { return slices.Values(kvs) }

func Example() {
	ctx, slot := receipt.With(context.Background())

	// What a sink does with the context that reached it:
	receipt.From(ctx).Fill(receipt.Receipt{Seq: 7, Durable: true})

	r, filled, err := slot.Result()
	fmt.Println(r.Seq, filled, err)
	// Output: 7 true <nil>
}

func TestSlotFirstDurableWins(t *testing.T) {
	ctx, slot := receipt.With(t.Context())
	s := receipt.From(ctx)
	if s != slot {
		t.Fatal("From does not return the slot that With made")
	}
	if _, filled, err := slot.Result(); filled || err != nil {
		t.Fatalf("new slot: filled %v, error %v", filled, err)
	}
	for _, tt := range []struct{ r, want receipt.Receipt }{
		{receipt.Receipt{Hash: [32]byte{1}}, receipt.Receipt{Hash: [32]byte{1}}},
		{receipt.Receipt{Hash: [32]byte{2}}, receipt.Receipt{Hash: [32]byte{1}}},
		{receipt.Receipt{Seq: 1}, receipt.Receipt{Seq: 1}},
	} {
		s.Fill(tt.r)
		if r, _, _ := slot.Result(); r != tt.want {
			t.Errorf("receipt %+v, want %+v", r, tt.want)
		}
	}
	for _, r := range []receipt.Receipt{{Seq: 2}, {Seq: 3, Durable: true}, {Seq: 4, Durable: true}, {Seq: 5}} {
		s.Fill(r)
	}
	if r, _, _ := slot.Result(); r.Seq != 3 {
		t.Errorf("receipt %d, want 3: the first durable one", r.Seq)
	}
	one, two := errors.New("one"), errors.New("two")
	s.Fail(one)
	if _, _, err := slot.Result(); err != one {
		t.Errorf("error %v, want it as it was reported", err)
	}
	s.Fail(nil)
	s.Fail(two)
	r, filled, err := slot.Result()
	if !errors.Is(err, one) || !errors.Is(err, two) || !filled || r.Seq != 3 {
		t.Errorf("after failures: %+v %v %v", r, filled, err)
	}
	if n := slot.Failures(); n != 2 {
		t.Errorf("%d failures, want 2", n)
	}
}

func TestNoSlot(t *testing.T) {
	s := receipt.From(t.Context())
	if s != nil {
		t.Fatal("a slot from nowhere")
	}
	s.Fill(receipt.Receipt{})
	s.Fail(errors.New("x"))
	s.Bind(uuid.New(), "", nil)
	if s.Concerns("audit.x", walk()) || s.Lost(3, walk()) != nil || s.Failures() != 0 {
		t.Error("a nil slot reported something")
	}
	if _, filled, err := s.Result(); filled || err != nil {
		t.Error("a nil slot has a result")
	}
	ctx, _ := receipt.With(t.Context())
	if receipt.From(receipt.Without(ctx)) != nil {
		t.Error("Without keeps the slot")
	}
}

func TestSlotConcerns(t *testing.T) {
	_, s := receipt.With(t.Context())
	if !s.Concerns("audit.x", walk()) {
		t.Error("a slot that is not bound concerns every record")
	}
	id := uuid.New()
	s.Bind(id, "audit.x", nil)
	for _, tt := range []struct {
		what, name string
		kv         attribute.KeyValue
		want       bool
	}{
		{"the record", "audit.x", receipt.RecordIDKey.String(id.String()), true},
		{"another name", "audit.y", receipt.RecordIDKey.String(id.String()), false},
		{"another id", "audit.x", receipt.RecordIDKey.String(uuid.NewString()), false},
		{"an id of another type", "audit.x", receipt.RecordIDKey.Int(1), false},
		{"the id cut", "audit.x", receipt.RecordIDKey.String(id.String()[:5]), true},
		{"the id dropped", "audit.x", attribute.String("other", ""), true},
		{"no audit record", "", attribute.String("other", ""), false},
	} {
		w := walk(attribute.Bool("first", true), tt.kv)
		if got := s.Concerns(tt.name, w); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
}

func TestSlotConcurrent(t *testing.T) {
	_, s := receipt.With(t.Context())
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			s.Fill(receipt.Receipt{Seq: uint64(i), Durable: i%2 == 0})
			s.Fail(errors.New("x"))
			s.Bind(uuid.New(), "", nil)
			s.Result()
		})
	}
	wg.Wait()
	if r, filled, _ := s.Result(); !filled || !r.Durable || s.Failures() != 50 {
		t.Errorf("%+v, %d failures", r, s.Failures())
	}
}

func TestLost(t *testing.T) {
	str, val := attribute.StringValue, attribute.Value{}
	nested := func(v attribute.Value) attribute.Value {
		return attribute.SliceValue(attribute.Int64Value(1), attribute.MapValue(attribute.KeyValue{Key: "a", Value: v}, attribute.Int("b", 2)))
	}
	for _, tt := range []struct {
		name       string
		want, have attribute.Value
		lost       bool
	}{
		{"same", str("abc"), str("abc"), false},
		{"cut", str("abc"), str("ab"), true},
		{"cut to nothing", str("abc"), str(""), true},
		{"cut, invalid bytes gone", str("a\xffbcd"), str("abc"), true},
		{"masked", str("token abc"), str("token [redacted]"), false},
		{"masked shorter", str("hunter2-hunter2"), str("***"), false},
		{"enriched", str("abc"), str("abcd"), false},
		{"emptied", nested(str("x")), val, true},
		{"empty stays empty", val, val, false},
		{"null rewritten", val, str("x"), false},
		{"other type", str("x"), attribute.Int64Value(3), false},
		{"bytes cut", attribute.ByteSliceValue([]byte("abc")), attribute.ByteSliceValue([]byte("ab")), true},
		{"strings cut", attribute.StringSliceValue([]string{"abc", "d"}), attribute.StringSliceValue([]string{"ab", "d"}), true},
		{"strings masked", attribute.StringSliceValue([]string{"abc", "d"}), attribute.StringSliceValue([]string{"***", "d"}), false},
		{"strings short", attribute.StringSliceValue([]string{"abc", "d"}), attribute.StringSliceValue([]string{"abc"}), true},
		{"ints short", attribute.Int64SliceValue([]int64{1, 2}), attribute.Int64SliceValue([]int64{1}), true},
		{"bools short", attribute.BoolSliceValue([]bool{true, false}), attribute.BoolSliceValue([]bool{true}), true},
		{"doubles short", attribute.Float64SliceValue([]float64{1, 2}), attribute.Float64SliceValue([]float64{1}), true},
		{"deep cut", nested(str("abc")), nested(str("a")), true},
		{"deep emptied", nested(nested(str("abc"))), nested(val), true},
		{"deep masked", nested(str("abc")), nested(str("***")), false},
		{"values short", attribute.SliceValue(str("a"), val), attribute.SliceValue(str("a")), true},
		{"key gone", attribute.MapValue(attribute.Int("a", 1), attribute.Int("b", 1)), attribute.MapValue(attribute.Int("a", 1)), true},
		{"key replaced", attribute.MapValue(attribute.Int("a", 1), attribute.Int("b", 1)), attribute.MapValue(attribute.Int("a", 1), attribute.Int("c", 1)), true},
		{"key added", attribute.MapValue(attribute.Int("b", 1)), attribute.MapValue(attribute.Int("a", 1), attribute.Int("b", 1)), false},
		{"deduplicated", attribute.MapValue(attribute.Int("a", 1), attribute.Int("a", 2)), attribute.MapValue(attribute.Int("a", 2)), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first, k := attribute.Int("first", 1), attribute.Key("k")
			have := attribute.KeyValue{Key: k, Value: tt.have}
			emitted := []attribute.KeyValue{first, {Key: k, Value: tt.want}}
			for order, w := range map[string]func(func(attribute.KeyValue) bool){
				"in order": walk(first, have),
				"added":    walk(attribute.Int("new", 0), have, first),
			} {
				_, s := receipt.With(t.Context())
				s.Bind(uuid.New(), "audit.x", emitted)
				err := s.Lost(0, w)
				if got := errors.Is(err, receipt.ErrLost); got != tt.lost || (err != nil) != tt.lost {
					t.Errorf("%s: error %v, want lost %v", order, err, tt.lost)
				}
			}
		})
	}
}

func TestLostAttributes(t *testing.T) {
	a, b := attribute.String("a", "secret-a"), attribute.String("b", "secret-b")
	slot := func() *receipt.Slot {
		_, s := receipt.With(t.Context())
		s.Bind(uuid.New(), "audit.x", []attribute.KeyValue{a, b})
		return s
	}
	for name, err := range map[string]error{
		"missing": slot().Lost(0, walk(a)),
		"none":    slot().Lost(0, walk()),
		"dropped": slot().Lost(1, walk(a, b)),
	} {
		if !errors.Is(err, receipt.ErrLost) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := slot()
	if err := s.Lost(0, walk(b, a, a)); err != nil {
		t.Errorf("all there: %v", err)
	}
	// Cut, found by one processor, masked, seen by the next.
	s.Fail(s.Lost(0, walk(a)))
	err := s.Lost(0, walk(a, b))
	if !errors.Is(err, receipt.ErrLost) {
		t.Errorf("a loss was forgotten: %v", err)
	}
	s.Fail(fmt.Errorf("again: %w", err))
	if n := s.Failures(); n != 1 {
		t.Errorf("one loss makes %d failures", n)
	}
}
