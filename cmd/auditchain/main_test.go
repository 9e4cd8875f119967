// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands print into the golden files of testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"auditchain": main})
}

// TestScripts runs testdata/script: a script a command, each headed by the
// promise that it checks.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) < 7 {
		t.Fatalf("%d scripts (%v): fewer than there are commands", len(scripts), err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "")
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Getuid() == 0, nil
			case "fifo":
				return exec.Command("mkfifo", "--version").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  cmdExits,
			"mode":   cmdMode,
			"lines":  cmdLines,
			"scrub":  cmdScrub,
			"tamper": cmdTamper,
			"bytes":  cmdBytes,
		},
	})
}

// cmdExits runs a program that must end with the given exit code:
//
//	exits 3 auditchain verify audit.jsonl
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		got = ee.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// cmdMode checks the permissions of a file: mode 600 FILE.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); (got == args[0]) == neg {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

// cmdLines checks how many lines a file has: lines 3 FILE.
func cmdLines(ts *testscript.TestScript, neg bool, args []string) {
	if got := strconv.Itoa(strings.Count(ts.ReadFile(args[1]), "\n")); (got == args[0]) == neg {
		ts.Fatalf("%s has %s lines", args[1], got)
	}
}

// cmdBytes writes a file from a Go string literal, for what a script cannot
// hold: bytes FILE "\x00\xff\n".
func cmdBytes(ts *testscript.TestScript, _ bool, args []string) {
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

var (
	scrubUUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	scrubHash = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	scrubKey  = regexp.MustCompile(`\b[0-9a-f]{16}\b`)
	scrubTime = regexp.MustCompile(`20(2[6-9]|[3-9][0-9])-[01][0-9]-[0-3][0-9]T[0-9:]{8}(\.[0-9]+)?Z`)
	scrubByte = regexp.MustCompile(`\bbyte [0-9]+|"(offset|bytes)":[0-9]+`)
	scrubNum  = regexp.MustCompile(`[0-9]+`)
)

// scrub replaces what differs from run to run.
func scrub(s string) string {
	s = scrubUUID.ReplaceAllString(s, "<uuid>")
	s = scrubHash.ReplaceAllString(s, "<hash>")
	s = scrubKey.ReplaceAllString(s, "<key id>")
	s = scrubTime.ReplaceAllString(s, "<time>")
	return scrubByte.ReplaceAllStringFunc(s, func(m string) string { return scrubNum.ReplaceAllString(m, "<n>") })
}

// cmdScrub prints a file, stdout or stderr with what differs from run to run
// replaced, so that it can be compared with a golden file.
func cmdScrub(ts *testscript.TestScript, _ bool, args []string) {
	text := scrub(ts.ReadFile(args[0]))
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "$WORK")
	_, err := io.WriteString(ts.Stdout(), text)
	ts.Check(err)
}

// cmdTamper changes a file: tamper KIND FILE [LINE].
func cmdTamper(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[1])
	line := 0
	if len(args) > 2 {
		var err error
		line, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	data, err := os.ReadFile(file)
	ts.Check(err)
	out, err := tamper(data, args[0], line)
	ts.Check(err)
	ts.Check(os.WriteFile(file, out, 0o600))
}

// tamper does what an attacker does to line n (from 1) of a file.
func tamper(data []byte, kind string, n int) ([]byte, error) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	lines = lines[:len(lines)-1]
	if n < 0 || n > len(lines) {
		return nil, fmt.Errorf("no line %d of %d", n, len(lines))
	}
	at := n - 1
	join := func(parts ...[][]byte) []byte {
		var out []byte
		for _, p := range parts {
			out = append(out, bytes.Join(p, nil)...)
		}
		return out
	}
	switch kind {
	case "byte": // in the middle of the line
		l := bytes.Clone(lines[at])
		l[len(l)/2] ^= 1
		return join(lines[:at], [][]byte{l}, lines[n:]), nil
	case "delete":
		return join(lines[:at], lines[n:]), nil
	case "swap": // with the line after it
		return join(lines[:at], lines[n:n+1], lines[at:n], lines[n+1:]), nil
	case "duplicate":
		return join(lines[:n], lines[at:n], lines[n:]), nil
	case "insert": // a line of the same form before it
		l := bytes.Replace(lines[at], []byte(`"provider"`), []byte(`"Provider"`), 1)
		l = bytes.Replace(l, []byte(`{"timestamp":"20`), []byte(`{"timestamp":"19`), 1)
		return join(lines[:at], [][]byte{l}, lines[at:]), nil
	case "cut": // the line and all after it
		return join(lines[:at]), nil
	case "cutinside": // the second half of the line and all after it
		return join(lines[:at], [][]byte{lines[at][:len(lines[at])/2]}), nil
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

// result is what a run of the program gave.
type result struct {
	code           int
	stdout, stderr string
}

// auditchain runs the program inside the test.
func auditchain(stdin string, args ...string) result {
	return auditchainFrom(strings.NewReader(stdin), args...)
}

func auditchainFrom(stdin io.Reader, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := runContext(context.Background(), args, stdin, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// must fails the test unless the program ended with the exit code.
func (r result) must(t testing.TB, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %.2000s\nstderr: %.2000s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// newStaticKey is newKey for several journals under one key, which only a static
// key can be that of.
func newStaticKey(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "audit.key")
	auditchain("", "key", "new", "--static", file).must(t, 0)
	t.Setenv("AUDITCHAIN_KEY_FILE", file)
	return file
}

// newKey makes a key file, and makes the program use it.
func newKey(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "audit.key")
	auditchain("", "key", "new", "--verification-key-out", filepath.Join(t.TempDir(), "audit.verify"), file).must(t, 0)
	t.Setenv("AUDITCHAIN_KEY_FILE", file)
	return file
}
