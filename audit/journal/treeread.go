// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/auditchain/auditchain/integrity"
)

// Errors that say why the lines do not tell the tree. None of them is one of
// the system: what is wrong is in the files, for `verify` to name.
var (
	errTreeGone    = errors.New("a file of the chain is missing")
	errTreeAltered = errors.New("a line is not as it was sealed")
)

// loadTree takes up the state that the cache holds, where reading on from there
// is bounded. Whatever keeps it from that leaves the tree to be computed where
// it is needed.
func (j *Journal) loadTree() {
	c := &j.c
	t := &c.tree
	if !c.charter.hasTree() || t.is(c.tail) {
		return
	}
	for _, saved := range t.file.load(c.key, j.chain) {
		if c.takeSaved(&saved) {
			return
		}
		if saved.at.First == c.tail.First && saved.at.Seq <= c.tail.Seq && c.tail.Seq-saved.at.Seq <= 2*saveEvery && j.takeTree(&saved) == nil {
			t.saved, t.savedEpoch = saved.at.Seq, c.key.Epoch()
			return
		}
	}
}

// takeSaved takes up a state that is that of the very end of the chain: then
// nothing needs to be read, and it does not matter what somebody did to the lines
// since. The tag of the state says that it is this chain's, and that of the last
// line that it is of the same lines.
func (c *committer) takeSaved(saved *treeSaved) bool {
	if saved.at.Seq != c.tail.Seq || saved.at.MAC != c.tail.MAC {
		return false
	}
	var s treeState
	if s.restore(saved) != nil {
		return false
	}
	s.at = c.tail
	c.tree.treeState = s
	c.tree.saved, c.tree.savedEpoch = saved.at.Seq, c.key.Epoch()
	return true
}

// takeTree goes on from a state of the file at hand, to the end of the chain.
func (j *Journal) takeTree(saved *treeSaved) error {
	var s treeState
	if err := s.restore(saved); err != nil {
		return err
	}
	in, err := j.openPart(saved.at.First)
	if err != nil {
		return err
	}
	defer in.Close()
	w := treeWalk{j: j, s: s, sealer: j.c.sealer}
	r, err := w.seek(in, in.path)
	if err != nil {
		return err
	}
	if err := w.walk(r, j.c.tail); err != nil {
		return err
	}
	return w.adopt()
}

// computeTree computes the tree at the end of the chain: from a state that is
// known to be one of this file, else from what its first line says of the tree,
// or that of a file before, and through all lines that follow.
func (j *Journal) computeTree() error {
	c := &j.c
	t := &c.tree
	states := t.file.load(c.key, j.chain)
	if t.known {
		// What this writer knew itself.
		tree := t.tree()
		states = append([]treeSaved{{at: t.at, place: t.place, last: t.last, nodes: tree.Nodes()}}, states...)
	}
	for _, saved := range states {
		if c.takeSaved(&saved) {
			return nil
		}
		if saved.at.First != c.tail.First || saved.at.Seq > c.tail.Seq {
			continue
		}
		err := j.takeTree(&saved)
		if err == nil || isIO(err) {
			return err
		}
		// It is of other lines than stand there, or these are altered. Another
		// beginning tells.
	}
	return j.readTree()
}

// part is a file of the chain, opened to be read.
type part struct {
	io.ReadCloser
	path string
	at   io.ReaderAt // nil where it is compressed
}

// openPart opens the file that begins with line first.
func (j *Journal) openPart(first uint64) (*part, error) {
	c := &j.c
	own := first == c.tail.First && c.file != nil
	if own {
		in := &failingReaderAt{ReaderAt: c.file}
		line, err := newReader(j.path, io.NewSectionReader(in, 0, 1<<62)).Next()
		if in.err != nil {
			return nil, in.err
		}
		// One that is no line may have been one: then it is the file all the
		// same, where no finished one has its place.
		own = err != nil || line.Seq == first
		if err == nil && own {
			return j.ownPart(), nil
		}
	}
	s, ok, err := j.finishedSegment(first)
	if err != nil {
		return nil, err
	}
	if !ok && own {
		return j.ownPart(), nil
	}
	if !ok {
		return nil, fmt.Errorf("%w: %q", errTreeGone, s.Path)
	}
	in, err := openSegment(j.fs, s)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %q", errTreeGone, s.Path)
	}
	if err != nil {
		return nil, err
	}
	p := &part{ReadCloser: in, path: s.Path}
	p.at, _ = in.(io.ReaderAt)
	return p, nil
}

// ownPart is the file that is being written.
func (j *Journal) ownPart() *part {
	in := io.NewSectionReader(j.c.file, 0, 1<<62)
	return &part{io.NopCloser(in), j.path, in}
}

// readTree computes the tree from the lines alone.
func (j *Journal) readTree() error {
	// Where each file ends, the last one first: the chain itself says so.
	ends := []integrity.Position{j.c.tail}
	w := treeWalk{j: j}
	for {
		end := ends[len(ends)-1]
		begun, err := w.start(end)
		if err != nil {
			return err
		}
		if begun.done {
			break
		}
		if begun.previous.First == 0 || begun.previous.First >= end.First {
			return fmt.Errorf("%w: the first line of a file names no file before it", errTreeAltered)
		}
		ends = append(ends, begun.previous)
	}
	for i := len(ends) - 1; i >= 0; i-- {
		if err := w.file(ends[i]); err != nil {
			return err
		}
	}
	return w.adopt()
}

// treeWalk reads lines into a tree.
type treeWalk struct {
	j *Journal
	s treeState
	// sealer checks the lines; nil while they are under a key that this writer
	// does not have any more: that of an epoch that is spent.
	sealer *integrity.Sealer
	ours   bool // the file is under the key at hand, in some epoch
	leaf   integrity.LeafHasher
	// trusted is as far as a checkpoint vouches for lines that sealer does not.
	trusted, unchecked uint64
}

// begun is what the first line of a file says of the tree before it.
type begun struct {
	done     bool // the walk can begin there
	previous integrity.Position
}

// start looks at the first line of the file that ends in end. Where it says
// what the tree before it is, the walk is made to begin there.
func (w *treeWalk) start(end integrity.Position) (begun, error) {
	in, err := w.j.openPart(end.First)
	if err != nil {
		return begun{}, err
	}
	defer in.Close()
	b, err := w.first(in)
	if err != nil {
		return begun{}, err
	}
	before := treeSaved{at: integrity.Position{Seq: b.previous.Seq, MAC: b.previous.MAC}, nodes: b.tree}
	if b.seq > 1 && len(b.tree) == 0 {
		return begun{previous: b.previous}, nil
	}
	if err := w.s.restore(&before); err != nil {
		return begun{}, fmt.Errorf("%w: %q, the first line: %w", errTreeAltered, in.path, err)
	}
	if b.seq == 1 {
		w.s.noneBefore(b.began)
	}
	return begun{done: true}, nil
}

// first reads the first line of a file, and finds out whether the lines from
// there on can be checked.
func (w *treeWalk) first(in *part) (beginning, error) {
	c := &w.j.c
	r := newReader(in.path, in)
	b, err := readStart(r)
	switch {
	case isIO(err):
		return b, err
	case err != nil:
		return b, fmt.Errorf("%w: %q, the first line", errTreeAltered, in.path)
	case b.chain != w.j.chain || b.seq != b.previous.Seq+1:
		return b, fmt.Errorf("%w: %q does not begin as a file of this chain", errTreeAltered, in.path)
	}
	w.sealer, w.ours = nil, b.keyID == c.key.ID()
	if b.keyID == c.key.ID() && b.epoch == c.key.Epoch() {
		w.sealer = c.sealer
		if !b.genuine(w.sealer) {
			return b, fmt.Errorf("%w: %q, the first line", errTreeAltered, in.path)
		}
	}
	return b, nil
}

// file reads the file that ends in end, from its first line on.
func (w *treeWalk) file(end integrity.Position) error {
	in, err := w.j.openPart(end.First)
	if err != nil {
		return err
	}
	b, err := w.first(in)
	_ = in.Close()
	if err != nil {
		return err
	}
	if b.tree != nil {
		tree := w.s.tree()
		if !equalHashes(b.tree, tree.Nodes()) {
			return fmt.Errorf("%w: %q, the first line names another tree than that of the lines before it", errTreeAltered, in.path)
		}
	}
	if in, err = w.j.openPart(end.First); err != nil {
		return err
	}
	defer in.Close()
	w.s.at.First, w.s.at.Size = end.First, 0
	return w.walk(newReader(in.path, in), end)
}

func equalHashes(a, b []integrity.Hash) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// seek returns a reader behind the line that the state is of, in the file that
// holds it; an error where that line does not stand there.
func (w *treeWalk) seek(in *part, path string) (*Reader, error) {
	at := w.s.at
	if in.at == nil {
		return w.skip(newReader(path, in))
	}
	failing := &failingReaderAt{ReaderAt: in.at}
	last, err := lastLine(failing, at.Size)
	switch {
	case failing.err != nil:
		return nil, failing.err
	case err != nil || last.Seq != at.Seq || last.MAC != at.MAC:
		return nil, errTreeAltered
	}
	r := newReader(path, io.NewSectionReader(in.at, at.Size, 1<<62-at.Size))
	r.off = at.Size
	return r, nil
}

// skip is seek in a file that is compressed.
func (w *treeWalk) skip(r *Reader) (*Reader, error) {
	at := w.s.at
	var last integrity.Line
	for r.off < at.Size {
		line, err := r.Next()
		var bad *LineError
		switch {
		case err == io.EOF || errors.As(err, &bad):
			return nil, errTreeAltered
		case err != nil:
			return nil, err
		}
		last = line
	}
	if r.off != at.Size || last.Seq != at.Seq || last.MAC != at.MAC {
		return nil, errTreeAltered
	}
	return r, nil
}

// walk adds the lines up to end.
func (w *treeWalk) walk(r *Reader, end integrity.Position) error {
	s := &w.s
	done := func(b block) { w.j.c.tree.storeBlock(b) }
	for s.at.Seq < end.Seq {
		start := blockPlace{end.First, r.off}
		line, err := r.Next()
		var bad *LineError
		switch {
		case err == io.EOF || errors.As(err, &bad):
			return fmt.Errorf("%w: %q, byte %d", errTreeAltered, r.path, start.off)
		case err != nil:
			return err
		}
		leaf := line.Leaf(&w.leaf)
		if line.Seq != s.at.Seq+1 || w.sealer != nil && w.sealer.MAC(s.at.MAC, line.Seq, leaf) != line.MAC {
			return fmt.Errorf("%w: %q, byte %d", errTreeAltered, r.path, start.off)
		}
		if w.sealer == nil {
			w.unchecked = line.Seq
		}
		if line.Kind == integrity.Control {
			if err := w.control(&line); err != nil {
				return fmt.Errorf("%w: %q, byte %d", err, r.path, start.off)
			}
		}
		s.add(leaf, start, done)
		s.at = integrity.Position{First: end.First, Seq: line.Seq, MAC: line.MAC, Size: r.off}
	}
	if s.at != end {
		return fmt.Errorf("%w: %q does not end where it should", errTreeAltered, r.path)
	}
	return nil
}

// control looks at a control record before it is added: a checkpoint vouches
// for the lines before it, and an epoch may be the one whose key is at hand.
func (w *treeWalk) control(line *integrity.Line) error {
	c := &w.j.c
	switch line.ControlName() {
	case integrity.ControlCheckpoint:
		var p integrity.Checkpointed
		if w.sealer == nil && integrity.ParseControl(line.Payload, &p) == nil {
			// By a key that another took the place of, it says nothing.
			key, err := integrity.ParsePublicKey(integrity.KindCheckpoint, []byte(c.charter.checkpointKey))
			if err != nil {
				break //nolint:nilerr // it says nothing
			}
			point, err := integrity.OpenCheckpoint([]byte(p.Note), key)
			if err != nil {
				break //nolint:nilerr // it says nothing
			}
			tree := w.s.tree()
			if point.Chain != w.j.chain || point.Size != line.Seq-1 || point.Root != tree.Root() {
				return errTreeAltered
			}
			w.trusted = line.Seq - 1
		}
		w.s.notice(line)
	case integrity.ControlEpoch:
		var e integrity.Epoch
		if w.sealer == nil && w.ours && integrity.ParseControl(line.Payload, &e) == nil && e.Epoch == c.key.Epoch() {
			w.sealer = c.sealer // from the next line on
		}
	}
	return nil //nolint:nilerr // what says nothing is passed over
}

// adopt makes the tree that of the committer.
func (w *treeWalk) adopt() error {
	if w.unchecked > w.trusted {
		w.j.report(fmt.Errorf("%q: seq %d to %d are under the key of an epoch that is spent, and no checkpoint vouches for them: the tree is made of them as they stand in the file", w.j.path, w.trusted+1, w.unchecked))
	}
	t := &w.j.c.tree
	if last := t.last; last.seq > w.s.last.seq && last.seq <= w.s.at.Seq {
		w.s.last = last // it is before what was read
	}
	t.treeState = w.s
	return nil
}
