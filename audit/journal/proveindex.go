// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"slices"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// blockIndex knows the roots of the subtrees of blockSize lines, and where each
// begins: with it, a proof is made from a few blocks instead of all lines. It
// is a cache, and not trusted.
type blockIndex interface {
	// Count is how many blocks it knows, from the first one on.
	Count() uint64
	// Block returns the root of block i, and where its first line stands: in
	// the file that begins with line first, off bytes from the beginning of what
	// that holds. ok is false where it does not know.
	Block(i uint64) (root integrity.Hash, first uint64, off int64, ok bool)
	Close() error
}

// openIndex opens the index in the cache of the tree beside a journal; nil where
// there is none that can be read: that costs time, and nothing else. It is a
// variable for tests.
var openIndex = func(fsys vfs.FS, path string) blockIndex {
	b, err := openBlocks(fsys, path)
	if err != nil {
		return nil
	}
	return b
}

// byIndex computes a path from the blocks of the index, and from the lines of
// those that are needed line by line, or that it does not know.
func (r *prover) byIndex(ctx context.Context, g *gathering) error {
	index := openIndex(r.fs, r.path)
	if index == nil {
		return errNoWay
	}
	defer index.Close()
	for n := index.Count(); g.next() <= g.upTo; {
		i := g.path.At() / blockSize
		if root, ok := g.block(index, i, n); ok {
			if err := g.path.Add(root, blockSize); err != nil {
				return fmt.Errorf("%w: %w", errBesides, err)
			}
			continue
		}
		// Blocks that follow each other are read at once.
		upTo := g.upTo
		for j := i + 1; j < n; j++ {
			if _, ok := g.block(index, j, n); ok {
				upTo = j * blockSize
				break
			}
		}
		file, off := r.place(index, i)
		if err := r.read(ctx, g, file, off, upTo); err != nil {
			return fmt.Errorf("%w: by the index: %w", errBesides, err)
		}
	}
	return nil
}

// block returns the root of block i, where it is known and will do.
func (g *gathering) block(index blockIndex, i, n uint64) (root integrity.Hash, ok bool) {
	at := i * blockSize
	wanted := slices.ContainsFunc(g.want, func(seq uint64) bool { return seq > at && seq <= at+blockSize })
	if i >= n || at+blockSize > g.upTo || wanted || g.path.Parts(at, blockSize) {
		return root, false
	}
	root, _, _, ok = index.Block(i)
	return root, ok
}

// place finds where to read from for the lines of block i: where the index says
// that it begins or one before it, in the file that holds its first line; else
// from the beginning of that.
func (r *prover) place(index blockIndex, i uint64) (file int, off int64) {
	file = r.fileOf(i*blockSize + 1)
	for ; i*blockSize+1 >= r.files[file].first; i-- {
		if _, first, off, ok := index.Block(i); ok && first == r.files[file].first {
			return file, off
		}
		if i == 0 {
			break
		}
	}
	return file, 0
}

// signed checks that a checkpoint is by a key that the chain names: that of the
// file which holds the line behind its tree, or, where the note was given, any.
// Whether it is the right key, only somebody who has it from elsewhere can say.
func (r *prover) signed(w wanted) error {
	var tried []string
	try := func(key string) error {
		if slices.Contains(tried, key) {
			return ErrDoesNotHold
		}
		tried = append(tried, key)
		k, err := integrity.ParsePublicKey(integrity.KindCheckpoint, []byte(key))
		if err == nil {
			_, err = integrity.OpenCheckpoint(w.note, k)
		}
		return err
	}
	err := try(r.files[r.fileOf(w.size+1)].key)
	for i := len(r.files) - 1; i >= 0 && err != nil; i-- {
		if try(r.files[i].key) == nil {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("%w (the checkpoint of size %d: %w)", ErrDoesNotHold, w.size, err)
	}
	return nil
}
