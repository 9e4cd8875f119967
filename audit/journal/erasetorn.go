// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"index/suffixarray"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/auditchain/auditchain/integrity"
)

// What a crash left, and what a break put aside, may hold an erased record, or
// a part of it, also from an earlier attempt to seal the same record (then
// its `blind` and `observed` are others). Such a file is looked through in
// pieces: what stands between LFs and NULs, for a hole that a crash left reads
// as NULs. Of each piece:
//
//   - a whole line goes if it has the id of the erased record, and stays if it
//     is another record, or a control record;
//   - what is no line goes as a whole if it holds the id, as `"id":"<id>"`;
//   - else each run of commonRun bytes or more goes that the payload has too,
//     and all of it if it is a part of the payload as it is.
//
// So what cannot be told from another record's is rather overwritten than
// left. Only these files are changed in place, each byte by a space: they are
// no part of the chain.
const commonRun = 16

// cleanCopies overwrites what those files hold of the targets, durably. It
// returns the names of the files that it changed, by line.
func (j *Journal) cleanCopies(targets []*target) (map[uint64][]string, error) {
	dir, base := filepath.Split(j.path)
	names, err := j.fs.ReadDir(filepath.Clean(dir))
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	cleaned := map[uint64][]string{}
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, base)
		if !ok || !strings.HasPrefix(rest, tornInfix) && !strings.HasPrefix(rest, brokenInfix) {
			continue
		}
		info, err := j.fs.Lstat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("erasure: %w", err)
		}
		for _, t := range targets {
			if t.payload == nil {
				continue
			}
			changed, err := j.cleanFile(filepath.Join(dir, name), newTraces(t))
			if err != nil {
				return nil, fmt.Errorf("erasure: %q: %w", name, err)
			}
			if changed {
				cleaned[t.seq] = append(cleaned[t.seq], name)
			}
		}
	}
	return cleaned, nil
}

// cleanFile overwrites what a file holds of a record.
func (j *Journal) cleanFile(name string, of *traces) (changed bool, err error) {
	f, err := j.fs.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	patches, err := of.in(io.NewSectionReader(f, 0, info.Size()), 0)
	if err != nil || len(patches) == 0 {
		return false, err
	}
	for _, p := range patches {
		if _, err := f.WriteAt(p.bytes, p.off); err != nil {
			return false, err
		}
	}
	return true, f.Sync()
}

// traces finds what is left of a record.
type traces struct {
	payload []byte
	id      []byte // as it stands in a line
	text    string
	index   *suffixarray.Index // of payload, once it is needed
	// inChain says that a whole line becomes a tombstone, so that those behind
	// it still follow it.
	inChain bool
}

func newTraces(t *target) *traces {
	tr := &traces{payload: t.payload}
	if t.id != [16]byte{} {
		tr.text = t.id.String()
		tr.id = []byte(`"id":"` + tr.text + `"`)
	}
	return tr
}

// maxPiece bounds what is looked at as one piece.
const maxPiece = integrity.MaxLine

// in returns what is to be written over a file, which is read from off on.
func (t *traces) in(file io.Reader, off int64) ([]patch, error) {
	r := bufio.NewReaderSize(file, 64<<10)
	var patches []patch
	var piece []byte
	start := off
	end := func() {
		for _, p := range t.inPiece(piece) {
			p.off += start
			patches = append(patches, p)
		}
		piece = piece[:0]
	}
	for {
		c, err := r.ReadByte()
		if err == io.EOF {
			end()
			return patches, nil
		}
		if err != nil {
			return nil, err
		}
		off++
		if c == '\n' || c == 0 {
			end()
			start = off
			continue
		}
		if piece = append(piece, c); len(piece) >= maxPiece {
			end()
			start = off
		}
	}
}

// inPiece is in for what stands between LFs and NULs.
func (t *traces) inPiece(piece []byte) []patch {
	if len(bytes.Trim(piece, " ")) == 0 {
		return nil
	}
	whole := []patch{blank(0, len(piece))}
	if line, err := integrity.ParseLine(piece); err == nil {
		if line.Kind != integrity.Record {
			return nil
		}
		if id, ok := lineID(line); ok {
			switch {
			case t.id == nil || id.String() != t.text:
				return nil
			case t.inChain && len(line.Payload) >= integrity.MinTombstone:
				return []patch{{0, integrity.AppendTombstone(nil, integrity.Leaf(line.Payload), len(line.Payload))}}
			}
			return whole
		}
	}
	if t.id != nil && bytes.Contains(piece, t.id) || bytes.Contains(t.payload, piece) {
		return whole
	}
	return t.common(piece)
}

// blank is so many spaces.
func blank(off int64, n int) patch { return patch{off, bytes.Repeat([]byte{' '}, n)} }

// common finds the runs that a piece has in common with the payload.
func (t *traces) common(piece []byte) []patch {
	if len(piece) < commonRun || len(t.payload) < commonRun {
		return nil
	}
	if t.index == nil {
		t.index = suffixarray.New(t.payload)
	}
	var patches []patch
	for i, from, to := 0, 0, 0; ; i++ {
		over := i+commonRun > len(piece)
		if !over && len(t.index.Lookup(piece[i:i+commonRun], 1)) == 0 {
			continue
		}
		if over || i > to {
			if to > from {
				patches = append(patches, blank(int64(from), to-from))
			}
			if from = i; over {
				return patches
			}
		}
		to = i + commonRun
	}
}
