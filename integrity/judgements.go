// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"cmp"
	"fmt"
	"strings"
)

// judgeGiven compares the chain with the checkpoints that the verifier was
// given. It returns the size of the largest that holds.
func (v *verification) judgeGiven() (pinned uint64, err error) {
	r, e := v.report, &v.evidence
	if e.refuse != nil {
		return 0, e.refuse
	}
	if pub := v.in.PublicKey; !pub.IsZero() && !e.hasSigner(pub) && v.checker != nil && !v.broken {
		return 0, fmt.Errorf("the checkpoints of this chain are signed by %s, and the public key given is %s", e.signerIDs(), pub.ID())
	}
	// One that is not of this chain hides nothing that another one shows: whoever
	// can add to the place where they were kept could else do away with a fork.
	err = e.stranger
	for _, g := range e.given {
		if g.Chain != v.chain() {
			continue
		}
		res := GivenResult{Name: g.Name, Size: g.Size}
		removed := v.turns.start != nil && g.Size < v.turns.firstSeq()-1
		if removed && !signedBy(e.signers, g.Note) {
			// Its signer may have gone with the segments that were removed.
			res.Reason = "it is from before the beginning of what is here, and not by a key that is known here"
			r.Given = append(r.Given, res)
			continue
		}
		if !signedBy(e.signers, g.Note) {
			err = cmp.Or(err, fmt.Errorf("the checkpoint %s has no signature of a key that this chain had (%s)", g.Name, e.signerIDs()))
			continue
		}
		found, known := e.roots[g.Size]
		switch {
		case known && found.root == g.Root:
			res.Holds = true
			pinned = max(pinned, g.Size)
			if g.Size > e.covered && signedBy(e.trustees, g.Note) {
				// It proves these lines as well as one that the chain holds.
				e.covered = g.Size
			}
		case known:
			res.Reason = "its root is another one: the chain was altered before that line, or goes on from it in two ways"
			at := found.at
			at.Kind, at.Reason = Forged, "the checkpoint "+g.Name+" was signed over other lines than the first "+formatUint(g.Size)+" that are here"
			r.addBad(at)
			if r.Verdict == "" || r.Verdict == PartlyProven {
				r.Verdict = Tampered
			}
		case g.Size > r.LastSeq && v.in.Alone:
			res.Reason = "it is about lines of other segments too, and this one is judged alone"
		case g.Size > r.LastSeq && !v.broken:
			res.Reason = "the chain has fewer lines"
			if r.Verdict == "" || r.Verdict == PartlyProven {
				v.addMissingEnd()
				r.Verdict = Truncated
			}
			r.notProven("seq %d to %d: a checkpoint (%s) was signed over them, and they are missing", r.LastSeq+1, g.Size, g.Name)
		case removed:
			res.Reason = "it is from before the beginning of what is here, and pins nothing"
		default:
			res.Reason = "it cannot be compared: not all lines that it covers are here, or hold"
		}
		r.Given = append(r.Given, res)
	}
	return pinned, err
}

func (e *evidence) hasSigner(p PublicKey) bool {
	for _, s := range e.signers {
		if s == p {
			return true
		}
	}
	return false
}

func signedBy(signers []PublicKey, note []byte) bool {
	for _, s := range signers {
		if _, err := OpenCheckpoint(note, s); err == nil {
			return true
		}
	}
	return false
}

func (e *evidence) signerIDs() string {
	if len(e.signers) == 0 {
		return "no key"
	}
	var ids []string
	for _, s := range e.signers[:min(len(e.signers), 4)] {
		ids = append(ids, "key "+s.ID())
	}
	return strings.Join(ids, ", ")
}

// judgeKeys judges what the keys themselves say of how far the chain had got.
func (v *verification) judgeKeys() {
	r, e, s := v.report, &v.evidence, &v.in.State
	if v.broken && !v.cut {
		return
	}
	of := s.Bound() && s.Chain == v.chain()
	// Of a segment alone, what comes behind it is not missed.
	here := !v.in.Alone || s.First == v.file.first
	switch {
	case of && here && s.Seq > r.LastSeq:
		if r.Verdict == "" {
			v.addMissingEnd()
			r.Verdict = Truncated
		}
		r.notProven("seq %d to %d: the key file says that the chain had got there, at the beginning of epoch %d", r.LastSeq+1, s.Seq, s.Key.epoch)
	case of && v.seen.stateAt == s.Seq && s.Seq != 0 && v.seen.stateMAC != s.MAC:
		r.addBad(Bad{Seq: s.Seq, Line: 1, Kind: Spliced, Reason: "the key file names another line of this seq: the two are of different histories"})
		if r.Verdict == "" {
			r.Verdict = Tampered
		}
	case e.headAhead:
		if r.Verdict == "" {
			v.addMissingEnd()
			r.Verdict = Truncated
		}
		r.notProven("what came behind seq %d: the watermark there is of epoch %d of key %s, to which the chain that is here did not get", r.LastSeq, v.head.Epoch, printable(v.head.KeyID))
	}
}

// public reports whether the chain is verified without a key of its own.
func (v *verification) public() bool { return len(v.ring.keys) == 0 }

// partly says why a chain in which nothing is wrong is not proven whole: for
// want of a key. pinned is the size of the checkpoint that pins its end.
func (v *verification) partly(pinned uint64) bool {
	e := &v.evidence
	switch {
	case e.unproven == 0:
		return false
	case v.public():
		return pinned == 0 || e.covered < v.seen.lastRecord || pinned < v.seen.lastRecord
	}
	return true
}

// unused returns a key at hand that was never in force, nil where there is
// none: the chain may have been cut back to where it was not yet. Where the
// beginning was removed, earlier keys may have gone with it, and only the first
// one given must be in force.
func (v *verification) unused() *Key {
	if v.public() || v.broken || v.evidence.keyed == 0 {
		return nil
	}
	keys := v.ring.keys
	if v.turns.start != nil {
		keys = keys[:1]
	}
	for i := range keys {
		if !v.evidence.ids[keys[i].ID()] {
			return &keys[i]
		}
	}
	return nil
}

// prunedLate reports whether the chain begins behind segments that were
// removed, under a later epoch of a forward-secure key: whoever had the host in
// that epoch could have made up the policy, and the beginning. A checkpoint that
// was kept, and that the chain has, shows that he did not: its root is also over
// what was removed.
func (v *verification) prunedLate(pinned uint64) bool {
	s := v.turns.start
	return s != nil && s.KeyMode == ModeForward && s.Epoch > 0 && !v.public() && pinned <= s.Previous.Seq
}

// elsewhere reports whether the key file says that another chain is written
// with its key than this one, which is under it: this one may be that which
// the other one took the place of, or one that somebody made.
func (v *verification) elsewhere() bool {
	s := &v.in.State
	return s.Bound() && s.Chain != v.chain() && v.evidence.keyed > 0 && v.evidence.ids[s.Key.ID()]
}

// describeKeys says what was proven with which key.
func (v *verification) describeKeys(pinned uint64) {
	r, e := v.report, &v.evidence
	r.Epochs = v.seen.epochs
	if e.found.Count > 0 {
		found := e.found
		r.Checkpoints = &found
	}
	if v.broken || r.Lines == 0 {
		return
	}
	if k := v.unused(); k != nil {
		r.notProven("that nothing is missing at the end: of the keys given, %s is in force nowhere in the chain, which may have been cut back to before that came", k.ID())
	}
	if v.prunedLate(pinned) {
		r.notProven("that retention removed what was before seq %d: the chain begins in epoch %d of its key, and whoever had the host then could have made that up; a checkpoint that was kept elsewhere shows it (--checkpoint)", v.turns.firstSeq(), v.turns.start.Epoch)
	}
	if v.elsewhere() {
		r.notProven("that this is the chain that is meant: the key file says that its key (id %s) is that of another one, %s", v.in.State.Key.ID(), v.in.State.Chain)
	}
	if l := e.late; l != nil {
		r.notProven("that nothing was sealed before seq %d and left out: key %s came in there in epoch %d, and what was under it before is not in this chain", l.seq, printable(l.id), l.epoch)
	}
	switch {
	case e.unproven == 0:
	case v.public():
		if e.covered > 0 {
			r.proven("the lines up to seq %d are those over which key %s signed a checkpoint, sealed at %s", e.covered, e.found.KeyID, printable(e.found.Time))
		}
		if r.LastSeq > e.covered {
			records := "" // those behind the last checkpoint, which may be one that does not hold
			if len(r.Bad) == 0 {
				records = " (" + plural(v.seen.records, "record") + ")"
			}
			r.notProven("the lines from seq %d to %d: no checkpoint that holds covers them, and without a key of the chain nothing else proves them%s", e.covered+1, r.LastSeq, records)
		}
	default:
		r.ProvenFrom = e.provenFrom
		if e.spentFrom != 0 {
			r.notProven("all lines from seq %d on by their tags: a key came in there that is at hand only as it was later, and the lines up to then are of the right form and order", e.spentFrom)
		}
		if m := e.missing; m != nil && e.provenFrom > 0 && e.provenFrom < m.from {
			r.proven("the lines from seq %d to %d are as they were sealed", e.provenFrom, m.from-1)
		}
		// From line 1 on: a later key is missing, and conclude says which.
		switch {
		case e.provenFrom == 0:
			r.notProven("any line by its tag: the key at hand is in force nowhere in what is here; the verification key proves it")
		case e.provenFrom > 1 && e.sealed > 0:
			r.notProven("the lines before seq %d by their tags: the key at hand was not in force there; they are of the right form and order", e.provenFrom)
			r.proven("the lines up to seq %d have the root that was sealed behind them under the key at hand: they were not altered since, unless by somebody who had the host then", e.sealed)
		case e.provenFrom > 1:
			r.notProven("the lines before seq %d by their tags: the key at hand was not in force there; they are of the right form and order", e.provenFrom)
			r.notProven("that the lines before seq %d were not altered: no checkpoint under the key at hand covers them; the verification key proves them", e.provenFrom)
		}
	}
	for _, g := range r.Given {
		if g.Holds {
			r.proven("the checkpoint %s of %d lines is of this chain, and nothing is missing up to there", g.Name, g.Size)
		} else {
			r.notProven("the checkpoint %s of %d lines: %s", g.Name, g.Size, g.Reason)
		}
	}
	if e.found.Timestamps > 0 {
		r.notProven("that the authorities of %s are to be trusted: the tokens are about the right checkpoints, and their signatures are not checked here", plural(e.found.Timestamps, "time stamp"))
	}
	if r.PendingErasures > 0 {
		r.notProven("that erased content is gone: the erasure of %s is sealed and not carried out; run: auditchain erase --complete", plural(r.PendingErasures, "record"))
	}
}
