// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// load is what is pushed into a component during one round.
type load struct {
	pool    *pool
	callers int
	d       time.Duration // how long the clock is to run
	// fresh gives every push a batch of its own: for components that change
	// what they are given, and for records with ids.
	fresh bool
	ids   bool // each record has an audit.record.id of its own
	next  *uint64
	// after sees the batches of one stretch once the clock stands still.
	after func(batches []plog.Logs) error
}

// pushed is what a round pushed.
type pushed struct {
	records int
	batches []int // how often each batch of the pool was pushed
	elapsed time.Duration
	cpu     time.Duration // processor time of this process while the clock ran
}

// sample is the rate, and the processor time of a record.
func (p pushed) sample() sample {
	return sample{
		figure: float64(p.records) / p.elapsed.Seconds(),
		cpu:    float64(p.cpu) / float64(time.Microsecond) / float64(p.records),
	}
}

// cpuTime is the processor time that this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// drive pushes batches until the clock has run for l.d. The clock stands
// still while fresh copies are made. Each caller waits for its own push to
// return before it takes the next batch, as a receiver does.
func drive(ctx context.Context, l load, push func(context.Context, plog.Logs) error) (pushed, error) {
	out := pushed{batches: make([]int, len(l.pool.batches))}
	for out.elapsed < l.d {
		chunk, cyclic := l.pool.batches, true
		if l.fresh {
			chunk, cyclic = l.pool.clones(l.ids, l.next), false
		}
		before := cpuTime()
		n, took, err := stretch(ctx, l.callers, l.d-out.elapsed, chunk, cyclic, push)
		if err != nil {
			return out, err
		}
		out.cpu += cpuTime() - before
		for i := range n {
			out.batches[i%len(chunk)]++
		}
		out.records += n * l.pool.size
		out.elapsed += took
		if l.after != nil {
			if err := l.after(chunk[:min(n, len(chunk))]); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// stretch pushes the chunk's batches in order, over and over when cyclic,
// until all are pushed or d is over, and returns how many pushes there were.
func stretch[T any](ctx context.Context, callers int, d time.Duration, chunk []T, cyclic bool, push func(context.Context, T) error) (int, time.Duration, error) {
	var taken, done atomic.Int64
	errs := make([]error, callers)
	start := time.Now()
	work := func(caller int) {
		for time.Since(start) < d {
			i := int(taken.Add(1) - 1)
			if i >= len(chunk) {
				if !cyclic {
					return
				}
				i %= len(chunk)
			}
			if err := push(ctx, chunk[i]); err != nil {
				errs[caller] = err
				return
			}
			done.Add(1)
		}
	}
	pprof.Do(ctx, pprof.Labels("clock", "on"), func(context.Context) {
		if callers == 1 {
			work(0)
			return
		}
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() { work(c) })
		}
		wg.Wait()
	})
	took := time.Since(start)
	return int(done.Load()), took, errors.Join(errs...)
}
