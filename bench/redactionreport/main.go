// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Command redactionreport compares how secrets are masked: by processor/redact,
// by gitleaks and by the contrib redactionprocessor, on the same inputs in one
// run. It writes docs/REDACTION-REPORT.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/auditchain/auditchain/bench/redactionreport/samples"
)

func main() { os.Exit(realMain(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `usage: redactionreport [flags]

Run it inside bench/. It writes the report that docs/REDACTION-REPORT.md keeps;
or, of a corpus of your own (-corpus) or of real records (AUDITCHAIN_CORPUS, a
folder that has a cloudtrail.jsonl), a report to standard output.

`

func realMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("redactionreport", flag.ContinueOnError)
	fs.SetOutput(stderr)
	out := fs.String("o", "", "write the report to this `file` (default standard output)")
	own := fs.String("corpus", "", "judge this `file` instead: one JSON object a line, {\"line\": …, \"planted\": [{\"kind\": …, \"ctx\": …, \"text\": …}]}")
	list := fs.String("samples", "", "only write gitleaks' samples to this `file`, in JSON lines")
	fs.Usage = func() { fmt.Fprint(stderr, usage); fs.PrintDefaults() }
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if fs.NArg() > 0 {
		fs.Usage()
		return 2
	}
	var text string
	var err error
	switch folder := os.Getenv("AUDITCHAIN_CORPUS"); {
	case *list != "":
		err = writeSamples(ctx, *list)
	case *own != "":
		text, err = ownReport(ctx, *own)
	case folder != "":
		text, err = realReport(ctx, folder)
	default:
		text, err = fullReport(ctx, ".")
	}
	if err == nil && *list == "" {
		err = write(*out, text, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "redactionreport:", err)
		return 1
	}
	return 0
}

func write(path, text string, stdout io.Writer) error {
	if path == "" {
		_, err := io.WriteString(stdout, text)
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// fullReport is what docs/REDACTION-REPORT.md keeps. bench is the folder of this
// module.
func fullReport(ctx context.Context, bench string) (string, error) {
	s, err := fullScores(ctx, bench)
	if err != nil {
		return "", err
	}
	return s.report(), nil
}

func fullScores(ctx context.Context, bench string) (*scores, error) {
	cs, err := corpora(ctx, bench)
	if err != nil {
		return nil, err
	}
	return measured(ctx, cs)
}

// measured runs every way on the corpora.
func measured(ctx context.Context, cs []corpus) (*scores, error) {
	ways, stop, err := allWays(ctx)
	if err != nil {
		return nil, err
	}
	s, err := measure(ways, cs)
	return s, errors.Join(err, stop())
}

func writeSamples(ctx context.Context, path string) error {
	all, err := samples.Make(ctx, ".")
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	for _, s := range all {
		if err := enc.Encode(s); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}
