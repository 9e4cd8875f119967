// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// A journal whose chain has a checkpoint key: what is printed is what it
// holds, as a note that the key signed.
func TestCheckpoint(t *testing.T) {
	dir := t.TempDir()
	keys, path := filepath.Join(dir, "audit.key"), filepath.Join(dir, "audit.jsonl")
	key, err := integrity.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := keyfile.Create(keys, key); err != nil {
		t.Fatal(err)
	}
	signer, err := integrity.GenerateSigningKey(integrity.KindCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	beside := keys + keyfile.CheckpointSuffix
	if err := os.WriteFile(beside, signer.Text(), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), path, journal.Options{
		Key: key, Checkpoint: journal.Checkpoint{Signer: signer}, Rotation: journal.Rotation{MaxSize: 1 << 20, Compress: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	lines := func() int { return strings.Count(string(readAll(t, path)), "\n") }
	before := lines()

	// Without a key, the last one; nothing is written.
	last := auditchain("", "checkpoint", "--last", path).must(t, exitDone)
	point, err := integrity.OpenCheckpoint([]byte(last.stdout), signer.Public())
	if err != nil || int(point.Size) != before-1 || lines() != before {
		t.Fatalf("%+v, %v, of %d lines", point, err, before)
	}

	// With the key beside the key file, a new one.
	now := auditchain("", "checkpoint", "--key-file", keys, path).must(t, exitDone)
	point, err = integrity.OpenCheckpoint([]byte(now.stdout), signer.Public())
	if err != nil || lines() != before+3 || int(point.Size) != lines()-1 || now.stderr != "" {
		t.Fatalf("%+v, %v, %d lines after %d; %s", point, err, lines(), before, now.stderr)
	}

	// To a file, and as JSON; the key is another file.
	elsewhere, out := filepath.Join(dir, "signer"), filepath.Join(dir, "note")
	if err := os.Rename(beside, elsewhere); err != nil {
		t.Fatal(err)
	}
	both := auditchain("", "checkpoint", "--key-file", keys, "--checkpoint-key", elsewhere, "--out", out, "--json", path).must(t, exitDone)
	var info map[string]any
	if err := json.Unmarshal([]byte(both.stdout), &info); err != nil {
		t.Fatal(err)
	}
	note := string(readAll(t, out))
	point, err = integrity.OpenCheckpoint([]byte(note), signer.Public())
	if err != nil || info["note"] != note || info["root"] != point.Root.String() || info["chain_id"] != j.Chain().String() ||
		info["key_id"] != signer.ID() || info["size"] != float64(point.Size) || info["seq"] != float64(point.Size+1) || info["time"] == "" {
		t.Errorf("%v, %v", info, err)
	}
	quiet := auditchain("", "checkpoint", "--last", "--out", out, path).must(t, exitDone)
	if quiet.stdout != "" || string(readAll(t, out)) != note {
		t.Errorf("--last --out: %q", quiet.stdout)
	}

	// No key at hand: what to do is said.
	if got := auditchain("", "checkpoint", "--key-file", keys, path).must(t, exitFailed); !strings.Contains(got.stderr, "auditchain checkpoint --last") {
		t.Errorf("%q", got.stderr)
	}
	other, err := integrity.GenerateSigningKey(integrity.KindCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(beside, other.Text(), 0o600); err != nil {
		t.Fatal(err)
	}
	before = lines()
	if got := auditchain("", "checkpoint", "--key-file", keys, path).must(t, exitFailed); !strings.Contains(got.stderr, "another key for checkpoints") || !strings.Contains(got.stderr, "--new-checkpoint-key NEW") || lines() != before {
		t.Errorf("%q", got.stderr)
	}

	// The last one is found in a file before, compressed, and is not taken from
	// beyond the watermark.
	j, err = journal.Open(t.Context(), path, journal.Options{Key: key, Rotation: journal.Rotation{MaxSize: 1 << 20, Compress: true}})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if got := auditchain("", "checkpoint", "--last", path).must(t, exitDone); got.stdout != note {
		t.Errorf("from a finished file: %q", got.stdout)
	}

	// One that is not genuine is not printed.
	for _, name := range []string{path, filepath.Join(dir, "audit-00000000000000000001.jsonl.zst")} {
		b := readAll(t, name)
		if err := os.WriteFile(name, append([]byte("x"), b...), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := auditchain("", "checkpoint", "--last", path).must(t, exitTampered); got.stdout != "" {
			t.Errorf("of an altered file: %q", got.stdout)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func readAll(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
