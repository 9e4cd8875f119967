// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"context"
	"errors"
	"io"
)

// Input is what a verification judges.
type Input struct {
	// File is the name that the report gives the file.
	File string
	// Lines is the file, from its first byte to the end of what is judged.
	Lines io.Reader
	// Key is the key of the chain.
	Key Key
	// Head is the contents of the watermark file; nil when there is none.
	Head []byte
	// Workers is the number of goroutines; 0 means one a processor.
	Workers int
}

// verification is one run of Verify.
type verification struct {
	in      Input
	report  *Report
	head    *Head
	headErr error
	genesis Genesis
	genErr  error
	seen    controlsSeen

	prev     parsed // the line before, in the order of the file
	line     int64  // lines merged
	good     counts
	scene    *scene
	lastForm int64
	headLine *parsed
	size     int64
	tailAt   int64
	endsOpen bool // the file's last line has no LF
}

// Verify verifies a chain, in constant memory and on several goroutines. It
// returns a report also when ctx ends or reading fails: then the verdict is
// CannotVerify.
func Verify(ctx context.Context, in Input) *Report {
	ctx, cancel := context.WithCancel(ctx)
	v := &verification{
		in: in, lastForm: -1, tailAt: -1,
		report: &Report{File: in.File, Format: "auditchain/v1", KeyID: in.Key.ID(), Proven: []string{}, NotProven: []string{}},
	}
	if in.Key.IsZero() {
		cancel()
		v.report.KeyID = ""
		return v.report.cannot("there is no key to verify with")
	}
	head, degraded, err := ParseHead(in.Head, in.Key)
	if err == nil {
		v.head = &head
		v.report.Watermark = &Watermark{Seq: head.Seq, MAC: head.MAC, Time: head.Time, Degraded: degraded}
	}
	v.headErr = err

	s := &splitter{r: in.Lines}
	first, err := s.next(nil)
	if err != nil && err != io.EOF {
		cancel()
		return v.report.cannot("the file cannot be read at byte %d: %v", first.off, err)
	}
	chain, known := v.begin(first)
	if len(first.data) > 0 && known {
		newChecker := func() *checker { return &checker{sealer: NewSealer(in.Key, chain), head: v.head} }
		p := startPipeline(ctx, s, first, in.Workers, newChecker)
		err := v.merge(ctx, p, newChecker())
		cancel()
		p.wg.Wait()
		if err != nil {
			return v.report.cannot("%v", err)
		}
		if v.tailAt >= 0 {
			// Behind a line that is too long, nothing was split any more.
			n, _ := io.Copy(io.Discard, in.Lines)
			v.report.TailBytes += n
		}
	}
	cancel()
	if len(first.data) > 0 && !known {
		return v.unknownChain(first)
	}
	return v.conclude(chain)
}

// begin finds out which chain the file says it is.
func (v *verification) begin(first chunk) (ChainID, bool) {
	var c checker
	v.genErr = errors.New("the file is empty")
	if len(first.data) > 0 {
		p, _ := c.parse(first.data, 0)
		p.checkBytes()
		if v.genErr = p.err; p.err == nil {
			v.genesis, v.genErr = ParseGenesis(p.Line)
		}
	}
	switch {
	case v.head != nil:
		// The watermark is authentic, so its chain id is that of the key's
		// chain, whatever the first line says.
		v.report.Chain = v.head.Chain.String()
		return v.head.Chain, true
	case v.genErr == nil:
		v.report.Chain = v.genesis.Chain.String()
		return v.genesis.Chain, true
	}
	return ChainID{}, false
}

// unknownChain is the report where neither the first line nor a watermark
// says which chain it is: no tag can be checked.
func (v *verification) unknownChain(first chunk) *Report {
	var c checker
	p, _ := c.parse(first.data, 0)
	if p.err != nil || p.Seq == 1 {
		return v.report.cannot("the first line is no %s record and there is no valid watermark: this is not a journal, or its first line was altered", ControlGenesis)
	}
	v.report.Verdict = Tampered
	v.report.addBad(Bad{Line: 1, Seq: 1, Kind: Removed, Reason: "the file begins with a later line: those before it are missing"})
	v.report.notProven("every line: without the first line (or a watermark) nothing says which chain this is")
	return v.report
}

// merge takes the results in order.
func (v *verification) merge(ctx context.Context, p *pipeline, c *checker) error {
	for out := range p.results {
		r := <-out
		if r.err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return &readError{r.chunk.off, r.err}
		}
		v.add(r, c)
		if r.tailAt >= 0 {
			v.size = r.tailAt
			v.tailAt = r.tailAt
			// What follows is only measured.
			v.report.TailBytes = int64(len(r.chunk.data)) - (r.tailAt - r.chunk.off)
			p.recycle(r.chunk.data)
			return v.measure(ctx, p)
		}
		v.size = r.chunk.off + int64(len(r.chunk.data))
		v.endsOpen = len(r.chunk.data) > 0 && r.chunk.data[len(r.chunk.data)-1] != '\n'
		p.recycle(r.chunk.data)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// measure counts the bytes behind the beginning of a crash tail.
func (v *verification) measure(ctx context.Context, p *pipeline) error {
	for out := range p.results {
		r := <-out
		if r.err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return &readError{r.chunk.off, r.err}
		}
		v.report.TailBytes += int64(len(r.chunk.data))
		p.recycle(r.chunk.data)
	}
	return ctx.Err()
}

// add takes the result of the next chunk of the file.
func (v *verification) add(r *result, c *checker) {
	if v.scene != nil {
		v.scene.take(r.chunk.data)
	}
	if r.lines == 0 {
		return
	}
	wasBad := v.report.BadTotal > 0
	// The first line of the chunk follows the last of the chunk before.
	var firstHolds bool
	if v.line > 0 && v.prev.err != nil && r.first.err == nil {
		// Behind what is no line, it has nothing to hold on to.
	} else if firstHolds = c.follows(v.prev.Seq, v.prev.MAC, &r.first); !firstHolds {
		b := badPlace(v.prev.Seq, v.prev.MAC, &r.first)
		v.bad(localBad{bad: b, prevSeq: v.prev.Seq, prevMAC: v.prev.MAC}, r.chunk)
	}
	if firstHolds {
		v.hold(wasBad, func(n *counts) { n.add(r.first.Kind) })
		if !wasBad {
			v.report.LastSeq, v.report.LastMAC = r.first.Seq, r.first.MAC
		}
	}
	nowBad := wasBad || v.report.BadTotal > 0
	v.hold(nowBad, func(n *counts) { n.plus(r.before) })
	if !nowBad && r.lastHolds.Seq != 0 {
		v.report.LastSeq, v.report.LastMAC = r.lastHolds.Seq, r.lastHolds.MAC
	}
	v.hold(true, func(n *counts) { n.plus(r.after) })
	for _, b := range r.bads {
		v.bad(b, r.chunk)
	}
	v.report.BadTotal += r.badTotal - int64(len(r.bads))
	if firstHolds || !nowBad {
		v.seen.plus(r.seen)
	}
	if r.head != nil && (firstHolds || r.head.Offset != r.first.Offset) {
		v.headLine = r.head
	}
	if r.lastForm >= 0 {
		v.lastForm = r.lastForm
	}
	v.prev = r.last
	v.line += r.lines
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

func (v *verification) bad(b localBad, ch chunk) {
	b.bad.Line = v.line + b.index + 1
	if v.report.BadTotal == 0 {
		v.scene = &scene{prevSeq: b.prevSeq, prevMAC: b.prevMAC, off: b.bad.Offset}
		v.scene.take(ch.data[b.bad.Offset-ch.off:])
	}
	v.report.addBad(b.bad)
}

type readError struct {
	off int64
	err error
}

func (e *readError) Error() string {
	return "the file cannot be read further than byte " + formatInt(e.off) + ": " + e.err.Error()
}

func (e *readError) Unwrap() error { return e.err }

// wrongKey reports whether nothing at all speaks for the key.
func (v *verification) wrongKey() bool {
	return v.head == nil && v.good.lines() == 0 && v.report.HoldsAfter == 0 &&
		v.genErr == nil && v.genesis.KeyID != v.in.Key.ID()
}
