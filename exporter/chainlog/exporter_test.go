// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package chainlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.uber.org/goleak"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/internal/payload/sdkpayload"
	"github.com/auditchain/auditchain/internal/receipt"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/auditchain/auditchain/processor/synclog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Not real, and of a shape that is masked wherever it stands.
const secret = "ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"

func newKey(t testing.TB) integrity.Key {
	t.Helper()
	k, err := integrity.NewKey([]byte(strings.Repeat("K", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, opts ...Option) *Exporter {
	t.Helper()
	e, err := New(filepath.Join(t.TempDir(), "audit.jsonl"), append([]Option{WithKey(newKey(t))}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Shutdown(context.Background()) })
	return e
}

func verify(t testing.TB, path string) {
	t.Helper()
	r, err := journal.Verify(context.Background(), path, newKey(t), journal.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != integrity.Verified {
		t.Fatalf("the journal is %v: %+v", r.Verdict, r)
	}
}

// sealed is what the journal holds, by seq.
func sealed(t testing.TB, path string) map[uint64]integrity.Line {
	t.Helper()
	r, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := map[uint64]integrity.Line{}
	for {
		l, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Payload = []byte(string(l.Payload))
		out[l.Seq] = l
	}
}

func texts(t testing.TB, path string) (out []string) {
	t.Helper()
	lines := sealed(t, path)
	for seq := uint64(1); ; seq++ {
		l, ok := lines[seq]
		if !ok {
			return out
		}
		if l.Kind != integrity.Record {
			out = append(out, l.ControlName())
			continue
		}
		var rec struct {
			Body  string
			Event struct{ Type, Reason string }
		}
		if err := json.Unmarshal([]byte(string(l.Payload)+"}"), &rec); err != nil {
			t.Fatal(err)
		}
		if rec.Event.Type == "rejected" {
			rec.Body = "rejected " + rec.Event.Reason
		}
		out = append(out, rec.Body)
	}
}

// collect makes SDK records out of API records.
func collect(records ...log.Record) []sdklog.Record {
	c := &collector{}
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(c),
		sdklog.WithResource(resource.NewSchemaless(attribute.String("service.name", "test"))))
	for _, r := range records {
		p.Logger("test").Emit(context.Background(), r)
	}
	return c.got
}

type collector struct{ got []sdklog.Record }

func (*collector) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (c *collector) OnEmit(_ context.Context, r *sdklog.Record) error {
	c.got = append(c.got, r.Clone())
	return nil
}
func (*collector) Shutdown(context.Context) error   { return nil }
func (*collector) ForceFlush(context.Context) error { return nil }

// rec makes a record with a body and, where it is not "", an id.
func rec(id, body string, attrs ...attribute.KeyValue) (r log.Record) {
	r.SetBody(attribute.StringValue(body))
	if id != "" {
		r.AddAttributes(attribute.String("audit.record.id", id))
	}
	r.AddAttributes(attrs...)
	return r
}

const id1 = "0b6d3c6e-6ac5-4d5d-8c5f-0a8f9ab51c11"

func TestRecordsAreSealedInOrder(t *testing.T) {
	e := open(t)
	if err := e.Export(context.Background(), collect(rec("", "one"), rec("", "two "+secret))); err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background(), collect(rec("", "three"))); err != nil {
		t.Fatal(err)
	}
	if err := e.ForceFlush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	verify(t, e.Journal().Path())
	want := []string{"chain.genesis", "chain.opened", "one", "two [REDACTED:github-token]", "three", "chain.closed"}
	if diff := cmp.Diff(want, texts(t, e.Journal().Path())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// emit emits an event through an audit.Logger.
func emit(t testing.TB, e *Exporter, opts ...audit.EmitOption) (audit.Receipt, error) {
	t.Helper()
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(e)))
	logger, err := audit.NewLogger(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := audit.NewSession(audit.WithRole("arn:aws:iam::123456789012:role/deploy"), audit.WithCommand("mysql", "--password", "hunter2", "app"))
	if err != nil {
		t.Fatal(err)
	}
	return logger.Emit(context.Background(), s, s.Created(), opts...)
}

func TestReceiptSaysWhatWasSealed(t *testing.T) {
	e := open(t)
	r, err := emit(t, e)
	if err != nil {
		t.Fatal(err)
	}
	l, ok := sealed(t, e.Journal().Path())[r.Seq]
	if !ok {
		t.Fatalf("there is no line %d", r.Seq)
	}
	if r.Hash != integrity.Leaf(l.Payload) || r.Chain != e.Journal().Chain() || r.Status != audit.StatusDurable || r.Time.IsZero() {
		t.Errorf("receipt %+v of line %s", r, l.Payload)
	}
	if !strings.Contains(string(l.Payload), r.RecordID.String()) || strings.Contains(string(l.Payload), "hunter2") {
		t.Errorf("line %s", l.Payload)
	}
}

func TestReceiptIsDurableOnlyWithFsync(t *testing.T) {
	e := open(t, WithFsync(journal.FsyncNever))
	ctx, slot := receipt.With(context.Background())
	if err := e.Export(ctx, collect(rec(id1, "one"))); err != nil {
		t.Fatal(err)
	}
	r, ok, err := slot.Result()
	if !ok || err != nil || r.Durable || r.Seq != 3 || r.RecordID.String() != id1 {
		t.Errorf("receipt %+v, %v, %v", r, ok, err)
	}
}

func TestDuplicateGetsTheFirstReceipt(t *testing.T) {
	e := open(t)
	var got [2]receipt.Receipt
	for i := range got {
		ctx, slot := receipt.With(context.Background())
		if err := e.Export(ctx, collect(rec(id1, "same"))); err != nil {
			t.Fatal(err)
		}
		got[i], _, _ = slot.Result()
	}
	if got[0].Seq != 3 || got[0].Seq != got[1].Seq || got[0].Hash != got[1].Hash {
		t.Errorf("receipts %+v", got)
	}
	if all := texts(t, e.Journal().Path()); len(all) != 3 {
		t.Errorf("lines %q", all)
	}
}

func TestConflictIsAnErrorForThatRecordAlone(t *testing.T) {
	e := open(t)
	if err := e.Export(context.Background(), collect(rec(id1, "first"))); err != nil {
		t.Fatal(err)
	}
	ctx, slot := receipt.With(context.Background())
	slot.Bind(uuid.MustParse(id1), "", nil)
	err := e.Export(ctx, collect(rec("", "before"), rec(id1, "competing"), rec("", "after")))
	if !errors.Is(err, ErrRefused) || !errors.Is(err, journal.ErrConflict) || !strings.Contains(err.Error(), id1) || strings.Contains(err.Error(), "competing") {
		t.Errorf("error is %v", err)
	}
	want := []string{"chain.genesis", "chain.opened", "first", "before", "after", "rejected id_conflict"}
	if diff := cmp.Diff(want, texts(t, e.Journal().Path())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if r, ok, _ := slot.Result(); ok {
		t.Errorf("the refused record has a receipt: %+v", r)
	}

	// The same through a Logger.
	id := uuid.New()
	if _, err := emit(t, e, audit.WithRecordID(id)); err != nil {
		t.Fatal(err)
	}
	// Another session: other content.
	if r, err := emit(t, e, audit.WithRecordID(id)); !errors.Is(err, journal.ErrConflict) || r.Status != "" {
		t.Errorf("receipt %+v, error %v", r, err)
	}
	verify(t, e.Journal().Path())
}

func TestRecordsThatCannotBeEncodedHaveNoReceipt(t *testing.T) {
	e := open(t)
	e.encoder = sdkpayload.New(payload.Options{MaxRecordBytes: 2048})
	for name, r := range map[string]log.Record{
		"too_large":        rec(id1, strings.Repeat("x", 4096)),
		"event_field_type": rec(id1, "x", attribute.String("audit.event.type", "other")),
	} {
		r.SetEventName("audit.session_ended")
		ctx, slot := receipt.With(context.Background())
		slot.Bind(uuid.MustParse(id1), "audit.session_ended", nil)
		err := e.Export(ctx, collect(r))
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v", name, err)
		}
		if got, ok, _ := slot.Result(); ok {
			t.Errorf("%s has a receipt: %+v", name, got)
		}
		all := texts(t, e.Journal().Path())
		if last := all[len(all)-1]; last != "rejected "+name {
			t.Errorf("%s: the last line is %q", name, last)
		}
	}
}

func TestExportAfterShutdown(t *testing.T) {
	e := open(t)
	if err := e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background(), collect(rec("", "late"))); !errors.Is(err, sdklog.ErrExporterShutdown) {
		t.Errorf("Export: %v", err)
	}
	if err := errors.Join(e.Shutdown(context.Background()), e.ForceFlush(context.Background())); err != nil {
		t.Errorf("again: %v", err)
	}
	if _, err := emit(t, e); err == nil {
		t.Error("a Logger got no error")
	}
	if all := texts(t, e.Journal().Path()); all[len(all)-1] != "chain.closed" {
		t.Errorf("lines %q", all)
	}
}

func TestEndedContext(t *testing.T) {
	e := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := e.Export(ctx, collect(rec("", "x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if all := texts(t, e.Journal().Path()); len(all) != 2 {
		t.Errorf("lines %q", all)
	}
}

func TestShutdownDuringExport(t *testing.T) {
	e := open(t)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		acked []string
		begun = make(chan struct{}, 8)
	)
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				body := fmt.Sprintf("w%d-%d", w, i)
				if err := e.Export(context.Background(), collect(rec("", body))); err != nil {
					if !errors.Is(err, sdklog.ErrExporterShutdown) {
						t.Errorf("error is %v", err)
					}
					return
				}
				mu.Lock()
				acked = append(acked, body)
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
	if err := e.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	verify(t, e.Journal().Path())
	all := strings.Join(texts(t, e.Journal().Path()), "\n") + "\n"
	for _, body := range acked {
		if !strings.Contains(all, "\n"+body+"\n") {
			t.Errorf("%s was acknowledged and is not in the file", body)
		}
	}
}

func TestConcurrentReceipts(t *testing.T) {
	const emitters, each = 16, 10
	e := open(t)
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(e)))
	logger, err := audit.NewLogger(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := audit.NewSession(audit.WithRole("arn:aws:iam::123456789012:role/deploy"))
	if err != nil {
		t.Fatal(err)
	}
	receipts := make(chan audit.Receipt, emitters*each)
	var wg sync.WaitGroup
	for range emitters {
		wg.Go(func() {
			for range each {
				r, err := logger.Emit(context.Background(), s, s.Created())
				if err != nil {
					t.Error(err)
				}
				receipts <- r
			}
		})
	}
	wg.Wait()
	close(receipts)
	verify(t, e.Journal().Path())
	lines := sealed(t, e.Journal().Path())
	if len(lines) != emitters*each+2 {
		t.Errorf("%d lines", len(lines))
	}
	for r := range receipts {
		if l := lines[r.Seq]; r.Hash != integrity.Leaf(l.Payload) || !strings.Contains(string(l.Payload), r.RecordID.String()) {
			t.Fatalf("receipt %+v is not that of line %s", r, l.Payload)
		}
	}
}

func TestJournalOfTheCaller(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	j, err := journal.Open(context.Background(), path, journal.Options{Key: newKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r, err := redact.New(redact.Config{SensitiveKeys: []string{"floor_plan"}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewWithJournal(j, WithRedactor(r))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Export(context.Background(), collect(rec("", "one", attribute.String("floor_plan", "basement")))); err != nil {
		t.Fatal(err)
	}
	if err := e.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(file), "basement") || strings.Contains(string(file), "chain.closed") {
		t.Errorf("the file is\n%s", file)
	}
	// Still open for its owner.
	other, err := NewWithJournal(j)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Export(context.Background(), collect(rec("", "two"))); err != nil {
		t.Error(err)
	}
	if _, err := NewWithJournal(nil); err == nil {
		t.Error("a nil journal was taken")
	}
	if _, err := NewWithJournal(j, WithKey(newKey(t))); err == nil || !strings.Contains(err.Error(), "options of New") {
		t.Errorf("an option about opening: %v", err)
	}
}

func TestRedactionCannotBeTurnedOff(t *testing.T) {
	e := open(t, WithRedactor(nil))
	if err := e.Export(context.Background(), collect(rec("", "with "+secret))); err != nil {
		t.Fatal(err)
	}
	if all := texts(t, e.Journal().Path()); all[2] != "with [REDACTED:github-token]" {
		t.Errorf("lines %q", all)
	}
}

func TestWhereTheKeyComesFrom(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "audit.key")
	text := strings.Repeat("5a", 32)
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AUDITCHAIN_KEY_FILE", "")
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	t.Setenv("CHAINLOG_TEST_KEY", text)
	path := filepath.Join(dir, "audit.jsonl")

	use := func(opts ...Option) error {
		e, err := New(path, opts...)
		if err != nil {
			return err
		}
		return e.Shutdown(context.Background())
	}
	if err := use(); err == nil || !strings.Contains(err.Error(), "auditchain key new") {
		t.Errorf("no key: %v", err)
	}
	if err := use(WithKeyFile(file + ".missing")); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("missing file: %v", err)
	}
	if err := use(WithKeyFile(file)); err != nil {
		t.Errorf("WithKeyFile: %v", err)
	}
	if err := use(WithKeyEnv("CHAINLOG_TEST_KEY"), WithVersion("1.2.3")); err != nil {
		t.Errorf("WithKeyEnv: %v", err)
	}
	t.Setenv("AUDITCHAIN_KEY_FILE", file)
	if err := use(); err != nil {
		t.Errorf("AUDITCHAIN_KEY_FILE: %v", err)
	}
	if err := use(WithKey(newKey(t))); !errors.Is(err, journal.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	if got := string(sealed(t, path)[4].Payload); !strings.Contains(got, `"version":"1.2.3"`) {
		t.Errorf("chain.opened is %s", got)
	}
	if err := use(WithLockTimeout(-1)); err == nil {
		t.Error("a negative lock timeout was taken")
	}
}

func BenchmarkExport(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			e := open(b, WithFsync(journal.FsyncNever))
			var records []log.Record
			for i := range size {
				records = append(records, rec("", "object stored by the agent",
					attribute.String("session.id", "s1"), attribute.String("audit.actor.id", "alice@corp.example"),
					attribute.String("audit.action", "s3:PutObject"), attribute.Int("audit.event.duration_ms", i)))
			}
			batch := collect(records...)
			b.ReportAllocs()
			for b.Loop() {
				if err := e.Export(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
