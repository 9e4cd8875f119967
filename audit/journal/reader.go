// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// Reader reads the lines of a journal in order. It does not verify them. It
// is for one goroutine.
type Reader struct {
	path   string
	in     *bufio.Reader
	closer io.Closer
	buf    []byte
	off    int64
	line   int64
	ended  bool // the last line had no LF
}

// NewReader opens the journal at path for reading. It takes no lock: lines
// that are being written may come as a LineError at the end.
func NewReader(path string) (*Reader, error) {
	f, err := vfs.OS.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, path), f.Close())
	}
	r := newReader(path, io.NewSectionReader(f, 0, 1<<62))
	r.closer = f
	return r, nil
}

func newReader(path string, in io.Reader) *Reader {
	return &Reader{path: path, in: bufio.NewReaderSize(in, 64<<10)}
}

// Next returns the next line; it is valid until the next call. At the end of
// the file the error is io.EOF. A line that is none is a *LineError, after
// which Next goes on with the line behind it.
func (r *Reader) Next() (integrity.Line, error) {
	start := r.off
	b, tooLong, err := r.read()
	if err != nil {
		return integrity.Line{}, err
	}
	r.line++
	fail := func(reason error) (integrity.Line, error) {
		return integrity.Line{}, &LineError{Path: r.path, Line: r.line, Offset: start, Reason: reason}
	}
	switch {
	case tooLong:
		return fail(fmt.Errorf("line is longer than %d bytes", integrity.MaxLine))
	case r.ended:
		return fail(errors.New("line has no newline at its end"))
	}
	line, perr := integrity.ParseLine(b)
	if perr != nil {
		return fail(perr)
	}
	line.Number, line.Offset = r.line, start
	return line, nil
}

// read reads up to a LF, which it takes off. What is beyond MaxLine is read
// and not kept.
func (r *Reader) read() (line []byte, tooLong bool, err error) {
	r.buf = r.buf[:0]
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

// Close closes the file.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// backReader reads lines from an end towards the beginning.
type backReader struct {
	file io.ReaderAt
	end  int64 // behind the LF of the line that comes next
	buf  []byte
	from int64 // offset of buf
}

func newBackReader(file io.ReaderAt, end int64) *backReader {
	return &backReader{file: file, end: end, from: end}
}

const backStep = 256 << 10

func (b *backReader) next() (integrity.Line, error) {
	if b.end == 0 {
		return integrity.Line{}, io.EOF
	}
	for {
		have := b.buf[:b.end-b.from]
		if len(have) > 0 && have[len(have)-1] != '\n' {
			return integrity.Line{}, errors.New("no newline where a line should end")
		}
		start := -1
		if len(have) > 0 {
			if i := bytes.LastIndexByte(have[:len(have)-1], '\n'); i >= 0 || b.from == 0 {
				start = i + 1
			}
		}
		if start >= 0 {
			line, err := integrity.ParseLine(have[start : len(have)-1])
			line.Offset = b.from + int64(start)
			b.end = line.Offset
			return line, err
		}
		if len(have) > integrity.MaxLine {
			return integrity.Line{}, fmt.Errorf("line is longer than %d bytes", integrity.MaxLine)
		}
		step := min(max(backStep, int64(len(have))), b.from)
		grown := make([]byte, step, step+int64(len(have)))
		if _, err := b.file.ReadAt(grown, b.from-step); err != nil {
			return integrity.Line{}, err
		}
		b.buf = append(grown, have...)
		b.from -= step
	}
}

// lastLine reads the line that ends at end.
func lastLine(file io.ReaderAt, end int64) (integrity.Line, error) {
	return newBackReader(file, end).next()
}
