// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import "strconv"

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

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
func (v *verification) conclude(chain ChainID) *Report {
	r := v.report
	r.Lines = v.good.lines()
	r.Records, r.Controls, r.Tombstones = v.good.records, v.good.controls, v.good.tombstones
	r.Recovered, r.Unknown = v.seen.recovered, v.seen.unknown
	r.Doubts = v.seen.doubts[:min(len(v.seen.doubts), MaxBad)]
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
	case r.BadTotal == 0 && r.Lines > 0 && v.genesis.Format != FormatVersion:
		return r.cannot("the journal has format version %d; this release reads version %d", v.genesis.Format, FormatVersion)
	case r.Lines == 0 && r.BadTotal == 0 && v.head == nil:
		if v.size == 0 {
			return r.cannot("there is nothing to verify: the file is empty and there is no valid watermark")
		}
	}
	v.judgeBad()
	v.judgeEnd()
	v.describe()
	return r
}

// judgeBad gives the verdict for the first bad place, if there is one.
func (v *verification) judgeBad() {
	r := v.report
	first := r.First()
	if first == nil {
		return
	}
	lastPlace := v.lastForm < first.Offset
	switch {
	case first.Kind == IllFormed && lastPlace && v.head == nil:
		// Nothing tells a crash from a cut here: no verdict of tampering.
		r.TailBytes = v.size - first.Offset
		r.Verdict = PartlyProven
		r.notProven("the end: %d bytes from byte %d on are no whole line, and without a watermark a crash cannot be told from a cut", r.TailBytes, first.Offset)
		r.Bad, r.BadTotal = nil, 0
		return
	case first.Kind == IllFormed && lastPlace && v.endsOpen && v.size < v.head.Size:
		first.Kind = Missing
		first.Reason = "the file ends inside this line"
		r.Verdict = Truncated
		return
	}
	c := &checker{sealer: NewSealer(v.in.Key, v.chain()), head: v.head}
	first.Kind, first.Reason = c.classify(v.scene)
	r.Verdict = Tampered
}

func (v *verification) chain() ChainID {
	if v.head != nil {
		return v.head.Chain
	}
	return v.genesis.Chain
}

// judgeEnd compares the end with the watermark.
func (v *verification) judgeEnd() {
	r := v.report
	h := v.head
	if h == nil {
		if r.Verdict == "" {
			r.Verdict = PartlyProven
		}
		r.notProven("that this is the whole chain: nothing says where it should end: %v", v.headErr)
		return
	}
	if r.LastSeq < h.Seq && (r.Verdict == "" || r.Verdict == Truncated) {
		r.Verdict = Truncated
		if r.First() == nil {
			r.addBad(Bad{Line: v.line + 1, Seq: r.LastSeq + 1, Offset: v.size, Kind: Missing, Reason: "the file ends here"})
		}
		r.notProven("seq %d to %d: they were acknowledged, and are missing (in a copy that was made while somebody wrote, they may only have come later than the watermark was copied: copy the .head file first, then the journal)", r.LastSeq+1, h.Seq)
	}
	if r.Verdict == "" && v.headLine != nil && (v.headLine.MAC != h.MAC || v.headLine.end != h.Size) {
		r.Verdict = Tampered
		r.addBad(Bad{Line: v.line, Seq: h.Seq, Offset: v.headLine.Offset, Kind: Spliced, Reason: "the watermark names another line of this seq: file and watermark are of different histories"})
	}
	if r.Verdict != "" {
		return
	}
	if r.LastSeq > h.Seq {
		r.Unacknowledged = r.LastSeq - h.Seq
	}
	switch {
	case r.Watermark.Degraded:
		r.Verdict = PartlyProven
		r.notProven("that nothing is missing at the end: the watermark's two slots are not two successive ones of this chain, and one may have named more")
	case v.doubted():
		r.Verdict = PartlyProven
	case v.tailAt >= 0:
		r.Verdict = VerifiedCrashTail
	default:
		r.Verdict = Verified
	}
}

// doubted reports whether a writer went on where something may be missing.
func (v *verification) doubted() bool {
	for _, d := range v.report.Doubts {
		if d.Watermark != WatermarkRemoved {
			return true
		}
	}
	return false
}

// describe says in words what was proven and what was not.
func (v *verification) describe() {
	r := v.report
	if r.Lines > 0 {
		r.proven("lines 1 to %d (seq 1 to %d) are as they were sealed: %s, %s", r.Lines, r.LastSeq, plural(r.Records, "record"), plural(r.Controls, "control record"))
	}
	if v.head != nil && (r.Verdict == Verified || r.Verdict == VerifiedCrashTail) {
		r.proven("nothing is missing up to seq %d, where the watermark of %s stands", v.head.Seq, FormatTime(v.head.Time))
		r.notProven("that no newer copy of this folder exists: an older copy verifies as of its watermark's time")
	}
	if r.Unacknowledged > 0 {
		r.proven("%s beyond the watermark: genuine, written, and not known to be acknowledged", plural(int64(r.Unacknowledged), "line"))
	}
	if v.tailAt >= 0 {
		r.notProven("%d bytes from byte %d on: an unfinished end beyond the watermark, as a crash leaves it", r.TailBytes, v.tailAt)
	}
	if r.BadTotal > 0 && r.Verdict == Tampered {
		r.notProven("everything from line %d on (%d later lines hold together with the line before them, which ties them to nothing proven)", r.Bad[0].Line, r.HoldsAfter)
	}
	for _, d := range r.Doubts {
		if d.Watermark == WatermarkRemoved {
			r.proven("at seq %d a running writer found its watermark removed, and made it anew from what it knew", d.Seq)
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
		r.notProven("that acknowledged records outlive a power loss: the last writer ran with fsync %s, and a power loss then looks like a cut", printable(r.Fsync))
	}
}

// printable keeps text of an unproven file from reaching a terminal raw.
func printable(s string) string {
	q := strconv.QuoteToASCII(s)
	if len(q) > 66 {
		q = q[:62] + `..."`
	}
	return q
}
