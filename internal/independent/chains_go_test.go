// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// inGo verifies a journal of testdata/chains with what its want.json names.
func inGo(t *testing.T, dir string, w want) (string, int, *place) {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var key integrity.Key
	o := journal.VerifyOptions{Workers: 1}
	for i, name := range w.Keys {
		s, err := integrity.ParseKeyState(read(name))
		switch {
		case err != nil: // the command refuses to start
			return string(integrity.CannotVerify), 1, nil
		case i == 0:
			key, o.State = s.Key, s
		default:
			o.Keys = append(o.Keys, s.Key)
		}
	}
	if w.Public != "" {
		p, err := integrity.ParsePublicKey(integrity.KindCheckpoint, read(w.Public))
		if err != nil {
			t.Fatal(err)
		}
		o.PublicKey = p
	}
	for _, name := range w.Given {
		given, err := integrity.ReadNotes(name, bytes.NewReader(read(name)))
		if err != nil {
			return string(integrity.CannotVerify), 1, nil
		}
		o.Given = append(o.Given, given...)
	}
	r, err := journal.Verify(context.Background(), filepath.Join(dir, live), key, o)
	if err != nil {
		return string(integrity.CannotVerify), 1, nil
	}
	var bad *place
	if b := r.First(); b != nil {
		bad = &place{filepath.Base(b.File), b.Line, b.Offset, b.Seq, string(b.Kind)}
	}
	return string(r.Verdict), r.ExitCode(), bad
}

// TestChainsInGo: the Go verifier says of testdata/chains what it should.
func TestChainsInGo(t *testing.T) {
	for _, dir := range folders(t, "chains") {
		var w want
		readJSON(t, filepath.Join(dir, "want.json"), &w)
		verdict, exit, bad := inGo(t, dir, w)
		if !(answer{Verdict: verdict, Exit: exit, Bad: bad}).same(w.Verdict, w.Exit, w.Bad) {
			t.Errorf("%s: %s, exit %d, at %+v; want %s, exit %d, at %+v", w.What, verdict, exit, bad, w.Verdict, w.Exit, w.Bad)
		}
	}
}

// TestChainMutants does to chains of the new record types what TestMutants does
// to plain ones. With a key, what is altered at or below the watermark is never
// verified; and the Go verifier comes to the same exit code as verify.py.
func TestChainMutants(t *testing.T) {
	k := forwardKey(7)
	build := func() *chain {
		return newChain(k, signer, eraser).records(2).checkpoint().step().records(2).rotate(integrity.SegmentSize, nil).erased(3, eraser, nil).bury(3).checkpoint().resign(signer2, nil).records(1).checkpoint().pin()
	}
	whole := build()
	given := whole.notes[len(whole.notes)-1]
	bases := []vector{
		whole.all("with the verification key", verified, nil),
		whole.all("publicly", verified, nil).publicly(signer.Public()).with(given),
		build().all("with the key of the host", partly, nil).under(whole.state.Text()),
	}
	lines := whole.files().lines()
	var jobs []job
	var whats []string
	var exits []int
	var altered []bool
	for n, v := range bases {
		for i, m := range append([]mutant{{"nothing", v.files}}, mutants(v.files, rand.New(rand.NewPCG(2, uint64(n))))...) {
			dir := t.TempDir()
			v.files = m.tree
			for name, b := range v.contents() {
				must(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
				write(t, filepath.Join(dir, name), b)
			}
			var w want
			readJSON(t, filepath.Join(dir, "want.json"), &w)
			j := job{Journal: filepath.Join(dir, live)}
			for _, f := range w.Keys {
				j.KeyFiles = append(j.KeyFiles, filepath.Join(dir, f))
			}
			for _, f := range w.Given {
				j.Checkpoints = append(j.Checkpoints, filepath.Join(dir, f))
			}
			if w.Public != "" {
				j.PublicKey = filepath.Join(dir, w.Public)
			}
			_, exit, _ := inGo(t, dir, w)
			if i == 0 {
				exit = v.verdict.ExitCode()
			}
			altered = append(altered, v.public == nil && !bytes.HasPrefix(m.tree.lines(), lines))
			jobs, whats, exits = append(jobs, j), append(whats, fmt.Sprintf("%s: %s", v.what, m.what)), append(exits, exit)
		}
	}
	counts := map[int]int{}
	for i, a := range ask(t, jobs) {
		counts[a.Exit]++
		if a.Exit == 0 && altered[i] {
			t.Errorf("%s: exit 0", whats[i])
		}
		if a.Exit != exits[i] {
			t.Errorf("%s: exit %d, want %d: %s at %+v %q", whats[i], a.Exit, exits[i], a.Verdict, a.Bad, a.Notes)
		}
	}
	t.Log(len(jobs), "mutants, by exit code:", counts)
}
