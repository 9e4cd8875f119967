// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"time"

	"github.com/auditchain/auditchain/integrity"
)

// saveEvery is how many lines the state of the tree in the cache may be behind:
// as many are read when a writer that did not close the journal comes back.
const saveEvery = 65_536

// treeState is the tree of the lines up to the one that at names. Which lines
// these are, its tag says: the tree belongs to the end of a chain exactly where
// sequence number and tag are those of at. So nothing that moves the end needs
// to tell the tree: one that does not belong is found out, and computed anew.
type treeState struct {
	known bool
	at    integrity.Position
	// whole is the tree of the complete blocks, part what there is of the next
	// one, place where that begins.
	whole, part integrity.Range
	place       blockPlace
	last        lastCheckpoint
}

// is reports whether the tree is that of the lines up to p.
func (s *treeState) is(p integrity.Position) bool {
	return s.known && s.at.Seq == p.Seq && s.at.MAC == p.MAC
}

// tree returns the whole tree. It shares nothing.
func (s *treeState) tree() integrity.Range {
	t := s.whole.Clone()
	if err := t.Append(&s.part); err != nil {
		panic("journal: tree: " + err.Error()) // one begins where the other ends
	}
	return t
}

// clone returns a copy that shares nothing.
func (s *treeState) clone() treeState {
	c := *s
	c.whole, c.part = s.whole.Clone(), s.part.Clone()
	return c
}

// noneBefore says when the chain was begun: there was nothing to make a
// checkpoint of before.
func (s *treeState) noneBefore(began time.Time) { s.last = lastCheckpoint{1, began.UnixNano()} }

// restore makes the state one that was saved, or that a chain.segment names.
func (s *treeState) restore(saved *treeSaved) error {
	whole, part, err := integrity.SplitTree(saved.at.Seq, blockSize, saved.nodes)
	if err != nil {
		return err
	}
	*s = treeState{known: true, at: saved.at, whole: whole, part: part, place: saved.place, last: saved.last}
	if part.Size() == part.From() {
		s.place = blockPlace{}
	}
	return nil
}

// empty makes it the tree of no lines.
func (s *treeState) empty() { *s = treeState{known: true} }

// add adds a leaf, that of line part.Size()+1, which begins at start. A block
// that it completes is given to done, where its beginning is known.
func (s *treeState) add(leaf integrity.Hash, start blockPlace, done func(block)) {
	if s.part.Size() == s.part.From() {
		s.place = start
	}
	s.part.Add(leaf)
	if s.part.Size()-s.part.From() < blockSize {
		return
	}
	b := block{index: s.part.From() / blockSize, root: s.part.Nodes()[0], blockPlace: s.place}
	if err := s.whole.Append(&s.part); err != nil {
		panic("journal: tree: " + err.Error()) // one begins where the other ends
	}
	s.part, s.place = integrity.NewRange(s.whole.Size()), blockPlace{}
	if b.first > 0 {
		done(b)
	}
}

// blockStart is the line that a block begins with, and its place.
type blockStart struct {
	seq uint64
	blockPlace
}

// treeKeeper keeps the tree at the end of the chain. It belongs to the
// committer.
type treeKeeper struct {
	treeState
	file  treeFile
	chain *integrity.ChainID // the journal's
	// from is where the commit that is being made begins; staged are the leaves
	// of its lines, starts the beginnings of those that begin a block.
	from   integrity.Position
	staged []integrity.Hash
	starts []blockStart
	// ahead is the state with what is staged, as far as it was needed; nil
	// before it was.
	ahead  *treeState
	folded int // of staged, in ahead
	blocks []block
	// What the newest slot in the cache is of.
	saved, savedEpoch uint64
	// failed is why the tree could not be computed, until again has come.
	failed error
	again  time.Time
	wait   time.Duration
}

// begin begins a commit behind tail. on says that the chain has a tree.
func (t *treeKeeper) begin(on bool, tail integrity.Position) {
	t.drop()
	if on && tail.Seq == 0 {
		t.empty()
	}
	if !on || !t.is(tail) {
		return
	}
	t.from = tail
	if tail.Seq == 0 {
		t.from.First = 1
	}
}

// drop forgets what is staged.
func (t *treeKeeper) drop() {
	t.staged, t.starts, t.blocks, t.ahead, t.folded = t.staged[:0], t.starts[:0], t.blocks[:0], nil, 0
	t.from = integrity.Position{}
	if cap(t.staged) > maxStaged {
		t.staged = nil
	}
}

// maxStaged is how many leaves a commit may have that keeps their memory for
// the next one.
const maxStaged = 1 << 16

// staging reports whether leaves are taken.
func (t *treeKeeper) staging() bool { return t.from.First > 0 }

// stage takes the leaf of the next line, which begins at off of the file.
func (t *treeKeeper) stage(leaf integrity.Hash, seq, first uint64, off int64) {
	if !t.staging() {
		return
	}
	if (seq-1)%blockSize == 0 {
		t.starts = append(t.starts, blockStart{seq, blockPlace{first, off}})
	}
	t.staged = append(t.staged, leaf)
}

// fold adds what is staged to s, from the i-th leaf on.
func (t *treeKeeper) fold(s *treeState, i int) {
	starts := t.starts
	done := func(b block) { t.blocks = append(t.blocks, b) }
	for _, leaf := range t.staged[i:] {
		var start blockPlace
		for s.part.Size() == s.part.From() && len(starts) > 0 && starts[0].seq <= s.part.Size()+1 {
			if starts[0].seq == s.part.Size()+1 {
				start = starts[0].blockPlace
			}
			starts = starts[1:]
		}
		s.add(leaf, start, done)
	}
}

// look returns the tree with all that is staged.
func (t *treeKeeper) look() *treeState {
	if t.ahead == nil {
		s := t.clone()
		t.ahead, t.folded = &s, 0
	}
	t.fold(t.ahead, t.folded)
	t.folded = len(t.staged)
	return t.ahead
}

// settle takes over what was staged: the chain ends in at now. last is the
// checkpoint among it, if there is one.
func (t *treeKeeper) settle(at integrity.Position, last lastCheckpoint) {
	if !t.staging() || t.from.Seq+uint64(len(t.staged)) != at.Seq {
		t.drop()
		return
	}
	if t.ahead != nil {
		t.treeState = *t.look()
	} else {
		t.fold(&t.treeState, 0)
	}
	t.at = at
	if last.seq > 0 {
		t.last = last
	}
	for _, b := range t.blocks {
		t.storeBlock(b)
	}
	t.drop()
}

// storeBlock writes a block that was completed. A failure costs time: the entry
// is not there, or not whole.
func (t *treeKeeper) storeBlock(b block) { _ = t.file.saveBlock(*t.chain, b) }

// pass takes in a line that others wrote, behind the line before.
func (t *treeKeeper) pass(before integrity.Position, line *integrity.Line, leaf integrity.Hash, end int64) {
	if !t.is(before) {
		return
	}
	t.add(leaf, blockPlace{before.First, before.Size}, t.storeBlock)
	t.at = integrity.Position{First: before.First, Seq: line.Seq, MAC: line.MAC, Size: end}
	t.notice(line)
}

// notice learns of a checkpoint.
func (s *treeState) notice(line *integrity.Line) {
	if line.Kind != integrity.Control || line.ControlName() != integrity.ControlCheckpoint {
		return
	}
	var c integrity.Checkpointed
	if integrity.ParseControl(line.Payload, &c) != nil {
		return
	}
	made, err := time.Parse(integrity.TimeFormat, c.Time)
	if err == nil {
		s.last = lastCheckpoint{line.Seq, made.UnixNano()}
	}
}

// saveTree writes the state to the cache, where the chain has a tree and it is
// known.
func (j *Journal) saveTree() {
	c := &j.c
	t := &c.tree
	if !c.charter.hasTree() || !t.is(c.tail) {
		return
	}
	tree := t.tree()
	// A failure costs time, when the journal is opened the next time.
	if t.file.save(treeSaved{chain: j.chain, at: t.at, place: t.place, last: t.last, nodes: tree.Nodes(), charter: c.charter}, c.key) == nil {
		t.saved, t.savedEpoch = t.at.Seq, c.key.Epoch()
	}
}

// settleTree takes over what a commit sealed, and saves it after a checkpoint
// and now and then.
func (j *Journal) settleTree() {
	c := &j.c
	t := &c.tree
	var last lastCheckpoint
	if p := c.point; p != nil {
		last = lastCheckpoint{p.Seq, p.Time.UnixNano()}
		c.unpublished, c.point = p, nil
	}
	fresh := t.staging() && t.from.Seq == 0
	t.settle(c.tail, last)
	if fresh {
		t.noneBefore(c.began)
	}
	if fresh || last.seq > 0 || t.at.Seq >= t.saved+saveEvery || t.at.Seq < t.saved || t.savedEpoch != c.key.Epoch() {
		j.saveTree()
	}
}

// The waits between two attempts to compute a tree that could not be computed.
const (
	treeWait    = time.Minute
	maxTreeWait = time.Hour
)

// errNoTree: the lines do not tell the tree.
var errNoTree = errors.New("the tree of the lines cannot be computed")

// knowTree makes sure that the tree at the end of the chain is known. What
// keeps it from being so is tried again after a while: it may cost reading a
// whole file.
func (j *Journal) knowTree(again bool) error {
	c := &j.c
	t := &c.tree
	switch {
	case !c.charter.hasTree():
		return fmt.Errorf("%w: the chain has none: it was begun without a checkpoint key", errNoTree)
	case t.is(c.tail):
		return nil
	case t.failed != nil && !again && j.opts.Now().Before(t.again) && t.again.Sub(j.opts.Now()) <= maxTreeWait:
		return t.failed
	}
	err := j.computeTree()
	if err == nil {
		t.failed, t.wait = nil, 0
		return nil
	}
	t.wait = min(max(2*t.wait, treeWait), maxTreeWait)
	t.failed, t.again = fmt.Errorf("%w: %w", errNoTree, err), j.opts.Now().Add(t.wait)
	return t.failed
}

// segmentTree returns what a chain.segment behind the end of the chain says of
// the tree. Where the lines are gone or altered that it would be made of,
// nobody can say it, and it is left out: the chain must go on. An error is one
// of the system, which may pass; what came of it the last time is good for a
// while, unless it must be known now.
func (j *Journal) segmentTree(now bool) ([]integrity.Hash, error) {
	if !j.c.charter.hasTree() {
		return nil, nil
	}
	err := j.knowTree(now && isIO(j.c.tree.failed))
	if isIO(err) {
		return nil, err
	}
	if err != nil {
		j.report(fmt.Errorf("%q: %w; the next file says nothing of it, and no checkpoint is made until the lines are back", j.path, err))
		return nil, nil
	}
	tree := j.c.tree.tree()
	return tree.Nodes(), nil
}

// recallCharter takes what the genesis says from the cache of the tree.
func (j *Journal) recallCharter() {
	c := &j.c
	if saved := c.tree.file.load(c.key, j.chain); len(saved) > 0 {
		c.charter = saved[0].charter
	}
}
