// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// The test binary runs itself as a writer and for the scenes, as the program does.
func TestMain(m *testing.M) {
	if writerMode() || sceneMode() {
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// programs is the folder of binaries, or skips.
func programs(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(harness.BinariesVar)
	if dir == "" {
		t.Skip(harness.BinariesVar + " is unset; make test builds the programs and sets it, make torture runs the long form")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, harness.CLI)); err != nil {
		t.Skip(err)
	}
	return dir
}

// The short form of make torture: each fault once.
func TestTorture(t *testing.T) {
	bin := programs(t)
	long := os.Getenv(modeVar) == "long"
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			var progress bytes.Buffer
			// Not t.TempDir, which only its owner may enter: root tries some faults as
			// another user.
			root, err := os.MkdirTemp("", "auditchain-torture-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(root) })
			w, err := newWorld(t.Context(), bin, root, &progress)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := p.run(t.Context(), w, long)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				t.Skip("only in the long form, make torture")
			}
			var table strings.Builder
			if err := writeTable(&table, rows); err != nil {
				t.Fatal(err)
			}
			t.Logf("\n%s", table.String())
			for _, r := range rows {
				if !r.ok() {
					t.Errorf("%s: %s\n%s", r.fault, r.first, progress.String())
				}
			}
			if sum := total(rows); sum.injected == 0 {
				t.Skip(rows[0].verdict())
			}
		})
	}
}

// What has no receipt may be there or not; what has one must be there, once, where the
// receipt says. A test that cannot see a loss proves nothing.
func TestLedger(t *testing.T) {
	const journal = `{"control":"chain.genesis","seq":1}
{"id":"a","seq":2}
{"id":"b","seq":3}
{"id":"b","seq":4}
{"id":"c","seq":5}
{"id":"d","se`
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name             string
		acked            map[string]uint64
		sent             string
		lost, duplicated int
		problems         int
	}{
		{"one stands twice", map[string]uint64{"a": 2, "b": 3}, "abc", 0, 1, 1},
		{"lost", map[string]uint64{"a": 2, "x": 9}, "abcx", 1, 1, 2},
		{"unfinished is lost", map[string]uint64{"d": 6}, "abcd", 1, 1, 2},
		{"in another place", map[string]uint64{"a": 3}, "abc", 1, 1, 2},
		{"never sent", nil, "ab", 0, 1, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger()
			for _, id := range strings.Split(c.sent, "") {
				l.sent[id] = true
			}
			for id, seq := range c.acked {
				l.acked[id] = seq
			}
			var o outcome
			l.compare(&o, path)
			if o.Lost != c.lost || o.Duplicated != c.duplicated || len(o.Problems) != c.problems {
				t.Errorf("lost %d, duplicated %d, problems %q; want %d, %d and %d", o.Lost, o.Duplicated, o.Problems, c.lost, c.duplicated, c.problems)
			}
			r := &row{}
			if r.add(o); r.ok() {
				t.Error("the row is ok")
			}
		})
	}
}

// What stands beyond the end that the next segment names is no part of the chain.
func TestReadChainAbandoned(t *testing.T) {
	dir := t.TempDir()
	kept := `{"control":"chain.genesis","seq":1}` + "\n" + `{"id":"a","seq":2}` + "\n"
	for name, text := range map[string]string{
		"audit-00000000000000000001.jsonl": kept + `{"id":"b","seq":3}` + "\n",
		"audit.jsonl":                      `{"control":"chain.segment","previous":{"seq":2,"size":55},"seq":3}` + "\n" + `{"id":"b","seq":4}` + "\n",
		"audit.jsonl.torn-3":               "not of the chain",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept) != 55 {
		t.Fatalf("the kept part has %d bytes", len(kept))
	}
	chain, err := readChain(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	l := newLedger()
	l.sent["a"], l.sent["b"] = true, true
	l.acked["a"], l.acked["b"] = 2, 4
	if l.compare(&o, filepath.Join(dir, "audit.jsonl")); o.bad() || len(chain) != 4 {
		t.Errorf("%+v, %d lines", o, len(chain))
	}
}

// A trace as strace writes it: threads, calls that are interrupted in the record, and
// what was injected.
func TestReadTrace(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	const text = `10 openat(AT_FDCWD</w>, "/j/audit.jsonl.lock", O_RDWR) = 5</j/audit.jsonl.lock>
11 flock(5</j/audit.jsonl.lock>, LOCK_EX <unfinished ...>
10 openat(AT_FDCWD</w>, "/elsewhere", O_RDWR) = -1 EIO (Input/output error) (INJECTED)
10 pwrite64(8</j/audit.jsonl>, ""..., 1, 0) = -1 EIO (Input/output error) (INJECTED)
11 <... flock resumed>) = -1 EIO (Input/output error) (INJECTED)
10 --- SIGURG {si_signo=SIGURG} ---
11 fsync(8</j>) = 0
11 pwrite64(8</j/audit.jsonl>, ""..., 1, 0) = ?
11 +++ killed by SIGKILL +++
`
	if err := os.WriteFile(trace, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	calls, killed, err := readTrace(trace, "/j")
	if err != nil || !killed || len(calls) != 5 {
		t.Fatalf("%+v, killed %t, %v", calls, killed, err)
	}
	for _, c := range []struct {
		fault fault
		hit   int
		file  string
	}{
		{fault{"flock", "EIO"}, 1, "audit.jsonl.lock"},
		{fault{"pwrite64", "EIO"}, 1, "audit.jsonl"},
		{fault{"pwrite64", "SIGKILL"}, 2, "audit.jsonl"},
		{fault{"fsync", "EIO"}, 0, ""},
	} {
		numbers := hits(calls, killed, c.fault)
		if c.hit == 0 && len(numbers) == 0 {
			continue
		}
		if len(numbers) != 1 || numbers[0] != c.hit || met(calls, c.fault, numbers) != c.file {
			t.Errorf("%s: hit %v, %q", c.fault, numbers, met(calls, c.fault, numbers))
		}
	}
	if calls[3].file != "." {
		t.Errorf("the folder is %q", calls[3].file)
	}
	if n := inThread(calls, "pwrite64", 2); n != 1 {
		t.Errorf("the second write is number %d of its thread", n)
	}
}

// A loss makes the program fail, whatever else is well.
func TestRunFails(t *testing.T) {
	bin := programs(t)
	defer func(before []part) { parts = before }(parts)
	parts = []part{{"lossy", func(context.Context, *world, bool) ([]*row, error) {
		r := &row{fault: "x"}
		r.add(outcome{Hits: 1, Lost: 1, Verdict: "verified"})
		return []*row{{fault: "y"}, r}, nil
	}}}
	t.Setenv("TMPDIR", t.TempDir())
	var out, progress bytes.Buffer
	if ok, err := run(t.Context(), options{bin: bin}, &out, &progress); ok || err != nil {
		t.Errorf("%t, %v\n%s", ok, err, out.String())
	}
	if !strings.Contains(out.String(), "BAD") {
		t.Errorf("the table does not say what is bad:\n%s", out.String())
	}
}
