// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"fmt"
	"slices"
	"time"
)

// turnsTaken is what the records about the files of a chain said: where it
// went over into another file, where a writer found something wrong, and
// what retention removed.
type turnsTaken struct {
	// start is the chain.segment that the chain begins with; nil where it
	// begins with its genesis.
	start *Segment
	// segments are the records chain.segment from start on. They are kept only
	// where there is a start: then one of them may be what followed the
	// segments that were removed.
	segments []Segment
	// pruned is the record that accounts for the start, if one does; allowed
	// says that the policy of the genesis allows it.
	pruned  uint64
	allowed bool
	// doubted says that a writer went on where something may be missing.
	doubted bool
	// open is a chain.segment with reason "break" that waits for its
	// chain.break; 0 when none does.
	open uint64
	// odd are records that stand where no writer puts them.
	odd []string
}

// firstSeq is the first line that is here, as far as the first one says it.
func (t *turnsTaken) firstSeq() uint64 {
	if t.start == nil {
		return 1
	}
	return t.start.Previous.Seq + 1
}

// takeTurns takes what the lines of a chunk say about the files. before is
// the offset of the line before the first of them.
func (v *verification) takeTurns(all []turn, before int64) {
	for _, t := range all {
		if t.before < 0 {
			t.before, t.prevMAC = before, v.prev.MAC
		}
		switch {
		case t.genesis:
			if v.file.lines+t.index > 0 || v.before.lines > 0 {
				v.misplaced(&t)
			}
		case t.sized || t.behindChange || t.tombstone || t.malformed || t.key != nil || t.signer != nil || t.checkpoint != nil || t.timestamp != nil || t.erased != nil:
			v.takeEvidence(&t)
		case t.segment != nil:
			v.takeSegment(&t)
		case t.broke != nil:
			v.takeBreak(t)
		case t.pruned != nil:
			v.takePruned(t.pruned, t.seq)
		default:
			v.turns.strange("%s at seq %d is not the JSON that it should be", t.name, t.seq)
		}
	}
}

func (t *turnsTaken) strange(format string, args ...any) {
	if len(t.odd) < MaxBad {
		t.odd = append(t.odd, fmt.Sprintf(format, args...))
	}
}

func (v *verification) takeSegment(tn *turn) {
	t, s, seq := &v.turns, tn.segment, tn.seq
	t.closeBreak(seq)
	if s.Format != FormatVersion {
		v.genesis.Format = s.Format
	}
	if s.Reason == SegmentBreak {
		t.open = seq
	}
	if t.start != nil {
		t.segments = append(t.segments, *s)
	}
	if v.file.lines+tn.index > 0 {
		v.misplaced(tn)
		return
	}
	if v.before.lines == 0 || v.broken {
		return
	}
	e := &v.evidence
	tree, known := e.before(tn)
	switch {
	case s.Chain != v.chain():
		v.forged(tn, "it says that it is of another chain")
	case !s.Retention.same(v.genesis.Retention):
		v.forged(tn, "it does not repeat the retention policy of the chain")
	case s.PreviousLeaf != v.before.leaf && s.PreviousLeaf != (Hash{}):
		v.forged(tn, "it names another first line of the file before it")
	case s.CheckpointKey != e.signer.Base64() || s.ErasureKey != e.erasure.Base64():
		v.forged(tn, "it does not name the public keys that are in force")
	case known && len(s.Tree) > 0 && !slices.Equal(s.Tree, tree.Nodes()):
		v.otherRoot(tn, seq-1)
	case !e.tree && len(s.Tree) > 0:
		v.forged(tn, "it names a tree, and the chain has none")
	}
}

// misplaced takes a genuine line that can stand at the beginning of a file
// alone.
func (v *verification) misplaced(t *turn) {
	v.report.addBad(Bad{
		File: v.file.name, Line: v.file.lines + t.index + 1, Offset: t.offset, Seq: t.seq, Kind: Spliced,
		Reason: t.name + " stands at the beginning of a file and nowhere else: it was no writer that put it there",
	})
}

// closeBreak is called where the chain goes on to line seq: a chain.break
// must have come by then.
func (t *turnsTaken) closeBreak(seq uint64) {
	if t.open != 0 && seq > t.open+1 {
		t.strange("a segment begins at seq %d because of what a writer found, and no %s behind it says what that was", t.open, ControlBreak)
	}
	t.open = 0
}

// takeBreak takes a chain.break. What it says stays true whatever is done to
// the files afterwards: lines that a writer found may be gone by now, and what
// may be missing does not come back.
func (v *verification) takeBreak(tn turn) {
	t, b := &v.turns, tn.broke
	if t.open == 0 || tn.seq != t.open+1 {
		t.strange("%s at seq %d stands where no writer puts one: it belongs behind a %s with reason %q", ControlBreak, tn.seq, ControlSegment, SegmentBreak)
	}
	t.open = 0
	if len(v.report.Breaks) < MaxBad {
		v.report.Breaks = append(v.report.Breaks, BreakFound{Seq: tn.seq, Found: b.Found, Reason: b.Reason, KeptIn: b.KeptIn})
	}
	switch b.Found {
	case BreakMissing, BreakReplaced, BreakShorter, BreakAltered:
		// The files tell whether what was missing is there again.
	case BreakForeign:
		v.report.addBad(Bad{
			File: v.file.name, Line: v.file.lines + tn.index, Offset: tn.before, Seq: tn.seq - 1, Kind: Inserted,
			Reason: "a writer found lines before it that nobody with the key had written, and sealed that it did",
		})
	default:
		t.doubted = true
	}
}

// takePruned takes a chain.pruned, and looks whether it accounts for the
// beginning of the chain. It does where it names the position that the first
// file follows, or a later one that this chain has: a writer that removes
// several segments removes the oldest first, and may crash in between.
func (v *verification) takePruned(p *Pruned, seq uint64) {
	t := &v.turns
	if t.start == nil || t.allowed {
		return
	}
	i := slices.IndexFunc(t.segments, func(s Segment) bool { return s.Previous == p.Through })
	if i < 0 {
		return
	}
	// Each chain.segment behind the one that follows what was removed has
	// finished a file that stayed.
	stayed := len(t.segments) - 1 - i
	t.pruned, t.allowed = seq, t.start.Retention.allows(stayed, t.segments[i].Time, p.Time)
}

// same reports whether two policies say the same.
func (r *Retention) same(o *Retention) bool {
	return r == o || r != nil && o != nil && *r == *o
}

// allows reports whether a policy allows that segments are removed at the
// time now, where so many finished ones stay and the oldest of them was begun
// at the time since. All times are those that the chain sealed.
func (r *Retention) allows(stayed int, since, now string) bool {
	if r == nil || r.Keep < 0 {
		return false
	}
	var keepFor time.Duration
	if r.KeepFor != "" {
		var err error
		if keepFor, err = time.ParseDuration(r.KeepFor); err != nil || keepFor < 0 {
			return false
		}
	}
	if r.Keep == 0 && keepFor == 0 || stayed < r.Keep {
		return false
	}
	if keepFor == 0 {
		return true
	}
	begun, err1 := time.Parse(TimeFormat, since)
	at, err2 := time.Parse(TimeFormat, now)
	return err1 == nil && err2 == nil && !at.Before(begun.Add(keepFor))
}

// judgeStart judges a chain that does not begin with its genesis.
func (v *verification) judgeStart() {
	r, t := v.report, &v.turns
	if t.start == nil || v.in.Alone {
		return
	}
	first := t.firstSeq()
	if t.pruned != 0 {
		r.Pruned = &PrunedStart{FirstSeq: first, SealedAt: t.pruned}
		if v.public() && t.pruned > v.evidence.covered {
			t.allowed = false // anybody can have written it
		}
		t.doubted = t.doubted || !t.allowed
		return
	}
	// Nothing accounts for it: then no line is tied to the beginning.
	r.HoldsAfter += r.Lines
	r.Lines, r.Records, r.Controls, r.Tombstones = 0, 0, 0, 0
	r.LastSeq, r.LastMAC = 0, Hash{}
	name := v.report.File
	for _, s := range v.in.Files {
		if s.First == first || s.First == 0 {
			name = s.File
			break
		}
	}
	r.BadTotal++
	r.Bad = slices.Insert(r.Bad, 0, Bad{
		File: name, Line: 1, Seq: 1, Kind: Removed,
		Reason: fmt.Sprintf("the segments before it are missing (seq 1 to %d), and no %s that is here says that retention removed them", first-1, ControlPruned),
	})
	r.Bad = r.Bad[:min(len(r.Bad), MaxBad)]
	if v.bad >= 0 {
		v.bad++ // where it was
	}
	v.headless, v.broken = true, true
}

// describeTurns says what the chain says of its files.
func (v *verification) describeTurns() {
	r, t := v.report, &v.turns
	t.closeBreak(r.LastSeq + 1)
	if p := r.Pruned; p != nil {
		if t.allowed {
			r.proven("the chain begins at seq %d: what was before was removed by its retention policy, sealed at seq %d", p.FirstSeq, p.SealedAt)
		} else {
			r.notProven("what was before seq %d: it was removed, as sealed at seq %d, and the retention policy of the chain does not allow that", p.FirstSeq, p.SealedAt)
		}
	}
	if f := v.genesis.Follows; f != nil && r.Lines > 0 && !v.headless {
		what := "of another chain"
		if f.Chain != "" {
			what = fmt.Sprintf("of the chain %s, which had got to seq %d", printable(f.Chain), f.Seq)
		}
		if f.KeptIn != "" {
			what += " and was moved to the folder " + printable(f.KeptIn)
		}
		r.proven("the chain was begun in the place %s, for the reason %s", what, printable(f.Reason))
	}
	for _, b := range r.Breaks {
		switch b.Found {
		case BreakMissing, BreakReplaced, BreakShorter, BreakAltered:
			if !v.broken {
				r.proven("at seq %d a writer had found the file %s and went on from what it knew; every line that it knew of is here", b.Seq, foundWords[b.Found])
			} else {
				r.notProven("that the files are as they were left: at seq %d a writer found the file %s, and went on from what it knew", b.Seq, foundWords[b.Found])
			}
		case BreakForeign:
			r.notProven("what somebody did to the files before seq %d: a writer found lines there that nobody with the key had written", b.Seq)
		case BreakNoWatermark:
			r.notProven("that nothing is missing before seq %d: the writer found no valid watermark there, and went on behind the last line that held", b.Seq)
		case BreakRestored:
			r.notProven("that nothing is missing before seq %d: a person said there that the files were put back from a backup, for the reason %s", b.Seq, printable(b.Reason))
		default:
			r.notProven("that nothing is missing before seq %d: a writer sealed there that it found %s, which this release does not know", b.Seq, printable(b.Found))
		}
	}
	for _, s := range t.odd {
		r.notProven("what a record means that no writer makes: %s", s)
	}
}

var foundWords = map[string]string{
	BreakMissing:  "missing",
	BreakReplaced: "replaced by another one",
	BreakShorter:  "shorter than it had left it",
	BreakAltered:  "altered",
}
