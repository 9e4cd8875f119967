// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"

	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// findDuplicate looks for a record of the same id. It returns its line where
// the content is the same too, and ErrConflict where it is not.
func (j *Journal) findDuplicate(rec *Record) (*integrity.Line, error) {
	c := &j.c
	e, ok, err := c.ids.find(rec.ID, c.file, c.tail)
	if err != nil || !ok {
		return nil, err
	}
	line, found := j.confirm(rec.ID, e)
	if !found {
		// The cache was wrong. The journal itself knows better.
		c.ids.rebuild(c.file, c.tail)
		if e, ok = c.ids.byID[rec.ID]; !ok {
			return nil, nil
		}
		if line, found = j.confirm(rec.ID, e); !found {
			return nil, nil
		}
	}
	if !sameContent(rec, line.Payload) {
		return nil, ErrConflict
	}
	return &line, nil
}

// confirm reads the line that the cache names for an id, and reports whether
// it is that id's.
func (j *Journal) confirm(id uuid.UUID, e idEntry) (integrity.Line, bool) {
	line, err := j.lineAt(e.off)
	if err != nil {
		return line, false
	}
	got, ok := lineID(line)
	return line, ok && got == id && line.Seq == e.seq
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

// lineAt reads the line that begins at off, in the file or among those about
// to be written.
func (j *Journal) lineAt(off int64) (integrity.Line, error) {
	c := &j.c
	if off >= c.written {
		rest := c.buf[min(off-c.written, int64(len(c.buf))):]
		line, _, ok := bytes.Cut(rest, []byte{'\n'})
		if !ok {
			return integrity.Line{}, integrity.ErrNoSuffix
		}
		return integrity.ParseLine(line)
	}
	r := newReader(j.path, io.NewSectionReader(c.file, off, c.written-off))
	r.off = off
	return r.Next()
}
