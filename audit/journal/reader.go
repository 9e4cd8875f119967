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

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// Reader reads the lines of a journal in order, through all its files
// (docs/SPEC.md, section 7.3), one of which is open at a time. It does not
// verify them: what it returns is what the files say. That holds for the end
// of a file too, beyond which bytes are abandoned because the next file says
// so: see Abandoned. It is for one goroutine.
type Reader struct {
	path   string // of the file that is read
	in     *bufio.Reader
	closer io.Closer
	buf    []byte
	off    int64
	line   int64
	ended  bool // the last line of the file had no LF

	set       *sequence // the files that follow; nil for a single stream
	over      bool      // nothing more is read of this file
	rest      io.Reader // of this file, beyond where it counts; nil for none
	abandoned int64
	gap       gapFinder
	tail      tornEnd
	held      *Text      // the line that a GapError came before
	stray     *LineError // of the very first file
	err       error      // what ended the reading
}

// Text is a line as it stands in its file, whatever it is.
type Text struct {
	// Bytes is the line without its LF, valid until the next line is read.
	Bytes []byte
	// Whole says that there was an LF.
	Whole bool
	// Number and Offset are the line's place in the file that Path names.
	Number, Offset int64

	line integrity.Line
	err  error // why it is no line of a chain
}

// NewReader opens the journal at path for reading. path is one of
//   - the name of a journal (audit.jsonl): its finished segments are read,
//     oldest first, compressed or not, and then the file that is being
//     written, where there is one;
//   - the name of one finished segment, which alone is read;
//   - a folder that holds one journal, which is read.
//
// It takes no lock. Beyond the watermark, where there is one, the first line
// that is none is what a crash left or what is being written (docs/SPEC.md,
// section 7.2): it and what follows in the file is no part of the chain, and
// not read. Without one it comes as a LineError. What is rotated, compressed or removed meanwhile is followed.
func NewReader(path string) (*Reader, error) {
	set, err := findSequence(vfs.OS, path)
	if err != nil {
		return nil, err
	}
	r := newReader(path, nil)
	r.set = set
	err = r.nextFile()
	if errors.As(err, &r.stray) {
		err = nil
	}
	if err != nil {
		if err == io.EOF {
			err = notExist(path)
		}
		return nil, err
	}
	return r, nil
}

// newReader reads one stream of lines, which path names in errors.
func newReader(path string, in io.Reader) *Reader {
	return &Reader{path: path, in: bufio.NewReaderSize(in, 64<<10)}
}

// Path names the file that the last line, or LineError, came from.
func (r *Reader) Path() string { return r.path }

// Abandoned is how many bytes were not read, so far, because the file behind
// them says that its writer abandoned them (docs/SPEC.md, section 7.3). They
// are no part of the chain; whether that is so, only Verify tells.
func (r *Reader) Abandoned() int64 { return r.abandoned }

// Next returns the next line; it is valid until the next call. Its Number and
// Offset are those in the file that Path names. At the end of the last file
// the error is io.EOF. A line that is none is a *LineError, lines that are
// missing between two files are one *GapError; after both, Next goes on with
// what follows. Any other error ends the reading.
func (r *Reader) Next() (integrity.Line, error) {
	t, err := r.NextText()
	if err != nil {
		return integrity.Line{}, err
	}
	if t.err != nil {
		return integrity.Line{}, &LineError{Path: r.path, Line: t.Number, Offset: t.Offset, Reason: t.err}
	}
	return t.line, nil
}

var errNoNewline = errors.New("line has no newline at its end")

// NextText is Next for a reader that knows other formats too: what is no line
// of a chain comes as it stands; a *LineError is for one longer than
// integrity.MaxLine, and for a file that does not belong where its name says.
// Such a file is passed over.
func (r *Reader) NextText() (Text, error) {
	if r.held != nil {
		t := *r.held
		r.held = nil
		return t, nil
	}
	if stray := r.stray; stray != nil {
		r.stray = nil
		return Text{}, stray
	}
	if r.err != nil {
		return Text{}, r.err
	}
	if r.tail.over {
		// What was written since may be whole.
		r.tail.over = !r.seek(r.off)
	}
	start := r.off
	b, tooLong, err := r.read()
	for err == io.EOF && r.set != nil {
		if err := r.nextFile(); err != nil {
			if stray := (*LineError)(nil); !errors.As(err, &stray) && err != io.EOF {
				r.err = err
			}
			return Text{}, err
		}
		start = r.off
		b, tooLong, err = r.read()
	}
	if err != nil {
		return Text{}, r.fault(start, err)
	}
	r.line++
	t := Text{Bytes: b, Whole: !r.ended, Number: r.line, Offset: start}
	switch {
	case tooLong:
		if r.torn(start) {
			return r.afterTorn()
		}
		r.gap.passBad()
		return Text{}, &LineError{Path: r.path, Line: t.Number, Offset: start, Reason: errTooLong}
	case r.ended:
		t.err = errNoNewline
	default:
		if t.line, t.err = integrity.ParseLine(b); t.err == nil {
			t.line.Number, t.line.Offset = t.Number, start
		}
	}
	if t.err != nil {
		if r.torn(start) {
			return r.afterTorn()
		}
		r.gap.passBad()
		return t, nil
	}
	if behind := uint64(t.Number - 1); r.tail.first == 0 && t.line.Seq > behind {
		r.tail.first = t.line.Seq - behind
	}
	if r.set != nil && r.gap.fresh && t.line.Seq <= r.gap.last {
		last := r.gap.last
		if r.set.opened > 0 {
			r.over, r.rest = true, nil
			return Text{}, strayError(Segment{Path: r.path}, "seq %d of its first line stands behind seq %d", t.line.Seq, last)
		}
		_ = r.gap.pass(t.line.Seq) // said by the error
		r.held = &t
		return Text{}, &LineError{Path: r.path, Line: t.Number, Offset: start, Reason: fmt.Errorf("seq %d stands behind seq %d", t.line.Seq, last)}
	}
	if gap := r.gap.pass(t.line.Seq); gap != nil && r.set != nil {
		gap.Path = r.path
		r.held = &t
		return Text{}, gap
	}
	return t, nil
}

// fault sorts what kept a line from being read. What a compressed file holds
// is like any content: where it is broken it is a bad line, the last one of
// its file.
func (r *Reader) fault(start int64, err error) error {
	if err == io.EOF {
		return err
	}
	var system *fs.PathError
	if r.set != nil && r.set.compressed && !r.over && !errors.As(err, &system) {
		r.over, r.rest = true, nil
		r.line++
		r.gap.passBad()
		return &LineError{Path: r.path, Line: r.line, Offset: start, Reason: fmt.Errorf("what follows cannot be decompressed: %w", err)}
	}
	r.err = fmt.Errorf("%s: byte %d: %w", r.path, start, err)
	return r.err
}

// nextFile goes on to the next file. At the end of the last one it leaves
// that open: a Reader that is asked again finds what was written since.
func (r *Reader) nextFile() error {
	if r.rest != nil {
		n, err := io.Copy(io.Discard, r.rest)
		r.abandoned += n
		r.rest = nil
		if err != nil && !r.set.compressed {
			return err
		}
	}
	f, end, err := r.set.next()
	if stray := (*LineError)(nil); errors.As(err, &stray) {
		r.path, r.line, r.over = stray.Path, 1, true
		return err
	}
	if err != nil {
		return err
	}
	if r.closer != nil {
		_ = r.closer.Close()
	}
	r.path, r.closer = f.Path, f
	r.off, r.line, r.ended, r.over = 0, 0, false, false
	r.tail = tornEnd{}
	r.gap.begin(r.set.takeVanished())
	if end > 0 {
		r.in.Reset(io.LimitReader(f, end))
		r.rest = f
	} else {
		r.in.Reset(f)
	}
	return nil
}

var errTooLong = fmt.Errorf("line is longer than %d bytes", integrity.MaxLine)

// read reads up to a LF, which it takes off. What is beyond MaxLine is read
// and not kept.
func (r *Reader) read() (line []byte, tooLong bool, err error) {
	if r.over {
		return nil, false, io.EOF
	}
	// A buffer that one huge line made stays no longer than that line.
	if r.buf = r.buf[:0]; cap(r.buf) > 1<<20 {
		r.buf = nil
	}
	for {
		part, err := r.in.ReadSlice('\n')
		r.off += int64(len(part))
		if err == nil && len(r.buf) == 0 && !tooLong {
			return part[:len(part)-1], false, nil
		}
		if !tooLong {
			r.buf = append(r.buf, part...)
		}
		if len(r.buf) > integrity.MaxLine {
			tooLong, r.buf = true, nil
		}
		switch {
		case err == nil:
			return bytes.TrimSuffix(r.buf, []byte{'\n'}), tooLong, nil
		case err == io.EOF && (len(r.buf) > 0 || tooLong):
			r.ended = true
			return r.buf, tooLong, nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return nil, false, err
		}
	}
}

// atEnd reports whether nothing follows.
func (r *Reader) atEnd() bool {
	_, err := r.in.Peek(1)
	return err == io.EOF
}

// Close closes the file that is open.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}
