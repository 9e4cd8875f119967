// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// Result is what a command printed, and its exit code.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Auditchain runs the command-line tool with a key and returns when it has ended. A
// non-zero exit code is no error; the error is for a command that could not be run
// or was cut short by the context.
func Auditchain(ctx context.Context, bin Binaries, keyFile string, stdin io.Reader, args ...string) (Result, error) {
	cmd := exec.CommandContext(ctx, bin.Path(CLI), args...)
	cmd.Env = append(os.Environ(), "AUDITCHAIN_KEY_FILE="+keyFile, "NO_COLOR=1")
	cmd.Stdin = stdin
	return Run(cmd)
}

// Run runs any command to its end, as Auditchain does.
func Run(cmd *exec.Cmd) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	res := Result{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		res.Code = exit.ExitCode()
	case err != nil:
		return res, fmt.Errorf("%s: %w: %s", cmd, err, tail(res.Stderr, 5))
	}
	return res, nil
}
