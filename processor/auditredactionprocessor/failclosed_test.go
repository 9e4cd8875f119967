// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/auditchain/auditchain/internal/redacttest"
	"github.com/auditchain/auditchain/processor/auditredactionprocessor/internal/metadata"
	"github.com/auditchain/auditchain/processor/auditredactionprocessor/internal/metadatatest"
	"github.com/auditchain/auditchain/processor/redact"
)

// What cannot be looked through is passed on as a marker that says why, the
// record is kept, and a counter rises. With report_only, it is passed on as it
// came, and other counters rise.
func TestFailClosed(t *testing.T) {
	const canary = "canary-in-the-record"
	limited, err := redact.New(redact.Config{MaxValueBytes: 1024, MaxDepth: 3})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		redactor *redact.Redactor
		fill     func(plog.LogRecord)
		want     string
		counted  map[string]int64 // of values; "" is of failures
	}{
		"too large": {limited, func(r plog.LogRecord) { r.Body().SetStr(strings.Repeat(canary+" ", 100)) },
			`"body":{"stringValue":"[REDACTED:too-large]"}`, map[string]int64{"too-large": 1}},
		"too deep": {limited, func(r plog.LogRecord) {
			r.Body().SetEmptyMap().PutEmptyMap("a").PutEmptyMap("b").PutEmptyMap("c").PutEmptyMap("d").PutStr("e", canary)
		}, `[REDACTED:too-deep]`, map[string]int64{"too-deep": 1}},
		"a rule panics": {redacttest.PanickingRules(t), func(r plog.LogRecord) { r.Body().SetStr("password=" + canary) },
			`"body":{"stringValue":"[REDACTED:error]"}`, map[string]int64{"error": 1, "": 1}},
		"the redactor panics": {redacttest.Panicking(t), func(r plog.LogRecord) { r.Body().SetStr(canary) },
			`"body":{"stringValue":"a record was withheld: its redaction failed"}`, map[string]int64{"": 1}},
	} {
		for _, report := range []bool{false, true} {
			if report {
				name += ", report_only"
			}
			t.Run(name, func(t *testing.T) {
				tel := componenttest.NewTelemetry()
				set := metadatatest.NewSettings(tel)
				core, logs := observer.New(zap.DebugLevel)
				set.Logger = zap.New(core)
				p, err := newRedactionProcessor(set, &Config{ReportOnly: report})
				if err != nil {
					t.Fatal(err)
				}
				p.fresh = func() scanner { return c.redactor.Scanner() }
				ld := plog.NewLogs()
				recs := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
				c.fill(recs.AppendEmpty())
				recs.AppendEmpty().Attributes().PutInt("n", 42) // beside it
				before := dump(t, ld)
				out, err := p.processLogs(context.Background(), ld)
				if err != nil {
					t.Fatal(err)
				}
				got := dump(t, out)
				values, failures := "values_redacted", "failures"
				if report {
					values, failures = "values_reported", "report_failures"
					if got != before {
						t.Errorf("passed on %s, want %s", got, before)
					}
				} else if !strings.Contains(got, c.want) || strings.Contains(got, canary) || !strings.Contains(got, `"42"`) {
					t.Errorf("passed on %s, want %s", got, c.want)
				}
				counted := countOf(t, tel, "otelcol_audit_redaction_"+values)
				if counted == nil {
					counted = map[string]int64{}
				}
				if f := countOf(t, tel, "otelcol_audit_redaction_"+failures); f != nil {
					counted[""] = f[""]
				}
				if diff := cmp.Diff(c.counted, counted); diff != "" {
					t.Errorf("counted (-want +got):\n%s", diff)
				}
				for _, line := range logs.All() {
					if strings.Contains(line.Message, canary) || line.Message == "" {
						t.Errorf("logged: %s", line.Message)
					}
				}
				if n := int(c.counted[""]); logs.Len() != n {
					t.Errorf("%d log lines, want %d", logs.Len(), n)
				}
			})
		}
	}
}

// The marks of what was withheld are words like any others: who sends them with
// a record switches nothing off.
func TestMarksSwitchNothingOff(t *testing.T) {
	proc, sink := start(t, processortest.NewNopSettings(metadata.Type), &Config{})
	ld := everything()
	rl := ld.ResourceLogs().At(0)
	sl := rl.ScopeLogs().At(0)
	lr := sl.LogRecords().At(0)
	for _, attrs := range []pcommon.Map{rl.Resource().Attributes(), sl.Scope().Attributes(), lr.Attributes()} {
		attrs.PutBool(withheldKey, true)
		attrs.PutBool("report_only", true)
		attrs.PutStr("audit.event.reason", "redaction failed")
		attrs.PutStr("a secret", secret)
	}
	lr.SetEventName(withheldEvent)
	lr.Body().SetStr(withheldBody + " " + secret)
	if err := proc.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, sink.AllLogs()[0]); strings.Contains(got, secret) || strings.Contains(got, "treasure") {
		t.Error(got)
	}
}
