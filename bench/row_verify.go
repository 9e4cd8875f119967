// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// rowVerify: verifying a journal against hashing the same bytes, both as
// commands on a file in the page cache, and the memory that verifying takes.
func rowVerify(ctx context.Context, e *env) (_ []result, err error) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		return nil, fmt.Errorf("verify is measured against openssl, which is not installed: %w", err)
	}
	bin, err := e.auditchainCommand(ctx)
	if err != nil {
		return nil, err
	}
	peak := filepath.Join(e.dir, "peak")
	if err := goBuild(ctx, ".", peak, "./cmd/peak"); err != nil {
		return nil, err
	}
	dir, err := e.freshFolder()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var journals [2]string
	var sizes [2]int64
	for i, size := range e.scale.verifyBytes {
		journals[i] = filepath.Join(dir, fmt.Sprintf("journal-%d.jsonl", i))
		if sizes[i], err = e.fillJournal(ctx, journals[i], size); err != nil {
			return nil, err
		}
	}
	large, size := journals[1], sizes[1]
	command := func(name string, args ...string) contender {
		return contender{name, func(ctx context.Context) (sample, error) {
			took, err := timedCommand(ctx, args...)
			return sample{figure: float64(size) / 1e6 / took.Seconds()}, err
		}}
	}
	out, err := e.run(ctx, "verify", []comparison{{
		label: fmt.Sprintf("a journal of %d MB", size/1e6), unit: megabytesPerSec,
		a: command("openssl dgst -sha256", openssl, "dgst", "-sha256", large),
		b: command("auditchain verify", append([]string{bin}, verifyArgs(e.keyFile, large)...)...),
	}})
	if err != nil {
		return nil, err
	}
	memory := func(i int) contender {
		return contender{fmt.Sprintf("auditchain verify, %d MB", sizes[i]/1e6), func(ctx context.Context) (sample, error) {
			n, err := peakMemory(ctx, peak, append([]string{bin}, verifyArgs(e.keyFile, journals[i])...)...)
			return sample{figure: float64(n) / (1 << 20)}, err
		}}
	}
	mem, err := e.run(ctx, "verify", []comparison{{label: "peak memory", unit: mebibytes, a: memory(0), b: memory(1)}})
	return append(out, mem...), err
}

// fillJournal writes a journal of at least size bytes through our exporter.
func (e *env) fillJournal(ctx context.Context, path string, size int64) (int64, error) {
	f, conf := chainExporter(path, e.keyFile, "never")
	c, err := startExporter(ctx, f, conf)
	if err != nil {
		return 0, err
	}
	p := newPool(e.scale.poolRecords, 1000, false)
	var got int64
	for i := 0; got < size; i++ {
		ld := p.batches[i%len(p.batches)]
		if c.mutates() {
			ld = p.clones(false, nil)[i%len(p.batches)]
		}
		if err := c.push(ctx, ld); err != nil {
			return 0, errors.Join(err, c.stop(ctx))
		}
		if got, err = sizeOf(path); err != nil {
			return 0, errors.Join(err, c.stop(ctx))
		}
	}
	if err := c.stop(ctx); err != nil {
		return 0, err
	}
	// Reading it once brings the file into the page cache.
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	return io.Copy(io.Discard, in)
}

func sizeOf(path string) (int64, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

func timedCommand(ctx context.Context, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", filepath.Base(args[0]), err, strings.TrimSpace(string(out)))
	}
	return took, nil
}

// peakMemory is the most memory in bytes that a command held.
func peakMemory(ctx context.Context, peak string, args ...string) (int64, error) {
	out, err := exec.CommandContext(ctx, peak, args...).Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", filepath.Base(args[0]), err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}
