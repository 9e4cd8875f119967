// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Bench measures auditchain against its neighbours, both sides in turn in one
// run, and writes docs/BENCHMARKS.md.
//
//	go run .                    # measure everything, write ../docs/BENCHMARKS.md
//	go run . -short             # a few quick rounds, nothing written: does it all still run?
//	go run . -only 'exporter/batch 1000, 1 caller' -side ours -cpuprofile cpu.out
//
// It is a module of its own, so that the neighbours are its dependencies and
// not the project's. A side that cannot run is an error, never a silent skip.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"syscall"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// row is one question that the benchmark asks.
type row struct {
	id, title, about string
	run              func(ctx context.Context, e *env) ([]result, error)
}

// rows are all questions, in the order of the document.
func rows(o options) []row {
	rs := []row{
		{"exporter", "Exporter, in process, no fsync",
			"contrib fileexporter (JSON, buffered, neither redaction nor chain) against audit_chain, which redacts, hashes, chains, takes the file lock, writes and moves the watermark before it returns.", rowExporter},
		{"fsync", "Exporter, in process, durable",
			"The same, with audit_chain in its default mode: it acknowledges after fsync. fileexporter has no such mode.", rowFsync},
		{"redaction", "Redaction alone",
			"Records a second on one core, nothing written. The processors get batches of 100; the engine and gitleaks get one record at a time, gitleaks as one text. gitleaks finds and does not mask.", rowRedaction},
		{"pipeline", "Redaction and file, in process",
			"A redaction processor in front of a file exporter, as in a Collector's pipeline. Ours redacts in the processor and once more in the exporter.", rowPipeline},
		{"verify", "Verification",
			"Whole commands on a file in the page cache: hashing the file's bytes against proving each of its lines. The memory is the most that the process held.", rowVerify},
		{"evidence", "Everything on, in process",
			"What epochs, tree and checkpoints cost: audit_chain with a static key and no checkpoints, against audit_chain with a forward-secure key and a checkpoint every 10,000 lines and every minute, as by default. A key steps every 1,000,000 lines, which a round does not reach, and in the last line of each fsync mode every 100,000.", rowEvidence},
		{"prove", "Proofs",
			"Whole commands on a file in the page cache: verifying a journal with everything on, against proving one of its records, by its sequence number with the index (.tree) and without, and by its id.", rowProve},
		{"open", "Opening a journal",
			"Open, append one record, close, in a small and in a large journal: a ratio of about 1 says that the time does not grow with the file. A record with its own id is looked for among the recent ones, of which a small journal has few.", rowOpen},
	}
	if o.collector != "" {
		rs = append(rs, row{"collector", "Whole Collector over OTLP/gRPC",
			"Two builds, the client on the same machine. Ours acknowledges after redaction and fsync; fileexporter acknowledges before anything is written.", rowCollector(o.collector, o.neighbourCollector)})
	}
	return rs
}

type options struct {
	short, help, large            bool
	output                        string
	only, sides                   string
	cpuProfile, dir               string
	collector, neighbourCollector string
	rounds                        int
}

const defaultOutput = "../docs/BENCHMARKS.md"

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.short, "short", false, "a few quick rounds; writes no document")
	f.BoolVar(&o.large, "large", false, "10 million records in the rows open and prove (make bench-large): an hour, and 15 GB of disk")
	f.StringVar(&o.output, "o", "", "write the document to this `file` (default "+defaultOutput+"; a partial run writes one only when told to)")
	f.StringVar(&o.only, "only", "", "measure only what matches this `expression`; texts have the form row/label/A/B")
	f.StringVar(&o.sides, "side", bothSides, "`side` to run: both, neighbour or ours")
	f.StringVar(&o.cpuProfile, "cpuprofile", "", "write a CPU profile to this `file`; see what was clocked with go tool pprof -tagfocus=clock=on")
	f.StringVar(&o.dir, "dir", os.TempDir(), "`folder` to write journals in; it should be on a real disk")
	f.IntVar(&o.rounds, "rounds", 0, "rounds of each comparison (default 5, with -short 2)")
	f.StringVar(&o.collector, "collector", "", "our built Collector `binary`: adds the whole-Collector row; needs -neighbour-collector")
	f.StringVar(&o.neighbourCollector, "neighbour-collector", "", "the neighbour's built Collector `binary` (see collector/build.sh)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: everything is a flag", f.Arg(0))
	case o.sides != bothSides && o.sides != sideA && o.sides != sideB:
		return o, fmt.Errorf("-side %q: write both, neighbour or ours", o.sides)
	case (o.collector == "") != (o.neighbourCollector == ""):
		return o, errors.New("-collector and -neighbour-collector go together: the row compares two builds")
	case o.short && o.large:
		return o, errors.New("-short and -large exclude each other")
	case o.short && o.output != "":
		return o, errors.New("-short measures too little for a document: leave out -o")
	case o.output != "" && o.sides != bothSides:
		return o, errors.New("a document compares both sides: leave out -side or -o")
	case o.rounds < 0 || o.rounds > 0 && o.rounds < 5 && o.output != "":
		return o, errors.New("a document needs 5 rounds or more")
	}
	if o.output == "" && !o.short && o.only == "" && o.sides == bothSides && (o.rounds == 0 || o.rounds >= 5) {
		o.output = defaultOutput
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func measure(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	match, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	s := fullScale
	if o.short {
		s = shortScale
	}
	if o.large {
		s.openRecords, s.proveRecords = largeRecords, largeRecords
	}
	if o.rounds > 0 {
		s.rounds = o.rounds
	}
	rep := report{machine: describe(o.dir), scale: s}
	if rep.machine.fileSystem == "tmpfs" && !o.short {
		return fmt.Errorf("%s is kept in memory, where fsync costs nothing: name a folder on a disk with -dir", o.dir)
	}
	if rep.proto, rep.json, err = checkSize(); err != nil {
		return err
	}
	e, err := newEnv(o.dir, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	e.sides, e.match = o.sides, match.MatchString
	e.log = func(format string, a ...any) { fmt.Fprintf(stderr, format+"\n", a...) }
	if o.cpuProfile != "" {
		end, startErr := profile(o.cpuProfile)
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	measured := 0
	for _, r := range rows(o) {
		if !wanted(o.only, r.id) {
			continue
		}
		results, err := r.run(ctx, e)
		if err != nil {
			return fmt.Errorf("%s: %w", r.id, err)
		}
		if len(results) > 0 {
			rep.sections = append(rep.sections, section{r.title, r.about, results})
			measured += len(results)
		}
	}
	if measured == 0 {
		return fmt.Errorf("-only %q matches nothing: see the texts of a run without it", o.only)
	}
	if o.collector == "" {
		rep.left = append(rep.left, "the whole Collector over OTLP/gRPC: `make bench-collector` builds both Collectors and adds it")
	}
	if !o.large && !o.short && o.only == "" {
		rep.left = append(rep.left, "proofs and opening with 10 million records: `make bench-large` prints both (an hour, and 15 GB of disk; where the temporary folder has less, `go run . -large -only prove -dir FOLDER` in bench, and likewise `-only open`)")
	}
	if o.output == "" {
		return rep.write(stdout)
	}
	return rep.save(o.output)
}

// wanted spares a row's set-up when the filter names another row.
func wanted(only, id string) bool {
	name, _, slash := strings.Cut(only, "/")
	return only == "" || !slash && !isRow(only) || name == id
}

func isRow(name string) bool {
	for _, r := range rows(options{collector: "x"}) {
		if r.id == name {
			return true
		}
	}
	return false
}

func profile(path string) (end func() error, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// save writes the document whole or not at all.
func (r report) save(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".benchmarks-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreMissing(os.Remove(f.Name()))) }()
	if err := errors.Join(r.write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
