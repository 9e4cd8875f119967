// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"

	"github.com/auditchain/auditchain/integrity"
)

var errWrongTag = errors.New("its tag does not fit its content and the line before it")

// ErrUnchecked is what a Follower with a key says, once, before the first line
// that is under another key, or under an epoch of it that is over: such lines
// come as they are.
var ErrUnchecked = errors.New("lines are not checked")

// chainCheck checks lines against those before them as they are followed.
type chainCheck struct {
	key integrity.Key
	// begun: chain is known, and so is what the file at hand begins under.
	begun bool
	chain integrity.ChainID
	// sealer is of the key in force, at epoch; nil where that is not known yet,
	// or not at hand: then blind.
	sealer *integrity.Sealer
	epoch  uint64
	blind  bool
	under  string // the id of the key that what is not checked is under
	// lowest is the first epoch that the lines of the file can be under.
	lowest uint64
	note   error // to be said before the line
	leaf   integrity.LeafHasher
	prev   integrity.Hash
	known  bool // prev is the tag of the line before
}

// anchor takes a line for granted: the place where the following begins.
func (c *chainCheck) anchor(_ *Follower, line integrity.Line) {
	c.prev, c.known = line.MAC, true
	c.begun, c.sealer, c.blind = false, nil, false
}

// takeNote returns what is to be said before the line that was checked last.
func (c *chainCheck) takeNote() error {
	note := c.note
	c.note = nil
	return note
}

// says is what the first line of a file says of the key that it is under; a
// genesis and a chain.segment have the same members for it.
type says struct {
	Chain    integrity.ChainID  `json:"chain_id"`
	KeyID    string             `json:"key_id"`
	Epoch    uint64             `json:"epoch"`
	Previous integrity.Position `json:"previous"`
}

// line says what is wrong with the line that follows f.mark.
func (c *chainCheck) line(f *Follower, line integrity.Line) error {
	var first says
	begins := line.ControlName() == integrity.ControlSegment || line.ControlName() == integrity.ControlGenesis
	isSegment := begins && integrity.ParseControl(line.Payload, &first) == nil && first.Previous.Seq+1 == line.Seq
	if c.key.IsZero() {
		// What it says that it follows must be what was read.
		if isSegment && f.mark.Seq == first.Previous.Seq && f.mark.MAC != first.Previous.MAC && f.mark.Seq > 0 {
			return fmt.Errorf("%w: the file says that seq %d, before it, was another line", ErrTampered, f.mark.Seq)
		}
		return nil
	}
	if !c.begun {
		if err := c.begin(f); err != nil {
			return err
		}
	}
	prev, known := c.prev, c.known && line.Seq == f.mark.Seq+1
	gap := !known
	switch {
	case line.Seq == 1:
		prev, known = integrity.Hash{}, true
	case !known && isSegment:
		prev, known = first.Previous.MAC, true
	}
	c.prev, c.known = line.MAC, true
	if isSegment && (c.sealer == nil || gap) {
		// What is checked goes on under the key that it is under; only where
		// nothing is, the line itself says which one that is.
		c.enter(line, first.KeyID, max(first.Epoch, c.epoch))
	}
	if known && c.sealer == nil && !c.blind {
		if !c.find(f, prev, line) {
			return errWrongTag
		}
	}
	if known && c.sealer != nil && c.sealer.MAC(prev, line.Seq, line.Leaf(&c.leaf)) != line.MAC {
		return errWrongTag
	}
	c.cross(line)
	return nil
}

// begin finds out which chain it is: the watermark says it, else the first
// line of the file, which says what the file begins under, too.
func (c *chainCheck) begin(f *Follower) error {
	in, err := openSegment(f.fs, f.cur.seg)
	if err != nil {
		return err
	}
	defer in.Close()
	first, _ := peekLine(in)
	var s says
	name := first.ControlName()
	told := (name == integrity.ControlGenesis || name == integrity.ControlSegment) && integrity.ParseControl(first.Payload, &s) == nil
	switch {
	case f.water.known:
		s.Chain = f.water.chain
	case !told:
		return errors.New("it cannot be checked: neither a watermark nor the first line of the file says which chain this is")
	case s.KeyID != c.key.ID():
		return fmt.Errorf("%w: %q is of key %q, the key given is %s", ErrWrongKey, f.cur.path, s.KeyID, c.key.ID())
	}
	c.begun, c.chain, c.lowest = true, s.Chain, s.Epoch
	switch {
	case told && s.KeyID != c.key.ID():
		c.lose(f.mark.Seq+1, s.KeyID, "they are under another key")
	case !c.key.Forward():
		c.sealer = integrity.NewSealer(c.key, c.chain)
	}
	return nil
}

// enter checks on under the key with an id, in an epoch, where it is at hand.
func (c *chainCheck) enter(line integrity.Line, id string, epoch uint64) {
	if id != c.key.ID() {
		c.lose(line.Seq, id, "they are under another key")
		return
	}
	k, err := c.key.At(epoch)
	if err != nil {
		c.lose(line.Seq, id, err.Error())
		return
	}
	c.sealer, c.epoch, c.blind = integrity.NewSealer(k, c.chain), epoch, false
}

// lose checks no more, and says so.
func (c *chainCheck) lose(seq uint64, under, why string) {
	if !c.blind {
		c.note = fmt.Errorf("%w from seq %d on: %s (key %s; the key given is %s, at epoch %d)", ErrUnchecked, seq, why, under, c.key.ID(), c.key.Epoch())
	}
	c.sealer, c.blind, c.under = nil, true, under
}

// maxTried bounds the search for the epoch of a line, where no watermark does.
const maxTried = 1 << 10

// find finds the epoch of a line in the middle of a file. A line that holds in
// none of those that are at hand is under one that is over, if it can be; else
// it is wrong.
func (c *chainCheck) find(f *Follower, prev integrity.Hash, line integrity.Line) bool {
	last := c.lowest + maxTried
	if f.water.known {
		last = f.water.epoch
	}
	k, err := c.key.At(max(c.lowest, c.key.Epoch()))
	for err == nil && k.Epoch() <= last {
		s := integrity.NewSealer(k, c.chain)
		if s.MAC(prev, line.Seq, line.Leaf(&c.leaf)) == line.MAC {
			c.sealer, c.epoch = s, k.Epoch()
			return true
		}
		k = k.Next()
	}
	if c.lowest >= c.key.Epoch() {
		return false
	}
	c.lose(line.Seq, c.key.ID(), fmt.Sprintf("they may be under an epoch before the %d of the key", c.key.Epoch()))
	return true
}

// cross goes on under the key that what follows a line is under.
func (c *chainCheck) cross(line integrity.Line) {
	switch line.ControlName() {
	case integrity.ControlEpoch:
		var e integrity.Epoch
		if integrity.ParseControl(line.Payload, &e) != nil || !c.key.Forward() {
			return
		}
		if c.sealer != nil && e.Epoch == c.epoch+1 || c.blind && c.under == c.key.ID() && e.Epoch >= c.key.Epoch() {
			c.enter(line, c.key.ID(), e.Epoch)
		}
	case integrity.ControlKey:
		var k integrity.KeyChange
		if integrity.ParseControl(line.Payload, &k) != nil {
			return
		}
		if k.KeyID == c.key.ID() {
			c.enter(line, k.KeyID, k.Epoch)
		} else {
			c.sealer, c.epoch, c.blind = nil, 0, false
			// The next file says which key it is under.
		}
	}
}
