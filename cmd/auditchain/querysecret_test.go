// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/processor/redact"
)

// fingerprintKey makes a key file, and the redactor under that key.
func fingerprintKey(t testing.TB, fill string) (string, *redact.Redactor) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fp.key")
	text := strings.Repeat(fill, 32)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := redact.New(redact.Config{FingerprintKey: key})
	if err != nil {
		t.Fatal(err)
	}
	return file, r
}

// The mask of a secret is found wherever in a record it stands, also where JSON
// has it in base64.
func TestQuerySecretEverywhere(t *testing.T) {
	const secret = "correct-horse-battery"
	file, r := fingerprintKey(t, "5a")
	with := "password=" + secret
	str := attribute.StringValue
	kv := func(k string, v attribute.Value) attribute.KeyValue {
		return attribute.KeyValue{Key: attribute.Key(k), Value: v}
	}
	attr := func(kvs ...attribute.KeyValue) payload.LogRecord { return payload.LogRecord{Attributes: kvs} }
	group := func(kvs ...attribute.KeyValue) *payload.Group { return &payload.Group{Attributes: kvs} }
	recs := []payload.LogRecord{
		{Body: str(with)},
		{Body: str(`{"a":{"password":"` + secret + `"}}`)},
		{Body: str(`{"a":"{\"password\":\"` + secret + `\"}"}`)},
		{Body: str(`{"kind":"Secret","data":{"a":"` + base64.StdEncoding.EncodeToString([]byte(secret)) + `"}}`)},
		{Body: str(`{"kind":"Secret","data":{"a":"` + base64.StdEncoding.EncodeToString([]byte(secret+"\n")) + `"}}`)},
		{Body: attribute.ByteSliceValue([]byte(with))},
		{Body: str("\xff " + with)},
		{Body: attribute.MapValue(kv("a", attribute.SliceValue(attribute.MapValue(kv("b", attribute.ByteSliceValue([]byte(with)))))))},
		{Body: attribute.StringSliceValue([]string{"a", "\xff " + with})},
		{Body: attribute.MapValue(kv("\xff "+with, str("x")))},
		{EventName: with}, {SeverityText: with}, {EventName: "\xff" + with}, {SeverityText: "\xff " + with},
		attr(kv(with, str("x"))), attr(kv("password", str(secret))), attr(kv("a", attribute.ByteSliceValue([]byte(with)))),
		attr(kv("session.id", str(with))), attr(kv("cloud.provider", str(with))),
		{EventName: "audit.note", Attributes: []attribute.KeyValue{kv("audit.event.password", str(secret))}},
		{EventName: "audit.note", Attributes: []attribute.KeyValue{kv("audit.event.a", attribute.ByteSliceValue([]byte(with)))}},
		{EventName: "audit." + with},
		{Resource: group(kv("a", str(with)))}, {Resource: group(kv("a", attribute.ByteSliceValue([]byte(with))))},
		{Resource: &payload.Group{SchemaURL: "\xff " + with}}, {Scope: &payload.Group{Name: "\xff " + with}},
		{Scope: &payload.Group{Version: with}}, {Scope: group(kv("\xff "+with, str("x")))},
	}
	other := []payload.LogRecord{
		{Body: str("password=" + secret + "2")}, {Body: str("nothing")}, {Body: str(secret)},
		{Body: str("[REDACTED:password:" + r.KeyID() + ":0123456789ab]")},
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	seal(t, path, r, append(recs, other...))

	got := auditchain(secret+"\n", "query", "--secret-stdin", "--fingerprint-key-file", file, "-o", "json", path).must(t, exitDone)
	found := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n") {
		found[memberText([]byte(line), "id")] = true
	}
	for i := range recs {
		if !found[fmt.Sprintf("%q", sealedID(i))] {
			t.Errorf("record %d was not found: %+v", i, recs[i])
		}
	}
	if len(found) != len(recs) {
		t.Errorf("%d records found, want %d", len(found), len(recs))
	}
	// "nothing" and the secret that no rule could know have no mask.
	if !strings.Contains(got.stderr, fmt.Sprintf(" in %d records; ", len(recs)+len(other))) || strings.Contains(got.stderr, "nobody can tell") {
		t.Errorf("says %q", got.stderr)
	}
}

func sealedID(i int) string { return fmt.Sprintf("019a0000-0000-7000-8000-%012d", i) }

// seal writes records into a new journal.
func seal(t testing.TB, path string, r *redact.Redactor, recs []payload.LogRecord) {
	t.Helper()
	key, err := integrity.NewKey(bytes.Repeat([]byte("K"), 32))
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(context.Background(), path, journal.Options{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	enc := payload.NewEncoder(payload.Options{Redactor: r})
	var b payload.Batch
	for i := range recs {
		recs[i].Attributes = append([]attribute.KeyValue{attribute.String("audit.record.id", sealedID(i))}, recs[i].Attributes...)
		enc.Append(&b, &recs[i])
	}
	receipts := make([]journal.Receipt, len(recs))
	if err := j.Append(context.Background(), b.Records(), receipts); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// Finished and compressed files are looked through too, and erased lines are
// counted: what they held cannot be told.
func TestQuerySecretInAllFiles(t *testing.T) {
	const secret = "correct-horse-battery"
	fp, _ := fingerprintKey(t, "5a")
	newKey(t)
	dir := t.TempDir()
	erasure := filepath.Join(dir, "erasure.key")
	auditchain("", "key", "new", "--erasure", erasure).must(t, exitDone)
	path := filepath.Join(dir, "audit.jsonl")
	for part := range 6 {
		var in strings.Builder
		for i := part * 10; i < (part+1)*10; i++ {
			fmt.Fprintf(&in, `{"timestamp":"2026-01-02T03:04:05Z","session_id":"s%d","event":{"type":"note","pad":%q,"password":"%s%d"}}`+"\n", i, strings.Repeat("x ", 200), secret, i%3)
		}
		auditchain(in.String(), "append", "--fingerprint-key-file", fp, "--erasure-key-public", erasure+".pub", "--max-size", "8KiB", "--compress", path).must(t, exitDone)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "audit-*.zst")); err != nil || len(files) < 2 {
		t.Fatalf("%d compressed files, %v", len(files), err)
	}
	query := func(args ...string) result {
		t.Helper()
		return auditchain(secret+"1", append([]string{"query", "--secret-stdin", "--fingerprint-key-file", fp, "-o", "json"}, args...)...).must(t, exitDone)
	}
	if r := query(path); strings.Count(r.stdout, "\n") != 20 || !strings.Contains(r.stderr, " in 60 records; ") {
		t.Errorf("%d records found, says %q", strings.Count(r.stdout, "\n"), r.stderr)
	}
	if r := query("--session", "s4", path); strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stdout, `"session_id":"s4"`) {
		t.Errorf("of one session: %s", r.stdout)
	}
	// Line 4 is the second record: genesis, opened, records.
	auditchain("", "erase", "--seq", "4", "--reason", "request 118", "--who", "alice", "--erasure-key", erasure, path).must(t, exitDone)
	r := query(path)
	if strings.Count(r.stdout, "\n") != 19 || !strings.Contains(r.stderr, "1 erased line passed over: what is erased cannot be looked through any more\n") {
		t.Errorf("with an erased line: %d records found, says %q", strings.Count(r.stdout, "\n"), r.stderr)
	}
}

// A secret of any length up to the limit is read, without the end of its line
// alone, and nothing of it is said.
func TestReadSecret(t *testing.T) {
	file, r := fingerprintKey(t, "5a")
	long := strings.Repeat("x", maxSecret)
	for _, c := range []struct {
		in, secret string
		code       int
		says       string
	}{
		{"canary", "canary", exitDone, ""},
		{"canary\n", "canary", exitDone, ""},
		{"canary\r\n", "canary", exitDone, ""},
		{"canary\r", "canary\r", exitDone, ""},
		{" canary ", " canary ", exitDone, ""},
		{"canary\n\n", "canary\n", exitDone, "has 2 lines"},
		{"canary\ncanary2\n", "canary\ncanary2", exitDone, "has 2 lines"},
		{long + "\r\n", long, exitDone, ""},
		{long + "x", "", exitUsage, "more than 1048576 bytes"},
		{long + "x\n", "", exitUsage, "more than 1048576 bytes"},
		{"", "", exitUsage, "is empty"},
		{"\n", "", exitUsage, "is empty"},
		{" \t\n", "", exitUsage, "is empty"},
	} {
		got := auditchain(c.in, "redact", "--fingerprint", "--fingerprint-key-file", file).must(t, c.code)
		want := ""
		if c.secret != "" {
			want = r.Fingerprints(c.secret)[0] + "\n"
		}
		if got.stdout != want || !strings.Contains(got.stderr, c.says) || c.says == "" && got.stderr != "" || strings.Contains(got.stderr, "canary") || strings.Contains(got.stderr, "xxx") {
			t.Errorf("%.20q: %q, %.200q; want %q, %q", c.in, got.stdout, got.stderr, want, c.says)
		}
	}

	ctx, interrupt := context.WithCancel(context.Background())
	interrupt()
	in, _ := io.Pipe()
	var out, says bytes.Buffer
	if code := runContext(ctx, []string{"redact", "--fingerprint", "--fingerprint-key-file", file}, in, &out, &says); code != exitInterrupted || out.Len() > 0 {
		t.Errorf("interrupted: exit code %d, %q, %q", code, out.String(), says.String())
	}
}
