// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/internal/payload"
	"github.com/auditchain/auditchain/processor/redact"
)

// A batch is full at so many lines or so many bytes of input, and at most so
// many batches are under way: that bounds the memory of append, whatever
// comes in and however slow the disk is.
const (
	batchLines = 1000
	batchBytes = 4 << 20
	batchCount = 4
)

// batch is a run of lines, encoded.
type batch struct {
	lines   []batchLine // as many as payload has records, in the same order
	blank   int64
	size    int64
	payload payload.Batch
}

type batchLine struct {
	number  int64
	refused string // why audit.rejected stands in its place
}

// lineSource gives lines: a lineReader, or one that checks what it gives.
type lineSource interface {
	Next() (inputLine, error)
	Waiting() bool
}

// source reads and encodes lines on a goroutine of its own, so that encoding
// and redacting one batch overlaps with committing the one before.
type source struct {
	lines    lineSource
	record   func(l inputLine, text []byte, now time.Time) payload.LogRecord
	defaults lineDefaults
	unread   *payload.Group // the resource of lines too long to be held
	encoder  *payload.Encoder
	key      keyBlock
	prompt   bool // deliver what is there rather than wait for a full batch

	batches chan *batch
	free    chan *batch
	done    chan struct{}
	err     error // set before batches is closed
}

func newSource(in io.Reader, d lineDefaults, r *redact.Redactor, prompt bool) *source {
	s := &source{
		lines:    newLineReader(in),
		defaults: d,
		unread:   d.resource(),
		encoder:  payload.NewEncoder(payload.Options{Redactor: r, MaxRecordBytes: journal.MaxRecordBytes}),
		prompt:   prompt,
		batches:  make(chan *batch, batchCount),
		free:     make(chan *batch, batchCount),
		done:     make(chan struct{}),
	}
	s.record = func(_ inputLine, text []byte, now time.Time) payload.LogRecord {
		return s.defaults.recordOf(s.masked(text), now)
	}
	for range batchCount {
		s.free <- new(batch)
	}
	return s
}

// run reads until the end of the input, an error, or stop.
func (s *source) run() {
	defer close(s.batches)
	var b *batch
	for {
		if b == nil {
			select {
			case b = <-s.free:
			case <-s.done:
				return
			}
		}
		l, err := s.lines.Next()
		if err == nil {
			s.add(b, l)
		}
		full := len(b.lines) >= batchLines || b.size >= batchBytes
		if err != nil || full || s.prompt && !s.lines.Waiting() {
			// There is room: there are no more batches than places.
			s.batches <- b
			b = nil
		}
		if err != nil {
			if err != io.EOF {
				s.err = err
			}
			return
		}
	}
}

// add encodes a line into b.
func (s *source) add(b *batch, l inputLine) {
	now := time.Now()
	text := l.Text
	if l.Number == 1 {
		text = bytes.TrimPrefix(text, bom)
	}
	refused := ""
	switch {
	case l.TooLong():
		s.encoder.Refuse(&b.payload, s.unread, payload.TooLarge, l.Size)
		refused = fmt.Sprintf("%d bytes, longer than %d", l.Size, maxLine)
	case isBlank(text):
		b.blank++
		return
	default:
		r := s.record(l, text, now)
		before := b.payload.Rejected()
		s.encoder.Append(&b.payload, &r)
		switch why := newReason(before, b.payload.Rejected()); why {
		case "":
		case payload.TooLarge:
			refused = fmt.Sprintf("%d bytes, and as a record more than %d", l.Size, journal.MaxRecordBytes)
		default:
			refused = string(why)
		}
	}
	b.lines = append(b.lines, batchLine{l.Number, refused})
	b.size += l.Size
}

// masked is the line without what it has of a private key that began in a line
// before: the redactor sees one line at a time, and could not know it.
func (s *source) masked(line []byte) []byte {
	from, to := s.key.next(line)
	if from == to {
		return line
	}
	return maskKey(line, from, to)
}

// more adds to a group what has been delivered meanwhile, so that a slow disk
// gets fewer and larger commits.
func (s *source) more(group []*batch) []*batch {
	n := len(group[0].lines)
	for n < batchLines {
		select {
		case b, ok := <-s.batches:
			if !ok {
				return group
			}
			group = append(group, b)
			n += len(b.lines)
		default:
			return group
		}
	}
	return group
}

// recycle gives a batch back.
func (s *source) recycle(b *batch) {
	if b.size > 2*batchBytes {
		b = new(batch) // one long line does not keep its memory for good
	}
	b.lines, b.blank, b.size = b.lines[:0], 0, 0
	b.payload.Reset()
	s.free <- b
}

// stop ends run when it next wants a batch. A read that waits for input is
// left behind: the program ends.
func (s *source) stop() { close(s.done) }

// newReason finds the reason that was counted since before: that for which
// the encoder refused the last record, "" for none.
func newReason(before, after []payload.ReasonCount) payload.Reason {
	for _, a := range after {
		if !slices.Contains(before, a) {
			return a.Reason
		}
	}
	return ""
}

// reasonOf is the reason for which the journal refused a record, "" where an
// audit.rejected record would say nothing true about it.
func reasonOf(err error) payload.Reason {
	switch {
	case errors.Is(err, journal.ErrConflict):
		return payload.IDConflict
	case errors.Is(err, journal.ErrErased):
		return payload.Erased
	case errors.Is(err, journal.ErrTooLarge):
		return payload.TooLarge
	}
	return ""
}

// summary says on standard error what was done.
func (s *sealing) summary(path string, j *journal.Journal) {
	fmt.Fprintf(s.warn, "%s: %s read, %d sealed", cleanText(path), count(s.lines, "line"), s.sealed)
	switch {
	case s.sealed == 1:
		fmt.Fprintf(s.warn, " (seq %d)", s.lastSeq)
	case s.sealed > 1:
		fmt.Fprintf(s.warn, " (seq %d to %d)", s.firstSeq, s.lastSeq)
	}
	for _, c := range []struct {
		n    int64
		what string
	}{{s.duplicates, "already there"}, {s.refused, "refused"}, {s.blank, "blank"}} {
		if c.n > 0 {
			fmt.Fprintf(s.warn, ", %d %s", c.n, c.what)
		}
	}
	fmt.Fprintf(s.warn, "; chain %s\n", j.Chain())
	for _, kind := range slices.Sorted(maps.Keys(s.redacted)) {
		fmt.Fprintf(s.warn, "  masked %-28s %d\n", kind, s.redacted[kind])
	}
	if s.interrupted {
		fmt.Fprintf(s.warn, "interrupted after line %d: the lines after it are not in the journal\n", s.lastLine)
	}
}

// appendJSONString appends s as a JSON string.
func appendJSONString(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...) // a string always marshals
	}
	return append(dst, b...)
}
