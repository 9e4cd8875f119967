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

// RotateKey goes on under another key (docs/SPEC.md, section 4.2): it seals
// chain.key as the last line under the key in force, makes the watermark under
// the incoming one, puts that in the place of the outgoing one, and begins a new
// file. Options.Keys replaces the key by itself; swap, which may be nil, is
// called behind that, and is for a key that is kept elsewhere.
//
// The incoming key must be where Options.Keys finds it before this is called:
// then a crash, or an error of swap, at any place leaves a journal that goes on.
// Without Options.Keys, the next writer must be given the incoming key, and
// until then each answers ErrWrongKey.
func (j *Journal) RotateKey(ctx context.Context, incoming integrity.KeyState, swap func() error) error {
	switch k := incoming.Key; {
	case k.IsZero():
		return errors.New("there is no incoming key")
	case k.VerifyOnly():
		return fmt.Errorf("incoming key: %w", integrity.ErrVerifyOnly)
	case k.Forward() && j.opts.Keys == nil:
		return errForwardAlone
	case incoming.Bound() && incoming.Chain != j.chain:
		return j.otherChain(incoming, "this is chain "+j.chain.String())
	}
	return j.submit(ctx, &request{act: func(ctx context.Context) error { return j.changeKey(ctx, incoming.Key.Clone(), swap) }})
}

func (j *Journal) changeKey(ctx context.Context, incoming integrity.Key, swap func() error) error {
	c := &j.c
	if incoming.Same(c.key) {
		return nil // a rotation that was interrupted, and completed by this opening
	}
	if j.opts.Keys != nil {
		// Behind chain.key, nobody goes on without it.
		st, err := j.findKey(incoming.ID())
		same := err == nil && st.Key.Same(incoming)
		st.Key.Wipe()
		if err != nil {
			return fmt.Errorf("the incoming key must be kept before the journal goes on under it, and nothing was changed: %w", err)
		}
		if !same {
			return fmt.Errorf("%w: another key is kept under the id %s of the incoming one, and nothing was changed", ErrWrongKey, incoming.ID())
		}
	}
	at := c.begin()
	outgoing := c.key.ID()
	j.sealControl(&at, integrity.KeyChange{
		Control: integrity.ControlKey, Time: j.now(), Writer: j.writer.String(),
		KeyID: incoming.ID(), KeyMode: incoming.Mode(), Epoch: incoming.Epoch(),
		Proof: integrity.KeyProof(incoming, j.chain, at.Seq+1, at.MAC, outgoing),
	})
	if err := j.sealLast(ctx, at); err != nil {
		return err
	}
	// From here on the chain is under the incoming key.
	old := c.key
	j.enter(incoming, at, j.opts.Now())
	c.outgoing, c.ended, c.signer = outgoing, at.MAC, ""
	if old.Forward() {
		old.Wipe()
	}
	if err := j.keepKey(ctx); err != nil {
		return err
	}
	if swap != nil {
		if err := swap(); err != nil {
			return fmt.Errorf("the journal goes on under key %s, and the key file could not be replaced: %w", incoming.ID(), err)
		}
	}
	return j.settleKey(ctx)
}

// crossKey goes on under the incoming key where a line that holds, behind a
// line with the tag prev, says that the time of the one in force is over.
func (j *Journal) crossKey(line integrity.Line, prev integrity.Hash) error {
	c := &j.c
	var says integrity.KeyChange
	if err := integrity.ParseControl(line.Payload, &says); err != nil {
		return fmt.Errorf("%w: %q, seq %d: it does not say which key follows; run: auditchain verify %s", ErrTampered, j.path, line.Seq, j.path)
	}
	if j.opts.Keys == nil {
		return j.keyMissing(says.KeyID)
	}
	st, err := j.findKey(says.KeyID)
	if errors.Is(err, ErrWrongKey) {
		return fmt.Errorf("%w (%w)", j.keyMissing(says.KeyID), err)
	}
	if err != nil {
		return fmt.Errorf("journal key: %w", err)
	}
	key, err := st.Key.At(says.Epoch)
	if err == nil && (key.VerifyOnly() || key.Mode() != says.KeyMode || key.ID() != says.KeyID ||
		integrity.KeyProof(key, j.chain, line.Seq, prev, c.key.ID()) != says.Proof) {
		err = errors.New("it was not sealed by somebody who had that key")
	}
	if err != nil {
		return fmt.Errorf("%w: %q, seq %d names key %s: %w; run: auditchain verify %s", ErrTampered, j.path, line.Seq, says.KeyID, err, j.path)
	}
	old := c.key
	since, _ := time.Parse(integrity.TimeFormat, says.Time)
	j.enter(key, c.tail, since)
	c.outgoing, c.ended, c.signer = old.ID(), line.MAC, ""
	if old.Forward() {
		old.Wipe()
	}
	return nil
}

func (j *Journal) keyMissing(id string) error {
	return fmt.Errorf("%w: %q goes on under key %s, and the key given is %s", ErrWrongKey, j.path, id, j.c.key.ID())
}

// RotateSigner names another key for the checkpoints of the chain
// (docs/SPEC.md, section 10.3), and begins a new file. Options.Checkpoint.Signer
// must be the key that signs them so far.
func (j *Journal) RotateSigner(ctx context.Context, incoming integrity.SigningKey) error {
	outgoing := j.opts.Checkpoint.Signer
	switch {
	case incoming.IsZero() || incoming.Kind() != integrity.KindCheckpoint:
		return errors.New("there is no incoming checkpoint key")
	case outgoing.IsZero():
		return errors.New("another checkpoint key is signed for by the one before, which was not given; a chain that was begun without one has no checkpoints")
	}
	return j.submit(ctx, &request{act: func(ctx context.Context) error { return j.changeSigner(ctx, outgoing, incoming) }})
}

func (j *Journal) changeSigner(ctx context.Context, outgoing, incoming integrity.SigningKey) error {
	c := &j.c
	if err := j.learnCharter(); err != nil {
		return err
	}
	switch c.charter.checkpointKey {
	case incoming.Public().Base64():
		return nil // as after an interrupted one
	case outgoing.Public().Base64():
	default:
		if err := j.checkSigner(c.charter); err != nil {
			return err
		}
		return fmt.Errorf("%w: it was begun without a checkpoint key", ErrNoTree)
	}
	at := c.begin()
	m := integrity.SignerMessage(j.chain, at.Seq+1, at.MAC, outgoing.Public(), incoming.Public())
	j.sealControl(&at, integrity.SignerChange{
		Control: integrity.ControlSigner, Time: j.now(), Writer: j.writer.String(),
		CheckpointKey: incoming.Public().Base64(), Previous: outgoing.Public().Base64(),
		Signature: outgoing.Sign(m), NewSignature: incoming.Sign(m),
	})
	// As with another key: once the line is in the file, nothing may follow it
	// there, and nothing be signed by the outgoing key, even where the watermark
	// cannot be written yet.
	if err := j.sealLast(ctx, at); err != nil {
		return err
	}
	j.opts.Checkpoint.Signer = incoming
	c.ended, c.signer = at.MAC, incoming.Public().Base64()
	return j.beginBehindKey(ctx)
}

// crossSigner takes in which key signs checkpoints behind a line that holds.
// Whether both keys signed it is for `verify` to say.
func (c *committer) crossSigner(line integrity.Line) {
	var says integrity.SignerChange
	if integrity.ParseControl(line.Payload, &says) == nil {
		c.ended, c.signer = line.MAC, says.CheckpointKey
	}
}

// beginBehindKey begins the file that must follow another key, or another
// signer.
func (j *Journal) beginBehindKey(ctx context.Context) error {
	c := &j.c
	if err := j.learnSigner(); err != nil {
		return err
	}
	if err := j.rotate(ctx, integrity.SegmentKey); err != nil {
		return err
	}
	if c.ending() {
		return fmt.Errorf("%w: behind seq %d of %q a new file must begin, and cannot: what was reported keeps it", ErrFailed, c.tail.Seq, j.path)
	}
	return nil
}

// learnSigner makes the charter name the signer that the last line says.
func (j *Journal) learnSigner() error {
	c := &j.c
	if !c.ending() || c.signer == "" {
		return nil
	}
	if err := j.learnCharter(); err != nil {
		return err
	}
	c.charter.checkpointKey = c.signer
	return nil
}

// checkEnd looks at the line that the chain was found to end with: it may
// demand that a new file is begun, under a key that must be the one at hand.
func (j *Journal) checkEnd(last integrity.Line) error {
	c := &j.c
	switch last.ControlName() {
	case integrity.ControlKey:
		var says integrity.KeyChange
		if err := integrity.ParseControl(last.Payload, &says); err != nil || says.KeyID != c.key.ID() {
			return j.keyMissing(says.KeyID)
		}
		c.ended, c.signer = last.MAC, ""
	case integrity.ControlSigner:
		c.crossSigner(last)
	}
	return nil
}
