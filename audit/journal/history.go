// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// history gives the ids of a chain's lines, newest first, through all its
// segments.
type history struct {
	j    *Journal
	back *backReader // of the file at hand, where it is not compressed
	file vfs.File    // to be closed; nil for the one that is being written
	// ids are those of the compressed segment at hand, newest last.
	ids []stagedID
	// previous is where the file before the one at hand ends; its First is 0
	// until that is known, or where there is none.
	previous integrity.Position
}

func (j *Journal) history() *history {
	return &history{j: j, back: newBackReader(j.c.file, j.c.tail.Size)}
}

func (h *history) close() {
	if h.file != nil {
		_ = h.file.Close()
		h.file = nil
	}
}

// next returns the line before. It stops, with io.EOF, where the chain begins
// or a segment is missing.
func (h *history) next() (stagedID, error) {
	for {
		if n := len(h.ids); n > 0 {
			s := h.ids[n-1]
			h.ids = h.ids[:n-1]
			return s, nil
		}
		if h.back != nil {
			line, err := h.back.next()
			if err == nil {
				h.look(line)
				return idOf(line), nil
			}
			if err != io.EOF {
				return stagedID{}, err
			}
		}
		if err := h.before(); err != nil {
			return stagedID{}, err
		}
	}
}

// look finds out where the file before ends.
func (h *history) look(line integrity.Line) {
	var s integrity.Segment
	if line.ControlName() == integrity.ControlSegment && integrity.ParseControl(line.Payload, &s) == nil {
		h.previous = s.Previous
	}
}

func idOf(line integrity.Line) stagedID {
	s := stagedID{idEntry: idEntry{seq: line.Seq, off: line.Offset}, erased: line.Kind == integrity.Tombstone}
	if id, ok := lineID(line); ok {
		s.id = id
	}
	return s
}

// before opens the segment before the one at hand.
func (h *history) before() error {
	end := h.previous
	h.close()
	h.back, h.previous = nil, integrity.Position{}
	if end.First == 0 {
		return io.EOF
	}
	segment, ok, err := h.j.finishedSegment(end.First)
	if err == nil && ok && !segment.Compressed {
		h.file, err = h.j.fs.OpenFile(segment.Path, os.O_RDONLY, 0)
		if err == nil {
			h.back = newBackReader(h.file, end.Size)
			return nil
		}
		h.file = nil
		if errors.Is(err, fs.ErrNotExist) { // it is compressed by now
			segment, ok, err = h.j.finishedSegment(end.First)
		}
	}
	if err != nil {
		return err
	}
	if !ok {
		return io.EOF
	}
	return h.readCompressed(segment, end)
}

// readCompressed keeps the ids of a compressed segment, of which the ring
// takes no more than it has slots.
func (h *history) readCompressed(segment Segment, end integrity.Position) error {
	in, err := openSegment(h.j.fs, segment)
	if err != nil {
		return err
	}
	defer in.Close()
	r := newReader(segment.Path, in)
	for r.off < end.Size {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		h.look(line)
		h.ids = append(h.ids, idOf(line))
		if len(h.ids) >= 2*ringSlots {
			h.ids = append(h.ids[:0], h.ids[ringSlots:]...)
		}
	}
	return nil
}
