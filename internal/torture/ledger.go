// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// line is what a test needs of a line of a journal. It is read as any other program
// would read it, and not with the code under test.
type line struct {
	Control  string `json:"control"`
	ID       string `json:"id"`
	Seq      uint64 `json:"seq"`
	Erased   string `json:"erased"`     // a tombstone: the leaf
	Of       uint64 `json:"erased_seq"` // of chain.erased
	Previous struct {
		Seq  uint64 `json:"seq"`
		Size int64  `json:"size"`
	} `json:"previous"`
}

// readChain reads all lines of the journal at path, its finished segments first. What
// stands beyond the end that the segment behind it names is no part of the chain
// (docs/SPEC.md, section 7.3), nor is an unfinished line at the very end.
func readChain(path string) ([]line, error) {
	files, err := chainFiles(path)
	if err != nil {
		return nil, err
	}
	var chain []line
	for i, name := range files {
		text, err := readSegment(name)
		if err != nil {
			return nil, err
		}
		if i+1 < len(files) {
			if text, err = cutAt(text, files[i+1]); err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
			}
		}
		lines, err := parseLines(text)
		if err != nil && (i+1 < len(files) || !errors.Is(err, errUnfinished)) {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		chain = append(chain, lines...)
	}
	return chain, nil
}

// chainFiles lists the files of the chain in order. Of a segment that stands there
// plain and compressed, the plain one counts.
func chainFiles(path string) ([]string, error) {
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	finished, err := filepath.Glob(stem + "-" + strings.Repeat("[0-9]", 20) + ext + "*")
	if err != nil {
		return nil, err
	}
	finished = slices.DeleteFunc(finished, func(name string) bool {
		plain, compressed := strings.CutSuffix(name, ".zst")
		return !strings.HasSuffix(plain, ext) || compressed && slices.Contains(finished, plain)
	})
	slices.Sort(finished)
	if _, err := os.Lstat(path); err == nil {
		finished = append(finished, path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return finished, nil
}

func readSegment(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil || !strings.HasSuffix(name, ".zst") {
		return text, err
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(text, nil)
}

// cutAt cuts a finished segment where the first line of the next one says that it
// ends.
func cutAt(text []byte, next string) ([]byte, error) {
	following, err := readSegment(next)
	if err != nil {
		return nil, err
	}
	first, _, whole := bytes.Cut(following, []byte("\n"))
	if !whole {
		return text, nil // a crash: it is begun anew by the next writer
	}
	var l line
	if err := json.Unmarshal(first, &l); err != nil {
		return nil, fmt.Errorf("first line of %s: %w", filepath.Base(next), err)
	}
	if l.Control != "chain.segment" {
		return nil, fmt.Errorf("%s does not begin with chain.segment", filepath.Base(next))
	}
	if l.Previous.Size > int64(len(text)) {
		return nil, fmt.Errorf("%d bytes, and %s says that it ends at %d", len(text), filepath.Base(next), l.Previous.Size)
	}
	return text[:l.Previous.Size], nil
}

// errUnfinished: a line without LF, or one that is no JSON, at the end.
var errUnfinished = errors.New("unfinished end")

func parseLines(text []byte) ([]line, error) {
	var lines []line
	for len(text) > 0 {
		raw, rest, whole := bytes.Cut(text, []byte("\n"))
		var l line
		if err := json.Unmarshal(raw, &l); err != nil || !whole {
			return lines, fmt.Errorf("after line %d: %w", len(lines), errUnfinished)
		}
		lines, text = append(lines, l), rest
	}
	return lines, nil
}

// ledger is what the processes said that they sealed, and what they were given.
type ledger struct {
	acked map[string]uint64 // seq by id
	sent  map[string]bool
	// ordered are the lines that were ordered to be erased; true where it was said
	// that they are.
	ordered map[uint64]bool
}

func newLedger() *ledger {
	return &ledger{acked: map[string]uint64{}, sent: map[string]bool{}, ordered: map[uint64]bool{}}
}

// erasable chooses a line with a record that may be erased, of those that have a
// receipt; 0 where there is none.
func (l *ledger) erasable(rng *rand.Rand) uint64 {
	var seqs []uint64
	for _, seq := range l.acked {
		if _, ok := l.ordered[seq]; !ok {
			seqs = append(seqs, seq)
		}
	}
	if len(seqs) == 0 {
		return 0
	}
	slices.Sort(seqs) // the order of a map is not that of the seed
	return seqs[rng.IntN(len(seqs))]
}

// merge takes in the receipts of one process.
func (l *ledger) merge(o *outcome, s session) {
	for _, e := range s.sent {
		l.sent[e.id] = true
	}
	for _, a := range s.acked {
		if before, ok := l.acked[a.id]; ok && before != a.seq {
			o.problem("record %s got a receipt for seq %d, and before one for seq %d", a.id, a.seq, before)
		}
		l.acked[a.id] = a.seq
	}
}

// compare looks up each receipt in the journal.
func (l *ledger) compare(o *outcome, path string) {
	chain, err := readChain(path)
	if err != nil {
		o.problem("reading the journal: %v", err)
		return
	}
	o.Acknowledged = len(l.acked)
	at := make(map[string]uint64, len(chain))
	tombs, sealed := map[uint64]bool{}, map[uint64]bool{}
	for i, line := range chain {
		if line.Seq != uint64(i)+1 {
			o.problem("line %d of the chain has seq %d", i+1, line.Seq)
			return
		}
		switch {
		case line.Erased != "":
			tombs[line.Seq] = true
			continue
		case line.Control != "":
			sealed[line.Of] = true // 0, of others than chain.erased, is no line
			continue
		}
		if before, ok := at[line.ID]; ok {
			o.Duplicated++
			o.problem("record %s stands at seq %d and at seq %d", line.ID, before, line.Seq)
			continue
		}
		at[line.ID] = line.Seq
		if !l.sent[line.ID] {
			o.problem("record %s, at seq %d, was never sent", line.ID, line.Seq)
		}
	}
	for id, seq := range l.acked {
		if at[id] != seq && !tombs[seq] {
			o.Lost++
			o.problem("record %s was acknowledged at seq %d, and stands at %d", id, seq, at[id])
		}
	}
	l.compareErased(o, path, tombs, sealed)
}

// compareErased checks that what is erased was ordered and is sealed to be, and
// is gone from all files.
func (l *ledger) compareErased(o *outcome, path string, tombs, sealed map[uint64]bool) {
	for seq := range tombs {
		if _, ok := l.ordered[seq]; !ok || !sealed[seq] {
			o.problem("line %d is erased (ordered: %t, sealed: %t)", seq, ok, sealed[seq])
		}
	}
	gone := map[string]bool{}
	for seq, done := range l.ordered {
		if (done || sealed[seq]) && !tombs[seq] {
			o.problem("line %d was erased, and is there", seq)
		}
		if tombs[seq] {
			for id, at := range l.acked {
				gone[id] = gone[id] || at == seq
			}
		}
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		o.problem("%v", err)
	}
	for _, f := range files {
		text, err := readSegment(filepath.Join(filepath.Dir(path), f.Name()))
		if err != nil {
			continue // a copy that is not whole
		}
		for id, is := range gone {
			if is && bytes.Contains(text, []byte(id)) {
				o.problem("record %s was erased, and %q still has it", id, f.Name())
			}
		}
	}
}
