// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// Real CloudTrail events through file_log: all of them sealed, redacted, verified, and
// the same ones at the backend.
func TestCloudTrail(t *testing.T) {
	corpus := os.Getenv("AUDITCHAIN_CORPUS")
	if corpus == "" {
		t.Skip("AUDITCHAIN_CORPUS is unset: it names the folder of cloudtrail.jsonl, which is not part of this repository")
	}
	w := newWorld(t)
	input, err := os.ReadFile(filepath.Join(corpus, "cloudtrail.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	keys := map[string]string{}
	for line := range bytes.Lines(input) {
		var event struct {
			EventID      string `json:"eventID"`
			UserIdentity struct {
				AccessKeyID string `json:"accessKeyId"`
			} `json:"userIdentity"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, event.EventID)
		if key := event.UserIdentity.AccessKeyID; key != "" {
			keys["access key id "+key[:4]+"…"+key[len(key)-4:]] = key
		}
	}
	if len(ids) != 1450 || len(keys) == 0 {
		t.Fatalf("the corpus has %d events and %d access key ids, want 1450 and some", len(ids), len(keys))
	}

	backend := w.startBackend()
	col := w.startCollector(w.options(backend.InsertURL()))
	if err := os.WriteFile(filepath.Join(w.dir, "api-calls", "cloudtrail.jsonl"), input, 0o600); err != nil {
		t.Fatal(err)
	}
	lines := w.waitForRecords(len(ids))
	w.sameIDs("journal", lineIDs(lines), ids)
	rows := w.waitForRows(backend, len(ids), harness.Events)
	if len(rows) != len(ids) {
		t.Errorf("the backend has %d rows, want %d", len(rows), len(ids))
	}
	w.sameIDs("backend", rowIDs(rows), ids)
	redacted := 0
	for _, l := range lines {
		if strings.Contains(l.Text, "[REDACTED:") {
			redacted++
		}
		if !strings.HasPrefix(l.Timestamp, "2023-07-10T") {
			t.Fatalf("line %d has the timestamp %s, not the event's own", l.Number, l.Timestamp)
		}
	}
	if redacted == 0 {
		t.Error("nothing is redacted in any of the records")
	}
	// All ids of one account have a part in common, those of users and roles too.
	harmless := string(input)
	for _, key := range keys {
		harmless = strings.ReplaceAll(harmless, key, "")
	}
	w.noneAppears(keys, harmless, rows)

	// A restart reads nothing twice.
	if err := col.Stop(); err != nil {
		t.Fatal(err)
	}
	col = w.startCollector(w.options(backend.InsertURL()))
	logs, more := batch(1)
	if err := postProto(w.ctx, col.HTTP, logs); err != nil {
		t.Fatal(err)
	}
	w.sameIDs("journal after a restart", lineIDs(w.records()), append(ids, more...))
	if err := col.Stop(); err != nil {
		t.Fatal(err)
	}
	w.auditchain(0, "verify", w.journal())
}
