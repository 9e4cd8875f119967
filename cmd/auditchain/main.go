// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Command auditchain writes, reads and verifies tamper-evident audit journals.
//
// The smallest use:
//
//	auditchain key new --verification-key-out audit.verify audit.key
//	auditchain append --key-file audit.key audit.jsonl < events.jsonl
//	auditchain verify --key-file audit.verify audit.jsonl
//	auditchain query --since 2h audit.jsonl
//
// Results go to standard output, everything else to standard error. The exit
// code is part of the interface, and the same on a terminal and with --json:
//
//	0    verified, or done
//	1    could not run: nothing is claimed
//	2    the command line is wrong
//	3    tampered with, or truncated
//	4    partly proven, or incomplete: something was refused or unreadable
//	130  interrupted
//
// What verify proves, and what nobody can prove from the file alone, is said
// in docs/SPEC.md, section 8, and in its output.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
