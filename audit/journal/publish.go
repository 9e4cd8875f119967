// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/auditchain/auditchain/integrity"
)

// PublishTimeout is how long Close waits for Options.Checkpoint.Publish to take
// what is left.
const PublishTimeout = 5 * time.Second

// maxUnpublished is how many checkpoints wait for Publish. Of more, the oldest
// goes: each later one covers all that it covers.
const maxUnpublished = 256

// publishSealed hands on the newest checkpoint, where it is durable by now and
// the watermark covers it.
func (j *Journal) publishSealed() {
	c := &j.c
	p := c.unpublished
	if p == nil {
		return
	}
	c.unpublished = nil
	if p.Seq > c.tail.Seq {
		return // it was cut off
	}
	if err := j.appendNote(p.Note); err != nil {
		j.report(fmt.Errorf("checkpoints: %w; the chain holds them too", err))
	}
	j.publisher.add(*p)
	j.stamper.want(*p)
}

const checkpointsSuffix = ".checkpoints"

// appendNote appends a note to the file of checkpoints, followed by an empty
// line. It is a copy for other programs, made as well as can be, and not
// synced. What is no whole note at its end is taken off it.
func (j *Journal) appendNote(note []byte) error {
	f, err := openBeside(j.fs, j.path+checkpointsSuffix)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	tail := make([]byte, min(size, maxNotesTail))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	end := size - int64(len(tail)) + int64(endOfNotes(tail, size > maxNotesTail))
	if end < size {
		if err := f.Truncate(end); err != nil {
			return fmt.Errorf("%q: %w", filepath.Base(j.path)+checkpointsSuffix, err)
		}
	}
	_, err = f.WriteAt(append(bytes.Clone(note), '\n'), end)
	return err
}

// maxNotesTail is how much of the file of checkpoints is looked at. A note with
// one signature has some 250 bytes.
const maxNotesTail = 16 << 10

// endOfNotes returns where the last whole note in b ends, with its empty line.
// Where there is none at all, nothing is taken off what more of the file may
// hold.
func endOfNotes(b []byte, more bool) int {
	for end := len(b); ; {
		i := bytes.LastIndex(b[:end], []byte("\n\n"))
		if i < 0 {
			break
		}
		line := b[bytes.LastIndexByte(b[:i], '\n')+1 : i]
		if bytes.HasPrefix(line, []byte("— ")) {
			return i + 2
		}
		end = i + 1
	}
	if more {
		return len(b)
	}
	return 0
}

// publisher hands checkpoints to Options.Checkpoint.Publish, in order, from a
// goroutine of its own. Nothing waits for it but Close.
type publisher struct {
	publish func(context.Context, Published)
	report  func(error)

	mu     sync.Mutex
	queue  []Published // guarded by mu
	over   bool        // guarded by mu: no more come
	wake   chan struct{}
	done   chan struct{}
	ctx    context.Context //nolint:containedctx // it is that of the goroutine
	cancel context.CancelFunc
}

// newPublisher returns a publisher that runs; nil where there is nobody to
// publish to.
func newPublisher(publish func(context.Context, Published), report func(error)) *publisher {
	if publish == nil {
		return nil
	}
	p := &publisher{publish: publish, report: report, wake: make(chan struct{}, 1), done: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	go p.run()
	return p
}

func (p *publisher) add(point Published) {
	if p == nil {
		return
	}
	p.mu.Lock()
	var lost *Published
	if len(p.queue) >= maxUnpublished {
		first := p.queue[0]
		lost = &first
		p.queue = p.queue[1:]
	}
	p.queue = append(p.queue, point)
	p.mu.Unlock()
	p.poke()
	if lost != nil {
		p.report(fmt.Errorf("checkpoint of %d lines: it was not published, because %d more wait; a later one covers them too, and the chain holds it", lost.Size, maxUnpublished))
	}
}

func (p *publisher) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *publisher) run() {
	defer close(p.done)
	for {
		p.mu.Lock()
		if len(p.queue) == 0 {
			over := p.over
			p.mu.Unlock()
			if over {
				return
			}
			<-p.wake
			continue
		}
		point := p.queue[0]
		p.queue = p.queue[1:]
		p.mu.Unlock()
		if p.ctx.Err() != nil {
			return
		}
		p.publish(p.ctx, point)
	}
}

// close waits until all is published, for PublishTimeout at the most.
func (p *publisher) close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.poke()
	defer p.cancel()
	t := time.NewTimer(PublishTimeout)
	defer t.Stop()
	select {
	case <-p.done:
		return
	case <-t.C:
	}
	p.mu.Lock()
	left := len(p.queue) + 1
	p.mu.Unlock()
	p.report(fmt.Errorf("checkpoints: %d were not published within %v of the journal's end; the chain holds them", left, PublishTimeout))
}

// Limits of time stamps.
const (
	// stampTimeout bounds one request for a time stamp.
	stampTimeout = 30 * time.Second
	// stampGrace is how long Close waits for one that is under way, so that
	// the last checkpoint covers it.
	stampGrace = 3 * time.Second
	// maxToken is how long a token can be: they have a few kilobytes.
	maxToken = 64 << 10
)

// stamper has checkpoints time-stamped, one at a time, the newest next. Nothing
// waits for it but Close, and that not for long.
type stamper struct {
	j     *Journal
	stamp func(context.Context, []byte) ([]byte, error)

	mu     sync.Mutex
	next   *Published // guarded by mu
	busy   bool       // guarded by mu: a request is under way
	over   bool       // guarded by mu
	idle   chan struct{}
	ctx    context.Context //nolint:containedctx // it is that of the goroutine
	cancel context.CancelFunc
}

func newStamper(j *Journal) *stamper {
	if j.opts.Checkpoint.Timestamp == nil || j.signer().IsZero() {
		return nil
	}
	s := &stamper{j: j, stamp: j.opts.Checkpoint.Timestamp}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// want asks for a time stamp of a checkpoint, in place of one that was asked
// for and not begun.
func (s *stamper) want(p Published) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.next = &p
	if !s.busy {
		s.busy, s.idle = true, make(chan struct{})
		go s.run()
	}
}

func (s *stamper) run() {
	for {
		s.mu.Lock()
		p := s.next
		s.next = nil
		if p == nil || s.over {
			s.busy = false
			close(s.idle)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		if err := s.one(p); err != nil {
			s.j.report(fmt.Errorf("time stamp of the checkpoint of %d lines: %w", p.Size, err))
		}
	}
}

func (s *stamper) one(p *Published) error {
	ctx, cancel := context.WithTimeout(s.ctx, stampTimeout)
	defer cancel()
	token, err := s.stamp(ctx, bytes.Clone(p.Note))
	switch {
	case err != nil:
		return err
	case len(token) == 0 || len(token) > maxToken:
		return fmt.Errorf("a token of %d bytes is none", len(token))
	}
	return s.j.submit(s.ctx, &request{stamp: &stamped{size: p.Size, note: sha256.Sum256(p.Note), token: token}})
}

// close ends the time stamping. One that is under way may still be sealed, for
// a while.
func (s *stamper) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.over, s.next = true, nil
	busy, idle := s.busy, s.idle
	s.mu.Unlock()
	defer s.cancel()
	if !busy {
		return
	}
	t := time.NewTimer(stampGrace)
	defer t.Stop()
	select {
	case <-idle:
	case <-t.C:
		s.j.report(fmt.Errorf("time stamp: none came within %v of the journal's end", stampGrace))
	}
}

// stamped is a time stamp to be sealed.
type stamped struct {
	size  uint64
	note  integrity.Hash
	token []byte
}

func (j *Journal) sealStamp(at *integrity.Position, s *stamped) {
	if s.size >= at.Seq {
		return // what it is of was cut off meanwhile
	}
	j.sealControl(at, integrity.Timestamped{
		Control: integrity.ControlTimestamp, Time: j.now(), Writer: j.writer.String(),
		Size: s.size, Note: s.note, Token: s.token,
	})
}
