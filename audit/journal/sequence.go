// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// sequence opens the files of a journal one after the other, oldest first,
// while a writer may rotate, compress and remove them.
type sequence struct {
	fs      vfs.FS
	journal string
	queue   []Segment    // listed, and not yet opened
	only    bool         // queue[0] alone is read; the others say where it ends
	opened  uint64       // First of the finished segment that was opened last
	strays  []*LineError // what has the name of a segment, and is none
	said    map[string]bool
	done    bool // the file that is being written was opened, or none is there

	compressed bool // the file opened last
	vanished   bool // a segment that was listed could not be found any more
}

// openedFile is a file of a sequence.
type openedFile struct {
	Segment
	io.ReadCloser
}

// next opens the next file. A *LineError is for one that is no segment, in
// spite of its name, and is passed over: there may be more. end is where it stops to count, when the file
// behind it says so, else 0. After the last one the error is io.EOF.
func (s *sequence) next() (_ *openedFile, end int64, err error) {
	for {
		if s.done {
			return nil, 0, io.EOF
		}
		if len(s.queue) == 0 {
			if err := s.list(); err != nil {
				return nil, 0, err
			}
		}
		if len(s.strays) > 0 && (len(s.queue) == 0 || s.queue[0].First == 0) {
			stray := s.strays[0]
			s.strays = s.strays[1:]
			return nil, 0, stray
		}
		if len(s.queue) == 0 {
			s.done = true
			return nil, 0, io.EOF
		}
		seg := s.queue[0]
		s.queue = s.queue[1:]
		in, seg, stray, err := s.open(seg)
		switch {
		case stray != nil:
			s.opened = seg.First
			return nil, 0, stray
		case errors.Is(err, fs.ErrNotExist) && seg.First == 0 && !s.only:
			// It may be in the middle of a rotation: then it has another name
			// by now.
			if err := s.list(); err != nil {
				return nil, 0, err
			}
			s.done = len(s.queue) == 0
			continue
		case errors.Is(err, fs.ErrNotExist) && !s.only:
			s.vanished, s.opened = true, seg.First
			continue
		case errors.Is(err, fs.ErrNotExist):
			return nil, 0, notExist(seg.Path)
		case err != nil:
			return nil, 0, err
		}
		if seg.First == 0 && !s.only {
			// What was rotated away before it was opened comes before it.
			if err := s.list(); err != nil {
				_ = in.Close()
				return nil, 0, err
			}
			if len(s.queue) > 0 && s.queue[0].First > 0 {
				_ = in.Close()
				continue
			}
		}
		s.done = s.only || seg.First == 0
		s.opened, s.compressed = seg.First, seg.Compressed
		if seg.First > 0 {
			end = s.end(seg)
		}
		return &openedFile{seg, in}, end, nil
	}
}

// takeVanished reports whether a file that was listed was not found since the
// last call.
func (s *sequence) takeVanished() bool {
	v := s.vanished
	s.vanished = false
	return v
}

// list makes the queue of what is there behind the segment opened last.
func (s *sequence) list() error {
	segments, err := listStill(s.fs, s.journal)
	if err != nil {
		return err
	}
	beyond := firstBeyond(s.fs, s.journal, segments)
	segments, strays := partBeyond(segments, beyond)
	for _, seg := range strays {
		if !s.only && !s.said[seg.Path] {
			if s.said == nil {
				s.said = make(map[string]bool)
			}
			s.said[seg.Path] = true
			s.strays = append(s.strays, beyondError(seg, beyond))
		}
	}
	s.queue = slices.DeleteFunc(segments, func(seg Segment) bool { return seg.First > 0 && seg.First <= s.opened })
	return nil
}

// open opens a file. One that is read alone is what it is.
func (s *sequence) open(seg Segment) (io.ReadCloser, Segment, *LineError, error) {
	if s.only {
		in, seg, err := openEither(s.fs, seg)
		return in, seg, nil, err
	}
	return openPeeked(s.fs, seg)
}

// end is where a segment stops to count, as the next file says; 0 where it
// does not say.
func (s *sequence) end(seg Segment) int64 {
	for _, next := range s.queue {
		in, _, stray, err := openPeeked(s.fs, next)
		if stray != nil {
			continue
		}
		if err != nil {
			return 0
		}
		first, ok := readSegment(in)
		_ = in.Close()
		if !ok || first.Previous.First != seg.First {
			return 0
		}
		return max(first.Previous.Size, 0)
	}
	return 0
}

// maxPeek bounds what is read of a file to find out what it says of the one
// before.
const maxPeek = 64 << 10

// peekLine reads the first line of a file.
func peekLine(in io.Reader) (integrity.Line, bool) {
	b, err := bufio.NewReaderSize(in, maxPeek).ReadSlice('\n')
	if err != nil {
		return integrity.Line{}, false
	}
	line, err := integrity.ParseLine(b[:len(b)-1])
	return line, err == nil
}

// peekSegment reads the chain.segment that a file begins with.
func peekSegment(fsys vfs.FS, seg Segment) (integrity.Segment, bool) {
	in, _, err := openEither(fsys, seg)
	if err != nil {
		return integrity.Segment{}, false
	}
	defer in.Close()
	return readSegment(in)
}

// readSegment is peekSegment for a file that is open.
func readSegment(in io.Reader) (first integrity.Segment, ok bool) {
	line, ok := peekLine(in)
	ok = ok && line.ControlName() == integrity.ControlSegment && integrity.ParseControl(line.Payload, &first) == nil
	return first, ok
}

// openEither opens a segment, in its other form where it was compressed (or
// the other way round) since it was listed.
func openEither(fsys vfs.FS, seg Segment) (io.ReadCloser, Segment, error) {
	in, err := openSegment(fsys, seg)
	if seg.First == 0 || !errors.Is(err, fs.ErrNotExist) {
		return in, seg, err
	}
	other := seg
	other.Compressed = !seg.Compressed
	if other.Path += compressedSuffix; seg.Compressed {
		other.Path = strings.TrimSuffix(seg.Path, compressedSuffix)
	}
	if in, oerr := openSegment(fsys, other); oerr == nil || !errors.Is(oerr, fs.ErrNotExist) {
		return in, other, oerr
	}
	return nil, seg, err
}

// findSequence finds what path names: a journal, one segment, or the journal
// in a folder.
func findSequence(fsys vfs.FS, path string) (*sequence, error) {
	path, seg, err := find(fsys, path)
	if err != nil {
		return nil, err
	}
	s := &sequence{fs: fsys, journal: path}
	if seg != nil {
		s.only, s.opened = true, seg.First
		if seg.First > 0 {
			if err := s.list(); err != nil {
				return nil, err
			}
		}
		s.queue = append([]Segment{*seg}, s.queue...)
		return s, nil
	}
	return s, s.list()
}

// find finds what path names: the name of a journal, and, where path is that
// of one file of it, which.
func find(fsys vfs.FS, path string) (journal string, only *Segment, err error) {
	// A folder may be named by a link; a file in it may be none.
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		journal, err := findInFolder(fsys, path)
		return journal, nil, err
	}
	if of, first, compressed, ok := parseSegmentPath(filepath.Base(path)); ok && !isJournal(fsys, path) {
		return filepath.Join(filepath.Dir(path), of), &Segment{Path: path, First: first, Compressed: compressed}, nil
	}
	if strings.HasSuffix(path, compressedSuffix) {
		return path, &Segment{Path: path, Compressed: true}, nil
	}
	return path, nil, nil
}

func exists(fsys vfs.FS, path string) bool {
	_, err := fsys.Lstat(path)
	return err == nil
}

// isJournal reports whether what only a journal has stands beside a path.
func isJournal(fsys vfs.FS, path string) bool {
	return exists(fsys, path+headSuffix) || exists(fsys, path+lockSuffix)
}

// findInFolder finds the one journal of a folder, by its watermark, its lock
// or its segments.
func findInFolder(fsys vfs.FS, dir string) (string, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("journal folder: %w", err)
	}
	var found []string
	for _, name := range names {
		of, _, _, ok := parseSegmentPath(name)
		if !ok {
			if of, ok = strings.CutSuffix(name, headSuffix); !ok {
				of, ok = strings.CutSuffix(name, lockSuffix)
				ok = ok && slices.Contains(names, of)
			}
		}
		if ok && of != "" && !slices.Contains(found, of) {
			found = append(found, of)
		}
	}
	// A journal may itself be named like a segment.
	for _, name := range found {
		if of, _, _, ok := parseSegmentPath(name); ok {
			found = slices.DeleteFunc(found, func(s string) bool { return s == of && !isJournal(fsys, filepath.Join(dir, s)) })
		}
	}
	switch len(found) {
	case 1:
		return filepath.Join(dir, found[0]), nil
	case 0:
		return "", fmt.Errorf("folder %q holds no journal (no watermark, lock or segment); name the file itself", dir)
	}
	slices.Sort(found)
	return "", fmt.Errorf("folder %q holds %d journals (%q); name one of them", dir, len(found), found)
}

// notExist is an fs.ErrNotExist in plain words.
func notExist(path string) error { return &notExistError{path} }

type notExistError struct{ path string }

func (e *notExistError) Error() string        { return fmt.Sprintf("%q does not exist", e.path) }
func (e *notExistError) Is(target error) bool { return target == fs.ErrNotExist }
