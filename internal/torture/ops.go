// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// operation is a command other than append that is tortured.
type operation struct {
	args []string // of auditchain; before the journal
	// redo says that the same command is to be run again after a fault, until it
	// has removed the file that incoming names.
	redo, incoming string
	// writers: those who append go on without it, too.
	writers bool
	// erases are the lines that it erases.
	erases []uint64
	// gives: what it prints is a checkpoint.
	gives bool
}

// command is the command line of op for the journal at path.
func (op *operation) command(path string) []string {
	var args []string
	for _, a := range op.args {
		args = append(args, strings.ReplaceAll(a, "{dir}", filepath.Dir(path)))
	}
	return append(args, path)
}

// perform runs op under prefix (strace and its arguments).
func (w *world) perform(ctx context.Context, o *outcome, prefix []string, path string, op *operation) session {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := slices.Concat(prefix, []string{w.cli()}, op.command(path))
	cmd := w.command(ctx, args[0], args[1:]...)
	cmd.Env = append(cmd.Env, "AUDITCHAIN_KEY_FILE="+w.keyOf(path), "GOMAXPROCS=1", "GOGC=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var s session
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.err = err
		return s
	}
	s.code, s.stderr = cmd.ProcessState.ExitCode(), stderr.String()
	if ctx.Err() != nil {
		s.err = fmt.Errorf("%q hung: %w", op.args[0], context.Cause(ctx))
	}
	if op.gives && s.code == 0 {
		w.giveAway(o, path, stdout.String())
	}
	return s
}

// inUse is what key rotate says of a key that took its place before the fault.
const inUse = "that is complete: remove"

// redo is what a person does after a fault: the same once more, as long as what
// it was to use is still there, and what it says then.
func (m *matrix) redo(ctx context.Context, o *outcome, path string, op *operation, code int) {
	if code == 0 || !exists(beside(path, op.incoming)) {
		return
	}
	s := m.w.perform(ctx, o, nil, path, op)
	switch {
	case s.code == 0 && s.err == nil:
	case s.code == 1 && strings.Contains(s.stderr, inUse):
		if err := os.Remove(beside(path, op.incoming)); err != nil {
			o.problem("%v", err)
		}
	default:
		o.problem("%q once more: %s", op.redo, s)
	}
	if exists(beside(path, op.incoming)) {
		o.problem("%q once more: %q is still there", op.redo, op.incoming)
	}
}

// keyedStages are those of journals with keys of their own.
func (w *world) keyedStages(ctx context.Context) ([]*stage, error) {
	fresh, err := w.keyed("template")
	if err != nil {
		return nil, err
	}
	template, err := w.keyed("template")
	if err != nil {
		return nil, err
	}
	const fileSize = "6KiB"
	old := entriesOf(1, 10, 600)
	given := w.append(ctx, nil, template, [][]entry{old[:2], old[2:5], old[5:]}, w.rotation(fileSize, false)...)
	if !given.sealed() {
		return nil, fmt.Errorf("append without a fault: %s", given)
	}
	before := filepath.Dir(template)
	lines := []uint64{given.acked[1].seq, given.acked[9].seq}
	erase := &operation{args: []string{"erase", "--who", "w", "--reason", "r", "--erasure-key", w.keys + erasureSuffix}, erases: lines}
	for _, seq := range lines {
		erase.args = append(erase.args, "--seq", fmt.Sprint(seq))
	}
	rotateKey := &operation{args: []string{"key", "rotate", "--new-key-file", "{dir}/" + nextKey}, redo: "key rotate", incoming: nextKey, writers: true}
	rotateSigner := &operation{args: []string{"key", "rotate", "--new-checkpoint-key", "{dir}/" + nextCheckpoint}, redo: "key rotate --new-checkpoint-key", incoming: nextCheckpoint}
	es, large := entries(2, 40), entriesOf(7, 14, 1200)
	stages := []*stage{
		{name: "first opening, keyed", before: filepath.Dir(fresh), pieces: [][]entry{es[:2], es[2:4]}},
		// More than one epoch, and a few checkpoints.
		{name: "epochs", before: before, given: given, pieces: [][]entry{es[:8], es[8:10], {old[8]}, es[10:30], es[30:31], es[31:]}},
		{name: "rotation, keyed", before: before, given: given, pieces: [][]entry{large[:2], large[2:5], large[5:13]}, flags: w.rotation("4KiB", true)},
		{name: "key rotate", before: before, given: given, op: rotateKey},
		{name: "key rotate, signer", before: before, given: given, op: rotateSigner},
		{name: "erase", before: before, given: given, op: erase},
		{name: "checkpoint", before: before, given: given, op: &operation{args: []string{"checkpoint"}, gives: true}},
	}
	for _, s := range stages {
		s.keyed = true
	}
	return stages, nil
}
