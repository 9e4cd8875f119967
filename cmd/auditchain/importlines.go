// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/payload"
)

// olderLines reads a file of the older format once, from its beginning to its
// end, and counts and hashes what it reads.
type olderLines struct {
	in   *lineReader
	read countingReader

	chain *integrity.LegacyChain // nil where tags are not checked
	seen  integrity.Imported     // of what was read so far; whole at the end
	// unsigned are lines without a tag that are not blank, the first of which
	// is firstUnsigned.
	unsigned, firstUnsigned, blank int64
}

// countingReader counts and hashes what is read through it.
type countingReader struct {
	r   io.Reader
	n   int64
	sum hash.Hash
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.sum.Write(p[:n])
	return n, err
}

// newOlderLines reads r, the file of that name. With a key, the tag of each
// line is checked, as far as reading it again can show that it was changed
// meanwhile; what a file is worth as a whole, integrity.VerifyLegacy says.
func newOlderLines(name string, r io.Reader, key []byte) *olderLines {
	o := &olderLines{read: countingReader{r: r, sum: sha256.New()}}
	o.in = newLineReader(&o.read)
	o.seen.File = name
	if key != nil {
		o.chain, o.seen.KeyID = integrity.NewLegacyChain(key), integrity.LegacyKeyID(key)
	}
	return o
}

// olderLine is a line that is not blank, without its tag.
type olderLine struct {
	inputLine
	signed bool
	// wrong is what is wrong with it, "" for nothing.
	wrong string
	// forged says that its tag is not the one that its content should have.
	forged bool
}

// Next returns the next line that is not blank, io.EOF after the last one.
func (o *olderLines) Next() (olderLine, error) {
	for {
		l, err := o.in.Next()
		if err == io.EOF {
			o.seen.Bytes = o.read.n
			o.read.sum.Sum(o.seen.SHA256[:0])
		}
		if err != nil {
			return olderLine{}, err
		}
		o.seen.Lines++
		if !l.TooLong() && isBlank(l.Text) {
			o.blank++
			continue
		}
		return o.take(l), nil
	}
}

func (o *olderLines) take(l inputLine) olderLine {
	line := olderLine{inputLine: l}
	if l.TooLong() {
		line.wrong = fmt.Sprintf("%d bytes, longer than %d", l.Size, maxLine)
		return line
	}
	content, tag, signed, err := integrity.SplitLegacy(l.Text)
	line.Text, line.signed = content, signed
	if l.Number == 1 {
		line.Text = bytes.TrimPrefix(content, bom)
	}
	switch {
	case !signed:
		if o.unsigned++; o.unsigned == 1 {
			o.firstUnsigned = l.Number
		}
		return line
	case err != nil:
		line.wrong = "its tag is not whole"
		return line
	}
	o.seen.Signed++
	o.seen.LastTag = tag.String()
	line.forged = o.chain != nil && o.chain.Next(content) != tag
	return line
}

// importID is the id of the record that a line of a file becomes: always the
// same, so that an import can be run again. It is a UUIDv8 of which the first
// half names the file and the other is the number of the line (docs/SPEC.md,
// section 9).
func importID(file integrity.Hash, line int64) uuid.UUID {
	h := sha256.New()
	h.Write([]byte("auditchain import"))
	h.Write(file[:])
	var id uuid.UUID
	copy(id[:8], h.Sum(nil))
	binary.BigEndian.PutUint64(id[8:], uint64(line)&(1<<62-1)|1<<63)
	id[6] = id[6]&0x0f | 0x80
	return id
}

// importedLine is the inverse of importID, for one file.
func importedLine(file integrity.Hash, id uuid.UUID) (int64, bool) {
	line := int64(binary.BigEndian.Uint64(id[8:]) & (1<<62 - 1))
	return line, importID(file, line) == id
}

// recordID is the attribute that determines a record's id, and sourceID the
// one in which an id of the line itself is kept (docs/SPEC.md, section 6.4).
const (
	recordID = "audit.record.id"
	sourceID = "log.record.uid"
)

// notJSON is wrong with a line that nothing can be made of.
const notJSON = "it is no JSON object"

// importRecord makes the record of a line, all but its id. wrong says why it
// can be none.
func importRecord(text []byte, now time.Time) (r payload.LogRecord, wrong string) {
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(trimmed) {
		return r, notJSON
	}
	r = lineDefaults{}.recordOf(text, now)
	if r.Timestamp == 0 {
		return r, "it states no time that a record can have (timestamp, as RFC 3339)"
	}
	for i := range r.Attributes {
		if r.Attributes[i].Key == recordID {
			r.Attributes[i].Key = sourceID
		}
	}
	if !isAuditEvent(&r) {
		// What is more than an entry has is kept as it is, and found by the
		// same session and provider all the same.
		r.Attributes = append(r.Attributes, lineDefaults{}.attributes(textOf(trimmed, "session_id"), textOf(trimmed, "provider"))...)
	}
	return r, ""
}

func isAuditEvent(r *payload.LogRecord) bool {
	return len(r.EventName) > len(audit.EventPrefix) && r.EventName[:len(audit.EventPrefix)] == audit.EventPrefix
}

// textOf returns a top-level member of a JSON object that is a string, "" where
// there is none.
func textOf(object []byte, name string) (text string) {
	eachMember(object, func(n, value []byte) bool {
		if string(n) != name {
			return true
		}
		if json.Unmarshal(value, &text) != nil {
			text = ""
		}
		return false
	})
	return text
}

// errChanged is what an import ends with where the file was not left alone.
var errChanged = errors.New("the file was changed while it was imported")

// importSource gives the lines of a file that was checked before, from a line
// on, and refuses to go on where it is not what it was then.
type importSource struct {
	lines *olderLines
	want  integrity.Imported
	// from is the first line that is given.
	from int64
	next payload.LogRecord // of the line that was given last
}

func (s *importSource) Next() (inputLine, error) {
	for {
		l, err := s.lines.Next()
		switch {
		case err == io.EOF && s.lines.seen != s.want:
			return inputLine{}, errChanged
		case err != nil:
			return inputLine{}, err
		case l.Number < s.from:
			continue
		}
		r, wrong := importRecord(l.Text, time.Now())
		if l.forged || l.wrong != "" || wrong != "" {
			return inputLine{}, fmt.Errorf("line %d: %w", l.Number, errChanged)
		}
		r.Attributes = append(r.Attributes, attribute.String(recordID, importID(s.want.SHA256, l.Number).String()))
		s.next = r
		return l.inputLine, nil
	}
}

// Waiting is for inputs that come slowly: a file does not.
func (s *importSource) Waiting() bool { return true }

// record is that of the line that Next gave last, for which it is asked next.
func (s *importSource) record(inputLine, []byte, time.Time) payload.LogRecord { return s.next }
