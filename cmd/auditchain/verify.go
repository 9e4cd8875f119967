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
	keyFile      *string
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
reordered, duplicated, spliced, ill-formed, missing).
A journal is verified with all its files. One finished file (audit-<first seq>.jsonl,
or .zst), given as JOURNAL, is verified alone, and is partly proven at best.

` + keySourceHelp + `

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
  pruned        {"first_seq","sealed_at"}, where retention removed older files
  bad           [{"file","line","offset","seq","kind","reason"}], the first first
  bad_total, holds_after
  proven, not_proven   the same in words
Members are added to it in later releases; none is renamed or given another meaning.

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitIncomplete, exitInterrupted),
		Example: `  auditchain verify --key-file audit.key audit.jsonl
  auditchain verify --json audit.jsonl | jq '.verdict, .bad[0]'
  auditchain verify --quiet audit.jsonl || alert "audit journal: exit code $?"`,
		Args: oneArg("journal"),
	}
	o.keyFile = keyFileFlag(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print the findings as one JSON object")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print nothing: the exit code says it all")
	f.BoolVar(&o.olderDefault, "legacy-default-key", false, "verify the older format under its public default key, which proves nothing against whoever knows it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case o.json && o.quiet:
			return usagef("--json and --quiet exclude each other")
		case o.olderDefault && *o.keyFile != "":
			return usagef("--key-file and --legacy-default-key exclude each other")
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
		return judgeOlder(ctx, path, o)
	}
	if o.olderDefault {
		return nil, fmt.Errorf("%q is not in the older format: --legacy-default-key does not apply", path)
	}
	key, err := verificationKey(*o.keyFile)
	if err != nil {
		return nil, err
	}
	return journal.Verify(ctx, path, key, journal.VerifyOptions{})
}

// verificationKey finds the key to verify with. A key that is made now, as
// keyfile suggests, verifies nothing.
func verificationKey(flag string) (integrity.Key, error) {
	key, _, err := loadKey(flag)
	if errors.Is(err, keyfile.ErrNoKey) {
		name := flag
		if name == "" {
			name = "--key-file, AUDITCHAIN_KEY_FILE or a systemd credential"
		}
		return key, fmt.Errorf("there is no key in %s: give the key that the journal was begun with (its id is key_id in the first line; auditchain key id FILE prints a file's)", name)
	}
	return key, err
}

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
	case *o.keyFile != "":
		text, _, err := keyfile.Bytes(keyfile.Source{File: *o.keyFile})
		text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
		if err == nil && len(text) == 0 {
			err = fmt.Errorf("key file %q is empty", *o.keyFile)
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
	if r.Recovered > 0 {
		fmt.Fprintf(&b, "recovered in the past: %s set aside\n", count(r.Recovered, "crash tail"))
	}
	if r.Chain != "" {
		fmt.Fprintf(&b, "chain: %s, key %s\n", cleanText(r.Chain), cleanText(r.KeyID))
	}
	return b.Bytes()
}
