// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"io"

	"github.com/auditchain/auditchain/integrity"
)

// tornEnd is what a Reader knows of an end that may be torn.
type tornEnd struct {
	first uint64 // seq of the first line of the file; 0 before it is known
	over  bool   // the file that is being written ended with what is no line
	tried int64  // the place that was read twice, and one
}

// torn takes back a line that is none, which begins at start, where it stands
// beyond the watermark: the file ends there. It is read again where the
// watermark may have passed it since it was read. It reports whether it took
// it back. The watermark is not authenticated: it says how far to look, not
// what is true.
func (r *Reader) torn(start int64) bool {
	if r.set == nil || r.set.only || r.rest != nil {
		return false
	}
	head, ok := r.set.watermark()
	if !ok {
		return false
	}
	active := r.set.opened == 0
	first := r.set.opened
	if active {
		first = r.tail.first
	}
	var beyond bool
	switch {
	case first > 0:
		beyond = first > head.First || first == head.First && start >= head.Size
	default:
		// It has no first line. It is the file of the watermark, unless a
		// finished one is.
		name := segmentPath(r.set.journal, head.First)
		beyond = exists(r.set.fs, name) || exists(r.set.fs, name+compressedSuffix)
	}
	switch {
	case beyond:
		r.off, r.over, r.ended = start, true, false
		r.tail.over = active
	case active && r.tail.tried != start+1 && r.seek(start):
		r.tail.tried = start + 1
	default:
		return false
	}
	r.line--
	return true
}

// afterTorn goes on behind a line that was taken back.
func (r *Reader) afterTorn() (Text, error) {
	if r.tail.over {
		return Text{}, io.EOF
	}
	return r.NextText()
}

// seek makes the file that is being written be read from a place on.
func (r *Reader) seek(off int64) bool {
	f, ok := r.closer.(*openedFile)
	if !ok {
		return false
	}
	s, ok := f.ReadCloser.(io.ReadSeeker)
	if !ok {
		return false
	}
	if _, err := s.Seek(off, io.SeekStart); err != nil {
		return false
	}
	r.in.Reset(s)
	r.off, r.over, r.ended = off, false, false
	return true
}

// watermark is what the watermark says; ok is false where there is none that
// holds still.
func (s *sequence) watermark() (head integrity.Head, ok bool) {
	var before []byte
	for range beginTries {
		b, err := readHead(s.fs, s.journal+headSuffix)
		if err != nil || len(b) == 0 {
			return head, false
		}
		if bytes.Equal(b, before) {
			return integrity.PeekHead(b)
		}
		before = b
	}
	return head, false
}
