// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

// apiCalls is a corpus in the shape of CloudTrail, with what real ones have:
// secrets, nesting, null, and lines of very different lengths.
func apiCalls(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","accountId":"123456789012","accessKeyId":"AKIA%016d","userName":"user%d"},`+
			`"eventTime":"2026-11-%02dT%02d:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","sourceIPAddress":"198.51.100.%d",`+
			`"requestParameters":{"key":"%s","password":"pass-word-%d"},"responseElements":null,"readOnly":true}`+"\n",
			i, i, 1+i%28, i%24, i%60, i*7%60, i%256, strings.Repeat("k", i*37%400), i)
	}
	return b.String()
}

// verdict is what verify --json says.
type verdict struct {
	integrity.Report
	ExitCode int `json:"exit_code"`
}

// judged verifies a journal, and checks that the exit code is the same in the
// report and outside of it.
func judged(t testing.TB, path string) verdict {
	t.Helper()
	r := auditchain("", "verify", "--json", path)
	var v verdict
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		t.Fatalf("verify --json printed %q: %v\n%s", r.stdout, err, r.stderr)
	}
	if v.ExitCode != r.code {
		t.Fatalf("exit code %d, and the report says %d", r.code, v.ExitCode)
	}
	return v
}

// mustName fails the test unless v is the verdict on a journal that was
// changed, and its first bad place is one of the lines from first to last.
func (v verdict) mustName(t testing.TB, path, what string, first, last int64) {
	t.Helper()
	if v.ExitCode != exitTampered || len(v.Bad) == 0 {
		t.Errorf("%s: exit code %d (%s), bad %v; want 3 and a place", what, v.ExitCode, v.Verdict, v.Bad)
		return
	}
	b := v.Bad[0]
	if b.File != path || b.Line < first || b.Line > last || b.Kind == "" || b.Reason == "" {
		t.Errorf("%s: named as %+v; want line %d to %d", what, b, first, last)
	}
}

// sealed makes a journal of the lines, under the key in use.
func sealed(t testing.TB, lines string) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "audit.jsonl")
	auditchain(lines, "append", "--fsync", "never", path).must(t, exitDone)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if v := judged(t, path); v.ExitCode != exitDone {
		t.Fatalf("as it was written: %s", v.Verdict)
	}
	return path, data
}

// Changing any byte of a journal, to any of several values, is exit code 3,
// and the line is named.
func TestEveryByte(t *testing.T) {
	newKey(t)
	path, data := sealed(t, "one\n{\"two\":2}\n"+apiCalls(1))
	changes := []func(byte) byte{
		func(c byte) byte { return c ^ 0x01 }, // another character of the same kind
		func(c byte) byte { return c ^ 0x80 }, // no ASCII any more
		func(byte) byte { return '\n' },
	}
	step := 1
	if raceEnabled {
		step = 7
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line := int64(1)
	n := 0
	for i, c := range data {
		for _, change := range changes {
			to := change(c)
			if to == c || i%step != 0 {
				continue
			}
			n++
			poke(t, f, i, to)
			// A line end that is gone, or there too early, changes where the
			// next line begins.
			judged(t, path).mustName(t, path, fmt.Sprintf("byte %d, %q to %q", i, c, to), line, line+1)
		}
		poke(t, f, i, c)
		if c == '\n' {
			line++
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if n < len(data)/step {
		t.Fatalf("%d changes of %d bytes", n, len(data))
	}
	if v := judged(t, path); v.ExitCode != exitDone {
		t.Fatalf("put back: %s", v.Verdict)
	}
}

func poke(t testing.TB, f *os.File, at int, b byte) {
	t.Helper()
	if _, err := f.WriteAt([]byte{b}, int64(at)); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Deleting, exchanging, duplicating or inserting a line, and cutting the end
// off at a line or inside of one: exit code 3, and the place is named.
func TestEveryLine(t *testing.T) {
	newKey(t)
	path, data := sealed(t, apiCalls(5))
	attackLines(t, path, data, 1)
}

func attackLines(t *testing.T, path string, data []byte, step int) {
	t.Helper()
	lines := bytes.Count(data, []byte("\n"))
	if lines < 5 {
		t.Fatalf("a journal of %d lines: nothing to attack", lines)
	}
	for _, kind := range []string{"byte", "delete", "swap", "duplicate", "insert", "cut", "cutinside"} {
		for n := 1; n <= lines; n += step {
			if kind == "swap" && n == lines {
				continue
			}
			if kind == "insert" && n < 3 {
				continue // a copy of the genesis in its own place is "duplicate"
			}
			broken, err := tamper(data, kind, n)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, broken)
			judged(t, path).mustName(t, path, fmt.Sprintf("%s line %d", kind, n), int64(n), int64(n)+1)
		}
	}
	for _, n := range []int{1, 2, 64, 70, 71, 72} {
		write(t, path, data[:len(data)-n])
		judged(t, path).mustName(t, path, fmt.Sprintf("cut of %d bytes", n), int64(lines), int64(lines))
	}
	write(t, path, nil)
	if v := judged(t, path); v.ExitCode != exitTampered {
		t.Errorf("emptied: exit code %d, %s", v.ExitCode, v.Verdict)
	}
	write(t, path, data)
}

// Another key proves nothing: exit code 1, and nobody is accused.
func TestAnotherKey(t *testing.T) {
	newKey(t)
	path, _ := sealed(t, apiCalls(3))
	newKey(t)
	if v := judged(t, path); v.ExitCode != exitFailed || v.Verdict != integrity.CannotVerify || len(v.Bad) != 0 || len(v.Proven) != 0 {
		t.Errorf("verdict %q, exit code %d, bad %v, proven %v", v.Verdict, v.ExitCode, v.Bad, v.Proven)
	}
}

// A journal whose lines were taken from another one under the same key, or
// whose side files were: nothing passes.
func TestSplice(t *testing.T) {
	newStaticKey(t)
	a, dataA := sealed(t, apiCalls(4))
	b, dataB := sealed(t, apiCalls(4))
	cut := func(data []byte, n int) int {
		at := 0
		for range n {
			at += bytes.IndexByte(data[at:], '\n') + 1
		}
		return at
	}
	for n := 1; n < 6; n++ {
		write(t, a, append(bytes.Clone(dataA[:cut(dataA, n)]), dataB[cut(dataB, n):]...))
		judged(t, a).mustName(t, a, fmt.Sprintf("spliced after line %d", n), int64(n), int64(n)+1)
	}
	write(t, a, dataB)
	if v := judged(t, a); v.ExitCode != exitTampered {
		t.Errorf("the whole of another journal: exit code %d", v.ExitCode)
	}
	write(t, a, dataA)
	head, err := os.ReadFile(b + ".head")
	if err != nil {
		t.Fatal(err)
	}
	write(t, a+".head", head)
	if v := judged(t, a); v.ExitCode != exitTampered {
		t.Errorf("the watermark of another journal: exit code %d, %s", v.ExitCode, v.Verdict)
	}
}

// Every line of a journal is JSON to everybody: jq where there is one, and
// encoding/json.
func TestEveryLineIsJSON(t *testing.T) {
	newKey(t)
	path, data := sealed(t, apiCalls(20)+"text \x00\xff\u2028\n{\"a\":1,\"a\":2}\n[1, 2.50, \"\\ud83d\\ude00\"]\n")
	mustBeJSON(t, path, data)
}

func mustBeJSON(t *testing.T, path string, data []byte) {
	t.Helper()
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	for i, l := range lines {
		if !json.Valid(l) {
			t.Fatalf("line %d is no JSON", i+1)
		}
	}
	if _, err := exec.LookPath("jq"); err != nil {
		t.Log("jq is not installed: only encoding/json read the lines")
		return
	}
	out, err := exec.Command("jq", "-c", ".seq", path).Output()
	if err != nil {
		t.Fatalf("jq: %v", err)
	}
	if n := bytes.Count(out, []byte("\n")); n != len(lines) {
		t.Fatalf("jq read %d lines of %d", n, len(lines))
	}
}

// The real CloudTrail sample: every event is kept, byte for byte but for what
// is masked, verifies, and does not survive an attack unnoticed.
func TestCloudTrail(t *testing.T) {
	folder := os.Getenv("AUDITCHAIN_CORPUS")
	if folder == "" {
		t.Skip("AUDITCHAIN_CORPUS names no folder with cloudtrail.jsonl")
	}
	corpus, err := os.ReadFile(filepath.Join(folder, "cloudtrail.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	events := strings.Split(strings.TrimSuffix(string(corpus), "\n"), "\n")
	if len(events) != 1450 {
		t.Fatalf("%d events in the sample, want 1450", len(events))
	}
	newKey(t)
	path, data := sealed(t, string(corpus))
	if v := judged(t, path); v.Records != 1450 || v.Verdict != integrity.Verified {
		t.Fatalf("%s, %d records", v.Verdict, v.Records)
	}
	mustBeJSON(t, path, data)

	found := strings.Split(strings.TrimSuffix(auditchain("", "query", "-o", "json", path).must(t, exitDone).stdout, "\n"), "\n")
	if len(found) != len(events) {
		t.Fatalf("query finds %d events", len(found))
	}
	masked := 0
	for i, l := range found {
		var rec struct {
			Timestamp string
			Body      json.RawMessage
			Redacted  map[string]int
		}
		var event struct{ EventTime string }
		if err := json.Unmarshal([]byte(l), &rec); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		if err := json.Unmarshal([]byte(events[i]), &event); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(rec.Timestamp, strings.TrimSuffix(event.EventTime, "Z")) {
			t.Fatalf("event %d of %s has the time %s", i, event.EventTime, rec.Timestamp)
		}
		if len(rec.Redacted) > 0 {
			masked++
		} else if string(rec.Body) != events[i] {
			t.Fatalf("event %d changed, and nothing was masked in it", i)
		}
	}
	if masked == 0 || masked == len(events) {
		t.Errorf("something was masked in %d of %d events", masked, len(events))
	}
	attackLines(t, path, data, 293)
}

// Nothing of the planted secrets reaches a journal.
func TestPlantedSecrets(t *testing.T) {
	folder := os.Getenv("AUDITCHAIN_CORPUS")
	if folder == "" {
		t.Skip("AUDITCHAIN_CORPUS names no folder with redaction/recall.jsonl")
	}
	corpus, err := os.ReadFile(filepath.Join(folder, "redaction", "recall.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var in strings.Builder
	planted := map[string]string{}
	for _, l := range strings.Split(strings.TrimSuffix(string(corpus), "\n"), "\n") {
		var line struct {
			Line    string
			Planted []struct{ Kind, Text string }
		}
		if err := json.Unmarshal([]byte(l), &line); err != nil {
			t.Fatal(err)
		}
		in.WriteString(line.Line + "\n")
		for _, p := range line.Planted {
			switch p.Kind {
			case "aws-key-id", "aws-secret", "github-pat", "jwt-bearer", "pem-private-key", "password-arg":
				planted[p.Text] = p.Kind
			}
		}
	}
	if len(planted) < 100 {
		t.Fatalf("only %d secrets are planted", len(planted))
	}
	newKey(t)
	path, data := sealed(t, in.String())
	for _, got := range []struct{ where, text string }{
		{"journal", string(data)},
		{"output of query", auditchain("", "query", "-o", "csv", path).must(t, exitDone).stdout},
		{"output of redact", auditchain(in.String(), "redact").must(t, exitDone).stdout},
		{"output of redact --json", auditchain(in.String(), "redact", "--json").stdout},
	} {
		missed := map[string]int{}
		for text, kind := range planted {
			escaped := string(appendJSONString(nil, text))
			if strings.Contains(got.text, text) || strings.Contains(got.text, escaped[1:len(escaped)-1]) {
				missed[kind]++
			}
		}
		if len(missed) > 0 {
			t.Errorf("the %s has planted secrets: %v", got.where, missed)
		}
	}
}
