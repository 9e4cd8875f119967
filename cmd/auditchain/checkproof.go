// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// What check-proof concludes.
const (
	proofProven      = "proven"
	proofNotGenuine  = "not genuine"
	proofCannotCheck = "cannot check"
)

// maxProof is the size of the proof of the longest record, and more.
const maxProof = journal.MaxRecordBytes/3*4 + 1<<20

type checkProofOptions struct {
	publicKeys    []string
	chain         string
	explain, json bool
}

func (a *app) checkProofCommand() *cobra.Command {
	var o checkProofOptions
	cmd := &cobra.Command{
		Use:   "check-proof PROOF",
		Short: "Check a proof, with nothing but the public key",
		Long: `Checks a proof that auditchain prove made, without the journal, without a network
and without any secret: it needs the public key of the chain's checkpoints, as the
owner of the chain gave it to you. (The one that the journal itself names proves
nothing to you.) It tells by the file whether that is the proof of a record or the
proof that one checkpoint is a beginning of another one.

Of a record, it prints the record (without "blind", which is in the file and must go
no further), and what is proven: that it stood in the log, as the line that it says
it is, when the checkpoint was signed. It says nothing about lines after that.

--explain prints every step with its hashes, so that each can be done by hand.
--public-key may be repeated, where the key of the checkpoints was changed.

With --json, one object on standard output:
  verdict       "proven", "not genuine" or "cannot check"
  exit_code     the exit code
  file, kind    the file; "record", "control record", "tombstone" or "consistency"
  chain_id, key_id, size          of the checkpoint; of the larger one of two
  seq, record, leaf               of a record; a tombstone has no record
  from_size, from_key_id          of the smaller one of two checkpoints
  reason        why it is not proven
  steps         with --explain, what was computed
  proven, not_proven   the same in words

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered),
		Example: `  auditchain check-proof --public-key audit.pub 1234.tlog-proof
  auditchain check-proof --public-key audit.pub --explain 1234.tlog-proof
  auditchain check-proof --public-key 5Kwp4SAMPLE= --json proof | jq .record`,
		Args: oneArg("proof"),
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.publicKeys, "public-key", nil, "public key of the checkpoints: a file, or the key in base64; may be repeated")
	f.StringVar(&o.chain, "chain", "", "id of the chain that the proof must be about (default: any chain of the key)")
	f.BoolVar(&o.explain, "explain", false, "print every step of the check")
	f.BoolVar(&o.json, "json", false, "print the findings as one JSON object")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(o.publicKeys) == 0 {
			return usagef("--public-key is missing: the key of the chain's checkpoints, as the owner of the chain gave it to you")
		}
		var trust integrity.Trust
		if o.chain != "" {
			var err error
			if trust.Chain, err = integrity.ParseChainID(o.chain); err != nil {
				return usagef("--chain %q: %v", o.chain, err)
			}
		}
		r, err := checkProof(args[0], o.publicKeys, trust)
		if r.ExitCode == exitFailed && !o.json {
			return err
		}
		if !o.explain {
			r.Steps = nil
		}
		if perr := a.printProof(r, o.json); perr != nil {
			return perr
		}
		if r.ExitCode == exitFailed {
			return err
		}
		return exitWith(r.ExitCode)
	}
	return cmd
}

// proofReport is what check-proof says, and its output with --json.
type proofReport struct {
	Verdict     string          `json:"verdict"`
	ExitCode    int             `json:"exit_code"`
	File        string          `json:"file"`
	Kind        string          `json:"kind,omitempty"`
	Chain       string          `json:"chain_id,omitempty"`
	KeyID       string          `json:"key_id,omitempty"`
	Size        uint64          `json:"size,omitempty"`
	Seq         uint64          `json:"seq,omitempty"`
	FromSize    uint64          `json:"from_size,omitempty"`
	FromKeyID   string          `json:"from_key_id,omitempty"`
	Leaf        *integrity.Hash `json:"leaf,omitempty"`
	Record      json.RawMessage `json:"record,omitempty"`
	Reason      string          `json:"reason,omitempty"`
	Steps       []string        `json:"steps,omitempty"`
	ProvenWords []string        `json:"proven"`
	NotProven   []string        `json:"not_proven"`
}

// checkProof checks the proof in a file. The error is why it could not be
// checked, or does not hold; the report is never nil.
func checkProof(path string, publicKeys []string, trust integrity.Trust) (*proofReport, error) {
	r := &proofReport{File: path, ProvenWords: []string{}, NotProven: []string{}}
	err := r.check(path, publicKeys, trust)
	r.conclude(err)
	return r, err
}

func (r *proofReport) check(path string, publicKeys []string, trust integrity.Trust) error {
	for _, arg := range publicKeys {
		k, err := readPublicKey(arg)
		if err != nil {
			return err
		}
		trust.Keys = append(trust.Keys, k)
	}
	text, err := readFile(path, maxProof)
	if err != nil {
		return err
	}
	if integrity.IsConsistencyProof(text) {
		p, err := integrity.ParseConsistencyProof(text)
		if err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		return r.consistency(p, trust)
	}
	p, err := integrity.ParseProof(text)
	if err != nil {
		return fmt.Errorf("%q: %w", path, err)
	}
	return r.record(p, trust)
}

// conclude sorts why a proof was refused: a key or a chain that was mistaken
// for another one accuses nobody.
func (r *proofReport) conclude(err error) {
	if err == nil {
		r.Verdict, r.ExitCode = proofProven, exitDone
		return
	}
	r.Reason = err.Error()
	r.ProvenWords, r.Record = []string{}, nil
	r.NotProven = []string{"anything"}
	r.Verdict, r.ExitCode = proofCannotCheck, exitFailed
	for _, bad := range []error{
		integrity.ErrProofRoot, integrity.ErrProofPayload, integrity.ErrProofIndex, integrity.ErrProofSizes, integrity.ErrCheckpointSignature,
	} {
		if errors.Is(err, bad) {
			r.Verdict, r.ExitCode = proofNotGenuine, exitTampered
		}
	}
}

func (r *proofReport) record(p *integrity.Proof, trust integrity.Trust) error {
	c, err := p.Check(trust)
	at := c.Checkpoint
	r.Chain, r.Size, r.Seq = at.Chain.String(), at.Size, p.Seq()
	if c.Kind != 0 {
		r.Kind = c.Kind.String()
	}
	r.Steps = explainProof(p, c)
	if err != nil {
		return err
	}
	r.KeyID, r.Leaf = c.Key.ID(), &c.Leaf
	signed := fmt.Sprintf("of chain %s stood in the log when the checkpoint of size %d was signed by key %s", r.Chain, r.Size, r.KeyID)
	if c.Kind == integrity.Tombstone {
		r.proven("a line with the leaf %s, as seq %d, %s", c.Leaf, r.Seq, signed)
		r.notProven("what it said: its content was erased")
		r.notProven("that it was erased with leave: the journal holds the order, and auditchain verify checks it")
	} else {
		r.Record = recordJSON(p.Payload)
		r.proven("%s seq %d %s", r.Kind, r.Seq, signed)
	}
	r.notProven("anything about lines after seq %d", r.Size)
	r.notProven("when that was, but that it was before anybody had this checkpoint")
	return nil
}

func (r *proofReport) consistency(p *integrity.ConsistencyProof, trust integrity.Trust) error {
	c, err := p.Check(trust)
	r.Kind, r.Chain, r.Size, r.FromSize = "consistency", c.To.Chain.String(), c.To.Size, c.From.Size
	r.Steps = explainConsistency(p, c)
	if err != nil {
		return err
	}
	r.KeyID, r.FromKeyID = c.ToKey.ID(), c.FromKey.ID()
	r.proven("the checkpoint of size %d (key %s) of chain %s is a beginning of the one of size %d (key %s): up to seq %d, nothing was altered, removed or put in between",
		c.From.Size, r.FromKeyID, r.Chain, c.To.Size, r.KeyID, c.From.Size)
	r.notProven("what any line says")
	r.notProven("anything about lines after seq %d", r.Size)
	return nil
}

func (r *proofReport) proven(format string, args ...any) {
	r.ProvenWords = append(r.ProvenWords, fmt.Sprintf(format, args...))
}

func (r *proofReport) notProven(format string, args ...any) {
	r.NotProven = append(r.NotProven, fmt.Sprintf(format, args...))
}

func (a *app) printProof(r *proofReport, asJSON bool) error {
	if asJSON {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(append(appendCleanJSON(nil, b), '\n'))
		return err
	}
	st := a.styled(a.stdout.w)
	var b bytes.Buffer
	paint := st.green
	if r.ExitCode != exitDone {
		paint = st.red
	}
	fmt.Fprintf(&b, "%s: %s\n", cleanText(r.File), paint(r.Verdict))
	if r.Reason != "" {
		fmt.Fprintf(&b, "%s\n", st.bold(cleanText(r.Reason)))
	}
	said := func(heading, mark string, what []string) {
		if len(what) > 0 {
			fmt.Fprintf(&b, "%s:\n", heading)
		}
		for _, s := range what {
			fmt.Fprintf(&b, "%s%s\n", mark, cleanText(s))
		}
	}
	said("proven", "  - ", r.ProvenWords)
	said("not proven", "  - ", r.NotProven)
	said("steps", "  ", r.Steps)
	if r.Record != nil {
		fmt.Fprintf(&b, "%s:\n%s\n", r.Kind, appendCleanJSON(nil, r.Record))
	}
	_, err := a.stdout.Write(b.Bytes())
	return err
}
