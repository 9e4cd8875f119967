// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"strings"

	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// findDuplicate looks for a record of the same id. It returns its line where
// the content is the same too, ErrConflict where it is not, and ErrErased where
// the content is gone.
func (j *Journal) findDuplicate(rec *Record) (*integrity.Line, error) {
	c := &j.c
	e, ok, err := c.ids.find(rec.ID, c.tail, j.history)
	if err != nil || !ok {
		return nil, err
	}
	line, found, err := j.confirm(rec.ID, e)
	if err == nil && !found {
		// The cache was wrong. The journal itself knows better.
		if err := c.ids.rebuild(c.tail, j.history); err != nil {
			return nil, err
		}
		if e, ok = c.ids.byID[rec.ID]; !ok {
			return nil, nil
		}
		line, found, err = j.confirm(rec.ID, e)
	}
	if err != nil || !found {
		return nil, err
	}
	if line.Kind == integrity.Tombstone {
		return nil, ErrErased
	}
	if !sameContent(rec, line.Payload) {
		return nil, ErrConflict
	}
	return &line, nil
}

// confirm reads the line that the cache names for an id, and reports whether
// it is that id's. What cannot be read is not what is not there: then nobody
// knows whether the record is sealed, and it must not be sealed again. Of a line
// that was erased, nothing but the cache says which id it had.
func (j *Journal) confirm(id uuid.UUID, e idEntry) (line integrity.Line, found bool, err error) {
	line, err = j.lineAt(e)
	if isIO(err) {
		return line, false, fmt.Errorf("looking for a record that was sent again: %w", err)
	}
	if err != nil {
		return line, false, nil //nolint:nilerr // no line is there
	}
	if line.Kind == integrity.Tombstone {
		return line, line.Seq == e.seq, nil
	}
	got, ok := lineID(line)
	return line, ok && got == id && line.Seq == e.seq, nil
}

// isIO tells a failure of the system from contents that are not as they should
// be.
func isIO(err error) bool {
	var p *fs.PathError
	return errors.As(err, &p) && !errors.Is(err, fs.ErrNotExist)
}

// sinkMembers are the members that sinks add to a record.
var sinkMembers = [...]string{"observed", "filled", "blind"}

// sameContent compares what the sender determined (docs/SPEC.md, section 6).
// Nearly always the bytes are equal; a sender that emits its attributes in
// another order each time takes the longer way.
func sameContent(rec *Record, stored []byte) bool {
	from, to := rec.ContentFrom, rec.ContentTo
	if from < 0 || to < from || to > len(rec.Payload) {
		return false
	}
	if len(stored) >= to && bytes.Equal(stored[from:to], rec.Payload[from:to]) {
		for _, m := range sinkMembers {
			if bytes.HasPrefix(stored[to:], []byte(`,"`+m+`":`)) {
				return true
			}
		}
	}
	a, okA := content(rec.Payload, from > 0)
	b, okB := content(stored, from > 0)
	return okA && okB && reflect.DeepEqual(a, b)
}

// content returns the members of a payload that the sender determined.
func content(payload []byte, withoutTime bool) (map[string]any, bool) {
	d := json.NewDecoder(io.MultiReader(bytes.NewReader(payload), strings.NewReader("}")))
	d.UseNumber() // numbers are compared as they are written
	var m map[string]any
	if d.Decode(&m) != nil {
		return nil, false
	}
	for _, name := range sinkMembers {
		delete(m, name)
	}
	if withoutTime {
		delete(m, "timestamp")
	}
	return m, true
}

// lineAt reads a line, from its segment or from those about to be written.
func (j *Journal) lineAt(e idEntry) (integrity.Line, error) {
	c := &j.c
	if e.seq < c.tail.First {
		return j.lineOfSegment(e)
	}
	if e.off >= c.written {
		rest := c.buf[min(e.off-c.written, int64(len(c.buf))):]
		line, _, ok := bytes.Cut(rest, []byte{'\n'})
		if !ok {
			return integrity.Line{}, integrity.ErrNoSuffix
		}
		return integrity.ParseLine(line)
	}
	r := newReader(j.path, io.NewSectionReader(c.file, e.off, c.written-e.off))
	r.off = e.off
	return r.Next()
}

// lineOfSegment reads a line of a finished segment.
func (j *Journal) lineOfSegment(e idEntry) (integrity.Line, error) {
	c := &j.c
	if c.segments == nil {
		all, err := listSegments(j.fs, j.path)
		if err != nil {
			return integrity.Line{}, err
		}
		c.segments = all
	}
	var of Segment
	for _, s := range c.segments {
		if s.First > 0 && s.First <= e.seq {
			of = s
		}
	}
	of, ok, err := j.finishedSegment(of.First) // it may be compressed by now
	if err != nil {
		return integrity.Line{}, err
	}
	if !ok {
		return integrity.Line{}, integrity.ErrNoSuffix
	}
	in, err := openSegment(j.fs, of)
	if err != nil {
		return integrity.Line{}, err
	}
	defer in.Close()
	if s, ok := in.(io.Seeker); ok {
		_, err = s.Seek(e.off, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, in, e.off)
	}
	if err != nil {
		return integrity.Line{}, fmt.Errorf("segment %q: %w", of.Path, err)
	}
	r := newReader(of.Path, in)
	r.off = e.off
	return r.Next()
}
