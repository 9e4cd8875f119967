// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

type recoverOptions struct {
	keyFile            *string
	newKeyFile         string
	checkpointKey      string
	erasureKey         string
	restored, newChain string
	keep               int
	keepFor            time.Duration
	json               bool
}

func (a *app) recoverCommand() *cobra.Command {
	var o recoverOptions
	cmd := &cobra.Command{
		Use:   "recover JOURNAL",
		Short: "Put a journal in order after a crash, a loss or a restore, and say what was done",
		Long: `Opens a journal as every writer does, closes it again, and says what was found and
done. A writer does the same by itself when it next opens the journal, so this is for
those who want to see it done, and for two cases that only a person can decide:

  --restored REASON   the files were put back from a backup. Run it before any
                      writer. It seals, for ever, that what was acknowledged after
                      the backup is missing: from then on the chain is partly proven.
  --new-chain REASON  begin a new chain. The files of the old one are moved into a
                      folder beside the journal (nothing is removed; the lock file
                      stays), and the first record of the new one says so. Stop the
                      writers first; they write to the new chain when started again.
                      A writer's retention must be allowed by the chain from its
                      beginning: repeat it with --keep and --keep-for. It has checkpoints
                      when a key for them is there, and takes erasures by the key that
                      --erasure-key-public names.

A forward-secure key is that of one chain: a new one needs a key of its own, or it
could never be proven but partly. Make it with auditchain key new NEW, and give it with
--new-key-file NEW: it takes the place of the key file, the one before stays beside it
as FILE.<key id>.old, and NEW is removed. So writers need not be told. Where --key-file
names a new key already, as after the old one was lost, there is nothing to replace. A
crash at any place leaves what the same command puts in order.

Without either: what a crash left behind the last whole line is kept in a file of
its own and chain.recovered says so; a file that is missing, cut, altered or replaced
is gone on from in a new file, behind a chain.break that says so for ever. It proves
nothing: whether the chain holds, auditchain verify says.

The guide is docs/RECOVERY.md.

With --json, one object on standard output:
  file, chain_id, key_id
  state         "in order", "recovered", "broken", "restored" or "new chain"
  first_seq, last_seq   of what was sealed
  sealed        [{"seq","control","file"}]
  found, done   in words
  breaks        [{"seq","found","reason","kept_in"}]
  set_aside     [{"seq","bytes","sha256","kept_in"}]
  old_chain     {"kept_in","chain_id","seq","hmac","reason"}
  old_key_files  of --new-key-file: the keys of the old chain
  pending_erasures   lines that are erased, and that a backup has brought back
  reports       what else the journal had to say

` + keySourceHelp + `

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitInterrupted) + `
Exit code 3: nothing is left that the chain could go on from. Exit code 0 does not say
that the journal verifies.`,
		Example: `  auditchain recover audit.jsonl
  auditchain recover --restored "disk lost on 3 May, backup of 2 May" audit.jsonl
  auditchain key new --no-checkpoint-key next.key
  auditchain recover --new-chain "2026 is closed" --new-key-file next.key audit.jsonl`,
		Args: oneArg("journal"),
	}
	o.keyFile = keyFileFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&o.restored, "restored", "", "seal that the files were put back from a backup, and why")
	f.StringVar(&o.newChain, "new-chain", "", "begin a new chain in the place of this one, and why")
	f.StringVar(&o.newKeyFile, "new-key-file", "", "with --new-chain: file of the key of the new chain, which takes the place of the key file")
	f.IntVar(&o.keep, "keep", 0, "with --new-chain: how many finished files stay at least (0: no such policy)")
	f.DurationVar(&o.keepFor, "keep-for", 0, "with --new-chain: how long finished files stay at least, such as 2160h (0s: no such policy)")
	f.StringVar(&o.checkpointKey, "checkpoint-key", "", "file of the key that signs checkpoints (else FILE.checkpoint beside the key file, if it is there)")
	f.StringVar(&o.erasureKey, "erasure-key-public", "", "with --new-chain: file of the public key of those who may have records of the new chain erased")
	f.BoolVar(&o.json, "json", false, "print what was done as one JSON object")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		flags := cmd.Flags()
		switch {
		case len(o.restored) > maxReason || len(o.newChain) > maxReason:
			return usagef("a reason is %d bytes at the most: say it in short, and the rest elsewhere", maxReason)
		case flags.Changed("restored") && strings.TrimSpace(o.restored) == "":
			return usagef("--restored needs a reason, which the chain keeps: which backup, put back by whom, and why")
		case flags.Changed("new-chain") && strings.TrimSpace(o.newChain) == "":
			return usagef("--new-chain needs a reason, which the new chain keeps: why the old one ends")
		case o.restored != "" && o.newChain != "":
			return usagef("--restored and --new-chain exclude each other")
		case o.newChain == "" && (flags.Changed("keep") || flags.Changed("keep-for")):
			return usagef("--keep and --keep-for go with --new-chain: what may be removed is said at the beginning of a chain")
		case o.newChain == "" && flags.Changed("new-key-file"):
			return usagef("--new-key-file goes with --new-chain; to go on under another key in the same chain: auditchain key rotate --new-key-file")
		case flags.Changed("new-key-file") && o.newKeyFile == "":
			return usagef("--new-key-file is an empty string")
		case o.newChain == "" && o.erasureKey != "":
			return usagef("--erasure-key-public goes with --new-chain: whose erasures count is said at the beginning of a chain")
		case o.keep < 0 || o.keepFor < 0:
			return usagef("--keep and --keep-for are not negative")
		}
		return a.recover(cmd.Context(), args[0], o)
	}
	return cmd
}

func (a *app) recover(ctx context.Context, path string, o recoverOptions) error {
	if err := somethingThere(path); err != nil {
		return err
	}
	key, err := openWriterKey(*o.keyFile)
	if err != nil {
		return err
	}
	var reports reportList
	opened := time.Now()
	options := journal.Options{
		Restored: o.restored, NewChain: o.newChain, Report: reports.add, Version: moduleVersion(),
	}
	key.apply(&options)
	next, err := o.loadNewChainKey(key)
	if err != nil {
		return err
	}
	if next != nil {
		next.apply(&options)
	}
	if options.Checkpoint.Signer, err = signerOf(o.checkpointKey, key.src); err != nil {
		return err
	}
	if o.erasureKey != "" {
		if options.ErasureKey, err = keyfile.LoadPublic(o.erasureKey, integrity.KindErasure); err != nil {
			return err
		}
	}
	if o.keep > 0 || o.keepFor > 0 {
		// The journal is not open for long enough to finish a file.
		options.Rotation = journal.Rotation{MaxAge: math.MaxInt64, Keep: o.keep, KeepFor: o.keepFor}
	}
	j, err := journal.Open(ctx, path, options)
	if err != nil {
		if ctx.Err() != nil {
			return &exitError{code: exitInterrupted, err: errors.New("interrupted before the journal was open")}
		}
		if errors.Is(err, journal.ErrTampered) || errors.Is(err, journal.ErrTruncated) {
			return &exitError{code: exitTampered, err: err}
		}
		return err
	}
	if err := j.Close(); err != nil {
		return fmt.Errorf("the journal is in order, but could not be closed: %w", err)
	}
	var oldKeys []string
	if next != nil {
		if oldKeys, err = next.settle(); err != nil {
			return err
		}
		if next.begun {
			fmt.Fprintln(a.stderr, "a new chain whose beginning was interrupted is complete, and no other one was begun")
		}
	}
	// A change of the key that a crash interrupted is completed by the opening:
	// the key is asked for now, and not before.
	now, _, err := keyfile.OpenKeys(key.src)
	if err != nil {
		return fmt.Errorf("the journal is in order, but its key could not be read again: %w", err)
	}
	r := &recovery{File: path, Chain: j.Chain().String(), KeyID: now.ID(), State: stateInOrder, Found: []string{}, OldKeys: oldKeys}
	if err := r.read(path, opened); err != nil {
		return fmt.Errorf("the journal is in order, but what was sealed could not be read: %w", err)
	}
	if r.State == stateRestored && takesErasures(path) {
		r.erasable = true
		if r.Undone, err = erasuresUndone(ctx, path); err != nil {
			err = fmt.Errorf("the journal is in order, but what was erased could not be looked for (run: auditchain erase --complete %s): %w", shellWord(path), err)
			if ctx.Err() != nil {
				return &exitError{code: exitInterrupted, err: err}
			}
			return err
		}
	}
	r.Reports = reports.all()
	return a.printRecovery(r, o)
}

// somethingThere refuses a name that no journal has or had: opening it would
// begin one.
func somethingThere(path string) error {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return err
	}
	segments, err := journal.Segments(path)
	if err != nil {
		return err
	}
	if len(segments) > 0 {
		return nil
	}
	for _, suffix := range []string{".head", ".lock"} {
		info, err := os.Lstat(path + suffix)
		switch {
		case err == nil && info.Size() > 0:
			return nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return fmt.Errorf("there is no journal %q, and no trace of one; auditchain append begins one", path)
}

// maxReason is how long the reason can be that a person gives, in bytes.
const maxReason = 1000

// reportList keeps what a journal reports, but for breaks, which are read from
// the chain.
type reportList struct {
	mu   sync.Mutex
	said []string // guarded by mu
}

func (l *reportList) add(err error) {
	if errors.Is(err, journal.ErrBroken) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, err.Error())
}

// all returns what was reported so far.
func (l *reportList) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.said)
}

// The states of a recovery, the later ones outdoing those before.
const (
	stateInOrder   = "in order"
	stateRecovered = "recovered"
	stateBroken    = "broken"
	stateRestored  = "restored"
	stateNewChain  = "new chain"
)

// recovery is what recover found and did.
type recovery struct {
	File     string         `json:"file"`
	State    string         `json:"state"`
	Chain    string         `json:"chain_id"`
	KeyID    string         `json:"key_id"`
	FirstSeq uint64         `json:"first_seq"`
	LastSeq  uint64         `json:"last_seq"`
	Sealed   []sealedRecord `json:"sealed"`
	Found    []string       `json:"found"`
	Done     []string       `json:"done"`
	Breaks   []foundBreak   `json:"breaks,omitempty"`
	SetAside []setAside     `json:"set_aside,omitempty"`
	OldChain *oldChain      `json:"old_chain,omitempty"`
	// OldKeys are the files of the keys that the old chain had.
	OldKeys []string `json:"old_key_files,omitempty"`
	// Undone counts erased lines that a backup has brought back.
	Undone  int64    `json:"pending_erasures,omitempty"`
	Reports []string `json:"reports,omitempty"`

	erasable bool
}

type sealedRecord struct {
	Seq     uint64 `json:"seq"`
	Control string `json:"control"`
	File    string `json:"file"`
}

type foundBreak struct {
	Seq    uint64 `json:"seq"`
	Found  string `json:"found"`
	Reason string `json:"reason,omitempty"`
	KeptIn string `json:"kept_in,omitempty"`
}

type setAside struct {
	Seq    uint64 `json:"seq"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	KeptIn string `json:"kept_in"`
}

type oldChain struct {
	KeptIn string `json:"kept_in"`
	Chain  string `json:"chain_id,omitempty"`
	Seq    uint64 `json:"seq,omitempty"`
	MAC    string `json:"hmac,omitempty"`
	Reason string `json:"reason"`
}

func (a *app) printRecovery(r *recovery, o recoverOptions) error {
	if o.json {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(append(appendCleanJSON(nil, b), '\n'))
		return err
	}
	for _, s := range r.Reports {
		fmt.Fprintf(a.stderr, "journal: %s\n", cleanText(s))
	}
	st := a.styled(a.stdout.w)
	paint := st.green
	if r.State == stateBroken || r.State == stateRestored {
		paint = st.yellow
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s\n", cleanText(r.File), paint(r.State))
	for _, part := range []struct {
		heading string
		said    []string
	}{{"found", r.Found}, {"done", r.Done}} {
		if len(part.said) > 0 {
			fmt.Fprintf(&b, "%s:\n", part.heading)
		}
		for _, s := range part.said {
			fmt.Fprintf(&b, "  - %s\n", cleanText(s))
		}
	}
	fmt.Fprintf(&b, "chain: %s, key %s\n", cleanText(r.Chain), cleanText(r.KeyID))
	fmt.Fprintf(&b, "next:\n")
	for _, s := range r.next() {
		fmt.Fprintf(&b, "  - %s\n", cleanText(s))
	}
	_, err := a.stdout.Write(b.Bytes())
	return err
}

// next is what is left to a person.
func (r *recovery) next() []string {
	verify := "auditchain verify " + shellWord(r.File)
	switch r.State {
	case stateBroken:
		return []string{
			"put back what is missing, under the name that it had, if you have it (docs/RECOVERY.md)",
			"see what the chain is worth as it is: " + verify,
		}
	case stateRestored:
		next := []string{"see that all that was put back holds; the verdict is \"partly proven\" at best, exit code 4, from now on: " + verify}
		if r.Undone > 0 {
			next = append(next, fmt.Sprintf("%s that the chain says is erased has its content again; have it erased: auditchain erase --complete %s", count(r.Undone, "line"), shellWord(r.File)))
		}
		if r.erasable {
			next = append(next, "what was erased after the backup was made has its content again, and nothing here says so: have those orders carried out again: auditchain erase --order ORDER "+shellWord(r.File))
		}
		return next
	case stateNewChain:
		start := "start the writers again: those that had the old chain open refuse to write to this one"
		if r.OldChain == nil || r.OldChain.KeptIn == "" {
			return []string{start} // there were no files to keep
		}
		old := filepath.Join(filepath.Dir(r.File), r.OldChain.KeptIn, filepath.Base(r.File))
		with, next := "", []string{}
		for _, file := range r.OldKeys {
			with += "--key-file " + shellWord(file) + " "
		}
		if with != "" {
			next = append(next, "keep the verification keys of the old chain; once you have them, remove its other keys: "+strings.Join(r.OldKeys, ", "))
		}
		return append(next, "verify the old chain where it is now, which needs no lock file there: auditchain verify "+with+shellWord(old), start)
	}
	return []string{"see that the chain holds: " + verify}
}
