// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"runtime"
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
	res := r.Start(n, size, encode)
	res.Finish()
	return res
}

// Start is Run that returns when about enough is encoded for somebody to be
// busy with while the rest is: Next gives the records piece by piece. encode
// must stay callable until Release.
func (r *Runner[W]) Start(n, size int, encode func(w W, b *Batch, p int)) *Result {
	res, _ := r.results.Get().(*Result)
	if res == nil {
		res = &Result{release: r.release, ready: make(chan struct{}, 1)}
	}
	res.live, res.n, res.size, res.pieces = true, n, size, (n+size-1)/size
	for range res.pieces {
		b, _ := r.batches.Get().(*Batch)
		if b == nil {
			b = &Batch{buf: make([]byte, 0, min(size, maxPiece)*bytesPerRecord)}
		}
		res.batches = append(res.batches, b)
	}
	if cap(res.done) < res.pieces {
		res.done = make([]atomic.Bool, res.pieces)
	}
	res.done = res.done[:res.pieces]
	// work encodes pieces until none is left to take, or more than most are.
	work := func(most int) {
		w, ok := r.workers.Get().(W)
		if !ok {
			w = r.New()
		}
		for int(res.taken.Load()) < most {
			p := int(res.taken.Add(1)) - 1
			if p >= res.pieces {
				break
			}
			encode(w, res.batches[p], p)
			res.done[p].Store(true)
			select {
			case res.ready <- struct{}{}:
			default:
			}
		}
		r.Idle(w)
		r.workers.Put(w)
	}
	res.work = work
	helpers := min(runtime.GOMAXPROCS(0), res.pieces) - 1
	for range helpers {
		res.helpers.Go(func() { work(res.pieces) })
	}
	if helpers <= 0 {
		work(res.pieces)
	} else {
		// Sealing takes about a third of the time that encoding takes: that
		// much is left for the others to encode meanwhile.
		work(res.pieces - res.pieces/4)
	}
	if res.pieces == 1 {
		res.Records = res.batches[0].Records()
	}
	return res
}

func (r *Runner[W]) release(res *Result) {
	res.helpers.Wait()
	select {
	case <-res.ready:
	default:
	}
	for i := range res.done {
		res.done[i].Store(false)
	}
	for i, b := range res.batches {
		b.Reset()
		r.batches.Put(b)
		res.batches[i] = nil
	}
	clear(res.own)
	res.Records, res.work, res.live, res.given = nil, nil, false, 0
	res.taken.Store(0)
	res.batches, res.own = res.batches[:0], res.own[:0]
	r.results.Put(res)
}

// Result is what an encoder made of a batch. It is for one goroutine.
type Result struct {
	// Records are the records in the order of the input, one for each, ready
	// for one Append to the journal. They are valid until Release. After
	// Start, they are not there before Next gave the last of them.
	Records []journal.Record

	own     []journal.Record // Records, where they come from several batches
	batches []*Batch
	n       int // records
	size    int // records in a piece
	pieces  int
	given   int // pieces that Next gave
	live    bool
	release func(*Result)

	// Shared with the goroutines that encode.
	work    func(most int)
	taken   atomic.Int64  // pieces that somebody encodes or has encoded
	done    []atomic.Bool // by piece
	ready   chan struct{} // a piece was done
	helpers sync.WaitGroup
}

// Len returns how many records there are.
func (r *Result) Len() int { return r.n }

// Next returns the records of the next piece, encoding one itself where none
// is ready and nobody has taken it yet. After the last, it returns nil.
func (r *Result) Next() []journal.Record {
	if r.given == r.pieces {
		return nil
	}
	for !r.done[r.given].Load() {
		if taken := int(r.taken.Load()); taken < r.pieces {
			r.work(taken + 1)
			continue
		}
		<-r.ready
	}
	recs := r.batches[r.given].Records()
	r.given++
	if r.pieces > 1 {
		r.own = append(r.own, recs...)
	}
	if r.given == r.pieces && r.pieces > 1 {
		r.Records = r.own
	}
	return recs
}

// Finish encodes all that is left; then Records are there.
func (r *Result) Finish() {
	for r.Next() != nil {
	}
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
// would not take: journal.ErrConflict is [IDConflict], journal.ErrErased
// [Erased], journal.ErrTooLarge [TooLarge]. It must be called before Release; the record stays valid after.
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
