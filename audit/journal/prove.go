// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// Why a proof cannot be made.
var (
	// ErrNoCheckpoint: no checkpoint covers the record, or there is none of
	// the size that was asked for.
	ErrNoCheckpoint = errors.New("there is no such checkpoint")
	// ErrNoRecord: the journal does not hold the record.
	ErrNoRecord = errors.New("there is no such record")
	// ErrDoesNotHold: the lines do not lead to the root that was signed, or the
	// checkpoint is not by the key that the chain names: something was
	// altered.
	ErrDoesNotHold = errors.New("the journal and its checkpoint do not go together: something was altered; run auditchain verify, which says where")
)

// errBesides is what reading along another way may mend: a hint that was
// wrong, a file that changed.
var errBesides = errors.New("the lines are not as they were expected")

// ProveOptions says what Prove is to prove. One of Seq and ID is set.
type ProveOptions struct {
	// Seq is the sequence number of the record.
	Seq uint64
	// ID is the record's id, a UUID in lower case. Where several records have
	// it, it is the first one of them.
	ID string
	// Size is the tree size of the checkpoint; 0 means the newest checkpoint in
	// the journal. It is not looked at where there is a Note.
	Size uint64
	// Note, where it is given, is the checkpoint to prove the record against.
	Note []byte
	ReadOptions
}

// ConsistencyOptions says between which checkpoints ProveConsistency is to
// prove something. Each is given by its tree size, or as a note; of the larger
// one, neither means the newest checkpoint in the journal.
type ConsistencyOptions struct {
	From, To         uint64
	FromNote, ToNote []byte
	ReadOptions
}

// ReadOptions says how a journal is read.
type ReadOptions struct {
	// LockTimeout bounds the wait for a commit in progress; 0 means
	// DefaultLockTimeout.
	LockTimeout time.Duration
	// Workers is the number of goroutines; 0 means one a processor.
	Workers int
	// FS is the file system; nil means the operating system's. It is a seam
	// for tests.
	FS vfs.FS
}

// Prove makes the proof that a record is in a checkpoint (docs/SPEC.md, section
// 10.5). It needs no key, and its memory does not grow with the journal. A
// journal that is being written will do. The proof that it returns holds, but
// for one thing that needs the public key from elsewhere: that the key which the
// chain names for its checkpoints is the right one. Of a record that was erased it
// proves the tombstone.
func Prove(ctx context.Context, path string, o ProveOptions) (p *integrity.Proof, err error) {
	if (o.Seq == 0) == (o.ID == "") {
		return nil, errors.New("name the record by its sequence number or its id, one of the two")
	}
	err = withProver(ctx, path, o.ReadOptions, func(r *prover) (err error) {
		p, err = r.record(ctx, o)
		return err
	})
	return p, err
}

// ProveConsistency makes the proof that one checkpoint is a beginning of
// another one, as Prove does.
func ProveConsistency(ctx context.Context, path string, o ConsistencyOptions) (p *integrity.ConsistencyProof, err error) {
	if o.From == 0 && o.FromNote == nil {
		return nil, errors.New("name the smaller checkpoint by its size, or give its note")
	}
	err = withProver(ctx, path, o.ReadOptions, func(r *prover) (err error) {
		p, err = r.consistency(ctx, o)
		return err
	})
	return p, err
}

// withProver opens a journal, again and again while retention removes files
// before they are read.
func withProver(ctx context.Context, path string, o ReadOptions, f func(*prover) error) error {
	if o.LockTimeout == 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	if o.FS == nil {
		o.FS = vfs.OS
	}
	for range maxSnapshots {
		r, err := openProver(ctx, path, o)
		if err == nil {
			err = f(r)
			r.release()
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if err == nil || r == nil || !r.vanished {
			return err
		}
	}
	return fmt.Errorf("journal: %q: segments are removed faster than they are read; run it again when less is written", path)
}

// wanted is a checkpoint that a proof is made for. Its note is known from the
// beginning, or found in the line behind the lines that it is about.
type wanted struct {
	size uint64
	note []byte
}

// want says which checkpoint it is.
func (r *prover) want(ctx context.Context, size uint64, note []byte) (w wanted, err error) {
	last, err := r.lastSeq(ctx)
	if err != nil {
		return w, err
	}
	if note == nil {
		if size >= last {
			return w, r.noneOf(ctx, size)
		}
		return wanted{size: size}, nil
	}
	c, err := integrity.ParseCheckpoint(note)
	if err != nil {
		return w, err
	}
	if c.Chain != r.chain {
		return w, fmt.Errorf("%w: the checkpoint that was given is about %s, and this journal is %s", integrity.ErrProofChain, c.Chain, r.chain)
	}
	if c.Size > last {
		return w, fmt.Errorf("%w (the checkpoint that was given is about %d lines, and the journal ends with line %d)", ErrDoesNotHold, c.Size, last)
	}
	return wanted{c.Size, note}, nil
}

// noneOf is the error for a size that no checkpoint has.
func (r *prover) noneOf(ctx context.Context, size uint64) error {
	line, err := r.lastCheckpoint(ctx)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: none has size %d; the newest one has size %d", ErrNoCheckpoint, size, line.seq-1)
}

// newest is want for the newest checkpoint, where size and note say nothing.
func (r *prover) newest(ctx context.Context, size uint64, note []byte) (wanted, error) {
	if size > 0 || note != nil {
		return r.want(ctx, size, note)
	}
	line, err := r.lastCheckpoint(ctx)
	if err != nil {
		return wanted{}, err
	}
	return r.checkpointIn(line.seq, line.payload)
}

// checkpointIn reads the note in a chain.checkpoint.
func (r *prover) checkpointIn(seq uint64, payload []byte) (w wanted, err error) {
	var c integrity.Checkpointed
	if err := integrity.ParseControl(payload, &c); err != nil {
		return w, fmt.Errorf("%w (seq %d: %w)", ErrDoesNotHold, seq, err)
	}
	at, err := integrity.ParseCheckpoint([]byte(c.Note))
	if err != nil || at.Size != seq-1 || at.Chain != r.chain {
		return w, fmt.Errorf("%w (the checkpoint at seq %d is not one of the lines before it)", ErrDoesNotHold, seq)
	}
	return wanted{at.Size, []byte(c.Note)}, nil
}

// found completes a checkpoint by the line behind its tree.
func (r *prover) found(ctx context.Context, w *wanted, payloads map[uint64][]byte) error {
	if w.note != nil {
		return nil
	}
	payload, ok := payloads[w.size+1]
	if !ok || !isCheckpoint(payload) {
		return r.noneOf(ctx, w.size)
	}
	found, err := r.checkpointIn(w.size+1, payload)
	*w = found
	return err
}

// upTo is the last line that must be read for a checkpoint.
func (w wanted) upTo() uint64 {
	if w.note != nil {
		return w.size
	}
	return w.size + 1
}

func (r *prover) record(ctx context.Context, o ProveOptions) (*integrity.Proof, error) {
	w, err := r.newest(ctx, o.Size, o.Note)
	if err != nil {
		return nil, err
	}
	seq := o.Seq
	if o.ID != "" {
		if seq, err = r.findID(ctx, o.ID); err != nil {
			return nil, err
		}
	}
	if seq > w.size {
		return nil, r.notCovered(ctx, seq, w, o)
	}
	if first := r.files[0].first; seq < first {
		return nil, fmt.Errorf("%w: the journal begins with line %d, and line %d is not there any more: it was removed, as the chain allows, or stands in a file that is not here", ErrNoRecord, first, seq)
	}
	p := &integrity.Proof{Index: seq - 1}
	err = r.ways(ctx, seq,
		func() (*integrity.PathBuilder, error) { return integrity.NewPath(seq-1, w.size) },
		[]uint64{seq, w.size + 1}, w.upTo(),
		func(path []integrity.Hash, payloads map[uint64][]byte) error {
			if err := r.found(ctx, &w, payloads); err != nil {
				return err
			}
			p.Payload, p.Path, p.Note = payloads[seq], path, w.note
			return p.CheckRoot()
		})
	if err != nil {
		return nil, err
	}
	return p, r.signed(w)
}

// notCovered says why a record is beyond a checkpoint.
func (r *prover) notCovered(ctx context.Context, seq uint64, w wanted, o ProveOptions) error {
	last, err := r.lastSeq(ctx)
	switch {
	case err != nil:
		return err
	case seq > last:
		return fmt.Errorf("%w: the journal ends with line %d", ErrNoRecord, last)
	case o.Size > 0 || o.Note != nil:
		return fmt.Errorf("%w: the one of size %d was sealed before line %d; choose a larger one, or none for the newest", ErrNoCheckpoint, w.size, seq)
	}
	return fmt.Errorf("%w: the newest one has size %d, and line %d was sealed after it; run auditchain checkpoint, or wait for the writer's next one", ErrNoCheckpoint, w.size, seq)
}

func (r *prover) consistency(ctx context.Context, o ConsistencyOptions) (*integrity.ConsistencyProof, error) {
	from, err := r.want(ctx, o.From, o.FromNote)
	if err != nil {
		return nil, err
	}
	to, err := r.newest(ctx, o.To, o.ToNote)
	if err != nil {
		return nil, err
	}
	if from.size > to.size {
		return nil, fmt.Errorf("%w: from size %d to size %d", integrity.ErrProofSizes, from.size, to.size)
	}
	p := &integrity.ConsistencyProof{}
	err = r.ways(ctx, from.size,
		func() (*integrity.PathBuilder, error) { return integrity.NewConsistencyPath(from.size, to.size) },
		[]uint64{from.size + 1, to.size + 1}, max(from.upTo(), to.upTo()),
		func(path []integrity.Hash, payloads map[uint64][]byte) error {
			if err := errors.Join(r.found(ctx, &from, payloads), r.found(ctx, &to, payloads)); err != nil {
				return err
			}
			p.Path, p.From, p.To = path, from.note, to.note
			return p.CheckRoots()
		})
	if err != nil {
		return nil, err
	}
	return p, errors.Join(r.signed(from), r.signed(to))
}

// ways computes a path in one way after the other, the quickest one first,
// until what comes out of one holds: by the index, where there is one; from the
// file that holds line seq on, which says what the tree before it is; from the
// first line on. Neither of the first two is trusted.
func (r *prover) ways(ctx context.Context, seq uint64, build func() (*integrity.PathBuilder, error),
	want []uint64, upTo uint64, check func([]integrity.Hash, map[uint64][]byte) error,
) error {
	var failed error
	ways := []func(context.Context, *gathering) error{r.byIndex}
	if i := r.fileOf(seq); i > 0 {
		ways = append(ways, func(ctx context.Context, g *gathering) error { return r.fromFile(ctx, g, i) })
	}
	ways = append(ways, func(ctx context.Context, g *gathering) error { return r.fromFile(ctx, g, 0) })
	for _, way := range ways {
		b, err := build()
		if err != nil {
			return err
		}
		g := &gathering{path: b, want: want, upTo: upTo, payloads: make(map[uint64][]byte)}
		if err = way(ctx, g); errors.Is(err, errNoWay) {
			continue
		}
		var path []integrity.Hash
		if err == nil {
			path, err = b.Path()
		}
		if err == nil {
			err = check(path, g.payloads)
		}
		if err == nil || ctx.Err() != nil || r.vanished {
			return err
		}
		failed = err
	}
	switch {
	case errors.Is(failed, ErrNoCheckpoint), errors.Is(failed, ErrDoesNotHold):
		return failed
	case failed == nil:
		return fmt.Errorf("%w: the beginning of the journal was removed, and what follows it does not say what tree it had", ErrNoRecord)
	case errors.Is(failed, integrity.ErrProofRoot), errors.Is(failed, integrity.ErrProofPayload), errors.Is(failed, errBesides):
		return fmt.Errorf("%w (%w)", ErrDoesNotHold, failed)
	}
	return failed
}
