// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
)

const rejectedStart = `{"timestamp":"2026-11-23T10:15:01.123456789Z","session_id":"r","event":{"type":"rejected","reason":`

// A record that is too long in any of its parts is replaced, and the records
// around it are as if it had not been there.
func TestTooLarge(t *testing.T) {
	const limit = 4096
	long := strings.Repeat("z", limit)
	var list []attribute.Value
	var kvs []attribute.KeyValue
	for i := range limit {
		list = append(list, attribute.StringValue("z"))
		kvs = append(kvs, attribute.String(fmt.Sprintf("z%d", i), "z"))
	}
	res := &payload.Group{Attributes: []attribute.KeyValue{attribute.String("session.id", "r")}}
	good := payload.LogRecord{Timestamp: 1, Resource: res, Attributes: []attribute.KeyValue{attribute.String("audit.record.id", "good")}}
	o := payloadtest.Options()
	o.MaxRecordBytes = limit
	groups := `,"resource":{"attributes":{"session.id":"r"}}`
	for _, c := range []struct {
		name  string
		r     payload.LogRecord
		bytes bool // known how many
		drop  bool // resource and scope are dropped
	}{
		{"body", payload.LogRecord{Body: attribute.StringValue(long)}, true, false},
		{"just over", payload.LogRecord{Body: attribute.StringValue(long[:limit-220])}, true, false},
		{"list", payload.LogRecord{Body: attribute.SliceValue(list...)}, false, false},
		{"map", payload.LogRecord{Body: attribute.MapValue(kvs...)}, false, false},
		{"attributes", payload.LogRecord{Attributes: kvs}, true, false},
		{"session", payload.LogRecord{Attributes: []attribute.KeyValue{attribute.String("session.id", long)}}, true, false},
		{"event name", payload.LogRecord{EventName: "audit." + long}, true, false},
		{"resource", payload.LogRecord{Resource: &payload.Group{Attributes: kvs}}, false, true},
		{"resource session", payload.LogRecord{Resource: &payload.Group{Attributes: []attribute.KeyValue{attribute.String("session.id", long)}}}, false, true},
		{"scope", payload.LogRecord{Scope: &payload.Group{Name: long}}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.r
			if r.Resource == nil {
				r.Resource = res
			}
			r.Attributes = append([]attribute.KeyValue{attribute.String("audit.record.id", givenID)}, r.Attributes...)
			enc := payload.NewEncoder(o)
			var alone, b payload.Batch
			enc.Append(&alone, &good)
			for _, x := range []*payload.LogRecord{&good, &r, &good} {
				enc.Append(&b, x)
			}
			recs := b.Records()
			for i, rec := range recs {
				if err := payloadtest.Check(rec); err != nil {
					t.Errorf("record %d: %v", i, err)
				}
				if i != 1 {
					if diff := cmp.Diff(alone.Records()[0], rec); diff != "" {
						t.Errorf("record %d (-alone +beside):\n%s", i, diff)
					}
				}
			}
			got := string(recs[1].Payload)
			if strings.Contains(got, "zzz") || strings.Contains(got, "z1") || len(got) > limit {
				t.Errorf("content of the refused record: %.500s", got)
			}
			start := rejectedStart
			if c.drop {
				start = strings.Replace(start, `"session_id":"r"`, `"session_id":""`, 1)
			}
			if !strings.HasPrefix(got, start+`"too_large","record_id":"`+givenID+`"`) {
				t.Errorf("payload: %s", got)
			}
			if strings.Contains(got, groups) == c.drop {
				t.Errorf("resource there: %v, in %s", !c.drop, got)
			}
			if strings.Contains(got, `"bytes":`) != c.bytes {
				t.Errorf("bytes known: %v, in %s", c.bytes, got)
			}
			if recs[1].Idempotent || recs[1].ID == uuid.MustParse(givenID) {
				t.Error("the refusal has taken the refused record's id")
			}
			if diff := cmp.Diff([]payload.ReasonCount{{Reason: payload.TooLarge, N: 1}}, b.Rejected()); diff != "" {
				t.Errorf("rejected (-want +got):\n%s", diff)
			}
			if e, err := back(recs[1].Payload); err != nil || e.EventName != "audit.rejected" {
				t.Errorf("it does not read back as audit.rejected: %v", err)
			}
		})
	}
}

// What was too long to be held is said by its length, and by what is known of
// where it came from.
func TestRefuse(t *testing.T) {
	enc := payload.NewEncoder(payloadtest.Options())
	var b payload.Batch
	res := &payload.Group{Attributes: []attribute.KeyValue{attribute.String("session.id", "r")}}
	scoped := payload.LogRecord{Timestamp: 1, Resource: res, Scope: &payload.Group{Name: "n"}, EventName: "x", Attributes: []attribute.KeyValue{attribute.String("audit.record.id", givenID)}}
	enc.Append(&b, &scoped)
	enc.Refuse(&b, res, payload.TooLarge, 1<<40)
	enc.Refuse(&b, nil, payload.TooLarge, 0)
	for i, want := range []string{
		rejectedStart + `"too_large","bytes":1099511627776},"id":"`,
		strings.Replace(rejectedStart, `"session_id":"r"`, `"session_id":""`, 1) + `"too_large"},"id":"`,
	} {
		rec := b.Records()[1+i]
		if err := payloadtest.Check(rec); err != nil {
			t.Error(err)
		}
		if got := string(rec.Payload); !strings.HasPrefix(got, want) || strings.Contains(got, `"scope"`) || strings.Contains(got, `"resource"`) != (i == 0) {
			t.Errorf("payload %s, want %s…", got, want)
		}
	}
	if diff := cmp.Diff([]payload.ReasonCount{{Reason: payload.TooLarge, N: 2}}, b.Rejected()); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
}

const givenID = "019a0000-0000-7000-8000-0000000000aa"

// The limit is on the payload, to the byte.
func TestLimitIsExact(t *testing.T) {
	o := payloadtest.Options()
	r := payload.LogRecord{Body: attribute.StringValue(strings.Repeat("z", 2000))}
	got, _ := encodeWith(o, r)
	for _, off := range []int{-1, 0, 1} {
		o.MaxRecordBytes = len(got.Payload) + off
		var b payload.Batch
		payload.NewEncoder(o).Append(&b, &r)
		if refused := b.Rejected() != nil; refused != (off < 0) {
			t.Errorf("limit of the length %+d: refused %v", off, refused)
		}
		if off < 0 && !bytes.Contains(b.Records()[0].Payload, fmt.Appendf(nil, `"bytes":%d}`, len(got.Payload))) {
			t.Errorf("its length is not said: %s", b.Records()[0].Payload)
		}
	}
}

// What the journal refuses is replaced afterwards, from what was encoded.
func TestRejection(t *testing.T) {
	o := redacting(t, redact.Config{})
	res := &payload.Group{Attributes: []attribute.KeyValue{
		attribute.String("session.id", "r"), attribute.String("password", "hunter2hunter2")}}
	enc := payload.NewEncoder(o)
	var b payload.Batch
	for _, r := range []payload.LogRecord{
		{Timestamp: 1, Body: attribute.StringValue("secret content"), Attributes: []attribute.KeyValue{attribute.String("audit.record.id", givenID)},
			Resource: res, Scope: &payload.Group{Name: "n"}},
		{Timestamp: 1, Body: attribute.StringValue("secret content")},
	} {
		enc.Append(&b, &r)
	}
	n := len(b.Records()[0].Payload)
	first, second := b.Rejection(0, payload.IDConflict), b.Rejection(1, payload.TooLarge)
	other := b.Rejection(0, payload.IDConflict)
	b.Reset()
	enc.Append(&b, &payload.LogRecord{Body: attribute.StringValue(strings.Repeat("overwritten", 100))})

	want := rejectedStart + fmt.Sprintf(`"id_conflict","record_id":"%s","bytes":%d},"id":"01a207e6-e103-7000-8000-000000000000",`+
		`"severity":13,"severity_text":"WARN","body":"record refused: id_conflict",`+
		`"resource":{"attributes":{"session.id":"r","password":"[REDACTED:password]"}},"scope":{"name":"n"},`+
		`"redacted":{"password":1},"blind":"AAAAAAAAAAAAAAAAAAAAAA"`, givenID, n)
	if diff := cmp.Diff(want, string(first.Payload)); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first, other); diff != "" {
		t.Errorf("asked twice (-first +second):\n%s", diff)
	}
	if got := string(second.Payload); strings.Contains(got, "record_id") || !strings.Contains(got, `"session_id":""`) || strings.Contains(got, "resource") || strings.Contains(got, "content") {
		t.Errorf("payload: %s", got)
	}
	for _, r := range []struct {
		name string
		err  error
	}{{"first", payloadtest.Check(first)}, {"second", payloadtest.Check(second)}} {
		if r.err != nil {
			t.Errorf("%s: %v", r.name, r.err)
		}
	}
}

// Two sendings of one record are the same content whatever sinks added, and
// another content where the sender changed anything.
func TestContent(t *testing.T) {
	base := func() payload.LogRecord {
		return payload.LogRecord{Timestamp: 5, Observed: 6, Body: attribute.StringValue("x"), Attributes: []attribute.KeyValue{attribute.String("audit.record.id", givenID)}}
	}
	content := func(f func(r *payload.LogRecord)) string {
		r := base()
		f(&r)
		got, _ := encodeWith(payload.Options{}, r) // with a clock and a blind of its own
		return string(got.Payload[got.ContentFrom:got.ContentTo])
	}
	same := func(r *payload.LogRecord) {}
	if content(same) != content(same) {
		t.Error("two sendings differ")
	}
	if content(same) != content(func(r *payload.LogRecord) { r.Observed = 0 }) {
		t.Error("the time when it was observed makes a difference")
	}
	noTime := func(r *payload.LogRecord) { r.Timestamp, r.Observed = 0, 0 }
	if content(noTime) != content(noTime) || content(noTime) != content(func(r *payload.LogRecord) { r.Timestamp = 0 }) {
		t.Error("a time that the writer filled in makes a difference")
	}
	for i, f := range []func(r *payload.LogRecord){
		func(r *payload.LogRecord) { r.Timestamp++ },
		func(r *payload.LogRecord) { r.Body = attribute.StringValue("y") },
		func(r *payload.LogRecord) { r.Dropped++ },
		func(r *payload.LogRecord) { r.Scope = &payload.Group{Name: "n"} },
		func(r *payload.LogRecord) { r.Attributes = append(r.Attributes, attribute.Int("a", 1)) },
	} {
		if content(same) == content(f) {
			t.Errorf("change %d makes no difference", i)
		}
	}
}

// An event that stands in a record's place counts what its resource had masked.
func TestRejectedCountsRedactions(t *testing.T) {
	o := redacting(t, redact.Config{})
	r := payload.LogRecord{EventName: "audit.x", Attributes: []attribute.KeyValue{attribute.String("audit.event.type", "y")},
		Resource: &payload.Group{Attributes: []attribute.KeyValue{attribute.String("password", "hunter2hunter2")}}}
	got, counts := encodeWith(o, r)
	if !bytes.Contains(got.Payload, []byte(`"redacted":{"password":1}`)) {
		t.Errorf("payload: %s", got.Payload)
	}
	if diff := cmp.Diff([]redact.KindCount{{Kind: "password", N: 1}}, counts); diff != "" {
		t.Errorf("redactions (-want +got):\n%s", diff)
	}
}

// The clock is read for each record that needs it, not once for a batch that
// may be filled over minutes.
func TestClockMoves(t *testing.T) {
	o := payloadtest.Options()
	now := payloadtest.At
	o.Now = func() time.Time { return now }
	enc := payload.NewEncoder(o)
	var b payload.Batch
	for range 3 {
		enc.Append(&b, &payload.LogRecord{})
		now = now.Add(time.Minute)
	}
	for i, r := range b.Records() {
		if want := fmt.Sprintf(`{"timestamp":"2026-11-23T10:%d:00.123456789Z"`, 15+i); !bytes.HasPrefix(r.Payload, []byte(want)) {
			t.Errorf("record %d: no %s in %s", i, want, r.Payload)
		}
	}
}
