// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// tree is a journal's folder: contents by name.
type tree map[string][]byte

const (
	live = "audit.jsonl"
	head = live + ".head"
)

func readTree(t *testing.T, dir string) tree {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "audit*"))
	if err != nil || len(names) == 0 {
		t.Fatal("no journal in", dir, err)
	}
	out := tree{}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(n)] = b
	}
	return out
}

// files are the names of the chain's files, in the chain's order.
func (f tree) files() []string {
	var names []string
	for n := range f {
		if strings.HasSuffix(n, ".jsonl") {
			names = append(names, n)
		}
	}
	slices.Sort(names) // '-' comes before '.'
	return names
}

// lines are all lines of the chain's files.
func (f tree) lines() (out []byte) {
	for _, n := range f.files() {
		out = append(out, f[n]...)
	}
	return out
}

func (f tree) with(name string, parts ...[]byte) tree {
	out := maps.Clone(f)
	out[name] = bytes.Join(parts, nil)
	return out
}

func (f tree) without(name string) tree {
	out := maps.Clone(f)
	delete(out, name)
	return out
}

type mutant struct {
	what string
	tree tree
}

// mutants are what somebody without a key may make of a journal. Which bytes
// and lines are struck is drawn from rnd.
func mutants(f tree, rnd *rand.Rand) []mutant {
	var out []mutant
	add := func(m tree, what string, args ...any) { out = append(out, mutant{fmt.Sprintf(what, args...), m}) }
	join := func(lines [][]byte) []byte { return bytes.Join(lines, nil) }
	for k, name := range f.files() {
		whole := f[name]
		lines := bytes.SplitAfter(whole, []byte("\n"))
		if len(lines[len(lines)-1]) == 0 {
			lines = lines[:len(lines)-1]
		}
		before := 0
		for i, line := range lines {
			at := fmt.Sprintf("%s line %d", name, i+1)
			pos := rnd.IntN(len(line))
			bit := byte(1) << rnd.IntN(8)
			flipped := bytes.Clone(line)
			flipped[pos] ^= bit
			add(f.with(name, join(lines[:i]), flipped, join(lines[i+1:])), "%s: flip bit %d of byte %d", at, bit, pos)
			add(f.with(name, join(lines[:i]), line[:len(line)-1], join(lines[i+1:])), "%s: take out its LF", at)
			add(f.with(name, join(lines[:i]), join(lines[i+1:])), "%s: delete", at)
			add(f.with(name, join(lines[:i+1]), line, join(lines[i+1:])), "%s: duplicate", at)
			add(f.with(name, join(lines[:i]), []byte("garbage\n"), join(lines[i:])), "%s: garbage before it", at)
			add(f.with(name, join(lines[:i]), bytes.Repeat([]byte{0}, len(line)), join(lines[i+1:])), "%s: NULs in its place", at)
			add(f.with(name, whole[:before]), "%s: cut before it", at)
			add(f.with(name, whole[:before+1+rnd.IntN(len(line)-1)]), "%s: cut in it", at)
			if i+1 < len(lines) {
				add(f.with(name, join(lines[:i]), lines[i+1], line, join(lines[i+2:])), "%s: swap with the next", at)
			}
			other := f.files()[rnd.IntN(len(f.files()))]
			foreign := bytes.SplitAfter(f[other], []byte("\n"))
			if l := foreign[rnd.IntN(len(foreign))]; !bytes.Equal(l, line) {
				add(f.with(name, join(lines[:i]), l, join(lines[i+1:])), "%s: a line of %s in its place", at, other)
			}
			before += len(line)
		}
		add(f.without(name), "remove %s", name)
		add(f.with(name), "empty %s", name)
		add(f.with(name, whole, []byte("{\"timest")), "%s: begin another line behind it", name)
		add(f.with(name, whole, lines[0]), "%s: its first line again behind it", name)
		for _, other := range f.files()[k+1:] {
			add(f.with(name, f[other]).with(other, whole), "swap %s and %s", name, other)
			add(f.with(name, whole, f[other]).without(other), "join %s and %s", name, other)
		}
		if name != live {
			add(f.with("audit-00000000000000000099.jsonl", whole).without(name), "rename %s", name)
			add(f.with("audit-00000000000000000099.jsonl", whole), "copy %s behind the others", name)
		}
	}
	h := f[head]
	slots := [2][]byte{h[:512], h[512:]}
	none := make([]byte, 512)
	add(f.with(head, none, slots[1]), "watermark: slot 0 gone")
	add(f.with(head, slots[0], none), "watermark: slot 1 gone")
	add(f.with(head, slots[1], slots[0]), "watermark: slots swapped")
	add(f.with(head, slots[0], slots[0]), "watermark: slot 0 twice")
	add(f.with(head, slots[0]), "watermark: cut")
	add(f.with(head, h, []byte("\n")), "watermark: more behind it")
	for range 8 {
		flipped := bytes.Clone(h)
		pos := rnd.IntN(len(flipped))
		flipped[pos] ^= 1 << rnd.IntN(8)
		add(f.with(head, flipped), "watermark: flip byte %d", pos)
	}
	// The same again where nothing says where the chain ends.
	for _, m := range slices.Clone(out) {
		add(m.tree.without(head), "no watermark; %s", m.what)
	}
	return out
}

// TestMutants: whatever is done to a journal, both verifiers come to the same
// exit code.
func TestMutants(t *testing.T) {
	var key struct{ Key string }
	var jobs []job
	var whats []string
	var exits []int
	for n, base := range []string{"sets/whole", "sets/every-turn", "sets/pruned", "sets/break-missing-and-put-back", "sets/crash-in-chain.segment", "verify/genuine-line-beyond-the-watermark"} {
		readJSON(t, filepath.Join(testdata, base, "expect.json"), &key)
		k, err := integrity.ParseKey([]byte(key.Key))
		if err != nil {
			t.Fatal(err)
		}
		keyFile := write(t, filepath.Join(t.TempDir(), "key"), k.Text())
		f := readTree(t, filepath.Join(testdata, base))
		f[head] = append(f[head], make([]byte, 1024-len(f[head]))...)
		for _, m := range mutants(f, rand.New(rand.NewPCG(1, uint64(n)))) {
			dir := t.TempDir()
			for name, b := range m.tree {
				write(t, filepath.Join(dir, name), b)
			}
			exit := 1 // no report: nothing could be judged
			if r, err := journal.Verify(context.Background(), filepath.Join(dir, live), k, journal.VerifyOptions{Workers: 1}); err == nil {
				exit = r.ExitCode()
			}
			jobs = append(jobs, job{Journal: dir, KeyFiles: []string{keyFile}})
			whats, exits = append(whats, base+": "+m.what), append(exits, exit)
		}
	}
	counts := map[int]int{}
	for i, a := range ask(t, jobs) {
		counts[exits[i]]++
		if a.Exit != exits[i] {
			t.Errorf("%s: exit %d in Go; in Python %d, %s at %+v %q", whats[i], exits[i], a.Exit, a.Verdict, a.Bad, a.Notes)
		}
	}
	for _, exit := range []int{0, 1, 3, 4} {
		if counts[exit] == 0 {
			t.Errorf("no mutant had exit %d in Go: %v", exit, counts)
		}
	}
	t.Log(len(jobs), "mutants, by exit code:", counts)
}
