// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/auditchain/auditchain/internal/receipt"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/auditchain/auditchain/processor/synclog"
)

// Not real, and of a shape that is masked wherever it stands.
const (
	secret  = "ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"
	secret2 = "ghp_9zY8xW7vU6tS5rQ4pO3nM2lK1jI0hG9fE8dC"
)

// last keeps the last record that it got.
type last struct {
	mu   sync.Mutex
	rec  sdklog.Record
	n    int
	slot *receipt.Slot
	err  error
}

func (l *last) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (l *last) OnEmit(ctx context.Context, r *sdklog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rec, l.n, l.slot = r.Clone(), l.n+1, receipt.From(ctx)
	r.SetBody(attribute.StringValue("changed by the next processor"))
	r.AddAttributes(attribute.String("empty", "changed by the next processor"))
	return l.err
}
func (l *last) Shutdown(context.Context) error   { return errors.New("shutdown of next") }
func (l *last) ForceFlush(context.Context) error { return errors.New("flush of next") }

// errs keeps what a processor returned: the SDK hands it to a global handler.
type errs struct {
	sdklog.Processor
	err error
}

func (e *errs) OnEmit(ctx context.Context, r *sdklog.Record) error {
	e.err = e.Processor.OnEmit(ctx, r)
	return nil
}

// dump is everything that a record says.
func dump(r *sdklog.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "event=%s severity=%d %q body=%s\n", r.EventName(), r.Severity(), r.SeverityText(), r.Body().String())
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		fmt.Fprintf(&b, "%s=%s\n", kv.Key, kv.Value.String())
		if kv.Value.Type() == attribute.BYTESLICE {
			fmt.Fprintf(&b, "%s(bytes)=%s\n", kv.Key, kv.Value.AsByteSlice())
		}
		return true
	})
	return b.String()
}

func newRedactor(t testing.TB) *redact.Redactor {
	t.Helper()
	r, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func provider(p ...sdklog.Processor) *sdklog.LoggerProvider {
	opts := []sdklog.LoggerProviderOption{sdklog.WithResource(resource.NewSchemaless(attribute.String("service.name", "test")))}
	for _, p := range p {
		opts = append(opts, sdklog.WithProcessor(p))
	}
	return sdklog.NewLoggerProvider(opts...)
}

func record(attrs ...attribute.KeyValue) log.Record {
	var r log.Record
	r.SetTimestamp(time.Unix(1, 2).UTC())
	r.SetSeverity(log.SeverityInfo)
	r.AddAttributes(attrs...)
	return r
}

func TestSecretsAreMaskedWhereverTheyStand(t *testing.T) {
	str, kv := attribute.StringValue, func(k string, v attribute.Value) attribute.KeyValue {
		return attribute.KeyValue{Key: attribute.Key(k), Value: v}
	}
	tests := map[string]func(*log.Record){
		"attribute":     func(r *log.Record) { r.AddAttributes(kv("note", str("with "+secret))) },
		"attribute key": func(r *log.Record) { r.AddAttributes(kv("token "+secret, str("x"))) },
		"string slice":  func(r *log.Record) { r.AddAttributes(kv("a", attribute.StringSliceValue([]string{"x", secret}))) },
		"argv in a string slice": func(r *log.Record) {
			r.AddAttributes(kv("a", attribute.StringSliceValue([]string{"--password", secret})))
		},
		"argv in a slice": func(r *log.Record) { r.AddAttributes(kv("a", attribute.SliceValue(str("--password"), str(secret)))) },
		"map": func(r *log.Record) {
			r.AddAttributes(kv("a", attribute.MapValue(kv("b", attribute.MapValue(kv("c", str(secret)))))))
		},
		"map in a slice": func(r *log.Record) {
			r.AddAttributes(kv("a", attribute.SliceValue(attribute.MapValue(kv("c", str(secret))))))
		},
		"map key":       func(r *log.Record) { r.AddAttributes(kv("a", attribute.MapValue(kv(secret, str("x"))))) },
		"bytes":         func(r *log.Record) { r.AddAttributes(kv("a", attribute.ByteSliceValue([]byte("id "+secret)))) },
		"body":          func(r *log.Record) { r.SetBody(str("got " + secret)) },
		"body map":      func(r *log.Record) { r.SetBody(attribute.MapValue(kv("k", str(secret)))) },
		"body of JSON":  func(r *log.Record) { r.SetBody(str(`{"a":{"b":["` + secret + `"]}}`)) },
		"event name":    func(r *log.Record) { r.SetEventName("audit." + secret) },
		"severity text": func(r *log.Record) { r.SetSeverityText(secret) },
	}
	for name, add := range tests {
		t.Run(name, func(t *testing.T) {
			next, beside := &last{}, &last{}
			rec := record(attribute.String("session.id", "s1"), attribute.Int("n", 3))
			add(&rec)
			logger := provider(New(newRedactor(t), next), beside).Logger("test")
			logger.Emit(context.Background(), rec)

			if got := dump(&next.rec); strings.Contains(got, secret) || !strings.Contains(got, "[REDACTED:") {
				t.Errorf("the next processor got\n%s", got)
			} else if !strings.Contains(got, "session.id=s1\n") || !strings.Contains(got, "n=3\n") {
				t.Errorf("what is no secret is gone:\n%s", got)
			}
			if got := dump(&beside.rec); !strings.Contains(got, secret) || strings.Contains(got, "changed by") {
				t.Errorf("the record of the application was changed:\n%s", got)
			}
		})
	}
}

func TestNumbersUnderSensitiveKeysAreMasked(t *testing.T) {
	next := &last{}
	provider(New(newRedactor(t), next)).Logger("test").Emit(context.Background(), record(
		attribute.Int64("password", 13371337),
		attribute.Int64Slice("passwords", []int64{13371337, 13371338}),
		attribute.Int64("count", 42),
	))
	if got := dump(&next.rec); strings.Contains(got, "1337") || !strings.Contains(got, "count=42\n") {
		t.Error(got)
	}
}

// A card number is one as an integer, and among others.
func TestPersonalNumbersAreMasked(t *testing.T) {
	r, err := redact.New(redact.Config{PII: redact.PII{PaymentCard: redact.PolicyMask}})
	if err != nil {
		t.Fatal(err)
	}
	next := &last{}
	provider(New(r, next)).Logger("test").Emit(context.Background(), record(
		attribute.Int64("n", 4111111111111111), attribute.Float64("f", 4111111111111111), attribute.Int64("order_id", 4111111111111111),
		attribute.Int64Slice("list", []int64{7, 4111111111111111, 8}), attribute.Float64Slice("fs", []float64{4111111111111111}),
		attribute.Int64Slice("order_ids", []int64{4111111111111111}),
	))
	got := map[string]string{}
	next.rec.WalkAttributes(func(kv attribute.KeyValue) bool {
		got[string(kv.Key)] = kv.Value.String()
		return true
	})
	const card = "[REDACTED:payment-card]"
	for key, want := range map[string]string{
		"n": card, "f": card, "order_id": "4111111111111111", "list": `[7,"` + card + `",8]`, "fs": `["` + card + `"]`, "order_ids": "[4111111111111111]",
	} {
		if got[key] != want {
			t.Errorf("%s is %s, want %s", key, got[key], want)
		}
	}
}

func TestCleanRecordsPassUnchanged(t *testing.T) {
	next, beside := &last{}, &last{}
	rec := record(
		attribute.String("session.id", "s1"), attribute.Bool("b", true), attribute.Float64("f", 1.5),
		attribute.StringSlice("argv", []string{"ls", "-l"}), attribute.ByteSlice("raw", []byte{0, 1}),
		attribute.Slice("mixed", attribute.IntValue(1), attribute.MapValue(attribute.String("k", "v"))),
		attribute.Int64Slice("ints", []int64{1, 2}), attribute.KeyValue{Key: "empty"},
	)
	rec.SetEventName("audit.session_created")
	rec.SetSeverityText("INFO")
	rec.SetBody(attribute.StringValue("session created"))
	provider(New(newRedactor(t), next), beside).Logger("test").Emit(context.Background(), rec)
	if diff := cmp.Diff(dump(&beside.rec), dump(&next.rec)); diff != "" {
		t.Errorf("changed (-emitted +passed on):\n%s", diff)
	}
}

func TestMaskedKeysDoNotCollide(t *testing.T) {
	next := &last{}
	provider(New(newRedactor(t), next)).Logger("test").Emit(context.Background(), record(
		attribute.String(secret, "first"), attribute.String(secret2, "second"),
		attribute.Map("m", attribute.String(secret, "third"), attribute.String(secret2, "fourth")),
	))
	got := dump(&next.rec)
	for _, want := range []string{"first", "second", "third", "fourth"} {
		if !strings.Contains(got, want) {
			t.Errorf("the value %q is lost:\n%s", want, got)
		}
	}
	if strings.Contains(got, "ghp_") {
		t.Error(got)
	}
}

func TestTooDeepValuesAreNotPassedOn(t *testing.T) {
	v := attribute.StringValue("deep treasure")
	for range 500 {
		v = attribute.SliceValue(attribute.MapValue(attribute.KeyValue{Key: "k", Value: v}))
	}
	next := &last{}
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(New(newRedactor(t), next)), sdklog.WithAttributeValueDepthLimit(-1))
	p.Logger("test").Emit(context.Background(), record(attribute.KeyValue{Key: "a", Value: v}))
	if got := dump(&next.rec); strings.Contains(got, "treasure") || !strings.Contains(got, "[REDACTED:too-deep]") {
		t.Error(got)
	}
}

// broken panics when it is to redact a text that holds "poison".
type broken struct{ scanner }

func (b broken) Text(p redact.Place, v string) (string, bool) {
	if strings.Contains(v, "poison") {
		panic("cannot redact " + v)
	}
	return b.scanner.Text(p, v)
}

func newBroken(t *testing.T, next sdklog.Processor) *Processor {
	sound := scannerOf(newRedactor(t))
	return newProcessor(func() scanner { return broken{sound()} }, next)
}

func TestRecordIsWithheldWhenRedactionFails(t *testing.T) {
	id := uuid.New()
	next := &last{err: errors.New("next said no")}
	p := &errs{Processor: newBroken(t, next)}
	rec := record(attribute.String("audit.record.id", id.String()), attribute.String("session.id", "poison"), attribute.String("other", "plain"))
	rec.SetEventName("audit.session_created")
	rec.SetSeverityText("INFO")
	rec.SetBody(attribute.StringValue("a body"))

	ctx, slot := receipt.With(context.Background())
	slot.Bind(id, "audit.session_created", nil)
	provider(p).Logger("test").Emit(ctx, rec)

	want := "event=audit.redaction_failed severity=9 \"\" body=a record was withheld: its redaction failed\n" +
		"audit.event.reason=redaction failed\naudit.record.id=" + id.String() + "\n"
	if diff := cmp.Diff(want, dump(&next.rec)); diff != "" {
		t.Errorf("passed on (-want +got):\n%s", diff)
	}
	if next.slot != nil {
		t.Error("the substitute could get the receipt of the record")
	}
	if !next.rec.Timestamp().Equal(time.Unix(1, 2)) {
		t.Errorf("timestamp is %v", next.rec.Timestamp())
	}
	if errors.Is(p.err, ErrWithheld) || !errors.Is(p.err, next.err) {
		t.Errorf("error is %q", p.err)
	}
	if _, filled, err := slot.Result(); filled || !errors.Is(err, ErrWithheld) || strings.Contains(err.Error(), "poison") {
		t.Errorf("the logger is told %v, receipt %v", err, filled)
	}

	// Where nobody waits, the error is returned.
	provider(p).Logger("test").Emit(context.Background(), rec)
	if !errors.Is(p.err, ErrWithheld) || !errors.Is(p.err, next.err) || strings.Contains(p.err.Error(), "poison") {
		t.Errorf("error is %q", p.err)
	}

	// The next record is not affected.
	next.err = nil
	provider(p).Logger("test").Emit(context.Background(), record(attribute.String("k", "fine "+secret)))
	if got := dump(&next.rec); p.err != nil || !strings.Contains(got, "k=fine [REDACTED:") {
		t.Errorf("error %v, record\n%s", p.err, got)
	}
}

func TestWithheldRecordKeepsNoIDThatIsNoUUID(t *testing.T) {
	next := &last{}
	provider(newBroken(t, next)).Logger("test").Emit(context.Background(),
		record(attribute.String("audit.record.id", "not-an-id"), attribute.String("k", "poison")))
	if got := dump(&next.rec); strings.Contains(got, "not-an-id") {
		t.Error(got)
	}
}

func TestSecretsInResourceAndScopeStopRecords(t *testing.T) {
	clean := resource.NewSchemaless(attribute.String("service.name", "test"))
	dirty := resource.NewSchemaless(attribute.String("cmd", "run "+secret))
	tests := map[string]struct {
		res   *resource.Resource
		scope string
		opts  []log.LoggerOption
	}{
		"resource":         {dirty, "test", nil},
		"scope name":       {clean, secret, nil},
		"scope version":    {clean, "test", []log.LoggerOption{log.WithInstrumentationVersion(secret)}},
		"scope attributes": {clean, "test", []log.LoggerOption{log.WithInstrumentationAttributes(attribute.String("a", secret))}},
		"scope schema URL": {clean, "test", []log.LoggerOption{log.WithSchemaURL("https://x/?t=" + secret)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			next := &last{}
			p := &errs{Processor: New(newRedactor(t), next)}
			logs := sdklog.NewLoggerProvider(sdklog.WithResource(tt.res), sdklog.WithProcessor(p))
			logs.Logger(tt.scope, tt.opts...).Emit(context.Background(), record())
			if !errors.Is(p.err, ErrUnredacted) || strings.Contains(p.err.Error(), secret) || next.n != 0 {
				t.Errorf("error %v, %d records passed on", p.err, next.n)
			}
			ctx, slot := receipt.With(context.Background())
			logs.Logger(tt.scope, tt.opts...).Emit(ctx, record())
			if _, _, err := slot.Result(); !errors.Is(err, ErrUnredacted) || p.err != nil || next.n != 0 {
				t.Errorf("the logger is told %v, the SDK %v", err, p.err)
			}

			res, err := Resource(newRedactor(t), tt.res)
			if err != nil {
				t.Fatal(err)
			}
			logs = sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(p))
			Logger(newRedactor(t), logs, tt.scope, tt.opts...).Emit(context.Background(), record())
			got := fmt.Sprint(next.rec.Resource(), next.rec.InstrumentationScope())
			if p.err != nil || next.n != 1 || strings.Contains(got, secret) || !strings.Contains(got, "REDACTED") {
				t.Errorf("with Resource and Logger: error %v, %d records, %s", p.err, next.n, got)
			}
		})
	}
}

func TestUnreadableResourceStopsRecords(t *testing.T) {
	next := &last{}
	p := &errs{Processor: newBroken(t, next)}
	logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(p), sdklog.WithResource(resource.NewSchemaless(attribute.String("a", "poison"))))
	logs.Logger("test").Emit(context.Background(), record())
	if !errors.Is(p.err, ErrUnredacted) || strings.Contains(p.err.Error(), "poison") || next.n != 0 {
		t.Errorf("error %v, %d records passed on", p.err, next.n)
	}
}

func TestResourceRedactsTheEnvironment(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deploy.note="+secret)
	res, err := Resource(newRedactor(t), resource.NewSchemaless(attribute.String("service.name", "test")))
	if err != nil {
		t.Fatal(err)
	}
	next := &last{}
	logs := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(New(newRedactor(t), next)))
	logs.Logger("test").Emit(context.Background(), record())
	got := next.rec.Resource().String()
	if next.n != 1 || strings.Contains(got, secret) || !strings.Contains(got, "deploy.note") || !strings.Contains(got, "service.name=test") {
		t.Errorf("%d records, resource %s", next.n, got)
	}
}

func TestResourceOfNil(t *testing.T) {
	res, err := Resource(newRedactor(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !res.Set().HasValue("telemetry.sdk.name") {
		t.Errorf("the default resource is missing: %v", res)
	}
}

func TestResourceSchemaConflict(t *testing.T) {
	res, err := Resource(newRedactor(t), resource.NewWithAttributes("https://example.com/other", attribute.String("a", "b")))
	if !res.Set().HasValue("a") {
		t.Errorf("resource is %v, error %v", res, err)
	}
}

func TestLoggerWithoutRedactionHasNoScope(t *testing.T) {
	scope, _, err := redactScope(func() scanner { panic("no scanner") }, instrumentation.Scope{Name: secret})
	if !errors.Is(err, errPanicked) {
		t.Errorf("error is %v, scope %v", err, scope)
	}
}

func TestWhatLimitsCutIsReportedBeforeMasking(t *testing.T) {
	next := &last{}
	attrs := []attribute.KeyValue{attribute.String("audit.record.id", uuid.Nil.String()), attribute.String("note", strings.Repeat("x", 100))}
	ctx, slot := receipt.With(context.Background())
	slot.Bind(uuid.Nil, "", attrs)
	logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(New(newRedactor(t), next)), sdklog.WithAttributeValueLengthLimit(50))
	logs.Logger("test").Emit(ctx, record(attrs...))
	if _, _, err := slot.Result(); !errors.Is(err, receipt.ErrLost) || next.n != 0 {
		t.Errorf("the logger is told %v, %d records were passed on", err, next.n)
	}
}

// What redaction changes, keys and the event name too, must not look like a
// loss to synclog, and the receipt must come back.
func TestReceiptsPassThrough(t *testing.T) {
	id := uuid.New()
	attrs := []attribute.KeyValue{
		attribute.String("audit.record.id", id.String()),
		attribute.String(secret, "x"),
		attribute.Map("m", attribute.String(secret, "y"), attribute.String("k", secret)),
	}
	for _, failure := range []error{nil, errors.New("disk is full")} {
		exp := &exporter{err: failure}
		rec := record(attrs...)
		rec.SetEventName("audit." + secret)
		ctx, slot := receipt.With(context.Background())
		slot.Bind(id, "audit."+secret, attrs)
		p := &errs{Processor: New(newRedactor(t), synclog.New(exp))}
		provider(p).Logger("test").Emit(ctx, rec)

		if len(exp.got) != 1 || strings.Contains(dump(&exp.got[0]), secret) {
			t.Fatalf("%d records exported", len(exp.got))
		}
		r, filled, err := slot.Result()
		if filled != (failure == nil) || !errors.Is(err, failure) || p.err != nil || filled && r.RecordID != id {
			t.Errorf("export error %v: receipt %v %v, the logger is told %v, the SDK %v", failure, filled, r, err, p.err)
		}
	}
}

type exporter struct {
	got []sdklog.Record
	err error
}

func (e *exporter) Export(_ context.Context, records []sdklog.Record) error {
	for _, r := range records {
		e.got = append(e.got, r.Clone())
	}
	return e.err
}
func (*exporter) Shutdown(context.Context) error   { return nil }
func (*exporter) ForceFlush(context.Context) error { return nil }

func TestCallsGoToTheNextProcessor(t *testing.T) {
	p := New(newRedactor(t), &last{err: errors.New("next said no")})
	if err := p.Shutdown(context.Background()); err == nil || err.Error() != "shutdown of next" {
		t.Errorf("Shutdown: %v", err)
	}
	if err := p.ForceFlush(context.Background()); err == nil || err.Error() != "flush of next" {
		t.Errorf("ForceFlush: %v", err)
	}
	if !p.Enabled(context.Background(), sdklog.EnabledParameters{}) {
		t.Error("Enabled is false")
	}
	if err := p.OnEmit(context.Background(), new(sdklog.Record)); err == nil || err.Error() != "next said no" {
		t.Errorf("OnEmit: %v", err)
	}
}

func TestNewRefusesNil(t *testing.T) {
	for name, f := range map[string]func(){
		"redactor":  func() { New(nil, &last{}) },
		"processor": func() { New(newRedactor(t), nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New took a nil %s", name)
				}
			}()
			f()
		}()
	}
}

func TestConcurrentEmits(t *testing.T) {
	next := &last{}
	logger := provider(New(newRedactor(t), next)).Logger("test")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				logger.Emit(context.Background(), record(attribute.String("note", "with "+secret)))
			}
		})
	}
	wg.Wait()
	if got := dump(&next.rec); next.n != 800 || strings.Contains(got, secret) {
		t.Errorf("%d records, the last one\n%s", next.n, got)
	}
}

func BenchmarkOnEmit(b *testing.B) {
	logger := provider(New(newRedactor(b), discard{})).Logger("test")
	rec := record(attribute.String("session.id", "s1"), attribute.String("audit.actor.id", "alice"), attribute.Int("n", 3),
		attribute.String("audit.action", "s3:PutObject"), attribute.StringSlice("argv", []string{"aws", "s3", "ls"}))
	rec.SetBody(attribute.StringValue("object stored by the agent"))
	b.ReportAllocs()
	for b.Loop() {
		logger.Emit(context.Background(), rec)
	}
}

type discard struct{ sdklog.Processor }

func (discard) OnEmit(context.Context, *sdklog.Record) error { return nil }
