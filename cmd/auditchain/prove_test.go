// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// TestProofScripts runs testdata/proofs: scripts about a journal with
// checkpoints.
func TestProofScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/proofs/*.txtar")
	if err != nil || len(scripts) < 3 {
		t.Fatalf("%d scripts (%v)", len(scripts), err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/proofs",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "")
			return writeTreed(env.WorkDir)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  cmdExits,
			"mode":   cmdMode,
			"tamper": cmdTamper,
			"sub":    cmdSub,
		},
	})
}

// cmdSub replaces a text in a file, once: sub FILE OLD NEW.
func cmdSub(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}

// treedChain is the chain that writeTreed writes.
var treedChain = integrity.ChainID{0xab, 1}

// writeTreed writes, into a folder, audit.jsonl (11 lines: records with seq 2,
// 3, 4, 6, 7, 9 and 11, a tombstone at seq 8, checkpoints of sizes 4 and 9),
// its watermark, audit.key, the public keys audit.pub, other.pub and
// erasure.pub, the checkpoints small.note and large.note, and export.json, in
// which they are as another system exports them. Nothing of it differs from
// run to run.
func writeTreed(dir string) error {
	key, err := integrity.NewKey(bytes.Repeat([]byte{'k'}, 32))
	if err != nil {
		return err
	}
	signing := func(kind string, fill byte) integrity.SigningKey {
		k, kerr := integrity.NewSigningKey(kind, bytes.Repeat([]byte{fill}, 32))
		if kerr != nil {
			err = kerr
		}
		return k
	}
	signer := signing(integrity.KindCheckpoint, 1)
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	sealer := integrity.NewSealer(key, treedChain)
	var tree integrity.Range
	var file []byte
	var at integrity.Position
	add := func(payload, stands []byte) {
		leaf := integrity.Leaf(payload)
		tree.Add(leaf)
		at.Seq++
		at.MAC = sealer.MAC(at.MAC, at.Seq, leaf)
		file = integrity.AppendSuffix(append(file, stands...), at.Seq, at.MAC)
	}
	control := func(c any) { p := integrity.ControlPayload(c); add(p, p) }
	record := func(text string) []byte {
		quoted, _ := json.Marshal(text)
		return fmt.Appendf(nil, `{"timestamp":"2026-11-24T10:15:00.000000000Z","session_id":"s1","event":{"type":"note","text":%s},"id":"019aab30-1c2d-7e3f-8a4b-%012d","blind":"AAECAwQFBgcICQoLDA0ODw"`, quoted, at.Seq+1)
	}
	var notes [][]byte
	checkpoint := func() {
		note, serr := integrity.Checkpoint{Chain: treedChain, Size: at.Seq, Root: tree.Root()}.Sign(signer)
		if serr != nil {
			err = serr
		}
		notes = append(notes, note)
		control(integrity.Checkpointed{Control: integrity.ControlCheckpoint, Time: integrity.FormatTime(now), Writer: "w", Note: string(note)})
	}
	genesis := integrity.NewGenesis(treedChain, key, now)
	genesis.CheckpointKey = signer.Public().Base64()
	control(genesis)
	for _, text := range []string{"one", "two \x1b[31m\u202e", "three"} {
		p := record(text)
		add(p, p)
	}
	checkpoint()
	for _, text := range []string{"four", "five", "erased", "six"} {
		p := record(text)
		if text == "erased" {
			add(p, integrity.AppendTombstone(nil, integrity.Leaf(p), len(p)))
		} else {
			add(p, p)
		}
	}
	checkpoint()
	p := record("seven")
	add(p, p)
	at.First, at.Size = 1, int64(len(file))

	head := integrity.Head{Generation: 1, Chain: treedChain, Position: at, Time: now}
	watermark := head.AppendSlot(make([]byte, integrity.SlotSize), integrity.NewHeadKey(key, treedChain))
	export, jerr := json.Marshal(map[string]any{"hits": []any{
		map[string]any{"_source": map[string]any{"message": string(notes[0])}},
		map[string]any{"_source": map[string]any{"message": string(notes[1])}},
	}})
	if err == nil {
		err = jerr
	}
	for name, text := range map[string][]byte{
		"audit.jsonl": file, "audit.jsonl.head": watermark, "audit.key": key.Text(),
		"audit.pub":   signer.Public().Text(),
		"other.pub":   signing(integrity.KindCheckpoint, 2).Public().Text(),
		"erasure.pub": signing(integrity.KindErasure, 3).Public().Text(),
		"small.note":  notes[0], "large.note": notes[1], "export.json": append(export, '\n'),
	} {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
	}
	return err
}

// What the flags of verify name reaches the verification.
func TestVerifyInput(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := writeTreed("."); err != nil {
		t.Fatal(err)
	}
	t.Setenv(keyfile.FileEnv, "")
	t.Setenv("CREDENTIALS_DIRECTORY", t.TempDir())
	input := func(o verifyOptions, keys ...string) (integrity.Key, journal.VerifyOptions, error) {
		o.keyFiles = &keys
		return o.input()
	}
	if _, _, err := input(verifyOptions{}); err == nil || !strings.Contains(err.Error(), "--public-key") {
		t.Errorf("no key at all: %v", err)
	}
	key, opts, err := input(verifyOptions{publicKey: "audit.pub", checkpoints: []string{"small.note", "export.json"}})
	if err != nil || !key.IsZero() || opts.PublicKey.IsZero() {
		t.Errorf("a public key alone: %v, %v", key, err)
	}
	var names []string
	for _, g := range opts.Given {
		names = append(names, g.Name)
	}
	if got := strings.Join(names, " "); got != "small.note:1 export.json:1 export.json:1" {
		t.Errorf("given: %s", got)
	}
	if key, opts, err = input(verifyOptions{publicKey: "audit.pub"}, "audit.key"); err != nil || key.IsZero() || opts.PublicKey.IsZero() {
		t.Errorf("both: %v, %v", key, err)
	}
	if _, _, err = input(verifyOptions{publicKey: "audit.pub"}, "absent.key"); err == nil {
		t.Error("a key file that is named and absent is passed over")
	}
	t.Setenv(keyfile.FileEnv, "absent.key")
	if key, _, err = input(verifyOptions{publicKey: "audit.pub"}); err != nil || !key.IsZero() {
		t.Errorf("with the public key alone, the environment has a say: %v, %v", key, err)
	}
}

// Everything that a report says of keys and checkpoints is printed.
func TestVerifyPrintsCheckpoints(t *testing.T) {
	r := &integrity.Report{
		Verdict: integrity.Verified, File: "f", Chain: "c", Epochs: 4, ProvenFrom: 17, PendingErasures: 2,
		Checkpoints: &integrity.Checkpoints{Count: 3, Timestamps: 1, Size: 40, KeyID: "k", Time: "2026-11-24T10:00:00.000000000Z"},
		Given:       []integrity.GivenResult{{Name: "a:1", Size: 12, Holds: true}, {Name: "b:2\x1b", Size: 80, Reason: "it is of\nanother chain"}},
	}
	want := `f: verified
checkpoints: 3 checkpoints, the last one that holds of size 40, 2026-11-24T10:00:00.000000000Z, by key k; 1 time stamp
given checkpoint a:1, size 12: holds
given checkpoint b:2\x1b, size 80: does not hold: it is of\nanother chain
epochs of the key: 4
keys at hand: from seq 17 on
erasures not completed: 2 lines; to complete them: auditchain erase --complete f
chain: c, no key
`
	if got := string(reportText(r, style{})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestProofUsage(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"prove", "the journal is missing"},
		{"prove a", "give --seq or --id"},
		{"prove --seq 1 --id x a", "give --seq or --id"},
		{"prove --seq 0 a", "the first line has sequence number 1"},
		{"prove --seq x a", "invalid argument"},
		{"prove --id X a", "no UUID in lower case"},
		{"prove --seq 1 --checkpoint-size 0 a", "--checkpoint-size 0"},
		{"prove --seq 1 --checkpoint= a", "--checkpoint is an empty string"},
		{"prove --seq 1 --from 3 a", "go with --consistency"},
		{"prove --consistency a", "needs --from"},
		{"prove --consistency --from 3 --seq 4 a", "--seq is about a record"},
		{"prove --consistency --from 0 a", "smallest checkpoint"},
		{"verify --public-key= a", "--public-key is an empty string"},
		{"check-proof", "the proof is missing"},
		{"check-proof a", "--public-key is missing"},
		{"check-proof --public-key x --chain y a", `--chain "y"`},
	} {
		r := auditchain("", strings.Fields(tc.args)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, tc.want) || r.stdout != "" {
			t.Errorf("auditchain %s: exit code %d, stdout %q, stderr %q; want 2 and %q", tc.args, r.code, r.stdout, r.stderr, tc.want)
		}
	}
}
