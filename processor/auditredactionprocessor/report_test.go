// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/auditchain/auditchain/processor/auditredactionprocessor/internal/metadata"
	"github.com/auditchain/auditchain/processor/auditredactionprocessor/internal/metadatatest"
)

// everything is a batch with a secret in every place that one can be in.
func everything() plog.Logs {
	ld, p := one()
	p.rl.Resource().Attributes().PutStr("cmd", "run "+secret)
	p.rl.Resource().Attributes().PutStr(secret, "x")
	p.rl.SetSchemaUrl("https://x/?t=" + secret)
	ref(p).IdKeys().Append(secret)
	p.sl.Scope().SetName(secret)
	p.sl.Scope().SetVersion("1-" + secret)
	p.sl.Scope().Attributes().PutStr("a", secret)
	p.sl.SetSchemaUrl("https://x/?t=" + secret)
	a := p.lr.Attributes()
	a.PutStr("token "+secret, "x")
	a.PutStr(secret2, "y")
	a.PutEmptyMap("m").PutEmptySlice("s").AppendEmpty().SetEmptyMap().PutStr(secret, secret2)
	a.PutEmptyBytes("raw").FromRaw([]byte("id " + secret))
	a.PutInt("password", 13371337)
	argv := a.PutEmptySlice("argv")
	for _, arg := range []string{"mysql", "--password", "hunter2"} {
		argv.AppendEmpty().SetStr(arg)
	}
	pair := a.PutEmptyMap("env")
	pair.PutStr("value", "hunter2")
	pair.PutStr("name", "DB_PASSWORD")
	deep := a.PutEmpty("deep")
	for range 100 {
		deep = deep.SetEmptySlice().AppendEmpty()
	}
	deep.SetStr("treasure")
	deep = a.PutEmpty("deep map")
	for range 100 {
		deep = deep.SetEmptyMap().PutEmpty("k")
	}
	p.lr.Body().SetStr(`{"a":{"b":["` + secret + `"]}}`)
	p.lr.SetEventName("audit." + secret)
	p.lr.SetSeverityText(secret)
	return ld
}

// countOf is the sum of a counter's points by kind, "" where they have none.
func countOf(t testing.TB, tel *componenttest.Telemetry, metric string) map[string]int64 {
	t.Helper()
	m, err := tel.GetMetric(metric)
	if err != nil {
		return nil
	}
	got := map[string]int64{}
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		kind, _ := p.Attributes.Value(attribute.Key("kind"))
		got[kind.AsString()] += p.Value
	}
	return got
}

// What report_only counts is what a processor that masks would mask, and it
// changes nothing: the batch is read-only, so that a change would panic.
func TestReportOnlyCountsWhatWouldBeMasked(t *testing.T) {
	masking, reporting := componenttest.NewTelemetry(), componenttest.NewTelemetry()
	mask, masked := start(t, metadatatest.NewSettings(masking), &Config{})
	report, reported := start(t, metadatatest.NewSettings(reporting), &Config{ReportOnly: true})
	if report.Capabilities().MutatesData {
		t.Error("report_only says that it changes its data")
	}

	ld := everything()
	ld.MarkReadOnly()
	before := dump(t, ld)
	for range 2 { // the second time from the cache of names
		if err := report.ConsumeLogs(context.Background(), ld); err != nil {
			t.Fatal(err)
		}
		if err := mask.ConsumeLogs(context.Background(), everything()); err != nil {
			t.Fatal(err)
		}
	}
	for _, out := range reported.AllLogs() {
		if diff := cmp.Diff(before, dump(t, out)); diff != "" {
			t.Errorf("report_only changed a batch:\n%s", diff)
		}
	}
	if got := dump(t, masked.AllLogs()[0]); strings.Contains(got, secret) || strings.Contains(got, "treasure") {
		t.Fatalf("the test's secrets are not all masked:\n%s", got)
	}

	want := countOf(t, masking, "otelcol_audit_redaction_values_redacted")
	got := countOf(t, reporting, "otelcol_audit_redaction_values_reported")
	if diff := cmp.Diff(want, got); diff != "" || want["github-token"] < 20 || want["too-deep"] != 4 || want["password"] != 6 {
		t.Errorf("kinds (-masked +reported):\n%s\nmasked: %v", diff, want)
	}
	if n := countOf(t, reporting, "otelcol_audit_redaction_records")[""]; n != 2 {
		t.Errorf("%d records looked through", n)
	}
	for tel, names := range map[*componenttest.Telemetry][]string{
		reporting: {"values_redacted", "failures", "report_failures"},
		masking:   {"values_reported", "failures", "report_failures"},
	} {
		for _, name := range names {
			if got := countOf(t, tel, "otelcol_audit_redaction_"+name); len(got) > 0 {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

// A rule that panics loses nothing and changes nothing, and is counted.
func TestReportOnlyKeepsWhatCannotBeLookedThrough(t *testing.T) {
	tel := componenttest.NewTelemetry()
	set := metadatatest.NewSettings(tel)
	core, logs := observer.New(zap.InfoLevel)
	set.Logger = zap.New(core)
	p, err := newRedactionProcessor(set, &Config{ReportOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.start(context.Background(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	if logs.Len() != 1 || !strings.Contains(logs.All()[0].Message, "nothing is masked here") {
		t.Errorf("at start it logs %v", logs.All())
	}
	sound := p.fresh
	p.fresh = func() scanner { return broken{sound()} }

	ld, at := one()
	at.rl.Resource().Attributes().PutStr("a", "poison in the resource")
	at.sl.Scope().SetVersion("poison in the scope")
	at.lr.Attributes().PutStr("b", "poison in the record")
	at.sl.LogRecords().AppendEmpty().Attributes().PutStr("c", "fine "+secret)
	ld.MarkReadOnly()
	before := dump(t, ld)
	out, err := p.processLogs(context.Background(), ld)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, dump(t, out)); diff != "" {
		t.Errorf("changed:\n%s", diff)
	}
	metadatatest.AssertEqualAuditRedactionReportFailures(t, tel, point(3, set), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualAuditRedactionRecords(t, tel, point(2, set), metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualAuditRedactionValuesReported(t, tel, point(1, set, attribute.String("kind", "github-token")), metricdatatest.IgnoreTimestamp())
	if n := countOf(t, tel, "otelcol_audit_redaction_failures"); n != nil {
		t.Errorf("failures that withheld something: %v", n)
	}
	for _, line := range logs.All() {
		if strings.Contains(line.Message, "poison") || strings.Contains(line.Message, "withheld") {
			t.Errorf("log line %v", line)
		}
	}
	if logs.Len() != 2 {
		t.Errorf("log lines %v", logs.All())
	}
}

// pipeline builds the processors of a pipeline in their order, as a Collector
// does from its configuration, in front of a sink.
func pipeline(t *testing.T, conf *confmap.Conf, set func(component.ID) processor.Settings) (consumer.Logs, *consumertest.LogsSink) {
	t.Helper()
	sub, err := conf.Sub("service::pipelines::logs")
	if err != nil {
		t.Fatal(err)
	}
	var order struct {
		Processors []component.ID `mapstructure:"processors"`
	}
	if err := sub.Unmarshal(&order, confmap.WithIgnoreUnused()); err != nil {
		t.Fatal(err)
	}
	if len(order.Processors) == 0 {
		t.Fatal("the pipeline has no processors")
	}
	all, err := conf.Sub("processors")
	if err != nil {
		t.Fatal(err)
	}
	sink := new(consumertest.LogsSink)
	var next consumer.Logs = sink
	for _, id := range slices.Backward(order.Processors) {
		if id.Type() != metadata.Type {
			t.Fatalf("processor %s", id)
		}
		own, err := all.Sub(id.String())
		if err != nil {
			t.Fatal(err)
		}
		cfg := NewFactory().CreateDefaultConfig()
		if err := own.Unmarshal(cfg); err != nil {
			t.Fatal(err)
		}
		if err := confmap.Validate(cfg); err != nil {
			t.Fatal(err)
		}
		p, err := NewFactory().CreateLogs(context.Background(), set(id), cfg, next)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(context.Background(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Shutdown(context.Background()) })
		next = p
	}
	return next, sink
}

// A new policy is tried in front of the one that is in force: the trial counts
// what it would mask, and what leaves the pipeline is masked by the other alone.
func TestTrialInFrontOfWhatIsInForce(t *testing.T) {
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "trial.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tel := componenttest.NewTelemetry()
	in, sink := pipeline(t, conf, func(id component.ID) processor.Settings {
		set := metadatatest.NewSettings(tel)
		set.ID = id
		return set
	})
	ld, p := one()
	p.lr.Attributes().PutStr("badge_number", "4711-0815")
	p.lr.Attributes().PutStr("note", "with "+secret)
	if err := in.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
	got := sink.AllLogs()[0].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw()
	want := map[string]any{"session.id": "s1", "n": int64(3), "badge_number": "4711-0815", "note": "with [REDACTED:github-token]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what leaves the pipeline (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"github-token": 1, "secret": 1}, countOf(t, tel, "otelcol_audit_redaction_values_reported")); diff != "" {
		t.Errorf("the trial reports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"github-token": 1}, countOf(t, tel, "otelcol_audit_redaction_values_redacted")); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	m, err := tel.GetMetric("otelcol_audit_redaction_records")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int64{}
	for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
		id, _ := point.Attributes.Value("processor")
		ids[id.AsString()] = point.Value
	}
	if !maps.Equal(ids, map[string]int64{"audit_redaction": 1, "audit_redaction/trial": 1}) {
		t.Errorf("records by processor: %v", ids)
	}
}

// The README's pipeline is the one that is tested.
func TestTrialOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	trial, err := os.ReadFile(filepath.Join("testdata", "trial.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```yaml\n"+string(trial)+"```") {
		t.Error("README.md does not have testdata/trial.yaml")
	}
}
