// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/sdkpayload"
	"github.com/auditchain/auditchain/processor/synclog"
)

var update = flag.Bool("update", false, "write docs/EVENTS.md")

// encoder is an exporter that makes payloads, as that into a journal does.
type encoder struct {
	enc      *sdkpayload.Encoder
	payloads [][]byte
}

func (e *encoder) Export(_ context.Context, recs []sdklog.Record) error {
	res := e.enc.Encode(recs)
	defer res.Release()
	for _, r := range res.Records {
		e.payloads = append(e.payloads, bytes.Clone(r.Payload))
	}
	return nil
}
func (*encoder) ForceFlush(context.Context) error { return nil }
func (*encoder) Shutdown(context.Context) error   { return nil }

func newEncoder(t *testing.T) (*audit.Logger, *encoder) {
	t.Helper()
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "")
	t.Setenv("OTEL_SERVICE_NAME", "")
	e := &encoder{enc: sdkpayload.New(payload.Options{})}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(e)), sdklog.WithAllowKeyDuplication(),
		sdklog.WithResource(resource.NewSchemaless(attribute.String("service.name", "broker"))))
	logger, err := audit.NewLogger(provider, audit.WithScope("example.com/broker", "1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	audit.SetNow(logger, func() time.Time { return goldenTime.Add(123456789) })
	return logger, e
}

// last returns the last payload, decoded.
func (e *encoder) last(t *testing.T) audit.Entry {
	t.Helper()
	p := e.payloads[len(e.payloads)-1]
	entry, err := audit.Decode(p)
	if err != nil {
		t.Fatalf("%v in %s", err, p)
	}
	return entry
}

type example struct {
	about string
	event audit.Event
	// fields says what each field holds, in their order, and its Go type.
	fields [][2]string
}

func exampleSession(t *testing.T) *audit.Session {
	return newSession(t,
		audit.WithSessionID(uuid.MustParse("0b6d8c1e-2f3a-4b5c-8d6e-7f8091a2b3c4")),
		audit.WithRole("arn:aws:iam::123456789012:role/deploy"),
		audit.WithTTL(15*time.Minute),
		audit.WithBudget(10),
		audit.WithAllowedActions("s3:Get*", "s3:PutObject"),
		audit.WithCommand("terraform", "apply", "-auto-approve"),
		audit.WithAgentID("release-agent"))
}

func examples(s *audit.Session) []example {
	return []example{
		{"A session began: somebody may now act under a role.", s.Created(), [][2]string{
			{"string", "The role: an ARN (AWS), a service account (GCP), a subscription (Azure)."},
			{"uint64", "How long the session may last; 0 for no end."},
			{"*float64", "What it may spend; `null` when unset."},
			{"[]string", "Action patterns in the provider's own form."},
			{"[]string", "The command that the session is for, with its arguments."},
			{"string", "The AI agent or model; left out when empty."},
		}},
		{"Short-lived credentials were given to a session.", s.CredentialsIssued("AKIAIOSFODNN7EXAMPLE", goldenTime.Add(15*time.Minute)), [][2]string{
			{"string", "The id of the credentials, which is no secret."},
			{"time.Time", "When they end."},
		}},
		{"A session is over.", audit.SessionEnded{Status: audit.SessionCompleted, DurationSeconds: 12, ExitCode: new(int32(0))}, [][2]string{
			{"string", "How it ended, such as `completed`, `failed`, `expired`, `revoked`."},
			{"int64", "How long it lasted."},
			{"*int32", "The exit code of the command; `null` when there is none."},
		}},
		{"A session nears its budget.", s.BudgetWarning(8.5), [][2]string{
			{"float64", "What was spent so far."},
			{"float64", "The budget."},
		}},
		{"A session spent more than its budget.", s.BudgetExceeded(11.25), [][2]string{
			{"float64", "What was spent."},
			{"float64", "The budget."},
		}},
		{"A session created a resource in the cloud.", s.ResourceCreated("s3", "bucket", "release-artifacts"), [][2]string{
			{"string", "The provider's service."},
			{"string", "The kind of resource."},
			{"string", "Its name."},
		}},
		{"Any other event, `audit.Custom` in Go: here one of an application's own, emitted with an actor, an outcome and a target.",
			audit.Custom{Type: "policy_changed", Fields: []attribute.KeyValue{attribute.String("policy", "prod"), attribute.Int("rules", 3)}}, [][2]string{
				{"attribute.Value", "Whatever the application says."},
				{"attribute.Value", "Likewise."},
			}},
	}
}

// Each event comes back as it was emitted: through the SDK, the payload of a
// line, and Decode. docs/EVENTS.md is made of what this gives.
func TestEventsRoundTripAndDocs(t *testing.T) {
	logger, enc := newEncoder(t)
	s := exampleSession(t)
	var doc strings.Builder
	doc.WriteString(docHead)
	for i, ex := range examples(s) {
		id := uuid.MustParse(fmt.Sprintf("019aab30-1c2d-7e3f-8a4b-5c6d7e8f9a%02x", i))
		opts := []audit.EmitOption{audit.WithRecordID(id)}
		if _, custom := ex.event.(audit.Custom); custom {
			opts = append(opts, audit.WithActor("alice", audit.ActorUser), audit.WithOutcome(audit.OutcomeSuccess), audit.WithTarget("policy/prod", "policy"))
		}
		if _, err := logger.Emit(t.Context(), s, ex.event, opts...); err != nil {
			t.Fatal(err)
		}
		got := enc.last(t)
		if diff := cmp.Diff(ex.event, got.Event, sameValue); diff != "" {
			t.Errorf("(-emitted +read):\n%s", diff)
		}
		if got.ID != id || got.SessionID != s.ID().String() || got.Provider != audit.AWS || !got.Timestamp.Equal(goldenTime.Add(123456789)) || got.Filled != nil || got.Actor() == "" || got.Outcome() == "" {
			t.Errorf("%+v", got)
		}
		describe(t, &doc, ex, got)
	}
	doc.WriteString(docTail)

	file := filepath.Join("..", "docs", "EVENTS.md")
	if *update {
		if err := os.WriteFile(file, []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), doc.String()); diff != "" {
		t.Errorf("docs/EVENTS.md is stale: go test ./audit -run TestEventsRoundTripAndDocs -update\n%s", diff)
	}
}

func describe(t *testing.T, w *strings.Builder, ex example, e audit.Entry) {
	t.Helper()
	_, custom := ex.event.(audit.Custom)
	if custom {
		fmt.Fprintf(w, "\n### A type of your own\n\n%s\n\n", ex.about)
	} else {
		fmt.Fprintf(w, "\n### %s\n\n%s `%T` in Go.\n\n", e.Type, ex.about, ex.event)
	}
	w.WriteString("| record | holds |\n|---|---|\n")
	fmt.Fprintf(w, "| EventName | `%s` |\n", e.EventName)
	fmt.Fprintf(w, "| Severity | %d `%s` |\n", e.Severity, e.SeverityText)
	fmt.Fprintf(w, "| Body | `%s` |\n", e.Message())
	for _, key := range []string{"audit.actor.id", "audit.actor.type", "audit.action", "audit.outcome", "audit.target.id", "audit.target.type", "process.exit.code"} {
		if v, ok := e.Attribute(attribute.Key(key)); ok {
			fmt.Fprintf(w, "| `%s` | `%s` |\n", key, v.String())
		}
	}
	w.WriteString("\n| attribute | in the line | Go | OpenTelemetry | holds |\n|---|---|---|---|---|\n")
	fields := audit.Fields(ex.event)
	if len(fields) != len(ex.fields) {
		t.Fatalf("%s: %d fields, %d described", e.Type, len(fields), len(ex.fields))
	}
	for i, f := range fields {
		name := strings.TrimPrefix(string(f.Key), audit.FieldPrefix)
		fmt.Fprintf(w, "| `%s` | `event.%s` | `%s` | %s | %s |\n", f.Key, name, ex.fields[i][0], kindOf(name, f.Value), ex.fields[i][1])
	}
	line, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(line) {
		t.Errorf("no JSON: %s", line)
	}
	fmt.Fprintf(w, "\n```json\n%s\n```\n", line)
}

func kindOf(name string, v attribute.Value) string {
	switch {
	case name == "budget":
		return "double, or empty"
	case name == "exit_code":
		return "int, or empty"
	case name == "expires_at":
		return "string, RFC 3339 in UTC with nine fractional digits"
	}
	switch v.Type() {
	case attribute.STRING:
		return "string"
	case attribute.INT64:
		return "int"
	case attribute.FLOAT64:
		return "double"
	case attribute.STRINGSLICE:
		return "array of strings"
	}
	return v.Type().String()
}

// null, extremes and every kind of value, through the whole way.
func TestRoundTripValues(t *testing.T) {
	logger, enc := newEncoder(t)
	values := golden()["values"].Event.(audit.Custom)
	for _, ev := range []audit.Event{
		audit.SessionCreated{AllowedActions: []string{}, Command: []string{}, TTLSeconds: 1<<63 - 1},
		audit.SessionCreated{RoleARN: "\xff", AllowedActions: []string{"*"}, Command: []string{"a", "b\x00\n\"c", "\xfe"}, Budget: new(0.0), AgentID: "ä"},
		audit.SessionEnded{Status: "", DurationSeconds: -1},
		audit.SessionEnded{ExitCode: new(int32(-1 << 31))},
		audit.BudgetWarning{CurrentSpend: 1e-7, Limit: 1e22},
		audit.ResourceCreated{Identifier: `<>&\u2028`},
		audit.Custom{Type: "nothing", Fields: []attribute.KeyValue{}},
		values,
	} {
		r, err := logger.Emit(t.Context(), nil, ev)
		if err != nil {
			t.Fatalf("%#v: %v", ev, err)
		}
		got := enc.last(t)
		if c, ok := got.Event.(audit.Custom); ok && c.Fields == nil {
			c.Fields = []attribute.KeyValue{}
			got.Event = c
		}
		if diff := cmp.Diff(ev, got.Event, sameValue); diff != "" {
			t.Errorf("(-emitted +read):\n%s", diff)
		}
		// Two encoders, written apart from each other, agree to the byte.
		line, err := got.MarshalJSON()
		payload := enc.payloads[len(enc.payloads)-1]
		blind := bytes.LastIndex(payload, []byte(`,"blind":"`))
		if err != nil || blind < 0 || string(line) != string(payload[:blind])+"}" {
			t.Errorf("%v\nwrites  %s\npayload %s", err, line, payload)
		}
		if got.ID != r.RecordID || got.SessionID != "" || len(got.Attributes) != len(audit.Fields(ev))+len(extras(got)) {
			t.Errorf("%+v", got)
		}
	}
}

// extras are the attributes that are no fields of the event.
func extras(e audit.Entry) (out []attribute.KeyValue) {
	for _, kv := range e.Attributes {
		if !strings.HasPrefix(string(kv.Key), audit.FieldPrefix) {
			out = append(out, kv)
		}
	}
	return out
}

const docHead = `# Events

What an audit event is in Go (package audit), as an OpenTelemetry log record, and as a line of a journal.
Made by a test from what the code does; after a change: ` + "`go test ./audit -run TestEventsRoundTripAndDocs -update`" + `.

## Every record

| OpenTelemetry | in the line | holds |
|---|---|---|
| EventName | ` + "`event.type`, without `audit.`" + ` | ` + "`audit.<type>`" + ` |
| Body | ` + "`body`" + ` | one sentence; never the arguments of a command, which are counted instead |
| Timestamp | ` + "`timestamp`" + ` | when it happened (` + "`audit.WithTime`" + `, else when it was emitted) |
| ObservedTimestamp | ` + "`observed`" + ` | when it was emitted |
| SeverityNumber, SeverityText | ` + "`severity`, `severity_text`" + ` | by the type, see below; ` + "`audit.WithSeverity`" + ` overrides |
| TraceId, SpanId, flags | ` + "`trace_id`, `span_id`, `flags`" + ` | of the span in the context given to Emit |
| attributes ` + "`audit.event.<field>`" + ` | ` + "`event.<field>`" + ` | the fields of the event |
| other attributes | ` + "`attributes`" + `, where they stand nowhere else | the table below |

| attribute | in the line | status | holds |
|---|---|---|---|
| ` + "`session.id`" + ` | ` + "`session_id`" + ` | convention, development | the session (a UUID) |
| ` + "`cloud.provider`" + ` | ` + "`provider`" + ` | convention, development | ` + "`aws`, `gcp` or `azure`" + ` of the session; a session is one of ` + "`aws`" + ` unless ` + "`audit.WithProvider`" + ` says otherwise |
| ` + "`process.exit.code`" + ` | ` + "`attributes`" + ` | convention, release candidate | the exit code, in ` + "`session_ended`" + ` where there is one |
| ` + "`log.record.uid`" + ` | ` + "`attributes`" + ` | convention, development | the record's id |
| ` + "`gen_ai.agent.id`" + ` | ` + "`attributes`" + ` | convention, development (kept outside of the core conventions) | the session's agent |
| ` + "`audit.record.id`" + ` | ` + "`id`" + ` | draft of an audit signal | the record's id, a UUIDv7, the same value |
| ` + "`audit.actor.id`, `audit.actor.type`" + ` | ` + "`attributes`" + ` | draft | who acted; ` + "`user`, `service` or `system`" + `. Without ` + "`audit.WithActor`" + `: the session's agent, else the Logger's default actor, else the session's role |
| ` + "`audit.action`" + ` | ` + "`attributes`" + ` | draft | what was done; by the type, ` + "`audit.WithAction`" + ` overrides |
| ` + "`audit.outcome`" + ` | ` + "`attributes`" + ` | draft | ` + "`success`, `failure` or `unknown`" + `; by the type, ` + "`audit.WithOutcome`" + ` overrides |
| ` + "`audit.target.id`, `audit.target.type`" + ` | ` + "`attributes`" + ` | draft | what was acted upon; by the type, ` + "`audit.WithTarget`" + ` overrides |
| ` + "`audit.event.<field>`" + ` | ` + "`event.<field>`" + ` | auditchain's own | the fields of the event |

Status is that of the OpenTelemetry semantic conventions 1.43.0: none of these names is stable yet there. "Draft" is the
proposed audit signal (OTEP 0267 and what followed it). What auditchain itself promises is the line: docs/SPEC.md.

A ` + "`null`" + ` in a line is an empty OpenTelemetry value, which the SDK keeps.

## Types

The examples are records before redaction, without ` + "`blind`" + `. ` + "`auditchain query -o json`" + ` prints such lines with ` + "`seq` and `hmac`" + `; a journal
masks secrets, and of access key ids all but the last four characters. Each stands in the session of the first.
`

const docTail = `
A type name begins with a lower case letter, goes on with lower case letters, digits, ` + "`_`, `.` and `-`" + `, ends with a letter or a
digit, and has at most 128 bytes. The six types above are reserved, and so are ` + "`log`" + ` (a record that is no audit event),
` + "`rejected`" + ` (a record that a journal refused, docs/SPEC.md, section 6.6) and ` + "`checkpoint`" + ` (a checkpoint of a journal on its way to a
backend has the EventName ` + "`audit.checkpoint`" + `; only its note says whether it is one: docs/CHECKPOINTS.md). A record that is
sent with the EventName ` + "`audit.rejected`" + ` is no audit event: its ` + "`event.type`" + ` is ` + "`audit.rejected`" + `, it has an ` + "`event_name`" + `, and nothing of it is
lifted into ` + "`event`" + `. Only the journal's own has the type ` + "`rejected`" + ` and no ` + "`event_name`" + `. A field must not be named ` + "`type`" + `.
Severity is INFO, the outcome unknown, the action the type's name, unless the options of Emit say otherwise.

## The older system

Its lines have ` + "`timestamp`, `session_id`, `provider` and `event`" + ` and nothing else. They are read as the record that would say the
same: ` + "`audit.event.<field>`, `session.id` and `cloud.provider`" + ` (` + "`aws`" + ` where the line names none), with no id.
` + "`auditchain import`" + ` seals them in a new journal, with an id each (docs/SPEC.md, section 9).
`
