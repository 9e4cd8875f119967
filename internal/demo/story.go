// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// The files of the demo, in its folder.
const (
	keyFile  = "audit.key"
	dataDir  = "data"
	journal  = "data/audit.jsonl"
	tampered = "tampered/audit.jsonl"
)

// story is the state that its chapters share.
type story struct {
	out     io.Writer
	bin     harness.Binaries
	root    string // of the checkout
	dir     string // temporary
	secrets harness.Secrets

	backend   *harness.Logs
	collector *harness.RunningCollector

	session  string         // id of the agent's session
	emitted  []string       // ids of its records, as they were acknowledged
	apiCalls int            // events in the sample file
	sealed   []harness.Line // what the journal holds
}

type chapter struct {
	title string
	play  func(context.Context) error
}

func (s *story) chapters() []chapter {
	return []chapter{
		{"A key for the chain", s.makeKey},
		{"The backend and the Collector", s.startServices},
		{"An AI agent's session, through the OpenTelemetry SDK", s.runAgent},
		{"A file of API-call events, through the file_log receiver", s.feedAPICalls},
		{"What stands in the file: sealed, and with its secrets masked", s.showSealed},
		{"The same events in the backend", s.compareBackend},
		{"No secret anywhere", s.searchSecrets},
		{"Is the file genuine?", s.verify},
		{"Somebody changes one byte", s.tamper},
		{"What did the agent do?", s.query},
	}
}

// cleanUp ends what still runs.
func (s *story) cleanUp() {
	if s.collector != nil {
		s.collector.Kill()
	}
	if s.backend != nil {
		s.backend.Kill()
	}
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, "   "+format+"\n", args...) }

func (s *story) path(name string) string { return filepath.Join(s.dir, name) }

func (s *story) makeKey(ctx context.Context) error {
	if err := os.Mkdir(s.path(dataDir), 0o700); err != nil {
		return err
	}
	// In earnest it goes away from the host.
	_, err := s.auditchain(ctx, 0, "key", "new", "--verification-key-out", keyFile+".verification", keyFile)
	return err
}

func (s *story) startServices(ctx context.Context) error {
	var err error
	if s.backend, err = harness.StartVictoriaLogs(ctx, s.bin, s.path("backend")); err != nil {
		return err
	}
	s.say("backend    VictoriaLogs, a log database, on %s", s.backend.Addr())
	s.collector, err = harness.StartCollector(ctx, s.bin, harness.CollectorOptions{
		Config:   filepath.Join(s.root, "collector-config.yaml"),
		Data:     s.path(dataDir),
		KeyFile:  s.path(keyFile),
		Backend:  s.backend.InsertURL(),
		APICalls: s.path("api-calls/*.jsonl"),
	})
	if err != nil {
		return err
	}
	s.say("collector  OpenTelemetry Collector with collector-config.yaml, OTLP/gRPC on %s", s.collector.GRPC)
	return nil
}

func (s *story) runAgent(ctx context.Context) error {
	command := []string{"deploy", "--user", "agent", "--password", s.secrets.Password, "--env", "prod"}
	environment := []string{
		"AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=" + s.secrets.AWSKeyID,
		"AWS_SECRET_ACCESS_KEY=" + s.secrets.AWSSecret,
		"GITHUB_TOKEN=" + s.secrets.GitHubPAT,
		"DEPLOY_AUTHORIZATION=Bearer " + s.secrets.JWT,
	}
	s.say("The agent's command line and environment (the secrets are made up):")
	s.say("  $ %s", strings.Join(command, " "))
	for _, variable := range environment {
		s.say("  %s", shorten(variable, 90))
	}
	cmd := exec.CommandContext(ctx, s.bin.Path(harness.AgentSession),
		append([]string{"-endpoint", s.collector.GRPC, "--"}, command...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, environment...)
	res, err := harness.Run(cmd)
	if err != nil {
		return err
	}
	if res.Code != 0 {
		return fmt.Errorf("agent-session ended with exit code %d: %s", res.Code, res.Stderr)
	}
	s.say("Acknowledged by the Collector, which does that once a record is on disk:")
	for line := range strings.Lines(res.Stdout) {
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "session":
			s.session = words[1]
		case len(words) == 3:
			s.emitted = append(s.emitted, words[1])
			s.say("  %s  %s", words[1], words[2])
		}
	}
	if s.session == "" || len(s.emitted) != 6 {
		return fmt.Errorf("agent-session printed %q, not a session and six records", res.Stdout)
	}
	return nil
}

func (s *story) feedAPICalls(ctx context.Context) error {
	sample, err := os.ReadFile(filepath.Join(s.root, "examples/api-calls/api-calls.jsonl"))
	if err != nil {
		return err
	}
	filled := s.secrets.Fill(string(sample))
	s.apiCalls = strings.Count(filled, "\n")
	if err := os.Mkdir(s.path("api-calls"), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("api-calls/api-calls.jsonl"), []byte(filled), 0o600); err != nil {
		return err
	}
	s.say("%d events in the shape of AWS CloudTrail, some with secrets in their parameters,", s.apiCalls)
	s.say("from examples/api-calls/api-calls.jsonl.")
	want := len(s.emitted) + s.apiCalls
	return harness.Until(ctx, fmt.Sprintf("%d records in the journal", want), func(context.Context) (bool, string, error) {
		s.sealed, err = harness.Records(s.path(journal))
		return len(s.sealed) >= want, fmt.Sprintf("%d", len(s.sealed)), err
	})
}

func (s *story) showSealed(context.Context) error {
	masked, ofSession := 0, []string{}
	for _, l := range s.sealed {
		masked += strings.Count(l.Text, "[REDACTED:")
		if l.SessionID == s.session {
			ofSession = append(ofSession, l.ID)
		}
	}
	for _, l := range s.sealed {
		if l.Type() == "command_started" || strings.Contains(l.Text, "UpdateFunctionConfiguration") || strings.Contains(l.Text, "SendCommand") {
			s.say("line %d, %s:", l.Number, l.Type())
			s.say("  %s", around(l.Text, "[REDACTED", 400))
		}
	}
	s.say("%d records, %d secrets masked.", len(s.sealed), masked)
	switch {
	case !slices.Equal(ofSession, s.emitted):
		return fmt.Errorf("the journal holds the session's records %v, acknowledged were %v", ofSession, s.emitted)
	case len(s.sealed) != len(s.emitted)+s.apiCalls:
		return fmt.Errorf("%d records are sealed, not %d", len(s.sealed), len(s.emitted)+s.apiCalls)
	case masked == 0:
		return fmt.Errorf("nothing was masked")
	}
	return nil
}

func (s *story) compareBackend(ctx context.Context) error {
	query := fmt.Sprintf("session.id:=%q", s.session)
	rows, err := s.backend.WaitFor(ctx, len(s.emitted), query)
	if err != nil {
		return err
	}
	s.say("VictoriaLogs, query %s: %d records", query, len(rows))
	if got, want := ids(rows, "audit.record.id"), slices.Sorted(slices.Values(s.emitted)); !slices.Equal(got, want) {
		return fmt.Errorf("the backend holds %v, not %v", got, want)
	}
	all, err := s.backend.WaitFor(ctx, len(s.sealed), harness.Events)
	if err != nil {
		return err
	}
	want := make([]string, len(s.sealed))
	for i, l := range s.sealed {
		want[i] = l.ID
	}
	slices.Sort(want)
	if got := ids(all, "audit.record.id", "log.record.uid"); !slices.Equal(got, want) {
		return fmt.Errorf("the backend holds %v, not %v", got, want)
	}
	s.say("VictoriaLogs, all events: %d records, with the same ids as the %d in the file", len(all), len(s.sealed))
	return nil
}

func (s *story) searchSecrets(ctx context.Context) error {
	rows, err := s.backend.Query(ctx, "*")
	if err != nil {
		return err
	}
	var inBackend strings.Builder
	for _, row := range rows {
		for name, value := range row {
			fmt.Fprintln(&inBackend, name, value)
		}
	}
	places := map[string]string{"the backend": inBackend.String()}
	err = filepath.WalkDir(s.path(dataDir), func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == "cursors":
			// file_log knows a file again by its first bytes, and keeps them as they
			// are: this folder belongs with the input.
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(s.dir, path) // path is below it
		places[name] = string(text)
		return err
	})
	if err != nil {
		return err
	}
	for place, text := range places {
		if text == "" {
			continue
		}
		finder := harness.NewFinder(text, "")
		for name, secret := range s.secrets.All() {
			if finder.Find(secret) != "" {
				return fmt.Errorf("the %s, or half of it, stands in %s", name, place)
			}
		}
	}
	s.say("%d secrets looked for, whole and in part, in the backend and in the %d files that", len(s.secrets.All()), len(places)-1)
	s.say("the Collector writes (journal, queue, its own log): none of them is there.")
	return nil
}

func (s *story) query(ctx context.Context) error {
	res, err := s.auditchain(ctx, 0, "query", "--session", s.session, journal)
	if err != nil {
		return err
	}
	if got := strings.Count(res.Stdout, "\n"); got < len(s.emitted) {
		return fmt.Errorf("query printed %d lines for %d records", got, len(s.emitted))
	}
	return nil
}
