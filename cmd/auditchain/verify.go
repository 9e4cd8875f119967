// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// The older system's key: the variable that it was read from, and the public
// constant that it fell back to.
const (
	olderKeyEnv     = "AUDEX_HMAC_KEY"
	olderDefaultKey = "audex-audit-integrity-v1"
)

type verifyOptions struct {
	keyFiles     *[]string
	publicKey    string
	checkpoints  []string
	json, quiet  bool
	olderDefault bool
}

func (a *app) verifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify JOURNAL",
		Short: "Prove a journal, or name the first place where it was changed",
		Long: `Reads a whole journal, checks every line against the chain and the end against the
watermark (JOURNAL.head), and says what is proven and what is not. Writers are
not disturbed. For a journal that was changed it names the first bad place:
file, line, sequence number, byte offset and kind (changed, removed, inserted,
reordered, duplicated, spliced, ill-formed, missing; forged for a checkpoint or a
change of keys that does not hold, erased for a record taken out without leave).
A journal is verified with all its files. One finished file (audit-<first seq>.jsonl,
or .zst), given as JOURNAL, is verified alone, and is partly proven at best.

` + keySourceHelp + `
` + keyRingHelp + `
Of a key that steps, the file on the host that writes proves only what was sealed
since the last step, and the verdict is "partly proven"; the verification key proves
everything.

--public-key verifies without a secret: with the public key of the checkpoints (a
file, or the key itself in base64), order, tree and checkpoints are checked, and
everything up to the last checkpoint is proven. With a key as well, the chain must
name this public key.
--checkpoint FILE gives checkpoints that were kept elsewhere: a note, a .checkpoints
file, a proof, or an export of another system that has them in JSON strings. The
chain must be the one that they are about, and the largest one pins its end: so that
nothing up to there is missing is proven without a watermark. It may be repeated.

A file in the older format (lines that end in a TAB and #HMAC:<hex>) is told by its
first line. Its key is used as it is: the bytes of --key-file without a newline
at the end, else the environment variable AUDEX_HMAC_KEY. No default key is ever
used, except with --legacy-default-key: that key is public, and whoever knows it
can forge such a file. The older format pins no end, so that at best it is partly
proven (exit code 4).

With --json, one object on standard output, whatever the verdict:
  verdict       "verified", "verified, crash tail", "tampered", "truncated",
                "partly proven" or "cannot verify"
  exit_code     the exit code
  file, format  the journal, and "auditchain/v1" or "tab-hmac"
  chain_id, key_id
  lines, records, controls, tombstones, unsigned   counts of what holds
  last_seq, last_hmac   of the last line that holds
  watermark     {"seq","hmac","time","degraded"}
  unacknowledged, crash_tail_bytes, fsync, recovered, unknown_controls
  segments, abandoned_bytes    how many files, and what of them a writer gave up
  breaks        [{"seq","found","reason","kept_in"}], where a writer found less than
                it had left, or something else
  imported      {"file","bytes","sha256","lines","signed","last_tag","key_id"}: the file
                of the older format that the chain says it began with; without key_id,
                its tags were not checked then
  pruned        {"first_seq","sealed_at"}, where retention removed older files
  epochs        how many epochs a forward-secure key stepped through
  proven_from   the first line that a key at hand was in force for, where that is not
                the beginning
  checkpoints   {"count","timestamps","size","root","time","key_id"}, the last four of
                the last one that holds
  given_checkpoints   [{"name","size","holds","reason"}], of --checkpoint
  pending_erasures    lines whose erasure is sealed, and whose payload is still there
  bad           [{"file","line","offset","seq","kind","reason"}], the first first
  bad_total, holds_after
  proven, not_proven   the same in words
Members are added to it in later releases; none is renamed or given another meaning.

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitIncomplete, exitInterrupted),
		Example: `  auditchain verify --key-file audit.verify audit.jsonl
  auditchain verify --key-file audit.verify --checkpoint siem-export.json audit.jsonl
  auditchain verify --public-key audit.pub --checkpoint kept.note audit.jsonl
  auditchain verify --json audit.jsonl | jq '.verdict, .bad[0]'
  auditchain verify --quiet audit.jsonl || alert "audit journal: exit code $?"`,
		Args: oneArg("journal"),
	}
	o.keyFiles = keyRingFlag(cmd)
	f := cmd.Flags()
	f.StringVar(&o.publicKey, "public-key", "", "public key of the checkpoints: a file, or the key in base64; no secret key is needed then")
	f.StringArrayVar(&o.checkpoints, "checkpoint", nil, "file with checkpoints that were kept elsewhere; may be repeated")
	f.BoolVar(&o.json, "json", false, "print the findings as one JSON object")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print nothing: the exit code says it all")
	f.BoolVar(&o.olderDefault, "legacy-default-key", false, "verify the older format under its public default key, which proves nothing against whoever knows it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case o.json && o.quiet:
			return usagef("--json and --quiet exclude each other")
		case o.olderDefault && len(*o.keyFiles) > 0:
			return usagef("--key-file and --legacy-default-key exclude each other")
		case cmd.Flags().Changed("public-key") && o.publicKey == "":
			return usagef("--public-key is an empty string")
		}
		report, err := judge(cmd.Context(), args[0], o)
		if err != nil {
			report = &integrity.Report{Verdict: integrity.CannotVerify, File: args[0], Proven: []string{}, NotProven: []string{err.Error()}}
		}
		if cmd.Context().Err() != nil && report.Verdict == integrity.CannotVerify {
			return &exitError{code: exitInterrupted, err: errors.New("interrupted: nothing is claimed")}
		}
		if err == nil || o.json {
			if perr := a.printReport(report, o); perr != nil {
				return perr
			}
		}
		if err != nil {
			return err
		}
		return exitWith(report.ExitCode())
	}
	return cmd
}

// judge verifies the file at path, in whichever format it is.
func judge(ctx context.Context, path string, o verifyOptions) (*integrity.Report, error) {
	older, err := inOlderFormat(path)
	if err != nil {
		return nil, err
	}
	if older {
		if o.publicKey != "" || len(o.checkpoints) > 0 {
			return nil, fmt.Errorf("%q is in the older format, which has no checkpoints: --public-key and --checkpoint do not apply", path)
		}
		return judgeOlder(ctx, path, o)
	}
	if o.olderDefault {
		return nil, fmt.Errorf("%q is not in the older format: --legacy-default-key does not apply", path)
	}
	key, opts, err := o.input()
	if err != nil {
		return nil, err
	}
	return journal.Verify(ctx, path, key, opts)
}

// input reads what the flags name. The zero Key is for a verification with the
// public key alone.
func (o *verifyOptions) input() (key integrity.Key, opts journal.VerifyOptions, err error) {
	if o.publicKey != "" {
		if opts.PublicKey, err = readPublicKey(o.publicKey); err != nil {
			return key, opts, err
		}
	}
	for _, file := range o.checkpoints {
		notes, err := readNotes(file)
		if err != nil {
			return key, opts, err
		}
		opts.Given = append(opts.Given, notes...)
	}
	ring, err := o.keyRing()
	opts.Keys, opts.State = ring.Keys, ring.State
	return ring.Key, opts, err
}

// keyRing finds the keys to verify with; none where there is no source of one
// and the public key is to do. A key that is made now, as keyfile suggests,
// verifies nothing.
func (o *verifyOptions) keyRing() (keyRing, error) {
	named := len(*o.keyFiles) > 0
	if o.publicKey != "" && !named {
		// With the public key, what is proven must not depend on which key the
		// environment happens to name.
		return keyRing{}, nil
	}
	ring, err := loadKeyRing(*o.keyFiles)
	if !errors.Is(err, keyfile.ErrNoKey) {
		return ring, err
	}
	if named {
		return keyRing{}, keyfile.IfMissing(err, giveTheKey+", or the public key of its checkpoints with --public-key")
	}
	return keyRing{}, fmt.Errorf("there is no key in --key-file, AUDITCHAIN_KEY_FILE or a systemd credential: %s, or the public key of its checkpoints with --public-key", giveTheKey)
}

// giveTheKey is said where a key to read with is missing: one that is made now
// verifies nothing.
const giveTheKey = "give the key that the journal was begun with, or its verification key (its id is key_id in the first line; auditchain key id FILE prints a file's)"

// inOlderFormat reports whether the file is in the older format. A file with
// a watermark or finished segments beside it never is: else a journal whose
// first line was altered could pass for one. What is there in no such form is
// left to journal.Verify: a compressed file, a journal of which a file is gone.
func inOlderFormat(path string) (bool, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return false, nil
	}
	if _, err := os.Lstat(path + ".head"); err == nil {
		return false, nil
	}
	if segments, err := journal.Segments(path); err == nil && len(segments) > 0 && segments[0].First > 0 {
		return false, nil
	}
	f, err := openRegular(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	start := make([]byte, 1<<20)
	n, err := io.ReadFull(f, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, err
	}
	return integrity.IsLegacy(start[:n]), nil
}

// openRegular opens a file to read, and refuses what would hang or is no file.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%q does not exist", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%q is a folder; name the journal in it", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%q is no regular file (%s)", path, info.Mode().Type())
	}
	return os.Open(path)
}

func judgeOlder(ctx context.Context, path string, o verifyOptions) (*integrity.Report, error) {
	key, err := olderKey(o)
	if err != nil {
		return nil, err
	}
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := integrity.VerifyLegacy(ctx, path, f, key)
	if o.olderDefault && len(r.Proven) > 0 {
		r.NotProven = append(r.NotProven, "that nobody forged it: the key is the public default of the older system")
	}
	return r, nil
}

// olderKey finds the key of the older format, which is used as it is.
func olderKey(o verifyOptions) ([]byte, error) {
	switch {
	case o.olderDefault:
		return []byte(olderDefaultKey), nil
	case len(*o.keyFiles) > 1:
		return nil, errors.New("a file in the older format has one key: give --key-file once")
	case len(*o.keyFiles) == 1:
		file := (*o.keyFiles)[0]
		text, _, err := keyfile.Bytes(keyfile.Source{File: file})
		err = keyfile.IfMissing(err, "name the file that holds the key of the older system, as it is")
		text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
		if err == nil && len(text) == 0 {
			err = fmt.Errorf("key file %q is empty", file)
		}
		return text, err
	}
	if v := os.Getenv(olderKeyEnv); v != "" {
		return []byte(v), nil
	}
	return nil, fmt.Errorf("the file is in the older format, and no key for it is named: give --key-file FILE or set %s (or --legacy-default-key, if it was written without a key)", olderKeyEnv)
}

// verifyJSON is the output of verify --json: the report and the exit code.
type verifyJSON struct {
	Verdict  integrity.Verdict `json:"verdict"`
	ExitCode int               `json:"exit_code"`
	*integrity.Report
}

func (a *app) printReport(r *integrity.Report, o verifyOptions) error {
	switch {
	case o.quiet:
		return nil
	case o.json:
		b, err := json.Marshal(verifyJSON{r.Verdict, r.ExitCode(), r})
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(append(appendCleanJSON(nil, b), '\n'))
		return err
	}
	_, err := a.stdout.Write(reportText(r, a.styled(a.stdout.w)))
	return err
}

// reportText says a report in plain words.
func reportText(r *integrity.Report, st style) []byte {
	var b bytes.Buffer
	paint := st.red
	switch r.ExitCode() {
	case exitDone:
		paint = st.green
	case exitIncomplete:
		paint = st.yellow
	}
	fmt.Fprintf(&b, "%s: %s\n", cleanText(r.File), paint(string(r.Verdict)))
	if first := r.First(); first != nil {
		fmt.Fprintf(&b, "first bad place: %s\n", st.bold(cleanText(first.Error())))
		for _, bad := range r.Bad[1:] {
			fmt.Fprintf(&b, "  then: line %d (seq %d, byte %d): %s: %s\n", bad.Line, bad.Seq, bad.Offset, bad.Kind, cleanText(bad.Reason))
		}
		if n := r.BadTotal - int64(len(r.Bad)); n > 0 {
			fmt.Fprintf(&b, "  then: %d more\n", n)
		}
	}
	said := func(heading string, what []string) {
		if len(what) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s:\n", heading)
		for _, s := range what {
			fmt.Fprintf(&b, "  - %s\n", cleanText(s))
		}
	}
	said("proven", r.Proven)
	said("not proven", r.NotProven)
	if w := r.Watermark; w != nil {
		fmt.Fprintf(&b, "watermark: seq %d, %s\n", w.Seq, integrity.FormatTime(w.Time))
	}
	writeImported(&b, r.Imported)
	writeKeysAndCheckpoints(&b, r, st)
	if r.Recovered > 0 {
		fmt.Fprintf(&b, "recovered in the past: %s set aside\n", count(r.Recovered, "crash tail"))
	}
	if r.Chain != "" {
		key := "no key"
		if r.KeyID != "" {
			key = "key " + cleanText(r.KeyID)
		}
		fmt.Fprintf(&b, "chain: %s, %s\n", cleanText(r.Chain), key)
	}
	return b.Bytes()
}

// writeImported says which file of the older format a chain began with. Whether
// a file that is at hand is that one, its SHA-256 says.
func writeImported(b *bytes.Buffer, i *integrity.Imported) {
	if i == nil {
		return
	}
	checked := "its tags were verified then, under key " + cleanText(i.KeyID)
	switch {
	case i.Signed == 0:
		checked = "none of its lines had a tag"
	case i.KeyID == "":
		checked = "its tags were not verified then"
	}
	fmt.Fprintf(b, "imported: %s (%s, %d with a tag; %s, SHA-256 %s", cleanText(i.File), count(i.Lines, "line"), i.Signed, count(i.Bytes, "byte"), i.SHA256)
	if i.LastTag != "" {
		fmt.Fprintf(b, ", last tag %s", cleanText(i.LastTag))
	}
	fmt.Fprintf(b, "); %s\n", checked)
}

// writeKeysAndCheckpoints says what a report says of keys, checkpoints and
// erasures.
func writeKeysAndCheckpoints(b *bytes.Buffer, r *integrity.Report, st style) {
	if c := r.Checkpoints; c != nil {
		fmt.Fprintf(b, "checkpoints: %s", count(c.Count, "checkpoint"))
		if c.Size > 0 {
			fmt.Fprintf(b, ", the last one that holds of size %d", c.Size)
			if c.Time != "" {
				fmt.Fprintf(b, ", %s", cleanText(c.Time))
			}
			fmt.Fprintf(b, ", by key %s", cleanText(c.KeyID))
		}
		if c.Timestamps > 0 {
			fmt.Fprintf(b, "; %s", count(c.Timestamps, "time stamp"))
		}
		b.WriteByte('\n')
	}
	for _, g := range r.Given {
		says := st.green("holds")
		if !g.Holds {
			says = st.red("does not hold")
			if g.Reason != "" {
				says += ": " + cleanText(g.Reason)
			}
		}
		fmt.Fprintf(b, "given checkpoint %s, size %d: %s\n", cleanText(g.Name), g.Size, says)
	}
	if r.Epochs > 0 {
		fmt.Fprintf(b, "epochs of the key: %d\n", r.Epochs)
	}
	if r.ProvenFrom > 0 {
		fmt.Fprintf(b, "keys at hand: from seq %d on\n", r.ProvenFrom)
	}
	if r.PendingErasures > 0 {
		fmt.Fprintf(b, "erasures not completed: %s; to complete them: auditchain erase --complete %s\n", count(r.PendingErasures, "line"), cleanText(shellWord(r.File)))
	}
}
