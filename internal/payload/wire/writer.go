// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strconv"

	"github.com/auditchain/auditchain/processor/redact"
)

// maxDepth is how deep maps and slices may nest where there is no redactor to
// say it. Deeper ones are replaced by a marker: neither this package nor the
// readers of JSON recurse for ever.
const maxDepth = redact.DefaultMaxDepth

// tooDeep is the redactor's own marker.
const tooDeep = "[REDACTED:too-deep]"

// What a Writer keeps of its scratch between batches.
const (
	maxKeptKeys  = 4 << 10
	maxKeptBytes = 64 << 10
)

// Writer writes records into batches. It belongs to one goroutine at a time.
type Writer struct {
	o Options
	s *redact.Scanner // nil: nothing is redacted
	// probe looks at what must not count as masked a second time. It is made
	// when it is needed, which few records do.
	probe *redact.Scanner

	// buf is what is being written: a batch's buffer or a group's.
	buf   []byte
	start int // where the record's payload starts in buf
	// stopped: an adapter was told that it may leave its loop.
	stopped bool

	// keys is a stack of maps' keys, redacted; the record's attributes are
	// its bottom.
	keys []key
	seen map[string]struct{} // scratch for many keys
	// pairs: a key pushed since Pairs was asked has siblings to be asked.
	pairs bool

	rec      record
	resource group
	scope    group
	open     *group // the group that is being written
	saved    []byte // the batch's buffer meanwhile

	groups    meta // what a rejection needs of resource and scope
	groupsGen int  // counts the changes of groups

	tally   tally // of the record
	scratch []byte
	entropy entropy
	clock   clock
	now     uint64
}

// NewWriter returns a Writer.
func NewWriter(o Options) *Writer {
	source := o.Rand
	if source == nil {
		source = newKeystream()
	}
	o = o.withDefaults()
	w := &Writer{o: o, entropy: entropy{source: source}}
	if o.Redactor != nil {
		w.s = o.Redactor.Scanner()
	}
	return w
}

// Forget drops every reference into the records and every buffer that a huge
// one blew up. It keeps resource and scope.
func (w *Writer) Forget() {
	w.Pop(0)
	if cap(w.keys) > maxKeptKeys {
		w.keys = nil
	}
	attrs := w.rec.attrs[:0]
	if cap(attrs) > maxKeptKeys {
		attrs = nil
	}
	w.rec = record{attrs: attrs}
	w.tally.reset()
	if cap(w.scratch) > maxKeptBytes {
		w.scratch = nil
	}
	w.buf = nil
}

// ForgetGroups drops resource and scope: the records that follow have none.
func (w *Writer) ForgetGroups() {
	w.resource.forget()
	w.scope.forget()
	w.groups = meta{}
	w.groupsGen++
}

// Tick makes the next reading of the clock a fresh one. Between two Ticks the
// clock stands still.
func (w *Writer) Tick() { w.now = 0 }

func (w *Writer) nowNanos() uint64 {
	if w.now == 0 {
		w.now = uint64(max(1, w.o.Now().UnixNano()))
	}
	return w.now
}

// Over says that the record is already longer than any record may be, so that
// an adapter can leave its loop. What is written may then end anywhere.
func (w *Writer) Over() bool {
	over := len(w.buf)-w.start > w.o.MaxRecordBytes
	w.stopped = w.stopped || over
	return over
}

// Root is the place of a value without a key.
func (w *Writer) Root() redact.Place {
	if w.s == nil {
		return redact.Place{}
	}
	return w.s.Root()
}

// Next is the place of a slice's element; prev is the string element before
// it, "" for none.
func (w *Writer) Next(p redact.Place, prev string) redact.Place {
	if w.s == nil {
		return p
	}
	return w.s.Element(p, prev)
}

func (w *Writer) redacted(p redact.Place, v string) string {
	if w.s != nil {
		v, _ = w.s.Text(p, v)
	}
	return v
}

// probed redacts v, the value of the attribute key, without counting it in the
// record. The tally is a copy.
func (w *Writer) probed(key, v string) (out string, t tally) {
	if w.o.Redactor == nil {
		return v, t
	}
	if w.probe == nil {
		w.probe = w.o.Redactor.Scanner()
	}
	w.probe.Reset()
	out, _ = w.probe.Text(w.probe.Field(w.probe.Root(), key), v)
	t.scanned(w.probe)
	return out, t
}

// Text writes a string.
func (w *Writer) Text(p redact.Place, v string) {
	if w.s != nil {
		v, _ = w.s.Text(p, v)
	}
	w.buf = appendString(w.buf, v)
}

// Null writes an empty value.
func (w *Writer) Null() { w.buf = append(w.buf, "null"...) }

// marked writes marker, where a number is masked.
func (w *Writer) marked(marker string, masked bool) bool {
	if masked {
		w.buf = appendString(w.buf, marker)
	}
	return masked
}

// Bool writes a bool. It is never masked: one bit is no secret.
func (w *Writer) Bool(v bool) { w.buf = strconv.AppendBool(w.buf, v) }

// Int writes an integer.
func (w *Writer) Int(p redact.Place, v int64) {
	if w.s == nil || !w.marked(w.s.Int(p, v)) {
		w.buf = strconv.AppendInt(w.buf, v, 10)
	}
}

// Double writes a double.
func (w *Writer) Double(p redact.Place, v float64) {
	if w.s == nil || !w.marked(w.s.Float(p, v)) {
		w.buf = appendDouble(w.buf, v)
	}
}

// Bytes writes a bytes value.
func (w *Writer) Bytes(p redact.Place, v []byte) {
	if w.s != nil {
		v, _ = w.s.Bytes(p, v)
	}
	w.buf = appendBytes(w.buf, v)
}

// Scratch returns an empty buffer for an adapter's copy of a bytes value, and
// KeepScratch takes it back, grown.
func (w *Writer) Scratch() []byte { return w.scratch[:0] }

// KeepScratch is the other half of Scratch.
func (w *Writer) KeepScratch(b []byte) { w.scratch = b }

// TooDeep says whether a map or a slice at p, below depth others, lies too
// deep to be entered. It then has written a marker in its place.
func (w *Writer) TooDeep(p redact.Place, depth int) bool {
	switch {
	case w.s != nil:
		if !w.s.TooDeep(p) {
			return false
		}
		w.buf = appendString(w.buf, w.s.Refused())
	case depth < maxDepth:
		return false
	default:
		w.buf = appendString(w.buf, tooDeep)
	}
	return true
}

// OpenSlice starts an array.
func (w *Writer) OpenSlice() { w.buf = append(w.buf, '[') }

// Item starts an element of an array. No value ends in '[', so that the last
// byte tells whether one stands before it.
func (w *Writer) Item() {
	if w.buf[len(w.buf)-1] != '[' {
		w.buf = append(w.buf, ',')
	}
}

// CloseSlice ends an array.
func (w *Writer) CloseSlice() { w.buf = append(w.buf, ']') }

// OpenMap starts a map in the given form.
func (w *Writer) OpenMap(f Form) {
	switch f {
	case FormDollar:
		w.buf = append(w.buf, `{"$map":{`...)
	case FormPairs:
		w.buf = append(w.buf, `{"$pairs":[`...)
	default:
		w.buf = append(w.buf, '{')
	}
}

// Entry starts the entry of the i-th key.
func (w *Writer) Entry(f Form, i int) {
	last := w.buf[len(w.buf)-1]
	k := &w.keys[i]
	if f == FormPairs {
		if last != '[' {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(w.buf, '[')
		w.buf = appendString(w.buf, k.name)
		w.buf = append(w.buf, ',')
		return
	}
	if last != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, '"')
	if k.class == keyClean {
		w.buf = append(w.buf, k.name...)
	} else {
		w.buf = appendEscaped(w.buf, k.name)
	}
	w.buf = append(w.buf, '"', ':')
}

// EndEntry ends an entry.
func (w *Writer) EndEntry(f Form) {
	if f == FormPairs {
		w.buf = append(w.buf, ']')
	}
}

// CloseMap ends a map.
func (w *Writer) CloseMap(f Form) {
	switch f {
	case FormDollar:
		w.buf = append(w.buf, '}', '}')
	case FormPairs:
		w.buf = append(w.buf, ']', '}')
	default:
		w.buf = append(w.buf, '}')
	}
}
