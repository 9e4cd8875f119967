// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
)

// maxLine is the longest line that append and redact take, in bytes without
// its end. It bounds what a hostile input makes them hold, and leaves room
// for a line that grows when it is encoded (journal.MaxRecordBytes).
const maxLine = 32 << 20

// inputLine is one line of an input. The bytes are valid until the next one
// is read.
type inputLine struct {
	// Number counts from 1.
	Number int64
	// Text is the line without its end; nil when it is longer than maxLine.
	Text []byte
	// End is what ended the line: "\n", "\r\n", or "" at the end of the input.
	End string
	// Size is the length of the line without its end, also when it is too
	// long to be held.
	Size int64
}

// TooLong says that the line was longer than maxLine and is not held.
func (l inputLine) TooLong() bool { return l.Text == nil && l.Size > 0 }

// lineReader reads lines in bounded memory.
type lineReader struct {
	r    *bufio.Reader
	long []byte // a line longer than r's buffer
	n    int64
	max  int
	err  error // of the last read: kept, since bufio forgets it
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 256<<10), max: maxLine}
}

// Next returns the next line, io.EOF after the last one. Of a line that a read
// error cut short, what was read of it is returned first, the error then.
func (r *lineReader) Next() (inputLine, error) {
	if r.err != nil {
		return inputLine{}, r.err
	}
	r.long = r.long[:0]
	if cap(r.long) > 1<<20 {
		r.long = nil
	}
	var size int64
	for {
		part, err := r.r.ReadSlice('\n')
		size += int64(len(part))
		if err == bufio.ErrBufferFull {
			// A part that does not fit has no LF: the line is too long,
			// whatever follows. Two bytes more are for CR and LF.
			if len(r.long)+len(part) <= r.max+2 {
				r.long = append(r.long, part...)
			}
			continue
		}
		r.err = err
		if size == 0 {
			return inputLine{}, err
		}
		r.n++
		l := inputLine{Number: r.n, Text: part, Size: size}
		if int64(len(part)) != size {
			if int64(len(r.long)+len(part)) == size {
				r.long = append(r.long, part...)
			}
			l.Text = r.long
		}
		if bytes.HasSuffix(l.Text, []byte("\r\n")) {
			l.End = "\r\n"
		} else if bytes.HasSuffix(part, []byte("\n")) {
			l.End = "\n"
		}
		l.Size -= int64(len(l.End))
		if l.Size > int64(r.max) {
			l.Text = nil
		} else {
			l.Text = l.Text[:l.Size]
		}
		return l, nil
	}
}

// Waiting reports whether a whole line is held already, so that Next would
// not wait for the input.
func (r *lineReader) Waiting() bool {
	held, _ := r.r.Peek(r.r.Buffered())
	return bytes.IndexByte(held, '\n') >= 0
}

// interruptible reads from r until ctx ends. A read that waits for its input
// then is left behind, which is fine where the program ends.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	return &interruptibleReader{ctx: ctx, r: r, buf: make([]byte, 64<<10), done: make(chan readResult, 1)}
}

type interruptibleReader struct {
	ctx  context.Context
	r    io.Reader
	buf  []byte // belongs to the goroutine that reads, until it is done
	left []byte // of buf, not yet given out
	err  error
	done chan readResult
}

type readResult struct {
	n   int
	err error
}

func (r *interruptibleReader) Read(p []byte) (int, error) {
	if len(r.left) == 0 && r.err == nil {
		go func() {
			n, err := r.r.Read(r.buf)
			r.done <- readResult{n, err}
		}()
		select {
		case <-r.ctx.Done():
			r.err = r.ctx.Err()
		case got := <-r.done:
			r.left, r.err = r.buf[:got.n], got.err
		}
	}
	if len(r.left) == 0 {
		return 0, r.err
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}
