// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// crashGiven are the checkpoints that were given to somebody.
type crashGiven struct {
	mu     sync.Mutex
	points []journal.Published // guarded by mu
}

func (g *crashGiven) add(_ context.Context, p journal.Published) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.points = append(g.points, p)
}

func (g *crashGiven) all() []journal.Published {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.points)
}

// checkTree compares what the chain says of its tree with its lines, and with
// what was given away: a checkpoint that somebody has must hold after a crash.
func (h *crashHistory) checkTree(chain []integrity.Line) error {
	if len(chain) == 0 {
		return nil
	}
	var signer string
	tree := integrity.NewRange(0)
	var first integrity.Segment
	switch chain[0].ControlName() {
	case integrity.ControlGenesis:
		g, err := integrity.ParseGenesis(chain[0])
		if err != nil {
			return err
		}
		signer = g.CheckpointKey
	case integrity.ControlSegment:
		if err := integrity.ParseControl(chain[0].Payload, &first); err != nil {
			return err
		}
		signer = first.CheckpointKey
		var err error
		if tree, err = integrity.TreeOf(first.Previous.Seq, first.Tree); signer != "" && err != nil {
			return fmt.Errorf("%w: the first segment: %w", errFinding, err)
		}
	}
	if signer == "" {
		return nil
	}
	points := h.given.all()
	wanted := make(map[uint64]integrity.Hash, len(points))
	for _, p := range points {
		wanted[p.Size] = p.Root
	}
	var leaf integrity.LeafHasher
	for _, l := range chain {
		size := l.Seq - 1
		if root, ok := wanted[size]; ok {
			h.tally.given++
			if root != tree.Root() {
				return fmt.Errorf("%w: a checkpoint of %d lines was given away, and they have another root", errFinding, size)
			}
			delete(wanted, size)
		}
		switch l.ControlName() {
		case integrity.ControlSegment:
			var s integrity.Segment
			if err := integrity.ParseControl(l.Payload, &s); err != nil {
				return err
			}
			if !slices.Equal(s.Tree, tree.Nodes()) {
				return fmt.Errorf("%w: the segment at seq %d names another tree than that of the lines before it (%d hashes)", errFinding, l.Seq, len(s.Tree))
			}
		case integrity.ControlCheckpoint:
			var c integrity.Checkpointed
			if err := integrity.ParseControl(l.Payload, &c); err != nil {
				return err
			}
			by, err := integrity.ParsePublicKey(integrity.KindCheckpoint, []byte(signer))
			if err != nil {
				return fmt.Errorf("%w: %w", errFinding, err)
			}
			p, err := integrity.OpenCheckpoint([]byte(c.Note), by)
			if err != nil || p.Size != size || p.Root != tree.Root() {
				return fmt.Errorf("%w: the checkpoint at seq %d does not hold: %w", errFinding, l.Seq, err)
			}
			h.tally.checkpoints++
		case integrity.ControlSigner:
			var c integrity.SignerChange
			if err := integrity.ParseControl(l.Payload, &c); err != nil || c.Previous != signer {
				return fmt.Errorf("%w: the signer at seq %d follows another one (%w)", errFinding, l.Seq, err)
			}
			signer = c.CheckpointKey
		}
		tree.Add(l.Leaf(&leaf))
	}
	for size := range wanted {
		if size >= chain[0].Seq {
			return fmt.Errorf("%w: a checkpoint of %d lines was given away, and %d are there", errLost, size, tree.Size())
		}
	}
	return nil
}
