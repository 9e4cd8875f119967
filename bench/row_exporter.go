// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A write is one round of a side that writes a file: a new file, a started
// chain of components, the clocked pushes, a stop, and then the checks.
type write struct {
	pool    *pool
	callers int
	ids     bool
	start   func(ctx context.Context, path string) (*chain, error)
	count   func() recordsOf
	// redacted says that no planted secret may stand in the file.
	redacted bool
	// verify, where set, has the last word on the file.
	verify func(ctx context.Context, path string) error
}

func (e *env) writer(name string, w write) contender {
	return contender{name, func(ctx context.Context) (out sample, err error) {
		dir, err := e.freshFolder()
		if err != nil {
			return out, err
		}
		// The folder goes before its pages reach the disk: a round must not
		// pay for the one before it.
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		path := filepath.Join(dir, "out.jsonl")
		c, err := w.start(ctx, path)
		if err != nil {
			return out, err
		}
		p, err := drive(ctx, load{pool: w.pool, callers: w.callers, d: e.scale.round,
			fresh: w.ids || c.mutates(), ids: w.ids, next: &e.nextID}, c.push)
		if err := errors.Join(err, c.stop(ctx)); err != nil {
			return out, err
		}
		got, err := readFile(path, w.count(), w.pool)
		if err != nil {
			return out, err
		}
		if err := got.check(p, w.redacted); err != nil {
			return out, err
		}
		if w.verify != nil {
			if err := w.verify(ctx, path); err != nil {
				return out, err
			}
		}
		return p.sample(), nil
	}}
}

// fileExporterWriter is the neighbour: with the given processors or none.
func (e *env) fileExporterWriter(name string, p *pool, callers int, ids, redacted bool, procs ...procSpec) contender {
	return e.writer(name, write{pool: p, callers: callers, ids: ids, count: countOTLP, redacted: redacted,
		start: func(ctx context.Context, path string) (*chain, error) {
			f, conf := fileExporter(path)
			return startExporter(ctx, f, conf, procs...)
		}})
}

// chainWriter is ours: always redacted, chained and verified afterwards.
func (e *env) chainWriter(name string, p *pool, callers int, ids bool, fsync string, procs ...procSpec) contender {
	return e.writer(name, write{pool: p, callers: callers, ids: ids, count: countJournal, redacted: true, verify: e.verifyJournal,
		start: func(ctx context.Context, path string) (*chain, error) {
			f, conf := chainExporter(path, e.keyFile, fsync)
			return startExporter(ctx, f, conf, procs...)
		}})
}

func callersText(n int) string {
	if n == 1 {
		return "1 caller"
	}
	return fmt.Sprintf("%d callers", n)
}

// rowExporter: the exporters alone, in process, neither side fsyncing.
func rowExporter(ctx context.Context, e *env) ([]result, error) {
	var cs []comparison
	for _, batch := range []int{1, 100, 1000} {
		p := newPool(e.scale.poolRecords, batch, false)
		for _, callers := range []int{1, 4} {
			cs = append(cs, comparison{
				label: fmt.Sprintf("batch %d, %s", batch, callersText(callers)), unit: recordsPerSecond,
				a: e.fileExporterWriter("fileexporter", p, callers, false, false),
				b: e.chainWriter("audit_chain, fsync never", p, callers, false, "never"),
			})
		}
	}
	for _, batch := range []int{1, 100, 1000} {
		p := newPool(e.scale.poolRecords, batch, false)
		cs = append(cs, comparison{
			label: fmt.Sprintf("batch %d, 1 caller, each record with its own audit.record.id", batch), unit: recordsPerSecond,
			a: e.fileExporterWriter("fileexporter", p, 1, true, false),
			b: e.chainWriter("audit_chain, fsync never", p, 1, true, "never"),
		})
	}
	return e.run(ctx, "exporter", cs)
}

// rowFsync: ours durable before it acknowledges, the neighbour not.
func rowFsync(ctx context.Context, e *env) ([]result, error) {
	var cs []comparison
	p := newPool(e.scale.poolRecords, 1000, false)
	for _, callers := range []int{1, 4} {
		cs = append(cs, comparison{
			label: fmt.Sprintf("batch 1000, %s", callersText(callers)), unit: recordsPerSecond,
			a: e.fileExporterWriter("fileexporter (no fsync)", p, callers, false, false),
			b: e.chainWriter("audit_chain, fsync always", p, callers, false, "always"),
		})
	}
	return e.run(ctx, "fsync", cs)
}

// rowPipeline: redaction and file together, on clean and on dirty records.
func rowPipeline(ctx context.Context, e *env) ([]result, error) {
	var cs []comparison
	for _, dirty := range []bool{false, true} {
		p := newPool(e.scale.poolRecords, 100, dirty)
		for _, fsync := range []string{"never", "always"} {
			for _, callers := range []int{1, 4} {
				cs = append(cs, comparison{
					label: fmt.Sprintf("batch 100, %s, %s", callersText(callers), dirtyText(dirty)), unit: recordsPerSecond,
					a: e.fileExporterWriter("redactionprocessor (10 patterns) + fileexporter", p, callers, false, true, redactionProcessor(patterns10)),
					b: e.chainWriter("audit_redaction + audit_chain, fsync "+fsync, p, callers, false, fsync, auditRedaction()),
				})
			}
		}
	}
	return e.run(ctx, "pipeline", cs)
}

func dirtyText(dirty bool) string {
	if dirty {
		return "a secret in every tenth record"
	}
	return "no secrets"
}
