// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/processor/redact/rulefile"
)

// checkRules reads rule files as --rules does, and runs the tests in them.
func (a *app) checkRules(cmd *cobra.Command, redaction *redactionFlags, files []string) error {
	if len(files) == 0 {
		return usagef("--check-rules needs the rule files: auditchain redact --check-rules FILE...")
	}
	if cmd.Flags().Changed("json") {
		return usagef("--check-rules reads no standard input; drop --json")
	}
	cfg, err := redaction.config()
	if err != nil {
		return err
	}
	f, err := rulefile.Load(files...)
	if err != nil {
		return err
	}
	if err := rulefile.Check(f, cfg); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.stdout, "%s, %s of an allow-list, %s: all as it should be\n",
		count(int64(len(f.Rules)), "rule"), entries(len(f.Allow)), count(int64(f.Tests()), "test line")); err != nil {
		return err
	}
	if f.Tests() == 0 {
		fmt.Fprintln(a.stderr, "no test lines: nothing says what the rules are to mask and to leave; see docs/REDACTION.md")
	}
	return nil
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
