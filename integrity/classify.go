// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"fmt"
)

// contextLines is how many lines from the first bad place on are looked at to
// tell in which way it is bad.
const contextLines = 8

// maxScene is how many bytes are looked at for that, where the first line is
// not longer.
const maxScene = 16 << 20

const reasonGenuineTag = "its content was altered: its tag is genuine, and the next line follows it"

// scene is the first bad place with the lines around it.
type scene struct {
	prevSeq uint64
	prevMAC Hash
	term    term // in force at the bad place
	off     int64
	data    []byte // lines from the bad one on, copied
	lines   int
}

// take copies lines from data until there are enough.
func (s *scene) take(data []byte) {
	for s.lines < contextLines && len(data) > 0 {
		n := bytes.IndexByte(data, '\n') + 1
		if n == 0 {
			n = len(data)
		}
		if s.lines > 0 && len(s.data)+n > maxScene {
			s.lines = contextLines
			return
		}
		s.data = append(s.data, data[:n]...)
		data = data[n:]
		s.lines++
	}
}

// classify tells what happened at the first bad place by asking which of the
// lines around it are genuine: a tag that fits is not made without the key.
func (c *checker) classify(s *scene) (BadKind, string) {
	c.use(s.term)
	var lines []parsed
	for data, off := s.data, s.off; len(data) > 0; {
		var p parsed
		p, data = c.parse(data, off)
		p.checkBytes()
		off = p.end
		lines = append(lines, p)
	}
	bad, seq, mac := &lines[0], s.prevSeq, s.prevMAC

	// Does the genuine next line stand further down?
	for i := 1; i < len(lines); i++ {
		if !c.follows(seq, mac, &lines[i]) {
			continue
		}
		if bad.err != nil {
			return Inserted, "it is no line of this chain, whose next line follows it"
		}
		for j := range lines {
			if j != 0 && lines[j].err == nil && c.follows(lines[j].Seq, lines[j].MAC, bad) {
				return Reordered, fmt.Sprintf("it is seq %d, which belongs after seq %d", bad.Seq, lines[j].Seq)
			}
		}
		if bad.Seq <= seq {
			return Duplicated, fmt.Sprintf("seq %d stands here again", bad.Seq)
		}
		return Inserted, "it is no line of this chain, whose next line follows it"
	}
	if bad.err != nil {
		return IllFormed, bad.err.Error()
	}
	should, keyed := c.mac(mac, seq+1, bad.leaf)
	if bad.Seq != seq+1 && keyed && should == bad.MAC {
		return Changed, "its sequence number was altered"
	}
	if !keyed && bad.Seq != seq+1 && len(lines) > 1 && lines[1].err == nil && lines[1].Seq == seq+2 {
		return Changed, "its sequence number was altered"
	}
	var next *parsed
	if len(lines) > 1 && lines[1].err == nil {
		next = &lines[1]
	}
	genuineTag := keyed && next != nil && c.follows(bad.Seq, bad.MAC, next)
	switch {
	case bad.Seq <= seq:
		return Duplicated, fmt.Sprintf("seq %d stands here again", bad.Seq)
	case bad.Seq > seq+1 && bad.Seq == seq+2:
		return Removed, fmt.Sprintf("seq %d is missing before it", seq+1)
	case bad.Seq > seq+1:
		return Removed, fmt.Sprintf("seq %d to %d are missing before it", seq+1, bad.Seq-1)
	case genuineTag:
		return Changed, reasonGenuineTag
	case next == nil:
		return Changed, "its tag does not fit its content and the line before it"
	case keyed && c.follows(seq+1, should, next):
		return Changed, "its tag was altered: the next line follows the genuine one"
	}
	return Spliced, "neither it nor the next line belongs to this chain"
}
