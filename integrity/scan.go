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
	err  error // why it is no line
}

// localBad is a bad place in one chunk. index counts lines of the chunk.
type localBad struct {
	bad   Bad
	index int64
	// prevSeq and prevMAC are what the line should have followed.
	prevSeq uint64
	prevMAC Hash
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
	err             error
}

// headLine is the line that the watermark names by its sequence number.
type headLine struct {
	index, off, end int64 // index counts lines of the chunk
	mac             Hash
}

// checker checks the lines of chunks under one key. It is for one goroutine.
type checker struct {
	sealer *Sealer
	leaf   LeafHasher
	head   *Head
	bounds bounds
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

// follows reports whether p is the line after (seq, mac).
func (c *checker) follows(seq uint64, mac Hash, p *parsed) bool {
	return p.err == nil && p.Seq == seq+1 && c.sealer.MAC(mac, p.Seq, p.leaf) == p.MAC
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
	r := &result{chunk: ch, lastForm: -1, stopAt: -1}
	data, off := ch.data, ch.off
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
		holds := first || c.follows(prev.Seq, prev.MAC, &p)
		if first || !holds {
			p.checkBytes()
			holds = first
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
		switch {
		case first:
			r.first = p
		case !holds && (prev.err == nil || p.err != nil):
			// Behind what is no line, a line has nothing to hold on to.
			r.addBad(&prev, &p)
		}
		if holds {
			r.hold(&p, &prev, c.head)
		}
		prev = p
	}
	r.last = prev
	return r
}

// hold counts a line that follows the one before it.
func (r *result) hold(p, prev *parsed, head *Head) {
	if p.err != nil {
		return
	}
	first := r.lines == 1
	switch {
	case first: // the merger counts it
	case r.badTotal == 0:
		r.before.add(p.Kind)
	default:
		r.after.add(p.Kind)
	}
	if r.badTotal == 0 {
		r.lastHolds = *p
	}
	switch {
	case p.Kind != Control:
	case first:
		r.firstSeen.add(p.Line, 0, -1)
	default:
		r.seen.add(p.Line, r.lines-1, prev.Offset)
	}
	if head != nil && p.Seq == head.Seq {
		r.head = &headLine{index: r.lines - 1, off: p.Offset, end: p.end, mac: p.MAC}
	}
}

func (r *result) addBad(prev, p *parsed) {
	r.badTotal++
	if len(r.bads) < MaxBad {
		r.bads = append(r.bads, localBad{
			bad: badPlace(prev.Seq, prev.MAC, p), index: r.lines - 1,
			prevSeq: prev.Seq, prevMAC: prev.MAC,
		})
	}
}

// pipeline reads chunks and checks them on several goroutines; results come
// in the order of the file. The buffer of a result goes back with recycle.
type pipeline struct {
	results chan chan *result
	buffers chan []byte
	wg      sync.WaitGroup
}

func startPipeline(ctx context.Context, s *splitter, first chunk, workers int, newChecker func() *checker) *pipeline {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	depth := workers + 2
	p := &pipeline{results: make(chan chan *result, depth), buffers: make(chan []byte, depth+2)}
	for range depth + 1 {
		p.buffers <- nil // allocated by the splitter, when first needed
	}
	type job struct {
		chunk chunk
		out   chan *result
	}
	jobs := make(chan job)
	for range workers {
		p.wg.Go(func() {
			c := newChecker()
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

func (p *pipeline) recycle(buf []byte) {
	if cap(buf) > 4*chunkSize {
		buf = nil // one long line must not hold its memory for ever
	}
	select {
	case p.buffers <- buf:
	default:
	}
}
