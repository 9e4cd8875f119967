// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"fmt"
	"io"
)

// openFile is a file of the chain with its first line.
type openFile struct {
	source  Source
	closer  io.Closer
	lines   *splitter
	first   chunk
	line    parsed // the first line; not set where the file is empty
	err     error  // why it cannot be read
	segment Segment
	// term is what the first line is under, and says what it says of that.
	term, says term
	// named says that the first line is a chain.segment, and genuine that its
	// tag follows the line that it names as the one before.
	named, genuine bool
}

func openSource(s Source) *openFile {
	f := &openFile{source: s}
	r, err := s.Open()
	if err != nil {
		f.err = &readError{s.File, 0, err}
		return f
	}
	f.closer, f.lines = r, &splitter{r: r}
	if f.first, err = f.lines.next(nil); err != nil && err != io.EOF {
		f.err = &readError{s.File, f.first.off, err}
		return f
	}
	f.line.err = errNoFirstLine
	if !f.empty() {
		var c checker
		f.line, _ = c.parse(f.first.data, 0)
		f.line.checkBytes()
		if f.first.tooLong {
			f.line.err = errTooLong
		}
	}
	return f
}

func (f *openFile) close() {
	if f != nil && f.closer != nil {
		_ = f.closer.Close() // it was only read
		f.closer = nil
	}
}

func (f *openFile) empty() bool { return len(f.first.data) == 0 }

// torn reports whether f has no whole first line.
func (f *openFile) torn() bool { return f != nil && f.err == nil && f.line.err != nil }

// names returns where the file before f ends, when f says so and nobody
// without the key can have made it say so.
func (f *openFile) names() *Position {
	if f == nil || !f.genuine {
		return nil
	}
	return &f.segment.Previous
}

// look reads the chain.segment that f begins with. Its tag is checked on its
// own word: it follows the line that it names as the one before it.
func (v *verification) look(f *openFile) {
	if f == nil || f.line.err != nil || f.line.ControlName() != ControlSegment || ParseControl(f.line.Payload, &f.segment) != nil {
		return
	}
	f.named = true
	s := &f.segment
	f.says = v.ring.term(s.KeyID, s.KeyMode, s.Epoch)
	c := &checker{chain: v.chain(), ring: v.ring}
	// It may say what is not so; but only a chain.key takes the chain to a key
	// that is not at hand.
	under := []term{f.says, v.term}
	switch {
	case !v.term.known || !f.says.known && s.Reason == SegmentKey:
		under = under[:1]
	case !f.says.known:
		under = under[1:]
	}
	for _, t := range under {
		c.use(t)
		if f.term, f.genuine = t, c.follows(s.Previous.Seq, s.Previous.MAC, &f.line); f.genuine {
			return
		}
	}
}

// authentic reports whether the first line of f is genuine: a chain.segment
// or the first line of the chain.
func (v *verification) authentic(f *openFile) bool {
	return f.genuine || v.checker.follows(0, Hash{}, &f.line)
}

// firstOf returns the sequence number that f begins with. A line that is not
// genuine may say anything: then the name counts.
func (v *verification) firstOf(f *openFile) uint64 {
	if f.line.err == nil && (f.source.First == 0 || v.authentic(f)) {
		return f.line.Seq
	}
	return f.source.First
}

// enter judges the first line p of file cur, and with it what the file says
// of the one before. It reports whether p follows the line before.
func (v *verification) enter(cur *openFile, p *parsed, within []byte) bool {
	switch s := cur.source.First; {
	case s == 0 || s == p.Seq || p.err != nil || !v.authentic(cur):
	default:
		v.breaks(&v.file, Bad{Line: 1, Seq: s, Kind: Reordered, Reason: fmt.Sprintf("the name of the file says that it begins with seq %d, and it begins with seq %d", s, p.Seq)})
		return false
	}
	if v.before.lines == 0 {
		return v.enterChain(cur, p, within)
	}
	if cur.genuine {
		return v.seam(cur)
	}
	if v.prev.err != nil && p.err == nil {
		return false // behind what is no line, it has nothing to hold on to
	}
	if v.checker.follows(v.prev.Seq, v.prev.MAC, p) {
		v.breaks(&v.file, Bad{Line: 1, Seq: p.Seq, Kind: Spliced, Reason: "a file that does not begin the chain begins with " + ControlSegment + ", and this one does not: it was no writer that parted them here"})
		return false
	}
	b := badPlace(v.prev.Seq, v.prev.MAC, p)
	v.breaksAt(localBad{bad: b, prevSeq: v.prev.Seq, prevMAC: v.prev.MAC, term: v.term}, within, 0)
	return false
}

// enterChain judges the first line of the first file.
func (v *verification) enterChain(cur *openFile, p *parsed, within []byte) bool {
	var prev Position
	switch {
	case cur.genuine:
		// That the segments before are missing must be accounted for, which is
		// known only in the end, if the file before is not here, and empty.
		if v.empty < 0 || cur.segment.Previous.First != v.in.Files[v.empty].First {
			v.turns.start = &cur.segment
		}
		v.setTerm(cur.term)
		return true
	case cur.named:
		prev = cur.segment.Previous
	}
	if v.checker.follows(0, Hash{}, p) {
		return true
	}
	b := badPlace(prev.Seq, prev.MAC, p)
	v.breaksAt(localBad{bad: b, prevSeq: prev.Seq, prevMAC: prev.MAC, term: v.term}, within, 0)
	return false
}

func (v *verification) setTerm(t term) {
	v.term = t
	v.checker.use(t)
}

// enterBehindEmpty says what an empty file before cur is: one of which the
// lines are missing, or one that does not belong there.
func (v *verification) enterBehindEmpty(cur *openFile) {
	s := v.in.Files[v.empty]
	f := &fileState{index: v.empty, name: s.File}
	if p := cur.names(); p != nil && p.First == s.First {
		v.breaks(f, Bad{Line: 1, Seq: v.prev.Seq + 1, Kind: Missing, Reason: "the file is empty, and held lines up to seq " + formatUint(p.Seq)})
		return
	}
	v.breaks(f, Bad{Line: 1, Seq: v.prev.Seq + 1, Kind: Inserted, Reason: "the file is empty, and the next one does not follow it"})
}

// seam judges what a genuine chain.segment says of the file before it.
func (v *verification) seam(cur *openFile) bool {
	p, b := &cur.segment.Previous, &v.before
	holds := v.prev.err == nil && p.Seq == v.prev.Seq && p.MAC == v.prev.MAC
	at := Bad{Line: 1, Seq: v.prev.Seq + 1}
	if holds && (cur.says.id != v.term.id || cur.says.mode != v.term.mode || cur.says.epoch != v.term.epoch) {
		// The chain itself says what is in force; whoever has a later key could
		// say otherwise.
		at.Kind, at.Reason = Forged, "it says that it is under another key or epoch than the one that is in force there"
		v.breaks(&v.file, at)
		return false
	}
	if !holds {
		v.setTerm(cur.term) // what follows it is under what it says
	}
	if holds && p.First == b.first && p.Size == v.prev.end {
		return true
	}
	switch {
	case v.empty >= 0 && p.First == v.in.Files[v.empty].First: // said already
	case p.First != b.first && holds:
		at.Kind, at.Reason = Spliced, fmt.Sprintf("it names a file that begins with seq %d as the one before it, and that begins with seq %d", p.First, b.first)
		v.breaks(&v.file, at)
	case p.First != b.first && v.prev.err != nil:
		at.Seq = p.First
		at.Kind, at.Reason = Removed, fmt.Sprintf("seq %d to %d are missing before it: the file that held them is not there", p.First, p.Seq)
		v.breaks(&v.file, at)
	case p.First != b.first && p.Seq > v.prev.Seq:
		at.Kind, at.Reason = Removed, fmt.Sprintf("seq %d to %d are missing before it: the files that held them are not there", v.prev.Seq+1, p.Seq)
		v.breaks(&v.file, at)
	case p.First != b.first:
		at.Kind, at.Reason = Reordered, fmt.Sprintf("it begins with seq %d, which belongs after seq %d", cur.line.Seq, p.Seq)
		v.breaks(&v.file, at)
	case b.size < p.Size && v.prev.err != nil && b.endsOpen:
		v.endsInside(b)
	case b.size < p.Size && v.prev.err == nil && v.prev.Seq < p.Seq:
		v.breaks(b, Bad{Line: b.lines + 1, Offset: b.size, Seq: v.prev.Seq + 1, Kind: Missing, Reason: fmt.Sprintf("the file ends here, and the next one follows seq %d of it", p.Seq)})
	case b.bads > 0: // what is wrong with the file before was said
	default:
		v.breaks(b, Bad{Line: b.lines, Offset: b.lastOff, Seq: p.Seq, Kind: Spliced, Reason: "the next file follows another line of this seq: the two are of different histories"})
	}
	return false // it holds on its own word, and ties to nothing before
}

// endsInside makes the last line of file f, which is no line, one that was
// cut off: the next file says that there was more.
func (v *verification) endsInside(f *fileState) {
	i := len(v.report.Bad) - 1
	if i < 0 || int64(i+1) != v.report.BadTotal {
		return // there is no room for it
	}
	if b := &v.report.Bad[i]; b.File == f.name && b.Kind == IllFormed && b.Offset == f.lastOff {
		b.Kind, b.Reason = Missing, "the file ends inside this line"
		if i == v.bad {
			v.scene = nil
		}
	}
}
