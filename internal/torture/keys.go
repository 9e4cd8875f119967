// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/e2e/harness"
	"github.com/klauspost/compress/zstd"
)

// A journal is tortured with everything that a chain can have: a forward-secure
// key in a file beside it, a key for checkpoints, and one for erasures that is
// kept elsewhere. Epochs and the intervals of checkpoints are short, so that
// few records meet all of it.
const (
	keyName        = "audit.key"
	nextKey        = "next.key"        // for key rotate
	nextCheckpoint = "next.checkpoint" // likewise
	erasurePublic  = "erasure.pub"
)

// What is kept elsewhere, behind the name of the folder of the keys.
const (
	verifySuffix  = ".verify" // verification keys
	publicSuffix  = ".pub"    // public key of the checkpoints
	erasureSuffix = ".erasure"
)

// makeKeys makes the files that each keyed journal begins with. All have the
// same keys, and chains of their own.
func (w *world) makeKeys(ctx context.Context) error {
	if err := os.Mkdir(w.keys, 0o700); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"--verification-key-out", w.keys + verifySuffix + ".0", w.keyFile(keyName)},
		{"--no-checkpoint-key", "--verification-key-out", w.keys + verifySuffix + ".1", w.keyFile(nextKey)},
		{"--checkpoint", w.keyFile(nextCheckpoint)},
		{"--erasure", w.keys + erasureSuffix},
	} {
		if res := w.run(ctx, append([]string{"key", "new"}, args...)...); res.Code != 0 {
			return fmt.Errorf("key new %q: exit code %d: %s", args, res.Code, res.Stderr)
		}
	}
	if err := copyFile(w.keyFile(keyName+".checkpoint.pub"), w.keys+publicSuffix); err != nil {
		return err
	}
	return copyFile(w.keys+erasureSuffix+".pub", w.keyFile(erasurePublic))
}

func (w *world) keyFile(name string) string { return filepath.Join(w.keys, name) }

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// keyed makes a new folder with keys, and names a journal in it.
func (w *world) keyed(name string) (string, error) {
	path, err := w.journal(name)
	if err != nil {
		return path, err
	}
	return path, copyFolder(w.keys, filepath.Dir(path))
}

func beside(path, name string) string { return filepath.Join(filepath.Dir(path), name) }

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// isKeyed reports whether the journal at path has its own keys.
func isKeyed(path string) bool { return exists(beside(path, keyName)) }

// keyOf is the key file of the journal at path.
func (w *world) keyOf(path string) string {
	if isKeyed(path) {
		return beside(path, keyName)
	}
	return w.key
}

// keyFlags are those of append for the journal at path.
func keyFlags(path string) []string {
	if !isKeyed(path) {
		return nil
	}
	return []string{"--epoch-records", "20", "--checkpoint-records", "6", "--erasure-key-public", beside(path, erasurePublic)}
}

// verificationKeys are the files of all keys that the journal at path has had, the
// one in the key file first. One that no line names is left out: a chain that
// does not get to a key which is given may have been cut back to before it came.
func (w *world) verificationKeys(path string) []string {
	keys := []string{w.keyOf(path)}
	if !isKeyed(path) {
		return keys
	}
	for _, pattern := range []string{w.keys + verifySuffix + ".*", filepath.Dir(path) + verifySuffix + ".*"} {
		more, _ := filepath.Glob(pattern) // the pattern is good
		for _, file := range more {
			if named(path, file) {
				keys = append(keys, file)
			}
		}
	}
	return keys
}

// named reports whether a line of the journal names the key in a file.
func named(path, file string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return true // `verify` says what is wrong with it
	}
	key, err := integrity.ParseKey(text)
	if err != nil {
		return true
	}
	want := []byte(`"key_id":"` + key.ID() + `"`)
	for {
		// A file may be finished or compressed while they are read: again, then.
		found, gone := names(path, want)
		if found || !gone {
			return found
		}
	}
}

// names reports whether a file of the journal holds a text; gone says that one
// was not there any more when it was to be read.
func names(path string, text []byte) (found, gone bool) {
	segments, err := journal.Segments(path)
	if err != nil {
		return true, false // `verify` says what is wrong with it
	}
	for _, s := range segments {
		b, err := os.ReadFile(s.Path)
		if os.IsNotExist(err) {
			gone = true
			continue
		}
		if err == nil && s.Compressed {
			var z *zstd.Decoder
			if z, err = zstd.NewReader(nil); err == nil {
				b, err = z.DecodeAll(b, nil)
				z.Close()
			}
		}
		if err != nil || bytes.Contains(b, text) {
			return true, false
		}
	}
	return false, gone
}

// givenOf is where the checkpoints of a journal are kept that somebody may have.
func givenOf(path string) string { return filepath.Dir(path) + ".given" }

// giveAway keeps what stands in the file of checkpoints now, and a note.
func (w *world) giveAway(o *outcome, path, note string) {
	b, err := os.ReadFile(path + ".checkpoints")
	if err != nil && !os.IsNotExist(err) {
		o.problem("%v", err)
	}
	kept, err := os.ReadFile(givenOf(path))
	if err != nil && !os.IsNotExist(err) {
		o.problem("%v", err)
	}
	for _, n := range wholeNotes(string(b) + note) {
		if !bytes.Contains(kept, []byte(n)) {
			kept = append(kept, n...)
		}
	}
	if len(kept) == 0 {
		return
	}
	if err := os.WriteFile(givenOf(path), kept, 0o600); err != nil {
		o.problem("%v", err)
	}
}

// wholeNotes are the notes in a text, each with the empty line behind it.
func wholeNotes(text string) (notes []string) {
	begun := 0
	lines := strings.SplitAfter(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "— ") && strings.HasSuffix(l, "\n") {
			notes = append(notes, strings.Join(lines[begun:i+1], "")+"\n")
			begun = i + 1
			if begun < len(lines) && lines[begun] == "\n" {
				begun++
			}
		}
	}
	return notes
}

// verdictOf runs verify, and returns its report.
func (w *world) verdictOf(ctx context.Context, o *outcome, path string, args ...string) (verdict string, code int, why string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := w.command(ctx, w.cli(), slices.Concat([]string{"verify", "--json"}, args, []string{path})...)
	cmd.Env = append(cmd.Env, "AUDITCHAIN_KEY_FILE=")
	res := result(harness.Run(cmd))
	var report struct {
		Verdict   string          `json:"verdict"`
		Bad       json.RawMessage `json:"bad"`
		NotProven json.RawMessage `json:"not_proven"`
		Given     []struct {
			Size   uint64 `json:"size"`
			Holds  bool   `json:"holds"`
			Reason string `json:"reason"`
		} `json:"given_checkpoints"`
	}
	if err := json.Unmarshal([]byte(res.Stdout), &report); err != nil {
		o.problem("verify %q: exit code %d, no report (%v): %s", args, res.Code, err, res.Stderr)
		return "none", res.Code, ""
	}
	for _, g := range report.Given {
		if !g.Holds {
			o.problem("verify %q: the checkpoint of %d lines that was given away does not hold: %s", args, g.Size, g.Reason)
		}
	}
	return report.Verdict, res.Code, fmt.Sprintf("bad %s, not proven %s", report.Bad, report.NotProven)
}

// verify judges the journal, with all its keys, and, where it has checkpoints,
// without a secret. tampered and truncated are bad whatever was done to it, and
// so is a verdict that says less than the caller allows.
func (w *world) verify(ctx context.Context, o *outcome, path string, partly bool) {
	var args, given []string
	for _, k := range w.verificationKeys(path) {
		args = append(args, "--key-file", k)
	}
	if exists(givenOf(path)) {
		given = []string{"--checkpoint", givenOf(path)}
	}
	verdict, code, why := w.verdictOf(ctx, o, path, slices.Concat(args, given)...)
	o.Verdict = verdict
	if code != 0 && !(partly && code == 4 && verdict == "partly proven") {
		o.problem("verify: exit code %d, %q: %s", code, verdict, why)
	}
	if !isKeyed(path) {
		return
	}
	// What follows the last checkpoint is proven to nobody.
	verdict, code, why = w.verdictOf(ctx, o, path, append(given, "--public-key", w.keys+publicSuffix)...)
	if code != 0 && !(code == 4 && verdict == "partly proven") {
		o.problem("verify with the public key: exit code %d, %q: %s", code, verdict, why)
	}
}
