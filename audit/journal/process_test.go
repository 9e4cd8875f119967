// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// The test binary runs itself as a writer of its own process.
const writerEnv = "AUDITCHAIN_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		if err := runWriter(path, os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// runWriter appends n records and prints each id once it is acknowledged;
// n < 0 means until it is killed.
func runWriter(path, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	key, err := integrity.NewKey(bytes.Repeat([]byte{'k'}, 32))
	if err != nil {
		return err
	}
	j, err := journal.Open(context.Background(), path, journal.Options{Key: key})
	if err != nil {
		return err
	}
	rc := make([]journal.Receipt, 1)
	for i := 0; i != n; i++ {
		rec := record(uuid.New(), fmt.Sprint("record ", i))
		if err := j.Append(context.Background(), []journal.Record{rec}, rc); err != nil {
			return err
		}
		if rc[0].Err != nil {
			return rc[0].Err
		}
		fmt.Println(rc[0].Seq, rc[0].ID)
	}
	return j.Close()
}

func writer(t *testing.T, path string, n int) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, strconv.Itoa(n))
	cmd.Env = append(os.Environ(), writerEnv+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// acknowledged reads what a writer printed: seq by id.
func acknowledged(t *testing.T, out []byte, into map[string]uint64) {
	t.Helper()
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		seq, id, ok := strings.Cut(sc.Text(), " ")
		if !ok || len(id) != 36 {
			continue // a line that the kill cut
		}
		n, err := strconv.ParseUint(seq, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if _, dup := into[id]; dup {
			t.Errorf("%s acknowledged twice", id)
		}
		into[id] = n
	}
}

// inFile reads the journal: seq by id.
func inFile(t *testing.T, path string) map[string]uint64 {
	t.Helper()
	r, err := journal.NewReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	found := map[string]uint64{}
	for {
		l, err := r.Next()
		if err != nil {
			return found
		}
		if _, rest, ok := strings.Cut(string(l.Payload), `"id":"`); ok && l.Kind == integrity.Record {
			if _, dup := found[rest[:36]]; dup {
				t.Errorf("%s stands twice in the file", rest[:36])
			}
			found[rest[:36]] = l.Seq
		}
	}
}

func TestFourProcessesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	const writers, each = 4, 50
	var cmds []*exec.Cmd
	var outs []*bytes.Buffer
	for range writers {
		cmd, out := writer(t, path, each), &bytes.Buffer{}
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds, outs = append(cmds, cmd), append(outs, out)
	}
	got := map[string]uint64{}
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		acknowledged(t, outs[i].Bytes(), got)
	}
	if len(got) != writers*each {
		t.Fatalf("%d acknowledged, want %d", len(got), writers*each)
	}
	r := verify(t, path)
	wantVerdict(t, r, integrity.Verified)
	if r.Records != writers*each || r.LastSeq != 1+writers*each+2*writers {
		t.Errorf("%d records, last seq %d", r.Records, r.LastSeq)
	}
	for id, seq := range inFile(t, path) {
		if got[id] != seq {
			t.Errorf("%s stands at seq %d, its receipt said %d", id, seq, got[id])
		}
	}
}

// running is a writer that works until it is killed.
type running struct {
	cmd            *exec.Cmd
	out            bytes.Buffer // what it printed; to be read after ended
	reached, ended chan struct{}
}

// start starts a writer; reached is closed once it acknowledged n records.
func start(t *testing.T, path string, n int) *running {
	t.Helper()
	w := &running{cmd: writer(t, path, -1), reached: make(chan struct{}), ended: make(chan struct{})}
	pipe, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.cmd.Process.Kill() })
	go func() {
		defer close(w.ended)
		in := bufio.NewReader(pipe)
		for lines := 1; ; lines++ {
			line, err := in.ReadBytes('\n')
			w.out.Write(line)
			if lines == n || err != nil && lines < n {
				close(w.reached)
			}
			if err != nil {
				return
			}
		}
	}()
	return w
}

// Writers are killed in the middle of their work; after each round every
// acknowledged record is there once, and the journal goes on.
func TestKilledWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	got := map[string]uint64{}
	for round := range rounds {
		a, b := start(t, path, 5+7*round), start(t, path, 8+7*round)
		<-a.reached
		<-b.reached
		for _, w := range []*running{a, b} {
			if err := w.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		for _, w := range []*running{a, b} {
			<-w.ended
			_ = w.cmd.Wait() // it was killed
			acknowledged(t, w.out.Bytes(), got)
		}
		r := verify(t, path)
		if r.Verdict != integrity.Verified && r.Verdict != integrity.VerifiedCrashTail {
			t.Fatalf("round %d: %s %v", round, r.Verdict, r.First())
		}
		found := inFile(t, path)
		for id, seq := range got {
			if found[id] != seq {
				t.Fatalf("round %d: %s was acknowledged at seq %d and stands at %d", round, id, seq, found[id])
			}
		}
	}
	j := open(t, path)
	appendOne(t, j, record(uuid.New(), "after"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, verify(t, path), integrity.Verified)
}
