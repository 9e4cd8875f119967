// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/auditchain/auditchain/exporter/auditchainexporter"
)

// checkpointSuffix is behind the name of a key file in that of the key for
// checkpoints, which the exporter and the command take up by themselves.
const checkpointSuffix = ".checkpoint"

// evidenceKeys are new keys of a chain with everything on: a forward-secure
// key with a checkpoint key beside it, and the verification key.
type evidenceKeys struct{ key, verification string }

// newKeys makes keys in a folder, as a person does. The keys that are made
// once are copied: a forward-secure key is written with in one chain only, and
// each round begins one.
func (e *env) newKeys(ctx context.Context, dir string) (evidenceKeys, error) {
	if e.keys == (evidenceKeys{}) {
		bin, err := e.auditchainCommand(ctx)
		if err != nil {
			return evidenceKeys{}, err
		}
		made := evidenceKeys{filepath.Join(e.dir, "forward.key"), filepath.Join(e.dir, "forward.verify")}
		out, err := exec.CommandContext(ctx, bin, "key", "new", "--verification-key-out", made.verification, made.key).CombinedOutput()
		if err != nil {
			return evidenceKeys{}, fmt.Errorf("auditchain key new: %w\n%s", err, strings.TrimSpace(string(out)))
		}
		e.keys = made
	}
	ks := evidenceKeys{filepath.Join(dir, "audit.key"), e.keys.verification}
	for _, suffix := range []string{"", checkpointSuffix} {
		text, err := os.ReadFile(e.keys.key + suffix)
		if err != nil {
			return ks, err
		}
		if err := os.WriteFile(ks.key+suffix, text, 0o600); err != nil {
			return ks, err
		}
	}
	return ks, nil
}

// evidenceWriter is ours with everything on: a forward-secure key, which steps
// every so many lines (0: as it does by default), a tree, and checkpoints as
// often as they come by default.
func (e *env) evidenceWriter(name string, p *pool, callers int, fsync string, epoch int) contender {
	return e.writer(name, write{pool: p, callers: callers, count: countJournal, redacted: true,
		verify: func(ctx context.Context, path string) error {
			return e.verifyWith(ctx, e.keys.verification, path)
		},
		start: func(ctx context.Context, path string) (*chain, error) {
			ks, err := e.newKeys(ctx, filepath.Dir(path))
			if err != nil {
				return nil, err
			}
			return startExporter(ctx, auditchainexporter.NewFactory(), evidenceSettings(path, ks.key, fsync, epoch))
		}})
}

func evidenceSettings(path, keyFile, fsync string, epoch int) settings {
	conf := settings{
		"path": path,
		"key":  settings{"file": keyFile},
		// Written, so that a chain without checkpoints is an error.
		"checkpoint": settings{"signing_key": settings{"file": keyFile + checkpointSuffix}},
		"fsync":      fsync,
	}
	if epoch > 0 {
		conf["epoch"] = settings{"every_records": epoch}
	}
	return conf
}

// rowEvidence: everything on against plain chaining. Both sides are ours, so
// that A is what "neighbour" means here.
func rowEvidence(ctx context.Context, e *env) ([]result, error) {
	var cs []comparison
	for _, fsync := range []string{"never", "always"} {
		for _, c := range []struct{ batch, callers, epoch int }{
			{100, 1, 0}, {1000, 1, 0}, {1000, 4, 0}, {1000, 1, shortEpoch},
		} {
			p := newPool(e.scale.poolRecords, c.batch, false)
			name, what := "everything on", ""
			if c.epoch > 0 {
				what = fmt.Sprintf(", epochs of %d lines", c.epoch)
			}
			cs = append(cs, comparison{
				label: fmt.Sprintf("fsync %s, batch %d, %s%s", fsync, c.batch, callersText(c.callers), what), unit: recordsPerSecond,
				a: e.chainWriter("plain chain", p, c.callers, false, fsync),
				b: e.evidenceWriter(name, p, c.callers, fsync, c.epoch),
			})
		}
	}
	return e.run(ctx, "evidence", cs)
}

// shortEpoch is a tenth of an epoch's lines by default: a round of the default
// epochs has no step in it, or one.
const shortEpoch = 100_000

// linesACheckpoint is how many lines follow a checkpoint by default.
const linesACheckpoint = 10_000

// fillEvidence is fillJournal with everything on. The keys stay beside the
// journal.
func (e *env) fillEvidence(ctx context.Context, path string, size int64) (evidenceKeys, int64, error) {
	ks, err := e.newKeys(ctx, filepath.Dir(path))
	if err != nil {
		return ks, 0, err
	}
	n, err := e.fill(ctx, path, evidenceSettings(path, ks.key, "never", shortEpoch), size)
	return ks, n, errors.Join(err, e.mustHaveEvidence(ctx, path, ks))
}

// mustHaveEvidence asks the command what it found: a figure for checkpoints
// and epochs that are not there would be worth nothing.
func (e *env) mustHaveEvidence(ctx context.Context, path string, ks evidenceKeys) error {
	bin, err := e.auditchainCommand(ctx)
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, bin, append(verifyArgs(ks.verification, path), "--json")...).Output()
	if err != nil {
		return fmt.Errorf("auditchain verify refused what the benchmark wrote: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return checkEvidence(out)
}

// checkEvidence looks for epochs and checkpoints in the report of verify.
func checkEvidence(report []byte) error {
	var r struct {
		Lines, Epochs int64
		Checkpoints   struct{ Count int64 }
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return fmt.Errorf("the report of auditchain verify: %w", err)
	}
	if r.Checkpoints.Count < r.Lines/linesACheckpoint/2 || r.Checkpoints.Count == 0 || r.Epochs < r.Lines/shortEpoch-1 {
		return fmt.Errorf("a journal of %d lines has %d checkpoints and %d epochs: everything is not on", r.Lines, r.Checkpoints.Count, r.Epochs)
	}
	return nil
}
