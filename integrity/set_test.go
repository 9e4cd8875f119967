// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"
)

// set is a chain of several files in memory, written as a writer would.
type set struct {
	key       Key
	chain     ChainID
	retention *Retention
	now       time.Time
	files     []*setFile
	seq       uint64
	last      Hash
	// leaves are those of all lines; signer and erasure are the keys that the
	// genesis names.
	leaves  []Hash
	signer  SigningKey
	erasure SigningKey
	gen     uint64
	slots   [2][]byte
}

type setFile struct {
	name  string
	first uint64 // as the name says; 0 for the newest
	lines [][]byte
}

func (f *setFile) bytes() []byte { return bytes.Join(f.lines, nil) }

func newSet(r *Retention) *set {
	s := &set{key: key(1), chain: chainA, retention: r, now: testTime, files: []*setFile{{name: "audit.jsonl"}}}
	return s.genesis()
}

func (s *set) genesis() *set {
	s.slots = [2][]byte{make([]byte, SlotSize), make([]byte, SlotSize)}
	g := NewGenesis(s.chain, s.key, s.now)
	g.Retention = s.retention
	g.CheckpointKey, g.ErasureKey = s.signer.Public().Base64(), s.erasure.Public().Base64()
	s.control(g)
	s.control(Opened{Control: ControlOpened, Time: FormatTime(s.now), Writer: "w", Host: "h", PID: 1, Version: "v", Fsync: "always"})
	s.pin()
	return s
}

func (s *set) live() *setFile { return s.files[len(s.files)-1] }

func (s *set) add(payload []byte) {
	s.seq++
	s.leaves = append(s.leaves, Leaf(payload))
	s.last = NewSealer(s.key, s.chain).MAC(s.last, s.seq, Leaf(payload))
	s.live().lines = append(s.live().lines, AppendSuffix(bytes.Clone(payload), s.seq, s.last))
}

func (s *set) control(record any) { s.add(ControlPayload(record)) }

func (s *set) records(n int) *set {
	for range n {
		s.add(fmt.Appendf(nil, `{"timestamp":"%s","session_id":"s%d","event":{"type":"log"}`, FormatTime(s.now), s.seq+1))
	}
	return s
}

// position is the end of the newest file.
func (s *set) position() Position {
	f := s.live()
	start, _, _ := bytes.Cut(f.lines[0], []byte("\n"))
	l, err := ParseLine(start)
	if err != nil {
		panic(err)
	}
	return Position{First: l.Seq, Seq: s.seq, MAC: s.last, Size: int64(len(f.bytes()))}
}

func (s *set) pin() *set {
	s.pinAt(s.position())
	return s
}

func (s *set) pinAt(p Position) {
	s.gen++
	h := Head{Generation: s.gen, Chain: s.chain, Position: p, Time: s.now}
	s.slots[s.gen%2] = h.AppendSlot(nil, NewHeadKey(s.key, s.chain))
}

func (s *set) head() []byte { return slices.Concat(s.slots[0], s.slots[1]) }

// finish gives the newest file the name of a finished one, as position p
// says.
func (s *set) finish(p Position) {
	f := s.live()
	f.first, f.name = p.First, fmt.Sprintf("audit-%020d.jsonl", p.First)
	s.files = append(s.files, &setFile{name: "audit.jsonl"})
}

// begin begins the newest file with a chain.segment that follows p.
func (s *set) begin(reason string, p Position) *set {
	s.seq, s.last = p.Seq, p.MAC
	s.leaves = s.leaves[:min(p.Seq, uint64(len(s.leaves)))]
	var nodes []Hash
	if !s.signer.IsZero() {
		nodes = s.tree().Nodes()
	}
	s.control(Segment{
		Epoch: s.key.epoch, CheckpointKey: s.signer.Public().Base64(), ErasureKey: s.erasure.Public().Base64(), Tree: nodes,
		Control: ControlSegment, Time: FormatTime(s.now), Writer: "w", Format: FormatVersion, Chain: s.chain, KeyID: s.key.ID(), KeyMode: s.key.Mode(),
		Reason: reason, Previous: p, PreviousLeaf: s.firstLeaf(p.First), Retention: s.retention,
	})
	return s
}

// tree is that of all lines.
func (s *set) tree() *Range {
	var r Range
	for _, leaf := range s.leaves {
		r.Add(leaf)
	}
	return &r
}

// firstLeaf is the leaf of the line that the file which begins with line first
// begins with.
func (s *set) firstLeaf(first uint64) Hash {
	var h LeafHasher
	for _, f := range s.files {
		if len(f.lines) == 0 {
			continue
		}
		if l, err := ParseLine(bytes.TrimSuffix(f.lines[0], []byte("\n"))); err == nil && l.Seq == first {
			return l.Leaf(&h)
		}
	}
	return Hash{}
}

func (s *set) rotate(reason string) *set {
	p := s.position()
	s.finish(p)
	return s.begin(reason, p)
}

// breakAt goes on from p, whatever stands in the newest file.
func (s *set) breakAt(p Position, found, reason string) *set {
	s.finish(p)
	s.begin(SegmentBreak, p)
	s.control(Break{Control: ControlBreak, Time: FormatTime(s.now), Writer: "w", Found: found, Reason: reason})
	return s
}

// prune seals that the first n files are removed, and leaves them there.
func (s *set) prune(n int) *set {
	l, err := ParseLine(bytes.TrimSuffix(s.files[n].lines[0], []byte("\n")))
	if err != nil {
		panic(err)
	}
	var next Segment
	if err := ParseControl(l.Payload, &next); err != nil {
		panic(err)
	}
	p := Pruned{Control: ControlPruned, Time: FormatTime(s.now), Writer: "w", Through: next.Previous}
	if s.retention != nil {
		p.Retention = *s.retention
	}
	s.control(p)
	return s
}

func (s *set) drop(i int) *setFile {
	f := s.files[i]
	s.files = slices.Delete(s.files, i, i+1)
	return f
}

func sources(files []*setFile) []Source {
	var out []Source
	for _, f := range files {
		out = append(out, Source{File: f.name, First: f.first, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(f.bytes())), nil
		}})
	}
	return out
}

func judgeSet(s *set) *Report { return judgeFiles(s, s.head()) }

func judgeFiles(s *set, head []byte) *Report {
	return Verify(context.Background(), Input{File: "audit.jsonl", Files: sources(s.files), Key: s.key, Head: head, Workers: 1})
}

// threeFiles is a chain of seq 1-6, 7-12 and 13-18, pinned at its end.
func threeFiles() *set {
	return newSet(nil).records(4).rotate(SegmentSize).records(5).rotate(SegmentAge).records(5).pin()
}

func (s *set) lines() (n int) {
	for _, f := range s.files {
		n += len(f.lines)
	}
	return n
}

func wantBad(t *testing.T, r *Report, v Verdict, file string, line int64, seq uint64, kind BadKind) {
	t.Helper()
	bad := r.First()
	if r.Verdict != v || bad == nil {
		t.Fatalf("%s %v %q, want %s", r.Verdict, bad, r.NotProven, v)
	}
	if bad.File != file || bad.Line != line || bad.Seq != seq || bad.Kind != kind {
		t.Errorf("%s line %d seq %d %s (%s), want %s line %d seq %d %s", bad.File, bad.Line, bad.Seq, bad.Kind, bad.Reason, file, line, seq, kind)
	}
}
