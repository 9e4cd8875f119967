// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/auditchain/auditchain/integrity"
)

// set is a journal of several files, made by hand.
type set struct {
	testing.TB
	path   string
	key    integrity.Key
	chain  integrity.ChainID
	sealer *integrity.Sealer
	at     integrity.Position
	gen    uint64
	held   bool // the watermark is not written
}

func newSet(t testing.TB) *set {
	key, err := integrity.NewKey(bytes.Repeat([]byte{'k'}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := &set{TB: t, path: filepath.Join(t.TempDir(), "audit.jsonl"), key: key, chain: integrity.ChainID{7}, at: integrity.Position{First: 1}}
	s.sealer = integrity.NewSealer(key, s.chain)
	s.add(integrity.ControlPayload(integrity.NewGenesis(s.chain, key, time.Unix(0, 0))))
	return s
}

func (s *set) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *set) add(payload []byte) {
	s.Helper()
	s.at.Seq++
	s.at.MAC = s.sealer.MAC(s.at.MAC, s.at.Seq, integrity.Leaf(payload))
	line := integrity.AppendSuffix(bytes.Clone(payload), s.at.Seq, s.at.MAC)
	s.at.Size += int64(len(line))
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	s.check(err)
	_, err = f.Write(line)
	s.check(err)
	s.check(f.Close())
}

// records adds n records and the watermark.
func (s *set) records(n int) {
	s.Helper()
	for range n {
		s.add([]byte(fmt.Sprintf(`{"timestamp":"2026-11-24T10:15:00.000000000Z","session_id":"s1","event":{"type":"note","n":%d},"id":"019aab30-1c2d-7e3f-8a4b-5c6d7e8f9a0b","blind":"AAECAwQFBgcICQoLDA0ODw"`, s.at.Seq+1)))
	}
	s.mark()
}

func (s *set) mark() {
	s.Helper()
	if s.held {
		return
	}
	s.gen++
	head := integrity.Head{Generation: s.gen, Chain: s.chain, Position: s.at, Time: time.Unix(1, 0)}
	f, err := os.OpenFile(s.path+".head", os.O_CREATE|os.O_WRONLY, 0o600)
	s.check(err)
	_, err = f.WriteAt(head.AppendSlot(nil, integrity.NewHeadKey(s.key, s.chain)), int64(s.gen%2)*integrity.SlotSize)
	s.check(err)
	s.check(f.Close())
}

// rotate begins the next file, and returns the name of the finished one.
func (s *set) rotate(compress bool) string {
	s.Helper()
	name := fmt.Sprintf("%s-%020d.jsonl", strings.TrimSuffix(s.path, ".jsonl"), s.at.First)
	s.check(os.Rename(s.path, name))
	before := s.at
	s.at.First, s.at.Size = s.at.Seq+1, 0
	s.add(integrity.ControlPayload(integrity.Segment{
		Control: integrity.ControlSegment, Time: integrity.FormatTime(time.Unix(2, 0)), Writer: "w", Format: 1,
		Chain: s.chain, KeyID: s.key.ID(), KeyMode: s.key.Mode(), Reason: integrity.SegmentSize, Previous: before,
	}))
	s.mark()
	if compress {
		b, err := os.ReadFile(name)
		s.check(err)
		z, err := zstd.NewWriter(nil)
		s.check(err)
		s.check(os.WriteFile(name+".zst", z.EncodeAll(b, nil), 0o600))
		s.check(os.Remove(name))
		name += ".zst"
	}
	return name
}

var seqIn = regexp.MustCompile(`"seq":(\d+),`)

// seqs are the sequence numbers that were printed.
func seqs(stdout string) string {
	var out []string
	for _, m := range seqIn.FindAllStringSubmatch(stdout, -1) {
		out = append(out, m[1])
	}
	return strings.Join(out, " ")
}

// query and tail read all files of a journal, one of them, and the journal of
// a folder; what is missing is said.
func TestReadingSets(t *testing.T) {
	s := newSet(t)
	s.records(2)
	first := s.rotate(true)
	s.records(2)
	second := s.rotate(false)
	s.records(2)
	want := func(code int, want, said string, args ...string) {
		t.Helper()
		r := auditchain("", append(args, "-o", "json")...).must(t, code)
		if got := seqs(r.stdout); got != want {
			t.Errorf("%v: seqs %s, want %s", args, got, want)
		}
		if !strings.Contains(r.stderr, said) {
			t.Errorf("%v: stderr %q lacks %q", args, r.stderr, said)
		}
	}
	dir := filepath.Dir(s.path)
	want(0, "2 3 5 6 8 9", "", "query", s.path)
	want(0, "2 3 5 6 8 9", "", "query", dir)
	want(0, "2 3", "", "query", first)
	want(0, "5 6", "", "query", second)
	want(0, "5 6 8 9", "", "tail", "-n", "4", s.path)
	want(0, "3 5 6 8 9", "", "tail", "-n", "5", dir)
	want(1, "", "finished segment", "tail", second)

	link := filepath.Join(t.TempDir(), "link.jsonl")
	s.check(os.Symlink(s.path, link))
	want(0, "2 3 5 6 8 9", "", "query", link)
	want(0, "2 3 5 6 8 9", "", "tail", "--from-start", link)
	want(0, "6 8 9", "", "tail", "-n", "3", link)

	// What is beyond the watermark: whole lines, and an end that is torn.
	sound, err := os.ReadFile(s.path)
	s.check(err)
	s.check(os.WriteFile(s.path, append(sound[:len(sound):len(sound)], "half\na line\n and"...), 0o600))
	want(0, "2 3 5 6 8 9", "", "query", s.path)
	want(0, "8 9", "", "tail", "-n", "2", s.path)
	s.check(os.WriteFile(s.path, sound, 0o600))

	// What has only the name of a finished file hides nothing.
	stray := filepath.Join(dir, "audit-18446744073709551615.jsonl")
	s.check(os.WriteFile(stray, nil, 0o600))
	want(4, "2 3 5 6 8 9", stray+": line 1", "query", s.path)
	want(4, "2 3 5 6 8 9", stray+": line 1", "tail", "-n", "500", s.path)
	want(4, "8 9", "does not belong where its name says", "tail", "-n", "2", s.path)
	s.check(os.Remove(stray))

	s.check(os.Rename(second, second+".away"))
	want(4, "2 3 8 9", s.path+": line 1, byte offset 0: it has seq 7, and the line before it seq 3", "query", s.path)
	want(4, "2 3 8 9", "3 lines missing between files", "tail", "--from-start", s.path)
	s.check(os.WriteFile(second, []byte("rubbish\n"), 0o600))
	want(4, "2 3 8 9", second+": line 1, byte offset 0: ", "query", s.path)
	s.check(os.Rename(second+".away", second))

	s.check(os.WriteFile(filepath.Join(dir, "b.jsonl.head"), nil, 0o600))
	want(1, "", `holds 2 journals (["audit.jsonl" "b.jsonl"]); name one of them`, "query", dir)
}

// What is abandoned is passed over, and said.
func TestQueryAbandoned(t *testing.T) {
	s := newSet(t)
	s.records(2)
	kept := s.at
	s.records(1)
	size := s.at.Size - kept.Size
	s.at = kept
	s.rotate(false)
	s.records(1)
	r := auditchain("", "query", "-o", "json", s.path).must(t, 0)
	if got := seqs(r.stdout); got != "2 3 5" {
		t.Errorf("seqs %s", got)
	}
	if said := fmt.Sprintf("%d bytes behind the end of a finished file passed over", size); !strings.Contains(r.stderr, said) {
		t.Errorf("stderr %q lacks %q", r.stderr, said)
	}
}

// tail -f goes on with what is added, across a rotation, until it is
// interrupted.
func TestTailFollows(t *testing.T) {
	for _, gap := range []bool{false, true} {
		s := newSet(t)
		keyFile := filepath.Join(t.TempDir(), "key")
		s.check(os.WriteFile(keyFile, s.key.Text(), 0o600))
		s.records(3)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out, in := io.Pipe()
		var stderr bytes.Buffer
		code := make(chan int, 1)
		go func() {
			code <- runContext(ctx, []string{"tail", "-f", "-n", "1", "-o", "json", "--key-file", keyFile, s.path}, nil, in, &stderr)
			in.Close()
		}()
		lines := bufio.NewScanner(out)
		next := func(want string) {
			t.Helper()
			if !lines.Scan() || seqs(lines.Text()) != want {
				t.Fatalf("%q, want seq %s", lines.Text(), want)
			}
		}
		next("4")
		s.records(1)
		next("5")
		s.rotate(true)
		s.records(1)
		next("7")
		exit := exitInterrupted
		if gap {
			// Two files at once, of which the first is taken away.
			s.held = true
			s.rotate(false)
			s.records(1)
			middle := s.rotate(false)
			s.check(os.Remove(middle))
			s.held = false
			s.records(1)
			next("11")
			exit = exitIncomplete
		}
		cancel()
		if got := <-code; got != exit || gap != strings.Contains(stderr.String(), "goes on with seq 10 after seq 7: 2 missing") {
			t.Errorf("exit code %d, want %d; stderr %q", got, exit, stderr.String())
		}
	}
}
