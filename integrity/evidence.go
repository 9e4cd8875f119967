// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// evidence is what a chain says of itself beyond its tags: its tree, its
// checkpoints and who signs them, its keys, and what was erased.
type evidence struct {
	// tree says that the chain has one, treeKnown that leaves is that of all
	// lines that were judged so far.
	tree, treeKnown bool
	leaves          Range
	// sizes are those of which the root is asked for, roots what was found.
	sizes map[uint64]bool
	roots map[uint64]rootAt
	given []givenNote
	// signer is the checkpoint key in force, signers all that the chain had.
	// trusted says that signer is the public key that was given, or follows
	// from it.
	signer  PublicKey
	signers []PublicKey
	trusted bool
	// trustees are the signers that are trusted.
	trustees []PublicKey
	erasure  PublicKey
	// refuse is why nothing can be claimed; stranger, why no more can be than
	// that the chain is not as it should be: a checkpoint that was given is not
	// this chain's.
	refuse, stranger error

	// otherRoot says that the tree is another one than the chain says, from some
	// line on.
	otherRoot bool

	found Checkpoints
	// covered is up to where a checkpoint of a trusted signer proves the
	// lines, sealed up to where one under a key at hand does.
	covered, sealed uint64
	recent          []noteSum // of the last checkpoints
	forgotten       uint64    // size of the last one that is not among them

	// tombstones are those that no chain.erased has accounted for yet, erased
	// those that one has.
	tombstones map[uint64]tombstoneAt
	erased     map[uint64]bool
	pending    map[uint64]bool

	// unproven counts lines that hold under keys that are not at hand, keyed
	// those under one that is, and provenFrom is the first of these.
	unproven   int64
	keyed      int64
	provenFrom uint64
	missing    *missingKey
	// spentFrom is the first line, behind one under a key at hand, that is
	// under an epoch before that which another key at hand is at.
	spentFrom uint64
	ids       map[string]bool // of the keys that were in force
	// late is a key that came into force in a later epoch than its first one.
	late *lateKey
	// headAhead says that the watermark is of a key or epoch that the chain
	// has not got to at its place.
	headAhead bool
}

// rootAt is the root of the tree up to a line, and where that stands.
type rootAt struct {
	root Hash
	at   Bad
}

type givenNote struct {
	Given
	Checkpoint
}

type noteSum struct {
	size uint64
	sum  Hash
}

type tombstoneAt struct {
	leaf Hash
	bad  Bad
}

// missingKey is a key that a chain went over to, and that is not at hand.
type missingKey struct {
	id   string
	from uint64
}

// lateKey is a forward-secure key that came in at a later epoch.
type lateKey struct {
	id         string
	seq, epoch uint64
}

// comesIn notes at which epoch a key came in, which is the first one: in each
// chain a new key. Whoever takes it over in a later epoch could leave out all
// that was sealed before, and say that it came in then.
func (e *evidence) comesIn(mode, id string, epoch, seq uint64) {
	if mode == ModeForward && epoch > 0 && e.late == nil {
		e.late = &lateKey{id, seq, epoch}
	}
}

// maxTombstones bounds what is remembered of tombstones at a time: memory must
// not grow with what somebody puts into a file.
const maxTombstones = 1 << 20

// maxRecent is how many checkpoints are remembered for the time stamps that
// come after them.
const maxRecent = 256

// take takes the checkpoints that the verifier was given.
func (e *evidence) take(in *Input) error {
	for _, g := range in.Given {
		c, err := ParseCheckpoint(g.Note)
		if err != nil {
			return fmt.Errorf("the checkpoint %s: %w", g.Name, err)
		}
		e.given = append(e.given, givenNote{g, c})
		if e.sizes == nil {
			e.sizes, e.roots = map[uint64]bool{}, map[uint64]rootAt{0: {root: (&Range{}).Root(), at: Bad{Line: 1}}}
		}
		e.sizes[c.Size] = true
	}
	e.ids = map[string]bool{}
	e.tombstones, e.erased, e.pending = map[uint64]tombstoneAt{}, map[uint64]bool{}, map[uint64]bool{}
	return nil
}

// begin takes what the first line of the chain says.
func (e *evidence) begin(v *verification, g *Genesis, first *openFile) {
	var err1, err2 error
	e.ids[v.term.id] = true
	if first.line.Seq == 1 {
		e.comesIn(v.term.mode, v.term.id, v.term.epoch, 1)
	}
	e.tree = g.CheckpointKey != ""
	e.signer, err1 = parsePublic64(KindCheckpoint, g.CheckpointKey)
	e.erasure, err2 = parsePublic64(KindErasure, g.ErasureKey)
	if err1 != nil || err2 != nil {
		v.turns.strange("a public key in the first line is none")
	}
	if !e.signer.IsZero() {
		e.signers = []PublicKey{e.signer}
	}
	pub := v.in.PublicKey
	e.trusted = pub.IsZero() || e.signer == pub
	e.trust()
	if e.tree {
		switch {
		case !first.named:
			e.treeKnown = true
		default:
			var err error
			e.leaves, err = TreeOf(first.segment.Previous.Seq, first.segment.Tree)
			e.treeKnown = err == nil
			if err != nil && first.genuine {
				v.report.addBad(Bad{File: first.source.File, Line: 1, Seq: first.line.Seq, Kind: Forged, Reason: "its tree is not that of the lines before it: it has too many hashes, or too few"})
			}
		}
	}
	chain := v.chain()
	for _, given := range e.given {
		if given.Chain != chain {
			e.stranger = fmt.Errorf("the checkpoint %s is of another chain (%s)", given.Name, given.Chain)
		}
	}
	if !e.tree && (len(e.given) > 0 || !pub.IsZero()) && v.genErr == nil {
		e.refuse = fmt.Errorf("this chain names no key for checkpoints, and has none: it can be verified with its key alone")
	}
}

// underKnown notes that a key at hand is in force from line seq on.
func (e *evidence) underKnown(t *term, seq uint64) {
	if t.known && e.provenFrom == 0 {
		e.provenFrom = seq
	}
}

// grow adds the leaves of a chunk.
func (e *evidence) grow(r *result, holds bool) {
	if e.treeKnown && (!holds || !r.treeOK || e.leaves.Append(&r.tree) != nil) {
		e.treeKnown = false
	}
}

// before returns the tree of the lines before a turn.
func (e *evidence) before(t *turn) (Range, bool) {
	if !e.treeKnown || t.prefix == nil {
		return Range{}, false
	}
	tree := e.leaves.Clone()
	if tree.Append(t.prefix) != nil {
		return Range{}, false
	}
	return tree, true
}

// forged takes a line that is sealed, and says what is not so.
func (v *verification) forged(t *turn, format string, args ...any) {
	v.report.addBad(Bad{
		File: v.file.name, Line: v.file.lines + t.index + 1, Offset: t.offset, Seq: t.seq,
		Kind: Forged, Reason: fmt.Sprintf(format, args...),
	})
}

// takeEvidence takes a turn that is about keys, checkpoints or erasures.
func (v *verification) takeEvidence(t *turn) {
	e := &v.evidence
	switch {
	case t.sized:
		if tree, ok := e.before(t); ok {
			e.roots[tree.Size()] = rootAt{tree.Root(), Bad{File: v.file.name, Line: v.file.lines + t.index + 1, Offset: t.offset, Seq: t.seq}}
		}
	case v.broken: // nothing is tied to the beginning any more
	case t.tombstone:
		if len(e.tombstones) >= maxTombstones {
			e.refuse = fmt.Errorf("there are more than %d erased records that nothing accounts for", maxTombstones)
			return
		}
		e.tombstones[t.seq] = tombstoneAt{t.leaf, Bad{
			File: v.file.name, Line: v.file.lines + t.index + 1, Offset: t.offset, Seq: t.seq,
			Kind: ErasedKind, Reason: "its content was taken out, and no " + ControlErased + " allows that",
		}}
	case t.behindChange:
		v.forged(t, "it stands behind a change of a key, where a new file begins")
	case t.malformed:
		v.forged(t, "%s does not say what a writer says there: the next epoch, or a key", t.name)
	case t.key != nil:
		v.takeKey(t)
	case t.signer != nil:
		v.takeSigner(t)
	case t.checkpoint != nil:
		v.takeCheckpoint(t)
	case t.timestamp != nil:
		v.takeTimestamp(t)
	case t.erased != nil:
		v.takeErased(t)
	}
}

func (v *verification) takeKey(t *turn) {
	k := t.key
	v.evidence.ids[k.KeyID] = true
	v.evidence.comesIn(k.KeyMode, k.KeyID, k.Epoch, t.seq)
	incoming := v.ring.term(k.KeyID, k.KeyMode, k.Epoch)
	if incoming.known && KeyProof(incoming.key, v.chain(), t.seq, t.prevMAC, t.under.id) != k.Proof {
		v.forged(t, "whoever sealed it did not have the incoming key")
	}
}

func (v *verification) takeSigner(t *turn) {
	e := &v.evidence
	incoming, err := t.signer.Check(v.chain(), t.seq, t.prevMAC, e.signer)
	if err != nil {
		v.forged(t, "it does not change the signer of checkpoints: %v", err)
		return
	}
	e.signer = incoming
	e.signers = append(e.signers, incoming)
	e.trusted = e.trusted || incoming == v.in.PublicKey
	e.trust()
}

func (e *evidence) trust() {
	if e.trusted && !e.signer.IsZero() {
		e.trustees = append(e.trustees, e.signer)
	}
}

func (v *verification) takeCheckpoint(t *turn) {
	e := &v.evidence
	note := []byte(t.checkpoint.Note)
	c, err := OpenCheckpoint(note, e.signer)
	tree, known := e.before(t)
	switch {
	case e.signer.IsZero():
		v.forged(t, "the chain names no key for checkpoints")
		return
	case err != nil:
		v.forged(t, "%v", err)
		return
	case c.Chain != v.chain():
		v.forged(t, "the checkpoint is of another chain")
		return
	case c.Size != t.seq-1:
		v.forged(t, "the checkpoint is of %d lines, and %d stand before it", c.Size, t.seq-1)
		return
	case known && tree.Root() != c.Root:
		v.otherRoot(t, c.Size)
		return
	}
	f := &e.found
	f.Count++
	e.recent = append(e.recent, noteSum{c.Size, sha256.Sum256(note)})
	if len(e.recent) > maxRecent {
		e.forgotten = e.recent[maxRecent/2-1].size
		e.recent = append(e.recent[:0], e.recent[maxRecent/2:]...)
	}
	if !known {
		return
	}
	if t.under.known {
		e.sealed = c.Size
	}
	if e.trusted {
		f.Size, f.Root, f.Time, f.KeyID = c.Size, c.Root, t.checkpoint.Time, e.signer.ID()
		e.covered = c.Size
	}
}

// otherRoot takes a line that names another tree than that of the lines before
// it. It is said once: every later one names another tree too.
func (v *verification) otherRoot(t *turn, size uint64) {
	e := &v.evidence
	switch {
	case e.otherRoot:
		return
	case t.under.known && e.unproven == 0:
		v.forged(t, "the tree that it names is not that of the %d lines before it, which are as they were sealed", size)
	default:
		v.forged(t, "the tree that it names is not that of the %d lines before it: one of those from seq %d on was altered, or what it says is forged", size, max(e.covered, e.sealed)+1)
	}
	e.otherRoot = true
}

func (v *verification) takeTimestamp(t *turn) {
	e := &v.evidence
	i := slices.IndexFunc(e.recent, func(n noteSum) bool { return n.size == t.timestamp.Size })
	if i < 0 && t.timestamp.Size > e.forgotten && t.timestamp.Size >= v.turns.firstSeq() {
		v.forged(t, "no checkpoint of size %d, which it names, stands before it", t.timestamp.Size)
		return
	}
	if i < 0 {
		v.turns.strange("%s at seq %d is about a checkpoint that does not stand shortly before it", t.name, t.seq)
		return
	}
	imprint, err := TimestampImprint(t.timestamp.Token)
	switch {
	case t.timestamp.Note != e.recent[i].sum:
		v.forged(t, "it is not about the checkpoint of size %d that it names", t.timestamp.Size)
	case err != nil:
		v.forged(t, "its token is no time stamp: %v", err)
	case imprint != e.recent[i].sum:
		v.forged(t, "its token is about something else than the checkpoint")
	default:
		e.found.Timestamps++
	}
}

func (v *verification) takeErased(t *turn) {
	e, x := &v.evidence, t.erased
	switch {
	case e.erasure.IsZero():
		v.forged(t, "the chain names no key for erasures: nobody may erase anything")
		return
	case !x.Check(v.chain(), e.erasure):
		v.forged(t, "the erasure of seq %d is not signed by the erasure key of the chain", x.Line)
		return
	case x.Line >= t.seq:
		v.forged(t, "it erases a line that does not stand before it")
		return
	}
	switch at, ok := e.tombstones[x.Line]; {
	case ok && at.leaf == x.Leaf:
		delete(e.tombstones, x.Line)
		e.erased[x.Line] = true
	case !ok && !e.erased[x.Line]:
		e.pending[x.Line] = true
	}
}

// judgeErasures judges the tombstones that nothing accounts for.
func (v *verification) judgeErasures() {
	r, e := v.report, &v.evidence
	r.PendingErasures = 0
	for line := range e.pending {
		if line >= v.turns.firstSeq() {
			r.PendingErasures++ // others went with their segment, or stand in another one
		}
	}
	if v.broken || len(e.tombstones) == 0 || v.in.Alone {
		return // what allows it may stand in a later segment
	}
	var bads []Bad
	for _, at := range e.tombstones {
		bads = append(bads, at.bad)
	}
	slices.SortFunc(bads, func(a, b Bad) int {
		if a.Seq < b.Seq {
			return -1
		}
		return 1
	})
	// That nothing accounts for them is known at the end alone: they come
	// behind what was found before.
	r.BadTotal += int64(len(bads))
	r.Bad = append(r.Bad, bads[:min(len(bads), MaxBad)]...)
	r.Bad = r.Bad[:min(len(r.Bad), MaxBad)]
}
