// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/processor/redact"
)

// From parallelFrom records on, a batch is encoded on all cores, in pieces
// small enough to even out and to stay in a core's cache.
const (
	parallelFrom = 64
	minPiece     = 32
	maxPiece     = 256
	// bytesPerRecord is a guess for buffers that have not grown yet.
	bytesPerRecord = 1 << 10
)

// Runner encodes batches on all cores. It is safe for concurrent use.
type Runner[W any] struct {
	// New makes a worker: what one goroutine needs.
	New func() W
	// Idle is called before a worker waits for its next use.
	Idle func(W)

	workers sync.Pool
	batches sync.Pool
	results sync.Pool
}

// Pieces returns how many records make a piece of a batch of n.
func Pieces(n int) int {
	if n < parallelFrom {
		return max(1, n)
	}
	return min(max(n/(4*runtime.GOMAXPROCS(0)), minPiece), maxPiece)
}

// Run encodes n records, size at a time: encode appends the records of piece
// p to its batch. The pieces' order is kept.
func (r *Runner[W]) Run(n, size int, encode func(w W, b *Batch, p int)) *Result {
	res, _ := r.results.Get().(*Result)
	if res == nil {
		res = &Result{release: r.release}
	}
	res.live = true
	pieces := (n + size - 1) / size
	res.size = size
	for range pieces {
		b, _ := r.batches.Get().(*Batch)
		if b == nil {
			b = &Batch{buf: make([]byte, 0, min(size, maxPiece)*bytesPerRecord)}
		}
		res.batches = append(res.batches, b)
	}
	work := func(next func() int) {
		w, ok := r.workers.Get().(W)
		if !ok {
			w = r.New()
		}
		for p := next(); p < pieces; p = next() {
			encode(w, res.batches[p], p)
		}
		r.Idle(w)
		r.workers.Put(w)
	}
	if pieces <= 1 {
		p := -1
		work(func() int { p++; return p })
	} else {
		var at atomic.Int64
		next := func() int { return int(at.Add(1)) - 1 }
		var wg sync.WaitGroup
		for range min(runtime.GOMAXPROCS(0), pieces) - 1 {
			wg.Go(func() { work(next) })
		}
		work(next)
		wg.Wait()
	}
	if pieces == 1 {
		res.Records = res.batches[0].Records()
		return res
	}
	recs := slices.Grow(res.own[:0], n)
	for _, b := range res.batches {
		recs = append(recs, b.Records()...)
	}
	res.own, res.Records = recs, recs
	return res
}

func (r *Runner[W]) release(res *Result) {
	for i, b := range res.batches {
		b.Reset()
		r.batches.Put(b)
		res.batches[i] = nil
	}
	clear(res.own)
	*res = Result{batches: res.batches[:0], own: res.own[:0], release: res.release}
	r.results.Put(res)
}

// Result is what an encoder made of a batch. It is for one goroutine.
type Result struct {
	// Records are the records in the order of the input, one for each, ready
	// for one Append to the journal. They are valid until Release.
	Records []journal.Record

	own     []journal.Record // Records, where they come from several batches
	batches []*Batch
	size    int
	live    bool
	release func(*Result)
}

// Redactions returns what was masked, summed over the records (what resource
// and scope had masked counts for each of their records), sorted by kind.
func (r *Result) Redactions() []redact.KindCount {
	var sum []redact.KindCount
	for _, b := range r.batches {
		sum = addCounts(sum, b.redactions)
	}
	sortCounts(sum)
	return sum
}

// Rejected returns how many records were refused; audit.rejected stands in
// the place of each.
func (r *Result) Rejected() []ReasonCount {
	var sum []ReasonCount
	for _, b := range r.batches {
		for _, c := range b.rejected {
			sum = addReason(sum, c.Reason, c.N)
		}
	}
	return sum
}

// Rejection returns an audit.rejected event for Records[i], which the journal
// would not take: journal.ErrConflict is [IDConflict], journal.ErrTooLarge is
// [TooLarge]. It must be called before Release; the record stays valid after.
func (r *Result) Rejection(i int, why Reason) journal.Record {
	return r.batches[i/r.size].Rejection(i%r.size, why)
}

// Release gives the buffers back for the next batch. Neither r nor its
// Records may be used after it.
func (r *Result) Release() {
	if r.live {
		r.release(r)
	}
}
