// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// program is the program as a process of its own.
func program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "auditchain" // see TestMain
	return cmd
}

// mustVerify verifies a journal and checks how many records it has.
func mustVerify(t testing.TB, path string, records int64) {
	t.Helper()
	if v := judged(t, path); v.ExitCode != exitDone || v.Records != records {
		t.Fatalf("%s, %d records, bad %v; want %d records verified", v.Verdict, v.Records, v.Bad, records)
	}
}

// An interrupt ends append with exit code 130: what has a receipt is sealed,
// the journal is closed, and it is said where to go on.
func TestAppendInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no interrupts to send on Windows")
	}
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	cmd := program(t, "append", "--json", path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The input stays open: only the interrupt can end it. Receipts come
	// although the batch is not full.
	receipts := bufio.NewScanner(stdout)
	for i := 1; i <= 3; i++ {
		if _, err := fmt.Fprintf(stdin, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
		if !receipts.Scan() {
			t.Fatalf("no receipt for line %d: %s", i, stderr.String())
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if receipts.Scan() {
		t.Errorf("a receipt for nothing: %s", receipts.Text())
	}
	err = cmd.Wait()
	var ee *exec.ExitError
	if !errors.As(err, &ee) || ee.ExitCode() != exitInterrupted {
		t.Fatalf("ended with %v, want exit code 130: %s", err, stderr.String())
	}
	if !strings.Contains(stderr.String(), "interrupted after line 3") {
		t.Errorf("stderr does not say where to go on: %q", stderr.String())
	}
	mustVerify(t, path, 3)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(`{"control":"chain.closed"`)) {
		t.Error("the journal was not closed")
	}
}

// Four processes append to one journal at once, a thousand lines each: all are
// in it, each process's in order, and the chain holds.
func TestAppendProcesses(t *testing.T) {
	const processes, lines = 4, 1000
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			var in strings.Builder
			for i := range lines {
				fmt.Fprintf(&in, "%d/%d\n", p, i)
			}
			cmd := program(t, "append", "--fsync", "never", "--json", path)
			// In small pieces, so that there are many commits.
			cmd.Stdin = iotest.HalfReader(iotest.HalfReader(strings.NewReader(in.String())))
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("process %d: %v", p, err)
			}
			if n := bytes.Count(out, []byte(`"duplicate":false}`)); n != lines {
				t.Errorf("process %d has %d receipts", p, n)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	mustVerify(t, path, processes*lines)
	next := [processes]int{}
	for _, l := range strings.Split(strings.TrimSpace(auditchain("", "query", "-o", "json", path).must(t, exitDone).stdout), "\n") {
		var rec struct{ Body string }
		if err := json.Unmarshal([]byte(l), &rec); err != nil {
			t.Fatal(err)
		}
		var p, i int
		if _, err := fmt.Sscanf(rec.Body, "%d/%d", &p, &i); err != nil || i != next[p] {
			t.Fatalf("%q is not line %d of its process (%v)", rec.Body, next[p], err)
		}
		next[p]++
	}
}

// A line of 20 MB is sealed; one that is too long is not, says so in the
// journal, and takes nothing else along.
func TestAppendLongLines(t *testing.T) {
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	long := `{"text":"` + strings.Repeat("long ", 4<<20) + `"}`
	in := io.MultiReader(
		strings.NewReader("before\n"+long+"\nbetween\n"),
		io.LimitReader(endless('x'), maxLine+1),
		strings.NewReader("\nafter\n"),
	)
	r := auditchainFrom(in, "append", "--fsync", "never", "--json", path).must(t, exitIncomplete)
	receipts := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if len(receipts) != 5 {
		t.Fatalf("%d receipts for 5 lines", len(receipts))
	}
	want := fmt.Sprintf(`{"line":4,"error":"%d bytes, longer than %d"}`, maxLine+1, maxLine)
	if receipts[3] != want {
		t.Errorf("receipt %s, want %s", receipts[3], want)
	}
	mustVerify(t, path, 5)
	out := auditchain("", "query", "-o", "json", path).must(t, exitDone).stdout
	if !strings.Contains(out, `"body":`+long+`,"body_form":"json"`) {
		t.Error("the line of 20 MB is not in the journal")
	}
	out = auditchain("", "query", "--type", "rejected", "-o", "json", path).must(t, exitDone).stdout
	if want := fmt.Sprintf(`"event":{"type":"rejected","reason":"too_large","bytes":%d}`, maxLine+1); !strings.Contains(out, want) {
		t.Errorf("no %s in %q", want, out)
	}
}

// A line that is not too long to be read may be too long to be sealed.
func TestAppendLineThatGrows(t *testing.T) {
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	in := io.MultiReader(strings.NewReader("before\n"), io.LimitReader(endless(1), maxLine/2), strings.NewReader("\nafter\n"))
	r := auditchainFrom(in, "append", "--fsync", "never", "--json", path).must(t, exitIncomplete)
	if !strings.Contains(r.stdout, fmt.Sprintf(`{"line":2,"error":"%d bytes, and as a record more than %d"}`, maxLine/2, journal.MaxRecordBytes)) {
		t.Errorf("receipts %q", r.stdout)
	}
	mustVerify(t, path, 3)
	out := auditchain("", "query", "--type", "rejected", "-o", "json", path).must(t, exitDone).stdout
	var rec struct {
		Event struct{ Bytes int64 }
	}
	// Six bytes for each, and the members around it.
	if err := json.Unmarshal([]byte(out), &rec); err != nil || rec.Event.Bytes < maxLine/2*6 || rec.Event.Bytes > maxLine/2*6+1000 {
		t.Errorf("%d bytes (%v), want that of the record, in %s", rec.Event.Bytes, err, out)
	}
}

// What says in the journal that a line was refused, nobody else can write; and
// of a line that nobody held it says whose it was.
func TestAppendRejectedIsReserved(t *testing.T) {
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for _, name := range []string{"rejected", "audit.rejected"} {
		r := auditchain("x\n", "append", "--type", name, path).must(t, exitUsage)
		if !strings.Contains(r.stderr, name) {
			t.Errorf("--type %s: stderr %q", name, r.stderr)
		}
	}
	in := io.MultiReader(io.LimitReader(endless('x'), maxLine+1), strings.NewReader("\nafter\n"))
	auditchainFrom(in, "append", "--fsync", "never", "--session", "s9", "--provider", "gcp", path).must(t, exitIncomplete)
	out := auditchain("", "query", "--session", "s9", "--type", "rejected", "-o", "json", path).must(t, exitDone).stdout
	if want := fmt.Sprintf(`"session_id":"s9","provider":"gcp","event":{"type":"rejected","reason":"too_large","bytes":%d}`, maxLine+1); !strings.Contains(out, want) {
		t.Errorf("no %s in %q", want, out)
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// An input that breaks is an error that says how far it was read, and what was
// read is sealed.
func TestAppendBrokenInput(t *testing.T) {
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	in := io.MultiReader(strings.NewReader("one\ntwo\n"), iotest.ErrReader(errors.New("cable cut")))
	r := auditchainFrom(in, "append", path).must(t, exitFailed)
	if want := "standard input, after line 2: cable cut; what was read is sealed"; !strings.Contains(r.stderr, want) {
		t.Errorf("stderr %q, want %q", r.stderr, want)
	}
	mustVerify(t, path, 2)
}

// A journal that is taken away under the writer's hands is gone on with: the
// lines are sealed behind a break, and standard error says so.
func TestAppendJournalTakenAway(t *testing.T) {
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	w := startAppend(t, path)
	w.line(t, "one")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	w.line(t, "two")
	w.line(t, "three")
	if code := w.end(); code != exitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	if n := strings.Count(w.stderr.String(), "journal: "); n != 1 || !strings.Contains(w.stderr.String(), "chain.break says so for ever") {
		t.Errorf("stderr %q", w.stderr.String())
	}
	if v := judged(t, path); v.ExitCode != exitTampered || len(v.Breaks) != 1 || v.Breaks[0].Found != integrity.BreakMissing {
		t.Errorf("%s, breaks %+v", v.Verdict, v.Breaks)
	}
	// Put back under the name that it should have, everything is proven.
	if err := os.Rename(path+".away", strings.TrimSuffix(path, ".jsonl")+"-00000000000000000001.jsonl"); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, path, 3)
}

// Another chain in the journal's place: exit code 1, and every line without a
// receipt is told.
func TestAppendReplacedJournal(t *testing.T) {
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	w := startAppend(t, path)
	w.line(t, "one")
	next := filepath.Join(t.TempDir(), "next.key")
	auditchain("", "key", "new", "--verification-key-out", filepath.Join(t.TempDir(), "next.verify"), next).must(t, exitDone)
	auditchain("", "recover", "--new-chain", "a test", "--new-key-file", next, path).must(t, exitDone)
	if _, err := io.WriteString(w.in, "two\nthree\n"); err != nil {
		t.Fatal(err)
	}
	_ = w.in.Close()
	var rest []string
	for w.receipts.Scan() {
		rest = append(rest, w.receipts.Text())
	}
	if code := <-w.done; code != exitFailed {
		t.Errorf("exit code %d, want 1", code)
	}
	const why = `"error":"not acknowledged: the journal could not be written"}`
	want := []string{`{"line":2,` + why, `{"line":3,` + why}
	if d := cmp.Diff(want, rest); d != "" {
		t.Error(d)
	}
	if s := w.stderr.String(); !strings.Contains(s, "lines 2 to 3 are not acknowledged") || !strings.Contains(s, "replaced by another one") {
		t.Errorf("stderr %q", s)
	}
	mustVerify(t, path, 0)
}

// writer is an append that gets its lines one by one.
type writer struct {
	in       *io.PipeWriter
	receipts *bufio.Scanner
	stderr   bytes.Buffer // to be read after done
	done     chan int
}

func startAppend(t testing.TB, path string, flags ...string) *writer {
	t.Helper()
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	w := &writer{in: in, receipts: bufio.NewScanner(out), done: make(chan int, 1)}
	go func() {
		args := append(append([]string{"append", "--json"}, flags...), path)
		code := runContext(context.Background(), args, stdin, stdout, &w.stderr)
		_ = stdout.Close()
		w.done <- code
	}()
	return w
}

// line sends a line, and waits for its receipt.
func (w *writer) line(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(w.in, text+"\n"); err != nil {
		t.Fatal(err)
	}
	if !w.receipts.Scan() || !strings.Contains(w.receipts.Text(), `"seq":`) {
		t.Fatalf("the receipt for %q is %q (%v)", text, w.receipts.Text(), w.receipts.Err())
	}
}

// end ends the input, and returns the exit code.
func (w *writer) end() int {
	_ = w.in.Close()
	return <-w.done
}

// Receipts that cannot be printed are an error, not a silence.
func TestAppendFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full: ", err)
	}
	defer full.Close()
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for _, args := range [][]string{{"append", "--json", path}, {"verify", path}, {"query", path}, {"redact"}, {"version"}, {"key", "id"}} {
		var stderr bytes.Buffer
		if code := runContext(t.Context(), args, strings.NewReader("one\n"), full, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "standard output") {
			t.Errorf("%v: exit code %d, stderr %q", args, code, stderr.String())
		}
	}
}

// What append makes of a line.
func TestRecordOf(t *testing.T) {
	newKey(t)
	const entry = `{"timestamp":"2026-01-02T03:04:05Z","session_id":"s","provider":"gcp","event":`
	cases := []struct{ name, line, want string }{
		{"entry", entry + `{"type":"x","n":1,"f":1.5,"l":["a",2,null,{"b":true}],"e":[]}}`, `"session_id":"s","provider":"gcp","event":{"type":"x","n":1,"f":1.5,"l":["a",2,null,{"b":true}],"e":[]},"id"`},
		{"entry in another order", `{"event":{"n":1,"type":"x"},"provider":"gcp","session_id":"s","timestamp":"2026-01-02T03:04:05+02:00"}`, `{"timestamp":"2026-01-02T01:04:05.000000000Z","session_id":"s","provider":"gcp","event":{"type":"x","n":1},"id"`},
		{"entry with spaces", "\t" + entry + ` { "type" : "x" } } `, `"event":{"type":"x"},"id"`},
		{"entry with an id", strings.Replace(entry, `{`, `{"id":"0190f5a0-7f6d-7000-8000-000000000002",`, 1) + `{"type":"x"}}`, `"event":{"type":"x"},"id":"0190f5a0-7f6d-7000-8000-000000000002"`},
		{"number that no double holds", entry + `{"type":"x","n":0.1234567890123456789}}`, `"body":` + entry + `{"type":"x","n":0.1234567890123456789}}`},
		{"integer that no int64 holds", entry + `{"type":"x","n":9223372036854775808}}`, `"body":` + entry},
		{"lone surrogate", entry + `{"type":"x","s":"\ud800"}}`, `"body":"{\"timestamp\"`},
		{"field twice", entry + `{"type":"x","a":1,"a":2}}`, `"body":"{\"timestamp\"`},
		{"no type", entry + `{"a":1}}`, `"body":` + entry},
		{"event is no object", entry + `"x"}`, `"body":` + entry},
		{"time of no time", `{"timestamp":"yesterday","session_id":"s","event":{"type":"x"}}`, `"event":{"type":"log"}`},
		{"time before 1970", `{"timestamp":"1969-12-31T23:59:59Z","session_id":"s","event":{"type":"x"}}`, `"body":{"timestamp":"1969-12-31T23:59:59Z"`},
		{"session is no text", `{"timestamp":"2026-01-02T03:04:05Z","session_id":7,"event":{"type":"x"}}`, `"body":{"timestamp"`},
		{"eventTime before timestamp", `{"timestamp":"2024-01-01T00:00:00Z","eventTime":"2025-01-01T00:00:00Z"}`, `{"timestamp":"2025-01-01T00:00:00.000000000Z"`},
		{"timestamp before time", `{"time":"2024-01-01T00:00:00Z","timestamp":"2025-01-01T00:00:00.5Z"}`, `{"timestamp":"2025-01-01T00:00:00.500000000Z"`},
		{"time, others are none", `{"eventTime":12,"timestamp":null,"time":"2025-01-01T00:00:00Z"}`, `{"timestamp":"2025-01-01T00:00:00.000000000Z"`},
		{"nested time does not count", `{"a":{"time":"2025-01-01T00:00:00Z"}}`, `"filled":["timestamp","id"]`},
		{"JSON number", `12`, `"body":"12"`},
		{"JSON string", `"text"`, `"body":"\"text\""`},
	}
	var in strings.Builder
	for _, tc := range cases {
		in.WriteString(tc.line + "\n")
	}
	_, data := sealed(t, in.String())
	lines := strings.Split(string(data), "\n")[2:] // behind genesis and opened
	for i, tc := range cases {
		if !strings.Contains(lines[i], tc.want) {
			t.Errorf("%s: %s became\n%s\nwhich has no\n%s", tc.name, tc.line, lines[i], tc.want)
		}
	}
}

// A receipt is the line's place, tag and leaf, as they stand in the file.
func TestReceiptsAreTrue(t *testing.T) {
	newKey(t)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	r := auditchain("one\n{\"two\":2}\n\nthree\n", "append", "--json", path).must(t, exitDone)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(data, []byte("\n"))
	want := map[int]int{1: 3, 2: 4, 4: 5}
	for _, text := range strings.Split(strings.TrimSpace(r.stdout), "\n") {
		var receipt struct {
			Line, Seq  int
			Hmac, Leaf integrity.Hash
			ID         string
			Duplicate  *bool
		}
		if err := json.Unmarshal([]byte(text), &receipt); err != nil {
			t.Fatal(err)
		}
		if want[receipt.Line] != receipt.Seq || receipt.Duplicate == nil {
			t.Fatalf("receipt %s", text)
		}
		delete(want, receipt.Line)
		l, err := integrity.ParseLine(lines[receipt.Seq-1])
		if err != nil {
			t.Fatal(err)
		}
		if l.MAC != receipt.Hmac || integrity.Leaf(l.Payload) != receipt.Leaf || !bytes.Contains(l.Payload, []byte(receipt.ID)) {
			t.Errorf("receipt %s is not that of %s", text, l.Payload)
		}
	}
	if len(want) > 0 {
		t.Errorf("no receipt for the lines %v", want)
	}
}
