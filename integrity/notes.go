// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// ErrNoNotes: nothing in a file is a checkpoint.
var ErrNoNotes = errors.New("there is no checkpoint in it")

// ReadNotes finds the checkpoints in whatever they were kept in: a note alone,
// notes one after the other (a .checkpoints file), a proof, or an export of
// another program in which notes stand in JSON strings, however deep and however
// often escaped. It looks at no structure but that of the notes: from an origin
// on. One that is not whole is an error, and so is a file without any. name is
// that of the file; those of the notes are name:line. Nothing is said about
// whether a note is genuine. It needs memory for the notes, and no more.
func ReadNotes(name string, in io.Reader) ([]Given, error) {
	n := noteFinder{name: name}
	pieces := pieceReader{in: bufio.NewReaderSize(in, 64<<10), line: 1}
	for {
		p, err := pieces.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := n.take(p); err != nil {
			return nil, err
		}
	}
	if err := n.end(); err != nil {
		return nil, err
	}
	if len(n.found) == 0 {
		return nil, fmt.Errorf("%s: %w (one begins with a line %s<chain id>, or is a JSON string that does)", name, ErrNoNotes, originStart)
	}
	return n.found, nil
}

// piece is a part of a file that ends with a LF, with a quotation mark, which
// no note has in it, or with the file.
type piece struct {
	text []byte
	end  byte // '\n', '"', or 0 where more of the same follows, or nothing
	line int
}

// pieceReader cuts a file into pieces, none of which is longer than maxPiece:
// of a longer one, the end of a piece comes again at the beginning of the next
// one, so that a note is whole in one of them.
type pieceReader struct {
	in   *bufio.Reader
	buf  []byte
	line int
	over bool
	eof  bool
}

const (
	maxPiece = 1 << 20
	// maxNote is the longest note in its longest escaped form.
	maxNote = 128 << 10
)

func (r *pieceReader) next() (piece, error) {
	if r.eof {
		return piece{}, io.EOF
	}
	if r.over {
		r.buf = append(r.buf[:0], r.buf[len(r.buf)-maxNote:]...)
	} else {
		r.buf = r.buf[:0]
	}
	r.over = false
	p := piece{line: r.line}
	for {
		c, err := r.in.ReadByte()
		switch {
		case err == io.EOF:
			r.eof = true
			p.text = r.buf
			return p, nil
		case err != nil:
			return p, err
		case c == '\n':
			r.line++
			fallthrough
		case c == '"':
			p.text, p.end = r.buf, c
			return p, nil
		}
		if r.buf = append(r.buf, c); len(r.buf) == maxPiece {
			r.over = true
			p.text = r.buf
			return p, nil
		}
	}
}

// noteFinder puts notes together from pieces.
type noteFinder struct {
	name  string
	found []Given
	open  *openNote // a note in plain text that has begun
}

// The origin line of a note: at the end of a piece it stands in plain text;
// where an escaped line end follows, in a JSON string. A slash may be escaped
// too.
var originPattern = regexp.MustCompile(`auditchain\\*/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// byteOrderMark is what some editors begin a file with.
var byteOrderMark = []byte("\xef\xbb\xbf")

func (n *noteFinder) take(p piece) error {
	if n.open != nil {
		taken, err := n.more(p)
		if taken || err != nil {
			return err
		}
	}
	if !bytes.Contains(p.text, []byte("auditchain")) {
		return nil
	}
	for _, at := range originPattern.FindAllIndex(p.text, -1) {
		rest := p.text[at[1]:]
		switch {
		case len(bytes.TrimSpace(rest)) == 0:
			if p.end != '\n' {
				continue // a word that is no line
			}
			before := bytes.TrimSpace(bytes.TrimPrefix(p.text[:at[0]], byteOrderMark))
			if len(before) > 0 {
				continue // the name in a signature line, or a word in a text
			}
			n.open = &openNote{line: p.line}
			n.open.add(unescape(p.text[at[0]:at[1]]))
		case isEscapedLineEnd(rest):
			if err := n.escaped(p, at[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// escaped reads a note in a JSON string.
func (n *noteFinder) escaped(p piece, at int) error {
	text := p.text[at:]
	if p.end == 0 && len(p.text) == maxPiece {
		if len(text) <= maxNote {
			return nil // the next piece has it whole
		}
		text = text[:maxNote]
	}
	o := openNote{line: p.line}
	for line := range strings.SplitSeq(unescape(text), "\n") {
		if !o.takes(line) {
			break
		}
		o.add(line)
	}
	return n.close(&o)
}

// more adds a piece to the note in plain text that has begun.
func (n *noteFinder) more(p piece) (taken bool, err error) {
	line := string(bytes.TrimSpace(p.text))
	if taken = n.open.takes(line); taken {
		n.open.add(line)
		if p.end == '\n' {
			return true, nil
		}
	}
	// Something else, a quotation mark or the end of the file ends it.
	o := n.open
	n.open = nil
	return taken, n.close(o)
}

func (n *noteFinder) end() error {
	if n.open == nil {
		return nil
	}
	return n.close(n.open)
}

// close takes a note that has ended.
func (n *noteFinder) close(o *openNote) error {
	name := n.name + ":" + strconv.Itoa(o.line)
	note := []byte(strings.Join(o.lines, "\n") + "\n")
	if _, err := parseWholeNote(note); err != nil {
		return fmt.Errorf("%s: a checkpoint begins here that is not whole: %w", name, err)
	}
	n.found = append(n.found, Given{Name: name, Note: note})
	return nil
}

// openNote is the beginning of a note.
type openNote struct {
	line  int
	lines []string
}

// takes reports whether a line can be the next one of the note.
func (o *openNote) takes(line string) bool {
	switch len(o.lines) {
	case 0, 1, 2:
		return true
	case 3:
		return line == ""
	}
	return strings.HasPrefix(line, signatureStart) && len(o.lines) < 4+maxSignatures
}

func (o *openNote) add(line string) { o.lines = append(o.lines, line) }

var (
	escapedEnd = regexp.MustCompile(`^(?:\\+r)?\\+(?:n|u000[aA])`)
	escapedAny = regexp.MustCompile(`\\+(?:u([0-9a-fA-F]{4})|([nrt/]))`)
)

func isEscapedLineEnd(text []byte) bool { return escapedEnd.Match(text) }

// unescape takes the escapes of a JSON string, however often they were escaped
// again, off the text of a note, which itself has no backslash in it.
func unescape(text []byte) string {
	out := escapedAny.ReplaceAllFunc(text, func(m []byte) []byte {
		m = bytes.TrimLeft(m, `\`)
		switch m[0] {
		case 'n':
			return []byte{'\n'}
		case 'r':
			return nil
		case 't':
			return []byte{'\t'}
		case '/':
			return m
		}
		r, _ := strconv.ParseUint(string(m[1:]), 16, 16)
		if r == '\r' {
			return nil
		}
		return []byte(string(rune(r)))
	})
	return strings.TrimRight(string(out), `\`)
}
