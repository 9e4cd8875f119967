// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the vectors in testdata anew")

// expectation is expect.json of a vector: files that any verifier can be run
// on, with one thing wrong in each.
type expectation struct {
	What    string  `json:"what"`
	Key     string  `json:"key"`
	Verdict Verdict `json:"verdict"`
	Exit    int     `json:"exit"`
	// Bad is the first bad place, where there is one.
	Bad *Bad `json:"bad,omitempty"`
}

type vector struct {
	expectation
	lines, head []byte
}

// vectors makes the vectors from the attack suite and the honest cases.
func vectors() map[string]vector {
	out := map[string]vector{}
	add := func(what string, lines, head []byte, k Key, v Verdict, bad *Bad) {
		name := strings.NewReplacer(" ", "-", ",", "", ":", "").Replace(what)
		out[name] = vector{expectation{what, strings.TrimSpace(string(k.Text())), v, v.ExitCode(), bad}, lines, head}
	}
	for _, a := range attacks() {
		j := build(key(1), chainA, attackedLines)
		b := bytes.Join(a.do(j.lines), nil)
		add(a.name, b, j.head, j.key, a.verdict, &Bad{Line: a.line, Seq: a.seq, Offset: lineOffset(b, a.line), Kind: a.kind})
	}
	j := build(key(1), chainA, attackedLines)
	add("whole", j.bytes(), j.head, j.key, Verified, nil)
	add("another key", j.bytes(), j.head, key(2), CannotVerify, nil)
	add("no watermark", j.bytes(), nil, j.key, PartlyProven, nil)
	add("unfinished end beyond the watermark", append(j.bytes(), `{"timestamp":"unfin`...), j.head, j.key, VerifiedCrashTail, nil)
	add("NULs beyond the watermark", append(j.bytes(), make([]byte, 512)...), j.head, j.key, VerifiedCrashTail, nil)
	add("unfinished end and no watermark", append(j.bytes(), `{"timestamp":"unfin`...), nil, j.key, PartlyProven, nil)
	head := bytes.Clone(j.head)
	head[SlotSize+30] ^= 1
	add("watermark altered", j.bytes(), head, j.key, PartlyProven, nil)
	more := build(key(1), chainA, attackedLines)
	more.add(`{"timestamp":"2026-11-23T10:15:01.000000000Z","session_id":""`)
	add("genuine line beyond the watermark", more.bytes(), j.head, j.key, Verified, nil)
	return out
}

func TestVectors(t *testing.T) {
	const dir = "testdata/verify"
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for name, v := range vectors() {
			d := filepath.Join(dir, name)
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
			expect, err := json.MarshalIndent(v.expectation, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{"audit.jsonl": v.lines, "expect.json": append(expect, '\n')}
			if v.head != nil {
				files["audit.jsonl.head"] = v.head
			}
			for f, b := range files {
				if err := os.WriteFile(filepath.Join(d, f), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(vectors()); len(entries) != want {
		t.Fatalf("%d vectors in %s, want %d; run: go test ./integrity -run TestVectors -update", len(entries), dir, want)
	}
	for _, e := range entries {
		t.Run(e.Name(), func(t *testing.T) {
			d := filepath.Join(dir, e.Name())
			var want expectation
			b, err := os.ReadFile(filepath.Join(d, "expect.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			lines, err := os.ReadFile(filepath.Join(d, "audit.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			head, err := os.ReadFile(filepath.Join(d, "audit.jsonl.head"))
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			k, err := ParseKey([]byte(want.Key))
			if err != nil {
				t.Fatal(err)
			}
			r := judge(lines, head, k)
			if r.Verdict != want.Verdict || r.ExitCode() != want.Exit {
				t.Errorf("%s, exit %d; want %s, exit %d", r.Verdict, r.ExitCode(), want.Verdict, want.Exit)
			}
			got := r.First()
			if (got == nil) != (want.Bad == nil) || got != nil && (got.Line != want.Bad.Line || got.Seq != want.Bad.Seq || got.Offset != want.Bad.Offset || got.Kind != want.Bad.Kind) {
				t.Errorf("bad place %v, want %v", got, want.Bad)
			}
		})
	}
}
