// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// A file with the name of a finished segment may be none: whoever can write in
// the folder can put it there. It is said, as a line that is none, and passed
// over: it must not hide what stands in the other files. Which of them hold,
// only Verify tells.

// listStill lists the files of a journal beside writers that rename and remove
// them: a file that gets another name while a folder is read may be in it
// under neither. So two lists in a row must be the same.
func listStill(fsys vfs.FS, path string) ([]Segment, error) {
	before, err := listSegments(fsys, path)
	for range 50 {
		if err != nil {
			return nil, err
		}
		var now []Segment
		if now, err = listSegments(fsys, path); slices.Equal(before, now) {
			return now, err
		}
		before = now
	}
	return before, err
}

// firstBeyond is the lowest sequence number with which no finished segment can
// begin, as the file that is being written begins there; 0 where nothing says
// so. segments were listed before: the file that is being written only moves
// on.
func firstBeyond(fsys vfs.FS, path string, segments []Segment) uint64 {
	if len(segments) < 2 || segments[len(segments)-1].First > 0 {
		return 0
	}
	in, err := openSegment(fsys, segments[len(segments)-1])
	if err != nil {
		return 0
	}
	defer in.Close()
	line, ok := peekLine(in)
	if !ok {
		return 0
	}
	b, _ := readHead(fsys, path+headSuffix)
	if head, ok := integrity.PeekHead(b); ok && line.Seq < head.First {
		// It is an older one, which says nothing of the others.
		if head.First == math.MaxUint64 {
			return 0
		}
		return head.First + 1
	}
	return line.Seq
}

// partBeyond takes the segments that begin at beyond, or behind it, out of a
// listing.
func partBeyond(segments []Segment, beyond uint64) (kept, strays []Segment) {
	if beyond == 0 {
		return segments, nil
	}
	for _, seg := range segments {
		if seg.First >= beyond {
			strays = append(strays, seg)
		} else {
			kept = append(kept, seg)
		}
	}
	return kept, strays
}

// strayError says that a file is not what its name says.
func strayError(seg Segment, format string, args ...any) *LineError {
	return &LineError{Path: seg.Path, Line: 1, Reason: fmt.Errorf("%w: %s; it is passed over; run: auditchain verify", errStray, fmt.Sprintf(format, args...))}
}

var errStray = errors.New("the file does not belong where its name says")

func beyondError(seg Segment, beyond uint64) *LineError {
	return strayError(seg, "it is beyond the file that is being written, which begins with seq %d or before", beyond)
}

// openPeeked opens a finished segment, and looks at its first line. stray says why
// it is none; nothing is open then.
func openPeeked(fsys vfs.FS, seg Segment) (in io.ReadCloser, opened Segment, stray *LineError, err error) {
	in, seg, err = openEither(fsys, seg)
	if err != nil || seg.First == 0 {
		return in, seg, nil, err
	}
	r := bufio.NewReaderSize(in, maxPeek)
	b, err := r.Peek(maxPeek)
	switch i := bytes.IndexByte(b, '\n'); {
	case err == io.EOF && len(b) == 0:
		stray = strayError(seg, "it is empty")
	case i >= 0:
		if line, err := integrity.ParseLine(b[:i]); err == nil && line.Seq != seg.First {
			stray = strayError(seg, "it begins with seq %d", line.Seq)
		}
	}
	if stray != nil {
		return nil, seg, stray, in.Close()
	}
	return &peekedSegment{Reader: r, Closer: in}, seg, nil, nil
}

// peekedSegment is a segment of which the beginning was read.
type peekedSegment struct {
	io.Reader
	io.Closer
}

// strays are what a Follower knows of the files that are in the wrong place.
type strays struct {
	queue []*LineError    // to be said
	said  map[string]bool // by path
	now   map[uint64]bool // what was examined since the folder was listed: whether it is one
}

func (s *strays) add(e *LineError) {
	if s.said[e.Path] {
		return
	}
	if s.said == nil {
		s.said = make(map[string]bool)
	}
	s.said[e.Path] = true
	s.queue = append(s.queue, e)
}

// take returns one that has not been said.
func (s *strays) take() *LineError {
	if len(s.queue) == 0 {
		return nil
	}
	e := s.queue[0]
	s.queue = s.queue[1:]
	return e
}

// list lists the files of the journal anew.
func (f *Follower) list() error {
	segments, err := listStill(f.fs, f.path)
	if err != nil {
		return err
	}
	beyond := firstBeyond(f.fs, f.path, segments)
	var out []Segment
	f.files, out = partBeyond(segments, beyond)
	for _, seg := range out {
		f.strays.add(beyondError(seg, beyond))
	}
	f.strays.now = make(map[uint64]bool)
	return nil
}

// isStray reports whether a file that was listed is none of the journal.
func (f *Follower) isStray(seg Segment) bool {
	if seg.First == 0 {
		return false
	}
	stray, known := f.strays.now[seg.First]
	if !known {
		in, _, e, err := openPeeked(f.fs, seg)
		if err == nil && e == nil {
			_ = in.Close()
		}
		if e != nil {
			f.strays.add(e)
		}
		if stray = e != nil; !errors.Is(err, fs.ErrNotExist) {
			f.strays.now[seg.First] = stray
		}
	}
	return stray
}

// behind is the first segment that begins behind line passed, else the file
// that is being written. Of finished ones, those that were listed before will
// do; they are listed anew where there is none of them, or afresh says so.
func (f *Follower) behind(passed uint64, afresh bool) (Segment, bool, error) {
	for ; ; afresh = true {
		if afresh {
			if err := f.list(); err != nil {
				return Segment{}, false, err
			}
		}
		i, _ := slices.BinarySearchFunc(f.files, passed, func(s Segment, passed uint64) int {
			if s.First == 0 || s.First > passed {
				return 1
			}
			return -1
		})
		for ; i < len(f.files); i++ {
			if seg := f.files[i]; (seg.First > 0 || afresh) && !f.isStray(seg) {
				return seg, true, nil
			}
		}
		if afresh {
			return Segment{}, false, nil
		}
	}
}
