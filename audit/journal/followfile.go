// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// followedFile is the file that a Follower reads. It stays open under
// whichever name it gets, and also once it has none any more.
type followedFile struct {
	fs    vfs.FS
	seg   Segment
	path  string
	first uint64        // seq of its first line
	plain vfs.File      // nil of a compressed one
	in    io.ReadCloser // of a compressed one
	r     *Reader
	limit int64 // how far it may be read
	reach int64 // how far there was something to read then
	final bool  // nothing beyond limit will ever count
	fresh bool  // no line of it came yet
}

// noLimit is the limit of a compressed file of which nothing says the size.
const noLimit = math.MaxInt64

func openFollowed(fsys vfs.FS, seg Segment) (*followedFile, error) {
	c := &followedFile{fs: fsys, first: seg.First, fresh: true, r: newReader(seg.Path, nil)}
	if !seg.Compressed {
		file, err := fsys.OpenFile(seg.Path, os.O_RDONLY, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist) && seg.First > 0:
			// It may be compressed by now.
			seg.Path, seg.Compressed = seg.Path+compressedSuffix, true
		case err != nil:
			return nil, fmt.Errorf("journal: %w", err)
		default:
			if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
				return nil, errors.Join(err, fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, seg.Path), file.Close())
			}
			c.plain = file
		}
	}
	c.seg, c.path, c.r.path = seg, seg.Path, seg.Path
	c.r.over = true // until there is a limit
	return c, nil
}

// size is how long the file is.
func (c *followedFile) size() (int64, error) {
	if c.plain == nil {
		return noLimit, nil
	}
	info, err := c.plain.Stat()
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	return info.Size(), nil
}

// allow lets the file be read up to limit. What was read beyond a line that
// is whole is read again: beyond the watermark, bytes may have changed.
func (c *followedFile) allow(limit int64, final bool) error {
	size, err := c.size()
	if err != nil {
		return err
	}
	c.limit, c.final, c.reach = limit, final, min(limit, size)
	c.r.ended, c.r.over = false, false
	rest := max(limit-c.r.off, 0)
	if c.plain != nil {
		c.r.in.Reset(io.NewSectionReader(c.plain, c.r.off, rest))
		return nil
	}
	if c.in != nil {
		_ = c.in.Close()
		c.in = nil
	}
	in, err := openSegment(c.fs, c.seg)
	if err != nil {
		return err
	}
	c.in = in
	if _, err := io.CopyN(io.Discard, in, c.r.off); err != nil && err != io.EOF {
		return err
	}
	c.r.in.Reset(io.LimitReader(in, rest))
	return nil
}

// next returns the next line. At the limit the error is io.EOF, also in the
// middle of a line, as long as the rest of it may come.
func (c *followedFile) next() (integrity.Line, error) {
	start, number := c.r.off, c.r.line
	line, err := c.r.Next()
	var bad *LineError
	var system *fs.PathError
	switch {
	case errors.As(err, &bad) && c.r.ended && !c.final:
		c.r.off, c.r.line = start, number
		c.r.over = true
		return line, io.EOF
	case err == nil || err == io.EOF || bad != nil:
		return line, err
	case c.plain == nil && !errors.As(err, &system):
		// Nothing behind this place can be had.
		c.r.err, c.r.over, c.final = nil, true, true
		return line, &LineError{Path: c.path, Line: number + 1, Offset: start, Reason: fmt.Errorf("what follows cannot be decompressed: %w", errors.Unwrap(err))}
	}
	return line, err
}

// skipTo goes to an offset, behind so many lines.
func (c *followedFile) skipTo(off, lines int64) {
	c.r.off, c.r.line = off, lines
	c.fresh = off == 0
}

func (c *followedFile) close() {
	if c.plain != nil {
		_ = c.plain.Close()
	}
	if c.in != nil {
		_ = c.in.Close()
	}
}

// openNext opens the file behind those that are behind us, where its lines
// may be read yet.
func (f *Follower) openNext() error {
	if err := f.readWatermark(); err != nil {
		return err
	}
	for try := range 100 {
		seg, ok, err := f.behind(f.passed, try > 0)
		if err != nil {
			return f.once(err)
		}
		if !ok || !f.water.covers(seg.First) {
			return f.missing()
		}
		c, err := openFollowed(f.fs, seg)
		if err == nil {
			if seg.First == 0 {
				err = f.beginActive(c)
			} else if c.plain == nil {
				_, err = f.fs.Lstat(c.path)
			}
			if err != nil {
				c.close()
			}
		}
		if errors.Is(err, errAgain) || errors.Is(err, fs.ErrNotExist) {
			// It was renamed, compressed or removed just now.
			f.lost = f.lost || seg.First > 0
			continue
		}
		if err != nil {
			if err == errCaughtUp {
				return f.missing()
			}
			return f.once(err)
		}
		f.cur = c
		return nil
	}
	return errCaughtUp
}

var errAgain = errors.New("the files changed")

// beginActive finds out which line the file that is being written begins
// with, and whether it may be read.
func (f *Follower) beginActive(c *followedFile) error {
	// What was rotated away before it was opened comes before it.
	if seg, ok, err := f.behind(f.passed, true); err != nil {
		return err
	} else if ok && seg.First > 0 {
		return errAgain
	}
	if !f.nameActive(c) || c.first <= f.passed {
		return errCaughtUp
	}
	return nil
}

// nameActive finds the number of the first line of the file that is being
// written, and reports whether it may be read.
func (f *Follower) nameActive(c *followedFile) bool {
	first, whole := firstSeq(c.plain)
	switch {
	case first > 0:
	case f.water.known:
		// It is the file of the watermark, unless a finished one is.
		if name := segmentPath(f.path, f.water.First); exists(f.fs, name) || exists(f.fs, name+compressedSuffix) {
			return false
		}
		first = f.water.First // and its first line is reported
	case whole:
		first = f.passed + 1
	}
	c.first = first
	return first > 0 && f.water.covers(first)
}

// firstSeq is the sequence number of the line that a file begins with; 0, and
// whether there is a line at all, where it is none.
func firstSeq(file io.ReaderAt) (seq uint64, whole bool) {
	r := newReader("", io.NewSectionReader(file, 0, 1<<62))
	line, err := r.Next()
	if err == nil {
		return line.Seq, true
	}
	return 0, err != io.EOF && !r.ended
}

// readWatermark looks at the watermark, and reports each trouble once.
func (f *Follower) readWatermark() error {
	err := f.water.read(f)
	switch {
	case err == nil || err == errCaughtUp || errors.Is(err, ErrReplaced):
		return err
	}
	return f.once(err)
}

// goOn finds out what comes after all that may be read of a file has been.
func (f *Follower) goOn() error {
	if err := f.readWatermark(); err != nil {
		return err
	}
	c := f.cur
	if !c.final {
		limit, final, err := f.limit(c)
		if err != nil {
			return err
		}
		size, err := c.size()
		if err != nil {
			return err
		}
		// What goes on to be written is not in a file that was replaced.
		if final && size < limit && f.replaced(c, true) {
			return nil
		}
		if final || min(limit, size) > c.reach {
			f.told = ""
			err := c.allow(limit, final)
			if errors.Is(err, fs.ErrNotExist) {
				f.vanished(c.first)
				return nil
			}
			return err
		}
		return f.idle(c)
	}
	f.passed, f.told = c.first, ""
	f.closeFile()
	return nil
}

// vanished passes over a file that was removed before it was read to its end:
// the lines that are missing are a GapError once the next one is read.
func (f *Follower) vanished(first uint64) {
	f.closeFile()
	f.passed, f.lost, f.told = first, true, ""
}

// limit is how far a file may be read, and whether that will ever change.
func (f *Follower) limit(c *followedFile) (limit int64, final bool, err error) {
	w := &f.water
	if w.known && w.First == c.first {
		return w.Size, false, nil
	}
	if !w.covers(c.first) {
		return c.limit, false, nil
	}
	size, err := c.size()
	if err != nil {
		return 0, false, err
	}
	next, found, err := f.successor(c)
	for tries := 0; err == nil && !found && w.known && tries < 3; tries++ {
		next, found, err = f.successor(c) // it may be renamed just now
	}
	switch {
	case err != nil:
		return 0, false, err
	case found && next.Previous.First == c.first:
		return max(next.Previous.Size, 0), true, nil
	case found:
		return size, true, nil
	}
	// With a watermark, the file that it is about is not there, and idle says
	// so: where this one stops to count, nothing tells.
	return size, false, nil
}

// missing says that the file that the watermark is about is not there.
func (f *Follower) missing() error {
	w := &f.water
	if !w.known || w.First <= f.passed {
		return errCaughtUp
	}
	// A file that is renamed just now may be in neither place.
	for range 3 {
		segments, err := listSegments(f.fs, f.path)
		if err != nil {
			return f.once(err)
		}
		for _, s := range segments {
			if s.First == w.First {
				return errCaughtUp
			}
			if line, ok := f.peekActive(); s.First == 0 && (!ok || line.Seq == w.First) {
				return errCaughtUp
			}
		}
	}
	return f.once(fmt.Errorf("%w: the file of %q that begins with seq %d is not there, and its watermark says that it goes up to seq %d; run: auditchain verify", ErrTruncated, f.path, w.First, w.Seq))
}

// successor is what the file behind c begins with, where there is one.
func (f *Follower) successor(c *followedFile) (first integrity.Segment, found bool, err error) {
	seg, ok, err := f.behind(c.first, false)
	if err != nil || !ok {
		return first, false, err
	}
	if seg.First == 0 {
		in, err := openSegment(f.fs, seg)
		if err != nil {
			return first, false, nil //nolint:nilerr // it is being made
		}
		line, ok := peekLine(in)
		_ = in.Close()
		if !ok || line.Seq <= c.first {
			return first, false, nil
		}
	}
	first, _ = peekSegment(f.fs, seg)
	return first, true, nil
}

// idle looks, while nothing more can be read of a file, whether something is
// wrong with it.
func (f *Follower) idle(c *followedFile) error {
	if f.replaced(c, false) {
		return nil
	}
	w := &f.water
	if w.known && w.First > c.first {
		return f.missing()
	}
	if w.known && w.First == c.first && c.r.off < w.Size {
		size, err := c.size()
		if err != nil {
			return err
		}
		if size < w.Size {
			return f.once(fmt.Errorf("%w: %q has %d bytes, and its watermark says %d (seq %d); run: auditchain verify", ErrTruncated, c.path, size, w.Size, w.Seq))
		}
		return f.once(fmt.Errorf("%w: %q has no end of a line at byte %d, where its watermark says that seq %d ends; run: auditchain verify", ErrTampered, c.path, w.Size, w.Seq))
	}
	return errCaughtUp
}

// replaced reports whether another file stands where c stood: then it is read
// from its beginning, to find the place in it. A file that was renamed,
// compressed or removed is not replaced. short says that c ends before the file
// behind it says: then what was compressed was another one.
func (f *Follower) replaced(c *followedFile, short bool) bool {
	if c.plain == nil {
		return false
	}
	own, err := c.plain.Stat()
	if err != nil {
		return false
	}
	// As long as it is the file that is being written, whatever has the name
	// that it will get is none of its business.
	active, aerr := f.fs.Lstat(f.path)
	if aerr == nil && os.SameFile(own, active) {
		return false
	}
	begins := c.first
	segment := segmentPath(f.path, c.first)
	named, err := f.fs.Lstat(segment)
	switch {
	case err == nil && os.SameFile(own, named):
		return false
	case err != nil || !named.Mode().IsRegular():
		if exists(f.fs, segment+compressedSuffix) {
			if !short {
				return false
			}
			break
		}
		if aerr != nil {
			return false
		}
		line, ok := f.peekActive()
		if !ok || line.Seq > c.first {
			return false
		}
		begins = line.Seq
	}
	f.closeFile()
	f.passed, f.seeking = begins-1, f.mark.Seq > 0
	return true
}

func (f *Follower) peekActive() (integrity.Line, bool) {
	in, err := openSegment(f.fs, Segment{Path: f.path})
	if err != nil {
		return integrity.Line{}, false
	}
	defer in.Close()
	return peekLine(in)
}
