// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
	"github.com/auditchain/auditchain/integrity"
)

// Files are finished by their size, and all of them are one chain.
func TestRotation(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Rotation.MaxSize = leastMaxSize }).start(t)
	for i := range 40 {
		f.consume(t, logsOf(fmt.Sprintf("number %d", i)))
	}
	segments, err := journal.Segments(f.cfg.Path)
	if err != nil || len(segments) < 3 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	for _, s := range segments {
		info, err := os.Stat(s.Path)
		if err != nil || info.Size() > int64(leastMaxSize) {
			t.Errorf("%s has %d bytes, %v", s.Path, info.Size(), err)
		}
	}
	records, _ := lines(t, f.cfg.Path)
	if len(records) != 40 || !strings.Contains(records[39], "number 39") {
		t.Errorf("%d records", len(records))
	}
	verify(t, f.cfg.Path)
}

// Finished files are compressed, and the oldest go, after it was sealed.
func TestRetention(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Rotation = RotationConfig{MaxSize: leastMaxSize, Compress: compressZstd, Keep: 1}
	})
	if err := f.Start(context.Background(), f.host); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		f.consume(t, logsOf(fmt.Sprintf("number %d", i)))
	}
	if err := f.Shutdown(context.Background()); err != nil { // waits for the compression
		t.Fatal(err)
	}
	segments, err := journal.Segments(f.cfg.Path)
	if err != nil || len(segments) < 2 || segments[0].First == 1 {
		t.Fatalf("%v, %v", segments, err)
	}
	if s := segments[len(segments)-2]; !s.Compressed {
		t.Errorf("%s is not compressed", s.Path)
	}
	if _, controls := lines(t, f.cfg.Path); !strings.Contains(strings.Join(controls, " "), integrity.ControlPruned) {
		t.Errorf("control records: %v", controls)
	}
	metadatatest.AssertEqualAuditChainJournalWarnings(t, f.telemetry, f.point(0), ignore...)
	verify(t, f.cfg.Path)
}

// What keeps a file from being finished stops no record. It is counted every
// time, and logged once.
func TestRotationThatDoesNotSucceed(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Rotation.MaxSize = leastMaxSize }).start(t)
	taken := strings.TrimSuffix(f.cfg.Path, ".jsonl") + fmt.Sprintf("-%020d.jsonl", 1)
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		f.consume(t, logsOf(fmt.Sprintf("number %d", i)))
	}
	if data, err := os.ReadFile(f.cfg.Path); err != nil || strings.Count(string(data), `"number `) != 40 {
		t.Errorf("%d records, %v", strings.Count(string(data), `"number `), err)
	}
	found := f.logs.FilterLevelExact(zap.WarnLevel).All()
	if len(found) != 1 || !strings.Contains(fmt.Sprint(found[0].ContextMap()), filepath.Base(taken)) {
		t.Errorf("warnings in the log: %v", found)
	}
	m, err := f.telemetry.GetMetric("otelcol_audit_chain_journal_warnings")
	if err != nil {
		t.Fatal(err)
	}
	if n := m.Data.(metricdata.Sum[int64]).DataPoints[0].Value; n < 2 {
		t.Errorf("%d warnings are counted", n)
	}
	if len(f.host.events) != 0 {
		t.Errorf("reported as ill health: %v", f.host.events[0].Err())
	}
}

func TestReportsAreBounded(t *testing.T) {
	f := newFixture(t)
	for i := range 3 * maxSaid {
		f.inner.reports.add(fmt.Errorf("warning %d", i))
		f.inner.reports.add(fmt.Errorf("warning %d", i))
	}
	if n := f.logs.Len(); n != 3*maxSaid {
		t.Errorf("%d of %d different warnings were logged", n, 3*maxSaid)
	}
	if n := len(f.inner.reports.said); n > maxSaid {
		t.Errorf("%d messages are remembered", n)
	}
	metadatatest.AssertEqualAuditChainJournalWarnings(t, f.telemetry, f.point(6*maxSaid), ignore...)
	broken := fmt.Errorf("%w: somewhere", journal.ErrBroken)
	f.inner.reports.add(broken)
	f.inner.reports.add(broken)
	metadatatest.AssertEqualAuditChainJournalBreaks(t, f.telemetry, f.point(2), ignore...)
	if n := f.logs.FilterLevelExact(zap.ErrorLevel).Len(); n != 2 {
		t.Errorf("%d errors in the log", n)
	}
}
