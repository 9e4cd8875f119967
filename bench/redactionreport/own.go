// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/auditchain/auditchain/processor/redact"
)

// ownCorpus is the name of a corpus that the user brings.
const ownCorpus = "own"

// ownReport judges a corpus that the user brings.
func ownReport(ctx context.Context, path string) (string, error) {
	lines, err := readCorpus(path)
	if err != nil {
		return "", err
	}
	if err := check(lines); err != nil {
		return "", fmt.Errorf("corpus %s: %w", path, err)
	}
	s, err := measured(ctx, []corpus{{ownCorpus, lines}})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	t := &table{head: []string{"program", "way", "leaked", "touched lines"}}
	for i, w := range s.ways {
		sc := s.by[ownCorpus][i]
		t.row(w.program, w.name, both(sc.all()), both(sc.lines()))
	}
	b.WriteString(t.String())
	if len(groups(lines, 0, 1)) > 0 {
		b.WriteString("\n" + s.leakedBy(ownCorpus, byKindAndContext, "kind", "context"))
	}
	return b.String(), nil
}

// realReport says what is touched in real records in which no secret was
// planted, and as what. It names kinds and counts them, and shows no record.
func realReport(ctx context.Context, folder string) (string, error) {
	texts, err := readLines(filepath.Join(folder, "cloudtrail.jsonl"))
	if err != nil {
		return "", err
	}
	var lines []line
	for _, text := range texts {
		lines = append(lines, line{input: newInput(text, "")})
	}
	if err := check(lines); err != nil {
		return "", fmt.Errorf("cloudtrail.jsonl: %w", err)
	}
	s, err := measured(ctx, []corpus{{ownCorpus, lines}})
	if err != nil {
		return "", err
	}
	t := &table{head: []string{"program", "way", "touched lines"}}
	for i, w := range s.ways {
		t.row(w.program, w.name, both(s.by[ownCorpus][i].lines()))
	}
	kinds, err := ourKinds(texts)
	if err != nil {
		return "", err
	}
	return t.String() + "\n" + kinds, nil
}

// ourKinds counts what we mask, by kind.
func ourKinds(texts []string) (string, error) {
	r, err := redact.New(redact.Config{})
	if err != nil {
		return "", err
	}
	s := r.Scanner()
	for _, text := range texts {
		s.JSON(nil, s.Root(), text)
	}
	t := &table{head: []string{"kind", "values masked"}}
	for _, c := range s.Counts() {
		t.row(string(c.Kind), fmt.Sprint(c.N))
	}
	return t.String(), nil
}

func readLines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		out = append(out, sc.Text())
	}
	return out, sc.Err()
}
