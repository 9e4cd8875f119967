// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// mustNotAppear are the kinds of secrets that must be found everywhere.
var mustNotAppear = []string{"aws-key-id", "aws-secret", "github-pat", "jwt-bearer", "pem-private-key", "password-arg"}

type plantedLine struct {
	Line    string `json:"line"`
	Planted []struct {
		Kind string `json:"kind"`
		Ctx  string `json:"ctx"`
		Text string `json:"text"`
	} `json:"planted"`
}

// Nothing that was planted in audit lines of many forms arrives anywhere: read from a
// file by file_log, and sent over OTLP as structured values.
func TestNothingPlantedAppears(t *testing.T) {
	w := newWorld(t)
	lines := readPlanted(t, filepath.Join(w.root, "processor/redact/testdata/recall.jsonl"))
	backend := w.startBackend()
	col := w.startCollector(w.options(backend.InsertURL()))

	var file bytes.Buffer
	secrets := map[string]string{}
	harmless := &strings.Builder{}
	for i, l := range lines {
		fmt.Fprintln(&file, l.Line)
		rest := l.Line
		for k, p := range l.Planted {
			rest = strings.ReplaceAll(rest, p.Text, "")
			if slices.Contains(mustNotAppear, p.Kind) {
				secrets[fmt.Sprintf("%s (%s) of line %d, number %d", p.Kind, p.Ctx, i+1, k+1)] = p.Text
			}
		}
		fmt.Fprintln(harmless, rest)
	}
	if len(secrets) < 500 {
		t.Fatalf("only %d secrets of the kinds in question in the corpus", len(secrets))
	}
	if err := os.WriteFile(filepath.Join(w.dir, "api-calls", "planted.jsonl"), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for some := range slices.Chunk(lines, 100) {
		if err := postProto(w.ctx, col.HTTP, structured(t, some)); err != nil {
			t.Fatal(err)
		}
	}
	w.waitForRecords(2 * len(lines))
	rows := w.waitForRows(backend, 2*len(lines), harness.Events)
	w.noneAppears(secrets, harmless.String(), rows)
	w.auditchain(0, "verify", w.journal())
}

// structured is the lines as records with a structured body and attribute.
func structured(t *testing.T, lines []plantedLine) plog.Logs {
	t.Helper()
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, l := range lines {
		var value map[string]any
		if err := json.Unmarshal([]byte(l.Line), &value); err != nil {
			t.Fatal(err)
		}
		r := records.AppendEmpty()
		if err := r.Body().SetEmptyMap().FromRaw(value); err != nil {
			t.Fatal(err)
		}
		if err := r.Attributes().PutEmptyMap("event").FromRaw(value); err != nil {
			t.Fatal(err)
		}
	}
	return logs
}

func readPlanted(t *testing.T, path string) []plantedLine {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []plantedLine
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var l plantedLine
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// noneAppears insists that no secret stands in the journal, the queue, the Collector's
// log or the rows of the backend, whole or in half.
func (w *world) noneAppears(secrets map[string]string, harmless string, rows []map[string]string) {
	w.t.Helper()
	var inBackend strings.Builder
	for _, row := range rows {
		for name, value := range row {
			fmt.Fprintln(&inBackend, name, value)
		}
	}
	places := map[string]string{"backend": inBackend.String()}
	for _, name := range []string{"audit.jsonl", "collector.log"} {
		text, err := os.ReadFile(filepath.Join(w.data, name))
		if err != nil {
			w.t.Fatal(err)
		}
		places[name] = string(text)
	}
	for place, text := range places {
		if text == "" {
			w.t.Fatalf("%s is empty", place)
		}
		finder := harness.NewFinder(text, harmless)
		leaks := 0
		for what, secret := range secrets {
			if part := finder.Find(secret); part != "" {
				leaks++
				if leaks <= 20 {
					w.t.Errorf("%s: %s appears: %q", place, what, part)
				}
			}
		}
		if leaks > 20 {
			w.t.Errorf("%s: %d secrets appear in all", place, leaks)
		}
	}
}
