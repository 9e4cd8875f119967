// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
)

// view is a record in a form that can be compared: attribute sets sorted,
// slices as lists of values, doubles by their bits.
type view struct {
	Timestamp, Observed                 uint64
	Severity                            int32
	Flags, Dropped                      uint32
	SeverityText, EventName             string
	TraceID                             [16]byte
	SpanID                              [8]byte
	Body                                string
	Attributes, Resource, Scope         []string
	ScopeName, ScopeVersion             string
	ResourceURL, ScopeURL               string
	ResourceDropped, ScopeDroppedNumber uint32
}

func show(v attribute.Value) string {
	switch v.Type() {
	case attribute.EMPTY:
		return "empty"
	case attribute.MAP:
		return "map{" + strings.Join(showAll(v.AsMap()), ", ") + "}"
	case attribute.FLOAT64:
		f := v.AsFloat64()
		if f != f {
			return "double NaN"
		}
		return fmt.Sprintf("double %x", math.Float64bits(f))
	case attribute.INT64, attribute.BOOL, attribute.STRING, attribute.BYTESLICE:
		return fmt.Sprintf("%v %q", v.Type(), fmt.Sprint(v.AsInterface()))
	}
	list := []string{}
	for _, e := range payloadtest.Elements(v) {
		list = append(list, show(e))
	}
	return "slice[" + strings.Join(list, ", ") + "]"
}

func showAll(kvs []attribute.KeyValue) []string {
	out := []string{}
	for _, kv := range kvs {
		out = append(out, fmt.Sprintf("%q: %s", kv.Key, show(kv.Value)))
	}
	slices.Sort(out)
	return out
}

func viewOf(r payload.LogRecord) view {
	res, sc := payload.Group{}, payload.Group{}
	if r.Resource != nil {
		res = *r.Resource
	}
	if r.Scope != nil {
		sc = *r.Scope
	}
	return view{
		Timestamp: r.Timestamp, Observed: r.Observed, Severity: r.Severity, Flags: r.Flags, Dropped: r.Dropped,
		SeverityText: r.SeverityText, EventName: r.EventName, TraceID: r.TraceID, SpanID: r.SpanID, Body: show(r.Body),
		Attributes: showAll(r.Attributes), Resource: showAll(res.Attributes), Scope: showAll(sc.Attributes),
		ScopeName: sc.Name, ScopeVersion: sc.Version, ResourceURL: res.SchemaURL, ScopeURL: sc.SchemaURL,
		ResourceDropped: res.Dropped, ScopeDroppedNumber: sc.Dropped,
	}
}

// back is the record that audit.Decode reads.
func back(p []byte) (payload.LogRecord, error) {
	e, err := audit.Decode(p)
	if err != nil {
		return payload.LogRecord{}, err
	}
	r := payload.LogRecord{
		Timestamp: nanos(e.Timestamp.Unix(), e.Timestamp.Nanosecond()), Severity: int32(e.Severity), Flags: e.Flags, Dropped: e.Dropped,
		SeverityText: e.SeverityText, EventName: e.EventName, TraceID: e.TraceID, SpanID: e.SpanID,
		Body: e.Body, Attributes: e.Attributes,
		Resource: &payload.Group{Attributes: e.Resource.Attributes, Dropped: e.Resource.Dropped, SchemaURL: e.Resource.SchemaURL},
		Scope: &payload.Group{Name: e.Scope.Name, Version: e.Scope.Version, Attributes: e.Scope.Attributes,
			Dropped: e.Scope.Dropped, SchemaURL: e.Scope.SchemaURL},
	}
	if !e.Observed.IsZero() {
		r.Observed = nanos(e.Observed.Unix(), e.Observed.Nanosecond())
	}
	if slices.Contains(e.Filled, "timestamp") {
		r.Timestamp = 0
	}
	return r, nil
}

func nanos(s int64, ns int) uint64 { return uint64(s)*1e9 + uint64(ns) }

func TestIdentity(t *testing.T) {
	n := 0
	for _, c := range payloadtest.Cases() {
		if c.NoIdentity != "" {
			continue
		}
		n++
		got, err := back(encode(c.Record).Payload)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if diff := cmp.Diff(viewOf(c.Record), viewOf(got)); diff != "" {
			t.Errorf("%s: read back (-want +got):\n%s", c.Name, diff)
		}
	}
	if n == 0 {
		t.Error("no case was checked")
	}
}

// refused says whether section 6.6 applies: such a record does not come back.
func refused(r payload.LogRecord) bool {
	if r.EventName == "audit.rejected" || len(r.EventName) <= len("audit.") || r.EventName[:len("audit.")] != "audit." {
		return false
	}
	return slices.ContainsFunc(r.Attributes, func(kv attribute.KeyValue) bool { return kv.Key == "audit.event.type" })
}

// FuzzIdentity: what is read back is what was written, whatever was written.
func FuzzIdentity(f *testing.F) {
	for _, seed := range payloadtest.Seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := payloadtest.FromBytes(data)
		rec := encode(r)
		if err := payloadtest.Check(rec); err != nil {
			t.Fatalf("%v\n%s", err, rec.Payload)
		}
		got, err := back(rec.Payload)
		if err != nil {
			t.Fatalf("%v\n%s", err, rec.Payload)
		}
		if refused(r) && got.EventName == "audit.rejected" {
			return
		}
		if diff := cmp.Diff(viewOf(r), viewOf(got)); diff != "" {
			t.Fatalf("read back (-want +got):\n%s\n%s", diff, rec.Payload)
		}
	})
}

func TestIdentityOfRandomRecords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	data := make([]byte, 500)
	came, n := 0, 3000
	if testing.Short() {
		n = 300
	}
	for range n {
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		r := payloadtest.FromBytes(data[:rnd.IntN(len(data))])
		rec := encode(r)
		if err := payloadtest.Check(rec); err != nil {
			t.Fatalf("%v\n%s", err, rec.Payload)
		}
		if refused(r) {
			continue
		}
		got, err := back(rec.Payload)
		if err != nil {
			t.Fatalf("%v\n%s", err, rec.Payload)
		}
		if diff := cmp.Diff(viewOf(r), viewOf(got)); diff != "" {
			t.Fatalf("read back (-want +got):\n%s\n%s", diff, rec.Payload)
		}
		came++
	}
	if came < n*9/10 {
		t.Errorf("only %d records came back", came)
	}
}
