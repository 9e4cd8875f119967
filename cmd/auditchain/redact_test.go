// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
)

// What was read is passed on, redacted, before more input is waited for; an
// interrupt ends the wait.
func TestRedactStreams(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	var stderr bytes.Buffer
	done := make(chan int)
	go func() {
		code := runContext(ctx, []string{"redact"}, stdin, stdout, &stderr)
		_ = stdout.Close()
		done <- code
	}()
	lines := bufio.NewScanner(out)
	for range 3 {
		if _, err := io.WriteString(in, "password=hunter2hunter2\n"); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || lines.Text() != "password=[REDACTED:password]" {
			t.Fatalf("got %q, %v", lines.Text(), lines.Err())
		}
	}
	interrupt()
	if code := <-done; code != exitInterrupted {
		t.Errorf("exit code %d, want 130", code)
	}
	if !strings.Contains(stderr.String(), "3 lines, 3 secrets masked") || !strings.Contains(stderr.String(), "interrupted after line 3") {
		t.Errorf("stderr %q", stderr.String())
	}
}

// A line that is too long is not passed on, and never held.
func TestRedactLongLine(t *testing.T) {
	for _, flag := range []string{"", "--json"} {
		args := strings.Fields("redact " + flag)
		in := io.MultiReader(strings.NewReader("[1]\n"), io.LimitReader(endless('x'), 3*maxLine), strings.NewReader("\n[2]\n"))
		r := auditchainFrom(in, args...).must(t, exitIncomplete)
		want := "[1]\n[REDACTED:too-large]\n[2]\n"
		if flag == "--json" {
			want = "[1]\n\"[REDACTED:too-large]\"\n[2]\n"
		}
		if r.stdout != want {
			t.Errorf("redact %s: stdout %.200q, want %q", flag, r.stdout, want)
		}
		if !strings.Contains(r.stderr, "  too-large                    1\n") {
			t.Errorf("redact %s: it is not counted: %q", flag, r.stderr)
		}
		if !strings.Contains(r.stderr, "line 2: 100663296 bytes, longer than 33554432: not passed on") {
			t.Errorf("redact %s: stderr %q", flag, r.stderr)
		}
	}
}

// A private key that begins and has no end is masked, and does not hold the
// rest of the stream back for good.
func TestRedactEndlessKey(t *testing.T) {
	var in strings.Builder
	in.WriteString("before\n-----BEGIN RSA PRIVATE KEY-----\n")
	for range 2000 {
		in.WriteString("MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun\n")
	}
	in.WriteString("not of the key\n")
	r := auditchain(in.String(), "redact").must(t, exitDone)
	if want := "before\n[REDACTED:private-key]\nnot of the key\n"; r.stdout != want {
		t.Errorf("stdout %.200q, want %q", r.stdout, want)
	}
}
