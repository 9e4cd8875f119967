// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditcheckpointreceiver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Bounds of what is read.
const (
	// maxNote is far above any note, the signatures of cosigners included.
	maxNote = 16 << 10
	// maxRead is how much is read at once.
	maxRead = 256 << 10
)

// tail follows a file of notes: it says what came since, and where it would go
// on; whoever asks says when it does. It is for one goroutine.
type tail struct {
	path string

	file   os.FileInfo // the file that offset is about; nil for none
	offset int64       // behind the last note that was taken
	last   []byte      // the bytes before offset, to see that they still stand
}

// found is what a look at the file came to.
type found struct {
	notes [][]byte
	// malformed counts what stood between notes and is none.
	malformed int
	// replaced says that the file is not the one that was read before: what is
	// found may have been found before.
	replaced bool
	// more says that the file goes on.
	more bool
	next tail // what the tail is once the notes are taken
	read pcommon.Timestamp
}

// noteStart is how a note begins, at the beginning of a line; no other line of
// a note begins so.
var (
	noteStart = []byte("auditchain/")
	lineStart = []byte("\nauditchain/")
	blankLine = []byte("\n\n")
)

// newest makes the tail begin at the newest note that is whole, or at the end
// where there is none near it.
func (t *tail) newest() error {
	f, info, err := t.open()
	if f == nil {
		return err
	}
	defer f.Close()
	from := max(0, info.Size()-2*maxNote)
	b, err := readAt(f, from, int(info.Size()-from))
	if err != nil {
		return err
	}
	begin := 0
	if from > 0 { // somewhere in a note
		if begin = index(b, 0); begin < 0 {
			begin = len(b)
		}
	}
	newest := begin
	for at := begin; at < len(b); {
		note, n, whole := cut(b[at:])
		if !whole {
			break
		}
		if note != nil {
			newest = at
		}
		at += n
	}
	*t = tail{path: t.path, file: info, offset: from + int64(newest), last: tailOf(b[:newest])}
	return nil
}

// look reads what follows. It changes nothing of t.
func (t *tail) look() (found, error) {
	f, info, err := t.open()
	if f == nil {
		return found{next: *t}, err
	}
	defer f.Close()
	out := found{next: *t}
	next := &out.next
	if t.file == nil {
		*next = tail{path: t.path, file: info}
	}
	if same, err := t.stands(f, info); err != nil {
		return found{next: *t}, err
	} else if !same {
		out.replaced = true
		*next = tail{path: t.path, file: info}
	}
	if info.Size() <= next.offset {
		return out, nil
	}
	b, err := readAt(f, next.offset, int(min(info.Size()-next.offset, maxRead)))
	if err != nil {
		return found{next: *t}, err
	}
	at := 0
	for at < len(b) {
		note, n, whole := cut(b[at:])
		if !whole {
			break
		}
		if note != nil {
			out.notes = append(out.notes, bytes.Clone(note))
		} else if len(bytes.TrimSpace(b[at:at+n])) > 0 {
			out.malformed++
		}
		at += n
	}
	next.last = tailOf(slices.Concat(next.last, b[:at]))
	next.offset += int64(at)
	out.more = at > 0 && next.offset < info.Size()
	return out, nil
}

// open opens the file; nil where it is not there.
func (t *tail) open() (*os.File, os.FileInfo, error) {
	// Opening anything but a regular file could wait for ever (a FIFO).
	info, err := os.Stat(t.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%q is not a regular file", t.path)
	}
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// stands reports whether the file is the one that was read before, and what
// was taken of it still stands in it.
func (t *tail) stands(f *os.File, info os.FileInfo) (bool, error) {
	switch {
	case t.file == nil:
		return true, nil
	case !os.SameFile(t.file, info) || info.Size() < t.offset:
		return false, nil
	}
	b, err := readAt(f, t.offset-int64(len(t.last)), len(t.last))
	return bytes.Equal(b, t.last), err
}

// tailOf is what is remembered of what was read.
func tailOf(b []byte) []byte { return bytes.Clone(b[max(0, len(b)-512):]) }

// readAt reads n bytes, or fewer where the file was cut meanwhile.
func readAt(f *os.File, off int64, n int) ([]byte, error) {
	b := make([]byte, n)
	n, err := f.ReadAt(b, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

// index finds where a note begins, from an offset on; -1 where none does.
func index(b []byte, from int) int {
	if i := bytes.Index(b[from:], lineStart); i >= 0 {
		return from + i + 1
	}
	return -1
}

// cut takes the first note off b, and says how many bytes it and the empty
// line behind it have. note is nil where those bytes are no note. whole is
// false where more must be read before anything can be said.
func cut(b []byte) (note []byte, n int, whole bool) {
	next := index(b, 0)
	if !bytes.HasPrefix(b, noteStart) {
		switch {
		case next > 0:
			return nil, next, true
		case len(b) > maxNote:
			// Garbage, of which the end may be the beginning of a beginning.
			return nil, len(b) - len(lineStart), true
		}
		return nil, 0, false
	}
	near := b[:min(len(b), maxNote+1)] // a note and the empty line behind it
	if text := bytes.Index(near, blankLine); text >= 0 {
		if sigs := bytes.Index(near[text+2:], blankLine); sigs >= 0 {
			end := text + 2 + sigs + 1 // the LF of the last signature
			if next < 0 || end < next {
				return b[:end], end + 1, true
			}
		}
	}
	switch {
	case next > 0: // it was never finished
		return nil, next, true
	case len(b) > maxNote:
		return nil, len(b) - len(lineStart), true
	}
	return nil, 0, false
}
