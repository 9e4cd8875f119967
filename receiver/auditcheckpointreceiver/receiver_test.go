// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditcheckpointreceiver

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/publickeyconfig"
	"github.com/auditchain/auditchain/receiver/auditcheckpointreceiver/internal/metadatatest"
)

// sink is a pipeline that takes what it is given, or not.
type sink struct {
	err  error
	got  chan plog.LogRecord
	logs []plog.Logs
}

func (s *sink) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

func (s *sink) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	if s.err != nil {
		ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr("touched")
		return s.err
	}
	kept := plog.NewLogs()
	ld.CopyTo(kept)
	s.logs = append(s.logs, kept)
	for _, r := range records(kept) {
		if s.got != nil {
			s.got <- r
		}
	}
	return nil
}

func records(ld plog.Logs) (out []plog.LogRecord) {
	for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		out = append(out, lr)
	}
	return out
}

// sizes are those of the checkpoints that were taken since it was asked last.
func (s *sink) sizes() (out []uint64) {
	for _, ld := range s.logs {
		for _, r := range records(ld) {
			v, _ := r.Attributes().Get("audit.sequence.number")
			out = append(out, uint64(v.Int()))
		}
	}
	s.logs = nil
	return out
}

type fixture struct {
	*checkpointReceiver
	path      string // of the checkpoints
	sink      *sink
	telemetry *componenttest.Telemetry
	logged    *observer.ObservedLogs
}

var at = time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)

func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{sink: &sink{}, telemetry: componenttest.NewTelemetry()}
	cfg := createDefaultConfig().(*Config)
	cfg.Path = filepath.Join(t.TempDir(), "audit.jsonl")
	f.path = cfg.Path + ".checkpoints"
	for _, c := range change {
		c(cfg)
	}
	set := metadatatest.NewSettings(f.telemetry)
	set.BuildInfo.Version = "1.2.3"
	core, logged := observer.New(zap.DebugLevel)
	set.Logger, f.logged = zap.New(core), logged
	r, err := newCheckpointReceiver(set, cfg, f.sink)
	if err != nil {
		t.Fatal(err)
	}
	r.now = func() time.Time { return at }
	f.checkpointReceiver = r
	return f
}

// rounds reads all that is there.
func (f *fixture) rounds(t testing.TB) {
	t.Helper()
	for {
		more, err := f.round(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func (f *fixture) counted(t *testing.T, reason string, want int64) {
	t.Helper()
	for _, dp := range dropped(t, f.telemetry) {
		if v, _ := dp.Attributes.Value("reason"); v.AsString() == reason && dp.Value == want {
			return
		}
	}
	t.Errorf("%s: not %d of %v", reason, want, dropped(t, f.telemetry))
}

func dropped(t *testing.T, tel *componenttest.Telemetry) []metricdata.DataPoint[int64] {
	t.Helper()
	m, err := tel.GetMetric("otelcol_audit_checkpoint_dropped")
	if err != nil {
		t.Fatal(err)
	}
	return m.Data.(metricdata.Sum[int64]).DataPoints
}

// A checkpoint as a record: the body is enough to verify with.
func TestRecord(t *testing.T) {
	f := newFixture(t)
	write(t, f.path, entry(t, 7))
	f.rounds(t)
	if len(f.sink.logs) != 1 {
		t.Fatalf("%d batches", len(f.sink.logs))
	}
	ld := f.sink.logs[0]
	scope := ld.ResourceLogs().At(0).ScopeLogs().At(0).Scope()
	if scope.Name() != scopeName || scope.Version() != "1.2.3" {
		t.Errorf("scope %s %s", scope.Name(), scope.Version())
	}
	r := records(ld)[0]
	if r.EventName() != "audit.checkpoint" || r.SeverityNumber() != plog.SeverityNumberInfo || r.SeverityText() != "INFO" ||
		r.Timestamp() != 0 || !r.ObservedTimestamp().AsTime().Equal(at) || r.Body().Str() != note(t, 7) {
		t.Errorf("record %s %v %v %v %q", r.EventName(), r.SeverityNumber(), r.Timestamp(), r.ObservedTimestamp(), r.Body().AsString())
	}
	c, err := integrity.OpenCheckpoint([]byte(r.Body().Str()), signer(t, 1).Public())
	if err != nil || c.Size != 7 {
		t.Fatalf("%+v, %v", c, err)
	}
	want := map[string]any{
		"audit.sequence.stream_id":  chain.String(),
		"audit.sequence.number":     int64(7),
		"audit.integrity.value":     c.Root.String(),
		"audit.integrity.algorithm": "rfc6962-sha256",
	}
	got := r.Attributes().AsRaw()
	id, _ := got["audit.record.id"].(string)
	if len(id) != 36 || id[14] != '8' {
		t.Errorf("id %q is no UUIDv8", id)
	}
	want["audit.record.id"] = id
	if len(got) != len(want) {
		t.Errorf("attributes %v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	metadatatest.AssertEqualAuditCheckpointSize(t, f.telemetry, []metricdata.DataPoint[int64]{{
		Attributes: attribute.NewSet(attribute.String("receiver", "audit_checkpoint")), Value: 7,
	}}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
}

// What the pipeline does not take is sent again as it was, and nothing behind
// it before; also when the file is replaced meanwhile.
func TestRetry(t *testing.T) {
	f := newFixture(t)
	write(t, f.path, entry(t, 1), entry(t, 2))
	f.sink.err = errors.New("queue is full")
	for range 3 {
		if _, err := f.round(t.Context()); !errors.Is(err, f.sink.err) {
			t.Fatalf("error is %v", err)
		}
		appendTo(t, f.path, entry(t, 3))
		replace(t, f.path, entry(t, 3))
	}
	f.sink.err = nil
	f.rounds(t)
	if len(f.sink.logs) != 1 || records(f.sink.logs[0])[0].Body().Str() != note(t, 1) {
		t.Errorf("batches %v", f.sink.logs)
	}
	f.rounds(t)
	if got := f.sink.sizes(); !equal(got, []uint64{1, 2, 3}) {
		t.Errorf("sizes %v", got)
	}
	metadatatest.AssertEqualAuditCheckpointRetries(t, f.telemetry, []metricdata.DataPoint[int64]{{
		Attributes: attribute.NewSet(attribute.String("receiver", "audit_checkpoint")), Value: 3,
	}}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
}

// What the pipeline will never take holds up nothing.
func TestRefused(t *testing.T) {
	f := newFixture(t)
	write(t, f.path, entry(t, 1))
	f.sink.err = consumererror.NewPermanent(errors.New("no"))
	f.rounds(t)
	f.sink.err = nil
	appendTo(t, f.path, entry(t, 2))
	f.rounds(t)
	if got := f.sink.sizes(); !equal(got, []uint64{2}) {
		t.Errorf("sizes %v", got)
	}
	f.counted(t, "refused", 1)
}

// A file that is replaced brings nothing twice, and what is new in it.
func TestReplaced(t *testing.T) {
	f := newFixture(t)
	write(t, f.path, entry(t, 1), entry(t, 2))
	f.rounds(t)
	replace(t, f.path, entry(t, 2), entry(t, 5), entry(t, 4)) // a smaller one too: a fork shows by it
	f.rounds(t)
	if got := f.sink.sizes(); !equal(got, []uint64{1, 2, 5, 4}) {
		t.Errorf("sizes %v", got)
	}
	if f.logged.FilterMessageSnippet("read anew").Len() != 1 {
		t.Error("it is not said")
	}
}

func TestRemembersABoundedNumber(t *testing.T) {
	var r recent
	var d digest
	for i := range 3 * remembered {
		d = digest{byte(i), byte(i >> 8), byte(i >> 16)}
		r.add(d)
	}
	r.add(d)
	if len(r.known) != remembered || len(r.ring) != remembered {
		t.Errorf("%d known, %d in the ring", len(r.known), len(r.ring))
	}
}

// With public keys, what none of them signed is not passed on.
func TestPublicKeys(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "one.pub"), string(signer(t, 1).Public().Text()))
	f := newFixture(t, func(c *Config) {
		c.PublicKeys = []publickeyconfig.Config{{File: filepath.Join(dir, "one.pub")}, {Base64: signer(t, 2).Public().Base64()}}
	})
	if err := f.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	f.stop()
	f.done.Wait() // from here on, the test does the rounds
	byKey := func(seed byte, size uint64) string {
		b, err := integrity.Checkpoint{Chain: chain, Size: size}.Sign(signer(t, seed))
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + "\n"
	}
	altered := strings.Replace(byKey(1, 4), "\n4\n", "\n5\n", 1)
	write(t, f.path, byKey(1, 1), byKey(2, 2), byKey(3, 3), altered, byKey(1, 6))
	f.rounds(t)
	if got := f.sink.sizes(); !equal(got, []uint64{1, 2, 6}) {
		t.Errorf("sizes %v", got)
	}
	f.counted(t, "unverified", 2)
	if f.logged.FilterField(zap.String("reason", "unverified")).Len() != 1 {
		t.Errorf("logged %v", f.logged.All())
	}

	bad := newFixture(t, func(c *Config) { c.PublicKeys = []publickeyconfig.Config{{File: filepath.Join(dir, "none")}} })
	if err := bad.Start(t.Context(), componenttest.NewNopHost()); err == nil || !strings.Contains(err.Error(), "public_keys[0]") {
		t.Errorf("error is %v", err)
	}
	if err := bad.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// What has the shape of a note and is none is counted.
func TestMalformed(t *testing.T) {
	f := newFixture(t)
	huge := strings.Replace(entry(t, 1), "\n1\n", "\n18446744073709551615\n", 1) // no int64
	write(t, f.path, "auditchain/x\n1\n?\n\n— x y\n\n", huge, "<garbage>\n", entry(t, 3))
	f.rounds(t)
	if got := f.sink.sizes(); !equal(got, []uint64{3}) {
		t.Errorf("sizes %v", got)
	}
	f.counted(t, "malformed", 3)
}

// The whole receiver, on its goroutine.
func TestFollow(t *testing.T) {
	for _, startAt := range []string{"end", "beginning"} {
		f := newFixture(t, func(c *Config) { c.StartAt = startAt; c.PollInterval = leastInterval })
		f.sink.got = make(chan plog.LogRecord)
		write(t, f.path, entry(t, 1), entry(t, 2))
		if err := f.Start(t.Context(), componenttest.NewNopHost()); err != nil {
			t.Fatal(err)
		}
		want := []uint64{1, 2, 3}
		if startAt == "end" {
			want = want[1:]
		}
		for i, w := range want {
			if i == len(want)-1 {
				appendTo(t, f.path, entry(t, 3))
			}
			r := <-f.sink.got
			if r.Body().Str() != note(t, w) {
				t.Errorf("start at %s: %q, want size %d", startAt, r.Body().Str(), w)
			}
		}
		if err := f.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A shutdown does not wait for a pipeline that takes nothing, nor complain of it.
func TestShutdownWhileRefused(t *testing.T) {
	f := newFixture(t)
	write(t, f.path, entry(t, 1))
	refusing := make(chan struct{})
	next, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error {
		close(refusing)
		<-ctx.Done()
		return ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	f.next = next
	if err := f.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	<-refusing
	if err := f.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if f.logged.Len() != 0 {
		t.Errorf("logged %v", f.logged.All())
	}
}
