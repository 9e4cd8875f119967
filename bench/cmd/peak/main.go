// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Peak runs a command and prints how much memory it took at most, in bytes,
// as the kernel counted it (ru_maxrss of wait4).
//
//	peak COMMAND [ARGUMENT ...]
//
// It is a program of its own, and a small one, because a child's figure
// starts at what its parent held when it was forked: asked by the benchmark
// itself, every command would seem to take what the benchmark takes. What
// peak itself holds, a few MiB, is the least that it can report.
// It exits as the command did, and 125 when the command could not be run.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: peak COMMAND [ARGUMENT ...]")
		return 125
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "peak:", err)
		return 125
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		fmt.Fprintln(os.Stderr, "peak: this system does not say how much memory a command took")
		return 125
	}
	fmt.Println(usage.Maxrss * 1024) // Linux counts in KiB
	return cmd.ProcessState.ExitCode()
}
