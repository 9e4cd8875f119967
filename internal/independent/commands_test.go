// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/e2e/harness"
)

// writers are the commands that write or change a journal or evidence;
// TestCommands runs each of them, and verify.py judges what it left. The
// readers change nothing.
var (
	writers = []string{"append", "checkpoint", "erase", "import", "key", "prove", "recover"}
	readers = []string{"check-proof", "completion", "help", "query", "redact", "tail", "verify", "version"}
)

// cli is the program: that of AUDITCHAIN_BIN where make has built it, else one
// that is built now.
func cli(t *testing.T) string {
	t.Helper()
	// What the test itself opens is what the test runner takes a result to
	// depend on.
	sources, err := filepath.Glob("../../cmd/auditchain/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal("no sources of the command", err)
	}
	for _, s := range sources {
		if _, err := os.ReadFile(s); err != nil {
			t.Fatal(err)
		}
	}
	if dir := os.Getenv(harness.BinariesVar); dir != "" {
		path := filepath.Join(dir, harness.CLI)
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := filepath.Join(t.TempDir(), harness.CLI)
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/auditchain").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// desk is a folder in which commands are run. What they leave is kept after each
// of them, as the Go verifier judges it, and put to verify.py at the end.
type desk struct {
	*testing.T
	program, dir string
	ran          map[string]bool
	whats        []string
	wants        []answer
	jobs         []job
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) read(name string) []byte {
	d.Helper()
	b, err := os.ReadFile(d.path(name))
	if err != nil {
		d.Fatal(err)
	}
	return b
}

func (d *desk) put(name string, parts ...[]byte) {
	d.Helper()
	write(d.T, d.path(name), bytes.Join(parts, nil))
}

func (d *desk) remove(name string) {
	d.Helper()
	if err := os.Remove(d.path(name)); err != nil {
		d.Fatal(err)
	}
}

// one is the one name that a pattern has.
func (d *desk) one(pattern string) string {
	d.Helper()
	found, err := filepath.Glob(d.path(pattern))
	if err != nil || len(found) == 0 {
		d.Fatalf("nothing is called %s (%v)", pattern, err)
	}
	name, err := filepath.Rel(d.dir, found[0])
	must(err)
	return name
}

// in runs a command in a folder and returns what it printed, and its exit code.
func (d *desk) in(dir, stdin string, args ...string) harness.Result {
	d.Helper()
	cmd := exec.Command(d.program, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "NO_COLOR=1"}
	r, err := harness.Run(cmd)
	if err != nil {
		d.Fatal(err)
	}
	return r
}

// run is in for a command that must succeed.
func (d *desk) run(stdin string, args ...string) string {
	d.Helper()
	d.ran[args[0]] = true
	r := d.in(d.dir, stdin, args...)
	if r.Code != 0 {
		d.Fatalf("auditchain %q: exit %d\n%s", args, r.Code, r.Stderr)
	}
	return r.Stdout
}

// appends seals n lines, and returns the sequence number of the first.
func (d *desk) appends(n int, args ...string) string {
	d.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "line %d of %q\n", i, args)
	}
	out := d.run(lines.String(), append([]string{"append", "--json", "--fsync", "never"}, args...)...)
	seq := regexp.MustCompile(`"seq":(\d+),`).FindStringSubmatch(out)
	if seq == nil {
		d.Fatalf("no receipt in %q", out)
	}
	return seq[1]
}

// judged keeps a journal as it is now, with what the Go verifier says of it,
// which must have this exit code. Files of keys and notes are kept with it.
func (d *desk) judged(what string, exit int, journal string, j job) {
	d.Helper()
	dir := d.TempDir()
	must(filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(d.dir, path)
		to := filepath.Join(dir, name)
		if err != nil || e.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o600)
	}))
	j.Journal = journal
	r := d.in(dir, "", append([]string{"verify", "--json"}, j.args()...)...)
	var said struct {
		Verdict string
		Exit    int `json:"exit_code"`
		Bad     []place
	}
	if err := json.Unmarshal([]byte(r.Stdout), &said); err != nil || said.Exit != r.Code {
		d.Fatalf("%s: verify --json: exit %d, %v: %s%s", what, r.Code, err, r.Stdout, r.Stderr)
	}
	if r.Code != exit {
		d.Errorf("%s: exit %d in Go, want %d: %s", what, r.Code, exit, r.Stdout[max(0, len(r.Stdout)-900):])
	}
	want := answer{Verdict: said.Verdict, Exit: said.Exit}
	if len(said.Bad) > 0 {
		want.Bad = &said.Bad[0]
		want.Bad.File = filepath.Base(want.Bad.File)
	}
	// The command takes along the keys that key rotate left beside a key file.
	in := func(names []string) (out []string) {
		for _, n := range names {
			found, err := filepath.Glob(filepath.Join(dir, n+"."+strings.Repeat("[0-9a-f]", 16)))
			must(err)
			out = append(append(out, filepath.Join(dir, n)), found...)
		}
		return out
	}
	j.Journal, j.KeyFiles, j.Checkpoints = filepath.Join(dir, journal), in(j.KeyFiles), in(j.Checkpoints)
	if j.PublicKey != "" {
		j.PublicKey = filepath.Join(dir, j.PublicKey)
	}
	d.whats, d.wants, d.jobs = append(d.whats, what), append(d.wants, want), append(d.jobs, j)
}

// proven keeps a proof, with the exit code of check-proof, which must be this one.
func (d *desk) proven(what string, exit int, proof []byte, public string) {
	d.Helper()
	dir := d.TempDir()
	j := job{Proof: write(d.T, filepath.Join(dir, "proof"), proof), PublicKey: write(d.T, filepath.Join(dir, "public"), d.read(public))}
	if r := d.in(dir, "", "check-proof", "--public-key", j.PublicKey, j.Proof); r.Code != exit {
		d.Errorf("%s: exit %d in Go, want %d: %s", what, r.Code, exit, r.Stderr)
	}
	d.whats, d.wants, d.jobs = append(d.whats, what), append(d.wants, answer{Exit: exit}), append(d.jobs, j)
}

// TestCommands: of what every command leaves that writes or changes a journal or
// evidence, and of what happens to it in between, verify.py says what `auditchain
// verify --json` says: verdict, exit code and first bad place.
func TestCommands(t *testing.T) {
	python(t) // skips
	program, ran := cli(t), map[string]bool{}
	desks := []*desk{}
	for _, scene := range []func(*desk){forwardScene, staticScene, retentionScene, importScene} {
		d := &desk{T: t, program: program, dir: t.TempDir(), ran: ran}
		scene(d)
		desks = append(desks, d)
	}
	var known []string
	_, commands, _ := strings.Cut(desks[0].in(t.TempDir(), "", "--help").Stdout, "Available Commands:\n")
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z-]+) +[A-Z]`).FindAllStringSubmatch(commands, -1) {
		known = append(known, m[1])
		if !slices.Contains(writers, m[1]) && !slices.Contains(readers, m[1]) {
			t.Errorf("command %s is neither among the writers nor among the readers", m[1])
		}
	}
	for _, w := range writers {
		if !slices.Contains(known, w) || !ran[w] {
			t.Errorf("command %s was not run, or is not one of %q", w, known)
		}
	}
	var whats []string
	var wants []answer
	var jobs []job
	for _, d := range desks {
		whats, wants, jobs = append(whats, d.whats...), append(wants, d.wants...), append(jobs, d.jobs...)
	}
	counts := map[int]int{}
	for i, a := range ask(t, jobs) {
		w := wants[i]
		counts[w.Exit]++
		if !a.same(w.Verdict, w.Exit, w.Bad) {
			t.Errorf("%s: %s, exit %d, at %+v %q; in Go %s, exit %d, at %+v", whats[i], a.Verdict, a.Exit, a.Bad, a.Notes, w.Verdict, w.Exit, w.Bad)
		}
	}
	t.Log(len(jobs), "judgements, by exit code:", counts)
}

// forwardScene: a forward-secure key, with checkpoints and erasure.
func forwardScene(d *desk) {
	const journal = "audit.jsonl"
	key := []string{"--key-file", "audit.key"}
	on := func(args ...string) []string { return append(append(args, key...), journal) }
	auditor := job{KeyFiles: []string{"audit.verify"}}
	host := job{KeyFiles: []string{"audit.key"}}
	public := job{PublicKey: "audit.key.checkpoint.pub"}

	d.run("", "key", "new", "--verification-key-out", "audit.verify", "audit.key")
	d.run("", "key", "new", "--erasure", "erasure.key")
	first := d.appends(3, on("--erasure-key-public", "erasure.key.pub")...)
	d.judged("append", 0, journal, auditor)
	d.judged("append, with the key of the host", 0, journal, host)
	d.judged("append, publicly", 4, journal, public)

	d.run("", on("checkpoint", "--out", "first.note")...)
	public.Checkpoints = []string{"first.note"}
	d.judged("checkpoint, publicly", 0, journal, public)
	d.judged("checkpoint", 0, journal, auditor)

	for range 3 {
		d.appends(20, on("--max-size", "4KiB", "--compress", "--checkpoint-records", "10", "--epoch-records", "7")...)
	}
	d.one("audit-*.jsonl.zst")
	d.judged("rotation, compression and epochs", 0, journal, auditor)
	d.judged("epochs, with the key of the host", 4, journal, host)
	d.judged("epochs, with both keys", 0, journal, job{KeyFiles: []string{"audit.key", "audit.verify"}})
	d.judged("an older checkpoint, publicly", 4, journal, public)
	d.judged("one segment", 4, d.one("audit-*.zst"), auditor)
	note := d.run("", "checkpoint", "--last", journal)
	d.put("last.note", []byte(note))
	public.Checkpoints = append(public.Checkpoints, "last.note")
	d.judged("the last checkpoint, publicly", 0, journal, public)

	d.run("", "prove", "--seq", first, "--out", "first.proof", journal)
	proof := d.read("first.proof")
	d.proven("prove", 0, proof, "audit.key.checkpoint.pub")
	d.proven("prove, and another index", 3, bytes.Replace(proof, []byte("\nindex "), []byte("\nindex 1"), 1), "audit.key.checkpoint.pub")
	d.proven("prove, and another record", 3, bytes.Replace(proof, []byte("\nextra eyJ0"), []byte("\nextra eyJ1"), 1), "audit.key.checkpoint.pub")

	// Two lines are erased: one at once, one by an order that was signed elsewhere.
	last := d.appends(2, on()...)
	before := d.one("audit-*1.jsonl.zst")
	content := d.read(before)
	d.run("", on("erase", "--seq", first, "--reason", "r", "--who", "w", "--erasure-key", "erasure.key")...)
	d.judged("erase", 0, journal, auditor)
	d.put("order", []byte(d.run("", "erase", "--sign-only", "--seq", last, "--reason", "r", "--who", "w", "--erasure-key", "erasure.key", journal)))
	d.run("", on("erase", "--order", "order")...)
	d.run("", on("checkpoint", "--out", "last.note")...)
	d.judged("erase by an order", 0, journal, auditor)
	d.judged("erase, publicly", 0, journal, public)
	d.run("", "prove", "--seq", first, "--out", "erased.proof", journal)
	d.proven("prove of an erased line", 0, d.read("erased.proof"), "audit.key.checkpoint.pub")
	erased := d.read(before)
	d.put(before, content)
	d.judged("an erasure that was undone", 0, journal, auditor)
	d.run("", on("erase", "--complete")...)
	if !bytes.Equal(d.read(before), erased) {
		d.Error("erase --complete left something else than erase")
	}
	d.judged("erase --complete", 0, journal, auditor)

	// Other keys: of the checkpoints, then of the chain.
	d.run("", "key", "new", "--checkpoint", "second.signer")
	d.run("", "key", "rotate", "--new-checkpoint-key", "second.signer", "--key-file", "audit.key", journal)
	d.appends(2, on()...)
	d.run("", on("checkpoint", "--out", "last.note")...)
	d.judged("key rotate of the checkpoints", 0, journal, auditor)
	d.judged("key rotate of the checkpoints, publicly with the first key", 0, journal, public)
	d.run("", on("key", "rotate", "--verification-key-out", "second.verify")...)
	d.judged("key rotate, and the second key is missing", 1, journal, auditor)
	auditor.KeyFiles = append(auditor.KeyFiles, "second.verify")
	d.judged("key rotate", 0, journal, auditor)
	d.appends(20, on("--epoch-records", "7")...)
	d.judged("key rotate, and epochs of the second key", 0, journal, auditor)
	d.judged("key rotate, and the first key is missing", 4, journal, host)
	d.run("", on("key", "rotate", "--static")...)
	d.appends(1, on()...)
	auditor.KeyFiles = append(auditor.KeyFiles, "audit.key")
	d.judged("key rotate --static", 0, journal, auditor)

	// What a writer finds, and how recover goes on from it.
	d.run("", on("recover")...)
	d.judged("recover of what is in order", 0, journal, auditor)
	d.put(journal, d.read(journal), []byte(`{"timest`))
	d.judged("a crash tail", 0, journal, auditor)
	d.run("", on("recover")...)
	d.judged("recover of a crash tail", 0, journal, auditor)
	whole := d.read(journal)
	d.put(journal, whole[:len(whole)-700])
	d.judged("cut", 3, journal, auditor)
	d.run("", on("recover")...)
	d.judged("recover of what was cut", 3, journal, auditor)
	segments, err := filepath.Glob(d.path("audit-*.jsonl"))
	must(err)
	d.put(filepath.Base(segments[len(segments)-1]), whole)
	d.judged("recover, and what was cut is put back", 0, journal, auditor)
	copied := map[string][]byte{journal: d.read(journal), journal + ".head": d.read(journal + ".head")}
	d.appends(2, on()...)
	for name, b := range copied {
		d.put(name, b)
	}
	d.judged("put back from a backup, all of it", 0, journal, auditor)
	d.run("", on("recover", "--restored", "a test")...)
	d.judged("recover --restored", 4, journal, auditor)
	d.remove(journal + ".head")
	d.judged("no watermark", 4, journal, auditor)
	d.run("", on("recover")...)
	d.judged("recover without a watermark", 4, journal, auditor)
	d.run("", on("recover", "--new-chain", "the year is over", "--keep", "3", "--keep-for", "2160h", "--erasure-key-public", "erasure.key.pub")...)
	d.appends(1, on()...)
	d.judged("recover --new-chain with a static key, and keys that only the old one had", 4, journal, host)
	d.judged("recover --new-chain with a static key, the old one", 4, d.one(journal+".old-*/audit.jsonl"), auditor)
	for range 2 {
		d.remove(d.one("audit.key." + strings.Repeat("[0-9a-f]", 16)))
	}
	d.judged("recover --new-chain with a static key", 0, journal, host)
	static := job{KeyFiles: []string{"static.key"}}
	d.put("static.key", d.read("audit.key"))
	d.run("", "key", "new", "--no-checkpoint-key", "--verification-key-out", "third.verify", "third.key")
	must(os.Rename(d.path(d.one(journal+".old-*")), d.path("older")))
	d.run("", on("recover", "--new-chain", "another key", "--new-key-file", "third.key")...)
	d.appends(20, on("--epoch-records", "7")...)
	d.judged("recover --new-chain --new-key-file", 0, journal, job{KeyFiles: []string{"third.verify"}})
	d.judged("recover --new-chain --new-key-file, the old one", 0, d.one(journal+".old-*/audit.jsonl"), static)
	must(os.Rename(d.path(d.one(journal+".old-*")), d.path("old")))
	d.run("", "key", "new", "--no-checkpoint-key", "--verification-key-out", "fourth.verify", "third.key")
	d.run("", on("recover", "--new-chain", "and another", "--new-key-file", "third.key")...)
	d.appends(1, on()...)
	d.judged("recover --new-chain --new-key-file, from a key that stepped", 0, journal, job{KeyFiles: []string{"fourth.verify"}})
	d.judged("recover --new-chain --new-key-file, on the host", 0, journal, host)
	d.judged("recover --new-chain --new-key-file, the one of the key that stepped", 0, d.one(journal+".old-*/audit.jsonl"), job{KeyFiles: []string{"third.verify"}})
}

// staticScene: a static key, no checkpoints, and somebody who changes things.
func staticScene(d *desk) {
	const journal = "audit.jsonl"
	on := func(args ...string) []string { return append(args, "--key-file", "audit.key", journal) }
	key := job{KeyFiles: []string{"audit.key"}}
	d.run("", "key", "new", "--static", "--no-checkpoint-key", "audit.key")
	for range 2 {
		d.appends(20, on("--max-size", "4KiB")...)
	}
	d.judged("static", 0, journal, key)
	d.run("", "key", "new", "--static", "--no-checkpoint-key", "other.key")
	d.judged("static, with another key", 1, journal, job{KeyFiles: []string{"other.key"}})
	d.judged("static, with another key too", 4, journal, job{KeyFiles: []string{"audit.key", "other.key"}})

	middle := d.one("audit-*.jsonl")
	b := d.read(middle)
	d.put(middle, bytes.Replace(b, []byte("line 1"), []byte("line 2"), 1))
	d.judged("static, and a record is altered", 3, journal, key)
	d.run("", on("recover")...)
	d.judged("recover does not heal what was altered", 3, journal, key)
	d.put(middle, b)
	d.judged("recover, and what was altered is put back", 0, journal, key)
	d.put(journal, d.read(journal), b)
	d.judged("foreign lines", 3, journal, key)
	d.run("", on("recover")...)
	d.judged("recover of foreign lines", 3, journal, key)

	d.run("", "key", "new", "--verification-key-out", "second.verify", "--no-checkpoint-key", "second.key")
	d.run("", on("key", "rotate", "--new-key-file", "second.key")...)
	d.judged("key rotate from a static key, the chain is tampered with all the same", 3, journal, job{KeyFiles: []string{d.one("audit.key.*"), "second.verify"}})
}

// retentionScene: what is removed because it is old, and what nobody allowed.
func retentionScene(d *desk) {
	const journal = "audit.jsonl"
	on := func(args ...string) []string { return append(args, "--key-file", "audit.key", journal) }
	auditor := job{KeyFiles: []string{"audit.verify"}}
	d.run("", "key", "new", "--verification-key-out", "audit.verify", "audit.key")
	for range 6 {
		d.appends(20, on("--max-size", "4KiB", "--keep", "2", "--compress", "--checkpoint-records", "10", "--epoch-records", "9")...)
	}
	if _, err := os.Stat(d.path("audit-00000000000000000001.jsonl.zst")); err == nil {
		d.Error("nothing was removed")
	}
	d.judged("retention", 4, journal, auditor) // it begins in a later epoch
	d.run("", on("checkpoint", "--out", "last.note")...)
	auditor.Checkpoints = []string{"last.note"}
	d.judged("retention, with a checkpoint", 0, journal, auditor)
	d.judged("retention, publicly", 0, journal, job{PublicKey: "audit.key.checkpoint.pub", Checkpoints: auditor.Checkpoints})
	d.remove(d.one("audit-*.jsonl.zst"))
	d.judged("retention, and one more is removed", 3, journal, auditor)
}

// importScene: a chain that begins with the records of an older file.
func importScene(d *desk) {
	const journal = "audit.jsonl"
	d.put("old.jsonl", []byte(`{"timestamp":"2026-01-02T03:04:05.678901234Z","session_id":"s1","provider":"aws","event":{"type":"session_ended","exit_code":0}}
{"timestamp":"2026-01-02T03:04:06Z","session_id":"s1","provider":"gcp","event":{"type":"x"},"id":"mine"}
{"timestamp":"2026-01-02T03:04:07Z","note":"the older system wrote no such line"}
`))
	d.run("", "key", "new", "--verification-key-out", "audit.verify", "audit.key")
	d.run("", "import", "--unverified", "--accept-unsigned", "--key-file", "audit.key", "--keep", "5", "old.jsonl", journal)
	auditor := job{KeyFiles: []string{"audit.verify"}}
	d.judged("import", 0, journal, auditor)
	d.appends(3, "--key-file", "audit.key", journal)
	d.judged("append to what was imported", 0, journal, auditor)
}
