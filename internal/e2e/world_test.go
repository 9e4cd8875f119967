// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// patience bounds a test that waits for something that does not come.
const patience = 4 * time.Minute

// world is what a test runs in: the programs, and a folder with a key.
type world struct {
	t    *testing.T
	ctx  context.Context
	bin  harness.Binaries
	root string
	data string
	key  string
	dir  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	bin, err := harness.FindBinaries()
	switch {
	case errors.Is(err, harness.ErrNotBuilt) && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, bin: bin, root: root, dir: t.TempDir()}
	w.data = filepath.Join(w.dir, "data")
	w.key = filepath.Join(w.dir, "audit.key")
	if err := os.MkdirAll(filepath.Join(w.dir, "api-calls"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(w.data, 0o700); err != nil {
		t.Fatal(err)
	}
	w.auditchain(0, "key", "new", "--verification-key-out", w.key+".verification", w.key)
	return w
}

// options are those of a Collector with the project's configuration.
func (w *world) options(backend string) harness.CollectorOptions {
	return harness.CollectorOptions{
		Config:   filepath.Join(w.root, "collector-config.yaml"),
		Data:     w.data,
		KeyFile:  w.key,
		Backend:  backend,
		APICalls: filepath.Join(w.dir, "api-calls", "*.jsonl"),
	}
}

func (w *world) startCollector(o harness.CollectorOptions) *harness.RunningCollector {
	w.t.Helper()
	c, err := harness.StartCollector(w.ctx, w.bin, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		c.Kill()
		if w.t.Failed() {
			w.t.Logf("the Collector's log:\n%s", c.Log())
		}
	})
	return c
}

func (w *world) startBackend() *harness.Logs { return w.startBackendAt(w.deadBackend()) }

// deadBackend is an address of a backend that is not there (yet).
func (w *world) deadBackend() string {
	w.t.Helper()
	port, err := harness.FreePort()
	if err != nil {
		w.t.Fatal(err)
	}
	return harness.Loopback(port)
}

func (w *world) startBackendAt(addr string) *harness.Logs {
	w.t.Helper()
	l, err := harness.StartVictoriaLogsAt(w.ctx, w.bin, filepath.Join(w.dir, "backend"), addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(l.Kill)
	return l
}

// auditchain runs the command-line tool and insists on the exit code.
func (w *world) auditchain(code int, args ...string) harness.Result {
	w.t.Helper()
	res, err := harness.Auditchain(w.ctx, w.bin, w.key, nil, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.Code != code {
		w.t.Fatalf("auditchain %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), res.Code, code, res.Stdout, res.Stderr)
	}
	return res
}

// journal is the file that the Collector writes.
func (w *world) journal() string { return harness.JournalIn(w.data) }

func (w *world) records() []harness.Line {
	w.t.Helper()
	lines, err := harness.Records(w.journal())
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

// waitForRecords waits until the journal has at least n records.
func (w *world) waitForRecords(n int) []harness.Line {
	w.t.Helper()
	var lines []harness.Line
	err := harness.Until(w.ctx, fmt.Sprintf("%d records in the journal", n), func(context.Context) (bool, string, error) {
		var err error
		lines, err = harness.Records(w.journal())
		return len(lines) >= n, fmt.Sprintf("%d records", len(lines)), err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return lines
}

// waitForRows waits until the backend has at least n records.
func (w *world) waitForRows(l *harness.Logs, n int, query string) []map[string]string {
	w.t.Helper()
	rows, err := l.WaitFor(w.ctx, n, query)
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// waitForIDs waits until the backend has records of just these ids. It may have some of
// them more than once: forwarding is at least once.
func (w *world) waitForIDs(l *harness.Logs, ids []string) {
	w.t.Helper()
	want := slices.Sorted(slices.Values(ids))
	var got []string
	err := harness.Until(w.ctx, fmt.Sprintf("%d record ids at the backend", len(ids)), func(ctx context.Context) (bool, string, error) {
		rows, err := l.Query(ctx, harness.Events)
		got = rowIDs(rows)
		return len(got) >= len(ids), fmt.Sprintf("%d ids", len(got)), err
	})
	if err != nil {
		w.t.Error(err)
	}
	w.sameIDs("backend", got, want)
}

// sameIDs insists that two lists of ids are the same, whatever their order.
func (w *world) sameIDs(what string, got, want []string) {
	w.t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Fatalf("%s: ids differ (-want +got):\n%s", what, diff)
	}
}

func lineIDs(lines []harness.Line) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.ID
	}
	return out
}

// rowIDs are the record ids of rows of the backend, each once.
func rowIDs(rows []map[string]string) []string {
	seen := map[string]bool{}
	for _, row := range rows {
		id := row["audit.record.id"]
		if id == "" {
			id = row["log.record.uid"]
		}
		seen[id] = true
	}
	out := make([]string, 0, len(seen))
	for id := range seen {
		out = append(out, id)
	}
	return out
}

// batch is a request of n records with ids of their own.
func batch(n int) (plog.Logs, []string) {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "e2e")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	ids := make([]string, n)
	for i := range n {
		id := uuid.Must(uuid.NewV7())
		ids[i] = id.String()
		r := records.AppendEmpty()
		r.SetEventName("audit.tested")
		r.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		r.Body().SetStr("tested")
		r.Attributes().PutStr("audit.record.id", ids[i])
		r.Attributes().PutStr("session.id", "e2e")
		r.Attributes().PutInt("audit.event.number", int64(i))
	}
	return logs, ids
}

// sender keeps no connections, which would be those of a Collector that was killed.
var sender = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// postProto sends a request over OTLP/HTTP. A nil error means: acknowledged.
func postProto(ctx context.Context, addr string, logs plog.Logs) error {
	body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	if err != nil {
		return err
	}
	return post(ctx, addr, "application/x-protobuf", body)
}

func post(ctx context.Context, addr, contentType string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/v1/logs", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := sender.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // nothing depends on it
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("OTLP/HTTP: %s: %s", resp.Status, text)
	}
	return nil
}
