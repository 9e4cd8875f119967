// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// scores are what each way did on each corpus.
type scores struct {
	ways    []way
	corpora []corpus
	by      map[string][]*score // by corpus, in the order of the ways
}

// measure runs the ways on the corpora.
func measure(ways []way, cs []corpus) (*scores, error) {
	s := &scores{ways: ways, corpora: cs, by: map[string][]*score{}}
	for _, c := range cs {
		for _, w := range ways {
			sc, err := run(w, c.lines)
			if err != nil {
				return nil, fmt.Errorf("corpus %s: %w", c.name, err)
			}
			s.by[c.name] = append(s.by[c.name], sc)
		}
	}
	return s, nil
}

// allWays are ours and the others'. stop ends what they started.
func allWays(ctx context.Context) (ways []way, stop func() error, err error) {
	us, err := ourWays()
	if err != nil {
		return nil, nil, err
	}
	leaks, err := gitleaksWays()
	if err != nil {
		return nil, nil, err
	}
	others, stop, err := contribWays(ctx)
	if err != nil {
		return nil, nil, err
	}
	return append(append(us, leaks...), others...), stop, nil
}

// of is what a way did on a corpus.
func (s *scores) of(corpus, program, name string) *score {
	for i, w := range s.ways {
		if w.program == program && w.name == name {
			return s.by[corpus][i]
		}
	}
	panic("no way " + program + ", " + name)
}

// best is the name of the way in which a program lost the fewest secrets of a
// corpus. What was given no names is another question.
func (s *scores) best(corpus, program string) string {
	name, least := "", -1
	for i, w := range s.ways {
		if w.program != program || w.name == byValue {
			continue
		}
		if n := s.by[corpus][i].all().part; least < 0 || n < least {
			name, least = w.name, n
		}
	}
	return name
}

// column is a way that the detailed tables show.
type column struct{ head, program, name string }

// columns are ours, and the best of each other program on a corpus.
func (s *scores) columns(corpus string) []column {
	return []column{
		{ours + ": with names", ours, withNames},
		{"as text", ours, asText},
		{"by value", ours, byValue},
		{gitleaks, gitleaks, s.best(corpus, gitleaks)},
		{contrib, contrib, s.best(corpus, contrib)},
	}
}

func byKind(g group) []string           { return []string{g.kind} }
func byKindAndContext(g group) []string { return []string{g.kind, g.ctx} }

// report is the whole report in Markdown.
func (s *scores) report() string {
	var b strings.Builder
	b.WriteString(preface)
	b.WriteString("\n## Summary\n\n")
	b.WriteString(s.summary())
	b.WriteString("\n## Every way\n\n" + waysText)
	b.WriteString(s.everyWay())
	b.WriteString("\n## Leaked, by kind\n\n" + kindText)
	b.WriteString(s.leakedBy(recallCorpus, byKind, "kind"))
	b.WriteString("\n## Leaked, by kind and context\n\n")
	b.WriteString(s.leakedBy(recallCorpus, byKindAndContext, "kind", "context"))
	b.WriteString("\n## gitleaks' samples, by rule\n\n" + samplesText)
	b.WriteString(s.missedBy(samplesPositive, []column{
		{ours, ours, asText}, {gitleaks, gitleaks, s.best(samplesPositive, gitleaks)}, {contrib, contrib, s.best(samplesPositive, contrib)},
	}, byKind, "rule", "rules", 0, 1))
	b.WriteString("\n## Unseen, by kind\n\n" + unseenText)
	b.WriteString(s.leakedBy(unseenSecrets, byKind, "kind"))
	b.WriteString("\n## Unseen, by context\n\n" + contextText)
	b.WriteString(s.missedBy(unseenSecrets, s.columns(unseenSecrets), func(g group) []string { return []string{g.ctx} }, "context", "contexts", 0))
	return b.String()
}

func (s *scores) summary() string {
	t := &table{head: []string{"", "target", ours, gitleaks, contrib}}
	leak := func(corpus, name string, f func(*score) share) []string {
		var cells []string
		for _, c := range []column{{"", ours, name}, {"", gitleaks, s.best(corpus, gitleaks)}, {"", contrib, s.best(corpus, contrib)}} {
			if name == byValue {
				c.name = byValue
			}
			cells = append(cells, both(caught(f(s.of(corpus, c.program, c.name)))))
		}
		return cells
	}
	touch := func(corpus string, f func(*score) share) []string {
		var cells []string
		for _, c := range []column{{"", ours, withNames}, {"", gitleaks, s.best(recallCorpus, gitleaks)}, {"", contrib, s.best(recallCorpus, contrib)}} {
			cells = append(cells, both(f(s.of(corpus, c.program, c.name))))
		}
		return cells
	}
	add := func(what, target string, cells []string) { t.row(append([]string{what, target}, cells...)...) }
	add("secrets masked, with key names", "at least 99 %", leak(recallCorpus, withNames, (*score).all))
	add("- of them, in the third that was set aside", "", leak(recallCorpus, withNames, (*score).setAside))
	add("secrets masked, by value alone", "at least 98 %", leak(recallCorpus, byValue, (*score).all))
	add("- of them, in the third that was set aside", "", leak(recallCorpus, byValue, (*score).setAside))
	add("clean lines touched", "at most 0.5 %", touch(cleanCorpus, (*score).lines))
	add("hard negatives touched", "at most 2 %", touch(hardCorpus, (*score).lines))
	add("gitleaks' samples masked", "at least 97 %", leak(samplesPositive, asText, (*score).all))
	add("gitleaks' counter-samples touched", "", touch(samplesNegative, (*score).lines))
	add("unseen secrets masked, with key names", "", leak(unseenSecrets, withNames, (*score).all))
	add("- of them, in blind contexts", "", leak(unseenSecrets, withNames, (*score).setAside))
	add("unseen secrets masked, by value alone", "", leak(unseenSecrets, byValue, (*score).all))
	add("unseen look-alikes touched", "", touch(unseenLookalike, (*score).lines))
	add("- of them, of blind contexts", "", touch(unseenLookalike, (*score).heldLines))
	return t.String()
}

func (s *scores) everyWay() string {
	t := &table{head: []string{"program", "way", "tuned on", "set aside", "unseen", "clean", "hard negatives", "unseen look-alikes"}}
	for _, w := range s.ways {
		recall, unseen := s.of(recallCorpus, w.program, w.name), s.of(unseenSecrets, w.program, w.name)
		t.row(w.program, w.name, counted(recall.tunedOn()), counted(recall.setAside()), counted(unseen.all()),
			counted(s.of(cleanCorpus, w.program, w.name).lines()), counted(s.of(hardCorpus, w.program, w.name).lines()),
			counted(s.of(unseenLookalike, w.program, w.name).lines()))
	}
	return t.String()
}

// leakedBy is a table of a corpus whose rows are named by f.
func (s *scores) leakedBy(corpus string, f func(group) []string, heads ...string) string {
	t := &table{head: heads}
	columns := s.columns(corpus)
	for _, c := range columns {
		t.head = append(t.head, c.head)
	}
	for _, r := range s.rows(corpus, columns, f, 0, 1) {
		t.row(append(r.names, cells(r.leaked)...)...)
	}
	return t.String()
}

// missedBy is such a table of what we leak something of; all else is one row.
// parts are those of the corpus that it is about.
func (s *scores) missedBy(corpus string, columns []column, f func(group) []string, head, others string, parts ...int) string {
	t := &table{head: []string{head}}
	for _, c := range columns {
		t.head = append(t.head, c.head)
	}
	rest := make([]share, len(columns))
	collected := 0
	for _, r := range s.rows(corpus, columns, f, parts...) {
		if r.leaked[0].part > 0 {
			t.row(append(r.names, cells(r.leaked)...)...)
			continue
		}
		collected++
		for i := range rest {
			rest[i] = rest[i].plus(r.leaked[i])
		}
	}
	t.row(append([]string{fmt.Sprintf("the other %d %s", collected, others)}, cells(rest)...)...)
	return t.String()
}

// row is what leaked of one part of a corpus, by column.
type row struct {
	names  []string
	leaked []share
}

// rows adds up the secrets that f names alike, in the order of their names.
func (s *scores) rows(corpus string, columns []column, f func(group) []string, parts ...int) []row {
	var out []row
	at := map[string]int{}
	for _, g := range groups(pick(s.corpora, corpus).lines, parts...) {
		names := f(g)
		key := strings.Join(names, "\x00")
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, row{names, make([]share, len(columns))})
		}
		for j, c := range columns {
			sum := s.of(corpus, c.program, c.name).sum(func(o group) bool { return o == g }, parts...)
			out[i].leaked[j] = out[i].leaked[j].plus(sum)
		}
	}
	slices.SortFunc(out, func(a, b row) int { return slices.Compare(a.names, b.names) })
	return out
}

func cells(of []share) []string {
	var out []string
	for _, s := range of {
		out = append(out, counted(s))
	}
	return out
}
