// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"strings"

	"github.com/auditchain/auditchain/integrity"
)

var errWrongTag = errors.New("its tag does not fit its content and the line before it")

// ErrUnchecked is what a Follower with a key says, once, before the first line
// that is under another key, or under an epoch of it that is over: such lines
// come as they are.
var ErrUnchecked = errors.New("lines are not checked")

// chainCheck checks lines against those before them as they are followed.
type chainCheck struct {
	// keys are those that are at hand; key is the one of the file at hand, and
	// none where that is not known, or not at hand.
	keys []integrity.Key
	key  integrity.Key
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

func newChainCheck(o FollowOptions) chainCheck {
	var c chainCheck
	for _, k := range append([]integrity.Key{o.Key}, o.Keys...) {
		if !k.IsZero() {
			c.keys = append(c.keys, k)
		}
	}
	return c
}

// keyOf is the key with an id, where it is at hand.
func (c *chainCheck) keyOf(id string) (integrity.Key, bool) {
	for _, k := range c.keys {
		if k.ID() == id {
			return k, true
		}
	}
	return integrity.Key{}, false
}

// idsOf names keys in a message.
func idsOf(keys []integrity.Key) string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID())
	}
	return strings.Join(ids, ", ")
}

// anchor takes a line for granted: the place where the following begins.
func (c *chainCheck) anchor(_ *Follower, line integrity.Line) {
	c.prev, c.known = line.MAC, true
	c.begun, c.sealer, c.blind, c.key = false, nil, false, integrity.Key{}
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
	if len(c.keys) == 0 {
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
		epoch := first.Epoch
		if first.KeyID == c.key.ID() {
			epoch = max(epoch, c.epoch)
		}
		c.enter(line, first.KeyID, epoch)
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
	key, hand := c.keyOf(s.KeyID)
	switch {
	case f.water.known:
		s.Chain = f.water.chain
	case !told:
		return errors.New("it cannot be checked: neither a watermark nor the first line of the file says which chain this is")
	case !hand:
		return fmt.Errorf("%w: %q is of key %q, the key given is %s", ErrWrongKey, f.cur.path, s.KeyID, idsOf(c.keys))
	}
	c.begun, c.chain, c.lowest, c.key = true, s.Chain, s.Epoch, key
	switch {
	case told && !hand:
		c.lose(f.mark.Seq+1, s.KeyID, "they are under another key")
	case hand && !key.Forward():
		c.sealer = integrity.NewSealer(key, c.chain)
	}
	return nil
}

// enter checks on under the key with an id, in an epoch, where it is at hand.
func (c *chainCheck) enter(line integrity.Line, id string, epoch uint64) {
	key, hand := c.keyOf(id)
	if c.key = key; !hand {
		c.lose(line.Seq, id, "they are under another key")
		return
	}
	c.epoch = epoch
	k, err := key.At(epoch)
	if err != nil {
		c.lose(line.Seq, id, err.Error())
		return
	}
	c.sealer, c.blind = integrity.NewSealer(k, c.chain), false
}

// lose checks no more, and says so.
func (c *chainCheck) lose(seq uint64, under, why string) {
	if !c.blind {
		given := idsOf(c.keys)
		if len(c.keys) == 1 {
			given += fmt.Sprintf(", at epoch %d", c.keys[0].Epoch())
		}
		c.note = fmt.Errorf("%w from seq %d on: %s (key %s; the key given is %s)", ErrUnchecked, seq, why, under, given)
	}
	c.sealer, c.blind, c.under = nil, true, under
}

// maxTried bounds the search for the epoch of a line, where no watermark does.
const maxTried = 1 << 14

// find finds the key and the epoch of a line in the middle of a file. A line
// that holds in none of those that are at hand is under one that is over, if it
// can be; else it is wrong.
func (c *chainCheck) find(f *Follower, prev integrity.Hash, line integrity.Line) bool {
	keys := c.keys
	if !c.key.IsZero() {
		keys = []integrity.Key{c.key} // a file is under one
	}
	var over integrity.Key
	for _, key := range keys {
		last := c.lowest + maxTried
		if f.water.known && f.water.keyID == key.ID() {
			last = f.water.epoch
		}
		k, err := key.At(max(c.lowest, key.Epoch()))
		for err == nil && k.Epoch() <= last {
			s := integrity.NewSealer(k, c.chain)
			if s.MAC(prev, line.Seq, line.Leaf(&c.leaf)) == line.MAC {
				c.sealer, c.epoch, c.key = s, k.Epoch(), key
				return true
			}
			if !key.Forward() {
				break
			}
			k = k.Next()
		}
		if c.lowest < key.Epoch() {
			over = key
		}
	}
	if over.IsZero() {
		return false
	}
	c.lose(line.Seq, over.ID(), fmt.Sprintf("they may be under an epoch before the %d of the key", over.Epoch()))
	return true
}

// cross goes on under the key that what follows a line is under.
func (c *chainCheck) cross(line integrity.Line) {
	switch line.ControlName() {
	case integrity.ControlEpoch:
		var e integrity.Epoch
		if integrity.ParseControl(line.Payload, &e) != nil || c.sealer != nil && !c.key.Forward() {
			return
		}
		key, _ := c.keyOf(c.under)
		switch {
		case c.sealer != nil && e.Epoch == c.epoch+1:
			c.enter(line, c.key.ID(), e.Epoch)
		case c.blind && key.Forward() && e.Epoch >= key.Epoch():
			c.enter(line, c.under, e.Epoch)
		}
	case integrity.ControlKey:
		var k integrity.KeyChange
		if integrity.ParseControl(line.Payload, &k) != nil {
			return
		}
		if _, hand := c.keyOf(k.KeyID); hand {
			c.enter(line, k.KeyID, k.Epoch)
		} else {
			c.sealer, c.epoch, c.blind, c.key = nil, 0, false, integrity.Key{}
			// The next file says which key it is under.
		}
	}
}
