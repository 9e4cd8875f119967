// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// modeVar chooses the long form, with the value "long".
const modeVar = "AUDITCHAIN_TORTURE"

func main() {
	if writerMode() || sceneMode() {
		os.Exit(0)
	}
	bin := flag.String("bin", "bin", "folder of the programs that make builds")
	only := flag.String("only", "", "run only the parts whose name contains this")
	stage := flag.String("stage", "", "of the system calls, run only the stages whose name contains this")
	write := flag.String("write", "", "also write the table to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx, options{bin: *bin, only: *only, stage: *stage, write: *write, long: os.Getenv(modeVar) == "long"}, os.Stdout, os.Stderr)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(2)
	case !ok:
		os.Exit(1)
	}
}

type options struct {
	bin, only, stage, write string
	long                    bool
}

// part is a group of rows.
type part struct {
	name string
	run  func(ctx context.Context, w *world, long bool) ([]*row, error)
}

var parts = []part{
	{"system calls", systemCalls},
	{"kill loop", killLoop},
	{"disk", diskScenes},
	{"outages", outageRows},
	{"collector", collectorLoop},
	{"crash model", crashModel},
}

// run runs the parts and writes the table. The folder of what was bad stays.
func run(ctx context.Context, o options, out, progress io.Writer) (ok bool, err error) {
	root, err := os.MkdirTemp("", "auditchain-torture-")
	if err != nil {
		return false, err
	}
	defer func() {
		if ok && err == nil {
			err = os.RemoveAll(root)
		} else {
			fmt.Fprintln(progress, "what is bad stands in", root)
		}
	}()
	w, err := newWorld(ctx, o.bin, root, progress)
	if err != nil {
		return false, err
	}
	w.stage = o.stage
	start := time.Now()
	var rows []*row
	for _, p := range parts {
		if !strings.Contains(p.name, o.only) {
			continue
		}
		w.say("%s …", p.name)
		more, err := p.run(ctx, w, o.long)
		if err != nil {
			return false, fmt.Errorf("%s: %w", p.name, err)
		}
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		rows = append(rows, more...)
		w.say("%s: done after %v", p.name, time.Since(start).Round(time.Second))
	}
	if len(rows) == 0 {
		return false, fmt.Errorf("no part has %q in its name", o.only)
	}
	if err := writeTable(out, rows); err != nil {
		return false, err
	}
	if o.write != "" {
		if err := writeDocument(o.write, rows); err != nil {
			return false, err
		}
	}
	ok = true
	for _, r := range rows {
		if !r.ok() {
			ok = false
			w.say("BAD %s: %s", r.fault, r.first)
		}
	}
	return ok, nil
}

func systemCalls(ctx context.Context, w *world, long bool) ([]*row, error) {
	t, missing := findTracing()
	if missing != "" {
		return []*row{{fault: "system calls", skipped: missing}}, nil
	}
	m, err := newMatrix(ctx, w, t, !long)
	if err != nil {
		return nil, err
	}
	return m.run(ctx, m.all(!long), !long), nil
}

// writeDocument writes the table to a file, with the command that made it. It has no
// date: it changes when a result does.
func writeDocument(name string, rows []*row) error {
	var b strings.Builder
	b.WriteString("# Torture\n\nNo acknowledged record is lost or duplicated, whatever fails. Made by:\n\n    make torture WRITE=docs/TORTURE.md\n\n" +
		"What a row means, and what is counted, is said in internal/torture/doc.go.\n\n")
	if err := writeTable(&b, rows); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(b.String()), 0o644) //nolint:gosec // a document
}
