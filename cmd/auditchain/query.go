// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit"
)

type queryOptions struct {
	recordFlags
	limit  int64
	secret secretFlags
}

func (a *app) queryCommand() *cobra.Command {
	var o queryOptions
	cmd := &cobra.Command{
		Use:   "query JOURNAL",
		Short: "Print the records of a journal that match",
		Long: `Prints the records that match every flag given, in the order of the journal.
Both the current and the older format are read. No key is needed, and nothing is
verified: whether the records are genuine, only auditchain verify can say.

JOURNAL is the name of a journal (audit.jsonl), of which all files are read, the
finished and the compressed ones too; or one finished file of it
(audit-00000000000000000001.jsonl.zst), which alone is read; or a folder that holds
one journal. A symbolic link is followed to the file itself, with the files beside
that; verify and append refuse one.

` + recordHelp + `

A record that was erased has no session, type, time or actor any more: it is printed,
with who ordered it and why, where no flag chooses records, and counted on standard error
where one does.

` + secretHelp + `

A line that cannot be read is never passed over in silence: it is named on
standard error, with its file, number and byte offset, and the exit code is 4. So
are lines that are missing between two files, and a file that has only the name of
one of the journal. Beyond the watermark, whole lines are printed, and an unfinished
end, as a crash leaves it, is no error.

` + exitCodes(exitDone, exitFailed, exitUsage, exitIncomplete, exitInterrupted),
		Example: `  auditchain query --session 0b6d8e0a-5a0e-4a52-8b5e-4a5fb7d3c7f1 audit.jsonl
  auditchain query --type session_ended --since 24h -o json audit.jsonl | jq .event
  auditchain query --provider gcp --until 2026-11-24 -o csv audit.jsonl > gcp.csv
  auditchain query --secret-stdin --fingerprint-key-file fp.key audit.jsonl < leaked-token.txt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.secret.stdin && len(args) > 1 {
				return errSecretArgument
			}
			return oneArg("journal")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.query(cmd.Context(), args[0], o)
		},
	}
	o.add(cmd.Flags())
	cmd.Flags().Int64Var(&o.limit, "limit", 0, "stop after so many records (0: all)")
	cmd.Flags().BoolVar(&o.secret.stdin, "secret-stdin", false, "only records in which the secret on standard input was masked")
	cmd.Flags().StringVar(&o.secret.fingerprintKey, "fingerprint-key-file", "", "with --secret-stdin: file that holds the key for fingerprints of masked secrets")
	return cmd
}

// query prints what matches in the journal at path.
func (a *app) query(ctx context.Context, path string, o queryOptions) error {
	if o.limit < 0 {
		return usagef("--limit %d is negative", o.limit)
	}
	if err := o.check(time.Now()); err != nil {
		return err
	}
	search, err := o.secret.search(ctx, a)
	if err != nil {
		return err
	}
	file, err := behindLink(path)
	if err != nil {
		return err
	}
	lines, err := audit.Open(file)
	if err != nil {
		return err
	}
	defer lines.Close()
	fmt.Fprintln(a.stderr, "query does not verify; run: auditchain verify --key-file KEY", shellWord(path))
	columns, _ := terminalWidth(a.stdout.w)
	out := newPrinter(o.output, a.stdout, columns)
	var n int64
	var bad troubles
	erased := &erasedLines{path: file, bySecret: search != nil}
	for (o.limit == 0 || n < o.limit) && lines.Scan() {
		if ctx.Err() != nil {
			return errors.Join(&exitError{code: exitInterrupted, err: ctx.Err()}, out.close())
		}
		line := lines.Line()
		if line.Err != nil {
			bad.add(line.Err.Missing)
			fmt.Fprintln(a.stderr, cleanText(line.Err.Error()))
			continue
		}
		if line.Entry.Kind == audit.KindErased {
			if !erased.wanted(&o.filter) {
				continue
			}
		} else if !o.filter.Match(line.Entry) {
			continue
		} else if search != nil {
			if found, err := search.in(&line.Entry); err != nil {
				return err
			} else if !found {
				continue
			}
		}
		n++
		if err := printLine(out, erased, &line.Entry, line.Seq, line.MAC); err != nil {
			return err
		}
	}
	if err := errors.Join(lines.Err(), out.close()); err != nil {
		return err
	}
	if n == 0 {
		fmt.Fprintln(a.stderr, "no record matches")
	}
	if search != nil {
		search.say(a.stderr)
	}
	erased.say(a.stderr)
	if left := lines.Abandoned(); left > 0 {
		fmt.Fprintf(a.stderr, "%s behind the end of a finished file passed over: no part of the chain, as the next file says\n", count(left, "byte"))
	}
	return bad.exit()
}

// behindLink is the file that path leads to: a link may be named here, where
// nothing is proven, and the other files of the journal are beside the file.
func behindLink(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return path, nil //nolint:nilerr // what is missing is said where it is opened
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%q is no regular file (%s)", path, info.Mode().Type())
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSymlink {
		return filepath.EvalSymlinks(path)
	}
	return path, nil
}

// troubles counts what could not be read.
type troubles struct {
	lines, missing int64
	others         int64 // what was said of a file as a whole
}

// add counts a bad line, or a gap where lines are missing.
func (t *troubles) add(missing uint64) {
	if missing > 0 {
		t.missing += int64(min(missing, 1<<62))
		return
	}
	t.lines++
}

// exit is how a command ends that met them.
func (t *troubles) exit() error {
	var said []string
	if t.lines > 0 {
		said = append(said, count(t.lines, "line")+" could not be read")
	}
	if t.missing > 0 {
		said = append(said, count(t.missing, "line")+" missing between files")
	}
	if t.others > 0 {
		said = append(said, "the journal is not as its watermark says; run: auditchain verify")
	}
	if len(said) == 0 {
		return nil
	}
	return &exitError{code: exitIncomplete, err: errors.New(strings.Join(said, ", "))}
}

// printLine prints a record as it stands in the chain, or what is left of an
// erased one.
func printLine(out printer, erased *erasedLines, e *audit.Entry, seq uint64, mac [32]byte) error {
	text, err := e.MarshalJSON()
	if err != nil {
		return err
	}
	f := &found{entry: e, seq: seq}
	if e.Kind == audit.KindErased {
		if f.order, err = erased.order(seq); err != nil {
			return err
		}
		if text, err = f.order.appendTo(text); err != nil {
			return err
		}
	}
	if seq > 0 { // the older format has none
		text = fmt.Appendf(text[:len(text)-1], `,"seq":%d,"hmac":"%x"}`, seq, mac)
	}
	f.json = text
	return out.print(f)
}
