// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/auditchain/auditchain/audit"
)

// recordFlags choose records, and how they are printed: query and tail have
// them in common.
type recordFlags struct {
	filter       audit.Filter
	since, until string
	output       string
}

const recordHelp = `--since and --until take a time (2026-11-24T10:00:00Z), a day (2026-11-24, from
midnight UTC) or an age (2h, 90m, 7d). Since is included, until is not.

Output:
  table  for people; it fits the terminal. Control characters and whatever else
         could act on a terminal are spelled out (\x1b).
  json   one JSON object a line: the line of the journal, without "blind", which
         must not leave the file (docs/SPEC.md, section 6).
  csv    timestamp,seq,id,session_id,provider,type,actor,summary,event; a cell that a
         spreadsheet would run as a formula begins with an apostrophe.`

func (o *recordFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.filter.Session, "session", "", "only this session id")
	f.StringVar(&o.filter.Provider, "provider", "", "only this cloud provider")
	f.StringVar(&o.filter.Type, "type", "", "only this event type")
	f.StringVar(&o.filter.Actor, "actor", "", "only what this actor did")
	f.StringVar(&o.since, "since", "", "only from this time on, or not older than this")
	f.StringVar(&o.until, "until", "", "only before this time, or older than this")
	f.StringVarP(&o.output, "output", "o", "table", "table, json or csv")
}

// check completes the options, or says what is wrong with them.
func (o *recordFlags) check(now time.Time) error {
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
