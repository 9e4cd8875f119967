// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Demo shows the whole way of an audit event, with real programs: an AI agent's
// session leaves through the OpenTelemetry SDK, passes a Collector that masks its
// secrets, and arrives in a tamper-evident file and in a log backend at the same time.
// Then it changes one byte, and shows that this is found. Run it with `make demo`.
//
// It needs nothing but what make builds, listens on loopback ports only, and leaves
// nothing behind, whether it succeeds, fails or is interrupted. The exit code is 0
// only if everything that it says has been checked: 1 if a step failed, 130 if it was
// interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// patience is how long the whole demo may take. It needs a few seconds.
const patience = 3 * time.Minute

var errInterrupted = errors.New("interrupted")

func main() {
	bin := flag.String("bin", "bin", "folder of the programs that make builds")
	flag.Parse()
	switch err := run(*bin, os.Stdout); {
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(os.Stderr, "\ndemo: interrupted")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

// run plays the story in a temporary folder and cleans up behind it.
func run(binDir string, out io.Writer) (err error) {
	// SIGPIPE too: `make demo | head` is no reason to leave anything behind.
	signals, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	ctx, cancel := context.WithTimeout(signals, patience)
	defer cancel()

	bin, err := harness.BinariesIn(binDir)
	if err != nil {
		return err
	}
	root, err := harness.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "auditchain-demo-")
	if err != nil {
		return err
	}
	s := &story{out: out, bin: bin, root: root, dir: dir, secrets: harness.NewSecrets()}
	defer func() {
		s.cleanUp()
		if rerr := os.RemoveAll(dir); rerr != nil {
			err = errors.Join(err, rerr)
		}
		if signals.Err() != nil {
			err = errInterrupted
		}
	}()
	start := time.Now()
	for i, chapter := range s.chapters() {
		fmt.Fprintf(out, "\n%d. %s\n\n", i+1, chapter.title)
		if err := chapter.play(ctx); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, chapter.title, err)
		}
	}
	fmt.Fprintf(out, "\nDone in %.1f s. All of the above was checked, not only printed; the temporary folder is removed.\n", time.Since(start).Seconds())
	return nil
}
