// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// matrix makes every occurrence of every call fail, in every way.
type matrix struct {
	w      *world
	strace tracing
	stages []*stage

	mu   sync.Mutex
	rows map[fault]*row      // guarded by mu
	met  map[occurrence]bool // guarded by mu
}

// occurrence is the call number n of a fault in a stage.
type occurrence struct {
	fault
	stage *stage
	n     int
}

func (o occurrence) String() string {
	return fmt.Sprintf("%s, %s of call %d of %d", o.stage.name, o.fault, o.n, o.stage.count[o.call])
}

// all are the occurrences of all faults; of a sample, one of each in every other
// stage.
func (m *matrix) all(sample bool) []occurrence {
	var all []occurrence
	for c, call := range slices.Sorted(maps.Keys(faultsOf)) {
		for i, what := range faultsOf[call] {
			for si, s := range m.stages {
				for n := 1; n <= s.count[call]; n++ {
					// Each fault then meets other calls of its kind.
					picked := (n+7*i+3*si)%s.count[call] == 0 && (c+i+si)%2 == 0
					if !sample || picked {
						all = append(all, occurrence{fault{call, what}, s, n})
					}
				}
			}
		}
	}
	return all
}

// An occurrence is tried a few times while others run beside it. What was not met then
// has the machine for itself: threads change places less.
const (
	triesBeside = 4
	triesAlone  = 60
)

// run injects all occurrences. Of a sample it is enough that each fault met as many
// calls, whichever.
func (m *matrix) run(ctx context.Context, all []occurrence, sample bool) []*row {
	for _, o := range all {
		r := m.rows[o.fault]
		if r == nil {
			r = &row{fault: o.fault.String()}
			m.rows[o.fault] = r
		}
		r.wanted++
	}
	m.met = map[occurrence]bool{}
	enough := func(o occurrence) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return ctx.Err() != nil || m.met[o] || sample && m.rows[o.fault].injected >= m.rows[o.fault].wanted
	}
	work := make(chan occurrence)
	var workers sync.WaitGroup
	for range runtime.NumCPU() + 1 {
		workers.Go(func() {
			for o := range work {
				m.try(ctx, o, triesBeside, enough)
			}
		})
	}
	for i, o := range all {
		work <- o
		if i%100 == 99 {
			m.w.say("system calls: %d of %d", i+1, len(all))
		}
	}
	close(work)
	workers.Wait()
	for _, o := range all {
		if m.try(ctx, o, triesAlone, enough); !enough(o) {
			m.w.say("not met: %s", o)
		}
	}
	var rows []*row
	for _, call := range slices.Sorted(maps.Keys(faultsOf)) {
		for _, what := range faultsOf[call] {
			if r := m.rows[fault{call, what}]; r != nil {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// try injects o until it was met.
func (m *matrix) try(ctx context.Context, o occurrence, tries int, enough func(occurrence) bool) {
	when := o.n
	for range tries {
		if enough(o) {
			return
		}
		out, numbers, next := m.inject(ctx, o, when)
		switch {
		case len(numbers) > 0 && numbers[0] < o.n:
			// Another thread had got as far already.
			if when++; when > o.n {
				when = (o.n + 1) / 2
			}
		case next > 0:
			when = next
		}
		m.mu.Lock()
		fresh := false
		if len(numbers) > 0 {
			// Another thread may have been hit later in the same run: that is no
			// test of that call alone. Nor is a call that is only made after the
			// fault one of those recorded.
			at := occurrence{o.fault, o.stage, numbers[0]}
			fresh = !m.met[at] && at.n <= o.stage.count[o.call]
			m.met[at] = true
		}
		if fresh {
			out.Hits = 1
		}
		// What hit nothing new is judged like the others, and not counted.
		if fresh || out.bad() {
			m.rows[o.fault].add(out)
		}
		m.mu.Unlock()
	}
}

// inject runs a stage with one fault, and lets a fresh process go on after it.
//
// when is the number that strace is to count to, in each thread; next the one to try
// if the occurrence was not met.
func (m *matrix) inject(ctx context.Context, at occurrence, when int) (o outcome, numbers []int, next int) {
	path, err := m.begin(at.stage)
	if err != nil {
		o.problem("%v", err)
		return o, nil, 0
	}
	dir := filepath.Dir(path)
	trace := dir + ".trace"
	got := m.perform(ctx, &o, at.stage, m.strace.inject(at.fault, when, at.stage.paths(dir), trace), path)
	calls, killed, err := readTrace(trace, dir)
	if err != nil {
		o.problem("no trace: %v %s", err, got.stderr)
		return o, nil, 0
	}
	numbers = hits(calls, killed, at.fault)
	m.goOn(ctx, &o, path, at, got, met(calls, at.fault, numbers))
	if len(o.Problems) > 0 {
		m.w.say("BAD %s (hit %v, %s) in %s:\n  %s\n  said: %s", at, numbers, met(calls, at.fault, numbers), dir,
			strings.Join(o.Problems, "\n  "), got)
	} else {
		_ = os.RemoveAll(dir)
		_ = os.Remove(trace)
		_ = os.Remove(givenOf(path))
	}
	return o, numbers, inThread(calls, at.call, at.n)
}

// met names the files of the calls that were hit.
func met(calls []call, f fault, numbers []int) string {
	var files []string
	n := 0
	for _, c := range calls {
		if c.name == f.call {
			if n++; slices.Contains(numbers, n) {
				files = append(files, c.file)
			}
		}
	}
	return strings.Join(files, " ")
}

// goOn is what a client does after a fault: whatever has no receipt is sent again, to
// a fresh process, with one record more. Then everything is looked up.
func (m *matrix) goOn(ctx context.Context, o *outcome, path string, at occurrence, got session, files string) {
	if got.err != nil {
		o.problem("%v", got.err)
	}
	if got.code == 0 && len(got.unacked()) > 0 {
		o.problem("exit code 0, and %d records without a receipt", len(got.unacked()))
	}
	if at.what == "EINTR" && files != "" && got.code != 0 {
		o.problem("a call that was interrupted was not made again: exit code %d", got.code)
	}
	l := newLedger()
	l.merge(o, at.stage.given)
	l.merge(o, got)
	m.w.giveAway(o, path, "")
	op := at.stage.op
	if op == nil {
		op = &operation{}
	}
	for _, seq := range op.erases {
		l.ordered[seq] = got.code == 0
	}
	if op.incoming != "" && (!op.writers || at.n%2 == 0) {
		m.redo(ctx, o, path, op, got.code)
	}
	again := append(got.unacked(), newEntry("00000003-0000-4000-8000-000000000000", 20))
	fresh := m.w.append(ctx, nil, path, [][]entry{again})
	l.merge(o, fresh)
	if !fresh.sealed() {
		o.problem("the next process could not go on: %s", fresh)
	}
	if op.incoming != "" {
		m.redo(ctx, o, path, op, got.code)
	}
	m.w.verify(ctx, o, path, strings.Contains(files, ".head"))
	l.compare(o, path)
}
