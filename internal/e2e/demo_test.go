// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// demo is the demo, with a folder of its own for temporary files.
func (w *world) demo(binDir string) (cmd *exec.Cmd, tmp string) {
	cmd = exec.CommandContext(w.ctx, w.bin.Path(harness.Demo), "-bin", binDir)
	cmd.Dir = w.root
	tmp = w.t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + tmp, "TMPDIR=" + tmp}
	return cmd, tmp
}

func (w *world) nothingLeft(tmp string) {
	w.t.Helper()
	left, err := os.ReadDir(tmp)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range left {
		w.t.Errorf("the demo left %s behind", entry.Name())
	}
}

func TestDemo(t *testing.T) {
	w := newWorld(t)
	cmd, tmp := w.demo(w.bin.Dir())
	res, err := harness.Run(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if res.Code != 0 {
		t.Errorf("exit code %d\n%s%s", res.Code, res.Stdout, res.Stderr)
	}
	for _, want := range []string{"VictoriaLogs", "[REDACTED", "exit code 0", "exit code 3", "18 records"} {
		if !strings.Contains(res.Stdout, want) {
			t.Errorf("%q is not in what the demo printed:\n%s", want, res.Stdout)
		}
	}
	w.nothingLeft(tmp)
}

// binariesWith is the folder of binaries with a script in the place of one of them.
func (w *world) binariesWith(replaced, script string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	for _, name := range []string{harness.CLI, harness.Collector, harness.VictoriaLogs, harness.AgentSession, harness.Demo} {
		path := filepath.Join(dir, name)
		var err error
		if name == replaced {
			err = os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700)
		} else {
			err = os.Symlink(w.bin.Path(name), path)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return dir
}

// A step that fails makes the demo fail: here every journal is found genuine.
func TestDemoFails(t *testing.T) {
	w := newWorld(t)
	cli := w.bin.Path(harness.CLI)
	cmd, tmp := w.demo(w.binariesWith(harness.CLI, `[ "$1" = verify ] && exit 0; exec '`+cli+`' "$@"`))
	res, err := harness.Run(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if res.Code != 1 || !strings.Contains(res.Stderr, "one byte") {
		t.Errorf("exit code %d, want 1 and the step named\n%s%s", res.Code, res.Stdout, res.Stderr)
	}
	w.nothingLeft(tmp)
}

// Ctrl-C in the middle (here while the agent never ends): no file is left, nor, as the
// folder of a running Collector could not be removed for good, a program.
func TestDemoInterrupted(t *testing.T) {
	w := newWorld(t)
	cmd, tmp := w.demo(w.binariesWith(harness.AgentSession, "exec sleep 600"))
	out := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // the demo writes to it
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = harness.Until(w.ctx, "the demo to have started its programs", func(context.Context) (bool, string, error) {
		text, err := os.ReadFile(out)
		return strings.Contains(string(text), "collector  "), string(text), err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is looked at below
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		text, _ := os.ReadFile(out)
		t.Errorf("exit code %d, want 130\n%s", code, text)
	}
	w.nothingLeft(tmp)
}
