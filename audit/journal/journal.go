// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/google/uuid"
)

// Names of the files beside a journal (docs/SPEC.md, section 7).
const (
	lockSuffix  = ".lock"
	headSuffix  = ".head"
	idsSuffix   = ".ids"
	holdSuffix  = ".hold"
	tornInfix   = ".torn-"
	brokenInfix = ".broken-"
)

// Journal is an open journal. All methods may be called by any goroutine.
type Journal struct {
	path   string
	opts   Options
	fs     vfs.FS
	lock   *fileLock
	writer uuid.UUID
	chain  integrity.ChainID

	mu      sync.Mutex
	queue   []*request // waiting for a commit
	busy    bool       // a goroutine commits, or was told to
	closing bool

	stop     chan struct{} // ends what runs beside the commits
	finished chan struct{} // there may be segments to compress
	settled  atomic.Uint64 // first line of the file that the watermark is about
	wg       sync.WaitGroup

	// stampsOver says that no time stamp is sealed any more; guarded by mu.
	stampsOver bool
	publisher  *publisher
	stamper    *stamper

	c committer // owned by the goroutine that commits
}

// committer is the state of whoever holds the right to commit.
type committer struct {
	keyring
	// file is the one that is being written, nil before the first attach.
	file vfs.File
	is   identity // of file
	// key is the key in force at tail, and sealer is of it.
	key    integrity.Key
	sealer *integrity.Sealer
	leaf   integrity.LeafHasher
	head   *headFile
	ids    *idRing
	// tail is where the chain ends, as this writer knows it; its First and
	// Size are about file.
	tail integrity.Position
	// firm is as far as the chain is acknowledged, or known to be on disk: what
	// a segment that is given up is claimed to hold.
	firm integrity.Position
	// began is when file was begun, and firstLeaf the leaf of its first line,
	// which is line firstSeq; charter is what that line says of the chain, once
	// that is learned.
	began     time.Time
	firstLeaf integrity.Hash
	firstSeq  uint64
	charter   charter
	learned   bool
	// hasRecords says that file holds more than control records, or may.
	hasRecords bool
	buf        []byte // lines of the commit that are not yet written
	written    int64  // where they go: the end of the file, as it is now
	sealed     uint64 // records sealed by this writer
	// unsynced and unmarked: lines not yet covered by a sync, and by the
	// watermark.
	unsynced, unmarked bool
	// unsyncedNames: segments were removed, and a power failure may bring them
	// back.
	unsyncedNames bool
	// headLost: the watermark is not there any more, and is made anew.
	headLost bool
	// stale is why the disk must be looked at again before anything else.
	stale error
	// doubtful says that a sync of file failed: what stands beyond tail in it
	// may be on disk or not, and is never claimed.
	doubtful bool
	// was is the file as it was before the disk was looked at anew, orphan the
	// file itself where nothing names it any more.
	was    fs.FileInfo
	orphan vfs.File
	// tree is the tree of the lines, where the chain has one; point is the
	// checkpoint of the commit that is being made, which mustSync makes durable
	// at once; unpublished is the newest one that is not known to be durable
	// yet, and covered by the watermark.
	tree        treeKeeper
	point       *Published
	mustSync    bool
	unpublished *Published
	saidSigner  bool // it was reported that the signer is not the chain's any more
	// segments caches the list of finished segments; nil when it is not known.
	segments []Segment
}

// request is one Append, or one of the journal's own commits.
type request struct {
	recs     []Record
	next     func() []Record // gives the records instead of recs
	n        int             // how many records there are
	receipts []Receipt
	closing  bool          // seal chain.closed, sync, and write the watermark
	sync     bool          // only sync and write the watermark
	rotate   bool          // begin a new file
	aged     bool          // begin a new file if this one is old enough
	erase    *eraseRequest // it has a commit of its own
	stamp    *stamped      // a time stamp to be sealed
	// act is something else to do first, in the place of records.
	act func(context.Context) error
	// checkpoint: seal one. point is it, or pointErr why there is none.
	checkpoint bool
	point      Published
	pointErr   error
	lead       bool // guarded by Journal.mu: this goroutine is to commit
	err        error
	wake       chan struct{}
}

func (r *request) bytes() int {
	if r.erase != nil {
		return maxCommit
	}
	if r.next != nil {
		return r.n << 10 // a guess: they are not all encoded yet
	}
	n := 0
	for i := range r.recs {
		n += len(r.recs[i].Payload)
	}
	return n
}

// maxCommit is about how much one commit takes, in bytes: above it, those who
// wait are better served by another commit.
const maxCommit = 8 << 20

// Open opens the journal at path, or begins a new chain where there is none.
// The folder must exist. Whatever a crash left is recovered first, and what is
// less than it should be is sealed as a break (docs/SPEC.md, section 7.4).
// Errors: ErrLocked, ErrUnsafe, ErrWrongKey; ErrTruncated and ErrTampered
// where nothing is left that the chain could go on from; and those of the file
// system.
func Open(ctx context.Context, path string, o Options) (*Journal, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("journal path: %w", err)
	}
	j := &Journal{
		path: path, opts: o, fs: o.FS, writer: uuid.New(),
		lock: newFileLock(o.FS, path+lockSuffix), stop: make(chan struct{}), finished: make(chan struct{}, 1),
	}
	j.c.tree.chain = &j.chain
	j.c.tree.file = treeFile{fs: o.FS, path: path + treeSuffix, stray: true}
	if err := j.checkFolder(); err != nil {
		return nil, err
	}
	if err := j.checkName(); err != nil {
		return nil, err
	}
	if err := j.checkFiles(); err != nil {
		return nil, err
	}
	if err := j.checkStart(); err != nil {
		return nil, err
	}
	if err := j.openLocked(ctx); err != nil {
		return nil, errors.Join(err, j.c.close())
	}
	if !o.Checkpoint.Signer.IsZero() {
		j.publisher = newPublisher(o.Checkpoint.Publish, j.report)
		j.stamper = newStamper(j)
		if o.Checkpoint.Every > 0 {
			j.wg.Go(func() { j.every(o.Checkpoint.heartbeatEvery(), heartbeat) })
		}
	}
	if o.Fsync.every > 0 {
		j.wg.Go(func() { j.every(o.Fsync.every, func() *request { return &request{sync: true} }) })
	}
	if age := o.Rotation.MaxAge; age > 0 {
		j.wg.Go(func() {
			j.every(min(max(age/8, time.Second), time.Minute), func() *request { return &request{aged: true} })
		})
	}
	if every := o.Epoch.Every; o.Keys != nil && every > 0 {
		j.wg.Go(func() {
			j.every(min(max(every/8, time.Second), time.Minute), func() *request { return &request{} })
		})
	}
	if o.Rotation.Compress {
		j.wg.Go(j.compressFinished)
		j.finished <- struct{}{}
	}
	return j, nil
}

// Chain returns the id of the chain.
func (j *Journal) Chain() uuid.UUID { return uuid.UUID(j.chain) }

// Path returns the absolute path of the file.
func (j *Journal) Path() string { return j.path }

// Fsync returns the mode that the journal was opened with.
func (j *Journal) Fsync() FsyncMode { return j.opts.Fsync }

// Append seals recs in order and returns once they are as durable as the
// fsync mode promises. receipts[i] says what became of recs[i]; there must be
// at least as many.
//
// A record that is refused alone has an error in its receipt, and the others
// are sealed. An error of Append means that nothing of the batch is
// acknowledged; Retryable tells whether the same batch may be tried again.
//
// While somebody else commits, Append waits its turn; calls that wait are
// committed together. A ctx that ends takes the batch back as long as its
// commit has not begun; after that Append waits for the outcome, because only
// the outcome tells whether the records are sealed. After Close it returns
// ErrClosed.
func (j *Journal) Append(ctx context.Context, recs []Record, receipts []Receipt) error {
	return j.append(ctx, &request{recs: recs, n: len(recs), receipts: receipts})
}

// AppendFrom is Append for n records of which the last ones are still being
// encoded: next returns the next ones, waiting until they are ready, so that
// the first are sealed in the meantime. It is called from one goroutine, while
// the lock is held, until n records have come; not at all where Append would
// not have begun its commit. It must not wait for anything that needs the
// journal.
func (j *Journal) AppendFrom(ctx context.Context, n int, next func() []Record, receipts []Receipt) error {
	return j.append(ctx, &request{next: next, n: n, receipts: receipts})
}

func (j *Journal) append(ctx context.Context, r *request) error {
	if len(r.receipts) < r.n {
		return fmt.Errorf("append: %d receipts for %d records", len(r.receipts), r.n)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	closing := j.closing
	j.mu.Unlock()
	if closing {
		return ErrClosed
	}
	if r.n == 0 && !r.rotate && !r.checkpoint {
		return nil
	}
	return j.submit(ctx, r)
}

// submit queues r and returns when it is done. The first to come commits, for
// itself and for all who wait by then; whoever comes next in the queue is
// told to commit after it.
func (j *Journal) submit(ctx context.Context, r *request) error {
	r.wake = make(chan struct{}, 1)
	j.mu.Lock()
	if j.closing && !r.closing && (r.stamp == nil || j.stampsOver) {
		j.mu.Unlock()
		return ErrClosed
	}
	j.queue = append(j.queue, r)
	if j.busy {
		j.mu.Unlock()
		select {
		case <-r.wake:
		case <-ctx.Done():
			if j.takeBack(r) {
				return ctx.Err()
			}
			<-r.wake
		}
		j.mu.Lock()
		if !r.lead {
			j.mu.Unlock()
			return r.err
		}
	}
	j.busy = true
	batch := j.takeBatch()
	j.mu.Unlock()

	j.commit(batch)

	for _, o := range batch {
		if o != r {
			o.wake <- struct{}{}
		}
	}
	if len(batch) > 1 {
		// Whoever appends again at once is in the next commit, not in the one
		// after it: else callers fall into two halves that take turns.
		runtime.Gosched()
	}
	j.mu.Lock()
	if len(j.queue) > 0 {
		next := j.queue[0]
		next.lead = true
		next.wake <- struct{}{}
	} else {
		j.busy = false
	}
	j.mu.Unlock()
	return r.err
}

// takeBack removes r from the queue, unless its commit has begun or r itself
// is to commit.
func (j *Journal) takeBack(r *request) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.lead {
		return false
	}
	for i, q := range j.queue {
		if q == r {
			j.queue = append(j.queue[:i], j.queue[i+1:]...)
			return true
		}
	}
	return false
}

// takeBatch takes what one commit does; chain.closed and erasures have one of
// their own.
// Guarded by j.mu.
func (j *Journal) takeBatch() []*request {
	n, size := 0, 0
	for n < len(j.queue) && (n == 0 || size < maxCommit && !j.queue[n].closing && j.queue[n].erase == nil) {
		size += j.queue[n].bytes()
		n++
	}
	batch := append([]*request(nil), j.queue[:n]...)
	j.queue = append(j.queue[:0], j.queue[n:]...)
	for _, r := range batch {
		r.lead = false
	}
	return batch
}

// Close seals chain.closed, and a checkpoint where there is a key for it, and
// closes the journal. Appends that wait are done first, and checkpoints that
// are not published yet are, for PublishTimeout at the most. A second Close returns ErrClosed.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closing {
		j.mu.Unlock()
		return ErrClosed
	}
	j.closing = true
	j.mu.Unlock()
	close(j.stop)
	j.wg.Wait()
	// A time stamp that is under way is sealed before the last checkpoint, which
	// covers it. The last one gets none from this writer: no checkpoint would
	// cover it.
	j.stamper.close()
	j.mu.Lock()
	j.stampsOver = true
	j.mu.Unlock()
	err := j.submit(context.Background(), &request{closing: true})
	j.publisher.close()
	return errors.Join(err, j.c.close())
}

// Rotate finishes the file and begins a new one.
func (j *Journal) Rotate(ctx context.Context) error {
	return j.append(ctx, &request{rotate: true})
}

// every makes a request at an interval, until the journal is closed.
func (j *Journal) every(d time.Duration, next func() *request) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-j.stop:
			return
		case <-t.C:
			// What it ran into, the next Append meets too.
			_ = j.submit(context.Background(), next())
		}
	}
}

// report tells of what went wrong beside the commits.
func (j *Journal) report(err error) {
	if err != nil && j.opts.Report != nil {
		j.opts.Report(err)
	}
}

func (c *committer) close() error {
	var errs []error
	for _, f := range []vfs.File{c.file, c.orphan} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	if c.head != nil {
		errs = append(errs, c.head.file.Close())
	}
	if c.ids != nil {
		errs = append(errs, c.ids.close())
	}
	errs = append(errs, c.tree.file.close())
	return errors.Join(errs...)
}

func hostname() string {
	h, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return h
}
