// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

type tailOptions struct {
	recordFlags
	keyFiles  *[]string
	follow    bool
	fromStart bool
	count     int
}

func (a *app) tailCommand() *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail JOURNAL",
		Short: "Print the last records of a journal, and follow it",
		Long: `Prints the last records that match every flag given, and with -f those that come,
until it is interrupted. Without -f it ends at the watermark as it was when it
began. It stops at the watermark: what it prints was
acknowledged. Rotation, compression, retention and restarts of the writer do not
end it, and writers are not disturbed. A journal without a watermark beside it is
read to its end.

JOURNAL is the name of a journal (audit.jsonl), or a folder that holds one. A
symbolic link is followed to the file itself, with the files beside that. For one
finished file of it, and for the older format, use auditchain query.

With --key-file, the watermark and every line are checked as they are read. That
proves no more than what is read: the whole is for auditchain verify. It may be given
several times: the verification key, and the keys that the chain had before. Keys that
auditchain key rotate left beside a key file, under its name and their id, are taken
along. Lines under a key that is not at hand are printed, and that is said.

` + recordHelp + `

A record that was erased is printed where no flag chooses records, and counted on
standard error where one does (see auditchain query).

A line that cannot be read or does not hold, and lines that are missing, are named
on standard error, and the exit code at the end is 4.

` + exitCodes(exitDone, exitFailed, exitUsage, exitIncomplete, exitInterrupted),
		Example: `  auditchain tail -n 20 audit.jsonl
  auditchain tail -f --type session_ended -o json audit.jsonl | jq .event
  auditchain tail -f -n 0 --key-file audit.key audit.jsonl
  auditchain tail --key-file audit.verify2 --key-file audit.verify audit.jsonl`,
		Args: oneArg("journal"),
	}
	o.add(cmd.Flags())
	f := cmd.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what is added")
	f.IntVarP(&o.count, "lines", "n", 10, "begin with the last so many records")
	f.BoolVar(&o.fromStart, "from-start", false, "begin with the first record")
	o.keyFiles = f.StringArray("key-file", nil, "check what is read under the key in this file; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.fromStart && f.Changed("lines") {
			return usagef("-n and --from-start exclude each other")
		}
		return a.tail(cmd.Context(), args[0], o)
	}
	return cmd
}

// tail prints the last records of the journal at path, and those that come.
func (a *app) tail(ctx context.Context, path string, o tailOptions) error {
	if o.count < 0 {
		return usagef("-n %d is negative", o.count)
	}
	if err := o.check(time.Now()); err != nil {
		return err
	}
	columns, _ := terminalWidth(a.stdout.w)
	out := newPrinter(o.output, a.stdout, columns)
	file, err := behindLink(path)
	if err != nil {
		return err
	}
	lines, err := o.open(path, file, out)
	if err != nil {
		return err
	}
	erased := &erasedLines{path: file}
	defer lines.Close()
	if len(*o.keyFiles) == 0 {
		fmt.Fprintln(a.stderr, "tail does not verify; run: auditchain verify --key-file KEY", shellWord(path))
	}
	bad, err := a.printLines(ctx, lines, out, o.filter, erased)
	interrupted := ctx.Err() != nil && errors.Is(err, ctx.Err())
	if interrupted || err == io.EOF {
		err = nil
	}
	if err := errors.Join(err, out.close()); err != nil {
		return err
	}
	if err := bad.exit(); err != nil || !interrupted {
		return err
	}
	return exitWith(exitInterrupted)
}

// open begins to follow where the options say.
func (o *tailOptions) open(path, file string, out printer) (_ *journal.Follower, err error) {
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
		if older, err := inOlderFormat(file); err == nil && older {
			return nil, fmt.Errorf("%q is in the older format, to which nothing is added; run: auditchain query %s", path, shellWord(path))
		}
	}
	follow := journal.FollowOptions{Last: o.count, End: o.count == 0, Stop: !o.follow, Match: func(line integrity.Line) bool {
		switch line.Kind {
		case integrity.Record:
		case integrity.Tombstone:
			return o.filter == (audit.Filter{})
		default:
			return false
		}
		e, err := audit.Decode(line.Payload)
		return err == nil && o.filter.Match(e)
	}}
	if o.fromStart {
		follow.Last, follow.End = 0, false
	}
	follow.Wait = func(ctx context.Context) error {
		if err := out.flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(journal.DefaultPoll):
			return nil
		}
	}
	if len(*o.keyFiles) > 0 {
		ring, err := loadKeyRing(*o.keyFiles)
		if err != nil {
			return nil, keyfile.IfMissing(err, giveTheKey)
		}
		follow.Key, follow.Keys = ring.Key, ring.Keys
	}
	return journal.NewFollower(file, follow)
}

// printLines prints what matches, until nothing more is to come or ctx ends.
func (a *app) printLines(ctx context.Context, lines *journal.Follower, out printer, filter audit.Filter, erased *erasedLines) (bad troubles, err error) {
	defer func() { erased.say(a.stderr) }()
	for {
		line, err := lines.Next(ctx)
		var entry audit.Entry
		if err == nil {
			var derr error
			if entry, derr = audit.Decode(line.Payload); derr != nil {
				err = &journal.LineError{Path: lines.Path(), Line: line.Number, Offset: line.Offset, Reason: derr}
			}
		}
		switch {
		case err == nil && (filter.Match(entry) || entry.Kind == audit.KindErased && erased.wanted(&filter)):
			if err := printLine(out, erased, &entry, line.Seq, line.MAC); err != nil {
				return bad, err
			}
		case err == nil:
		case bad.note(err):
			// What was printed before it stands before it.
			if err := out.flush(); err != nil {
				return bad, err
			}
			fmt.Fprintln(a.stderr, cleanText(err.Error()))
		default:
			return bad, err
		}
	}
}

// note counts what a Follower says and goes on behind; false is for what ends
// it.
func (t *troubles) note(err error) bool {
	var line *journal.LineError
	var gap *journal.GapError
	isGap := errors.As(err, &gap)
	if isGap {
		t.add(gap.Missing())
	}
	if errors.As(err, &line) {
		t.add(0)
		return true
	}
	if errors.Is(err, journal.ErrUnchecked) {
		return true // it is said, and nothing is known to be wrong
	}
	for _, known := range []error{journal.ErrTruncated, journal.ErrTampered, journal.ErrReplaced, journal.ErrNoWatermark} {
		if errors.Is(err, known) {
			t.others++
			return true
		}
	}
	return isGap
}
