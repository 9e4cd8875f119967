// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/auditchain/auditchain/bench/redactionreport/samples"
	"github.com/auditchain/auditchain/bench/redactionreport/unseen"
	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// A corpus is what each way is run on.
type corpus struct {
	name  string
	lines []line
}

// The corpora of the report.
const (
	recallCorpus    = "recall"
	cleanCorpus     = "clean"
	hardCorpus      = "hard-negatives"
	samplesPositive = "gitleaks' samples"
	samplesNegative = "gitleaks' counter-samples"
	unseenSecrets   = "unseen"
	unseenLookalike = "unseen look-alikes"
)

// corpora are all of them; bench is the folder of this module.
func corpora(ctx context.Context, bench string) ([]corpus, error) {
	var out []corpus
	for _, name := range []string{recallCorpus, cleanCorpus, hardCorpus} {
		path := filepath.Join(bench, "..", "processor", "redact", "testdata", name+".jsonl")
		lines, err := readCorpus(path)
		if err != nil {
			return nil, err
		}
		out = append(out, corpus{name, lines})
	}
	all, err := samples.Make(ctx, bench)
	if err != nil {
		return nil, err
	}
	positive, negative := sampleLines(all)
	out = append(out, corpus{samplesPositive, positive}, corpus{samplesNegative, negative},
		corpus{unseenSecrets, unseenLines(unseen.Secrets())}, corpus{unseenLookalike, unseenLines(unseen.Lookalikes())})
	for _, c := range out {
		if err := check(c.lines); err != nil {
			return nil, fmt.Errorf("corpus %s: %w", c.name, err)
		}
	}
	return out, nil
}

func readCorpus(path string) ([]line, error) {
	sms, err := redactcorpus.Read(path)
	if err != nil {
		return nil, err
	}
	return linesOf(sms), nil
}

func linesOf(sms []redactcorpus.Sample) []line {
	out := make([]line, len(sms))
	for i, sm := range sms {
		out[i] = line{newInput(sm.Line, ""), sm.Planted, sm.Held()}
	}
	return out
}

// unseenLines set the blind contexts aside.
func unseenLines(all []unseen.Line) []line {
	out := make([]line, len(all))
	for i, l := range all {
		out[i] = line{newInput(l.Line, ""), l.Planted, l.Blind}
	}
	return out
}

// sampleLines are gitleaks' samples, apart; those for a path alone are not
// about redaction.
func sampleLines(all []samples.Sample) (positive, negative []line) {
	for _, s := range all {
		if s.Text == "" {
			continue
		}
		l := line{input: newInput(s.Text, s.Path)}
		if !s.Positive {
			l.planted = nil
			negative = append(negative, l)
			continue
		}
		l.planted = []redactcorpus.Secret{{Kind: s.Rule, Text: s.Secret}}
		positive = append(positive, l)
	}
	return positive, negative
}

func pick(cs []corpus, name string) corpus {
	for _, c := range cs {
		if c.name == name {
			return c
		}
	}
	panic("no corpus " + name)
}
