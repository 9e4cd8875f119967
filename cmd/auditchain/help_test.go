// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Every command's help has an example and its exit codes, and every example
// uses only commands and flags that exist.
func TestHelp(t *testing.T) {
	a := &app{stdout: &errWriter{w: io.Discard}, stderr: io.Discard}
	var names []string
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		names = append(names, c.CommandPath())
		path := strings.Fields(c.CommandPath())[1:]
		help := auditchain("", append(path, "--help")...).must(t, exitDone)
		for _, want := range []string{c.Long, "Exit codes:\n  0 ", "Examples:\n", "auditchain " + strings.Join(path, " "), "--color"} {
			if !strings.Contains(help.stdout, want) {
				t.Errorf("%q: help has no %q", c.CommandPath(), want)
			}
		}
		if help.stderr != "" {
			t.Errorf("%q: help was asked for, and stderr has %q", c.CommandPath(), help.stderr)
		}
		for _, line := range strings.Split(help.stdout, "\n") {
			if len(line) > 100 && !strings.Contains(line, "      --") {
				t.Errorf("%q: a line of %d columns in the help: %q", c.CommandPath(), len(line), line)
			}
		}
		checkExamples(t, a.rootCommand(), c.Example)
		for _, sub := range c.Commands() {
			if sub.Name() != "help" {
				walk(sub)
			}
		}
	}
	walk(a.rootCommand())
	slices.Sort(names)
	want := []string{
		"auditchain",
		"auditchain append",
		"auditchain check-proof",
		"auditchain checkpoint",
		"auditchain erase",
		"auditchain import",
		"auditchain key",
		"auditchain key id",
		"auditchain key new",
		"auditchain key public",
		"auditchain key rotate",
		"auditchain prove",
		"auditchain query",
		"auditchain recover",
		"auditchain redact",
		"auditchain tail",
		"auditchain verify",
		"auditchain version",
	}
	if !slices.Equal(names, want) {
		t.Errorf("the commands are %q, want %q", names, want)
	}
}

// checkExamples finds what an example runs, and whether it has such flags.
func checkExamples(t *testing.T, root *cobra.Command, example string) {
	t.Helper()
	found := 0
	for _, line := range strings.Split(example, "\n") {
		_, rest, ok := strings.Cut(line, "auditchain ")
		if !ok {
			continue
		}
		found++
		if i := strings.IndexAny(rest, "|<>"); i >= 0 {
			rest = rest[:i]
		}
		words := strings.Fields(rest)
		cmd, args, err := root.Find(words)
		if err != nil || cmd == root {
			t.Errorf("example %q runs no command: %v", line, err)
			continue
		}
		for _, w := range args {
			name, isFlag := strings.CutPrefix(w, "--")
			if isFlag && cmd.Flags().Lookup(name) == nil && cmd.InheritedFlags().Lookup(name) == nil {
				t.Errorf("example %q: there is no --%s", line, name)
			}
		}
	}
	if found == 0 {
		t.Errorf("example %q runs nothing", example)
	}
}

// A mistake on the command line is exit code 2, says what is wrong, and leaves
// standard output alone.
func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args string
		want string
	}{
		{"", "Exit codes:"},
		{"key", "auditchain key [command]"},
		{"vrify audit.jsonl", `unknown command "vrify"; did you mean "verify"?`},
		{"key nwe k", `unknown command "nwe"; did you mean "new"?`},
		{"verify", "the journal is missing"},
		{"verify a b", `"b" is too many`},
		{"verify --frobnicate a", "unknown flag: --frobnicate"},
		{"verify --json --quiet a", "--json and --quiet exclude each other"},
		{"append", "the journal is missing"},
		{"append --fsync sometimes a", `"sometimes" is not "always", "never" or an interval`},
		{"append --type audit.x a", "bring their own"},
		{"append --max-size 256MB a", "such as 256MiB"},
		{"append --max-size 256 a", "is below 4KiB"},
		{"append --max-age 24 a", "missing unit"},
		{"append --max-age 1ms a", "is below 1s"},
		{"append --keep 3 a", "without --max-size or --max-age"},
		{"append --max-age 24h --keep -3 a", "negative"},
		{"append --max-age 24h --keep-for 1ms a", "is below 1s"},
		{"import", "the file to import is missing"},
		{"import a", "the journal to begin is missing"},
		{"import a b c", `"c" is too many`},
		{"import --unverified --old-key-file k a b", "either the tags are checked or not"},
		{"import --legacy-default-key --old-key-file k a b", "exclude each other"},
		{"import --keep -3 a b", "not negative"},
		{"recover", "the journal is missing"},
		{"recover --restored= a", "needs a reason"},
		{"recover --new-chain= a", "needs a reason"},
		{"recover --restored x --new-chain y a", "exclude each other"},
		{"recover --keep 3 a", "go with --new-chain"},
		{"recover --new-chain x --keep -3 a", "not negative"},
		{"query --since yesterday a", `--since "yesterday" is no time such as`},
		{"query --since 2h --until 3h a", "exchange --since and --until"},
		{"query -o xml a", `-o "xml" is none of`},
		{"query --limit -1 a", "is negative"},
		{"tail", "the journal is missing"},
		{"tail -n -1 a", "-n -1 is negative"},
		{"tail -n 3 --from-start a", "-n and --from-start exclude each other"},
		{"tail -o raw a", `-o "raw" is none of`},
		{"redact file", "no arguments are wanted"},
		{"version --color blue", `--color "blue" is none of`},
		{"key new", "the file to write the key to is missing"},
		{"key id a --key-file b", "given twice"},
		{"key new a", "no terminal to show it on: nothing was made"},
		{"key new --json a", "no terminal to show it on"},
		{"key new --static --show a", "a static key has no verification key"},
		{"key new --json --qr a", "--json and --qr exclude each other"},
		{"key new --erasure --checkpoint a", "exclude each other"},
		{"key new --erasure --static a", "not made with --erasure"},
		{"key id --key-url base64key://c2VjcmV0 a", "put it in AUDITCHAIN_KEY_URL"},
		{"key rotate", "the journal is missing"},
		{"key rotate --new-checkpoint-key x --static a", "changes the key for checkpoints alone"},
		{"key rotate --new-key-file x --show a", "names a key that was made before"},
		{"key rotate --static --show a", "a static key has no verification key"},
		{"append --epoch-every 1ms a", "is below 1s"},
		{"append --epoch-records -1 a", "is negative"},
		{"append --checkpoint-every -1m a", "is below 1s"},
		{"append --checkpoint-records -1 a", "is negative"},
		{"recover --erasure-key-public x a", "goes with --new-chain"},
	} {
		r := auditchain("", strings.Fields(tc.args)...)
		if strings.Contains(r.stderr, "c2VjcmV0") {
			t.Errorf("auditchain %s: the secret is in %q", tc.args, r.stderr)
		}
		if r.code != exitUsage || !strings.Contains(r.stderr, tc.want) || r.stdout != "" {
			t.Errorf("auditchain %s: exit code %d, stdout %q, stderr %q; want 2 and %q", tc.args, r.code, r.stdout, r.stderr, tc.want)
		}
	}
}
