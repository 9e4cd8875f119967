// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes. They are part of the interface: every command's help lists
// those that it uses.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitTampered    = 3
	exitIncomplete  = 4
	exitInterrupted = 130
)

// app is what a command runs in: the standard streams, and what every command
// shares.
type app struct {
	stdin  io.Reader
	stdout *errWriter
	stderr io.Writer
	color  string // --color
}

// exitError is an error that knows its exit code. Without a message, the
// command has said already what there is to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exitWith ends a command with a code, after it has said why.
func exitWith(code int) error {
	if code == exitDone {
		return nil
	}
	return &exitError{code: code}
}

// usagef is a mistake on the command line.
func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// run is the whole program: it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// From the first signal on, a second one ends the program at once: what
	// it was doing is safe to cut short, only not tidy.
	context.AfterFunc(ctx, stop)
	return runContext(ctx, args, stdin, stdout, stderr)
}

func runContext(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: &errWriter{w: stdout}, stderr: stderr, color: "auto"}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(a.stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = a.stdout.failed()
	}
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var ee *exitError
	switch {
	case errors.As(err, &ee):
		code = ee.code
		if ee.err == nil {
			return code
		}
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		code = exitInterrupted
	}
	name := "auditchain"
	if cmd != nil {
		name = strings.Replace(cmd.CommandPath(), " ", ": ", 1)
	}
	// A path or a flag in the message may be anything.
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(stderr, "%s: %s\n", name, cleanText(line))
	}
	if code == exitUsage && cmd != nil {
		fmt.Fprintf(stderr, "run: %s --help\n", cmd.CommandPath())
	}
	return code
}

// rootCommand builds the tree of commands.
func (a *app) rootCommand() *cobra.Command {
	var keyURL string
	root := &cobra.Command{
		Use:   "auditchain",
		Short: "Write, read and verify tamper-evident audit journals",
		Long: `auditchain keeps an audit trail that holds up: every line of a journal is
chained to the one before it under a key, secrets are masked before they are
written, and any later change shows and is named.

` + exitCodes(exitDone, exitFailed, exitUsage, exitTampered, exitIncomplete, exitInterrupted),
		Example: `  auditchain key new --verification-key-out audit.verify audit.key
  auditchain append --key-file audit.key audit.jsonl < events.jsonl
  auditchain verify --key-file audit.verify audit.jsonl
  auditchain query --since 2h audit.jsonl`,
		Version:       moduleVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          helpAsUsage,
		CompletionOptions: cobra.CompletionOptions{
			DisableDefaultCmd: true,
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			switch a.color {
			case "auto", "always", "never":
			default:
				return usagef("--color %q is none of auto, always, never", a.color)
			}
			if keyURL != "" {
				return useKeyURL(keyURL)
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		// A secret may stand where --secret-stdin and --fingerprint take none.
		if bad := (*pflag.InvalidValueError)(nil); errors.As(err, &bad) && bad.GetFlag().Value.Type() == "bool" {
			return usagef("--%s takes no value but true and false", bad.GetFlag().Name)
		}
		return &exitError{code: exitUsage, err: err}
	})
	root.PersistentFlags().StringVar(&keyURL, "key-url", "", "URL of the key that key files are encrypted with (else AUDITCHAIN_KEY_URL)")
	root.PersistentFlags().StringVar(&a.color, "color", "auto", "colour on a terminal: auto, always or never (NO_COLOR is honoured)")
	root.AddCommand(
		a.keyCommand(),
		a.appendCommand(),
		a.importCommand(),
		a.recoverCommand(),
		a.eraseCommand(),
		a.verifyCommand(),
		a.proveCommand(),
		a.checkProofCommand(),
		a.checkpointCommand(),
		a.queryCommand(),
		a.tailCommand(),
		a.redactCommand(),
		a.versionCommand(),
	)
	return root
}

// noCommand is the Args of a command that only has subcommands.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
		hint = fmt.Sprintf("; did you mean %q?", s[0])
	}
	return usagef("unknown command %q%s", args[0], hint)
}

// helpAsUsage answers a command line that names no command.
func helpAsUsage(cmd *cobra.Command, _ []string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s\n\n%s", cmd.Long, cmd.UsageString())
	return exitWith(exitUsage)
}

// oneArg is the Args of a command that takes exactly one file.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usagef("the %s is missing", what)
		case len(args) > 1:
			return usagef("%d arguments given, only the %s is wanted (%q is too many)", len(args), what, args[1])
		case args[0] == "":
			return usagef("the %s is an empty string", what)
		}
		return nil
	}
}

// noArgs is the Args of a command that takes none.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("no arguments are wanted, %q was given", args[0])
	}
	return nil
}

// exitCodes is the section of a command's help about its exit codes.
func exitCodes(codes ...int) string {
	meaning := map[int]string{
		exitDone:        "verified, or done",
		exitFailed:      "could not run: nothing is claimed",
		exitUsage:       "the command line is wrong",
		exitTampered:    "tampered with, or truncated",
		exitIncomplete:  "partly proven, or incomplete (something was refused or unreadable)",
		exitInterrupted: "interrupted",
	}
	var b strings.Builder
	b.WriteString("Exit codes:")
	for _, c := range codes {
		fmt.Fprintf(&b, "\n  %-4d %s", c, meaning[c])
	}
	return b.String()
}

// errWriter remembers the first failed write, so that a command that printed
// into a full disk does not exit 0. It is safe for concurrent use.
type errWriter struct {
	mu  sync.Mutex
	w   io.Writer
	err error // guarded by mu
}

func (w *errWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.w.Write(p)
	if err != nil {
		w.err = fmt.Errorf("standard output: %w", err)
	}
	return n, w.err
}

func (w *errWriter) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
