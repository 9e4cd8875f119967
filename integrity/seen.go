// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import "bytes"

// controlsSeen gathers what the report says about control records.
type controlsSeen struct {
	opened    []byte // payload of the last chain.opened
	doubts    []Doubt
	doubted   bool // a doubt that lasts, also one that doubts has no room for
	recovered int64
	epochs    uint64
	unknown   []string
	// records counts records behind the last chain.checkpoint, where
	// checkpointed, else all of them.
	records      int64
	checkpointed bool
	lastRecord   uint64 // that is no control record
	// stateAt is the line that the key file names, where it was seen, and
	// stateMAC its tag.
	stateAt  uint64
	stateMAC Hash
	// turns are the lines that say something of the files, keys and
	// checkpoints of the chain, in order. They are taken out chunk by chunk,
	// and not gathered.
	turns []turn
}

// turn is a line that says something of the chain itself: one of its pointers
// is set, or none where it is not the JSON that it should be. A turn that is
// sized only marks a place of which the root of the tree is asked for.
type turn struct {
	name    string
	seq     uint64
	index   int64 // counts lines of the chunk
	offset  int64
	before  int64 // offset of the line before; -1 where another chunk has it
	prevMAC Hash  // tag of the line before; the zero value where another chunk has it
	under   term  // in force at the line
	// malformed says that a change of the term is not as a writer makes it.
	malformed bool
	sized     bool
	// behindChange: the line before, in the same file, changes a key.
	behindChange bool
	genesis      bool
	// prefix are the leaves of the chunk before the line; nil where they are
	// not known.
	prefix *Range

	segment    *Segment
	leaf       Hash // of the line, where it is a chain.segment or a tombstone
	broke      *Break
	pruned     *Pruned
	key        *KeyChange
	signer     *SignerChange
	checkpoint *Checkpointed
	timestamp  *Timestamped
	erased     *Erased
	tombstone  bool
}

// parseTurn reads the payload of a line into a new struct; nil where it is not
// the JSON that it should be.
func parseTurn[T any](payload []byte) *T {
	record := new(T)
	if ParseControl(payload, record) != nil {
		return nil
	}
	return record
}

// add takes a line that holds, and is no record. Its payload is not kept.
func (c *controlsSeen) add(p *parsed, t turn) {
	payload := p.Payload
	t.name, t.leaf = p.ControlName(), p.leaf
	wantsTree := false
	switch t.name {
	case ControlClosed:
		return
	case ControlGenesis:
		t.genesis = true
	case ControlOpened:
		c.opened = bytes.Clone(payload)
		if bytes.Contains(payload, []byte(`"watermark":`)) {
			var o Opened
			if ParseControl(payload, &o) == nil && o.Watermark != "" {
				c.doubt(Doubt{Seq: p.Seq, Watermark: o.Watermark})
			}
		}
		return
	case ControlRecovered:
		c.recovered++
		return
	case ControlSegment:
		t.segment, wantsTree = parseTurn[Segment](payload), true
	case ControlBreak:
		t.broke = parseTurn[Break](payload)
	case ControlPruned:
		t.pruned = parseTurn[Pruned](payload)
	case ControlEpoch:
		if !t.malformed {
			c.epochs++
			return
		}
	case ControlKey:
		t.key = parseTurn[KeyChange](payload)
	case ControlSigner:
		t.signer = parseTurn[SignerChange](payload)
	case ControlCheckpoint:
		t.checkpoint, wantsTree = parseTurn[Checkpointed](payload), true
		c.records, c.checkpointed = 0, true
	case ControlTimestamp:
		t.timestamp = parseTurn[Timestamped](payload)
	case ControlErased:
		t.erased = parseTurn[Erased](payload)
	case "":
		t.tombstone = true // the only other kind that is no record
		c.records++
	default:
		c.unknownControl(t.name)
		return
	}
	if !wantsTree {
		t.prefix = nil
	}
	if t.prefix != nil {
		prefix := t.prefix.Clone()
		t.prefix = &prefix
	}
	c.turns = append(c.turns, t)
}

func (c *controlsSeen) doubt(d Doubt) {
	c.doubted = true
	if len(c.doubts) < MaxBad {
		c.doubts = append(c.doubts, d)
	}
}

func (c *controlsSeen) unknownControl(name string) {
	for _, u := range c.unknown {
		if u == name {
			return
		}
	}
	if len(c.unknown) < 20 {
		c.unknown = append(c.unknown, name)
	}
}

// plus adds what a later part of the chain says.
func (c *controlsSeen) plus(d controlsSeen) {
	if d.opened != nil {
		c.opened = d.opened
	}
	c.recovered += d.recovered
	c.epochs += d.epochs
	c.lastRecord = max(c.lastRecord, d.lastRecord)
	if d.checkpointed {
		c.records, c.checkpointed = 0, true
	}
	c.records += d.records
	if d.stateAt != 0 {
		c.stateAt, c.stateMAC = d.stateAt, d.stateMAC
	}
	for _, doubt := range d.doubts {
		c.doubt(doubt)
	}
	c.doubted = c.doubted || d.doubted
	for _, u := range d.unknown {
		c.unknownControl(u)
	}
}
