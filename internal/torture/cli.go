// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

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
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// patience bounds a run that hangs, which is a finding. Nothing is expected to need
// it: a writer waits 10 s for a lock at most.
const patience = time.Minute

// world is what the tests share: the program, a key, and a folder of their own.
type world struct {
	bin  string // folder of the programs
	root string
	key  string // a static one, for all journals without keys of their own
	keys string // folder of the keys that a journal of its own keys begins with
	help string // of auditchain append: which flags it has
	// stage is in the names of the stages that are wanted.
	stage string
	next  atomic.Int64

	mu       sync.Mutex
	progress io.Writer // guarded by mu
}

func newWorld(ctx context.Context, bin, root string, progress io.Writer) (*world, error) {
	w := &world{bin: bin, root: root, key: filepath.Join(root, "audit.key"), keys: filepath.Join(root, "keys"), progress: progress}
	if _, err := os.Stat(w.cli()); err != nil {
		return nil, fmt.Errorf("%w: build it with: make cli", err)
	}
	// Static: one key for all journals, which a forward-secure one cannot be that of.
	if res := w.run(ctx, "key", "new", "--static", w.key); res.Code != 0 {
		return nil, fmt.Errorf("key new: exit code %d: %s", res.Code, res.Stderr)
	}
	if err := w.makeKeys(ctx); err != nil {
		return nil, err
	}
	w.help = w.run(ctx, "append", "--help").Stdout
	return w, nil
}

// rotation are the flags that make append begin a new file at that size, and compress
// the finished ones; none where it has no such flags.
func (w *world) rotation(size string, compress bool) []string {
	if !strings.Contains(w.help, "--max-size ") {
		return nil
	}
	flags := []string{"--max-size", size}
	if compress && strings.Contains(w.help, "--compress ") {
		flags = append(flags, "--compress")
	}
	return flags
}

func (w *world) cli() string { return filepath.Join(w.bin, harness.CLI) }

func (w *world) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(w.progress, format+"\n", args...)
}

// journal makes a new folder and names a journal in it.
func (w *world) journal(name string) (string, error) {
	dir := filepath.Join(w.root, fmt.Sprintf("%s-%d", name, w.next.Add(1)))
	return filepath.Join(dir, "audit.jsonl"), os.Mkdir(dir, 0o700)
}

func (w *world) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "AUDITCHAIN_KEY_FILE="+w.key, "NO_COLOR=1")
	// A group of its own, so that what strace started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}

// run runs auditchain to its end. What kept it from running stands in Stderr, with
// the exit code -1.
func (w *world) run(ctx context.Context, args ...string) harness.Result {
	return result(harness.Run(w.command(ctx, w.cli(), args...)))
}

func result(res harness.Result, err error) harness.Result {
	if err != nil {
		res.Code, res.Stderr = -1, err.Error()
	}
	return res
}

// entry is a line for auditchain append.
type entry struct{ id, text string }

func newEntry(id string, size int) entry {
	return entry{id, fmt.Sprintf(`{"timestamp":"2026-11-23T10:15:00.000000000Z","session_id":"torture","provider":"aws","event":{"type":"tested","text":%q},"id":%q}`+"\n", strings.Repeat("x", size), id)}
}

// entries are n short lines with ids that are told by their prefix and number.
func entries(prefix, n int) []entry { return entriesOf(prefix, n, 20) }

// entriesOf are such lines with a text of size bytes.
func entriesOf(prefix, n, size int) []entry {
	es := make([]entry, n)
	for i := range es {
		es[i] = newEntry(fmt.Sprintf("%08x-0000-4000-8000-%012x", prefix, i), size)
	}
	return es
}

// ack is a receipt.
type ack struct {
	id  string
	seq uint64
}

// session is what one process was given and what it said.
type session struct {
	sent   []entry
	acked  []ack
	code   int // of the process; -1 when a signal ended it
	stderr string
	err    error // it could not be run, or said what it must not say
}

// unacked are the entries without a receipt, in their order.
func (s session) unacked() []entry {
	got := map[string]bool{}
	for _, a := range s.acked {
		got[a.id] = true
	}
	var out []entry
	for _, e := range s.sent {
		if !got[e.id] {
			out = append(out, e)
		}
	}
	return out
}

// sealed reports whether the process ended well and all its records have a receipt.
func (s session) sealed() bool { return s.err == nil && s.code == 0 && len(s.unacked()) == 0 }

func (s session) String() string {
	text := fmt.Sprintf("exit code %d, %d of %d records without a receipt", s.code, len(s.unacked()), len(s.sent))
	if s.err != nil {
		text += ", " + s.err.Error()
	}
	if said := strings.TrimSpace(s.stderr); said != "" {
		text += ": " + said
	}
	return text
}

// append runs auditchain append, under prefix (strace and its arguments), and gives
// it the pieces one after the other: the next one once the receipts of the one
// before are there, so that each piece is a commit.
func (w *world) append(ctx context.Context, prefix []string, path string, pieces [][]entry, flags ...string) session {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := append(append(append([]string{}, prefix...), w.cli(), "append", "--json"), keyFlags(path)...)
	args = append(append(args, flags...), path)
	cmd := w.command(ctx, args[0], args[1:]...)
	cmd.Env = append(cmd.Env, "AUDITCHAIN_KEY_FILE="+w.keyOf(path))
	// One processor and no collector: as few threads as can be, see tracing.
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1", "GOGC=off")
	in, feed, err := pollablePipe()
	if err != nil {
		return session{err: err}
	}
	defer feed.Close()
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = in, &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		in.Close()
		return session{err: err}
	}
	err = cmd.Start()
	in.Close()
	if err != nil {
		return session{err: err}
	}
	var s session
	var feeding sync.WaitGroup
	receipts := bufio.NewReader(out)
	for _, piece := range pieces {
		s.sent = append(s.sent, piece...)
		var text strings.Builder
		for _, e := range piece {
			text.WriteString(e.text)
		}
		// Beside the reading: a pipe is full soon. A write that fails means that the
		// process has ended; its exit code says the rest.
		feeding.Go(func() { _, _ = io.WriteString(feed, text.String()) })
		if !s.receive(receipts, len(piece)) {
			break
		}
		feeding.Wait()
	}
	if s.err != nil {
		cancel()
	}
	feeding.Wait()
	feed.Close()
	for s.err == nil && s.receive(receipts, 1) {
	}
	err = cmd.Wait()
	s.stderr, s.code = stderr.String(), cmd.ProcessState.ExitCode()
	var exit *exec.ExitError
	if s.err == nil && err != nil && !errors.As(err, &exit) {
		s.err = err
	}
	if s.err == nil && ctx.Err() != nil {
		s.err = fmt.Errorf("append hung: %w", context.Cause(ctx))
	}
	return s
}

// pollablePipe is a pipe whose reading end does not block. A Go program polls it
// then, instead of leaving a thread in read(2): so that it gets by with fewer threads.
func pollablePipe() (r, w *os.File, err error) {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		return nil, nil, err
	}
	// NewFile must not see that it does not block, or it would block for the child.
	r, w = os.NewFile(uintptr(p[0]), "stdin"), os.NewFile(uintptr(p[1]), "feed")
	return r, w, syscall.SetNonblock(p[0], true)
}

// receive reads n receipts; false when there are no more.
func (s *session) receive(in *bufio.Reader, n int) bool {
	for range n {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return false // what a kill cut is no receipt
		}
		if err := s.receipt(text); err != nil {
			s.err = err
			return false
		}
	}
	return true
}

func (s *session) receipt(text []byte) error {
	var r struct {
		Line  int    `json:"line"`
		ID    string `json:"id"`
		Seq   uint64 `json:"seq"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("receipt %q: %w", text, err)
	}
	switch {
	case r.Error != "":
	case r.Line < 1 || r.Line > len(s.sent) || s.sent[r.Line-1].id != r.ID:
		return fmt.Errorf("receipt %q is not that of line %d", text, r.Line)
	case r.Seq == 0:
		return fmt.Errorf("receipt %q has no seq", text)
	default:
		s.acked = append(s.acked, ack{r.ID, r.Seq})
	}
	return nil
}
