// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/processor/redact"
)

const importTestKey = "0123456789abcdef"

// olderFile writes a file of the older format with n signed lines, a blank one
// behind every hundredth, and returns its path.
func olderFile(t testing.TB, n int) string {
	t.Helper()
	t.Setenv(olderKeyEnv, importTestKey)
	var b bytes.Buffer
	c := integrity.NewLegacyChain([]byte(importTestKey))
	for i := range n {
		line := fmt.Sprintf(`{"timestamp":"2026-01-02T03:04:05Z","session_id":"s%d","provider":"aws","event":{"type":"session_ended","status":"completed","duration_seconds":%d,"exit_code":0}}`, i%7, i)
		fmt.Fprintf(&b, "%s%s%s\n", line, integrity.LegacyMark, c.Next([]byte(line)))
		if i%100 == 99 {
			b.WriteByte('\n')
		}
	}
	path := filepath.Join(t.TempDir(), "old.jsonl")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importRun runs import --json.
func importRun(t testing.TB, code int, args ...string) importResult {
	t.Helper()
	out := auditchain("", append([]string{"import", "--json"}, args...)...).must(t, code)
	var r importResult
	if err := json.Unmarshal([]byte(out.stdout), &r); err != nil {
		t.Fatalf("%v in %q", err, out.stdout)
	}
	return r
}

// newImporting is an import of old that was checked, up to where it begins to
// write.
func newImporting(t testing.TB, old, to string) (*importing, integrity.Imported, journal.Options) {
	t.Helper()
	none := ""
	var stderr bytes.Buffer
	m := &importing{
		app: &app{stdout: &errWriter{w: io.Discard}, stderr: &stderr}, path: old, key: []byte(importTestKey),
		o:      importOptions{keyFile: &none, oldKeyFile: &none},
		result: importResult{File: old, Journal: to, Redacted: map[string]int{}},
	}
	var err error
	if m.redactor, err = redact.New(redact.Config{}); err != nil {
		t.Fatal(err)
	}
	o, err := m.journalOptions()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.file.Close() })
	imported, err := m.check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.Imported = &imported
	return m, imported, o
}

// importHalf writes the first n records of an import, and dies.
func importHalf(t testing.TB, old, to string, n int) {
	t.Helper()
	m, imported, o := newImporting(t, old, to)
	j, err := journal.Open(t.Context(), to, o)
	if err != nil {
		t.Fatal(err)
	}
	in := &importSource{lines: m.lines(), want: imported}
	enc := payload.NewEncoder(payload.Options{Redactor: m.redactor})
	var b payload.Batch
	for range n {
		if _, err := in.Next(); err != nil {
			t.Fatal(err)
		}
		enc.Append(&b, &in.next)
	}
	if err := j.Append(t.Context(), b.Records(), make([]journal.Receipt, n)); err != nil {
		t.Fatal(err)
	}
	m.file.Close()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// importedIDs counts the records of a journal by id.
func importedIDs(t testing.TB, path string) map[uuid.UUID]int {
	t.Helper()
	r, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ids := map[uuid.UUID]int{}
	for {
		line, err := r.Next()
		if err == io.EOF {
			return ids
		}
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := recordIDOf(line); ok {
			ids[id]++
		}
	}
}

// An import that died goes on where it stopped, whatever others wrote
// meanwhile: each line becomes one record, and one only.
func TestImportGoesOn(t *testing.T) {
	const n = 2500
	old := olderFile(t, n)
	for _, half := range []int{0, 1, 99, 100, 1500, n} {
		newKey(t)
		to := filepath.Join(t.TempDir(), "audit.jsonl")
		importHalf(t, old, to, half)
		auditchain("somebody else's\n", "append", to).must(t, exitDone)
		r := importRun(t, exitDone, old, to)
		if r.There != int64(half) || r.Sealed != int64(n-half) || r.Records != n {
			t.Errorf("behind %d: %d there, %d sealed of %d", half, r.There, r.Sealed, r.Records)
		}
		if half == n != (r.State == stateAlready) {
			t.Errorf("behind %d: state %q", half, r.State)
		}
		ids := importedIDs(t, to)
		if len(ids) != n+1 {
			t.Errorf("behind %d: %d different records, want %d", half, len(ids), n+1)
		}
		for id, times := range ids {
			if times != 1 {
				t.Errorf("behind %d: %s is there %d times", half, id, times)
			}
		}
		mustVerify(t, to, n+1)
	}
}

// The journal's memory of ids does not reach back over a long import: that
// nothing is sealed twice must not hang on it.
func TestImportLongerThanTheRing(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("too long here")
	}
	newKey(t)
	const n = 140_000
	old, to := olderFile(t, n), filepath.Join(t.TempDir(), "audit.jsonl")
	if r := importRun(t, exitDone, old, to); r.Sealed != n {
		t.Fatalf("%d sealed", r.Sealed)
	}
	if r := importRun(t, exitDone, old, to); r.Sealed != 0 || r.There != n {
		t.Errorf("the second time: %d sealed, %d there", r.Sealed, r.There)
	}
	mustVerify(t, to, n)
}

// Records of an import that are missing below others are not imported again
// behind them as if nothing had been.
func TestImportMissesRecords(t *testing.T) {
	newKey(t)
	old, to := olderFile(t, 10), filepath.Join(t.TempDir(), "audit.jsonl")
	importRun(t, exitDone, old, to)
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = tamper(data, "delete", 5); err != nil { // genesis, opened, and the third record
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got := auditchain("", "import", old, to)
	if got.code == exitDone || strings.Contains(got.stderr, "sealed") {
		t.Errorf("exit code %d: %s", got.code, got.stderr)
	}
}

// An id that somebody else used, before the import came to it, hides nothing:
// what is missing below it is said, and where its own turn comes, it is
// refused.
func TestImportIDsOfOthers(t *testing.T) {
	old := olderFile(t, 10)
	for name, tc := range map[string]struct {
		line int64
		code int
		want string
	}{
		"a later line":        {9, exitFailed, "holds the record of line 9 of this import, and not those of all lines before it"},
		"the next line":       {4, exitFailed, "holds another record under the id of that of line 4"},
		"an earlier line":     {2, exitDone, "7 sealed"}, // it was there, and stays the first
		"of no line there is": {1000, exitFailed, "holds the record of line 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			newKey(t)
			to := filepath.Join(t.TempDir(), "audit.jsonl")
			importHalf(t, old, to, 3)
			data, err := os.ReadFile(old)
			if err != nil {
				t.Fatal(err)
			}
			id := importID(sha256.Sum256(data), tc.line)
			entry := fmt.Sprintf(`{"timestamp":"2026-01-02T03:04:05Z","session_id":"x","event":{"type":"y"},"id":"%s"}`, id)
			auditchain(entry+"\n", "append", to)
			got := auditchain("", "import", old, to)
			if got.code != tc.code || !strings.Contains(got.stderr, tc.want) {
				t.Errorf("exit code %d: %s", got.code, got.stderr)
			}
		})
	}
}

// A file that changes between the check and the writing is noticed, and a
// signed line that was changed is not sealed.
func TestImportFileChanges(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"a signed line": func(b []byte) []byte { return bytes.Replace(b, []byte(`"s3"`), []byte(`"s4"`), 1) },
		"a longer file": func(b []byte) []byte { return append(b, '\n') },
		"a cut file":    func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1] },
		"not JSON":      func(b []byte) []byte { return bytes.Replace(b, []byte(`{`), []byte(`(`), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			newKey(t)
			old, to := olderFile(t, 50), filepath.Join(t.TempDir(), "audit.jsonl")
			m, imported, o := newImporting(t, old, to)
			data, err := os.ReadFile(old)
			if err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(old, os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(change(data)); err != nil {
				t.Fatal(err)
			}
			f.Close()
			err = m.seal(t.Context(), to, o, imported, 0)
			if !errors.Is(err, errChanged) || m.result.State == stateImported {
				t.Errorf("%v, state %q; want errChanged", err, m.result.State)
			}
			if name == "a signed line" && len(importedIDs(t, to)) > 3 {
				t.Error("the changed line was sealed")
			}
		})
	}
}

// Two imports of one file do not run at once, nor one beside the program that
// writes the file.
func TestImportLocksTheFile(t *testing.T) {
	newKey(t)
	old := olderFile(t, 3)
	newImporting(t, old, "unused")
	got := auditchain("", "import", old, filepath.Join(t.TempDir(), "audit.jsonl")).must(t, exitFailed)
	if !strings.Contains(got.stderr, "is locked by another program") {
		t.Errorf("stderr: %s", got.stderr)
	}
}

func TestImportInterrupted(t *testing.T) {
	newKey(t)
	old, to := olderFile(t, 3), filepath.Join(t.TempDir(), "audit.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := runContext(ctx, []string{"import", "--json", old, to}, strings.NewReader(""), &stdout, &stderr)
	if code != exitInterrupted || !strings.Contains(stdout.String(), `"state":"interrupted"`) {
		t.Errorf("exit code %d, %s%s", code, stdout.String(), stderr.String())
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("something was written")
	}
}

func TestImportID(t *testing.T) {
	file := integrity.Hash{1, 2, 3}
	seen := map[uuid.UUID]bool{}
	for _, line := range []int64{1, 2, 1 << 16, 1 << 40, 1<<62 - 1} {
		id := importID(file, line)
		if id.Version() != 8 || id.Variant() != uuid.RFC4122 || seen[id] {
			t.Errorf("line %d: %s, version %d, %s", line, id, id.Version(), id.Variant())
		}
		seen[id] = true
		if got, ok := importedLine(file, id); !ok || got != line {
			t.Errorf("line %d comes back as %d, %v", line, got, ok)
		}
		if _, ok := importedLine(integrity.Hash{9}, id); ok {
			t.Errorf("line %d is of another file too", line)
		}
	}
	if _, ok := importedLine(file, uuid.New()); ok {
		t.Error("a random id is of the file")
	}
	// Known, because journals out there hold such ids (docs/SPEC.md, section 9).
	if got := importID(integrity.Hash{}, 258).String(); got != knownImportID {
		t.Errorf("id %s, want %s", got, knownImportID)
	}
}

const knownImportID = "4678e083-aeb3-8758-8000-000000000102"
