// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/noop"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/internal/receipt"
	"github.com/auditchain/auditchain/processor/synclog"
)

// recorder is an exporter that keeps what it is given.
type recorder struct{ records []sdklog.Record }

func (r *recorder) Export(_ context.Context, recs []sdklog.Record) error {
	for i := range recs {
		r.records = append(r.records, recs[i].Clone())
	}
	return nil
}
func (*recorder) ForceFlush(context.Context) error { return nil }
func (*recorder) Shutdown(context.Context) error   { return nil }

func (r *recorder) last(t *testing.T) sdklog.Record {
	t.Helper()
	if len(r.records) == 0 {
		t.Fatal("nothing was exported")
	}
	return r.records[len(r.records)-1]
}

func attributesOf(r sdklog.Record) map[attribute.Key]attribute.Value {
	out := map[attribute.Key]attribute.Value{}
	r.WalkAttributes(func(kv attribute.KeyValue) bool { out[kv.Key] = kv.Value; return true })
	return out
}

func newLogger(t *testing.T, opts ...audit.LoggerOption) (*audit.Logger, *recorder) {
	t.Helper()
	rec := &recorder{}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(rec)), sdklog.WithAttributeCountLimit(-1),
		sdklog.WithAttributeValueLengthLimit(-1), sdklog.WithAttributeValueDepthLimit(-1))
	logger, err := audit.NewLogger(provider, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return logger, rec
}

func newSession(t *testing.T, opts ...audit.SessionOption) *audit.Session {
	t.Helper()
	noAgent(t)
	s, err := audit.NewSession(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The types of the attributes are those from which docs/SPEC.md, section 6,
// gives the JSON of the older system. An empty value, which stands for null,
// gets through the SDK.
func TestEmitRecord(t *testing.T) {
	logger, rec := newLogger(t, audit.WithScope("example.com/tool", "1.2.3"))
	s := newSession(t, audit.WithRole("deploy"), audit.WithTTL(time.Minute), audit.WithAllowedActions("s3:Get*"),
		audit.WithCommand("tool", "--password", "hunter2"), audit.WithAgentID("agent-7"))
	before := time.Now()
	r, err := logger.Emit(t.Context(), s, s.Created())
	if err != nil {
		t.Fatal(err)
	}
	got := rec.last(t)
	id := r.RecordID.String()
	want := map[attribute.Key]attribute.Value{
		"audit.record.id":             attribute.StringValue(id),
		"log.record.uid":              attribute.StringValue(id),
		"audit.event.role_arn":        attribute.StringValue("deploy"),
		"audit.event.ttl_seconds":     attribute.Int64Value(60),
		"audit.event.budget":          {},
		"audit.event.allowed_actions": attribute.StringSliceValue([]string{"s3:Get*"}),
		"audit.event.command":         attribute.StringSliceValue([]string{"tool", "--password", "hunter2"}),
		"audit.event.agent_id":        attribute.StringValue("agent-7"),
		"session.id":                  attribute.StringValue(s.ID().String()),
		"cloud.provider":              attribute.StringValue("aws"),
		"gen_ai.agent.id":             attribute.StringValue("agent-7"),
		"audit.actor.id":              attribute.StringValue("agent-7"),
		"audit.actor.type":            attribute.StringValue("service"),
		"audit.action":                attribute.StringValue("session.create"),
		"audit.outcome":               attribute.StringValue("success"),
		"audit.target.id":             attribute.StringValue("deploy"),
		"audit.target.type":           attribute.StringValue("role"),
	}
	if diff := cmp.Diff(want, attributesOf(got), sameValue); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.RecordID.Version() != 7 || r.Status != audit.StatusAccepted {
		t.Errorf("receipt %+v", r)
	}
	if got.EventName() != "audit.session_created" || got.Severity() != log.SeverityInfo || got.SeverityText() != "INFO" ||
		got.Timestamp().Before(before) || !got.Timestamp().Equal(got.ObservedTimestamp()) {
		t.Errorf("name %q, severity %v %q, times %v %v", got.EventName(), got.Severity(), got.SeverityText(), got.Timestamp(), got.ObservedTimestamp())
	}
	body := got.Body().AsString()
	if body != "session created: deploy, 1 allowed action, command with 2 arguments, for 60 s" || strings.Contains(body, "hunter2") {
		t.Errorf("body %q", body)
	}
	if scope := got.InstrumentationScope(); scope.Name != "example.com/tool" || scope.Version != "1.2.3" {
		t.Errorf("scope %+v", scope)
	}
	if r2, err := logger.Session(s).Emit(t.Context(), s.Ended("completed", nil)); err != nil || r2.RecordID == r.RecordID {
		t.Errorf("the next record: %+v, %v", r2, err)
	}
}

func TestEmitOptions(t *testing.T) {
	logger, rec := newLogger(t, audit.WithDefaultActor("cron", audit.ActorSystem))
	id, at := uuid.New(), goldenTime.Add(-time.Hour)
	r, err := logger.Emit(t.Context(), nil, audit.Custom{Type: "key_rotated", Fields: []attribute.KeyValue{attribute.Int("n", 1)}},
		audit.WithAction("key.rotate"), audit.WithOutcome(audit.OutcomeFailure), audit.WithTarget("k1", "key"), audit.WithTime(at),
		audit.WithRecordID(id), audit.WithSeverity(log.SeverityWarn2), audit.WithMessage("key k1 could not be rotated"),
		audit.WithAttributes(attribute.String("cloud.region", "eu-north-1")))
	if err != nil || r.RecordID != id {
		t.Fatalf("%+v, %v", r, err)
	}
	got := rec.last(t)
	want := map[attribute.Key]attribute.Value{
		"audit.record.id":   attribute.StringValue(id.String()),
		"log.record.uid":    attribute.StringValue(id.String()),
		"audit.event.n":     attribute.Int64Value(1),
		"audit.actor.id":    attribute.StringValue("cron"),
		"audit.actor.type":  attribute.StringValue("system"),
		"audit.action":      attribute.StringValue("key.rotate"),
		"audit.outcome":     attribute.StringValue("failure"),
		"audit.target.id":   attribute.StringValue("k1"),
		"audit.target.type": attribute.StringValue("key"),
		"cloud.region":      attribute.StringValue("eu-north-1"),
	}
	if diff := cmp.Diff(want, attributesOf(got), sameValue); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !got.Timestamp().Equal(at) || got.ObservedTimestamp().Equal(at) || got.Severity() != log.SeverityWarn2 || got.SeverityText() != "WARN2" ||
		got.Body().AsString() != "key k1 could not be rotated" {
		t.Errorf("%v %v %v %q %v", got.Timestamp(), got.ObservedTimestamp(), got.Severity(), got.SeverityText(), got.Body())
	}
	if _, err := logger.Emit(t.Context(), nil, audit.Custom{Type: "x"}, audit.WithActor("alice", audit.ActorUser)); err != nil {
		t.Fatal(err)
	}
	if got := attributesOf(rec.last(t))["audit.actor.id"].AsString(); got != "alice" {
		t.Errorf("actor %q", got)
	}
}

func TestEmitActor(t *testing.T) {
	logger, rec := newLogger(t)
	byDefault, recDefault := newLogger(t, audit.WithDefaultActor("cron", audit.ActorSystem))
	agent, role, nobody := newSession(t, audit.WithRole("r"), audit.WithAgentID("agent-7")), newSession(t, audit.WithRole("r")), newSession(t)
	for _, tt := range []struct {
		session           *audit.Session
		want, wantDefault string
	}{
		{agent, "agent-7 service", "agent-7 service"},
		{role, "r service", "cron system"},
		{nobody, " ", "cron system"},
		{nil, " ", "cron system"},
	} {
		for _, l := range []struct {
			logger *audit.Logger
			rec    *recorder
			want   string
		}{{logger, rec, tt.want}, {byDefault, recDefault, tt.wantDefault}} {
			if _, err := l.logger.Emit(t.Context(), tt.session, audit.Custom{Type: "x"}); err != nil {
				t.Fatal(err)
			}
			a := attributesOf(l.rec.last(t))
			if got := a["audit.actor.id"].AsString() + " " + a["audit.actor.type"].AsString(); got != l.want {
				t.Errorf("actor %q, want %q", got, l.want)
			}
		}
	}
}

func TestSessionEndedOutcome(t *testing.T) {
	logger, rec := newLogger(t)
	for _, tt := range []struct {
		status string
		code   *int32
		want   audit.Outcome
		sev    log.Severity
	}{
		{"completed", nil, audit.OutcomeSuccess, log.SeverityInfo},
		{"completed", new(int32(0)), audit.OutcomeSuccess, log.SeverityInfo},
		{"completed", new(int32(1)), audit.OutcomeFailure, log.SeverityWarn},
		{"failed", nil, audit.OutcomeFailure, log.SeverityWarn},
		{"failed", new(int32(0)), audit.OutcomeFailure, log.SeverityWarn},
		{"revoked", nil, audit.OutcomeUnknown, log.SeverityInfo},
	} {
		if _, err := logger.Emit(t.Context(), nil, audit.SessionEnded{Status: tt.status, ExitCode: tt.code}); err != nil {
			t.Fatal(err)
		}
		r := rec.last(t)
		code, has := attributesOf(r)["process.exit.code"]
		if got := attributesOf(r)["audit.outcome"].AsString(); got != string(tt.want) || r.Severity() != tt.sev || has != (tt.code != nil) || has && code.AsInt64() != int64(*tt.code) {
			t.Errorf("%+v: outcome %s, severity %v, exit code %v", tt, got, r.Severity(), code)
		}
	}
}

func TestEmitRefusesBeforeItEmits(t *testing.T) {
	logger, rec := newLogger(t)
	custom := func(typ string, fields ...attribute.KeyValue) audit.Event {
		return audit.Custom{Type: typ, Fields: fields}
	}
	field := attribute.Int("n", 1)
	ok := custom("x")
	for _, tt := range []struct {
		want  string
		event audit.Event
		opt   audit.EmitOption
	}{
		{"no event", nil, nil},
		{"no event", (*audit.SessionEnded)(nil), nil},
		{"empty", custom(""), nil},
		{"byte 0", custom("Deploy"), nil},
		{"byte 6", custom("deploy finished"), nil},
		{"byte 3", custom("deploy"[:3] + "_"), nil},
		{"byte 0", custom("9lives"), nil},
		{"byte 1", custom("aä"), nil},
		{"more than 128", custom(strings.Repeat("a", 129)), nil},
		{"audit.SessionEnded", custom("session_ended"), nil},
		{"reserved", custom("log"), nil},
		{"reserved", custom("rejected"), nil},
		{"reserved", custom("checkpoint"), nil},
		{`named "type"`, custom("x", attribute.String("type", "y")), nil},
		{"no name", custom("x", attribute.String("", "y")), nil},
		{"twice", custom("x", field, field), nil},
		{"UTF-8", custom("x", attribute.Int("\xff", 1)), nil},
		{"int64", audit.SessionCreated{TTLSeconds: math.MaxInt64 + 1}, nil},
		{"budget", audit.SessionCreated{Budget: new(math.Inf(1))}, nil},
		{"expires_at", audit.CredentialsIssued{}, nil},
		{"current_spend", audit.BudgetWarning{CurrentSpend: math.NaN()}, nil},
		{"limit", audit.BudgetExceeded{Limit: math.Inf(-1)}, nil},
		{"user, service or system", ok, audit.WithActor("a", "robot")},
		{"actor has no id", ok, audit.WithActor("", audit.ActorUser)},
		{"action is empty", ok, audit.WithAction("")},
		{"success, failure or unknown", ok, audit.WithOutcome("ok")},
		{"target has no id", ok, audit.WithTarget("", "x")},
		{"time", ok, audit.WithTime(time.Time{})},
		{"all zero", ok, audit.WithRecordID(uuid.Nil)},
		{"severity", ok, audit.WithSeverity(25)},
		{"own", ok, audit.WithAttributes(attribute.String("audit.event.type", "x"))},
		{"no key", ok, audit.WithAttributes(attribute.String("", "x"))},
		{"twice", ok, audit.WithAttributes(attribute.String("log.record.uid", "x"))},
		{"twice", ok, audit.WithAttributes(field, field)},
	} {
		var opts []audit.EmitOption
		if tt.opt != nil {
			opts = append(opts, tt.opt)
		}
		r, err := logger.Emit(t.Context(), nil, tt.event, opts...)
		if !errors.Is(err, audit.ErrInvalidEvent) || !strings.Contains(err.Error(), tt.want) || r != (audit.Receipt{}) {
			t.Errorf("%s: %+v, %v", tt.want, r, err)
		}
	}
	if len(rec.records) != 0 {
		t.Errorf("%d records were exported", len(rec.records))
	}
	for _, name := range []string{"x", "a.b-c_d9", "deploy_finished", strings.Repeat("a", 128)} {
		if _, err := logger.Emit(t.Context(), nil, custom(name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := logger.Emit(t.Context(), nil, &audit.SessionEnded{}); err != nil {
		t.Errorf("a pointer to an event: %v", err)
	}
}

func TestEmitContextEnded(t *testing.T) {
	logger, rec := newLogger(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := logger.Emit(ctx, nil, audit.Custom{Type: "x"}); !errors.Is(err, context.Canceled) || len(rec.records) != 0 {
		t.Errorf("error %v, %d exported", err, len(rec.records))
	}
}

func TestEmitNoReceipt(t *testing.T) {
	rec := &recorder{}
	for name, provider := range map[string]log.LoggerProvider{
		"no processor":      sdklog.NewLoggerProvider(),
		"simple processor":  sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(rec))),
		"a provider of air": noop.NewLoggerProvider(),
	} {
		logger, err := audit.NewLogger(provider)
		if err != nil {
			t.Fatal(err)
		}
		r, err := logger.Emit(t.Context(), nil, audit.Custom{Type: "x"})
		if !errors.Is(err, audit.ErrNoReceipt) || r.Status != "" || r.RecordID == uuid.Nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if len(rec.records) != 1 {
		t.Errorf("%d records went to the simple processor", len(rec.records))
	}
}

// sealer reports as a journal does.
type sealer struct {
	recorder
	receipt receipt.Receipt
}

func (s *sealer) Export(ctx context.Context, recs []sdklog.Record) error {
	receipt.From(ctx).Fill(s.receipt)
	return s.recorder.Export(ctx, recs)
}

func TestEmitReceipt(t *testing.T) {
	for _, durable := range []bool{true, false} {
		s := &sealer{receipt: receipt.Receipt{Chain: goldenID, Seq: 7, Hash: [32]byte{1}, Time: goldenTime, Durable: durable}}
		logger, err := audit.NewLogger(sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(s))))
		if err != nil {
			t.Fatal(err)
		}
		r, err := logger.Emit(t.Context(), nil, audit.Custom{Type: "x"})
		want := audit.Receipt{RecordID: r.RecordID, Status: audit.StatusAccepted, Chain: goldenID, Seq: 7, Hash: [32]byte{1}, Time: goldenTime}
		if durable {
			want.Status = audit.StatusDurable
		}
		if err != nil || r != want || r.RecordID == uuid.Nil {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

func TestNewLoggerRefuses(t *testing.T) {
	if _, err := audit.NewLogger(nil); err == nil {
		t.Error("a logger without a provider")
	}
	for _, opt := range []audit.LoggerOption{audit.WithScope("", "1"), audit.WithDefaultActor("", audit.ActorUser), audit.WithDefaultActor("a", "b")} {
		if _, err := audit.NewLogger(noop.NewLoggerProvider(), opt); err == nil {
			t.Errorf("%T was taken", opt)
		}
	}
}

// What an application compiles in with these packages: a stated few modules,
// and never the Collector.
func TestDependencies(t *testing.T) {
	const ours = "github.com/auditchain/auditchain"
	few := []string{
		ours, "go.opentelemetry.io/otel", "go.opentelemetry.io/otel/log", "github.com/cespare/xxhash/v2",
		"github.com/google/uuid", "github.com/gofrs/flock", "github.com/klauspost/compress", "golang.org/x/mod", "golang.org/x/sys",
	}
	for _, c := range []struct {
		pkg, needs string
		allowed    []string // nil: anything but the Collector
	}{
		{"audit", "go.opentelemetry.io/otel/log", few},
		{"audit/journal", "github.com/gofrs/flock", few},
		{"integrity", ours, []string{ours, "golang.org/x/mod"}},
		{"processor/redact", ours, []string{ours}},
		{"processor/redactlog", "go.opentelemetry.io/otel/sdk/log", nil},
		{"processor/synclog", "go.opentelemetry.io/otel/sdk/log", nil},
		{"exporter/chainlog", "go.opentelemetry.io/otel/sdk/log", nil},
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", ours+"/"+c.pkg).Output()
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip("needs the go command")
		}
		if err != nil {
			t.Fatal(err)
		}
		modules := slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(out)))))
		if !slices.Contains(modules, c.needs) {
			t.Errorf("%s: %s is not among its modules %q: the test looks at the wrong thing", c.pkg, c.needs, modules)
		}
		for _, m := range modules {
			if strings.HasPrefix(m, "go.opentelemetry.io/collector") || c.allowed != nil && !slices.Contains(c.allowed, m) {
				t.Errorf("%s depends on %s", c.pkg, m)
			}
		}
	}
}

func ExampleLogger_Emit() {
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(&recorder{}))) // in earnest: exporter/chainlog

	logger, err := audit.NewLogger(provider)
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := audit.NewSession(audit.WithRole("arn:aws:iam::123456789012:role/deploy"))
	if err != nil {
		fmt.Println(err)
		return
	}
	trail := logger.Session(session)
	receipt, err := trail.Emit(context.Background(), session.Created())
	if err != nil {
		fmt.Println("the event is not on record:", err)
		return
	}
	fmt.Println(receipt.Status)

	// An event of your own:
	_, err = trail.Emit(context.Background(),
		audit.Custom{Type: "policy_changed", Fields: []attribute.KeyValue{attribute.Int("rules", 3)}},
		audit.WithActor("alice", audit.ActorUser), audit.WithOutcome(audit.OutcomeSuccess), audit.WithTarget("policy/42", "policy"))
	fmt.Println(err)
	// Output:
	// accepted
	// <nil>
}
