// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// MaxLine is the longest line that is read, in bytes: memory stays bounded
// whatever a file holds.
const MaxLine = 128 << 20

// chunkSize is how much one worker takes at a time. Each chunk holds whole
// lines; a longer line gets a chunk of its own.
const chunkSize = 1 << 20

var (
	errNoNewline = errors.New("line has no newline at its end")
	errTooLong   = errors.New("line is longer than 128 MiB")
)

// chunk is a run of whole lines of a file. The last one of a file may end in
// a line without LF.
type chunk struct {
	data []byte
	off  int64
	// tooLong says that data is the beginning of a line longer than MaxLine.
	tooLong bool
}

// splitter cuts a stream into chunks.
type splitter struct {
	r     io.Reader
	off   int64
	carry []byte // the beginning of a line, not yet given out
	eof   bool
	// damaged is why the stream ends before its end, where it is compressed.
	damaged error
}

// ErrDamaged is what the reader of a Source returns, wrapped, where a
// compressed file cannot be decompressed further: that is a bad place of the
// chain, and not a file that nobody can read.
var ErrDamaged = errors.New("the compressed file is damaged")

// next fills buf, growing it where a line needs it, and returns a chunk that
// shares its memory. io.EOF comes after the last chunk.
func (s *splitter) next(buf []byte) (chunk, error) {
	buf = append(buf[:0], s.carry...)
	s.carry = s.carry[:0]
	want := chunkSize
	for {
		for !s.eof && len(buf) < want {
			if cap(buf) < want {
				buf = append(make([]byte, 0, want), buf...)
			}
			n, err := s.r.Read(buf[len(buf):want])
			buf = buf[:len(buf)+n]
			switch {
			case err == io.EOF:
				s.eof = true
			case errors.Is(err, ErrDamaged):
				s.eof, s.damaged = true, err
			case err != nil:
				return chunk{off: s.off + int64(len(buf))}, err
			}
		}
		if len(buf) == 0 {
			return chunk{off: s.off}, io.EOF
		}
		end := len(buf)
		if !s.eof {
			end = bytes.LastIndexByte(buf, '\n') + 1
		}
		if end == 0 {
			if len(buf) >= MaxLine {
				return chunk{data: buf, off: s.off, tooLong: true}, nil
			}
			want = min(2*len(buf), MaxLine)
			continue
		}
		s.carry = append(s.carry, buf[end:]...)
		c := chunk{data: buf[:end], off: s.off}
		s.off += int64(end)
		return c, nil
	}
}

// counts is lines by kind.
type counts struct{ records, controls, tombstones int64 }

func (c *counts) add(k Kind) {
	switch k {
	case Record:
		c.records++
	case Control:
		c.controls++
	case Tombstone:
		c.tombstones++
	}
}

func (c *counts) plus(d counts) {
	c.records += d.records
	c.controls += d.controls
	c.tombstones += d.tombstones
}

func (c counts) lines() int64 { return c.records + c.controls + c.tombstones }

// parsed is a line with what checking it takes.
type parsed struct {
	Line
	leaf Hash
	end  int64 // offset behind its LF
	// changes says that it is a chain.key or a chain.signer, behind which a new
	// file comes.
	changes bool
	err     error // why it is no line
}

// localBad is a bad place in one chunk. index counts lines of the chunk.
type localBad struct {
	bad   Bad
	index int64
	// prevSeq and prevMAC are what the line should have followed, and term
	// what was in force.
	prevSeq uint64
	prevMAC Hash
	term    term
}

// result is what a worker found in one chunk, with the chunk's first line
// left to the merger, who knows the line before it.
type result struct {
	chunk chunk
	lines int64
	first parsed
	// before and after count the lines that hold, without the first, before
	// and after the first bad place of the chunk.
	before, after counts
	bads          []localBad
	badTotal      int64
	last          parsed // the last line of the chunk
	lastHolds     parsed // the last line before the first bad place
	lastForm      int64  // offset of the last well-formed line, -1 when none
	head          *headLine
	stopAt        int64 // where what is judged ends within the chunk, -1 when it does not
	tail          bool  // because a crash tail begins there
	// firstSeen is what the first line says, seen what the others that hold
	// say.
	firstSeen, seen controlsSeen
	// start is the term that the lines were judged under from the first on,
	// end that behind the last of them. unproven counts lines that hold under
	// a term of which the key is not at hand, without the first.
	start, end term
	unproven   int64
	// knownFrom is the first line under a key at hand, where the lines before
	// were under none, and missingFrom the first one that is not, where those
	// before were; spentFrom likewise, where the key is at hand and further.
	knownFrom, missingFrom, spentFrom uint64
	// tree are the leaves of the chunk; treeOK says that they are those of
	// successive lines.
	tree   Range
	treeOK bool
	err    error
}

// headLine is the line that the watermark names by its sequence number.
type headLine struct {
	index, off, end int64 // index counts lines of the chunk
	mac             Hash
	after           term // in force behind it
}

// checker checks the lines of chunks under one key. It is for one goroutine.
type checker struct {
	chain  ChainID
	ring   *ring
	term   term
	sealer *Sealer // of term; nil where its key is not at hand
	leaf   LeafHasher
	head   *Head
	bounds bounds
	// tree says that the chain has one, which is to be computed; sizes are
	// those of which the root is asked for.
	tree  bool
	sizes map[uint64]bool
	// latest is the term behind the part that was judged last, where parts are
	// judged side by side; nil where the term is known.
	latest *atomic.Pointer[term]
	// skipFirst says that the first line is not genuine: what it says is not
	// heard.
	skipFirst bool
}

// bounds are where in a file the judging of lines ends, in bytes.
type bounds struct {
	// limit is where the file ends as the next one names it.
	limit int64
	// tail is from where on an ill-formed line is what a crash left.
	tail int64
}

// unbounded is a file of which every byte counts.
var unbounded = bounds{limit: math.MaxInt64, tail: math.MaxInt64}

// parse takes one line off data, which must not be empty.
func (c *checker) parse(data []byte, off int64) (parsed, []byte) {
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		return parsed{Line: Line{Offset: off}, end: off + int64(len(data)), err: errNoNewline}, nil
	}
	line, rest := data[:i], data[i+1:]
	p := parsed{end: off + int64(i) + 1}
	p.Line, p.err = parseLine(line)
	p.Offset = off
	if p.err == nil {
		p.leaf = p.Line.Leaf(&c.leaf)
		p.changes = p.Kind == Control && (bytes.HasPrefix(p.Payload, keyStart) || bytes.HasPrefix(p.Payload, signerStart))
	}
	return p, rest
}

// checkBytes completes parse for a line whose tag does not prove it: one with
// a byte below 0x20 is no line, but what a crash left.
func (p *parsed) checkBytes() {
	if p.err == nil && hasControlByte(p.Payload) {
		p.err = ErrBadByte
	}
}

// follows reports whether p is the line after (seq, mac), as far as the key at
// hand tells.
func (c *checker) follows(seq uint64, mac Hash, p *parsed) bool {
	return p.err == nil && p.Seq == seq+1 && (c.sealer == nil || c.sealer.MAC(mac, p.Seq, p.leaf) == p.MAC)
}

// badPlace says in which way p is bad, as far as p alone tells.
func badPlace(seq uint64, mac Hash, p *parsed) Bad {
	b := Bad{Offset: p.Offset, Seq: seq + 1}
	switch {
	case p.err != nil:
		b.Kind, b.Reason = IllFormed, p.err.Error()
	case p.Seq == seq+1:
		b.Kind, b.Reason = Changed, "its tag does not fit its content and the line before it"
	case p.Seq > seq+1:
		b.Kind, b.Reason = Removed, "lines before it are missing"
	case p.Seq == seq && p.MAC == mac:
		b.Kind, b.Reason = Duplicated, "the line before it stands here again"
	default:
		b.Kind, b.Reason = Reordered, "an earlier line stands here again"
	}
	return b
}

// check checks all lines of a chunk but the first against the line before.
func (c *checker) check(ch chunk) *result {
	r := &result{chunk: ch, lastForm: -1, stopAt: -1, treeOK: c.tree}
	data, off := ch.data, ch.off
	if c.latest != nil {
		c.use(c.guessAt(*c.latest.Load(), ch))
	}
	r.start = c.term
	var prev parsed
	for len(data) > 0 {
		if off >= c.bounds.limit {
			r.stopAt = off
			break
		}
		var p parsed
		p, data = c.parse(data, off)
		if ch.tooLong {
			p.err = errTooLong
		}
		first := r.lines == 0
		if first || c.sealer == nil {
			p.checkBytes() // no tag proves it
		}
		holds := first || c.follows(prev.Seq, prev.MAC, &p)
		if !holds {
			p.checkBytes()
		}
		if p.err != nil && off >= c.bounds.tail {
			r.stopAt, r.tail = off, true
			break
		}
		off = p.end
		r.lines++
		if p.err == nil {
			r.lastForm = p.Offset
		}
		if !holds && prev.err == nil && r.badTotal < maxResync {
			if t, ok := c.later(prev.Seq, prev.MAC, &p); ok {
				// Nobody with a key has put it there without what belongs
				// between; but what follows is under this term.
				if r.badTotal == 0 {
					r.addBad(&prev, &p, c.term)
				}
				c.use(t)
				holds = true
			}
		}
		switch {
		case first:
			r.first = p
		case !holds && (prev.err == nil || p.err != nil):
			// Behind what is no line, a line has nothing to hold on to.
			r.addBad(&prev, &p, c.term)
		}
		if first {
			r.tree = NewRange(p.Seq - 1)
		}
		if holds && p.err == nil && (!first || !c.skipFirst) {
			r.hold(&p, &prev, c)
		}
		if r.treeOK {
			r.grow(&p, prev.Seq, first, holds, c)
		}
		prev = p
	}
	r.last, r.end = prev, c.term
	return r
}

// guessAt guesses the term that a chunk begins under.
func (c *checker) guessAt(t term, ch chunk) term {
	if ch.tooLong || len(ch.data) == 0 {
		return t
	}
	first, rest := c.parse(ch.data, ch.off)
	if len(rest) == 0 {
		return t
	}
	second, _ := c.parse(rest, first.end)
	return c.guess(t, &first, &second)
}

// grow adds the leaf of a line to the tree.
func (r *result) grow(p *parsed, before uint64, first, holds bool, c *checker) {
	if p.err != nil || !holds || !first && p.Seq != before+1 {
		r.treeOK = false
		return
	}
	r.tree.Add(p.leaf)
	if c.sizes[p.Seq] {
		prefix := r.tree.Clone()
		seen := &r.seen
		if first {
			seen = &r.firstSeen
		}
		seen.turns = append(seen.turns, turn{seq: p.Seq, index: r.lines - 1, offset: p.Offset, sized: true, prefix: &prefix})
	}
}

// hold counts a line that follows the one before it.
func (r *result) hold(p, prev *parsed, c *checker) {
	first := r.lines == 1
	switch {
	case first: // it is counted by whoever knows whether it holds
	case r.badTotal == 0:
		r.before.add(p.Kind)
	default:
		r.after.add(p.Kind)
	}
	if r.badTotal == 0 {
		r.lastHolds = *p
	}
	if c.sealer == nil && !first {
		r.unproven++
	}
	under := c.term
	next, well := c.ring.behind(c.term, &p.Line)
	c.use(next)
	switch {
	case !under.known && next.known:
		r.knownFrom = p.Seq + 1
	case under.known && !next.known && c.ring.further(&next):
		r.spentFrom = p.Seq + 1
	case under.known && !next.known:
		r.missingFrom = p.Seq + 1
	}
	seen, before := &r.seen, prev.Offset
	if first {
		seen, before = &r.firstSeen, -1
	}
	if p.Kind != Control {
		seen.lastRecord = p.Seq
	}
	if !first && prev.changes {
		seen.turns = append(seen.turns, turn{seq: p.Seq, index: r.lines - 1, offset: p.Offset, behindChange: true})
	}
	if p.Kind == Record {
		seen.records++
	} else {
		at := turn{seq: p.Seq, index: r.lines - 1, offset: p.Offset, before: before, prevMAC: prev.MAC, under: under, malformed: !well}
		if r.treeOK {
			at.prefix = &r.tree // as it is before this line
		}
		seen.add(p, at)
	}
	if c.head != nil && p.Seq == c.head.Seq {
		r.head = &headLine{index: r.lines - 1, off: p.Offset, end: p.end, mac: p.MAC, after: c.term}
	}
	if s := &c.ring.state; s.Seq != 0 && s.Seq == p.Seq {
		seen.stateAt, seen.stateMAC = p.Seq, p.MAC
	}
}

func (r *result) addBad(prev, p *parsed, t term) {
	r.badTotal++
	if len(r.bads) < MaxBad {
		r.bads = append(r.bads, localBad{
			bad: badPlace(prev.Seq, prev.MAC, p), index: r.lines - 1,
			prevSeq: prev.Seq, prevMAC: prev.MAC, term: t,
		})
	}
}

// pipeline reads chunks and checks them on several goroutines; results come
// in the order of the file. The buffer of a result goes back with recycle.
type pipeline struct {
	results chan chan *result
	buffers chan []byte
	drained chan struct{} // a chunk that isLong was judged
	wg      sync.WaitGroup
}

func startPipeline(ctx context.Context, s *splitter, first chunk, workers int, newChecker func() *checker) *pipeline {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	depth := workers + 2
	p := &pipeline{results: make(chan chan *result, depth), buffers: make(chan []byte, depth+2), drained: make(chan struct{}, 1)}
	for range depth + 1 {
		p.buffers <- nil // allocated by the splitter, when first needed
	}
	type job struct {
		chunk chunk
		out   chan *result
	}
	jobs := make(chan job)
	for range workers {
		c := newChecker() // here: what it looks at is the merger's from then on
		p.wg.Go(func() {
			for j := range jobs {
				j.out <- c.check(j.chunk)
			}
		})
	}
	p.wg.Go(func() {
		defer close(p.results)
		defer close(jobs)
		ch, err := first, error(nil)
		for {
			out := make(chan *result, 1)
			if err != nil {
				out <- &result{chunk: ch, err: err}
				select {
				case p.results <- out:
				case <-ctx.Done():
				}
				return
			}
			select {
			case p.results <- out:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- job{ch, out}:
			case <-ctx.Done():
				out <- &result{chunk: ch, err: ctx.Err()}
				return
			}
			if ch.tooLong {
				return
			}
			if isLong(ch.data) {
				// One at a time: a few kilobytes of a compressed file can be
				// many lines of the largest size.
				ch.data = nil
				select {
				case <-p.drained:
				case <-ctx.Done():
					return
				}
			}
			var buf []byte
			select {
			case buf = <-p.buffers:
			case <-ctx.Done():
				return
			}
			if ch, err = s.next(buf); err == io.EOF {
				return
			}
		}
	})
	return p
}

// isLong reports whether the memory of a chunk is that of a long line.
func isLong(buf []byte) bool { return cap(buf) > 4*chunkSize }

func (p *pipeline) recycle(buf []byte) {
	if isLong(buf) {
		buf = nil // one long line must not hold its memory for ever
		p.drained <- struct{}{}
	}
	select {
	case p.buffers <- buf:
	default:
	}
}
