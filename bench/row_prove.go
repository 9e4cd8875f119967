// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// rowProve: making a proof against verifying the same journal. The record is
// one in the middle: nothing is saved by where it stands.
func rowProve(ctx context.Context, e *env) (_ []result, err error) {
	bin, err := e.auditchainCommand(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := e.freshFolder()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ks, err := e.newKeys(ctx, dir)
	if err != nil {
		return nil, err
	}
	path, n := filepath.Join(dir, "audit.jsonl"), e.scale.proveRecords
	writer := &opener{options: evidenceOptions}
	if err := writer.fill(ctx, path, n); err != nil {
		return nil, err
	}
	verify := contender{"auditchain verify", func(ctx context.Context) (sample, error) {
		took, err := timedCommand(ctx, append([]string{bin}, verifyArgs(ks.verification, path)...)...)
		return sample{figure: inMilliseconds(took)}, err
	}}
	prove := func(record ...string) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) {
			return e.prove(ctx, bin, ks, path, record)
		}
	}
	seq := []string{"--seq", fmt.Sprint(n / 2)}
	return e.run(ctx, "prove", []comparison{
		{fmt.Sprintf("%d records, by seq, with the index", n), milliseconds, verify, contender{"auditchain prove", prove(seq...)}},
		{fmt.Sprintf("%d records, by seq, without the index", n), milliseconds, verify,
			contender{"auditchain prove", withoutIndex(path, prove(seq...))}},
		{fmt.Sprintf("%d records, by id, in the middle", n), milliseconds, verify,
			contender{"auditchain prove", prove("--id", recordID(uint64(n/2)))}},
		{fmt.Sprintf("%d records, by id, the last one", n), milliseconds, verify,
			contender{"auditchain prove", prove("--id", recordID(uint64(n)))}},
	})
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// prove clocks the making of a proof, and checks it as who gets it does.
func (e *env) prove(ctx context.Context, bin string, ks evidenceKeys, path string, record []string) (_ sample, err error) {
	out := filepath.Join(filepath.Dir(path), "proof")
	took, err := timedCommand(ctx, append([]string{bin, "prove", "--out", out, path}, record...)...)
	if err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, os.Remove(out)) }()
	_, err = timedCommand(ctx, bin, "check-proof", "--public-key", e.keys.key+checkpointSuffix+".pub", out)
	return sample{figure: inMilliseconds(took)}, err
}

// withoutIndex puts the index of a journal aside for a round.
func withoutIndex(path string, round func(context.Context) (sample, error)) func(context.Context) (sample, error) {
	index := path + ".tree"
	return func(ctx context.Context) (_ sample, err error) {
		if err := os.Rename(index, index+".aside"); err != nil {
			return sample{}, err
		}
		defer func() { err = errors.Join(err, os.Rename(index+".aside", index)) }()
		return round(ctx)
	}
}
