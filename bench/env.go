// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// env is what the rows share: the run's folder, a key, the commands under
// test, and how long to measure.
type env struct {
	dir     string // removed at the end
	keyFile string
	keys    evidenceKeys // made when they are first needed; see newKeys
	scale   scale
	sides   string // bothSides, sideA or sideB
	match   func(label string) bool
	log     func(format string, a ...any)

	auditchain string // the built command; see auditchainCommand
	files      int
	nextID     uint64 // the last audit.record.id given out
}

// scale is how much a run measures.
type scale struct {
	rounds       int
	round        time.Duration // how long the clock runs in one round
	poolRecords  int
	verifyBytes  [2]int64 // sizes of the journals that verify reads: for memory, and for speed
	openRecords  int      // records of the large journal of the open row
	openRepeats  int      // openings that make one figure
	proveRecords int      // records of the journal of the prove row
}

var (
	fullScale = scale{rounds: 5, round: 300 * time.Millisecond, poolRecords: 4000,
		verifyBytes: [2]int64{10 << 20, 300 << 20}, openRecords: 1_000_000, openRepeats: 20, proveRecords: 1_000_000}
	shortScale = scale{rounds: 2, round: 40 * time.Millisecond, poolRecords: 1000,
		verifyBytes: [2]int64{2 << 20, 20 << 20}, openRecords: 200_000, openRepeats: 5, proveRecords: 100_000}
)

// largeRecords is how large the journals of the rows open and prove are with
// -large: some 10 GB of disk.
const largeRecords = 10_000_000

func newEnv(parent string, s scale) (*env, error) {
	dir, err := os.MkdirTemp(parent, "auditchain-bench-")
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e := &env{dir: dir, keyFile: filepath.Join(dir, "bench.key"), scale: s, sides: bothSides,
		match: func(string) bool { return true }, log: func(string, ...any) {}}
	if err := os.WriteFile(e.keyFile, []byte(hexKey(key)), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return e, nil
}

func (e *env) close() error { return os.RemoveAll(e.dir) }

// freshFolder is a folder that nothing has been written to.
func (e *env) freshFolder() (string, error) {
	e.files++
	dir := filepath.Join(e.dir, fmt.Sprintf("run-%d", e.files))
	return dir, os.Mkdir(dir, 0o700)
}

// run measures the comparisons of a row that the run's filter picks.
func (e *env) run(ctx context.Context, row string, cs []comparison) ([]result, error) {
	var out []result
	for _, c := range cs {
		if !e.match(row + "/" + c.label + "/" + c.a.name + "/" + c.b.name) {
			continue
		}
		r, err := compare(ctx, c, e.scale.rounds, e.sides)
		if err != nil {
			return out, fmt.Errorf("%s: %s: %w", row, c.label, err)
		}
		e.log("%s: %s", row, r)
		out = append(out, r)
	}
	return out, nil
}

// auditchainCommand builds the command from the module that the benchmark
// runs in, once.
func (e *env) auditchainCommand(ctx context.Context) (string, error) {
	if e.auditchain == "" {
		path := filepath.Join(e.dir, "auditchain")
		if err := goBuild(ctx, "..", path, "./cmd/auditchain"); err != nil {
			return "", err
		}
		e.auditchain = path
	}
	return e.auditchain, nil
}

// goBuild builds a package of the module in folder.
func goBuild(ctx context.Context, folder, output, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", output, pkg)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("building %s (run the benchmark inside bench/): %w\n%s", pkg, err, bytes.TrimSpace(out))
	}
	return nil
}

// verifyJournal asks the command whether a journal proves itself to its end.
func (e *env) verifyJournal(ctx context.Context, path string) error {
	return e.verifyWith(ctx, e.keyFile, path)
}

// verifyWith is verifyJournal under another key.
func (e *env) verifyWith(ctx context.Context, keyFile, path string) error {
	bin, err := e.auditchainCommand(ctx)
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, bin, verifyArgs(keyFile, path)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("auditchain verify refused what the benchmark wrote: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func verifyArgs(keyFile, path string) []string {
	return []string{"verify", "--key-file", keyFile, path}
}
