// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/xpdata/entity"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/auditchain/auditchain/processor/auditredactionprocessor/internal/metadata"
	"github.com/auditchain/auditchain/processor/auditredactionprocessor/internal/metadatatest"
	"github.com/auditchain/auditchain/processor/redact"
)

// Not real, and of a shape that is masked wherever it stands.
const (
	secret  = "ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"
	secret2 = "ghp_9zY8xW7vU6tS5rQ4pO3nM2lK1jI0hG9fE8dC"
)

func start(t testing.TB, set processor.Settings, cfg *Config) (processor.Logs, *consumertest.LogsSink) {
	t.Helper()
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(context.Background(), set, cfg, sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p, sink
}

// parts are the parts of a batch of one record.
type parts struct {
	rl plog.ResourceLogs
	sl plog.ScopeLogs
	lr plog.LogRecord
}

func one() (plog.Logs, parts) {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "test")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("scope")
	lr := sl.LogRecords().AppendEmpty()
	lr.SetTimestamp(12)
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	lr.SetTraceID(pcommon.TraceID{1})
	lr.Attributes().PutStr("session.id", "s1")
	lr.Attributes().PutInt("n", 3)
	return ld, parts{rl, sl, lr}
}

// dump is everything that a batch says, and its bytes values as text.
func dump(t testing.TB, ld plog.Logs) string {
	t.Helper()
	b, err := (&plog.JSONMarshaler{}).MarshalLogs(ld)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.Write(b)
	for _, rl := range ld.ResourceLogs().All() {
		for _, ref := range entity.ResourceEntityRefs(rl.Resource()).All() {
			e, err := json.Marshal([]any{ref.Type(), ref.SchemaUrl(), ref.IdKeys().AsRaw(), ref.DescriptionKeys().AsRaw()})
			if err != nil {
				t.Fatal(err)
			}
			out.Write(e)
		}
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if v, ok := lr.Attributes().Get("raw"); ok {
					out.Write(v.Bytes().AsRaw())
				}
			}
		}
	}
	return out.String()
}

func TestSecretsAreMaskedWhereverTheyStand(t *testing.T) {
	tests := map[string]func(parts){
		"resource attribute":  func(p parts) { p.rl.Resource().Attributes().PutStr("cmd", "run "+secret) },
		"resource key":        func(p parts) { p.rl.Resource().Attributes().PutStr(secret, "x") },
		"resource schema URL": func(p parts) { p.rl.SetSchemaUrl("https://x/?t=" + secret) },
		"entity type":         func(p parts) { ref(p).SetType(secret) },
		"entity schema URL":   func(p parts) { ref(p).SetSchemaUrl("https://x/?t=" + secret) },
		"entity id key":       func(p parts) { ref(p).IdKeys().Append("service.name", secret) },
		"entity description":  func(p parts) { ref(p).DescriptionKeys().Append(secret) },
		"scope name":          func(p parts) { p.sl.Scope().SetName(secret) },
		"scope version":       func(p parts) { p.sl.Scope().SetVersion("1-" + secret) },
		"scope attribute":     func(p parts) { p.sl.Scope().Attributes().PutStr("a", secret) },
		"scope schema URL":    func(p parts) { p.sl.SetSchemaUrl("https://x/?t=" + secret) },
		"attribute":           func(p parts) { p.lr.Attributes().PutStr("note", "with "+secret) },
		"attribute key":       func(p parts) { p.lr.Attributes().PutStr("token "+secret, "x") },
		"map":                 func(p parts) { p.lr.Attributes().PutEmptyMap("a").PutEmptyMap("b").PutStr("c", secret) },
		"map key":             func(p parts) { p.lr.Attributes().PutEmptyMap("a").PutStr(secret, "x") },
		"slice":               func(p parts) { p.lr.Attributes().PutEmptySlice("a").AppendEmpty().SetStr(secret) },
		"map in a slice": func(p parts) {
			p.lr.Attributes().PutEmptySlice("a").AppendEmpty().SetEmptyMap().PutStr("c", secret)
		},
		"bytes":         func(p parts) { p.lr.Attributes().PutEmptyBytes("raw").FromRaw([]byte("id " + secret)) },
		"body":          func(p parts) { p.lr.Body().SetStr("got " + secret) },
		"body map":      func(p parts) { p.lr.Body().SetEmptyMap().PutStr("k", secret) },
		"body of JSON":  func(p parts) { p.lr.Body().SetStr(`{"a":{"b":["` + secret + `"]}}`) },
		"event name":    func(p parts) { p.lr.SetEventName("audit." + secret) },
		"severity text": func(p parts) { p.lr.SetSeverityText(secret) },
	}
	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	for name, add := range tests {
		t.Run(name, func(t *testing.T) {
			sink.Reset()
			ld, p := one()
			add(p)
			if before := dump(t, ld); !strings.Contains(before, secret) {
				t.Fatalf("the test lost its secret:\n%s", before)
			}
			if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
				t.Fatal(err)
			}
			got := dump(t, sink.AllLogs()[0])
			if strings.Contains(got, secret) || !strings.Contains(got, "[REDACTED:") {
				t.Errorf("the next consumer got\n%s", got)
			}
			if !strings.Contains(got, `"session.id"`) || !strings.Contains(got, `"service.name"`) {
				t.Errorf("what is no secret is gone:\n%s", got)
			}

			// Behind a second processor, say, nothing more is changed.
			again := plog.NewLogs()
			sink.AllLogs()[0].CopyTo(again)
			if err := proc.ConsumeLogs(context.Background(), again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, dump(t, sink.AllLogs()[1])); diff != "" {
				t.Errorf("the second time (-once +twice):\n%s", diff)
			}
		})
	}
}

func ref(p parts) entity.EntityRef { return entity.ResourceEntityRefs(p.rl.Resource()).AppendEmpty() }

func TestArgvAndNumbersUnderSensitiveKeys(t *testing.T) {
	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	ld, p := one()
	argv := p.lr.Attributes().PutEmptySlice("process.command_args")
	for _, a := range []string{"mysql", "--password", "hunter2", "app"} {
		argv.AppendEmpty().SetStr(a)
	}
	p.lr.Attributes().PutInt("password", 13371337)
	if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
	attrs := sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	want := map[string]any{
		"session.id": "s1", "n": int64(3),
		"process.command_args": []any{"mysql", "--password", "[REDACTED:password]", "app"},
		"password":             "[REDACTED:password]",
	}
	if diff := cmp.Diff(want, attrs.AsRaw()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A card number is one as an integer, and where no name says so.
func TestPersonalData(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Redaction.PII.PaymentCard, cfg.Redaction.PII.IP, cfg.Redaction.PII.Email = "mask", "truncate", "mask"
	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), cfg)
	ld, p := one()
	p.lr.Attributes().PutInt("n", 4111111111111111)
	p.lr.Attributes().PutInt("order_id", 4111111111111111)
	p.lr.Attributes().PutDouble("d", 4111111111111111)
	p.lr.Attributes().PutDouble("half", 0.5)
	p.lr.Attributes().PutStr("client.address", "192.0.2.7")
	p.lr.Attributes().PutStr("bob@example.com", "x")
	p.lr.Body().SetStr("from 2001:db8:1:2::3")
	if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
	got := sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	want := map[string]any{
		"session.id": "s1", "n": "[REDACTED:payment-card]", "order_id": int64(4111111111111111), "d": "[REDACTED:payment-card]", "half": 0.5,
		"client.address": "192.0.2.0", "[REDACTED:email]": "x",
	}
	if diff := cmp.Diff(want, got.Attributes().AsRaw()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if body := got.Body().Str(); body != "from 2001:db8:1::" {
		t.Errorf("body: %s", body)
	}
}

func TestCleanLogsPassUnchanged(t *testing.T) {
	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	ld, p := one()
	p.rl.SetSchemaUrl("https://opentelemetry.io/schemas/1.43.0")
	p.lr.Body().SetEmptyMap().PutEmptySlice("list").AppendEmpty().SetDouble(1.5)
	p.lr.Attributes().PutEmptyBytes("raw").FromRaw([]byte{0, 1, 255})
	p.lr.Attributes().PutEmpty("empty")
	p.lr.Attributes().PutBool("yes", true)
	p.lr.SetEventName("audit.session_created")
	p.lr.SetSeverityText("INFO")
	want := dump(t, ld)
	if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, dump(t, sink.AllLogs()[0])); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMaskedKeysDoNotCollide(t *testing.T) {
	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	ld, p := one()
	p.lr.Attributes().PutStr(secret, "first")
	p.lr.Attributes().PutStr(secret2, "second")
	if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
	got := dump(t, sink.AllLogs()[0])
	if !strings.Contains(got, "first") || !strings.Contains(got, "second") || strings.Contains(got, "ghp_") {
		t.Error(got)
	}
}

func TestTooDeepValuesAreNotPassedOn(t *testing.T) {
	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	ld, p := one()
	v := p.lr.Body()
	for i := range 1000 {
		if i%2 == 0 {
			v = v.SetEmptySlice().AppendEmpty()
		} else {
			v = v.SetEmptyMap().PutEmpty("k")
		}
	}
	v.SetStr("deep treasure")
	if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, sink.AllLogs()[0]); strings.Contains(got, "treasure") || !strings.Contains(got, "[REDACTED:too-deep]") {
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

func TestContentIsWithheldWhenRedactionFails(t *testing.T) {
	tel := componenttest.NewTelemetry()
	set := metadatatest.NewSettings(tel)
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	p, err := newRedactionProcessor(set, createDefaultConfig().(*Config))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.start(context.Background(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	sound := p.fresh
	made := 0
	p.fresh = func() scanner { made++; return broken{sound()} }

	ld, at := one()
	at.rl.Resource().Attributes().PutStr("a", "poison in the resource")
	at.rl.SetSchemaUrl("https://schema.example/raw")
	at.sl.Scope().SetVersion("poison in the scope")
	at.lr.Attributes().PutStr("audit.record.id", "0b6d3c6e-6ac5-4d5d-8c5f-0a8f9ab51c11")
	at.lr.Attributes().PutStr("b", "poison in the record")
	at.lr.SetEventName("audit.session_created")
	at.lr.SetSeverityText("raw severity")
	at.lr.Body().SetStr("raw body")
	second := at.sl.LogRecords().AppendEmpty()
	second.Attributes().PutStr("c", "fine "+secret)

	out, err := p.processLogs(context.Background(), ld)
	if err != nil {
		t.Fatal(err)
	}
	got := dump(t, out)
	for _, raw := range []string{"poison", "raw", secret, "s1", "schema.example"} {
		if strings.Contains(got, raw) {
			t.Errorf("%q was passed on:\n%s", raw, got)
		}
	}
	lr := out.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	want := map[string]any{"audit.record.id": "0b6d3c6e-6ac5-4d5d-8c5f-0a8f9ab51c11", "audit.event.reason": "redaction failed"}
	if diff := cmp.Diff(want, lr.Attributes().AsRaw()); diff != "" {
		t.Errorf("withheld record (-want +got):\n%s", diff)
	}
	if lr.EventName() != "audit.redaction_failed" || lr.Timestamp() != 12 || lr.TraceID() != (pcommon.TraceID{1}) || lr.SeverityNumber() != plog.SeverityNumberInfo {
		t.Errorf("withheld record: %s", got)
	}
	if v, ok := out.ResourceLogs().At(0).Resource().Attributes().Get("audit.redaction.withheld"); !ok || !v.Bool() {
		t.Errorf("the resource does not say that it is withheld:\n%s", got)
	}
	if !strings.Contains(got, "fine [REDACTED:github-token]") {
		t.Errorf("the next record was not redacted:\n%s", got)
	}

	if made != 4 {
		t.Errorf("%d scanners for 3 panics: one that was interrupted may be in any state", made)
	}
	metadatatest.AssertEqualAuditRedactionFailures(t, tel, point(3, set), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualAuditRedactionRecords(t, tel, point(2, set), metricdatatest.IgnoreTimestamp())
	if logs.Len() != 1 || strings.Contains(logs.All()[0].Message, "poison") {
		t.Errorf("log lines: %v", logs.All())
	}
}

func point(n int64, set processor.Settings, more ...attribute.KeyValue) []metricdata.DataPoint[int64] {
	attrs := attribute.NewSet(append(more, attribute.String("processor", set.ID.String()))...)
	return []metricdata.DataPoint[int64]{{Value: n, Attributes: attrs}}
}

func TestMetrics(t *testing.T) {
	tel := componenttest.NewTelemetry()
	set := metadatatest.NewSettings(tel)
	proc, _ := start(t, set, createDefaultConfig().(*Config))
	for range 2 {
		ld, p := one()
		p.lr.Attributes().PutStr("a", secret)
		p.lr.Attributes().PutStr(secret2, "b")
		p.lr.Body().SetStr("x")
		if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
			t.Fatal(err)
		}
	}
	metadatatest.AssertEqualAuditRedactionRecords(t, tel, point(2, set), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualAuditRedactionValuesRedacted(t, tel, point(4, set, attribute.String("kind", "github-token")), metricdatatest.IgnoreTimestamp())
	if _, err := tel.GetMetric("otelcol_audit_redaction_failures"); err == nil {
		t.Error("there are failures")
	}
}

func TestStartNeedsTheFingerprintKey(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "fingerprint.key")
	cfg := createDefaultConfig().(*Config)
	cfg.Redaction.FingerprintKey.File = key
	create := func() error {
		p, err := NewFactory().CreateLogs(context.Background(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(context.Background(), componenttest.NewNopHost()); err != nil {
			// A processor that does not come up passes nothing on either.
			if ld, _ := one(); p.ConsumeLogs(context.Background(), ld) == nil {
				t.Error("logs were passed on without a start")
			}
			return err
		}
		return p.Shutdown(context.Background())
	}
	if err := create(); err == nil || !strings.Contains(err.Error(), "redaction::fingerprint_key") || !strings.Contains(err.Error(), key) {
		t.Errorf("missing key: %v", err)
	}
	text := []byte(strings.Repeat("5a", 32))
	if err := os.WriteFile(key, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := create(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("key readable by others: %v", err)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := create(); err != nil {
		t.Errorf("good key: %v", err)
	}

	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), cfg)
	ld, p := one()
	p.lr.Attributes().PutStr("a", secret)
	p.lr.Attributes().PutStr("b", "and "+secret)
	if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
	attrs := sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes()
	a, _ := attrs.Get("a")
	b, _ := attrs.Get("b")
	if a.Str() == "[REDACTED:github-token]" || b.Str() != "and "+a.Str() {
		t.Errorf("fingerprints are missing or differ: %q, %q", a.Str(), b.Str())
	}
}

func TestCapabilities(t *testing.T) {
	proc, _ := start(t, processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	if !proc.Capabilities().MutatesData {
		t.Error("the processor changes its data and does not say so")
	}
}

func TestConcurrentBatches(t *testing.T) {
	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				ld, p := one()
				p.lr.Attributes().PutStr("a", "x "+secret)
				if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := sink.LogRecordCount(); n != 320 {
		t.Fatalf("%d records", n)
	}
	for _, ld := range sink.AllLogs() {
		if got := dump(t, ld); strings.Contains(got, secret) || !strings.Contains(got, "x [REDACTED:github-token]") {
			t.Fatal(got)
		}
	}
}

func BenchmarkBatch100(b *testing.B) {
	proc, sink := start(b, processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	ld := plog.NewLogs()
	for range 100 {
		l, p := one()
		p.lr.Attributes().PutStr("audit.actor.id", "alice@corp.example")
		p.lr.Attributes().PutStr("audit.action", "s3:PutObject")
		p.lr.Body().SetStr("object stored by the agent")
		l.ResourceLogs().MoveAndAppendTo(ld.ResourceLogs())
	}
	b.ReportAllocs()
	for b.Loop() {
		sink.Reset()
		if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
			b.Fatal(err)
		}
	}
}
