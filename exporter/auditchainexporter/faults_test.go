// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/zap"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadatatest"
	"github.com/auditchain/auditchain/integrity"
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

// After a failed fsync nobody knows what the disk holds of the batch. It is not
// acknowledged; the next one is sealed in a new file, without a restart.
func TestFailedFsync(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf("before"))
	broken := error(syscall.EIO)
	f.disk.sync.Store(&broken)
	for range 2 {
		if err := f.refused(t, "meanwhile"); !errors.Is(err, syscall.EIO) {
			t.Errorf("error is %v", err)
		}
	}
	f.disk.sync.Store(nil)
	f.consume(t, logsOf("after"))
	metadatatest.AssertEqualAuditChainCommitFailures(t, f.telemetry, f.failures(f.point(2, attribute.String("failure", "retryable"))...), ignore...)
	metadatatest.AssertEqualAuditChainRecordsSealed(t, f.telemetry, f.point(2), ignore...)
	if diff := cmp.Diff([]componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK}, f.statuses()); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	// It is no break: nothing was lost that had been acknowledged.
	metadatatest.AssertEqualAuditChainJournalBreaks(t, f.telemetry, f.point(0), ignore...)
	records, controls := lines(t, f.cfg.Path)
	if all := strings.Join(records, "\n"); len(records) != 2 || strings.Contains(all, "meanwhile") {
		t.Errorf("records:\n%s", all)
	}
	if !slices.Contains(controls, integrity.ControlSegment) || slices.Contains(controls, integrity.ControlBreak) {
		t.Errorf("control records: %v", controls)
	}
	verify(t, f.cfg.Path)
}

// Health checks hear of an outage once, whatever its reasons one after the
// other, and of its end.
func TestFailedFsyncAfterAFullDisk(t *testing.T) {
	f := newFixture(t).start(t)
	full, broken := error(syscall.ENOSPC), error(syscall.EIO)
	f.disk.write.Store(&full)
	_ = f.refused(t, "one")
	f.disk.write.Store(nil)
	f.disk.sync.Store(&broken)
	_ = f.refused(t, "two")
	_ = f.refused(t, "three")
	if diff := cmp.Diff([]componentstatus.Status{componentstatus.StatusRecoverableError}, f.statuses()); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	f.disk.sync.Store(nil)
	f.consume(t, logsOf("four"))
	if got := f.statuses(); got[len(got)-1] != componentstatus.StatusOK {
		t.Errorf("statuses: %v", got)
	}
	verify(t, f.cfg.Path)
}

// What happens to the file under the Collector is sealed as a break, and the
// next batch with it: nothing needs a restart.
func TestFileTakenAwayWhileOpen(t *testing.T) {
	tests := map[string]struct {
		attack  func(t *testing.T, path string)
		found   string
		verdict integrity.Verdict
	}{
		"renamed": {func(t *testing.T, path string) {
			if err := os.Rename(path, path+".moved"); err != nil {
				t.Fatal(err)
			}
			// The chain has no beginning any more.
		}, integrity.BreakMissing, integrity.Tampered},
		"removed": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			// The exporter has the file open still, and writes it anew: all is
			// there.
		}, integrity.BreakMissing, integrity.Verified},
		"cut": {func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, info.Size()-100); err != nil {
				t.Fatal(err)
			}
		}, integrity.BreakShorter, integrity.Truncated},
		"emptied": {func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}, integrity.BreakShorter, integrity.Truncated},
		"replaced": {func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("somebody else's\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, integrity.BreakReplaced, integrity.Tampered},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t).start(t)
			f.consume(t, logsOf("before"))
			tt.attack(t, f.cfg.Path)
			f.consume(t, logsOf("after"))

			r, err := journal.Verify(context.Background(), f.cfg.Path, testKey(t), journal.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Breaks) != 1 || r.Breaks[0].Found != tt.found {
				t.Errorf("the breaks are %+v, want one that found %q", r.Breaks, tt.found)
			}
			if r.Verdict != tt.verdict {
				t.Errorf("the journal is %v, want %v: %+v", r.Verdict, tt.verdict, r)
			}
			if records, _ := lines(t, f.cfg.Path); !strings.Contains(records[len(records)-1], "after") {
				t.Errorf("records:\n%s", strings.Join(records, "\n"))
			}
			metadatatest.AssertEqualAuditChainJournalBreaks(t, f.telemetry, f.point(1), ignore...)
			metadatatest.AssertEqualAuditChainJournalWarnings(t, f.telemetry, f.point(0), ignore...)
			if n := f.logs.FilterLevelExact(zap.ErrorLevel).FilterMessageSnippet("not as it was left").Len(); n != 1 {
				t.Errorf("%d errors in the log: %v", n, f.logs.All())
			}
			if len(f.host.events) != 0 {
				t.Errorf("reported as ill health, though nothing was refused: %v", f.statuses())
			}
			// A second one is announced too.
			tt.attack(t, f.cfg.Path)
			f.consume(t, logsOf("later"))
			metadatatest.AssertEqualAuditChainJournalBreaks(t, f.telemetry, f.point(2), ignore...)
			for _, l := range f.logs.All() {
				if line := fmt.Sprint(l.Message, l.ContextMap()); strings.Contains(line, "before") || strings.Contains(line, "s1") {
					t.Errorf("the log quotes a record: %s", line)
				}
			}
		})
	}
}

// The one thing that needs a person: somebody began another chain in the
// journal's place. Nothing is written to it, and it is said for good.
func TestAnotherChainInItsPlace(t *testing.T) {
	f := newFixture(t).start(t)
	f.consume(t, logsOf("before"))
	other, err := journal.Open(context.Background(), f.cfg.Path, journal.Options{Key: testKey(t), NewChain: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.refused(t, "meanwhile"); !errors.Is(err, journal.ErrReplaced) {
			t.Errorf("error is %v", err)
		}
	}
	metadatatest.AssertEqualAuditChainCommitFailures(t, f.telemetry, f.failures(f.point(2, attribute.String("failure", "stopped"))...), ignore...)
	if diff := cmp.Diff([]componentstatus.Status{componentstatus.StatusPermanentError}, f.statuses()); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if records, _ := lines(t, f.cfg.Path); len(records) != 0 {
		t.Errorf("records in the other chain:\n%s", strings.Join(records, "\n"))
	}
	// Started again, as the error says, it writes to the new one.
	_ = f.Shutdown(context.Background())
	again := fixtureOf(t, f.cfg).start(t)
	again.consume(t, logsOf("after"))
	verify(t, f.cfg.Path)
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

func TestErrorsAboutTheRecordsArePermanent(t *testing.T) {
	f := newFixture(t).start(t)
	for _, cause := range []error{journal.ErrPayload, journal.ErrConflict, journal.ErrErased, journal.ErrTooLarge} {
		if err := f.inner.failed(context.Background(), cause); !consumererror.IsPermanent(err) || !errors.Is(err, cause) {
			t.Errorf("%v became %v", cause, err)
		}
	}
	metadatatest.AssertEqualAuditChainCommitFailures(t, f.telemetry, f.failures(f.point(4, attribute.String("failure", "permanent"))...), ignore...)
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
