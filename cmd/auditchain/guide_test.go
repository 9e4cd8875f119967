// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var guideBlock = regexp.MustCompile("(?s)<!-- block: ([a-z-]+)(?: exit: ([0-9]))? -->\n```sh\n(.*?)```")

// guide runs the blocks of a document.
type guide struct {
	dir, mnt string
	blocks   map[string][2]string // exit code and text
	ran      map[string]bool
}

func newGuide(t *testing.T) *guide {
	t.Helper()
	return newGuideOf(t, "../../docs/RECOVERY.md")
}

func newGuideOf(t *testing.T, file string) *guide {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	g := &guide{dir: filepath.Join(dir, "journal"), mnt: filepath.Join(dir, "mnt"), blocks: map[string][2]string{}, ran: map[string]bool{}}
	for _, d := range []string{g.dir, g.mnt} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	found := guideBlock.FindAllStringSubmatch(string(text), -1)
	for _, m := range found {
		g.blocks[m[1]] = [2]string{"0" + m[2], m[3]}
	}
	if n := strings.Count(string(text), "```sh\n"); n != len(found) || n != len(g.blocks) || n < 8 {
		t.Fatalf("%d blocks of commands, %d have a name, %d different ones", n, len(found), len(g.blocks))
	}
	return g
}

func (g *guide) path() string { return filepath.Join(g.dir, journalName) }

// run runs a block and returns what it printed.
func (g *guide) run(t *testing.T, name string) string {
	t.Helper()
	b, ok := g.blocks[name]
	if !ok {
		t.Fatalf("the guide has no block %q", name)
	}
	g.ran[name] = true
	want, err := strconv.Atoi(b[0])
	if err != nil {
		t.Fatal(err)
	}
	// /mnt is a folder of the test.
	cmd := exec.Command("sh", "-euc", strings.ReplaceAll(b[1], "/mnt/", g.mnt+"/"))
	cmd.Dir = g.dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // the exit code says it
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Fatalf("%s: exit code %d, want %d\n%s\n%s", name, got, want, b[1], out.String())
	}
	return out.String()
}

// The guide's procedures do what it says: a backup that is taken while a
// writer runs, a lost disk, the backup put back, a new chain. Every block of
// docs/RECOVERY.md is run.
func TestRecoveryGuide(t *testing.T) {
	for _, tool := range []string{"flock", "find"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	g := newGuide(t)
	auditchain("", "key", "new", "--verification-key-out", filepath.Join(g.mnt, "audit.verify"), filepath.Join(g.mnt, "audit.key")).must(t, exitDone)
	key := filepath.Join(g.mnt, "audit.key")
	t.Setenv("AUDITCHAIN_KEY_FILE", key)

	// A running writer, which has rotated already.
	auditchain(apiCalls(8), "append", "--max-size", "4KiB", g.path()).must(t, exitDone)
	w := startAppend(t, g.path(), "--max-size", "4KiB")
	for range 30 {
		w.line(t, "before the backup")
	}
	g.run(t, "verify")
	g.run(t, "backup")
	w.line(t, "after the backup")
	if code := w.end(); code != exitDone {
		t.Fatalf("exit code %d: %s", code, w.stderr.String())
	}

	// Cut by somebody, gone on with, and put back.
	whole, err := os.ReadFile(g.path())
	if err != nil {
		t.Fatal(err)
	}
	newKey(t)
	alone := newGuide(t)
	auditchain("one\ntwo\n", "append", alone.path()).must(t, exitDone)
	if err := os.Mkdir(filepath.Join(alone.mnt, "found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(alone.path(), filepath.Join(alone.mnt, "found", journalName)); err != nil {
		t.Fatal(err)
	}
	if out := alone.run(t, "recover"); !strings.Contains(out, "broken") {
		t.Errorf("recover printed %s", out)
	}
	if v := judged(t, alone.path()); v.ExitCode != exitTampered {
		t.Errorf("before it is put back: %s", v.Verdict)
	}
	if out := alone.run(t, "put-back"); !strings.Contains(out, ": verified\n") {
		t.Errorf("verify printed %s", out)
	}
	write(t, filepath.Join(alone.dir, "events.txt"), []byte("three\n"))
	alone.run(t, "rotation")
	mustVerify(t, alone.path(), 3)
	t.Setenv("AUDITCHAIN_KEY_FILE", key)

	// The disk is lost, the lock with it; what the backup has is put back.
	if err := os.RemoveAll(g.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, g.path(), whole[:len(whole)/2]) // a file system check found this
	g.run(t, "clear")
	if left, err := os.ReadDir(g.dir); err != nil || len(left) != 0 {
		t.Fatalf("left in the folder: %v, %v", left, err)
	}
	g.run(t, "restore")
	if out := g.run(t, "restored"); !strings.Contains(out, "restored") {
		t.Errorf("recover printed %s", out)
	}
	auditchain("after the restore\n", "append", g.path()).must(t, exitDone)
	out := g.run(t, "restored-verify")
	if !strings.Contains(out, "partly proven") || !strings.Contains(out, "put back by J. Doe") {
		t.Errorf("verify printed %s", out)
	}
	v := judged(t, g.path())
	if v.Records != 8+30+1 || len(v.Breaks) != 1 {
		t.Errorf("%d records, breaks %+v", v.Records, v.Breaks)
	}

	// It stays so, in the folder where it rests too; the new chain is whole.
	g.run(t, "new-chain")
	if out := g.run(t, "old-verify"); !strings.Contains(out, "put back by J. Doe") {
		t.Errorf("verify printed %s", out)
	}
	auditchain("of the new chain\n", "append", g.path()).must(t, exitDone)
	mustVerify(t, g.path(), 1)
	r := auditchain("", "verify", "--key-file", filepath.Join(g.mnt, "new-chain.verify"), g.path())
	r.must(t, exitDone)

	for name := range g.blocks {
		if !g.ran[name] && !alone.ran[name] {
			t.Errorf("block %q of the guide is not run", name)
		}
	}
}

// Without the lock, the watermark is copied first: lines that were sealed while
// the rest was copied are in the backup, and it holds.
func TestBackupWatermarkFirst(t *testing.T) {
	newKey(t)
	path := filepath.Join(t.TempDir(), journalName)
	w := startAppend(t, path)
	w.line(t, "before")
	backup := filepath.Join(t.TempDir(), journalName)
	cp := func(suffix string) {
		t.Helper()
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		write(t, backup+suffix, data)
	}
	cp(".head")
	w.line(t, "meanwhile")
	cp("")
	if code := w.end(); code != exitDone {
		t.Fatal(w.stderr.String())
	}
	mustVerify(t, backup, 2)
	auditchain("", "recover", "--restored", "a test", backup).must(t, exitDone)
	v := judged(t, backup)
	if v.ExitCode != exitIncomplete || v.Records != 2 || !strings.Contains(strings.Join(v.NotProven, "\n"), "a test") {
		t.Errorf("%s, %d records, not proven %q", v.Verdict, v.Records, v.NotProven)
	}
}
