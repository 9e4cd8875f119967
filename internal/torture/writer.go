// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/google/uuid"
)

// This program runs itself as a writer that never ends by itself: auditchain append
// stops at the first error, a service that uses the journal does not.
//
// It reads commands, a line each, and answers each with a line:
//
//	append ID SIZE   ok SEQ | error RETRYABLE MESSAGE
//	nofile N         ok 0: so many file descriptors may be open; 0 for as many as before
//	user N           ok 0: from now on it acts as that user
//	close            ok 0 | error …
const writerVar = "AUDITCHAIN_TORTURE_WRITER"

// writerMode serves when this process was started as a writer.
func writerMode() bool {
	path := os.Getenv(writerVar)
	if path == "" {
		return false
	}
	opts, err := writerOptions(os.Getenv("AUDITCHAIN_KEY_FILE"))
	if err == nil {
		err = serve(path, opts, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// service is the writer of a service: it opens the journal when it can, and keeps it.
type service struct {
	path  string
	opts  journal.Options
	limit syscall.Rlimit
	j     *journal.Journal
}

// writerOptions are those of a writer with the key in a file, and with what
// stands beside it: as keyFlags.
func writerOptions(key string) (o journal.Options, err error) {
	if o.Key, err = keyfile.Load(keyfile.Source{File: key}); err != nil || !o.Key.Forward() {
		return o, err
	}
	o.Key, o.Keys, o.Epoch = integrity.Key{}, &keyfile.Store{Path: key}, journal.Epoch{Every: -1, Records: 20}
	o.Checkpoint = journal.Checkpoint{Records: 6, Every: -1}
	o.Checkpoint.Signer, err = keyfile.LoadSigning(key+keyfile.CheckpointSuffix, integrity.KindCheckpoint)
	return o, err
}

func serve(path string, opts journal.Options, in io.Reader, out io.Writer) (err error) {
	s := &service{path: path, opts: opts}
	if size := os.Getenv(maxSizeVar); size != "" {
		if s.opts.Rotation.MaxSize, err = strconv.ParseInt(size, 10, 64); err != nil {
			return err
		}
	}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &s.limit); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		answer := "ok 0"
		seq, err := s.do(strings.Fields(lines.Text()))
		switch {
		case err != nil:
			answer = fmt.Sprintf("error %t %s", journal.Retryable(err), strings.ReplaceAll(err.Error(), "\n", "; "))
		case seq > 0:
			answer = fmt.Sprintf("ok %d", seq)
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return nil
}

// maxSizeVar is the size at which the writer begins a new file.
const maxSizeVar = "AUDITCHAIN_TORTURE_MAX_SIZE"

func (s *service) do(words []string) (seq uint64, err error) {
	var n int
	if len(words) > 1 {
		if n, err = strconv.Atoi(words[len(words)-1]); err != nil {
			return 0, err
		}
	}
	switch {
	case len(words) == 3 && words[0] == "append":
		return s.append(words[1], n)
	case len(words) == 2 && words[0] == "nofile":
		limit := s.limit
		if n > 0 {
			limit.Cur = uint64(n)
		}
		return 0, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	case len(words) == 2 && words[0] == "user":
		return 0, syscall.Setreuid(-1, n)
	case len(words) == 1 && words[0] == "close" && s.j != nil:
		return 0, s.j.Close()
	}
	return 0, fmt.Errorf("command %q is not known here", words)
}

func (s *service) append(id string, size int) (seq uint64, err error) {
	rec, err := record(id, size)
	if err != nil {
		return 0, err
	}
	if s.j == nil {
		if s.j, err = journal.Open(context.Background(), s.path, s.opts); err != nil {
			return 0, err
		}
	}
	rc := make([]journal.Receipt, 1)
	if err := s.j.Append(context.Background(), []journal.Record{rec}, rc); err != nil {
		return 0, err
	}
	return rc[0].Seq, rc[0].Err
}

// record is a record as package payload would encode it.
func record(id string, size int) (journal.Record, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return journal.Record{}, err
	}
	payload := fmt.Appendf(nil, `{"timestamp":"2026-11-23T10:15:00.000000000Z","session_id":"torture","event":{"type":"log"},"event_name":"","id":%q,"body":%q`, id, strings.Repeat("x", size))
	to := len(payload)
	payload = append(payload, `,"blind":"0000000000000000000000"`...)
	return journal.Record{Payload: payload, Leaf: integrity.Leaf(payload), ID: u, Idempotent: true, ContentTo: to}, nil
}

// helper is such a writer, seen from outside.
type helper struct {
	o      *outcome
	l      *ledger
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
	made   int
	prefix int
}

// startHelper starts a writer of the journal at path. maxSize makes it begin new files.
func (w *world) startHelper(ctx context.Context, o *outcome, path string, maxSize int) (*helper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &helper{o: o, l: newLedger(), cmd: w.command(ctx, self), prefix: 0x200}
	h.cmd.Env = append(h.cmd.Env, writerVar+"="+path, "AUDITCHAIN_KEY_FILE="+w.keyOf(path))
	if maxSize > 0 {
		h.cmd.Env = append(h.cmd.Env, fmt.Sprintf("%s=%d", maxSizeVar, maxSize))
	}
	h.cmd.Stderr = &h.stderr
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewReader(out)
	return h, h.cmd.Start()
}

// errRefused is an answer that says no.
var errRefused = errors.New("refused")

// ask gives a command and returns the number of the answer.
func (h *helper) ask(format string, args ...any) (n uint64, err error) {
	if _, err := fmt.Fprintf(h.in, format+"\n", args...); err != nil {
		return 0, fmt.Errorf("the writer has ended: %w", err)
	}
	text, err := h.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("the writer has ended: %w: %s", err, h.stderr.String())
	}
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, "ok "); ok {
		return strconv.ParseUint(rest, 10, 64)
	}
	if why, ok := strings.CutPrefix(text, "error true "); ok {
		return 0, fmt.Errorf("%w: %s", errRefused, why)
	}
	return 0, fmt.Errorf("not retryable: %s", text)
}

// fresh is a new record.
func (h *helper) fresh() string {
	h.made++
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", h.prefix, h.made)
	h.l.sent[id] = true
	return id
}

// try sends a record once. The error is errRefused when it may be tried again; any
// other is a problem, and noted.
func (h *helper) try(id string, size int) error {
	seq, err := h.ask("append %s %d", id, size)
	switch {
	case err == nil:
		h.l.merge(h.o, session{acked: []ack{{id, seq}}})
	case !errors.Is(err, errRefused):
		h.o.problem("append: %v", err)
	}
	return err
}

// must insists that a record is sealed: nothing is in its way.
func (h *helper) must(when, id string, size int) bool {
	var err error
	// One try may be what it takes to find out that something was broken.
	for range 3 {
		if err = h.try(id, size); err == nil {
			return true
		}
	}
	h.o.problem("%s, the same process cannot go on: %v", when, err)
	return false
}

// end closes the journal, and looks everything up.
func (h *helper) end(ctx context.Context, w *world, path string) {
	if _, err := h.ask("close"); err != nil && len(h.o.Problems) == 0 {
		h.o.problem("close: %v", err)
	}
	h.in.Close()
	if err := h.cmd.Wait(); err != nil {
		h.o.problem("the writer: %v: %s", err, h.stderr.String())
	}
	w.giveAway(h.o, path, "")
	w.verify(ctx, h.o, path, false)
	h.l.compare(h.o, path)
}
