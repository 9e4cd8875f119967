// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal of so many columns. What is printed to it is
// read when the test asks for it.
type terminal struct {
	tty  *os.File
	text chan string
}

func newTerminal(t *testing.T, columns uint16) *terminal {
	t.Helper()
	ptm, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(int(ptm.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(ptm.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: 50}); err != nil {
		t.Fatal(err)
	}
	term := &terminal{tty: tty, text: make(chan string, 1)}
	go func() {
		defer ptm.Close()
		b, _ := io.ReadAll(ptm) // ends with EIO when the terminal is closed
		term.text <- string(b)
	}()
	return term
}

// read closes the terminal and returns what was printed.
func (term *terminal) read(t *testing.T) string {
	t.Helper()
	if err := term.tty.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(<-term.text, "\r\n", "\n")
}

var verificationLine = regexp.MustCompile(`(?m)^auditchain-key v1 verification id=[0-9a-f]{16} secret=[0-9a-f]{64}$`)

// On a terminal, the verification key is shown as text and as a QR code, and
// never on a standard output that goes elsewhere.
func TestKeyNewOnTerminal(t *testing.T) {
	t.Setenv("CI", "")
	for _, c := range []struct {
		name         string
		onOut, onErr bool
		columns      uint16
		term         string
		qr           bool
	}{
		{"standard output", true, false, 80, "xterm", true},
		{"standard error, the other goes into a program", false, true, 80, "xterm", true},
		{"a narrow one", true, false, 40, "xterm", false},
		{"a dumb one", true, false, 80, "dumb", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("TERM", c.term)
			term := newTerminal(t, c.columns)
			file := filepath.Join(t.TempDir(), "audit.key")
			var other bytes.Buffer
			var stdout, stderr io.Writer = &other, &other
			if c.onOut {
				stdout = term.tty
			}
			if c.onErr {
				stderr = term.tty
			}
			code := runContext(context.Background(), []string{"key", "new", file}, strings.NewReader(""), stdout, stderr)
			shown := term.read(t)
			if code != exitDone {
				t.Fatalf("exit code %d: %s", code, other.String())
			}
			if len(verificationLine.FindAllString(shown, -1)) != 1 || strings.Contains(other.String(), "secret=") {
				t.Errorf("on the terminal:\n%s\nelsewhere:\n%s", shown, other.String())
			}
			if strings.Contains(shown, "█ ▄▄▄▄▄ █") != c.qr {
				t.Errorf("a QR code is to be there: %v\n%s", c.qr, shown)
			}
			for _, want := range []string{"never again", "elsewhere than on this host", "forge everything"} {
				if !strings.Contains(shown, want) {
					t.Errorf("%q is not said", want)
				}
			}
		})
	}
}

// What a build service takes for a terminal is a log.
func TestKeyNewInCI(t *testing.T) {
	t.Setenv("CI", "true")
	term := newTerminal(t, 80)
	file := filepath.Join(t.TempDir(), "audit.key")
	code := runContext(context.Background(), []string{"key", "new", file}, strings.NewReader(""), term.tty, term.tty)
	if shown := term.read(t); code != exitUsage || strings.Contains(shown, "secret=") {
		t.Errorf("exit code %d: %s", code, shown)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the key was made: %v", err)
	}
}

// failing is a standard output that takes so many bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// A key of which the verification key could not be shown is taken back.
func TestKeyNewNotShown(t *testing.T) {
	for _, left := range []int{0, 20} {
		for _, args := range [][]string{{"--show"}, {"--qr"}, {"--json", "--show"}} {
			dir := t.TempDir()
			var stderr bytes.Buffer
			args := append([]string{"key", "new", filepath.Join(dir, "audit.key")}, args...)
			code := runContext(context.Background(), args, strings.NewReader(""), &failing{left}, &stderr)
			entries, err := os.ReadDir(dir)
			if code != exitFailed || err != nil || len(entries) != 0 || !strings.Contains(stderr.String(), "taken back") {
				t.Errorf("%q: exit code %d, %s, left %v, %v", args, code, stderr.String(), entries, err)
			}
		}
	}
}
