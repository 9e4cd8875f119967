// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// An application that uses the SDK: OTLP/gRPC, file and backend, the same six events.
func TestAgentSessionOverGRPC(t *testing.T) {
	w := newWorld(t)
	backend := w.startBackend()
	col := w.startCollector(w.options(backend.InsertURL()))

	secrets := harness.NewSecrets()
	cmd := exec.CommandContext(w.ctx, w.bin.Path(harness.AgentSession), "-endpoint", col.GRPC, "--",
		"deploy", "--password", secrets.Password, "--token="+secrets.GitHubPAT)
	cmd.Env = []string{
		"AWS_ACCESS_KEY_ID=" + secrets.AWSKeyID,
		"AWS_SECRET_ACCESS_KEY=" + secrets.AWSSecret,
		"GITHUB_TOKEN=" + secrets.GitHubPAT,
		"DEPLOY_AUTHORIZATION=Bearer " + secrets.JWT,
		// Applications inherit such limits; the example must not obey them.
		"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT=3",
		"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT=5",
	}
	res, err := harness.Run(cmd)
	if err != nil || res.Code != 0 {
		t.Fatalf("agent-session: exit code %d, %v\n%s", res.Code, err, res.Stderr)
	}
	var session string
	var acknowledged, types []string
	for line := range strings.Lines(res.Stdout) {
		switch words := strings.Fields(line); {
		case len(words) == 2:
			session = words[1]
		case len(words) == 3:
			acknowledged, types = append(acknowledged, words[1]), append(types, words[2])
		}
	}
	if len(acknowledged) != 6 {
		t.Fatalf("agent-session printed %q, want six acknowledged records", res.Stdout)
	}

	// On disk already: the acknowledgement says so.
	lines := w.records()
	w.sameIDs("journal", lineIDs(lines), acknowledged)
	for i, l := range lines {
		if l.ID != acknowledged[i] || l.Type() != types[i] || l.SessionID != session {
			t.Errorf("record %d is %s %s of session %s, want %s %s of %s", i, l.Type(), l.ID, l.SessionID, types[i], acknowledged[i], session)
		}
	}
	rows := w.waitForRows(backend, 6, `session.id:="`+session+`"`)
	w.sameIDs("backend", rowIDs(rows), acknowledged)
	w.auditchain(0, "verify", w.journal())

	out := w.auditchain(0, "query", "--session", session, "-o", "json", w.journal()).Stdout
	if n := strings.Count(out, "\n"); n != 6 {
		t.Errorf("query --session printed %d lines, want 6:\n%s", n, out)
	}
	w.noneAppears(secrets.All(), "", rows)
}

// Protobuf and JSON over OTLP/HTTP.
func TestOTLPOverHTTP(t *testing.T) {
	w := newWorld(t)
	backend := w.startBackend()
	col := w.startCollector(w.options(backend.InsertURL()))

	logs, ids := batch(20)
	if err := postProto(w.ctx, col.HTTP, logs); err != nil {
		t.Fatal(err)
	}
	logs, more := batch(20)
	body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := post(w.ctx, col.HTTP, "application/json", body); err != nil {
		t.Fatal(err)
	}
	ids = append(ids, more...)
	w.sameIDs("journal", lineIDs(w.records()), ids)

	// Sent again, as a client does that did not get the answer: sealed once.
	if err := post(w.ctx, col.HTTP, "application/json", body); err != nil {
		t.Fatal(err)
	}
	w.sameIDs("journal after a repeat", lineIDs(w.records()), ids)
	w.waitForIDs(backend, ids)
	if err := col.Stop(); err != nil {
		t.Error(err)
	}
	w.auditchain(0, "verify", w.journal())
}

// A bad record never refuses its batch.
func TestOneBadRecordAmongGoodOnes(t *testing.T) {
	w := newWorld(t)
	col := w.startCollector(w.options(harness.InsertURL(w.deadBackend())))
	logs, ids := batch(3)
	bad := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1)
	bad.Attributes().PutStr("audit.event.type", "chain.genesis")
	forged := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty()
	forged.Body().SetStr(`{"control":"chain.closed","seq":1,"hmac":""}`)
	if err := postProto(w.ctx, col.HTTP, logs); err != nil {
		t.Fatal(err)
	}
	lines := w.records()
	if len(lines) != 4 {
		t.Fatalf("%d records are sealed, want 4", len(lines))
	}
	if lines[0].ID != ids[0] || lines[2].ID != ids[2] || lines[1].Type() != "rejected" || lines[3].Type() != "log" {
		t.Errorf("sealed are %s, %s, %s, %s", lines[0].Type(), lines[1].Type(), lines[2].Type(), lines[3].Type())
	}
	w.auditchain(0, "verify", w.journal())
}

// The backend is down: the file is complete at once, and the backend gets everything
// later, over a restart of the Collector and a crash.
func TestBackendDown(t *testing.T) {
	w := newWorld(t)
	addr := w.deadBackend()
	o := w.options(harness.InsertURL(addr))
	var ids []string
	send := func(col *harness.RunningCollector) {
		t.Helper()
		for range 5 {
			logs, more := batch(10)
			if err := postProto(w.ctx, col.HTTP, logs); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, more...)
		}
		w.sameIDs("journal while the backend is down", lineIDs(w.records()), ids)
	}
	col := w.startCollector(o)
	send(col)
	if err := col.Stop(); err != nil {
		t.Fatal(err)
	}
	col = w.startCollector(o)
	send(col)
	col.Kill()
	col = w.startCollector(o)
	send(col)

	w.waitForIDs(w.startBackendAt(addr), ids)
	if err := col.Stop(); err != nil {
		t.Error(err)
	}
	w.auditchain(0, "verify", w.journal())
}

// The queue of the backend is full: the client is told so, and the file has its records
// all the same. Sent again later, they are not sealed twice.
func TestQueueFull(t *testing.T) {
	w := newWorld(t)
	addr := w.deadBackend()
	o := w.options(harness.InsertURL(addr))
	small := w.write("small.yaml", "exporters: {otlp_http/backend: {sending_queue: {sizer: requests, queue_size: 2}}}")
	o.Overlays = []string{small}
	col := w.startCollector(o)

	var ids []string
	var refused []plog.Logs
	for range 5 {
		logs, more := batch(10)
		ids = append(ids, more...)
		if err := postProto(w.ctx, col.HTTP, logs); err != nil {
			refused = append(refused, logs)
		}
		w.sameIDs("journal", lineIDs(w.records()), ids)
	}
	if len(refused) != 3 {
		t.Errorf("%d requests were refused, want the three that the queue has no room for", len(refused))
	}
	backend := w.startBackendAt(addr)
	for _, logs := range refused {
		err := harness.Until(w.ctx, "room in the queue", func(ctx context.Context) (bool, string, error) {
			err := postProto(ctx, col.HTTP, logs)
			return err == nil, fmt.Sprint(err), nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.waitForIDs(backend, ids)
	w.sameIDs("journal", lineIDs(w.records()), ids)
	if err := col.Stop(); err != nil {
		t.Error(err)
	}
	w.auditchain(0, "verify", w.journal())
}

// A record of 20 MB is sealed whole.
func TestLargeRecord(t *testing.T) {
	w := newWorld(t)
	col := w.startCollector(w.options(harness.InsertURL(w.deadBackend())))
	logs, ids := batch(1)
	body := strings.Repeat("0123456789 ", 20<<20/11)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr(body)
	if err := postProto(w.ctx, col.HTTP, logs); err != nil {
		t.Fatal(err)
	}
	lines := w.records()
	w.sameIDs("journal", lineIDs(lines), ids)
	if got := len(lines[0].Body); got != len(body)+2 {
		t.Errorf("the body has %d bytes in the file, want %d", got, len(body)+2)
	}
	w.auditchain(0, "verify", w.journal())
}

// Four processes append to one file at once.
func TestFourProcessesAppend(t *testing.T) {
	w := newWorld(t)
	const processes, each = 4, 250
	errs := make(chan error, processes)
	for p := range processes {
		var input strings.Builder
		for i := range each {
			input.WriteString(strings.Repeat("x", i%50))
			input.WriteString(" line of process ")
			input.WriteByte(byte('0' + p))
			input.WriteByte('\n')
		}
		go func() {
			res, err := harness.Auditchain(w.ctx, w.bin, w.key, strings.NewReader(input.String()), "append", w.journal())
			if err == nil && res.Code != 0 {
				err = fmt.Errorf("auditchain append: exit code %d: %s", res.Code, res.Stderr)
			}
			errs <- err
		}()
	}
	for range processes {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		return
	}
	perProcess := map[byte]int{}
	for _, l := range w.records() {
		body := strings.Trim(string(l.Body), `"`)
		perProcess[body[len(body)-1]]++
	}
	for p := range processes {
		if n := perProcess[byte('0'+p)]; n != each {
			t.Errorf("process %d has %d records in the file, want %d", p, n, each)
		}
	}
	w.auditchain(0, "verify", w.journal())
}
