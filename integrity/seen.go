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
	unknown   []string
	// turns are the records about the files of the chain, in order. They are
	// taken out chunk by chunk, and not gathered.
	turns []turn
}

// turn is a record where the chain went over into another file or lost some:
// one of its pointers is set, or none where it is not the JSON that it should
// be.
type turn struct {
	name    string
	seq     uint64
	index   int64 // counts lines of the chunk
	before  int64 // offset of the line before; -1 where another chunk has it
	segment *Segment
	broke   *Break
	pruned  *Pruned
}

// add takes a line that holds. Its payload is not kept.
func (c *controlsSeen) add(l Line, index, before int64) {
	t := turn{name: l.ControlName(), seq: l.Seq, index: index, before: before}
	switch t.name {
	case ControlGenesis, ControlClosed:
	case ControlOpened:
		c.opened = bytes.Clone(l.Payload)
		if bytes.Contains(l.Payload, []byte(`"watermark":`)) {
			var o Opened
			if ParseControl(l.Payload, &o) == nil && o.Watermark != "" {
				c.doubt(Doubt{Seq: l.Seq, Watermark: o.Watermark})
			}
		}
	case ControlRecovered:
		c.recovered++
	case ControlSegment:
		var s Segment
		if ParseControl(l.Payload, &s) == nil {
			t.segment = &s
		}
		c.turns = append(c.turns, t)
	case ControlBreak:
		var b Break
		if ParseControl(l.Payload, &b) == nil {
			t.broke = &b
		}
		c.turns = append(c.turns, t)
	case ControlPruned:
		var p Pruned
		if ParseControl(l.Payload, &p) == nil {
			t.pruned = &p
		}
		c.turns = append(c.turns, t)
	default:
		c.unknownControl(t.name)
	}
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
	for _, doubt := range d.doubts {
		c.doubt(doubt)
	}
	c.doubted = c.doubted || d.doubted
	for _, u := range d.unknown {
		c.unknownControl(u)
	}
}
