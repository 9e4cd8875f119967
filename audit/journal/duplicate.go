// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"fmt"
	"io"

	"github.com/auditchain/auditchain/integrity"
)

// findDuplicate looks for a record of the same id. It returns its line where
// the content is the same too, and ErrConflict where it is not.
func (j *Journal) findDuplicate(rec *Record) (*integrity.Line, error) {
	c := &j.c
	if c.ids.byID == nil {
		if err := c.ids.load(c.file, c.tail); err != nil {
			// Without the ring, the same record could be sealed twice.
			c.ids.drop()
			return nil, err
		}
		for _, s := range c.ids.staged {
			c.ids.put(s)
		}
	}
	e, ok := c.ids.byID[rec.ID]
	if !ok {
		return nil, nil
	}
	line, err := j.lineAt(e.off)
	if err != nil {
		return nil, fmt.Errorf("earlier record of the same id: %w", err)
	}
	if id, ok := lineID(line); !ok || id != rec.ID || line.Seq != e.seq {
		// The cache was wrong. The line itself decides.
		return nil, nil
	}
	if !sameContent(rec, line.Payload) {
		return nil, ErrConflict
	}
	return &line, nil
}

// sameContent compares what the sender determined (docs/SPEC.md, section 6).
func sameContent(rec *Record, stored []byte) bool {
	from, to := rec.ContentFrom, rec.ContentTo
	if from < 0 || to < from || to > len(rec.Payload) || len(stored) < to {
		return false
	}
	if !bytes.Equal(stored[from:to], rec.Payload[from:to]) {
		return false
	}
	for _, next := range [...]string{`,"observed":`, `,"filled":`, `,"blind":`} {
		if bytes.HasPrefix(stored[to:], []byte(next)) {
			return true
		}
	}
	return false
}

// lineAt reads the line that begins at off, in the file or among those about
// to be written.
func (j *Journal) lineAt(off int64) (integrity.Line, error) {
	c := &j.c
	if off >= c.tail.size {
		rest := c.buf[min(off-c.tail.size, int64(len(c.buf))):]
		line, _, ok := bytes.Cut(rest, []byte{'\n'})
		if !ok {
			return integrity.Line{}, integrity.ErrNoSuffix
		}
		return integrity.ParseLine(line)
	}
	r := newReader(j.path, io.NewSectionReader(c.file, off, c.tail.size-off))
	r.off = off
	return r.Next()
}
