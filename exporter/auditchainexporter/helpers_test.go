// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// Not real, and of a shape that is masked wherever it stands.
const secret = "ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"

const keyText = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

// fixture is an exporter and all that it tells the outside.
type fixture struct {
	exporter.Logs
	inner     *chainExporter
	cfg       *Config
	set       exporter.Settings
	telemetry *componenttest.Telemetry
	logs      *observer.ObservedLogs
	host      *statusHost
	disk      *faultyDisk
}

// newFixture makes an exporter into a file of its own, not started.
func newFixture(t testing.TB, change ...func(*Config)) *fixture {
	t.Helper()
	dir := t.TempDir()
	cfg := createDefaultConfig().(*Config)
	cfg.Path = filepath.Join(dir, "audit.jsonl")
	cfg.Key.File = filepath.Join(dir, "audit.key")
	if err := os.WriteFile(cfg.Key.File, []byte(keyText), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(cfg)
	}
	return fixtureOf(t, cfg)
}

func fixtureOf(t testing.TB, cfg *Config) *fixture {
	t.Helper()
	f := &fixture{cfg: cfg, telemetry: componenttest.NewTelemetry(), host: &statusHost{}, disk: &faultyDisk{FS: vfs.OS}}
	f.set = metadatatest.NewSettings(f.telemetry)
	core, logs := observer.New(zap.DebugLevel)
	f.set.Logger, f.logs = zap.New(core), logs
	inner, err := newChainExporter(f.set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	inner.fs = f.disk
	f.inner = inner
	if f.Logs, err = inner.helper(context.Background(), f.set); err != nil {
		t.Fatal(err)
	}
	return f
}

// start starts the exporter; it is shut down at the end of the test.
func (f *fixture) start(t testing.TB) *fixture {
	t.Helper()
	if err := f.Start(context.Background(), f.host); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Shutdown(context.Background()) })
	return f
}

func (f *fixture) consume(t testing.TB, ld plog.Logs) {
	t.Helper()
	ld.MarkReadOnly()
	if err := f.ConsumeLogs(context.Background(), ld); err != nil {
		t.Fatal(err)
	}
}

func testKey(t testing.TB) integrity.Key {
	t.Helper()
	k, err := integrity.ParseKey([]byte(keyText))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// verify fails the test unless the whole journal is proven.
func verify(t testing.TB, path string) {
	t.Helper()
	r, err := journal.Verify(context.Background(), path, testKey(t), journal.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != integrity.Verified {
		t.Fatalf("the journal is %v: %+v", r.Verdict, r)
	}
}

// lines returns the records of all files of the journal, without those that
// the journal made itself. What is no line is passed over.
func lines(t testing.TB, path string) (records, controls []string) {
	t.Helper()
	r, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		l, err := r.Next()
		var bad *journal.LineError
		var gap *journal.GapError
		switch {
		case err == io.EOF:
			return records, controls
		case errors.As(err, &bad), errors.As(err, &gap):
			continue
		case err != nil:
			t.Fatal(err)
		}
		switch l.Kind {
		case integrity.Record:
			records = append(records, string(l.Payload)+"}")
		case integrity.Control:
			controls = append(controls, l.ControlName())
		case integrity.Tombstone: // nothing of it is left
		default:
			t.Fatalf("a line of kind %v", l.Kind)
		}
	}
}

// logsOf makes a batch of one record for each body. A body "id:text" gives the
// record that id.
func logsOf(bodies ...string) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "test")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("scope")
	for _, body := range bodies {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(1_700_000_000_000_000_000)
		lr.Attributes().PutStr("session.id", "s1")
		if id, text, ok := strings.Cut(body, ":"); ok {
			lr.Attributes().PutStr("audit.record.id", id)
			body = text
		}
		lr.Body().SetStr(body)
	}
	return ld
}

// statusHost keeps what the exporter reports to health checks.
type statusHost struct{ events []*componentstatus.Event }

func (*statusHost) GetExtensions() map[component.ID]component.Component { return nil }
func (h *statusHost) Report(e *componentstatus.Event)                   { h.events = append(h.events, e) }

// faultyDisk is the operating system's file system, until a fault is set. It
// counts the calls that it let through.
type faultyDisk struct {
	vfs.FS
	write, sync, open atomic.Pointer[error]
	syncs             atomic.Int64
}

func (d *faultyDisk) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if err := d.open.Load(); err != nil && flag&os.O_CREATE != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: *err}
	}
	f, err := vfs.OS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f, d, name}, nil
}

type faultyFile struct {
	vfs.File
	disk *faultyDisk
	name string
}

// WriteAt writes half and then fails, as a full disk does.
func (f *faultyFile) WriteAt(b []byte, off int64) (int, error) {
	if err := f.disk.write.Load(); err != nil {
		n, _ := f.File.WriteAt(b[:len(b)/2], off)
		return n, &fs.PathError{Op: "write", Path: f.name, Err: *err}
	}
	return f.File.WriteAt(b, off)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.sync.Load(); err != nil {
		return &fs.PathError{Op: "sync", Path: f.name, Err: *err}
	}
	f.disk.syncs.Add(1)
	return f.File.Sync()
}
