// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// report is what verify --json says of the journal.
func (w *world) report(code int) (r integrity.Report) {
	w.t.Helper()
	out := w.auditchain(code, "verify", "--json", w.journal()).Stdout
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// The Collector finishes and compresses files. Somebody takes the file away
// while it runs: it goes on without a restart, says so in its log, its metrics
// and the chain; it is killed, and goes on. Put back, everything that was
// acknowledged is proven.
func TestRotatedAndTakenAway(t *testing.T) {
	const each, requests = 50, 12
	w := newWorld(t)
	o := w.options(harness.InsertURL(w.deadBackend()))
	o.Overlays = []string{w.write("rotation.yaml", "exporters: {audit_chain: {rotation: {max_size: 64KiB}}}")}
	sent := 0
	send := func(col *harness.RunningCollector) {
		t.Helper()
		for range requests {
			logs, ids := batch(each)
			if err := postProto(w.ctx, col.HTTP, logs); err != nil {
				t.Fatal(err)
			}
			sent += len(ids)
		}
	}

	col := w.startCollector(o)
	send(col)
	if r := w.report(0); r.Records != int64(sent) || r.Segments < 3 {
		t.Errorf("%d records of %d in %d files", r.Records, sent, r.Segments)
	}

	away := filepath.Join(w.dir, "away.jsonl")
	if err := os.Rename(w.journal(), away); err != nil {
		t.Fatal(err)
	}
	send(col)
	if r := w.report(3); len(r.Breaks) != 1 || r.Breaks[0].Found != integrity.BreakMissing {
		t.Errorf("breaks %+v", r.Breaks)
	}
	if log := col.Log(); !strings.Contains(log, integrity.ControlBreak) {
		t.Error("the Collector's log does not speak of the break")
	}

	col.Kill()
	col = w.startCollector(o)
	send(col)

	data, err := os.ReadFile(away)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	first, err := integrity.ParseLine(line)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, strings.TrimSuffix(w.journal(), ".jsonl")+fmt.Sprintf("-%020d.jsonl", first.Seq)); err != nil {
		t.Fatal(err)
	}
	if r := w.report(0); r.Records != int64(sent) || len(r.Breaks) != 1 {
		t.Errorf("%d records of %d, breaks %+v", r.Records, sent, r.Breaks)
	}
	// Stopped, and not killed, it ends what it was compressing.
	if err := col.Stop(); err != nil {
		t.Error(err)
	}
	finished, err := filepath.Glob(strings.TrimSuffix(w.journal(), ".jsonl") + "-*.jsonl.zst")
	if err != nil || len(finished) == 0 {
		t.Errorf("no file was compressed: %v", err)
	}
	if r := w.report(0); r.Records != int64(sent) {
		t.Errorf("%d records of %d after the stop", r.Records, sent)
	}
}
