// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

type eraseOptions struct {
	keyFile     *string
	seqs        []uint
	reason, who string
	erasureKey  string
	signOnly    bool
	leaf, chain string
	order       string
	complete    bool
	json        bool
}

func (a *app) eraseCommand() *cobra.Command {
	var o eraseOptions
	cmd := &cobra.Command{
		Use:   "erase JOURNAL",
		Short: "Take the payload of a record out, and leave the chain whole",
		Long: `Takes the payload of each line given out of the journal, for ever, and leaves a
tombstone of the same length in its place: the chain covers the hash of the payload,
which the tombstone states, so everything else verifies as before. Before that, the
chain says for ever who ordered it, when and why (chain.erased). So --reason and --who
must not say again what is erased: give the number of the request.

It needs two keys. The chain must have been begun with the public half of an erasure
key; whoever has the private half, and nobody else, may have records erased. It belongs
on another machine. There, an order is signed with --sign-only, from a copy of the
journal or of the files that hold the lines, or from no more than --chain and --leaf;
and --order applies it here, with the key of the journal:

  --erasure-key FILE  sign with this key, and erase at once
  --sign-only         sign and print the orders, one JSON object a line; change nothing
  --order FILE        erase what the orders in FILE say (-: standard input)
  --complete          take out what the chain says is erased and what is still there, as
                      after a file was put back from a backup

Writers and readers may run meanwhile; writers wait while each file that holds one of the
lines is read and written anew. A file that is being written is finished first.
Compressed files, and what a crash or a break left beside the journal, are done too. An
erasure that is interrupted is completed when the journal is opened the next time.
Control records cannot be erased, and nothing can while JOURNAL.hold exists.

The record may have been copied: backups, exports and whatever else got the records are
not touched. What stands beside the journal is listed. A record with the id of an erased
one is refused from then on.

With --json, one object on standard output:
  file, chain_id
  erased     [{"seq","leaf","file","sealed_seq","already","cleaned"}]: sealed_seq is that
             of the chain.erased, where it is known; already, that it was erased before,
             or ordered before and completed now; cleaned, files with a copy that is gone
  may_hold   [{"path","folder","modified"}], named like the journal, and not touched

` + keySourceHelp + `

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitIncomplete, exitInterrupted) + `
Exit code 4: the erasure is sealed and not complete; run it with --complete. Exit code 3:
the line is not as it was sealed, and nothing was erased.`,
		Example: `  auditchain erase --seq 17 --reason "case 118" --erasure-key e.key audit.jsonl
  auditchain erase --sign-only --seq 17 --reason "case 118" --erasure-key e.key copy.jsonl > order
  auditchain erase --order order audit.jsonl
  auditchain erase --complete audit.jsonl`,
	}
	o.keyFile = keyFileFlag(cmd)
	f := cmd.Flags()
	f.UintSliceVar(&o.seqs, "seq", nil, "erase the line with this sequence number; may be given several times")
	f.StringVar(&o.reason, "reason", "", "why, which the chain keeps for ever")
	f.StringVar(&o.who, "who", "", "who orders it, which the chain keeps for ever (default user@host)")
	f.StringVar(&o.erasureKey, "erasure-key", "", "file that holds the private erasure key")
	f.BoolVar(&o.signOnly, "sign-only", false, "print signed orders and change nothing")
	f.StringVar(&o.leaf, "leaf", "", "with --sign-only and --chain, instead of JOURNAL: the leaf hash of the line")
	f.StringVar(&o.chain, "chain", "", "with --sign-only and --leaf, instead of JOURNAL: the id of the chain")
	f.StringVar(&o.order, "order", "", "erase what the signed orders in this file say")
	f.BoolVar(&o.complete, "complete", false, "complete what the chain says is erased")
	f.BoolVar(&o.json, "json", false, "print what was done as one JSON object")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if o.leaf != "" || o.chain != "" {
			return noArgs(cmd, args)
		}
		return oneArg("journal")(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if o.signOnly {
			return a.signErasures(args, o)
		}
		return a.erase(cmd.Context(), args[0], o)
	}
	return cmd
}

func (o *eraseOptions) check() error {
	ways := 0
	for _, way := range []bool{o.order != "", o.complete, o.erasureKey != ""} {
		if way {
			ways++
		}
	}
	signs := o.erasureKey != ""
	switch {
	case ways == 0:
		return usagef("one of --erasure-key, --order and --complete is needed")
	case ways > 1:
		return usagef("--erasure-key, --order and --complete exclude each other")
	case !signs && (len(o.seqs) > 0 || o.reason != "" || o.who != "" || o.signOnly):
		return usagef("--seq, --reason, --who and --sign-only go with --erasure-key: an order says all by itself")
	case signs && len(o.seqs) == 0:
		return usagef("--seq is missing: which line is to be erased")
	case signs && slices.Contains(o.seqs, 0):
		return usagef("--seq 0: lines are counted from 1")
	case signs && o.reason == "":
		return usagef("--reason is missing: the chain keeps why, such as the number of the request")
	case len(o.reason) > maxReason || len(o.who) > maxReason:
		return usagef("--reason and --who are %d bytes at the most: say it in short, and the rest elsewhere", maxReason)
	case (o.leaf == "") != (o.chain == ""):
		return usagef("--leaf and --chain go together")
	case o.leaf != "" && !o.signOnly:
		return usagef("--leaf and --chain go with --sign-only: an erasure here reads the journal")
	case o.leaf != "" && len(o.seqs) != 1:
		return usagef("--leaf is that of one line: give one --seq")
	case o.signOnly && o.json:
		return usagef("--sign-only prints JSON always: leave --json out")
	}
	if signs && o.who == "" {
		o.who = orderer()
	}
	return nil
}

// orderer is who runs the command, as far as the system tells.
func orderer() string {
	name := "unknown"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}

// erase does what the options say to the journal at path.
func (a *app) erase(ctx context.Context, path string, o eraseOptions) error {
	if err := somethingThere(path); err != nil {
		return err
	}
	orders, err := a.erasures(o)
	if err != nil {
		return err
	}
	key, err := openWriterKey(*o.keyFile)
	if err != nil {
		return err
	}
	said := &notes{w: a.stderr}
	options := journal.Options{Version: moduleVersion(), Report: said.report}
	key.apply(&options)
	if options.Checkpoint.Signer, err = signerOf("", key.src); err != nil {
		return err
	}
	j, err := journal.Open(ctx, path, options)
	if err != nil {
		if ctx.Err() != nil {
			return &exitError{code: exitInterrupted, err: errors.New("interrupted before the journal was open: nothing was erased")}
		}
		return eraseFailed(err)
	}
	var results []journal.ErasureResult
	if o.complete {
		results, err = j.CompleteErasures(ctx)
	} else {
		results, err = j.Erase(ctx, orders)
	}
	if cerr := j.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("what was ordered is erased, but the journal could not be closed: %w", cerr)
	}
	if err != nil {
		return eraseFailed(err)
	}
	remnants, err := journal.Remnants(path)
	if err != nil {
		return fmt.Errorf("what was ordered is erased, but what else stands beside the journal could not be listed: %w", err)
	}
	return a.printErased(path, j.Chain().String(), results, remnants, o)
}

// eraseFailed gives an error its exit code.
func eraseFailed(err error) error {
	switch {
	case errors.Is(err, journal.ErrUnfinished):
		return &exitError{code: exitIncomplete, err: err}
	case errors.Is(err, journal.ErrTampered), errors.Is(err, journal.ErrTruncated):
		return &exitError{code: exitTampered, err: err}
	}
	return err
}

// erasures are the orders that the options give.
func (a *app) erasures(o eraseOptions) ([]journal.Erasure, error) {
	switch {
	case o.complete:
		return nil, nil
	case o.order != "":
		return a.readOrders(o.order)
	}
	key, err := keyfile.LoadSigning(o.erasureKey, integrity.KindErasure)
	if err != nil {
		return nil, err
	}
	var all []journal.Erasure
	for _, seq := range o.seqs {
		all = append(all, journal.Erasure{Seq: uint64(seq), Who: o.who, Reason: o.reason, Key: key})
	}
	return all, nil
}

// erasedLine is one line of the output of erase --json.
type erasedLine struct {
	Seq     uint64         `json:"seq"`
	Leaf    integrity.Hash `json:"leaf"`
	File    string         `json:"file"`
	Sealed  uint64         `json:"sealed_seq,omitempty"`
	Already bool           `json:"already"`
	Cleaned []string       `json:"cleaned,omitempty"`
}

type remnant struct {
	Path     string `json:"path"`
	Folder   bool   `json:"folder"`
	Modified string `json:"modified"`
}

func (a *app) printErased(path, chain string, results []journal.ErasureResult, remnants []journal.Remnant, o eraseOptions) error {
	out := struct {
		File    string       `json:"file"`
		Chain   string       `json:"chain_id"`
		Erased  []erasedLine `json:"erased"`
		MayHold []remnant    `json:"may_hold"`
	}{path, chain, []erasedLine{}, []remnant{}}
	for _, r := range results {
		out.Erased = append(out.Erased, erasedLine{r.Seq, r.Leaf, r.File, r.Sealed, r.Already, r.Cleaned})
	}
	for _, r := range remnants {
		out.MayHold = append(out.MayHold, remnant{r.Path, r.Folder, r.ModTime.UTC().Format(time.RFC3339)})
	}
	if o.json {
		b, err := json.Marshal(out)
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(append(appendCleanJSON(nil, b), '\n'))
		return err
	}
	if len(out.Erased) == 0 {
		fmt.Fprintln(a.stdout, "nothing was left to be erased")
	}
	for _, r := range out.Erased {
		what := "erased"
		switch {
		case r.Already && r.Sealed > 0:
			what = "was ordered before, and is erased now"
		case r.Already:
			what = "was erased before"
		}
		fmt.Fprintf(a.stdout, "line %d of %s: %s", r.Seq, cleanText(r.File), what)
		if r.Sealed > 0 {
			fmt.Fprintf(a.stdout, "; line %d says who ordered it, and why", r.Sealed)
		}
		fmt.Fprintln(a.stdout)
		for _, name := range r.Cleaned {
			fmt.Fprintf(a.stdout, "  a copy in %s was overwritten\n", cleanText(name))
		}
	}
	fmt.Fprintln(a.stdout, "not touched, and may still hold what was erased:")
	for _, r := range out.MayHold {
		kind := "file"
		if r.Folder {
			kind = "folder"
		}
		fmt.Fprintf(a.stdout, "  - %s (%s, changed %s)\n", cleanText(r.Path), kind, r.Modified)
	}
	fmt.Fprintf(a.stdout, `  - backups and snapshots of these files, until their own retention removes them, and what a
    disk keeps of files that were replaced; where a backup is put back, run:
    auditchain erase --complete %s
  - what was copied from the journal (auditchain query, proofs), and other places that
    got the same records (other exporters of the Collector)
next:
  - see that the chain holds: auditchain verify %[1]s
`, cleanText(shellWord(path)))
	return nil
}
