// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payload_test

import (
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/payloadtest"
	"github.com/auditchain/auditchain/internal/payload/pdatapayload"
	"github.com/auditchain/auditchain/internal/redacttest"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
)

// encoders encode in both ways that there are.
var encoders = map[string]func(t testing.TB, o payload.Options, recs []payload.LogRecord) ([]journal.Record, []payload.ReasonCount, []redact.KindCount){
	"any record": func(_ testing.TB, o payload.Options, recs []payload.LogRecord) ([]journal.Record, []payload.ReasonCount, []redact.KindCount) {
		var b payload.Batch
		enc := payload.NewEncoder(o)
		for i := range recs {
			enc.Append(&b, &recs[i])
		}
		return b.Records(), b.Rejected(), b.Redactions()
	},
	"pdata": func(t testing.TB, o payload.Options, recs []payload.LogRecord) ([]journal.Record, []payload.ReasonCount, []redact.KindCount) {
		res := pdatapayload.New(o).Encode(payloadtest.ToLogs(t, recs...))
		return res.Records, res.Rejected(), res.Redactions()
	},
}

// Where the redactor itself fails, a record is refused and its resource and
// scope are withheld; those beside it are as if nothing had happened.
func TestRedactorPanics(t *testing.T) {
	o := payloadtest.Options()
	o.Redactor = redacttest.Panicking(t)
	short := func(n int64) payload.LogRecord {
		return payload.LogRecord{Timestamp: 1, Attributes: []attribute.KeyValue{attribute.Int64("n", n)}}
	}
	bad := payload.LogRecord{Timestamp: 1, Body: attribute.StringValue("canary in the body")}
	badGroups := short(2)
	badGroups.Resource = &payload.Group{Attributes: []attribute.KeyValue{attribute.String("session.id", "canary"), attribute.String("a", "canary")}, SchemaURL: "canary/1", Dropped: 3}
	badGroups.Scope = &payload.Group{Name: "canary", Version: "canary/2"}
	badBoth := bad
	badBoth.Resource, badBoth.Scope = badGroups.Resource, badGroups.Scope
	for name, encode := range encoders {
		recs, rejected, redactions := encode(t, o, []payload.LogRecord{short(1), bad, badGroups, badBoth, short(3)})
		want := []string{
			`"attributes":{"n":1}`,
			`"event":{"type":"rejected","reason":"redaction_failed"}`,
			`"resource":{"attributes":{"audit.redaction.withheld":true}},"scope":{"attributes":{"audit.redaction.withheld":true}},"attributes":{"n":2}`,
			`"event":{"type":"rejected","reason":"redaction_failed"}`,
			`"attributes":{"n":3}`,
		}
		if len(recs) != len(want) {
			t.Fatalf("%s: %d records, want %d", name, len(recs), len(want))
		}
		for i, w := range want {
			got := string(recs[i].Payload)
			if !strings.Contains(got, w) || strings.Contains(got, "canary") {
				t.Errorf("%s: record %d is %s, want %s", name, i, got, w)
			}
			if err := payloadtest.Check(recs[i]); err != nil {
				t.Errorf("%s: record %d: %v", name, i, err)
			}
			if _, err := back(recs[i].Payload); err != nil {
				t.Errorf("%s: record %d does not read back: %v", name, i, err)
			}
		}
		if diff := cmp.Diff([]payload.ReasonCount{{Reason: payload.RedactionFailed, N: 2}}, rejected); diff != "" {
			t.Errorf("%s: rejected (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]redact.KindCount{{Kind: "error", N: 4}}, redactions); diff != "" {
			t.Errorf("%s: counted (-want +got):\n%s", name, diff)
		}
	}
}

// A rule that panics costs its value alone.
func TestRulePanics(t *testing.T) {
	o := payloadtest.Options()
	o.Redactor = redacttest.PanickingRules(t)
	r := payload.LogRecord{
		Timestamp: 1, Body: attribute.StringValue("password=canary-canary"),
		Attributes: []attribute.KeyValue{attribute.String("audit.record.id", givenID), attribute.String("a", "stays"), attribute.String("b", "token=canary-canary")},
	}
	for name, encode := range encoders {
		recs, rejected, redactions := encode(t, o, []payload.LogRecord{r})
		got := string(recs[0].Payload)
		if want := `"id":"` + givenID + `","body":"[REDACTED:error]","attributes":{"a":"stays","b":"[REDACTED:error]"},"redacted":{"error":2}`; !strings.Contains(got, want) || strings.Contains(got, "canary") {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if diff := cmp.Diff([]redact.KindCount{{Kind: "error", N: 2}}, redactions); diff != "" || rejected != nil {
			t.Errorf("%s: rejected %v, counted (-want +got):\n%s", name, rejected, diff)
		}
	}
}

// Without a redactor, a panic is a mistake in the encoder, and is not hidden.
func TestOtherPanicsAreSeen(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	o := payloadtest.Options()
	o.Now = func() time.Time { panic("the clock is broken") }
	encodeWith(o, payload.LogRecord{})
}

// The marks of what was withheld are words like any others: who sends them with
// a record switches nothing off.
func TestMarksSwitchNothingOff(t *testing.T) {
	attrs := []attribute.KeyValue{
		attribute.Bool("audit.redaction.withheld", true), attribute.Bool("report_only", true),
		attribute.String("audit.event.reason", "redaction failed"), attribute.String("a", secret),
	}
	for _, event := range []string{"audit.redaction_failed", "audit.rejected", "chain.erased"} {
		r := payload.LogRecord{
			EventName: event, Body: attribute.StringValue("a record was withheld: its redaction failed " + secret), Attributes: attrs,
			Resource: &payload.Group{Attributes: attrs}, Scope: &payload.Group{Attributes: attrs},
		}
		for name, encode := range encoders {
			recs, _, _ := encode(t, redacting(t, redact.Config{}), []payload.LogRecord{r})
			if got := string(recs[0].Payload); strings.Contains(got, secret) || !strings.Contains(got, `"redacted":{"github-token":4}`) {
				t.Errorf("%s, %s: %s", name, event, got)
			}
		}
	}
}
