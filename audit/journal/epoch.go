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

// keyring is what a committer knows of the key and of where it is kept
// (docs/SPEC.md, sections 4.1 and 4.2).
type keyring struct {
	// state is what the key file is to hold: committer.key, and the line that
	// its epoch began behind. Of a static key it holds the key alone.
	state integrity.KeyState
	// slotsDue: a line was passed behind which another key, or the next epoch,
	// is in force, and both slots of the watermark must be made under it before
	// the key file says so: a watermark of which no slot is under the key in
	// the file would be none.
	slotsDue bool
	// unsaved: the key file may be behind state; failed: this writer has tried
	// to save it, and what the file holds now is unknown.
	unsaved, failed bool
	// outgoing is the id of the key that the one in force took the place of,
	// while the key file may still hold it.
	outgoing string
	// ended is the tag of the line that ended the time of a key or of a signer,
	// and must be the last one of its file; zeros where there was none. signer
	// is the key for checkpoints from then on, where it is another one.
	ended  integrity.Hash
	signer string
	// unvouched is the first line of a file whose beginning is under a key that
	// is not at hand any more: nothing is removed by what it says.
	unvouched uint64
	// roots are beginnings of files that were found genuine, by their first
	// line.
	roots map[uint64]root
}

// ending says that the last line must be the last one of its file.
func (c *committer) ending() bool { return c.ended != integrity.Hash{} && c.ended == c.tail.MAC }

// loadKey reads what is kept of the key; without a store, that is the key of
// the options. The key is a copy, to be wiped by whoever asked: a key that is
// wiped under somebody who goes on with it would seal, and prove nothing.
func (j *Journal) loadKey() (integrity.KeyState, error) {
	if j.opts.Keys == nil {
		return integrity.KeyState{Key: j.opts.Key.Clone()}, nil
	}
	st, err := j.opts.Keys.Load()
	switch {
	case err != nil:
		return st, fmt.Errorf("journal key: %w", err)
	case st.Key.IsZero():
		return st, errors.New("journal needs a key, and its store has none; `auditchain key new FILE` makes one")
	case st.Key.VerifyOnly():
		return st, fmt.Errorf("nothing can be written to %q: %w", j.path, integrity.ErrVerifyOnly)
	}
	st.Key = st.Key.Clone()
	return st, nil
}

// findKey looks for the key with an id; as loadKey.
func (j *Journal) findKey(id string) (integrity.KeyState, error) {
	st, err := j.opts.Keys.Find(id)
	st.Key = st.Key.Clone()
	return st, err
}

// otherChain refuses a forward-secure key that is bound to another chain than
// the one that is here.
func (j *Journal) otherChain(st integrity.KeyState, found string) error {
	return fmt.Errorf("%w; to begin a new chain here: auditchain recover --new-chain REASON --key-file FILE %s", j.boundElsewhere(st, found), j.path)
}

// boundElsewhere refuses a forward-secure key that is bound to a chain, where
// there is none. To begin one here with this key is no way out: the other one
// may well be alive, under another name.
func (j *Journal) boundElsewhere(st integrity.KeyState, found string) error {
	return fmt.Errorf("%w: the forward-secure key %s is that of chain %s, and %s. Such a key serves one chain: make another with `auditchain key new FILE`, or put back the files or the key that belong together",
		ErrWrongKey, st.Key.ID(), st.Chain, found)
}

// enter makes k the key in force behind at.
func (j *Journal) enter(k integrity.Key, at integrity.Position, since time.Time) {
	c := &j.c
	c.key, c.sealer = k, integrity.NewSealer(k, j.chain)
	c.state = integrity.KeyState{Key: k, Chain: j.chain, Position: at, Since: since}
	if c.head != nil {
		c.head.use(k, j.chain)
	}
	c.slotsDue, c.unsaved = true, j.opts.Keys != nil
}

// stepTo makes the key of a later epoch the one in force behind at, and forgets
// the one before.
func (j *Journal) stepTo(epoch uint64, at integrity.Position, since time.Time) error {
	old := j.c.key
	next, err := old.At(epoch)
	if err != nil {
		return err
	}
	j.enter(next, at, since)
	if next.Epoch() > old.Epoch() {
		old.Wipe()
	}
	return nil
}

// sealerOf returns what seals under the key that a beginning names, where that
// key is at hand: the key in force, in its epoch or a later one.
func (j *Journal) sealerOf(b *beginning) (*integrity.Sealer, bool) {
	c := &j.c
	if b.keyID != c.key.ID() || b.keyMode != c.key.Mode() || b.epoch < c.key.Epoch() || b.chain == (integrity.ChainID{}) {
		return nil, false
	}
	if b.epoch == c.key.Epoch() && c.sealer != nil && b.chain == j.chain {
		return c.sealer, true
	}
	k, err := c.key.At(b.epoch)
	if err != nil {
		return nil, false
	}
	return integrity.NewSealer(k, b.chain), true
}

// isGenuine reports whether a file's first line is genuine, as far as the key
// at hand can tell.
func (j *Journal) isGenuine(b *beginning) bool {
	s, ok := j.sealerOf(b)
	return ok && b.genuine(s)
}

// crossEpoch steps the key where a line that holds says that its epoch is over.
// One that says anything but the next epoch is left as it is: what follows it
// does not hold.
func (j *Journal) crossEpoch(line integrity.Line) error {
	c := &j.c
	var e integrity.Epoch
	if !c.key.Forward() || integrity.ParseControl(line.Payload, &e) != nil || e.Epoch != c.key.Epoch()+1 {
		return nil //nolint:nilerr // that is what the comment says
	}
	since, _ := time.Parse(integrity.TimeFormat, e.Time)
	return j.stepTo(e.Epoch, c.tail, since)
}

// tendKey does, at the beginning of a commit, what is due for the key: what a
// crash or a failure has left undone, and the next epoch.
func (j *Journal) tendKey(ctx context.Context) error {
	if err := j.settleKey(ctx); err != nil {
		return err
	}
	if !j.stepDue() {
		return nil
	}
	return j.step(ctx)
}

// settleKey makes the watermark and the key file fit the key in force, and
// begins the next file where the last line demands one. Until it succeeds,
// nothing is acknowledged.
func (j *Journal) settleKey(ctx context.Context) error {
	if err := j.keepKey(ctx); err != nil {
		return err
	}
	if j.c.ending() {
		return j.beginBehindKey(ctx)
	}
	return nil
}

// stepDue reports whether the epoch is over.
func (j *Journal) stepDue() bool {
	c, o := &j.c, j.opts.Epoch
	if j.opts.Keys == nil || !c.key.Forward() {
		return false
	}
	own := uint64(0)
	if c.state.Seq == 0 {
		own = 2 // chain.genesis and chain.opened are its beginning
	}
	if c.tail.Seq < c.state.Seq || c.tail.Seq-c.state.Seq <= own {
		return false
	}
	if o.Records > 0 && c.tail.Seq-c.state.Seq >= uint64(o.Records) {
		return true
	}
	// A clock that was set back must not keep an epoch open.
	age := j.opts.Now().Sub(c.state.Since)
	return o.Every > 0 && (age >= o.Every || age <= -o.Every)
}

// step ends the epoch (docs/SPEC.md, section 4.1). The line chain.epoch is
// durable before the watermark is under the next epoch, and that before the key
// file is, whatever the fsync mode.
//
// A crash before the line is whole changes nothing. After it, the next opening
// passes it, and goes on from there as here: both slots, and then the key file.
// At any time, one slot at the least is good under the key in the file.
func (j *Journal) step(ctx context.Context) error {
	c := &j.c
	// Another writer may have been further, and somebody may have cut off what
	// it sealed: then the key file must not be overwritten with less.
	st, err := j.loadKey()
	defer st.Key.Wipe()
	switch {
	case err != nil:
		return fmt.Errorf("%w: the epoch of the key is over, and the next one cannot begin: %w", ErrFailed, err)
	case !st.Key.Same(c.key):
		return fmt.Errorf("%w: the epoch of the key is over, and the next one cannot begin: %w", ErrFailed, j.otherKeyFile(st))
	case st.Key.Epoch() > c.key.Epoch():
		_ = j.stale(errKeyAhead)
		return j.ready(ctx)
	}
	at := c.begin()
	if c.tree.staging() && c.tree.last.seq != at.Seq && !j.signer().IsZero() && j.checkSigner(c.charter) == nil {
		// What is behind the step can then be checked without the key that goes.
		// Where there can be none, the step is none the worse.
		_ = j.sealCheckpoint(&at, false)
	}
	j.sealControl(&at, integrity.Epoch{Control: integrity.ControlEpoch, Time: j.now(), Writer: j.writer.String(), Epoch: c.key.Epoch() + 1})
	if err := j.sealLast(ctx, at); err != nil {
		return err
	}
	if err := j.stepTo(c.key.Epoch()+1, at, j.opts.Now()); err != nil {
		return j.stale(err)
	}
	return j.keepKey(ctx)
}

var errKeyAhead = errors.New("the key file is further than the journal")

func (j *Journal) otherKeyFile(st integrity.KeyState) error {
	return fmt.Errorf("%w: %q goes on under key %s, and the key file holds key %s; put the right one back", ErrWrongKey, j.path, j.c.key.ID(), st.Key.ID())
}

// sealLast makes the lines in the buffer, the last ones under the key in force,
// durable. They are not named by a watermark under it.
func (j *Journal) sealLast(ctx context.Context, at integrity.Position) error {
	c := &j.c
	if err := j.write(); err != nil {
		return err
	}
	if err := c.file.Sync(); err != nil {
		return j.abandon(ctx, err)
	}
	c.tail, c.firm = at, at
	c.unsynced, c.unmarked = false, true
	c.ids.store()
	j.settleTree() // else it is read again, and from lines under a key that is spent
	return nil
}

// keepKey makes both slots of the watermark under the key in force, durably,
// and then the key file; unless another writer has done both.
func (j *Journal) keepKey(ctx context.Context) error {
	c := &j.c
	if !c.slotsDue && !c.unsaved {
		return nil
	}
	if done, err := j.kept(); err != nil || done {
		return err
	}
	if c.slotsDue {
		if c.unsynced {
			if err := c.file.Sync(); err != nil {
				return j.abandon(ctx, err)
			}
			c.unsynced, c.firm = false, c.tail
		}
		if err := j.markBoth(); err != nil {
			return j.stale(err)
		}
		c.slotsDue = false
	}
	if !c.unsaved {
		return nil
	}
	// Whoever has the next key only cannot check what the tree so far is made of.
	j.saveTree()
	c.tree.file.sync()
	c.failed = true
	if err := j.opts.Keys.Save(c.state); err != nil {
		return unkept(err)
	}
	c.unsaved, c.failed, c.outgoing = false, false, ""
	return nil
}

func unkept(err error) error {
	return fmt.Errorf("%w: the key file could not be brought up to the journal, and nothing is acknowledged before it is: %w", ErrFailed, err)
}

// kept reports whether the key file is where it should be: then its writer has
// seen to the watermark, too. It is an error where the file must not be
// replaced: with a key that is neither the one in force nor the one before it,
// or with one of another chain.
func (j *Journal) kept() (bool, error) {
	c := &j.c
	if !c.unsaved {
		return false, nil // the key cannot be replaced, and the watermark can
	}
	st, err := j.loadKey()
	defer st.Key.Wipe()
	same := err == nil && st.Key.Same(c.key)
	switch {
	case err != nil:
		return false, unkept(err)
	case !same && st.Key.ID() != c.outgoing:
		return false, unkept(j.otherKeyFile(st))
	case same && st.Bound() && st.Chain != j.chain:
		return false, unkept(j.otherChain(st, "this is chain "+j.chain.String()))
	case same && st.Key.Epoch() > c.key.Epoch():
		return false, j.stale(errKeyAhead)
	case !same || st.Key.Epoch() < c.key.Epoch() || c.failed || st.Key.Forward() && !st.Bound():
		return false, nil
	}
	if st.Key.Forward() {
		c.state.Position, c.state.Since = st.Position, st.Since
	}
	c.slotsDue, c.unsaved, c.outgoing = false, false, ""
	return true, nil
}

// markBoth writes both slots of the watermark, and syncs them.
func (j *Journal) markBoth() error {
	c := &j.c
	if c.headLost {
		if err := j.makeHead(c.tail); err != nil {
			return err
		}
	} else {
		for range 2 {
			if err := c.head.write(j.chain, c.tail, j.opts.Now()); err != nil {
				return err
			}
		}
		if err := c.head.file.Sync(); err != nil {
			return fmt.Errorf("sync watermark: %w", err)
		}
	}
	c.unmarked, c.headLost = false, false
	return nil
}
