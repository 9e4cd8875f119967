// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
)

// fileState is how far a file was judged.
type fileState struct {
	index int
	name  string
	// first is the sequence number of its first line: what the line says
	// where it is genuine, else what the name says.
	first    uint64
	leaf     Hash // of its first line
	lines    int64
	size     int64 // of what was judged
	bads     int64 // places where the chain does not hold
	endsOpen bool  // the last line has no LF
	lastOff  int64 // where the last line begins
	// rest is what the bytes behind size are.
	rest rest
	// at is where the next file says that this one ends, while it is to be
	// judged what stands behind; nil while it is not.
	at *Position
	// closed says that a writer finished the file and left nothing behind it.
	closed bool
	// beyond counts the lines behind it.
	beyond int64
}

type rest uint8

const (
	restNone      rest = iota
	restTail           // what a crash left
	restAbandoned      // behind the end that the next file names
)

// judgeFile judges one file that is not empty. next is the file after it; nil
// for the last one.
func (v *verification) judgeFile(ctx context.Context, i int, cur, next *openFile) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	v.before, v.file = v.file, fileState{index: i, name: cur.source.File, first: v.firstOf(cur)}
	if v.in.Alone && v.end != nil && cur.source.First != v.end.First && (cur.source.First != 0 || v.authentic(cur) && v.file.first != v.end.First) {
		v.end, v.pinned = nil, -1 // it is about another segment
	}
	b := bounds{limit: math.MaxInt64, tail: v.tailFrom(i, next)}
	if p := next.names(); p != nil && p.First == v.file.first && p.Size >= 0 {
		b.limit = p.Size
		at := *p
		v.file.at = &at
		switch next.segment.Reason {
		case SegmentSize, SegmentAge, SegmentRequest, SegmentKey:
			v.file.closed = true
		}
	}
	v.publish()
	p := startPipeline(ctx, cur.lines, cur.first, v.in.Workers, func() *checker { return v.newChecker(b) })
	err := v.merge(ctx, p, cur, b)
	cancel()
	p.wg.Wait()
	if err != nil {
		return err
	}
	if v.file.rest != restNone {
		// Behind a line that is too long, nothing was split any more.
		n, err := io.Copy(io.Discard, cur.lines.r)
		if errors.Is(err, ErrDamaged) {
			cur.lines.damaged = err
		} else if err != nil {
			return &readError{cur.source.File, v.file.size, err}
		}
		v.measure(n)
	}
	if cur.lines.damaged != nil && v.file.bads == 0 {
		v.breaks(&v.file, Bad{
			Line: v.file.lines + 1, Offset: v.file.size, Seq: v.prev.Seq + 1, Kind: IllFormed,
			Reason: "what follows cannot be decompressed: the compressed file is damaged",
		})
	}
	v.empty = -1
	return nil
}

// tailFrom returns from which byte of file i on an ill-formed line is what a
// crash left, and no tampering: beyond the watermark, and at the end of the
// chain. A writer that crashes while it begins a new file leaves that one
// empty or torn, with the watermark still in the one before.
func (v *verification) tailFrom(i int, next *openFile) int64 {
	last := len(v.in.Files) - 1
	switch {
	case v.end == nil || v.pinned < 0:
	case v.pinned == i && (i == last || i == last-1 && next.torn()):
		return v.end.Size
	case v.pinned < i && i == last:
		return 0
	}
	return math.MaxInt64
}

// merge takes the results of a file in order.
func (v *verification) merge(ctx context.Context, p *pipeline, cur *openFile, b bounds) error {
	for out := range p.results {
		r := <-out
		if r.err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return &readError{cur.source.File, r.chunk.off, r.err}
		}
		data, off := r.chunk.data, r.chunk.off
		if v.file.rest != restNone {
			v.leave(data, off)
			p.recycle(data)
			continue
		}
		r = v.add(r, cur, b)
		v.publish()
		if r.stopAt >= 0 {
			v.file.size = r.stopAt
			v.file.rest = restAbandoned
			if r.tail {
				v.file.rest = restTail
				if v.tail == nil {
					v.tail = &Bad{File: v.file.name, Line: v.file.lines + 1, Offset: r.stopAt}
				}
			}
			v.leave(data[r.stopAt-off:], r.stopAt)
		} else {
			v.file.size = off + int64(len(data))
			v.file.endsOpen = len(data) > 0 && data[len(data)-1] != '\n'
		}
		p.recycle(data)
	}
	return ctx.Err()
}

// publish tells those who check what follows which term is in force.
func (v *verification) publish() {
	t := v.term
	v.latest.Store(&t)
}

// add takes the result of the next chunk of the file. Where it was judged under
// another term than the one in force, it is judged again, and that result
// returned.
func (v *verification) add(r *result, cur *openFile, b bounds) *result {
	within := r.chunk.data
	if n := b.limit - r.chunk.off; n < int64(len(within)) {
		within = within[:max(n, 0)]
	}
	if v.scene != nil && v.badFile == v.file.index {
		v.scene.take(within)
	}
	if r.lines == 0 {
		return r
	}
	if v.file.lines == 0 && v.empty >= 0 {
		v.enterBehindEmpty(cur)
	}
	wasBad := v.broken
	v.checker.use(v.term)
	// The first line of the chunk follows the last of the chunk before, or of
	// the file before.
	var firstHolds, firstGenuine bool
	switch {
	case v.file.lines == 0:
		firstHolds = v.enter(cur, &r.first, within)
		firstGenuine = firstHolds || cur.genuine
		v.file.leaf = r.first.leaf
	case v.prev.err != nil && r.first.err == nil:
		// Behind what is no line, it has nothing to hold on to.
	default:
		firstHolds = v.checker.follows(v.prev.Seq, v.prev.MAC, &r.first)
		firstGenuine = firstHolds
		if !firstHolds {
			b := badPlace(v.prev.Seq, v.prev.MAC, &r.first)
			v.breaksAt(localBad{bad: b, prevSeq: v.prev.Seq, prevMAC: v.prev.MAC, term: v.term}, within, r.chunk.off)
			if t, ok := v.checker.later(v.prev.Seq, v.prev.MAC, &r.first); ok {
				v.term = t
			}
		}
	}
	if !r.start.is(&v.term) || !firstGenuine && r.first.Kind == Control {
		c := v.newChecker(b)
		c.latest, c.skipFirst = nil, !firstGenuine
		c.use(v.term)
		r = c.check(r.chunk)
	}
	nowBad := v.broken
	if firstGenuine {
		v.hold(wasBad || !firstHolds, func(n *counts) { n.add(r.first.Kind) })
		if v.file.lines > 0 && v.prev.changes {
			v.takeEvidence(&turn{seq: r.first.Seq, offset: r.first.Offset, behindChange: true})
		}
		if r.start.known {
			v.evidence.keyed++
		} else {
			v.evidence.unproven++
		}
		v.evidence.underKnown(&r.start, r.first.Seq)
		v.seen.plus(r.firstSeen)
		v.takeTurns(r.firstSeen.turns, v.prev.Offset)
	}
	if firstHolds && !wasBad {
		v.report.LastSeq, v.report.LastMAC = r.first.Seq, r.first.MAC
	}
	v.hold(nowBad, func(n *counts) { n.plus(r.before) })
	if !nowBad && r.lastHolds.Seq != 0 {
		v.report.LastSeq, v.report.LastMAC = r.lastHolds.Seq, r.lastHolds.MAC
	}
	v.hold(true, func(n *counts) { n.plus(r.after) })
	v.evidence.unproven += r.unproven
	v.evidence.keyed += r.before.lines() + r.after.lines() - r.unproven
	if r.knownFrom != 0 {
		v.evidence.underKnown(&term{known: true}, r.knownFrom)
	}
	if r.missingFrom != 0 && v.evidence.missing == nil && !v.broken {
		v.evidence.missing = &missingKey{r.end.id, r.missingFrom}
	}
	if r.spentFrom != 0 && v.evidence.spentFrom == 0 && !v.broken {
		v.evidence.spentFrom = r.spentFrom
	}
	v.seen.plus(r.seen)
	// In the order of the lines: what comes behind a bad place is judged after it.
	until := int64(math.MaxInt64)
	if len(r.bads) > 0 {
		until = r.bads[0].index
	}
	behind := slices.IndexFunc(r.seen.turns, func(t turn) bool { return t.index >= until })
	if behind < 0 {
		behind = len(r.seen.turns)
	}
	v.takeTurns(r.seen.turns[:behind], r.first.Offset)
	for _, b := range r.bads {
		v.breaksAt(b, within, r.chunk.off)
	}
	v.takeTurns(r.seen.turns[behind:], r.first.Offset)
	if more := r.badTotal - int64(len(r.bads)); more > 0 {
		v.report.BadTotal += more
		v.file.bads += more
	}
	if r.head != nil && (firstGenuine || r.head.off != r.first.Offset) {
		v.takeHeadLine(r.head)
	}
	if r.lastForm >= 0 {
		v.lastForm.file, v.lastForm.off = v.file.index, r.lastForm
	}
	v.evidence.grow(r, firstHolds && !v.broken)
	v.prev, v.term = r.last, r.end
	v.file.lastOff = r.last.Offset
	v.file.lines += r.lines
	return r
}

func (v *verification) hold(afterBad bool, add func(*counts)) {
	if !afterBad {
		add(&v.good)
		return
	}
	var n counts
	add(&n)
	v.report.HoldsAfter += n.lines()
}

// takeHeadLine compares the line that has the watermark's sequence number
// with what the watermark says of it.
func (v *verification) takeHeadLine(l *headLine) {
	v.headSeen = true
	if h := v.head; l.after.id != h.KeyID || l.after.known && l.after.epoch != h.Epoch {
		v.evidence.headAhead = true
	}
	if h := v.head; l.mac != h.MAC || l.end != h.Size || v.file.first != h.First {
		v.headLine = &Bad{File: v.file.name, Line: v.file.lines + l.index + 1, Offset: l.off, Seq: h.Seq, Kind: Spliced,
			Reason: "the watermark names another line of this seq: file and watermark are of different histories"}
	}
}

// breaksAt takes a place where the chain does not hold, in the chunk of which
// within is what counts. Its kind is told in the end, from what stands there.
func (v *verification) breaksAt(b localBad, within []byte, off int64) {
	b.bad.Line = v.file.lines + b.index + 1
	if !v.broken {
		v.scene = &scene{prevSeq: b.prevSeq, prevMAC: b.prevMAC, term: b.term}
		v.scene.take(within[min(max(b.bad.Offset-off, 0), int64(len(within))):])
	}
	v.breaks(&v.file, b.bad)
}

// breaks takes a place in file f where the chain does not hold.
func (v *verification) breaks(f *fileState, b Bad) {
	if !v.broken {
		v.broken, v.badFile = true, f.index
		if len(v.report.Bad) < MaxBad {
			v.bad = len(v.report.Bad)
		}
	}
	f.bads++
	b.File = f.name
	v.report.addBad(b)
}

// leave takes bytes that are not judged as lines of the chain.
func (v *verification) leave(data []byte, off int64) {
	v.measure(int64(len(data)))
	f := &v.file
	if f.at == nil {
		return
	}
	if f.closed && len(data) > 0 {
		v.report.addBad(Bad{
			File: f.name, Line: f.lines + 1, Offset: off, Seq: f.at.Seq + 1, Kind: Inserted,
			Reason: "it stands behind the end of a finished file, where its writer left nothing",
		})
		f.at = nil
		return
	}
	// What a crash or a failed sync left there, or what a writer found that
	// went on before it, may be anything but lines that nobody with the key
	// has written.
	v.checker.use(v.term)
	for len(data) > 0 {
		var p parsed
		p, data = v.checker.parse(data, off)
		p.checkBytes()
		off = p.end
		if p.err != nil {
			f.at = nil // as behind a crash: to the end of the file
			return
		}
		f.beyond++
		if v.checker.follows(f.at.Seq, f.at.MAC, &p) {
			f.at.Seq, f.at.MAC = p.Seq, p.MAC
			continue
		}
		b := Bad{
			File: f.name, Line: f.lines + f.beyond, Offset: p.Offset, Seq: f.at.Seq + 1, Kind: Inserted,
			Reason: "it stands behind the end of the file, and nobody with the key has written it there",
		}
		if len(data) > 0 && p.Seq == b.Seq {
			if next, _ := v.checker.parse(data, off); v.checker.follows(p.Seq, p.MAC, &next) {
				b.Kind, b.Reason = Changed, reasonGenuineTag
				f.at.Seq, f.at.MAC = p.Seq, p.MAC
			}
		}
		v.report.addBad(b)
	}
}

func (v *verification) measure(n int64) {
	if v.file.rest == restTail {
		v.report.TailBytes += n
	} else {
		v.report.AbandonedBytes += n
	}
}
