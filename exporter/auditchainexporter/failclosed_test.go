// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
	"github.com/auditchain/auditchain/internal/payload/pdatapayload"
	"github.com/auditchain/auditchain/internal/redacttest"
	"github.com/auditchain/auditchain/processor/redact"
)

// canary must be in no line, no log and no error.
const canary = "canary-in-the-record"

// What cannot be looked through is sealed as a marker that says why, the record
// is kept, and a counter rises.
func TestFailClosed(t *testing.T) {
	limited, err := redact.New(redact.Config{MaxValueBytes: 1024, MaxDepth: 3})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		redactor *redact.Redactor
		fill     func(plog.LogRecord)
		want     string
		kind     string // of values_redacted; "" where the record is refused
	}{
		"too large": {limited, func(r plog.LogRecord) { r.Body().SetStr(strings.Repeat(canary+" ", 100)) }, `"body":"[REDACTED:too-large]"`, "too-large"},
		"too deep": {limited, func(r plog.LogRecord) {
			r.Body().SetEmptyMap().PutEmptyMap("a").PutEmptyMap("b").PutEmptyMap("c").PutStr("d", canary)
		}, `"body":{"a":{"b":{"c":{"d":"[REDACTED:too-deep]"}}}}`, "too-deep"},
		"a rule panics": {redacttest.PanickingRules(t), func(r plog.LogRecord) { r.Body().SetStr("password=" + canary) }, `"body":"[REDACTED:error]"`, "error"},
		"the redactor panics": {redacttest.Panicking(t), func(r plog.LogRecord) { r.Body().SetStr(canary) },
			`"event":{"type":"rejected","reason":"redaction_failed"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t).start(t)
			f.inner.encoder = pdatapayload.New(pdatapayload.Options{Redactor: c.redactor, MaxRecordBytes: journal.MaxRecordBytes})
			ld := plog.NewLogs()
			recs := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
			c.fill(recs.AppendEmpty())
			recs.AppendEmpty().Attributes().PutInt("n", 42) // beside it
			f.consume(t, ld)
			verify(t, f.cfg.Path)
			records, _ := lines(t, f.cfg.Path)
			if len(records) != 2 || !strings.Contains(records[0], c.want) || !strings.Contains(records[1], `"attributes":{"n":42}`) {
				t.Errorf("sealed: %q, want %s", records, c.want)
			}
			if all := strings.Join(records, ""); strings.Contains(all, canary) {
				t.Errorf("content: %s", all)
			}
			for _, line := range f.logs.All() {
				if text := line.Message; strings.Contains(text, canary) {
					t.Errorf("logged: %s", text)
				}
				for key, v := range line.ContextMap() {
					if s, ok := v.(string); ok && strings.Contains(s, canary) {
						t.Errorf("logged: %s %s", key, s)
					}
				}
			}
			if c.kind != "" {
				metadatatest.AssertEqualAuditChainValuesRedacted(t, f.telemetry, f.point(1, attribute.String("kind", c.kind)), ignore...)
				return
			}
			metadatatest.AssertEqualAuditChainRecordsRejected(t, f.telemetry, f.rejected(f.point(1, attribute.String("reason", "redaction_failed"))...), ignore...)
		})
	}
}
