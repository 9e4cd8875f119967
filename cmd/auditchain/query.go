// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/audit"
)

type queryOptions struct {
	filter       audit.Filter
	since, until string
	limit        int64
	output       string
}

func (a *app) queryCommand() *cobra.Command {
	var o queryOptions
	cmd := &cobra.Command{
		Use:   "query JOURNAL",
		Short: "Print the records of a journal that match",
		Long: `Prints the records that match every flag given, in the order of the journal.
Both the current and the older format are read. No key is needed, and nothing is
verified: whether the records are genuine, only auditchain verify can say.

--since and --until take a time (2026-11-24T10:00:00Z), a day (2026-11-24, from
midnight UTC) or an age (2h, 90m, 7d). Since is included, until is not.

Output:
  table  for people; it fits the terminal. Control characters and whatever else
         could act on a terminal are spelled out (\x1b).
  json   one JSON object a line: the line of the journal, without "blind", which
         must not leave the file (docs/SPEC.md, section 6).
  csv    timestamp,seq,id,session_id,provider,type,actor,summary,event; a cell that a
         spreadsheet would run as a formula begins with an apostrophe.

A line that cannot be read is never passed over in silence: it is named on
standard error, with its number and byte offset, and the exit code is 4.

` + exitCodes(exitDone, exitFailed, exitUsage, exitIncomplete, exitInterrupted),
		Example: `  auditchain query --session 0b6d8e0a-5a0e-4a52-8b5e-4a5fb7d3c7f1 audit.jsonl
  auditchain query --type session_ended --since 24h -o json audit.jsonl | jq .event
  auditchain query --provider gcp --until 2026-11-24 -o csv audit.jsonl > gcp.csv`,
		Args: oneArg("journal"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.query(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.filter.Session, "session", "", "only this session id")
	f.StringVar(&o.filter.Provider, "provider", "", "only this cloud provider")
	f.StringVar(&o.filter.Type, "type", "", "only this event type")
	f.StringVar(&o.filter.Actor, "actor", "", "only what this actor did")
	f.StringVar(&o.since, "since", "", "only from this time on, or not older than this")
	f.StringVar(&o.until, "until", "", "only before this time, or older than this")
	f.Int64Var(&o.limit, "limit", 0, "stop after so many records (0: all)")
	f.StringVarP(&o.output, "output", "o", "table", "table, json or csv")
	return cmd
}

// check completes the options, or says what is wrong with them.
func (o *queryOptions) check(now time.Time) error {
	var err error
	if o.filter.Since, err = parseWhen("--since", o.since, now); err != nil {
		return err
	}
	if o.filter.Until, err = parseWhen("--until", o.until, now); err != nil {
		return err
	}
	switch {
	case !o.filter.Since.IsZero() && o.filter.Since.Equal(o.filter.Until):
		return usagef("nothing is from %s on and before %s: --until is not included (for a whole day, give the next day)", o.since, o.until)
	case !o.filter.Since.IsZero() && !o.filter.Until.IsZero() && o.filter.Since.After(o.filter.Until):
		return usagef("nothing is from %s on and before %s: exchange --since and --until", o.since, o.until)
	case o.limit < 0:
		return usagef("--limit %d is negative", o.limit)
	case o.output != "table" && o.output != "json" && o.output != "csv":
		return usagef("-o %q is none of table, json, csv", o.output)
	}
	return nil
}

// parseWhen reads a time, a day or an age.
func parseWhen(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	age, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok && err != nil {
		var n uint64
		if n, err = strconv.ParseUint(days, 10, 16); err == nil {
			age = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || age < 0 {
		return time.Time{}, usagef("%s %q is no time such as 2026-11-24T10:00:00Z, no day such as 2026-11-24, and no age such as 2h or 7d", flag, s)
	}
	return now.Add(-age), nil
}

// query prints what matches in the journal at path.
func (a *app) query(ctx context.Context, path string, o queryOptions) error {
	if err := o.check(time.Now()); err != nil {
		return err
	}
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintln(a.stderr, "query does not verify; run: auditchain verify --key-file KEY", shellWord(path))
	columns, _ := terminalWidth(a.stdout.w)
	out := newPrinter(o.output, a.stdout, columns)
	lines := audit.NewScanner(f)
	var n, unreadable int64
	for (o.limit == 0 || n < o.limit) && lines.Scan() {
		if ctx.Err() != nil {
			return errors.Join(&exitError{code: exitInterrupted, err: ctx.Err()}, out.close())
		}
		line := lines.Line()
		if line.Err != nil {
			unreadable++
			fmt.Fprintf(a.stderr, "%s: %v\n", cleanText(path), line.Err)
			continue
		}
		if !o.filter.Match(line.Entry) {
			continue
		}
		n++
		text, err := line.Entry.MarshalJSON()
		if err == nil {
			err = out.print(&found{entry: &line.Entry, seq: line.Seq, json: withSuffix(text, line)})
		}
		if err != nil {
			return err
		}
	}
	if err := errors.Join(lines.Err(), out.close()); err != nil {
		return err
	}
	if n == 0 {
		fmt.Fprintln(a.stderr, "no record matches")
	}
	if unreadable > 0 {
		return &exitError{code: exitIncomplete, err: fmt.Errorf("%s could not be read", count(unreadable, "line"))}
	}
	return nil
}

// withSuffix gives a record its place in the chain back.
func withSuffix(text []byte, line audit.Line) []byte {
	if line.Seq == 0 {
		return text
	}
	return fmt.Appendf(text[:len(text)-1], `,"seq":%d,"hmac":"%x"}`, line.Seq, line.MAC)
}
