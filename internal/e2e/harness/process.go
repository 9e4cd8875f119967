// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopPatience is how long a process may take to end after SIGTERM before it is
// killed. Nothing is expected to need it.
const stopPatience = 20 * time.Second

// Process is a started program. Its methods may be called from several goroutines
// and after it has ended.
type Process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended; err is set before
	err  error         // guarded by done
}

// start runs a program with its output appended to the file log.
func start(name, log string, cmd *exec.Cmd) (*Process, error) {
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own descriptor
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = processAttributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{name: name, log: log, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Log is everything that the process has printed so far.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return fmt.Sprintf("(log of %s: %v)", p.name, err)
	}
	return string(text)
}

// ended is the error of a process that should still be running, or nil.
func (p *Process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended by itself (%v); the end of %s:\n%s", p.name, p.cmd.ProcessState, filepath.Base(p.log), tail(p.Log(), 20))
	default:
		return nil
	}
}

// Stop asks the process to end, and waits until it has. A process that does not end
// in time is killed, and that is an error, as is an exit code other than 0.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	patience := time.NewTimer(stopPatience)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
		p.Kill()
		return fmt.Errorf("%s did not end within %v of SIGTERM and was killed", p.name, stopPatience)
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w; the end of its output:\n%s", p.name, p.err, tail(p.Log(), 20))
	}
	return nil
}

// Kill ends the process as a crash would (SIGKILL), and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it can only have ended already
	<-p.done
}

// tail is the last n lines of text.
func tail(text string, n int) string {
	lines := bytes.Split(bytes.TrimRight([]byte(text), "\n"), []byte("\n"))
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return string(bytes.Join(lines, []byte("\n")))
}
