// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// section is one row of the benchmark: a heading, what is compared, a table.
type section struct {
	title, about string
	results      []result
}

// report is the document that a run writes.
type report struct {
	machine     machine
	scale       scale
	proto, json int // bytes of a record
	sections    []section
	left        []string // what this run did not measure, and how to
}

func (r report) write(w io.Writer) error {
	b := new(strings.Builder)
	fmt.Fprintf(b, "# Benchmarks\n\n")
	fmt.Fprintf(b, "Written by `make bench` (`make bench-collector` where the whole Collector is in it) on %s; every figure below is from that one run.\n\n", r.machine.date.Format("2006-01-02"))
	fmt.Fprintf(b, "Each line compares two sides that ran in turn, A B A B …, %d rounds after a discarded one. "+
		"Figures are medians. The ratio is the median of the rounds' own ratios, with the lowest and the highest round in brackets; "+
		"more than 1 is in favour of the right-hand side, for times and sizes too. "+
		"Ratios carry over to other machines better than figures do. "+
		"CPU is the processor time of a record in microseconds, all cores together (GC included): audit_chain spreads large batches over the cores.\n\n", r.scale.rounds)
	fmt.Fprintf(b, "Each round checks what it measured: the file that a side wrote must hold as many records as were pushed, "+
		"the first record of each batch, and (where the side redacts) none of the planted secrets; every journal is then verified with `auditchain verify`.\n\n")
	fmt.Fprintf(b, "The record: 8 attributes, a nested body, 4 resource attributes; %d bytes as protobuf and %d as OTLP/JSON. "+
		"The records differ from one another. fileexporter writes the resource once a batch, a journal once a record: each line stands by itself.\n\n", r.proto, r.json)
	r.machine.write(b)
	for _, s := range r.sections {
		s.write(b)
	}
	if len(r.left) > 0 {
		fmt.Fprintf(b, "\n## Not measured in this run\n\n")
		for _, l := range r.left {
			fmt.Fprintf(b, "- %s\n", l)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (m machine) write(b *strings.Builder) {
	sha := "without SHA instructions"
	if m.shaNI {
		sha = "with SHA instructions"
	}
	fmt.Fprintf(b, "| | |\n|---|---|\n")
	for _, l := range [][2]string{
		{"processor", fmt.Sprintf("%s, %d cores, %s", m.cpu, m.cores, sha)},
		{"memory", m.memory},
		{"system", fmt.Sprintf("%s, Linux %s", m.system, m.kernel)},
		{"file system", m.fileSystem},
		{"Go", m.goVersion},
		{"load averages at the start", m.load},
		{"built with", strings.Join(m.modules, "<br>")},
	} {
		fmt.Fprintf(b, "| %s | %s |\n", l[0], cell(l[1]))
	}
}

func (s section) write(b *strings.Builder) {
	cpu := slices.ContainsFunc(s.results, func(r result) bool { return !math.IsNaN(r.aCPU) || !math.IsNaN(r.bCPU) })
	head, rule := "| | A | B | A | B | unit | B against A |", "|---|---|---|---:|---:|---|---:|"
	if cpu {
		head, rule = head+" CPU A | CPU B |", rule+"---:|---:|"
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n%s\n%s\n", s.title, s.about, head, rule)
	for _, r := range s.results {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |",
			cell(r.label), cell(r.aName), cell(r.bName), figure(r.a), figure(r.b), r.unit.name, r.ratioText())
		if cpu {
			fmt.Fprintf(b, " %s | %s |", figure(r.aCPU), figure(r.bCPU))
		}
		b.WriteByte('\n')
	}
}

func (r result) ratioText() string {
	if math.IsNaN(r.ratio) {
		return "–"
	}
	return fmt.Sprintf("%s (%s–%s)", ratio(r.ratio), ratio(r.lowest), ratio(r.highest))
}

// String is the line that a run shows as it goes.
func (r result) String() string {
	return fmt.Sprintf("%s: %s %s | %s %s | %s | %s | CPU %s, %s", r.label, r.aName, figure(r.a), r.bName, figure(r.b), r.unit.name, r.ratioText(), figure(r.aCPU), figure(r.bCPU))
}

// figure is a figure as a person reads it: three digits that count, and
// groups of thousands.
func figure(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	step := math.Pow(10, math.Max(0, math.Floor(math.Log10(v))-2))
	digits := strconv.FormatFloat(math.Round(v/step)*step, 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func ratio(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// cell keeps a text inside its cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
