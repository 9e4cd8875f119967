// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// bucket is a name that the agent's session creates, and its forgery: one byte apart.
const bucket, forgedBucket = "agent-artifacts-7f3a", "agent-artifacts-7f3b"

func (s *story) verify(ctx context.Context) error {
	s.say("While the Collector runs:")
	if _, err := s.auditchain(ctx, 0, "verify", "--key-file", keyFile, journal); err != nil {
		return err
	}
	if err := s.collector.Stop(); err != nil {
		return err
	}
	s.say("And after it has ended:")
	_, err := s.auditchain(ctx, 0, "verify", "--quiet", "--key-file", keyFile, journal)
	return err
}

func (s *story) tamper(ctx context.Context) error {
	line, err := s.forge()
	if err != nil {
		return err
	}
	s.say("In a copy, line %d: the agent created the bucket %s,", line, bucket)
	s.say("not %s.", forgedBucket)
	res, err := s.auditchain(ctx, 3, "verify", "--key-file", keyFile, tampered)
	if err != nil {
		return err
	}
	if !strings.Contains(res.Stdout, fmt.Sprintf("line %d", line)) {
		return fmt.Errorf("verify did not name line %d", line)
	}
	// The same for machines.
	cmd := exec.CommandContext(ctx, s.bin.Path(harness.CLI), "verify", "--json", "--key-file", keyFile, tampered)
	cmd.Dir = s.dir
	if res, err = harness.Run(cmd); err != nil {
		return err
	}
	var report struct {
		Verdict string `json:"verdict"`
		Bad     []struct {
			Line int `json:"line"`
		} `json:"bad"`
	}
	if err := json.Unmarshal([]byte(res.Stdout), &report); err != nil {
		return err
	}
	if report.Verdict != "tampered" || len(report.Bad) == 0 || report.Bad[0].Line != line {
		return fmt.Errorf("verify --json reports %+v, not a tampered line %d", report, line)
	}
	return nil
}

// forge copies the journal with all that belongs to it, changes one byte of the copy,
// and returns the number of the line.
func (s *story) forge() (int, error) {
	i := slices.IndexFunc(s.sealed, func(l harness.Line) bool { return l.Type() == "resource_created" })
	if i < 0 {
		return 0, errors.New("no resource_created record is sealed")
	}
	dir := filepath.Dir(s.path(tampered))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	files, err := filepath.Glob(s.path(journal) + "*")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		if file == s.path(journal) {
			forged := strings.Replace(s.sealed[i].Text, bucket, forgedBucket, 1)
			if forged == s.sealed[i].Text {
				return 0, fmt.Errorf("line %d does not name the bucket", s.sealed[i].Number)
			}
			text = bytes.Replace(text, []byte(s.sealed[i].Text), []byte(forged), 1)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600); err != nil {
			return 0, err
		}
	}
	return s.sealed[i].Number, nil
}

// auditchain runs the command-line tool in the folder of the demo, shows what it
// prints, and insists on the exit code.
func (s *story) auditchain(ctx context.Context, code int, args ...string) (harness.Result, error) {
	s.say("$ auditchain %s", strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, s.bin.Path(harness.CLI), args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "COLUMNS=110")
	res, err := harness.Run(cmd)
	if err != nil {
		return res, err
	}
	for line := range strings.Lines(res.Stdout + res.Stderr) {
		s.say("  %s", strings.TrimRight(line, "\n"))
	}
	s.say("  exit code %d", res.Code)
	if res.Code != code {
		return res, fmt.Errorf("auditchain %s ended with exit code %d, not %d", args[0], res.Code, code)
	}
	return res, nil
}

// ids are the values of the first of the fields that a row has, sorted.
func ids(rows []map[string]string, fields ...string) []string {
	var out []string
	for _, row := range rows {
		for _, field := range fields {
			if id := row[field]; id != "" {
				out = append(out, id)
				break
			}
		}
	}
	slices.Sort(out)
	return out
}

// shorten cuts a text for printing.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return text[:n] + "…"
}

// around is about n bytes of the text, from shortly before the first mark on.
func around(text, mark string, n int) string {
	from := max(0, strings.Index(text, mark)-n/3)
	to := min(len(text), from+n)
	out := strings.ToValidUTF8(text[from:to], "")
	if from > 0 {
		out = "…" + out
	}
	if to < len(text) {
		out += "…"
	}
	return out
}
