// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import "fmt"

// GapError says that lines are missing between two files of a journal, or
// before the first one that could be read: a segment was removed, or the end
// of one. Retention may have done it, or anybody: only Verify tells.
type GapError struct {
	// Path is the file behind the gap.
	Path string
	// After is the sequence number of the last line before the gap, 0 where
	// none was read; Next that of the first line behind it.
	After, Next uint64
}

func (e *GapError) Error() string {
	if e.After == 0 {
		return fmt.Sprintf("%s: begins with seq %d: a segment before it was removed while it was being read", e.Path, e.Next)
	}
	return fmt.Sprintf("%s: goes on with seq %d after seq %d: %d missing in between; run: auditchain verify", e.Path, e.Next, e.After, e.Missing())
}

// Missing is how many lines are missing. Lines of the same place that were
// read, and were none, count among them.
func (e *GapError) Missing() uint64 { return e.Next - e.After - 1 }

// gapFinder finds where lines are missing between files.
type gapFinder struct {
	last  uint64 // seq of the last line; 0 before there was one
	bad   uint64 // lines since, that were none: each may have been one that is missed
	fresh bool   // no line of this file came yet
	lost  bool   // a file vanished before it could be read
}

// begin begins a file.
func (g *gapFinder) begin(lost bool) {
	g.fresh = true
	g.lost = g.lost || lost
}

// passBad counts what is no line.
func (g *gapFinder) passBad() { g.bad++ }

// pass takes the next line. The error lacks its path.
func (g *gapFinder) pass(seq uint64) *GapError {
	var gap *GapError
	if g.fresh && (g.last > 0 || g.lost) && seq > g.last+1 && (seq-g.last-1 > g.bad) {
		gap = &GapError{After: g.last, Next: seq}
	}
	g.last, g.bad, g.fresh, g.lost = seq, 0, false, false
	return gap
}
