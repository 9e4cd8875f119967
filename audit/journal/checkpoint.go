// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auditchain/auditchain/integrity"
)

// Errors of checkpoints.
var (
	// ErrNoSigner: there is no key to sign a checkpoint with.
	ErrNoSigner = errors.New("no key for checkpoints")
	// ErrWrongSigner: the key for checkpoints is not that of the chain.
	ErrWrongSigner = fmt.Errorf("%w for checkpoints", ErrWrongKey)
	// ErrNoTree: there is no checkpoint to be had of the chain: it was begun
	// without a checkpoint key, or lines are missing or altered, so that nobody
	// can say what its tree is.
	ErrNoTree = errors.New("the chain has no tree to make a checkpoint of")
)

// Checkpoint seals a checkpoint now, and returns it when it is durable. Errors:
// ErrNoSigner, ErrWrongSigner, ErrNoTree, and those of Append.
func (j *Journal) Checkpoint(ctx context.Context) (Published, error) {
	if j.opts.Checkpoint.Signer.IsZero() {
		return Published{}, ErrNoSigner
	}
	r := &request{checkpoint: true}
	if err := j.append(ctx, r); err != nil {
		return Published{}, err
	}
	return r.point, r.pointErr
}

// signer is the key that checkpoints are signed with.
func (j *Journal) signer() integrity.SigningKey { return j.opts.Checkpoint.Signer }

// checkSigner compares the key for checkpoints with what a chain says.
func (j *Journal) checkSigner(of charter) error {
	signer := j.signer().Public()
	if signer.IsZero() || of.checkpointKey == signer.Base64() || of.checkpointKey == "" {
		return nil
	}
	want := of.checkpointKey
	if key, err := integrity.ParsePublicKey(integrity.KindCheckpoint, []byte(want)); err == nil {
		want = key.ID()
	}
	return fmt.Errorf("%w: those of %q are signed by key %s, and the checkpoint key given is %s; to change it: auditchain key rotate --checkpoint-key OLD --new-checkpoint-key NEW %s", ErrWrongSigner, j.path, want, signer.ID(), j.path)
}

// openTree takes up the tree when the journal is opened.
func (j *Journal) openTree() error {
	c := &j.c
	if !c.learned {
		// The first line of the file is not as it was: the cache says it too.
		j.recallCharter()
	}
	if !c.charter.hasTree() {
		switch {
		case j.signer().IsZero():
		case !c.learned:
			j.report(fmt.Errorf("%q: no checkpoints are made: its first line cannot be read, which says who signs them; run: auditchain verify %s", j.path, j.path))
		default:
			j.report(fmt.Errorf("%q: no checkpoints are made: its chain was begun without a checkpoint key, and has none ever; a new one is begun with: auditchain recover --new-chain REASON %s", j.path, j.path))
		}
		return nil
	}
	if err := j.checkSigner(c.charter); err != nil {
		return err
	}
	j.loadTree()
	return nil
}

// wantCheckpoint says whether a checkpoint is to be sealed in the commit of
// batch, and makes sure of the tree that it needs. refused is why there can be
// none.
func (j *Journal) wantCheckpoint(batch []*request) (want checkpointWish, refused error) {
	if j.signer().IsZero() {
		return checkpointWish{}, nil
	}
	asked, lines := false, uint64(0)
	for _, r := range batch {
		asked = asked || r.checkpoint || r.closing
		want.closing = want.closing || r.closing
		lines += uint64(r.n) //nolint:gosec // not negative
	}
	c := &j.c
	if !c.charter.hasTree() {
		return checkpointWish{}, fmt.Errorf("%w: it was begun without a checkpoint key", ErrNoTree)
	}
	late, many := j.checkpointDue(lines)
	if !asked && !late && !many {
		return checkpointWish{}, nil
	}
	if err := j.checkSigner(c.charter); err != nil {
		if !c.saidSigner {
			c.saidSigner = true
			j.report(fmt.Errorf("no checkpoints are made: %w", err))
		}
		return checkpointWish{}, err
	}
	known := c.tree.is(c.tail)
	before := c.tree.failed
	if err := j.knowTree(asked); err != nil {
		if !errors.Is(before, err) {
			j.report(fmt.Errorf("no checkpoint is made of %q: %w; run: auditchain verify %s", j.path, err, j.path))
		}
		return checkpointWish{}, fmt.Errorf("%w: %w", ErrNoTree, err)
	}
	if !known {
		// What was read may have said that another process made one just now.
		late, many = j.checkpointDue(lines)
	}
	want.seal, want.sync = asked || late || many, asked || late
	return want, nil
}

// checkpointWish says what checkpoint a commit is to seal.
type checkpointWish struct {
	seal, closing bool
	// sync: it is made durable at once, whatever the mode. One that is made
	// because of many lines is durable when the mode says so, and is given to
	// nobody before: a sync of all that was written would cost more than the
	// mode is for.
	sync bool
}

// checkpointDue reports whether much time passed since the last checkpoint, and
// whether many lines followed it, with so many more. It goes by what the chain
// says, so that of several processes one makes the next.
func (j *Journal) checkpointDue(lines uint64) (late, many bool) {
	c, o := &j.c, j.opts.Checkpoint
	last := c.tree.last
	if last.seq == 0 {
		return o.Every > 0, o.Records > 0
	}
	many = o.Records > 0 && c.tail.Seq+lines >= last.seq+uint64(o.Records)
	// A clock that was put back would keep the next one away for as long.
	passed := j.opts.Now().UnixNano() - last.nanos
	return o.Every > 0 && (passed >= int64(o.Every) || passed < 0), many
}

// sealCheckpoint seals a checkpoint of all lines up to at, those of this commit
// too. Where it cannot, the commit goes on without.
func (j *Journal) sealCheckpoint(at *integrity.Position, closing bool) error {
	c := &j.c
	if !c.tree.staging() {
		return fmt.Errorf("%w: it was lost while it was being made; try again", ErrNoTree)
	}
	tree := c.tree.look().tree()
	if tree.Size() != at.Seq {
		return fmt.Errorf("%w: it has %d leaves, and the chain %d lines", ErrNoTree, tree.Size(), at.Seq)
	}
	point := &Published{
		Checkpoint: integrity.Checkpoint{Chain: j.chain, Size: at.Seq, Root: tree.Root()},
		Seq:        at.Seq + 1, Time: j.opts.Now(),
	}
	var err error
	if point.Note, err = point.Sign(j.signer()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	j.sealControl(at, integrity.Checkpointed{
		Control: integrity.ControlCheckpoint, Time: integrity.FormatTime(point.Time), Writer: j.writer.String(),
		Note: string(point.Note), Closing: closing,
	})
	c.point = point
	return nil
}

// heartbeat is a request that finds out whether a checkpoint is due.
func heartbeat() *request { return &request{} }

// heartbeatEvery is how often that is looked at.
func (c *Checkpoint) heartbeatEvery() time.Duration {
	return min(max(c.Every/8, time.Second), time.Minute)
}

// isClosing reports whether a line is the last one of a writer that closed the
// journal: chain.closed, or the checkpoint behind it.
func isClosing(line *integrity.Line) bool {
	switch line.ControlName() {
	case integrity.ControlClosed:
		return true
	case integrity.ControlCheckpoint:
		var c integrity.Checkpointed
		return integrity.ParseControl(line.Payload, &c) == nil && c.Closing
	}
	return false
}
