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

	"github.com/auditchain/auditchain/exporter/auditchainexporter"
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
	on := filepath.Join(dir, "on") // everything on
	if err := os.Mkdir(on, 0o700); err != nil {
		return nil, err
	}
	var evident [2]string
	var evidentSizes [2]int64
	var keys evidenceKeys
	for i, size := range e.scale.verifyBytes {
		// A key is written with in one chain, so that each has its folder.
		evident[i] = filepath.Join(on, strconv.Itoa(i), "journal.jsonl")
		if err := os.Mkdir(filepath.Dir(evident[i]), 0o700); err != nil {
			return nil, err
		}
		if keys, evidentSizes[i], err = e.fillEvidence(ctx, evident[i], size); err != nil {
			return nil, err
		}
	}
	command := func(name string, size int64, args ...string) contender {
		return contender{name, func(ctx context.Context) (sample, error) {
			took, err := timedCommand(ctx, args...)
			return sample{figure: float64(size) / 1e6 / took.Seconds()}, err
		}}
	}
	verify := func(keyFile, path string) []string { return append([]string{bin}, verifyArgs(keyFile, path)...) }
	memory := func(keyFile, path string, size int64) contender {
		return contender{fmt.Sprintf("auditchain verify, %d MB", size/1e6), func(ctx context.Context) (sample, error) {
			n, err := peakMemory(ctx, peak, verify(keyFile, path)...)
			return sample{figure: float64(n) / (1 << 20)}, err
		}}
	}
	speed := func(label, keyFile, path string, size int64) comparison {
		return comparison{
			label: fmt.Sprintf(label, size/1e6), unit: megabytesPerSec,
			a: command("openssl dgst -sha256", size, openssl, "dgst", "-sha256", path),
			b: command("auditchain verify", size, verify(keyFile, path)...),
		}
	}
	return e.run(ctx, "verify", []comparison{
		speed("a journal of %d MB", e.keyFile, journals[1], sizes[1]),
		speed("with epochs, tree and checkpoints, %d MB", keys.verification, evident[1], evidentSizes[1]),
		{label: "peak memory", unit: mebibytes,
			a: memory(e.keyFile, journals[0], sizes[0]), b: memory(e.keyFile, journals[1], sizes[1])},
		{label: "peak memory, with epochs, tree and checkpoints", unit: mebibytes,
			a: memory(keys.verification, evident[0], evidentSizes[0]), b: memory(keys.verification, evident[1], evidentSizes[1])},
	})
}

// fillJournal writes a journal of at least size bytes through our exporter.
func (e *env) fillJournal(ctx context.Context, path string, size int64) (int64, error) {
	_, conf := chainExporter(path, e.keyFile, "never")
	return e.fill(ctx, path, conf, size)
}

// fill writes a journal of at least size bytes through our exporter, as conf
// says.
func (e *env) fill(ctx context.Context, path string, conf settings, size int64) (int64, error) {
	c, err := startExporter(ctx, auditchainexporter.NewFactory(), conf)
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
