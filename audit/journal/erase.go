// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/auditchain/auditchain/integrity"
)

// Erasure asks that the payload of a line is taken out (docs/SPEC.md, section
// 11): by a key that is at hand, or by an order that was signed elsewhere.
type Erasure struct {
	// Seq is the line.
	Seq uint64
	// Who and Reason are sealed, and stay for ever: they must not say again
	// what is erased.
	Who, Reason string
	// Key is the private half of the erasure key that the genesis names.
	Key integrity.SigningKey
	// Order is one that was signed where the key is. Where it is set, nothing
	// else is.
	Order *ErasureOrder
}

// ErasureResult says what became of an Erasure.
type ErasureResult struct {
	// Seq and Leaf are those of the line.
	Seq  uint64
	Leaf integrity.Hash
	// Sealed is the sequence number of its chain.erased; 0 where the line was
	// erased before, and where that stands was not looked for.
	Sealed uint64
	// Already says that nothing new was sealed: the line was erased before, or
	// an erasure that was interrupted was completed.
	Already bool
	// File is the name of the file that holds the line.
	File string
	// Cleaned are the files with what a crash or a break left, in which a copy
	// of the payload was overwritten.
	Cleaned []string
}

// eraseRequest is what an Erase hands to whoever commits.
type eraseRequest struct {
	orders []Erasure
	// everything completes whatever the chain says is erased, and orders
	// nothing.
	everything bool
	results    []ErasureResult
}

// Erase takes the payloads of lines out, in the order of the list. All orders
// are checked before anything is sealed: after ErrNoErasureKey, ErrErasureKey,
// ErrOrder, ErrNotErasable, ErrNoLine, ErrPruned, ErrHeld and ErrTampered
// nothing was changed. After ErrUnfinished it is sealed that the lines are
// erased, and some payload may still be there: the next opening of the
// journal completes it, as does another Erase. After any other error it may be
// sealed, and is completed likewise if so. A line that is erased already is no
// error.
//
// It has a commit of its own: other calls wait, as do other processes, for as
// long as it takes to read and write the files that hold the lines, a few
// times. It is done when it is durable, in every fsync mode. The results are
// good without an error, and with ErrUnfinished.
func (j *Journal) Erase(ctx context.Context, orders []Erasure) ([]ErasureResult, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(orders) == 0 {
		return nil, nil
	}
	return j.submitErase(ctx, &eraseRequest{orders: slices.Clone(orders)})
}

// CompleteErasures reads the whole chain, and takes out every payload that it
// says is erased and that is still there, as after a file was put back from a
// backup. An erasure that a crash interrupted needs no such search: the next
// opening completes it. It returns what it completed.
func (j *Journal) CompleteErasures(ctx context.Context) ([]ErasureResult, error) {
	return j.submitErase(ctx, &eraseRequest{everything: true})
}

func (j *Journal) submitErase(ctx context.Context, e *eraseRequest) ([]ErasureResult, error) {
	err := j.submit(ctx, &request{erase: e})
	if err != nil && !errors.Is(err, ErrUnfinished) {
		return nil, err
	}
	return e.results, err
}

// eraseLocked is Erase under the lock.
//
// A crash before chain.erased is durable leaves every payload as it was; one
// after it an erasure that the marker names, and that the next opening
// completes.
func (j *Journal) eraseLocked(ctx context.Context, e *eraseRequest) error {
	c := &j.c
	if err := j.notHeld(); err != nil {
		return err
	}
	key, err := j.erasureKey()
	if err != nil {
		return err
	}
	if e.everything {
		e.results, err = j.completeFrom(ctx, key, 0, nil)
		return err
	}
	before, err := j.completePending(ctx, key)
	if errors.Is(err, ErrUnfinished) {
		// ErrUnfinished would say that this one is sealed.
		return fmt.Errorf("%w: an erasure before this one is to be completed first: %v", ErrFailed, err) //nolint:errorlint // see above
	}
	if err != nil {
		return fmt.Errorf("an erasure before this one is to be completed first: %w", err)
	}
	targets, err := j.plan(e, key, before)
	if err != nil || len(targets) == 0 {
		return err
	}
	files, unlock, err := j.makeReady(ctx, targets)
	if err != nil {
		return err
	}
	defer unlock()
	if err := j.writeMarker(targets, c.tail.First); err != nil {
		return err
	}
	if err := j.sealErasures(ctx, targets); err != nil {
		return err
	}
	for i := range e.results {
		if t := find1(targets, e.results[i].Seq); t != nil {
			e.results[i].Sealed = t.sealed
		}
	}
	if err := j.carryOut(files, targets, e.results); err != nil {
		return fmt.Errorf("%w: %w", ErrUnfinished, err)
	}
	return nil
}

// notHeld refuses to take anything out of a journal from which nothing is to
// be removed.
func (j *Journal) notHeld() error {
	switch _, err := j.fs.Lstat(j.path + holdSuffix); {
	case err == nil:
		return fmt.Errorf("%w: %q says that nothing is removed from this journal; remove it first, if that is still wanted", ErrHeld, j.path+holdSuffix)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("erasure: %w", err)
	}
	return nil
}

// erasureKey is the public key by which orders count. The line that says it
// must be genuine, as far as this writer has the key that it is under.
func (j *Journal) erasureKey() (integrity.PublicKey, error) {
	c := &j.c
	in := &failingReaderAt{ReaderAt: c.file}
	b, err := readStart(newReader(j.path, io.NewSectionReader(in, 0, 1<<62)))
	switch {
	case in.err != nil:
		return integrity.PublicKey{}, fmt.Errorf("erasure: %w", in.err)
	case err != nil || c.isUnder(b.keyID, b.epoch) && !b.genuine(c.sealer):
		return integrity.PublicKey{}, fmt.Errorf("%w: %q does not begin as it was sealed; nothing is erased; run: auditchain verify %s", ErrTampered, j.path, j.path)
	case b.charter.erasureKey == "":
		return integrity.PublicKey{}, fmt.Errorf("%w: nothing in %q can be erased; a chain gets its erasure key when it is begun", ErrNoErasureKey, j.path)
	}
	key, err := integrity.ParsePublicKey(integrity.KindErasure, []byte(b.charter.erasureKey))
	if err != nil {
		return key, fmt.Errorf("%w: the erasure key that %q names is none: %w", ErrNoErasureKey, j.path, err)
	}
	return key, nil
}

// isUnder reports whether the key in force is one with that id, in that epoch.
func (c *committer) isUnder(keyID string, epoch uint64) bool {
	return keyID == c.key.ID() && epoch == c.key.Epoch()
}

// plan checks all orders, and returns the lines that are to be erased. before
// is what was completed just now.
func (j *Journal) plan(e *eraseRequest, key integrity.PublicKey, before []ErasureResult) ([]*target, error) {
	var targets []*target
	for i := range e.orders {
		o := &e.orders[i]
		if err := o.check(j.chain, key); err != nil {
			return nil, err
		}
		if find1(targets, o.seq()) != nil {
			continue // twice in one list is once
		}
		targets = append(targets, &target{seq: o.seq()})
	}
	if err := j.findTargets(targets); err != nil {
		return nil, err
	}
	for i := range e.orders {
		o := &e.orders[i]
		t := find1(targets, o.seq())
		if err := j.orderFor(o, t); err != nil {
			return nil, err
		}
		r := ErasureResult{Seq: t.seq, Leaf: t.leaf, File: filepath.Base(j.fileOf(t)), Already: t.done}
		for _, done := range before {
			if done.Seq == t.seq {
				r = done
			}
		}
		if !slices.ContainsFunc(e.results, func(r ErasureResult) bool { return r.Seq == t.seq }) {
			e.results = append(e.results, r)
		}
	}
	return slices.DeleteFunc(targets, func(t *target) bool { return t.done }), nil
}

// fileOf is the finished segment that holds a line, or will.
func (j *Journal) fileOf(t *target) string {
	if s, ok, err := j.finishedSegment(t.first); err == nil && ok {
		return s.Path
	}
	return segmentPath(j.path, t.first)
}

// makeReady finishes the file that is being written, if one of the lines is in
// it, and locks the files that are to be replaced, which it returns: against
// those who compress them. It changes nothing that anybody could miss.
func (j *Journal) makeReady(ctx context.Context, targets []*target) (files []uint64, unlock func(), err error) {
	c := &j.c
	if first := c.tail.First; slices.ContainsFunc(targets, func(t *target) bool { return t.first == first }) {
		if err := j.rotate(ctx, integrity.SegmentRequest); err != nil {
			return nil, nil, err
		}
		if c.tail.First == first {
			return nil, nil, fmt.Errorf("%w: the file that holds the line could not be finished, and nothing is erased", ErrWrite)
		}
	}
	if files, err = j.withCopies(targets); err != nil {
		return nil, nil, err
	}
	// Oldest first: a copy was given up before its record was sealed again.
	files = append(files, firsts(targets)...)
	slices.Sort(files)
	files = slices.Compact(files)
	var held []io.Closer
	unlock = func() {
		for _, f := range held {
			_ = f.Close()
		}
		// What was kept from being compressed can be now.
		select {
		case j.finished <- struct{}{}:
		default:
		}
	}
	for _, first := range files {
		f, err := j.lockFinished(ctx, first)
		if err != nil {
			unlock()
			return nil, nil, err
		}
		if f != nil {
			held = append(held, f)
		}
	}
	return files, unlock, nil
}

// sealErasures seals chain.erased for each line, and makes it durable with its
// watermark, whatever the fsync mode.
func (j *Journal) sealErasures(ctx context.Context, targets []*target) error {
	at := j.c.begin()
	for _, t := range targets {
		t.order.Control, t.order.Time, t.order.Writer = integrity.ControlErased, j.now(), j.writer.String()
		j.sealControl(&at, t.order)
		t.sealed = at.Seq
	}
	if err := j.persist(ctx, at, true); err != nil {
		return err
	}
	return j.makeFirm(ctx)
}

// makeFirm makes the end of the chain and its watermark durable.
func (j *Journal) makeFirm(ctx context.Context) error {
	c := &j.c
	if c.unsynced {
		if err := c.file.Sync(); err != nil {
			return j.abandon(ctx, err)
		}
		c.unsynced, c.firm = false, c.tail
	}
	if c.unmarked {
		if err := j.mark(c.tail); err != nil {
			return err
		}
	}
	if err := c.head.file.Sync(); err != nil {
		return fmt.Errorf("sync watermark: %w", err)
	}
	return nil
}

// carryOut takes the payloads out, after it is durable that they are erased.
// Those who only hold a copy come first: as long as the line itself has its
// payload, whoever goes on after a crash knows what to look for.
func (j *Journal) carryOut(files []uint64, targets []*target, results []ErasureResult) error {
	cleaned, err := j.cleanCopies(targets)
	if err != nil {
		return err
	}
	for i := range results {
		if t := find1(targets, results[i].Seq); t != nil {
			results[i].Cleaned = append(results[i].Cleaned, cleaned[t.seq]...)
		}
	}
	for _, first := range files {
		if err := j.replaceSegment(first, targets); err != nil {
			return err
		}
	}
	j.c.segments = nil
	return j.removeMarker()
}
