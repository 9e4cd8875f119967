// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

type checkpointOptions struct {
	keyFile       *string
	checkpointKey string
	out           string
	last, json    bool
}

func (a *app) checkpointCommand() *cobra.Command {
	var o checkpointOptions
	cmd := &cobra.Command{
		Use:   "checkpoint JOURNAL",
		Short: "Seal a checkpoint of a journal and print it, or print the last one",
		Long: `Opens a journal as every writer does, seals a checkpoint of all its lines, closes it,
and prints the checkpoint: a signed note (C2SP tlog-checkpoint) of how many lines
there are and of the root of their Merkle tree. It holds no content of any record.
Keep it where the host that writes the journal cannot take it back: auditchain verify
finds out with it, later, whether anything up to there was cut off or changed.

A chain has checkpoints when it was begun with a checkpoint key. The key is read from
--checkpoint-key, else from the file beside the key file that has its name and
` + keyfile.CheckpointSuffix + ` behind it. Writers that have it make checkpoints by themselves.

With --last, nothing is written and no key is needed: the newest checkpoint that the
files hold is printed. That its signature is that of the key which the files name is
checked; whether the journal holds, auditchain verify says.

With --out, the note goes to a file, whole or not at all, instead of standard output.
With --json, one object on standard output:
  chain_id, size, root (hex)   of the checkpoint
  seq, time                    the line that holds it, and when it was made
  key_id                       of the checkpoint key; left out with --last
  note                         the signed note

` + keySourceHelp + `

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitInterrupted) + `
Exit code 3: nothing is left that the chain could go on from; with --last, the files
hold a checkpoint that is not genuine, or cannot be read to it.`,
		Example: `  auditchain checkpoint --key-file audit.key audit.jsonl
  auditchain checkpoint --last --out audit.checkpoint audit.jsonl`,
		Args: oneArg("journal"),
	}
	o.keyFile = keyFileFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&o.checkpointKey, "checkpoint-key", "", "file that holds the checkpoint key (else the one beside the key file)")
	f.BoolVar(&o.last, "last", false, "print the newest checkpoint that the files hold, and write nothing")
	f.StringVar(&o.out, "out", "", "write the note to this file")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		flags := cmd.Flags()
		if o.last && (flags.Changed("key-file") || flags.Changed("checkpoint-key")) {
			return usagef("--last needs no key: leave out --key-file and --checkpoint-key")
		}
		for _, name := range []string{"checkpoint-key", "out"} {
			if flags.Changed(name) && flags.Lookup(name).Value.String() == "" {
				return usagef("--%s is an empty string", name)
			}
		}
		return a.checkpoint(cmd.Context(), args[0], o)
	}
	return cmd
}

func (a *app) checkpoint(ctx context.Context, path string, o checkpointOptions) error {
	var point journal.Published
	var keyID string
	var err error
	if o.last {
		point, err = journal.LastCheckpoint(path)
	} else {
		point, keyID, err = a.sealCheckpoint(ctx, path, o)
	}
	switch {
	case errors.Is(err, journal.ErrTampered) || errors.Is(err, journal.ErrTruncated):
		return &exitError{code: exitTampered, err: err}
	case err != nil && ctx.Err() != nil:
		return &exitError{code: exitInterrupted, err: errors.New("interrupted; a checkpoint may be sealed: see auditchain checkpoint --last")}
	case err != nil:
		return err
	}
	if o.out != "" {
		if err := replaceFile(o.out, point.Note); err != nil {
			return fmt.Errorf("the journal holds the checkpoint, at seq %d, but it could not be written to %q: %w", point.Seq, o.out, err)
		}
	}
	switch {
	case o.json:
		return json.NewEncoder(a.stdout).Encode(checkpointInfo{
			Chain: point.Chain, Size: point.Size, Root: point.Root, Seq: point.Seq,
			Time: integrity.FormatTime(point.Time), KeyID: keyID, Note: string(point.Note),
		})
	case o.out == "":
		_, err = a.stdout.Write(point.Note)
	}
	return err
}

// checkpointInfo is the output of checkpoint --json.
type checkpointInfo struct {
	Chain integrity.ChainID `json:"chain_id"`
	Size  uint64            `json:"size"`
	Root  integrity.Hash    `json:"root"`
	Seq   uint64            `json:"seq"`
	Time  string            `json:"time"`
	KeyID string            `json:"key_id,omitempty"`
	Note  string            `json:"note"`
}

// sealCheckpoint opens the journal and closes it, which seals a checkpoint of
// all its lines.
func (a *app) sealCheckpoint(ctx context.Context, path string, o checkpointOptions) (point journal.Published, keyID string, err error) {
	if err := somethingThere(path); err != nil {
		return point, "", err
	}
	key, err := openWriterKey(*o.keyFile)
	if err != nil {
		return point, "", err
	}
	signer, err := checkpointKey(key.src, o.checkpointKey)
	if err != nil {
		return point, "", err
	}
	warn := &notes{w: a.stderr}
	options := journal.Options{Report: warn.report, Version: moduleVersion()}
	key.apply(&options)
	// That of Close is the one: it covers what the opening sealed, too.
	found := false
	options.Checkpoint = journal.Checkpoint{
		Signer: signer, Records: -1, Every: -1,
		Publish: func(_ context.Context, p journal.Published) { point, found = p, true },
	}
	j, err := journal.Open(ctx, path, options)
	if err != nil {
		return point, "", err
	}
	if err := j.Close(); err != nil {
		return point, "", fmt.Errorf("no checkpoint was made: %w", err)
	}
	if !found {
		return point, "", fmt.Errorf("no checkpoint was made of %q; what keeps it from that is said above", path)
	}
	return point, signer.ID(), nil
}

// checkpointKey finds the key to sign with.
func checkpointKey(src keyfile.Source, file string) (integrity.SigningKey, error) {
	if file != "" {
		return keyfile.LoadSigning(file, integrity.KindCheckpoint)
	}
	signer, err := keyfile.BesideKey(src)
	if err == nil && signer.IsZero() {
		err = errors.New("there is no checkpoint key beside the key: give --checkpoint-key FILE; or print the last checkpoint, for which no key is needed, with: auditchain checkpoint --last JOURNAL")
	}
	return signer, err
}

// replaceFile writes a file that is there whole, or as it was before.
func replaceFile(name string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
