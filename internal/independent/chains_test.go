// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the vectors in integrity/testdata/chains anew")

// want is what want.json of a vector says. Paths are relative to its folder.
type want struct {
	What    string `json:"what"`
	Verdict string `json:"verdict"`
	Exit    int    `json:"exit"`
	// Bad is the first bad place; left out where there is none.
	Bad *place `json:"bad,omitempty"`
	// Keys are files of keys of the chain (the first one is the writer's, which
	// may say where the chain had got), Public one of the checkpoints' key,
	// Given files of checkpoints that were kept elsewhere.
	Keys   []string `json:"keys,omitempty"`
	Public string   `json:"public,omitempty"`
	Given  []string `json:"given,omitempty"`
}

func (v vector) name() string {
	return strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(v.what)
}

// contents are the files of a vector's folder, want.json among them.
func (v vector) contents() tree {
	w := want{What: v.what, Verdict: string(v.verdict), Exit: v.verdict.ExitCode(), Bad: v.bad}
	out := tree{}
	for name, b := range v.files {
		out[name] = b
	}
	put := func(b []byte, format string, args ...any) string {
		name := fmt.Sprintf(format, args...)
		out[name] = b
		return name
	}
	for i, k := range v.keys {
		w.Keys = append(w.Keys, put(k, "keys/%d.key", i+1))
	}
	if v.public != nil {
		w.Public = put(v.public, "keys/checkpoint.public")
	}
	for i, n := range v.given {
		w.Given = append(w.Given, put(n, "given/%d.note", i+1))
	}
	b, err := json.MarshalIndent(w, "", "  ")
	must(err)
	put(append(b, '\n'), "want.json")
	return out
}

// TestChains: epochs, other keys, checkpoints, erasure: each with what is
// honest and what attacks it. The vectors are files so that other verifiers
// can be tested with them; they are those that this package makes.
func TestChains(t *testing.T) {
	const dir = testdata + "/chains"
	if *update {
		must(os.RemoveAll(dir))
	}
	made := map[string]bool{}
	for _, v := range vectors() {
		if made[v.name()] {
			t.Fatalf("two vectors are called %s", v.name())
		}
		made[v.name()] = true
		for name, b := range v.contents() {
			path := filepath.Join(dir, v.name(), name)
			if *update {
				must(os.MkdirAll(filepath.Dir(path), 0o755))
				must(os.WriteFile(path, b, 0o644))
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%s is not as it is made (%v); run: go test ./internal/independent -run TestChains -update", path, err)
			}
		}
	}
	found := folders(t, "chains")
	if len(found) != len(made) {
		t.Errorf("%d folders in %s, and %d vectors", len(found), dir, len(made))
	}
	var wants []want
	var jobs []job
	for _, f := range found {
		in := func(names ...string) (out []string) {
			for _, n := range names {
				out = append(out, filepath.Join(f, n))
			}
			return out
		}
		var w want
		readJSON(t, filepath.Join(f, "want.json"), &w)
		j := job{Journal: f, KeyFiles: in(w.Keys...), Checkpoints: in(w.Given...)}
		if w.Public != "" {
			j.PublicKey = filepath.Join(f, w.Public)
		}
		wants, jobs = append(wants, w), append(jobs, j)
	}
	for i, a := range ask(t, jobs) {
		if w := wants[i]; !a.same(w.Verdict, w.Exit, w.Bad) {
			t.Errorf("%s: %s, exit %d, at %+v %q; want %s, exit %d, at %+v", w.What, a.Verdict, a.Exit, a.Bad, a.Notes, w.Verdict, w.Exit, w.Bad)
		}
	}
}
