// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/auditchain/auditchain/audit/journal"
)

// MaxLine is the longest line that a [Scanner] reads, its LF not counted. A
// journal writes none that is half as long.
const MaxLine = 128 << 20

// Line is one line of a file: an Entry, or why it could not be read.
type Line struct {
	// File is the file that it is from, where Open opened it.
	File string
	// Number is the line's number in the file, from 1.
	Number int64
	// Offset is where it begins, in bytes.
	Offset int64
	// Entry is what the line says. It is not verified.
	Entry Entry
	// Seq is the line's place in the chain; 0 in the older format, which has
	// none.
	Seq uint64
	// MAC is the line's tag, unchecked; zero for an unsigned line of the older
	// format.
	MAC [32]byte
	// Err says why the line could not be read; Entry, Seq and MAC are then
	// zero.
	Err *LineError
}

// LineError is a line that could not be read. It holds nothing of the content.
type LineError struct {
	// File is the file, where Open opened it.
	File   string
	Line   int64
	Offset int64
	// Missing is how many lines are missing before this one, because a file
	// of the journal is; the line itself comes next. It is 0 otherwise.
	Missing uint64
	Reason  string
}

func (e *LineError) Error() string {
	if e.File != "" {
		return fmt.Sprintf("%s: line %d, byte offset %d: %s", e.File, e.Line, e.Offset, e.Reason)
	}
	return fmt.Sprintf("line %d, byte offset %d: %s", e.Line, e.Offset, e.Reason)
}

// Scanner reads the lines of a journal, in the current and in the older format
// (docs/SPEC.md, sections 2 and 9), also mixed. Every line comes, one that
// cannot be read as a Line with an Err: nothing is skipped.
//
// It verifies nothing: see the package documentation. A Scanner belongs to one
// goroutine.
//
//	s := audit.NewScanner(file)
//	for s.Scan() {
//		line := s.Line()
//		if line.Err != nil { … }
//	}
//	err := s.Err()
type Scanner struct {
	r      *bufio.Reader
	buf    []byte
	line   Line
	number int64
	offset int64
	err    error
	max    int
	files  *journal.Reader // of Open, instead of r
}

// NewScanner returns a Scanner that reads from r.
func NewScanner(r io.Reader) *Scanner {
	return &Scanner{r: bufio.NewReaderSize(r, 64<<10), max: MaxLine}
}

// Scan reads the next line, and reports whether there was one.
func (s *Scanner) Scan() bool {
	if s.err != nil {
		return false
	}
	if s.files != nil {
		return s.scanFiles()
	}
	// A buffer that one huge line made stays no longer than that line.
	if s.buf = s.buf[:0]; cap(s.buf) > 1<<20 {
		s.buf = nil
	}
	size, whole, err := s.read()
	if size == 0 && err != nil || err != nil && err != io.EOF {
		s.err = err
		return false
	}
	s.number++
	s.line = Line{Number: s.number, Offset: s.offset}
	s.offset += size

	at := s.line
	switch {
	case size > int64(len(s.buf)):
		err = fmt.Errorf("longer than %d bytes", s.max)
	default:
		err = s.line.parse(s.buf, whole)
	}
	if err != nil {
		at.Err = &LineError{Line: at.Number, Offset: at.Offset, Reason: err.Error()}
		s.line = at
	}
	return true
}

// read reads up to and including the next LF. size counts all that it read,
// also what is not kept because the line is too long.
func (s *Scanner) read() (size int64, whole bool, err error) {
	for {
		part, err := s.r.ReadSlice('\n')
		size += int64(len(part))
		if size <= int64(s.max)+1 {
			s.buf = append(s.buf, part...)
		}
		if err == nil {
			return size, true, nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return size, false, err
		}
	}
}

// Line returns the line that Scan read. It stays valid.
func (s *Scanner) Line() Line { return s.line }

// Err returns the error of the reader that ended the scan, nil at the end of the
// file. Lines that cannot be read are no such error.
func (s *Scanner) Err() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

const (
	seqMark   = `,"seq":`
	macMark   = `,"hmac":"`
	olderMark = "\t#HMAC:"
)

// parse reads a line, in the current format or the older one.
func (l *Line) parse(b []byte, whole bool) error {
	b = bytes.TrimSuffix(b, []byte{'\n'})
	if len(b) == 0 {
		return errors.New("empty")
	}
	if payload, tag, ok := splitOlder(b); ok {
		l.MAC = tag
		return l.decode(payload, true)
	}
	if payload, ok := l.splitSuffix(b); ok {
		if !whole {
			return errors.New("the file ends before the line does: a write was cut short")
		}
		return l.decode(payload, false)
	}
	if err := l.decode(b, true); err != nil {
		// Which format it was meant to be is anyone's guess: say what holds
		// for both.
		return fmt.Errorf(`it does not end in "seq" and "hmac", and is no line of the older format: %w`, err)
	}
	return nil
}

func (l *Line) decode(payload []byte, older bool) (err error) {
	if l.Entry, err = decode(payload); err != nil {
		return err
	}
	if l.Entry.Older != older {
		if older {
			return errors.New("a record of the current format without its suffix")
		}
		return errors.New(`"id" is missing`)
	}
	return nil
}

// splitSuffix takes the suffix of SPEC section 2 off a line.
func (l *Line) splitSuffix(b []byte) (payload []byte, ok bool) {
	const tail = len(`"}`) + 64
	at := bytes.LastIndex(b, []byte(seqMark))
	if at < 0 {
		return nil, false
	}
	rest := b[at+len(seqMark):]
	n := len(rest) - len(macMark) - tail
	if n < 1 || rest[0] < '1' || string(rest[n:n+len(macMark)]) != macMark || string(rest[len(rest)-2:]) != `"}` {
		return nil, false
	}
	seq, err := strconv.ParseUint(string(rest[:n]), 10, 64)
	var mac [32]byte
	if err != nil || !lowerHex(rest[n+len(macMark):len(rest)-2], mac[:]) {
		return nil, false
	}
	l.Seq, l.MAC = seq, mac
	return b[:at], true
}

// splitOlder takes the mark of the older format off a line.
func splitOlder(b []byte) (payload []byte, tag [32]byte, ok bool) {
	at := bytes.LastIndex(b, []byte(olderMark))
	if at < 0 || !lowerHex(b[at+len(olderMark):], tag[:]) {
		return nil, tag, false
	}
	return b[:at], tag, true
}

func lowerHex(b, into []byte) bool {
	if len(b) != 2*len(into) || bytes.ContainsAny(b, "ABCDEF") {
		return false
	}
	_, err := hex.Decode(into, b)
	return err == nil
}
