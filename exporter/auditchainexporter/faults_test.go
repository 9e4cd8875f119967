// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
)

// refused consumes and fails the test unless the client keeps its records.
func (f *fixture) refused(t *testing.T, body string) error {
	t.Helper()
	err := f.ConsumeLogs(context.Background(), logsOf(body))
	if err == nil {
		t.Fatal("the batch was acknowledged")
	}
	if consumererror.IsPermanent(err) {
		t.Errorf("the client is told to drop its records: %v", err)
	}
	if strings.Contains(err.Error(), body) {
		t.Errorf("the error quotes the record: %v", err)
	}
	return err
}

func (f *fixture) statuses() (out []componentstatus.Status) {
	for _, e := range f.host.events {
		out = append(out, e.Status())
	}
	return out
}

func TestFullDisk(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf("before"))
	full := error(syscall.ENOSPC)
	f.disk.write.Store(&full)
	for range 2 {
		if err := f.refused(t, "meanwhile"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("error is %v", err)
		}
	}
	metadatatest.AssertEqualAuditChainCommitFailures(t, f.telemetry, f.failures(f.point(2, attribute.String("failure", "retryable"))...), ignore...)
	metadatatest.AssertEqualAuditChainRecordsSealed(t, f.telemetry, f.point(1), ignore...)

	f.disk.write.Store(nil)
	f.consume(t, logsOf("after"))
	verify(t, f.cfg.Path)
	records, _ := lines(t, f.cfg.Path)
	if all := strings.Join(records, "\n"); len(records) != 2 || strings.Contains(all, "meanwhile") {
		t.Errorf("records:\n%s", all)
	}
	// Health checks hear of it once, and that it is over.
	got := f.statuses()
	if len(got) != 2 || got[0] != componentstatus.StatusRecoverableError || got[1] != componentstatus.StatusOK {
		t.Errorf("statuses: %v", got)
	}
}

func TestFailedFsync(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf("before"))
	broken := error(syscall.EIO)
	f.disk.sync.Store(&broken)
	if err := f.refused(t, "meanwhile"); !errors.Is(err, syscall.EIO) {
		t.Errorf("error is %v", err)
	}
	// The disk says that all is well again; what it has is not known.
	f.disk.sync.Store(nil)
	if err := f.refused(t, "meanwhile"); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("error is %v", err)
	}
	metadatatest.AssertEqualAuditChainCommitFailures(t, f.telemetry, f.failures(f.point(2, attribute.String("failure", "stopped"))...), ignore...)
	if got := f.statuses(); len(got) != 1 || got[0] != componentstatus.StatusPermanentError {
		t.Errorf("statuses: %v", got)
	}

	// Opened again, the client's next attempt is sealed.
	_ = f.Shutdown(context.Background())
	again := fixtureOf(t, f.cfg).start(t)
	again.consume(t, logsOf("after"))
	verify(t, f.cfg.Path)
	if records, _ := lines(t, f.cfg.Path); !strings.Contains(records[len(records)-1], "after") {
		t.Errorf("records:\n%s", strings.Join(records, "\n"))
	}
}

// Health checks hear of it when what went wrong for a while goes wrong for good.
func TestFailedFsyncAfterAFullDisk(t *testing.T) {
	f := newFixture(t).start(t)
	full, broken := error(syscall.ENOSPC), error(syscall.EIO)
	f.disk.write.Store(&full)
	_ = f.refused(t, "one")
	f.disk.write.Store(nil)
	f.disk.sync.Store(&broken)
	_ = f.refused(t, "two")
	_ = f.refused(t, "three")
	got := f.statuses()
	if len(got) != 2 || got[0] != componentstatus.StatusRecoverableError || got[1] != componentstatus.StatusPermanentError {
		t.Errorf("statuses: %v", got)
	}
}

func TestFileLockedByAnother(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.LockTimeout = time.Millisecond }).start(t)
	other := flock.New(f.cfg.Path + ".lock")
	if err := other.Lock(); err != nil {
		t.Fatal(err)
	}
	if err := f.refused(t, "meanwhile"); !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), "for 1ms") {
		t.Errorf("error is %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	metadatatest.AssertEqualAuditChainCommitFailures(t, f.telemetry, f.failures(f.point(1, attribute.String("failure", "retryable"))...), ignore...)
	if records, _ := lines(t, f.cfg.Path); len(records) != 0 {
		t.Errorf("records:\n%s", strings.Join(records, "\n"))
	}
}

func TestClientThatGaveUp(t *testing.T) {
	f := newFixture(t).start(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.ConsumeLogs(ctx, logsOf("x")); !errors.Is(err, context.Canceled) || consumererror.IsPermanent(err) {
		t.Errorf("error is %v", err)
	}
	if len(f.host.events) != 0 {
		t.Errorf("reported as ill health: %v", f.host.events[0].Err())
	}
	if records, _ := lines(t, f.cfg.Path); len(records) != 0 {
		t.Errorf("records:\n%s", strings.Join(records, "\n"))
	}
}

func TestFileReplacedWhileOpen(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf("before"))
	if err := os.Rename(f.cfg.Path, f.cfg.Path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := f.refused(t, "meanwhile"); !errors.Is(err, journal.ErrReplaced) {
		t.Errorf("error is %v", err)
	}
	if got := f.statuses(); len(got) != 1 || got[0] != componentstatus.StatusPermanentError {
		t.Errorf("statuses: %v", got)
	}
}

func TestErrorsAboutTheRecordsArePermanent(t *testing.T) {
	f := newFixture(t).start(t)
	for _, cause := range []error{journal.ErrPayload, journal.ErrConflict, journal.ErrTooLarge} {
		if err := f.inner.failed(context.Background(), cause); !consumererror.IsPermanent(err) || !errors.Is(err, cause) {
			t.Errorf("%v became %v", cause, err)
		}
	}
	metadatatest.AssertEqualAuditChainCommitFailures(t, f.telemetry, f.failures(f.point(3, attribute.String("failure", "permanent"))...), ignore...)
	if len(f.host.events) != 0 {
		t.Errorf("reported as ill health: %v", f.host.events[0].Err())
	}
}

// A record that could not be looked up is not the record's fault: nothing is
// acknowledged, and the client keeps it.
func TestRecordThatCannotBeLookedUp(t *testing.T) {
	f := newFixture(t).start(t)
	real := f.inner.journal
	f.inner.journal = fakeJournal{func(_ context.Context, recs []journal.Record, receipts []journal.Receipt) error {
		receipts[0].Err = syscall.EIO
		return nil
	}}
	if err := f.refused(t, id1+":body of the record"); !errors.Is(err, syscall.EIO) {
		t.Errorf("error is %v", err)
	}
	f.inner.journal = real
}

// If the rejection cannot be sealed, the batch is not acknowledged.
func TestRejectionThatCannotBeSealed(t *testing.T) {
	f := newFixture(t).start(t)
	real := f.inner.journal
	calls := 0
	f.inner.journal = fakeJournal{func(_ context.Context, recs []journal.Record, receipts []journal.Receipt) error {
		if calls++; calls == 1 {
			receipts[0].Err = journal.ErrConflict
			return nil
		}
		return syscall.ENOSPC
	}}
	if err := f.refused(t, id1+":body of the record"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error is %v", err)
	}
	f.inner.journal = real
}

func TestStartErrors(t *testing.T) {
	write := func(t *testing.T, path, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		arrange func(t *testing.T, f *fixture)
		want    string
	}{
		"missing key file": {func(t *testing.T, f *fixture) { f.cfg.Key.File += ".missing" }, "auditchain key new"},
		"missing variable": {func(t *testing.T, f *fixture) {
			f.cfg.Key.File, f.cfg.Key.Env = "", "AUDITCHAIN_TEST_UNSET"
		}, "AUDITCHAIN_TEST_UNSET: it is not set"},
		"missing credential": {func(t *testing.T, f *fixture) {
			t.Setenv("CREDENTIALS_DIRECTORY", "")
			f.cfg.Key.File, f.cfg.Key.Credential = "", "auditchain.key"
		}, "LoadCredential="},
		"short key":              {func(t *testing.T, f *fixture) { write(t, f.cfg.Key.File, "abcd", 0o600) }, "at least 32 are needed"},
		"key readable by others": {func(t *testing.T, f *fixture) { chmod(t, f.cfg.Key.File, 0o640) }, "chmod 600"},
		"missing folder": {func(t *testing.T, f *fixture) {
			f.cfg.Path = filepath.Join(filepath.Dir(f.cfg.Path), "missing", "audit.jsonl")
		}, "mkdir -p"},
		"file as folder": {func(t *testing.T, f *fixture) { f.cfg.Path = filepath.Join(f.cfg.Key.File, "audit.jsonl") }, "audit.key"},
		"folder as file": {func(t *testing.T, f *fixture) { f.cfg.Path = filepath.Dir(f.cfg.Path) }, "is a directory"},
		"symbolic link": {func(t *testing.T, f *fixture) {
			if err := os.Symlink(f.cfg.Path+".other", f.cfg.Path); err != nil {
				t.Fatal(err)
			}
		}, "is a symbolic link"},
		"writable by others": {func(t *testing.T, f *fixture) {
			write(t, f.cfg.Path, "", 0o600)
			chmod(t, f.cfg.Path, 0o666)
		}, "others can write"},
		"no permission": {func(t *testing.T, f *fixture) {
			denied := error(syscall.EACCES)
			f.disk.open.Store(&denied)
		}, "permission denied"},
		"another key": {func(t *testing.T, f *fixture) {
			other := fixtureOf(t, f.cfg).start(t)
			if err := other.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			write(t, f.cfg.Key.File, strings.Repeat("6b", 32), 0o600)
		}, "key"},
		"not a journal": {func(t *testing.T, f *fixture) {
			write(t, f.cfg.Path, "some text\nof somebody else\n", 0o600)
		}, "audit.jsonl"},
		"missing fingerprint key": {func(t *testing.T, f *fixture) {
			f.cfg.Redaction.FingerprintKey.File = f.cfg.Key.File + ".fingerprint"
		}, "redaction::fingerprint_key"},
		"locked by another": {func(t *testing.T, f *fixture) {
			f.cfg.LockTimeout = time.Millisecond
			other := flock.New(f.cfg.Path + ".lock")
			if err := other.Lock(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = other.Close() })
		}, "locked"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			tt.arrange(t, f)
			err := f.Start(context.Background(), f.host)
			if err == nil {
				_ = f.Shutdown(context.Background())
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %q, want one with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "5a5a5a") || strings.Contains(err.Error(), "abcd") {
				t.Errorf("the error quotes the key: %v", err)
			}
			if err := f.Shutdown(context.Background()); err != nil {
				t.Errorf("shutdown after a failed start: %v", err)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
