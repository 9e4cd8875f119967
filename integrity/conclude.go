// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"errors"
	"slices"
	"strconv"
)

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

func formatUint(n uint64) string { return strconv.FormatUint(n, 10) }

func plural(n int64, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun[len(noun)-1] == 'h':
		return formatInt(n) + " " + noun + "es"
	}
	return formatInt(n) + " " + noun + "s"
}

// conclude turns what was found into a verdict.
func (v *verification) conclude() *Report {
	r := v.report
	r.Lines = v.good.lines()
	r.Records, r.Controls, r.Tombstones = v.good.records, v.good.controls, v.good.tombstones
	r.Recovered, r.Unknown, r.Doubts = v.seen.recovered, v.seen.unknown, v.seen.doubts
	if v.seen.opened != nil {
		var o Opened
		if ParseControl(v.seen.opened, &o) == nil {
			r.Fsync = o.Fsync
		}
	}
	switch {
	case v.wrongKey():
		r.KeyID = v.in.Key.ID()
		r.Bad, r.BadTotal = nil, 0
		return r.cannot("no line's tag verifies with this key (id %s); the journal names key %s (auditchain key id FILE prints the id of a file)", v.in.Key.ID(), printable(v.genesis.KeyID))
	case !v.broken && r.Lines > 0 && v.genesis.Format != FormatVersion:
		r.Bad, r.BadTotal = nil, 0
		return r.cannot("the journal has format version %d; this release reads version %d", v.genesis.Format, FormatVersion)
	case !v.broken && r.Lines > 0 && v.genesis.Control == ControlGenesis && (v.genesis.Leaf != "sha256" || v.genesis.MAC != "hmac-sha256"):
		r.Bad, r.BadTotal = nil, 0
		return r.cannot("the journal names other algorithms (%s, %s) than this release knows", printable(v.genesis.Leaf), printable(v.genesis.MAC))
	case v.checker == nil && v.head == nil:
		return r.cannot("there is nothing to verify: the file is empty and there is no valid watermark")
	}
	if r.Lines > 0 {
		r.Imported = v.genesis.Imported
	}
	v.judgeStart()
	v.judgeErasures()
	v.judgeBad()
	pinned, err := v.judgeGiven()
	if err != nil && r.Verdict != Tampered && r.Verdict != Truncated {
		return r.cannot("%v", err)
	}
	v.judgeEnd(pinned)
	v.describe(pinned)
	return r
}

// judgeBad gives the verdict for the first bad place, if there is one.
func (v *verification) judgeBad() {
	r := v.report
	if v.broken && v.bad >= 0 && v.bad < len(r.Bad) && v.scene != nil {
		b := &r.Bad[v.bad]
		lastPlace := v.lastForm.file < v.badFile || v.lastForm.file == v.badFile && v.lastForm.off < b.Offset
		switch {
		case b.Kind == IllFormed && (lastPlace || v.claimsLess(b)) && v.end == nil && v.bad == 0 && v.badFile >= v.before.index && (b.Line > 1 || v.in.Files[v.badFile].First == 0):
			// Nothing tells a crash from a cut here: no verdict of tampering.
			r.TailBytes = v.file.size - b.Offset
			if v.badFile != v.file.index {
				r.TailBytes = v.before.size - b.Offset + v.file.size
			}
			v.openEnd = true
			why := "are no whole line, and without a watermark a crash cannot be told from a cut"
			if !lastPlace {
				why = "do not begin with a whole line; the watermark, which cannot be checked without a key, names one before them, so that a crash may have left this"
			}
			r.notProven("the end: %d bytes from byte %d%s on %s", r.TailBytes, b.Offset, v.of(b), why)
			r.Bad, r.BadTotal, r.HoldsAfter = nil, 0, 0
			v.broken = false
			v.judgeErasures() // which says nothing of a chain that is broken
		case b.Kind == IllFormed && lastPlace && v.endIsCut():
			b.Kind, b.Reason = Missing, "the file ends inside this line"
			v.cut = !v.headless
		default:
			b.Kind, b.Reason = v.checker.classify(v.scene)
		}
	}
	switch first := r.First(); {
	case first == nil && r.BadTotal == 0:
	case first.Kind == Missing:
		r.Verdict = Truncated
	default:
		r.Verdict = Tampered
	}
}

// claimsLess reports whether a watermark that cannot be checked names a line
// before a bad place in the last file that holds any: what is there may be a
// crash tail, in which whole lines can stand behind what is none. Whoever made
// that watermark up for lines that were altered could as well have cut them off.
func (v *verification) claimsLess(b *Bad) bool {
	for _, g := range v.evidence.given {
		if g.Size >= b.Seq && g.Chain == v.chain() && signedBy(v.evidence.signers, g.Note) {
			return false // the chain had got further
		}
	}
	return v.claim.Seq > 0 && v.claim.Chain == v.chain() && v.claim.Seq < b.Seq && v.lastForm.file <= v.badFile
}

// endIsCut reports whether the last file ends inside a line at or below the
// watermark.
func (v *verification) endIsCut() bool {
	switch {
	case v.end == nil || !v.file.endsOpen || v.badFile != v.file.index:
		return false
	case v.pinned == v.file.index:
		return v.file.size < v.end.Size
	}
	return v.pinned < 0 && v.end.First > v.file.first
}

func (v *verification) chain() ChainID {
	if v.head != nil {
		return v.head.Chain
	}
	return v.genesis.Chain
}

// judgeEnd compares the end with what says where it should be: the watermark,
// the key file, and the checkpoints that the verifier was given, of which the
// largest that holds has the size pinned.
func (v *verification) judgeEnd(pinned uint64) {
	r := v.report
	h := v.end
	if h != nil && r.LastSeq < h.Seq && (!v.broken || v.cut) {
		if !v.broken && r.Verdict == "" {
			v.addMissingEnd()
		}
		if r.Verdict == "" {
			r.Verdict = Truncated
		}
		r.notProven("seq %d to %d: they were acknowledged, and are missing (in a copy that was made while somebody wrote, they may only have come later than the watermark was copied: copy the .head file first, then the journal)", r.LastSeq+1, h.Seq)
	}
	if h != nil && !v.broken && v.headLine != nil {
		r.addBad(*v.headLine)
		if r.Verdict == "" {
			r.Verdict = Tampered
		}
	}
	v.judgeKeys()
	if m := v.evidence.missing; m != nil && r.Verdict == "" && !v.public() {
		r.Verdict = CannotVerify
		if i := slices.IndexFunc(v.ring.keys, func(k Key) bool { return k.ID() == m.id }); i >= 0 {
			r.notProven("the lines from seq %d on: they are under key %s, of which a later epoch, %d, is at hand (give its verification key with another --key-file)", m.from, printable(m.id), v.ring.keys[i].Epoch())
		} else {
			r.notProven("the lines from seq %d on: they are under key %s, which is not at hand (give it with another --key-file)", m.from, printable(m.id))
		}
		return
	}
	if h == nil && pinned == 0 {
		if r.Verdict == "" {
			r.Verdict = PartlyProven
		}
		why := v.headErr
		if why == nil {
			why = errElsewhere
		}
		r.notProven("that this is the whole chain: nothing says where it should end: %v", why)
		return
	}
	if r.Verdict != "" {
		return
	}
	if h != nil && r.LastSeq > h.Seq {
		r.Unacknowledged = r.LastSeq - h.Seq
	}
	switch {
	case pinned > 0 && pinned >= v.seen.lastRecord:
	case h == nil:
		r.Verdict = PartlyProven
		r.notProven("that nothing is missing behind seq %d: the newest checkpoint that was given ends there, and there is no watermark", pinned)
	case !v.headSeen:
		r.Verdict = PartlyProven
		r.Unacknowledged = 0
		r.notProven("that nothing is missing at the end: the watermark names seq %d, which is before the beginning of the chain; it is an older one, and the newest is not here", h.Seq)
	case r.Watermark.Degraded:
		r.Verdict = PartlyProven
		r.notProven("that nothing is missing at the end: the watermark's two slots are not two successive ones of this chain, and one may have named more")
	}
	switch {
	case r.Verdict != "":
	case v.openEnd || v.in.Alone || v.seen.doubted || v.turns.doubted || v.partly(pinned) || v.unused() != nil || v.prunedLate(pinned) || v.elsewhere() || v.evidence.late != nil:
		r.Verdict = PartlyProven
	case v.tail != nil:
		r.Verdict = VerifiedCrashTail
	default:
		r.Verdict = Verified
	}
}

// addMissingEnd names the place where the chain should go on: in the file
// that the watermark is about, or else behind the last line.
func (v *verification) addMissingEnd() {
	at := v.file
	if v.pinEnd != nil && (v.pinEnd.lines > 0 || v.pinEnd.index > v.file.index) {
		at = *v.pinEnd
	}
	if at.name == "" {
		at.name = v.report.File
	}
	v.report.addBad(Bad{File: at.name, Line: at.lines + 1, Seq: v.report.LastSeq + 1, Offset: at.size, Kind: Missing, Reason: "the file ends here"})
}

var errElsewhere = errors.New("the watermark is about another segment")

// describe says in words what was proven and what was not.
func (v *verification) describe(pinned uint64) {
	r := v.report
	files := ""
	if r.Segments > 1 {
		files = ", in " + plural(int64(r.Segments), "file")
	}
	if r.Lines > 0 && v.evidence.unproven == 0 {
		r.proven("lines 1 to %d (seq %d to %d) are as they were sealed: %s, %s%s", r.Lines, r.LastSeq-uint64(r.Lines)+1, r.LastSeq, plural(r.Records, "record"), plural(r.Controls, "control record"), files)
	}
	if r.Lines > 0 && v.evidence.unproven > 0 {
		r.proven("lines 1 to %d (seq %d to %d) are of the right form and order: %s, %s%s", r.Lines, r.LastSeq-uint64(r.Lines)+1, r.LastSeq, plural(r.Records, "record"), plural(r.Controls, "control record"), files)
	}
	if v.end == nil && pinned > 0 && r.Verdict == Verified {
		r.notProven("that nothing came behind seq %d and is missing: only a newer checkpoint, or the watermark, shows that", r.LastSeq)
	}
	if v.end != nil && (r.Verdict == Verified || r.Verdict == VerifiedCrashTail) && v.headSeen {
		r.proven("nothing is missing up to seq %d, where the watermark of %s stands", v.end.Seq, FormatTime(v.end.Time))
		r.notProven("that no newer copy of this folder exists: an older copy verifies as of its watermark's time")
	}
	if r.Unacknowledged > 0 {
		r.proven("%s beyond the watermark: genuine, written, and not known to be acknowledged", plural(int64(r.Unacknowledged), "line"))
	}
	if v.in.Alone {
		r.notProven("what came before and after this segment: it was judged alone")
		if n := len(v.evidence.tombstones); n > 0 && !v.broken {
			r.notProven("that the erasure of %s here was allowed: what allows it may stand in a later segment", plural(int64(n), "record"))
		}
	}
	if v.tail != nil {
		r.notProven("%d bytes from byte %d%s on: an unfinished end beyond the watermark, as a crash leaves it", r.TailBytes, v.tail.Offset, v.of(v.tail))
	}
	if r.AbandonedBytes > 0 {
		r.notProven("%s behind the end of a finished file, as the next one names it: abandoned, and no part of the chain", plural(r.AbandonedBytes, "byte"))
	}
	if v.headless {
		r.notProven("what was before the first line that is here, and with it that anything is where it belongs (%d lines hold together with the line before them)", r.HoldsAfter)
	} else if v.broken && v.bad >= 0 && !v.cut {
		bad := &r.Bad[v.bad]
		r.notProven("everything from line %d%s on (%d later lines hold together with the line before them, which ties them to nothing proven)", bad.Line, v.of(bad), r.HoldsAfter)
	}
	v.describeKeys(pinned)
	v.describeTurns()
	for _, d := range r.Doubts {
		if d.Watermark == WatermarkRemoved {
			r.notProven("that nothing is missing before seq %d: a running writer found its watermark removed or put back there, and made it anew from what it knew; what others had sealed since, it did not know", d.Seq)
			continue
		}
		r.notProven("that nothing is missing before seq %d: the writer that opened there found a watermark that was %s", d.Seq, printable(d.Watermark))
	}
	if r.Recovered > 0 {
		r.notProven("that the files with the bytes set aside after %s are as they were: the chain holds their SHA-256, which is not compared", plural(r.Recovered, "crash"))
	}
	for _, u := range r.Unknown {
		r.notProven("what control records %s say: this release does not know them (their place in the chain is checked)", printable(u))
	}
	if r.Fsync != "" && r.Fsync != "always" {
		r.notProven("that acknowledged records outlive a power loss: the last writer ran with fsync %s; after a power loss they may be missing without a trace, or look like a cut", printable(r.Fsync))
	}
}

// of names the file of a place, where there are several.
func (v *verification) of(b *Bad) string {
	if v.report.Segments < 2 {
		return ""
	}
	return " of " + b.File
}

// printable keeps text of an unproven file from reaching a terminal raw.
func printable(s string) string {
	q := strconv.QuoteToASCII(s)
	if len(q) > 66 {
		q = q[:62] + `..."`
	}
	return q
}
