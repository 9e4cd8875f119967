// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"

	"github.com/auditchain/auditchain/integrity"
)

var errWrongTag = errors.New("its tag does not fit its content and the line before it")

// chainCheck checks lines against those before them as they are followed.
type chainCheck struct {
	key    integrity.Key
	sealer *integrity.Sealer
	leaf   integrity.LeafHasher
	prev   integrity.Hash
	known  bool // prev is the tag of the line before
}

// anchor takes a line for granted: the place where the following begins.
func (c *chainCheck) anchor(_ *Follower, line integrity.Line) { c.prev, c.known = line.MAC, true }

// line says what is wrong with the line that follows f.mark.
func (c *chainCheck) line(f *Follower, line integrity.Line) error {
	segment, isSegment := integrity.Segment{}, false
	if line.ControlName() == integrity.ControlSegment {
		isSegment = integrity.ParseControl(line.Payload, &segment) == nil && segment.Previous.Seq+1 == line.Seq
	}
	if c.key.IsZero() {
		// What it says that it follows must be what was read.
		if isSegment && f.mark.Seq == segment.Previous.Seq && f.mark.MAC != segment.Previous.MAC && f.mark.Seq > 0 {
			return fmt.Errorf("%w: the file says that seq %d, before it, was another line", ErrTampered, f.mark.Seq)
		}
		return nil
	}
	if c.sealer == nil {
		if err := c.begin(f, line); err != nil {
			return err
		}
	}
	prev, known := c.prev, c.known && line.Seq == f.mark.Seq+1
	switch {
	case line.Seq == 1:
		prev, known = integrity.Hash{}, true
	case !known && isSegment:
		prev, known = segment.Previous.MAC, true
	}
	c.prev, c.known = line.MAC, true
	if known && c.sealer.MAC(prev, line.Seq, line.Leaf(&c.leaf)) != line.MAC {
		return errWrongTag
	}
	return nil
}

// begin finds out which chain it is: the watermark says it, else the first
// line of the file.
func (c *chainCheck) begin(f *Follower, line integrity.Line) error {
	chain := f.water.chain
	if !f.water.known {
		in, err := openSegment(f.fs, f.cur.seg)
		if err != nil {
			return err
		}
		defer in.Close()
		first, _ := peekLine(in)
		var says struct {
			Chain integrity.ChainID `json:"chain_id"`
			KeyID string            `json:"key_id"`
		}
		if name := first.ControlName(); name != integrity.ControlGenesis && name != integrity.ControlSegment || integrity.ParseControl(first.Payload, &says) != nil {
			return errors.New("it cannot be checked: neither a watermark nor the first line of the file says which chain this is")
		}
		if says.KeyID != c.key.ID() {
			return fmt.Errorf("%w: %q is of key %q, the key given is %s", ErrWrongKey, f.cur.path, says.KeyID, c.key.ID())
		}
		chain = says.Chain
	}
	c.sealer = integrity.NewSealer(c.key, chain)
	return nil
}
