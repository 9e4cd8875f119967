// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

const testdata = "../../integrity/testdata"

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// folders returns the folders below one of testdata; it fails where there are
// none, because then nothing would be tested.
func folders(t *testing.T, name string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(testdata, name, "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no vectors in %s (%v)", name, err)
	}
	return found
}

// TestStaticVectors: of every vector that the Go verifier is tested with,
// verify.py says the same: verdict, exit code and first bad place.
func TestStaticVectors(t *testing.T) {
	type want struct {
		Key     string `json:"key"`
		Verdict string `json:"verdict"`
		Exit    int    `json:"exit"`
		Bad     *place `json:"bad"`
	}
	var wants []want
	var jobs []job
	for _, dir := range append(folders(t, "sets"), folders(t, "verify")...) {
		var w want
		readJSON(t, filepath.Join(dir, "expect.json"), &w)
		if w.Bad != nil && w.Bad.File == "" {
			w.Bad.File = "audit.jsonl" // those of one file do not name it
		}
		key := write(t, filepath.Join(t.TempDir(), "key"), []byte(w.Key))
		wants, jobs = append(wants, w), append(jobs, job{Journal: dir, KeyFiles: []string{key}})
	}
	for i, a := range ask(t, jobs) {
		if w := wants[i]; !a.same(w.Verdict, w.Exit, w.Bad) {
			t.Errorf("%s: %s, exit %d, at %+v %q; want %s, exit %d, at %+v", jobs[i].Journal, a.Verdict, a.Exit, a.Bad, a.Notes, w.Verdict, w.Exit, w.Bad)
		}
	}
}

// TestLines: what is a line, and of which kind.
func TestLines(t *testing.T) {
	var wants []struct{ What, Line, Error, Kind, Leaf string }
	readJSON(t, filepath.Join(testdata, "lines.json"), &wants)
	var jobs []job
	for i := range wants {
		jobs = append(jobs, job{Line: &wants[i].Line})
	}
	for i, a := range ask(t, jobs) {
		w := wants[i]
		if a.WellFormed != (w.Error == "") || a.Kind != w.Kind || w.Leaf != "" && a.Leaf != w.Leaf {
			t.Errorf("%s: %+v; want %+v", w.What, a, w)
		}
	}
}

// TestChainJSON: keys, leaves, tags and the watermark are computed alike. The
// chain ends with a tombstone that nobody allowed, which a verifier only gets
// to see when everything before it holds.
func TestChainJSON(t *testing.T) {
	var v struct {
		Key   string
		Lines []struct{ Line string }
		Slot  string `json:"head_slot"`
	}
	readJSON(t, filepath.Join(testdata, "chain.json"), &v)
	if len(v.Lines) == 0 {
		t.Fatal("no lines")
	}
	dir := t.TempDir()
	var journal []byte
	for _, l := range v.Lines {
		journal = append(append(journal, l.Line...), '\n')
	}
	last := int64(len(journal) - len(v.Lines[len(v.Lines)-1].Line) - 1)
	write(t, filepath.Join(dir, "audit.jsonl"), journal)
	slot := append(make([]byte, 512), v.Slot...)
	slot[len(slot)-1] = '\n'
	write(t, filepath.Join(dir, "audit.jsonl.head"), slot)
	secret, err := hex.DecodeString(v.Key)
	if err != nil {
		t.Fatal(err)
	}
	key := write(t, filepath.Join(t.TempDir(), "key"), secret)
	a := ask(t, []job{{Journal: dir, KeyFiles: []string{key}}})[0]
	n := len(v.Lines)
	if bad := (&place{"audit.jsonl", int64(n), last, uint64(n), "erased"}); !a.same("tampered", 3, bad) {
		t.Errorf("%+v %+v; want the tombstone at %+v", a, a.Bad, bad)
	}
}

// TestCompressed: a finished segment may be compressed; one that is cut is
// tampered with.
func TestCompressed(t *testing.T) {
	const first, middle = "audit-00000000000000000001.jsonl", "audit-00000000000000000007.jsonl"
	set := readTree(t, filepath.Join(testdata, "sets/whole"))
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	half := len(set[middle]) / 2
	whole := encoder.EncodeAll(set[middle], nil)
	frames := append(encoder.EncodeAll(set[middle][:half], nil), encoder.EncodeAll(set[middle][half:], nil)...)
	packed := func(b []byte) tree { return set.without(middle).with(middle+".zst", b) }
	k := staticKey(1)
	key := write(t, filepath.Join(t.TempDir(), "key"), k.Text())
	var jobs []job
	cases := []struct {
		what string
		tree tree
		exit int
	}{
		{"one frame", packed(whole), 0},
		{"two frames", packed(frames), 0},
		{"all finished files", packed(whole).without(first).with(first+".zst", encoder.EncodeAll(set[first], nil)), 0},
		{"the plain one counts", set.with(middle+".zst", []byte("anything")), 0},
		{"cut", packed(whole[:len(whole)/2]), 3},
		{"cut in its second frame", packed(frames[:len(frames)-5]), 3},
		{"cut to one frame", packed(encoder.EncodeAll(set[middle][:half], nil)), 3},
		{"more behind it", packed(append(frames[:len(frames):len(frames)], "more"...)), 3},
		{"not compressed at all", packed(set[middle]), 3},
		{"empty", packed(nil), 3},
	}
	for _, c := range cases {
		dir := t.TempDir()
		for name, b := range c.tree {
			write(t, filepath.Join(dir, name), b)
		}
		if r, err := journal.Verify(context.Background(), filepath.Join(dir, live), k, journal.VerifyOptions{}); err != nil || r.ExitCode() != c.exit {
			t.Errorf("%s: in Go %+v, %v; want exit %d", c.what, r, err, c.exit)
		}
		jobs = append(jobs, job{Journal: dir, KeyFiles: []string{key}})
	}
	for i, a := range ask(t, jobs) {
		if a.Exit != cases[i].exit {
			t.Errorf("%s: %+v %+v; want exit %d", cases[i].what, a, a.Bad, cases[i].exit)
		}
	}
}

// TestAlone: a finished segment by itself is partly proven at best. The watermark
// counts where it is about that segment, and nowhere else.
func TestAlone(t *testing.T) {
	const first, middle = "audit-00000000000000000001.jsonl", "audit-00000000000000000007.jsonl"
	set := func(name string) tree { return readTree(t, filepath.Join(testdata, "sets", name)) }
	c := newChain(staticKey(1), none, none).records(4).pin()
	finished := c.files().without(live).with(first, c.files()[live])
	cut := bytes.SplitAfter(finished[first], []byte("\n"))
	cases := []struct {
		what, file string
		tree       tree
		exit       int
	}{
		{"whole", middle, set("whole"), 4},
		{"spliced", middle, set("splice-a-line-of-an-older-file"), 3},
		{"empty", middle, set("empty-the-middle-file"), 3},
		{"empty, and nothing says which chain it is of", middle, set("empty-the-middle-file").without(head), 1},
		{"whole, and the watermark is about it", first, finished, 4},
		{"cut, and the watermark is about it", first, finished.with(first, cut[:4]...), 3},
		{"torn, and the watermark is about it", first, finished.with(first, finished[first][:len(finished[first])-9]), 3},
		{"an unfinished line, and the watermark is about it", first, finished.with(first, finished[first], []byte("{")), 4},
		{"cut, and there is no watermark", first, finished.without(head).with(first, cut[:4]...), 4},
		{"cut, and the watermark is about another file", middle, set("whole").with(middle, bytes.SplitAfter(set("whole")[middle], []byte("\n"))[:2]...), 4},
		{"a line is erased, and the order stands in a later file", first, newChain(staticKey(1), signer, eraser).records(2).rotate(integrity.SegmentSize, nil).erased(3, eraser, nil).bury(3).pin().files(), 4},
	}
	k := staticKey(1)
	key := write(t, filepath.Join(t.TempDir(), "key"), k.Text())
	var jobs []job
	for _, c := range cases {
		dir := t.TempDir()
		for name, b := range c.tree {
			write(t, filepath.Join(dir, name), b)
		}
		exit := 1
		if r, err := journal.Verify(context.Background(), filepath.Join(dir, c.file), k, journal.VerifyOptions{}); err == nil {
			exit = r.ExitCode()
		}
		if exit != c.exit {
			t.Errorf("%s: exit %d in Go, want %d", c.what, exit, c.exit)
		}
		jobs = append(jobs, job{Journal: filepath.Join(dir, c.file), KeyFiles: []string{key}})
	}
	for i, a := range ask(t, jobs) {
		if a.Exit != cases[i].exit {
			t.Errorf("%s: %+v; want exit %d", cases[i].what, a, cases[i].exit)
		}
	}
}

// TestProofs: inclusion proofs, made with another implementation of the tree,
// and without a key of the chain.
func TestProofs(t *testing.T) {
	c := newChain(staticKey(1), signer, eraser).records(5).checkpoint().erased(4, eraser, nil).bury(4)
	size := int64(c.seq)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) (out []tlog.Hash, _ error) {
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, leaf := range c.leaves {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), tlog.Hash(leaf), reader)
		must(err)
		stored = append(stored, hashes...)
	}
	note := c.note(signer, nil)
	public := write(t, filepath.Join(t.TempDir(), "public"), signer.Public().Text())
	var jobs []job
	var whats []string
	var exits []int
	check := func(what, proof string, exit int) {
		jobs = append(jobs, job{Proof: write(t, filepath.Join(t.TempDir(), "proof"), []byte(proof)), PublicKey: public})
		whats, exits = append(whats, what), append(exits, exit)
	}
	for _, seq := range []int64{1, 4, 5, size} {
		path, err := tlog.ProveRecord(size, seq-1, reader)
		must(err)
		var line integrity.Line
		c.edit(uint64(seq), func(l *integrity.Line) { line = *l })
		proof := fmt.Sprintf("c2sp.org/tlog-proof@v1\nextra %s\nindex %d\n", base64.StdEncoding.EncodeToString(line.Payload), seq-1)
		for _, h := range path {
			proof += h.String() + "\n"
		}
		proof += "\n" + string(note)
		at := fmt.Sprintf("seq %d", seq)
		check(at, proof, 0)
		check(at+", another index", strings.Replace(proof, fmt.Sprintf("index %d\n", seq-1), fmt.Sprintf("index %d\n", seq), 1), 3)
		check(at+", another leaf", strings.Replace(proof, "extra ", "extra AAAA", 1), 3)
		check(at+", another note", strings.Replace(proof, string(note), string(c.note(signer2, nil)), 1), 3)
		check(at+", one hash less", strings.Replace(proof, path[0].String()+"\n", "", 1), 3)
		check(at+", no note", strings.Replace(proof, string(note), "", 1), 1)
	}
	for i, a := range ask(t, jobs) {
		if a.Exit != exits[i] {
			t.Errorf("%s: exit %d, want %d", whats[i], a.Exit, exits[i])
		}
	}
}
