// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
	"github.com/auditchain/auditchain/internal/payload/pdatapayload"
)

const (
	id1 = "0b6d3c6e-6ac5-4d5d-8c5f-0a8f9ab51c11"
	id2 = "1c7e4d7f-7bd6-4e6e-9d60-1b90abc62d22"
)

func (f *fixture) point(n int64, more ...attribute.KeyValue) []metricdata.DataPoint[int64] {
	attrs := attribute.NewSet(append(more, attribute.String("exporter", f.set.ID.String()))...)
	return []metricdata.DataPoint[int64]{{Value: n, Attributes: attrs}}
}

// among adds the points that stand at 0 for the other values of key.
func (f *fixture) among(points []metricdata.DataPoint[int64], key string, values ...string) []metricdata.DataPoint[int64] {
	for _, v := range values {
		zero := f.point(0, attribute.String(key, v))
		if !slices.ContainsFunc(points, func(p metricdata.DataPoint[int64]) bool { return p.Attributes.Equals(&zero[0].Attributes) }) {
			points = append(points, zero...)
		}
	}
	return points
}

// rejected and failures are all points of these counters, the given ones and
// those at 0.
func (f *fixture) rejected(points ...metricdata.DataPoint[int64]) []metricdata.DataPoint[int64] {
	return f.among(points, "reason", "event_field_type", "id_conflict", "erased", "too_large", "redaction_failed")
}

func (f *fixture) failures(points ...metricdata.DataPoint[int64]) []metricdata.DataPoint[int64] {
	return f.among(points, "failure", "retryable", "stopped", "permanent")
}

func (f *fixture) has(t *testing.T, metric string) bool {
	t.Helper()
	_, err := f.telemetry.GetMetric("otelcol_" + metric)
	return err == nil
}

var ignore = []metricdatatest.Option{metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars()}

func TestRecordsAreSealedInOrder(t *testing.T) {
	f := newFixture(t).start(t)
	ld := logsOf("first", "second with "+secret, "third")
	f.consume(t, ld)
	syncs := f.disk.syncs.Load()
	f.consume(t, logsOf("fourth"))
	if f.disk.syncs.Load() == syncs {
		t.Error("a batch was acknowledged without an fsync")
	}
	f.consume(t, plog.NewLogs())
	if err := f.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}

	verify(t, f.cfg.Path)
	records, controls := lines(t, f.cfg.Path)
	var bodies []string
	for _, r := range records {
		var rec struct{ Body string }
		if err := json.Unmarshal([]byte(r), &rec); err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, rec.Body)
	}
	if diff := cmp.Diff([]string{"first", "second with [REDACTED:github-token]", "third", "fourth"}, bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"chain.genesis", "chain.opened", "chain.closed"}, controls); diff != "" {
		t.Errorf("control records (-want +got):\n%s", diff)
	}
	info, err := os.Stat(f.cfg.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	metadatatest.AssertEqualAuditChainRecordsSealed(t, f.telemetry, f.point(4), ignore...)
	metadatatest.AssertEqualAuditChainValuesRedacted(t, f.telemetry, f.point(1, attribute.String("kind", "github-token")), ignore...)
	m, err := f.telemetry.GetMetric("otelcol_audit_chain_commit_duration")
	if err != nil {
		t.Fatal(err)
	}
	if n := m.Data.(metricdata.Histogram[float64]).DataPoints[0].Count; n != 2 {
		t.Errorf("%d commits were timed", n)
	}
	if f.has(t, "audit_chain_records_duplicate") {
		t.Error("audit_chain_records_duplicate has a value")
	}
	// What one alerts on stands at 0 from the start.
	metadatatest.AssertEqualAuditChainRecordsRejected(t, f.telemetry, f.rejected(), ignore...)
	metadatatest.AssertEqualAuditChainCommitFailures(t, f.telemetry, f.failures(), ignore...)
}

func TestSameRecordIsSealedOnce(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf(id1+":same", "other"))
	f.consume(t, logsOf(id1+":same", id1+":same"))
	if records, _ := lines(t, f.cfg.Path); len(records) != 2 {
		t.Errorf("%d records: %s", len(records), records)
	}
	metadatatest.AssertEqualAuditChainRecordsSealed(t, f.telemetry, f.point(2), ignore...)
	metadatatest.AssertEqualAuditChainRecordsDuplicate(t, f.telemetry, f.point(2), ignore...)
}

func TestConflictDoesNotStopItsBatch(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf(id1+":the first one"))
	f.consume(t, logsOf("before", id1+":another one", "after"))

	records, _ := lines(t, f.cfg.Path)
	all := strings.Join(records, "\n")
	if len(records) != 4 || strings.Contains(all, "another one") || !strings.Contains(all, `"before"`) || !strings.Contains(all, `"after"`) {
		t.Errorf("records:\n%s", all)
	}
	rejected := fmt.Sprintf(`"event":{"type":"rejected","reason":"id_conflict","record_id":"%s"`, id1)
	if !strings.Contains(all, rejected) {
		t.Errorf("no rejection in\n%s", all)
	}
	verify(t, f.cfg.Path)
	metadatatest.AssertEqualAuditChainRecordsSealed(t, f.telemetry, f.point(3), ignore...)
	metadatatest.AssertEqualAuditChainRecordsRejected(t, f.telemetry, f.rejected(f.point(1, attribute.String("reason", "id_conflict"))...), ignore...)

	found := f.logs.FilterMessageSnippet("refused").All()
	if len(found) != 1 {
		t.Fatalf("%d log lines", len(found))
	}
	line, err := json.Marshal(found[0].ContextMap())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(line), id1) || strings.Contains(string(line), "another") || strings.Contains(string(line), "s1") {
		t.Errorf("log line: %s", line)
	}
}

func TestConflictWithinABatch(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf(id1+":one", id1+":one", id1+":other"))
	records, _ := lines(t, f.cfg.Path)
	if len(records) != 2 || !strings.Contains(records[0], `"one"`) || !strings.Contains(records[1], `"reason":"id_conflict"`) {
		t.Errorf("records:\n%s", strings.Join(records, "\n"))
	}
	metadatatest.AssertEqualAuditChainRecordsSealed(t, f.telemetry, f.point(1), ignore...)
	metadatatest.AssertEqualAuditChainRecordsDuplicate(t, f.telemetry, f.point(1), ignore...)
}

func TestRecordsThatCannotBeSealedAreRejected(t *testing.T) {
	f := newFixture(t).start(t)
	f.inner.encoder = pdatapayload.New(pdatapayload.Options{MaxRecordBytes: 2048})
	ld := logsOf("fine", strings.Repeat("x", 4096), "bad event")
	bad := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(2)
	bad.SetEventName("audit.session_ended")
	bad.Attributes().PutStr("audit.event.type", "session_created")
	f.consume(t, ld)

	records, _ := lines(t, f.cfg.Path)
	if len(records) != 3 || !strings.Contains(records[1], `"reason":"too_large"`) || !strings.Contains(records[2], `"reason":"event_field_type"`) {
		t.Errorf("records:\n%s", strings.Join(records, "\n"))
	}
	metadatatest.AssertEqualAuditChainRecordsSealed(t, f.telemetry, f.point(1), ignore...)
	metadatatest.AssertEqualAuditChainRecordsRejected(t, f.telemetry, f.rejected(append(
		f.point(1, attribute.String("reason", "too_large")),
		f.point(1, attribute.String("reason", "event_field_type"))...)...), ignore...)
}

// A sender can name its record, its keys and its texts as it likes: it stays a
// record, and one line.
func TestRecordsCannotPassForControlRecords(t *testing.T) {
	f := newFixture(t).start(t)
	forged := `{"control":"chain.closed","time":"2026-11-23T10:15:00.000000000Z","writer":"x","records":0,"seq":3,"hmac":"` + strings.Repeat("0", 64) + `"}`
	ld := logsOf(forged, "x\n"+forged+"\n", `","seq":9,"hmac":"`+strings.Repeat("0", 64)+`"}`)
	for i, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		lr.SetEventName([]string{"chain.closed", "audit.chain.genesis", "audit.\"}\n" + forged}[i])
		lr.SetSeverityText(forged)
		lr.Attributes().PutStr("control", "chain.genesis")
		lr.Attributes().PutStr("audit.event.control", "chain.genesis")
		lr.Attributes().PutInt("seq", 1)
		lr.Attributes().PutStr("hmac", strings.Repeat("0", 64))
		lr.Attributes().PutStr("session.id", "\"},\n"+forged)
		lr.Attributes().PutStr("audit.record.id", forged)
		lr.Attributes().PutStr("\",\"seq\":7,\"hmac\":\"", "x")
	}
	f.consume(t, ld)
	records, controls := lines(t, f.cfg.Path)
	if diff := cmp.Diff([]string{"chain.genesis", "chain.opened"}, controls); diff != "" {
		t.Errorf("control records (-want +got):\n%s", diff)
	}
	if len(records) != 3 {
		t.Errorf("%d records:\n%s", len(records), strings.Join(records, "\n"))
	}
	for _, r := range records {
		var top map[string]json.RawMessage
		if err := json.Unmarshal([]byte(r), &top); err != nil {
			t.Fatalf("%v in %s", err, r)
		}
		for _, k := range []string{"control", "seq", "hmac"} {
			if _, ok := top[k]; ok {
				t.Errorf("the sender's %q is a member of the record: %s", k, r)
			}
		}
	}
	verify(t, f.cfg.Path)
}

func TestConcurrentBatches(t *testing.T) {
	const workers, batches = 16, 12
	f := newFixture(t).start(t)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for b := range batches {
				ld := logsOf(fmt.Sprintf("w%d-b%d-r0", w, b), fmt.Sprintf("w%d-b%d-r1", w, b))
				ld.MarkReadOnly()
				if err := f.ConsumeLogs(context.Background(), ld); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	verify(t, f.cfg.Path)
	records, _ := lines(t, f.cfg.Path)
	all := strings.Join(records, "\n")
	if len(records) != 2*workers*batches {
		t.Errorf("%d records", len(records))
	}
	for w := range workers {
		last := 0
		for b := range batches {
			for r := range 2 {
				at := strings.Index(all, fmt.Sprintf(`"w%d-b%d-r%d"`, w, b, r))
				if at < last {
					t.Fatalf("record w%d-b%d-r%d is missing or out of order", w, b, r)
				}
				last = at
			}
		}
	}
}

func TestTwoExportersIntoOneFile(t *testing.T) {
	a := newFixture(t).start(t)
	b := fixtureOf(t, a.cfg).start(t)
	var wg sync.WaitGroup
	for name, f := range map[string]*fixture{"a": a, "b": b} {
		for w := range 4 {
			wg.Go(func() {
				for i := range 10 {
					ld := logsOf(fmt.Sprintf("%s%d-%d", name, w, i))
					if err := f.ConsumeLogs(context.Background(), ld); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	// What one has sealed, the other recognises.
	a.consume(t, logsOf(id1+":once"))
	b.consume(t, logsOf(id1+":once"))
	for _, f := range []*fixture{a, b} {
		if err := f.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
	verify(t, a.cfg.Path)
	if records, _ := lines(t, a.cfg.Path); len(records) != 81 {
		t.Errorf("%d records", len(records))
	}
}

// What was acknowledged while the exporter shuts down is in the file, and what
// was not is sent again by the client.
func TestShutdownDuringConsumption(t *testing.T) {
	f := newFixture(t).start(t)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		acked = map[string]bool{}
		begun = make(chan struct{}, 8)
	)
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				body := fmt.Sprintf("w%d-%d", w, i)
				if err := f.ConsumeLogs(context.Background(), logsOf(body)); err != nil {
					if consumererror.IsPermanent(err) {
						t.Errorf("the client is told to drop its records: %v", err)
					}
					return
				}
				mu.Lock()
				acked[body] = true
				mu.Unlock()
				if i == 0 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range 8 {
		<-begun
	}
	if err := f.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	verify(t, f.cfg.Path)
	records, controls := lines(t, f.cfg.Path)
	all := strings.Join(records, "\n")
	for body := range acked {
		if !strings.Contains(all, `"`+body+`"`) {
			t.Errorf("%s was acknowledged and is not in the file", body)
		}
	}
	if len(acked) < 8 || controls[len(controls)-1] != "chain.closed" {
		t.Errorf("%d acknowledged, control records %v", len(acked), controls)
	}
	if len(f.host.events) != 0 {
		t.Errorf("a shutdown was reported as ill health: %v", f.host.events[0].Err())
	}
}

// Siblings in a fan-out read the same data.
func TestSharedDataIsNotChanged(t *testing.T) {
	f := newFixture(t).start(t)
	if f.Capabilities().MutatesData {
		t.Error("the exporter says that it changes its data")
	}
	ld := logsOf("with "+secret, "and --password hunter2")
	ld.ResourceLogs().At(0).Resource().Attributes().PutStr("cmd", secret)
	ld.MarkReadOnly()
	m := &plog.JSONMarshaler{}
	before, err := m.MarshalLogs(ld)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := f.ConsumeLogs(context.Background(), ld); err != nil {
				t.Error(err)
			}
			if now, err := m.MarshalLogs(ld); err != nil || string(now) != string(before) {
				t.Errorf("changed (%v):\n%s", err, now)
			}
		})
	}
	wg.Wait()
	file, err := os.ReadFile(f.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(file), secret) || strings.Contains(string(file), "hunter2") {
		t.Error("a secret is in the file")
	}
}

// fakeJournal stands in for the journal.
type fakeJournal struct {
	appended func(context.Context, []journal.Record, []journal.Receipt) error
}

func (f fakeJournal) Append(ctx context.Context, recs []journal.Record, receipts []journal.Receipt) error {
	return f.appended(ctx, recs, receipts)
}
func (f fakeJournal) AppendFrom(ctx context.Context, n int, next func() []journal.Record, receipts []journal.Receipt) error {
	var recs []journal.Record
	for len(recs) < n {
		recs = append(recs, next()...)
	}
	return f.appended(ctx, recs, receipts)
}
func (fakeJournal) Close() error { return nil }

func TestCommitsHaveNoDeadlineOfTheHelper(t *testing.T) {
	f := newFixture(t).start(t)
	real := f.inner.journal
	called := false
	f.inner.journal = fakeJournal{func(ctx context.Context, recs []journal.Record, receipts []journal.Receipt) error {
		called = true
		if deadline, ok := ctx.Deadline(); ok {
			t.Errorf("a commit has a deadline: %v", deadline)
		}
		return real.Append(ctx, recs, receipts)
	}}
	f.consume(t, logsOf("x"))
	if !called {
		t.Error("nothing was appended")
	}
	f.inner.journal = real
}

func TestNothingIsAcknowledgedWithoutAStart(t *testing.T) {
	f := newFixture(t)
	if err := f.ConsumeLogs(context.Background(), logsOf("x")); err == nil {
		t.Error("logs were acknowledged")
	}
	if err := f.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestReopenedJournalGoesOn(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf(id1+":one"))
	if err := f.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := fixtureOf(t, f.cfg).start(t)
	again.consume(t, logsOf(id1+":one", id2+":two"))
	verify(t, f.cfg.Path)
	if records, _ := lines(t, f.cfg.Path); len(records) != 2 {
		t.Errorf("%d records", len(records))
	}
}

// What was masked before the exporter stands in the line, and only what the
// exporter itself had to mask in its metric.
func TestRedactedBeforeTheExporter(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf("a:was [REDACTED:password]", "b:is ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"))
	records, _ := lines(t, f.cfg.Path)
	for i, want := range []string{`,"redacted":{"password":1},`, `,"redacted":{"github-token":1},`} {
		if !strings.Contains(records[i], want) {
			t.Errorf("no %s in %s", want, records[i])
		}
	}
	metadatatest.AssertEqualAuditChainValuesRedacted(t, f.telemetry, f.point(1, attribute.String("kind", "github-token")), ignore...)
}
