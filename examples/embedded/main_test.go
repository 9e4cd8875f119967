// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

var update = flag.Bool("update", false, "write the program into README.md")

func TestProgramSealsAnEvent(t *testing.T) {
	t.Chdir(t.TempDir())
	key, err := integrity.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := keyfile.Create("audit.key", key); err != nil {
		t.Fatal(err)
	}
	main()
	r, err := journal.Verify(context.Background(), "audit.jsonl", key, journal.VerifyOptions{})
	if err != nil || r.Verdict != integrity.Verified || r.Records != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	b, err := os.ReadFile("audit.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("hunter2")) || !bytes.Contains(b, []byte("[REDACTED:")) {
		t.Errorf("the password was not masked:\n%s", b)
	}
}

// The program stands in the README as it is here, less the licence lines.
func TestREADMEShowsTheProgram(t *testing.T) {
	const begin, end = "<!-- embed: examples/embedded/main.go -->\n```go\n", "```\n"
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(program), "\n\n")
	path := filepath.Join("..", "..", "README.md")
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), begin)
	if !ok {
		t.Fatalf("README.md has no %q", begin)
	}
	shown, after, _ := strings.Cut(rest, end)
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+code+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if shown != code {
		t.Error("README.md shows another program; run: go test ./examples/embedded -update")
	}
	if n := strings.Count(code, "\n"); n > 45 {
		t.Errorf("the program has %d lines; keep it short", n)
	}
}
