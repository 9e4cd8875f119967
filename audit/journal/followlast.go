// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/auditchain/auditchain/integrity"
)

// place is where a line begins in a file.
type place struct {
	off    int64
	lines  int64 // before it, in the file
	before Mark  // the line before it; Seq 0 at the beginning of the file
}

// seekLast goes to the n-th last line that matches; with n 0 behind the last
// line. It reads backwards, but for files that are compressed, and no further
// than it must.
func (f *Follower) seekLast(n int, match func(integrity.Line) bool) error {
	for range 100 {
		err := f.trySeekLast(n, match)
		if err != errAgain {
			return err
		}
	}
	return fmt.Errorf("%q: its files are finished faster than they can be opened; try again", f.path)
}

// trySeekLast is seekLast; errAgain is for a file that was rotated away
// before it was opened.
func (f *Follower) trySeekLast(n int, match func(integrity.Line) bool) error {
	if err := f.list(); err != nil {
		return err
	}
	segments := f.files
	for i := len(segments) - 1; i >= 0; i-- {
		if f.isStray(segments[i]) {
			continue
		}
		c, err := openFollowed(f.fs, segments[i])
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if again, err := f.rotatedSince(segments, i); again || err != nil {
			c.close()
			return cmp.Or(err, errAgain)
		}
		if c.seg.First == 0 && !f.nameActive(c) || !f.water.covers(c.first) {
			c.close()
			continue
		}
		limit, final, err := f.limit(c)
		if err != nil {
			c.close()
			return err
		}
		at, found, err := c.findLast(limit, n, match)
		if errors.Is(err, fs.ErrNotExist) {
			c.close()
			continue // it was removed just now
		}
		if err != nil {
			c.close()
			return err
		}
		if n -= found; n > 0 && i > 0 {
			c.close()
			continue
		}
		c.skipTo(at.off, at.lines)
		f.cur, f.passed = c, c.first-1
		if f.mark = at.before; f.mark.Seq > 0 {
			f.check.prev, f.check.known = f.mark.MAC, true
		}
		err = c.allow(limit, final)
		if errors.Is(err, fs.ErrNotExist) {
			f.vanished(c.first)
			return nil
		}
		return err
	}
	return nil
}

// rotatedSince reports whether the file that was being written when segments
// were listed, of which it is the i-th, was finished since.
func (f *Follower) rotatedSince(segments []Segment, i int) (bool, error) {
	if segments[i].First > 0 {
		return false, nil
	}
	var last uint64
	if i > 0 {
		last = segments[i-1].First
	}
	seg, ok, err := f.behind(last, true)
	return ok && seg.First > 0, err
}

// findLast finds the n-th last line that matches before limit, or the
// beginning of the file where there are fewer.
func (c *followedFile) findLast(limit int64, n int, match func(integrity.Line) bool) (at place, found int, err error) {
	if c.plain != nil {
		size, err := c.size()
		if err != nil {
			return at, 0, err
		}
		at, found, ok := c.findBackwards(wholeLines(c.plain, min(limit, size)), n, match)
		if ok {
			return at, found, nil
		}
	}
	return c.findForwards(limit, n, match)
}

// wholeLines is where the last whole line before end ends.
func wholeLines(file io.ReaderAt, end int64) int64 {
	buf := make([]byte, backStep)
	for end > 0 {
		n := min(int64(len(buf)), end)
		if _, err := file.ReadAt(buf[:n], end-n); err != nil {
			return end // whoever reads there says so
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] == '\n' {
				return end - n + i + 1
			}
		}
		end -= n
	}
	return 0
}

// findBackwards is findLast from the end; ok is false where it cannot go on.
func (c *followedFile) findBackwards(end int64, n int, match func(integrity.Line) bool) (at place, found int, ok bool) {
	back := newBackReader(c.plain, end)
	before := func(off int64) place {
		p := place{off: off}
		if line, err := back.next(); err == nil {
			p.before = Mark{line.Seq, line.MAC}
			if line.Seq >= c.first {
				p.lines = int64(line.Seq - c.first + 1) // in a file that is whole
			}
		}
		return p
	}
	if n == 0 {
		return before(end), 0, true
	}
	for {
		from := back.end
		line, err := back.next()
		switch {
		case err == io.EOF:
			return place{}, found, true
		case err != nil && back.end == from:
			return at, 0, false
		case err != nil || match != nil && !match(line):
			continue
		}
		if found++; found == n {
			return before(line.Offset), found, true
		}
	}
}

// findForwards is findLast for a file that can only be read from its
// beginning.
func (c *followedFile) findForwards(limit int64, n int, match func(integrity.Line) bool) (at place, found int, err error) {
	in, err := openSegment(c.fs, c.seg)
	if err != nil {
		return at, 0, err
	}
	defer in.Close()
	r := newReader(c.path, io.LimitReader(in, limit))
	ring := make([]place, 0, min(n, 1024))
	var before Mark
	for {
		p := place{off: r.off, lines: r.line, before: before}
		line, err := r.Next()
		var bad *LineError
		if errors.As(err, &bad) {
			continue
		}
		if err != nil {
			if n == 0 {
				return p, 0, nil
			}
			break // what is broken is reported when it is read
		}
		before = Mark{line.Seq, line.MAC}
		if n == 0 || match != nil && !match(line) {
			continue
		}
		if len(ring) < n {
			ring = append(ring, p)
		} else {
			ring[found%n] = p
		}
		found++
	}
	if found < n {
		return place{}, found, nil
	}
	return ring[found%n], n, nil
}
