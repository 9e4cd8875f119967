// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

type proveOptions struct {
	seq, size   uint64
	id          string
	checkpoint  string
	consistency bool
	from, to    string
	out         string
}

func (a *app) proveCommand() *cobra.Command {
	var o proveOptions
	cmd := &cobra.Command{
		Use:   "prove JOURNAL",
		Short: "Prove to somebody without the key that a record is in the journal",
		Long: `Makes a proof that a record stands in the journal as it was when a checkpoint was
signed: a small file that holds the record, the checkpoint and the hashes between
them. Who has the public key of the checkpoints checks it with auditchain
check-proof, without the journal and without any secret. To make one takes no key.

The record is named by its sequence number or its id. The checkpoint is the newest
one in the journal, or one that was kept elsewhere (--checkpoint), or the one of a
size (--checkpoint-size). A record that was sealed after the last checkpoint can be
proven once there is another: auditchain checkpoint seals one.
Of a record that was erased, the proof says that it stood there, and not what it
was. THE PROOF HOLDS THE WHOLE RECORD, with the random bytes (blind) that keep it
from being guessed after it is erased: give it to nobody who may not have it.

With --consistency, it is a proof that one checkpoint is a beginning of another one:
nothing was altered or removed in between. It holds no record. --from and --to are
sizes, or files with a checkpoint; without --to it is the newest one.

A proof is checked before it is given out. Where the lines do not lead to the root
that was signed, something was altered: auditchain verify says where.

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitInterrupted),
		Example: `  auditchain prove --seq 1234 --out 1234.tlog-proof audit.jsonl
  auditchain prove --id 019aab30-1c2d-7e3f-8a4b-5c6d7e8f9a0b audit.jsonl > proof
  auditchain prove --seq 1234 --checkpoint kept.note audit.jsonl > proof
  auditchain prove --consistency --from kept.note audit.jsonl > proof`,
		Args: oneArg("journal"),
	}
	f := cmd.Flags()
	f.Uint64Var(&o.seq, "seq", 0, "sequence number of the record")
	f.StringVar(&o.id, "id", "", "id of the record")
	f.Uint64Var(&o.size, "checkpoint-size", 0, "size of the checkpoint to prove it against (default: the newest one)")
	f.StringVar(&o.checkpoint, "checkpoint", "", "file with the checkpoint to prove it against")
	f.BoolVar(&o.consistency, "consistency", false, "prove that one checkpoint is a beginning of another one")
	f.StringVar(&o.from, "from", "", "the smaller checkpoint: its size, or a file with it")
	f.StringVar(&o.to, "to", "", "the larger checkpoint: its size, or a file with it (default: the newest one)")
	f.StringVar(&o.out, "out", "", "write the proof to this file, which must not be there yet (default: standard output)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(cmd); err != nil {
			return err
		}
		proof, hint, err := o.prove(cmd.Context(), args[0])
		if errors.Is(err, journal.ErrDoesNotHold) {
			err = &exitError{code: exitTampered, err: err}
		}
		if err != nil {
			return err
		}
		if o.out == "" {
			if _, err := a.stdout.Write(proof); err != nil {
				return err
			}
		} else if err := createProof(o.out, proof); err != nil {
			return err
		}
		fmt.Fprintln(a.stderr, cleanText(hint))
		return nil
	}
	return cmd
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (o *proveOptions) check(cmd *cobra.Command) error {
	set := cmd.Flags().Changed
	if o.consistency {
		for _, name := range []string{"seq", "id", "checkpoint-size", "checkpoint"} {
			if set(name) {
				return usagef("--%s is about a record, and --consistency about two checkpoints", name)
			}
		}
		if o.from == "" {
			return usagef("--consistency needs --from: the size of the smaller checkpoint, or a file with it")
		}
		return nil
	}
	switch {
	case set("from") || set("to"):
		return usagef("--from and --to go with --consistency")
	case set("seq") == set("id"):
		return usagef("name the record: give --seq or --id, one of the two")
	case set("seq") && o.seq == 0:
		return usagef("--seq 0: the first line has sequence number 1")
	case set("id") && !uuidForm.MatchString(o.id):
		return usagef("--id %q is no UUID in lower case, such as 019aab30-1c2d-7e3f-8a4b-5c6d7e8f9a0b", o.id)
	case set("checkpoint-size") && o.size == 0:
		return usagef("--checkpoint-size 0: the smallest checkpoint has size 1")
	case set("checkpoint") && o.checkpoint == "":
		return usagef("--checkpoint is an empty string")
	}
	return nil
}

// prove makes the proof, and says what to do with it.
func (o *proveOptions) prove(ctx context.Context, path string) (proof []byte, hint string, err error) {
	if older, err := inOlderFormat(path); err == nil && older {
		return nil, "", fmt.Errorf("%q is in the older format, which has no checkpoints: nothing in it can be proven without its key", path)
	}
	name := "FILE"
	if o.out != "" {
		name = shellWord(o.out)
	}
	check := "; it is checked with: auditchain check-proof --public-key KEY " + name
	if o.consistency {
		var c journal.ConsistencyOptions
		if c.From, c.FromNote, err = checkpointArg("--from", o.from); err != nil {
			return nil, "", err
		}
		if o.to != "" {
			if c.To, c.ToNote, err = checkpointArg("--to", o.to); err != nil {
				return nil, "", err
			}
		}
		p, err := journal.ProveConsistency(ctx, path, c)
		if err != nil {
			return nil, "", err
		}
		proof, err = p.AppendText(nil)
		return proof, "proof that one checkpoint is a beginning of another one" + check, err
	}
	r := journal.ProveOptions{Seq: o.seq, ID: o.id, Size: o.size}
	if o.checkpoint != "" {
		if r.Note, err = readNote(o.checkpoint, o.size); err != nil {
			return nil, "", err
		}
	}
	p, err := journal.Prove(ctx, path, r)
	if err != nil {
		return nil, "", err
	}
	proof, err = p.AppendText(nil)
	what := "proof of line %d, with the record itself%s"
	if integrity.KindOf(p.Payload) == integrity.Tombstone {
		what = "proof of line %d, of which the content was erased%s"
	}
	return proof, fmt.Sprintf(what, p.Seq(), check), err
}

// createProof writes a file that nobody else may read: the record is in it.
func createProof(path string, proof []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%q exists already: choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	_, err = f.Write(proof)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		// Half a proof must not lie about.
		return errors.Join(fmt.Errorf("proof: %w", err), os.Remove(path))
	}
	return nil
}
