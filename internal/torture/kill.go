// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// The writers of the kill loop, each with another promise. A process that is killed
// takes nothing with it that it handed to the system: so all three keep what they
// acknowledged.
var killedWriters = []string{"always", "never", "20ms"}

const (
	// roundsOfAChain: then a new journal is begun, so that looking everything up
	// after each round does not take for ever.
	roundsOfAChain = 25
	// window is how many lines of a writer are under way at most: enough for it to
	// have work, and few enough for many small commits.
	window = 16
	// surplus is what a writer is given beyond the moment of its death.
	surplus = 3 * window
)

// client is a program that appends, dies, and sends again what it got no receipt for.
type client struct {
	prefix  int // of its ids
	fsync   string
	made    int
	pending []entry
}

// more is what the client sends next, n records: what waits, then new ones.
func (c *client) more(n int, rng *rand.Rand) []entry {
	for len(c.pending) < n {
		id := fmt.Sprintf("%08x-0000-4000-8000-%012x", c.prefix, c.made)
		c.pending = append(c.pending, newEntry(id, rng.IntN(600)))
		c.made++
	}
	return c.pending
}

// killLoop kills three writers of one file again and again, each at a moment of its
// own, while a verifier looks at the file.
func killLoop(ctx context.Context, w *world, long bool) ([]*row, error) {
	rounds, static := 5, 3
	if long {
		rounds, static = 300, 50
	}
	rows, err := w.killRounds(ctx, rounds, w.keyed, "its key stepping, erasures beside")
	if err != nil {
		return nil, err
	}
	more, err := w.killRounds(ctx, static, w.journal, "a static key")
	return append(rows, more...), err
}

// killRounds is so many rounds, with journals that begin makes.
func (w *world) killRounds(ctx context.Context, rounds int, begin func(string) (string, error), how string) ([]*row, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	r := &row{fault: fmt.Sprintf("kill -9, %d writers of one file, %s, %d rounds", len(killedWriters), how, rounds)}
	live := &row{fault: "verify while they write, " + how}
	for round := 0; round < rounds && ctx.Err() == nil; round += roundsOfAChain {
		path, err := begin("killed")
		if err != nil {
			return nil, err
		}
		l := newLedger()
		var clients []*client
		for i, fsync := range killedWriters {
			clients = append(clients, &client{prefix: 0x100 + i, fsync: fsync})
		}
		var o, seen outcome
		for n := round; n < min(rounds, round+roundsOfAChain) && !o.bad() && ctx.Err() == nil; n++ {
			o = killRound(ctx, w, path, l, clients, rng, o.Hits, &seen)
			for i := range o.Problems {
				o.Problems[i] = fmt.Sprintf("round %d: %s", n, o.Problems[i])
			}
		}
		if !o.bad() {
			// What never got a receipt is sent once more.
			for _, c := range clients {
				s := w.append(ctx, nil, path, [][]entry{c.pending})
				l.merge(&o, s)
				if !s.sealed() {
					o.problem("append after the last round: %s", s)
				}
			}
			w.verify(ctx, &o, path, false)
			l.compare(&o, path)
		}
		for _, p := range append(o.Problems, seen.Problems...) {
			w.say("BAD kill -9 in %s: %s", path, p)
		}
		r.add(o)
		live.add(seen)
		w.say("kill -9: %d of %d rounds", min(rounds, round+roundsOfAChain), rounds)
	}
	return []*row{r, live}, nil
}

// killRound runs the writers until all of them are dead.
func killRound(ctx context.Context, w *world, path string, l *ledger, clients []*client, rng *rand.Rand, kills int, seen *outcome) (o outcome) {
	o.Hits = kills
	sessions := make([]session, len(clients))
	begun, over := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var writers, verifier, eraser sync.WaitGroup
	for i, c := range clients {
		// It dies before it has a receipt for all it was given.
		after, jitter := 1+rng.IntN(150), time.Duration(rng.IntN(4000))*time.Microsecond
		send := append([]entry(nil), c.more(after+surplus, rng)...)
		writers.Go(func() {
			sessions[i] = w.stream(ctx, path, c.fsync, send, func(receipts int) {
				once.Do(func() { close(begun) })
			}, after, jitter)
		})
	}
	verifier.Go(func() {
		select {
		case <-begun:
		case <-over:
			return
		}
		for {
			select {
			case <-over:
				return
			default:
			}
			w.verify(ctx, seen, path, false)
			seen.Hits++
		}
	})
	var erased session
	op := &operation{args: []string{"erase", "--who", "w", "--reason", "r", "--erasure-key", w.keys + erasureSuffix}}
	if seq := l.erasable(rng); seq > 0 && isKeyed(path) {
		op.args, op.erases = append(op.args, "--seq", fmt.Sprint(seq)), []uint64{seq}
		eraser.Go(func() {
			select {
			case <-begun:
				erased = w.perform(ctx, &o, nil, path, op)
			case <-over:
			}
		})
	}
	writers.Wait()
	close(over)
	verifier.Wait()
	eraser.Wait()
	for _, seq := range op.erases {
		l.ordered[seq] = erased.code == 0 && erased.err == nil
		if erased.code != 0 || erased.err != nil {
			o.problem("erase: %s", erased)
		}
	}
	w.giveAway(&o, path, "")
	for i, s := range sessions {
		l.merge(&o, s)
		clients[i].pending = s.unacked()
		switch {
		case s.err != nil:
			o.problem("%v", s.err)
		case s.code == -1:
			o.Hits++
		default:
			o.problem("a writer was to be killed, and ended by itself: %s", s)
		}
	}
	w.verify(ctx, &o, path, false)
	l.compare(&o, path)
	return o
}

// stream gives a writer lines, and kills it a moment after so many receipts.
func (w *world) stream(ctx context.Context, path, fsync string, send []entry, receipt func(int), killAfter int, jitter time.Duration) session {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := slices.Concat([]string{"append", "--json", "--fsync", fsync}, keyFlags(path), w.rotation("64KiB", true), []string{path})
	cmd := w.command(ctx, w.cli(), args...)
	cmd.Env = append(cmd.Env, "AUDITCHAIN_KEY_FILE="+w.keyOf(path))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	feed, err := cmd.StdinPipe()
	if err != nil {
		return session{err: err}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return session{err: err}
	}
	if err := cmd.Start(); err != nil {
		return session{err: err}
	}
	// Whatever is in send may have been read: without a receipt, it waits.
	s := session{sent: send}
	room, ended := make(chan struct{}, window), make(chan struct{})
	var feeder sync.WaitGroup
	feeder.Go(func() {
		defer feed.Close()
		for _, e := range send {
			select {
			case room <- struct{}{}:
			case <-ended:
				return
			}
			if _, err := io.WriteString(feed, e.text); err != nil {
				return // it is dead
			}
		}
	})
	in := bufio.NewReader(out)
	for n := 1; s.receive(in, 1); n++ {
		receipt(n)
		<-room
		if n == killAfter {
			time.Sleep(jitter)     // so that it dies anywhere in its work
			_ = cmd.Process.Kill() // it can only be dead already
		}
	}
	close(ended)
	feeder.Wait()
	_ = cmd.Wait() // it is killed
	s.code, s.stderr = cmd.ProcessState.ExitCode(), stderr.String()
	if s.err == nil && ctx.Err() != nil {
		s.err = fmt.Errorf("append hung: %w", context.Cause(ctx))
	}
	return s
}
