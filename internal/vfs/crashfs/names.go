// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package crashfs

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"
)

// node is a file or a directory; names is nil for a file.
type node struct {
	perm fs.FileMode

	names, durableNames map[string]*node

	data, durable []byte
	pending       []op // writes and truncations that no Sync covers
	locks         map[*handle]bool
}

func newDir(perm fs.FileMode) *node {
	return &node{perm: perm, names: map[string]*node{}, durableNames: map[string]*node{}}
}

func newFile(perm fs.FileMode) *node {
	return &node{perm: perm, locks: map[*handle]bool{}}
}

// rename is one change of names, in one directory or in two: all of it is
// durable, or nothing.
type rename []struct {
	dir  *node
	name string
	node *node // nil: the name is gone
}

func (r rename) touches(dirs map[*node]bool) bool {
	for _, c := range r {
		if dirs[c.dir] {
			return true
		}
	}
	return false
}

func (r rename) note(dirs map[*node]bool) {
	for _, c := range r {
		dirs[c.dir] = true
	}
}

func (r rename) apply(names func(dir *node) map[string]*node) {
	for _, c := range r {
		if c.node == nil {
			delete(names(c.dir), c.name)
		} else {
			names(c.dir)[c.name] = c.node
		}
	}
}

func (r rename) store() { r.apply(func(d *node) map[string]*node { return d.durableNames }) }

// change makes a change that a crash may take back.
func (f *FS) change(r rename) {
	r.apply(func(d *node) map[string]*node { return d.names })
	f.pending = append(f.pending, r)
}

// syncNames makes durable what was changed in dir, and what must have been
// before it: where a rename went from one directory to another, the changes
// of both that came earlier.
func (f *FS) syncNames(dir *node) {
	dirs := map[*node]bool{dir: true}
	var rest, now []rename
	for _, r := range slices.Backward(f.pending) {
		if r.touches(dirs) {
			r.note(dirs)
			now = append(now, r)
		} else {
			rest = append(rest, r)
		}
	}
	for _, r := range slices.Backward(now) {
		r.store()
	}
	slices.Reverse(rest)
	f.pending = rest
}

// loseNames makes durable, of each directory, the first changes up to any of
// them, and forgets the others.
func (f *FS) loseNames(rng *rand.Rand) {
	stopped := map[*node]bool{}
	// Often all survive, or none.
	stop := [...]float64{0, 1, 0.5, 0.2}[rng.IntN(4)]
	for _, r := range f.pending {
		if r.touches(stopped) || rng.Float64() < stop {
			r.note(stopped)
			continue
		}
		r.store()
	}
	f.pending = nil
}

// afterCrash is the node that the next life of the machine finds.
func (n *node) afterCrash(rng *rand.Rand, o Options) *node {
	// A generator of its own for each node: what becomes of one does not hang
	// on how much was pending in another.
	own := rand.New(rand.NewPCG(rng.Uint64(), 0))
	if n.names == nil {
		next := newFile(n.perm)
		next.durable = n.survivor(own, o)
		next.data = slices.Clone(next.durable)
		return next
	}
	next := newDir(n.perm)
	for _, name := range slices.Sorted(maps.Keys(n.durableNames)) {
		next.durableNames[name] = n.durableNames[name].afterCrash(own, o)
	}
	next.names = maps.Clone(next.durableNames)
	return next
}

func (n *node) unlockAll() {
	clear(n.locks)
	for _, c := range n.names {
		c.unlockAll()
	}
}

func (n *node) list() []string { return slices.Sorted(maps.Keys(n.names)) }

func (n *node) info(name string) fs.FileInfo {
	return info{name: filepath.Base(name), size: int64(len(n.data)), mode: n.mode(), node: n}
}

func (n *node) mode() fs.FileMode {
	if n.names != nil {
		return n.perm | fs.ModeDir
	}
	return n.perm
}

type info struct {
	name string
	size int64
	mode fs.FileMode
	node *node
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return identity{i.node} }

// identity says which file it is, to vfs.SameFile and vfs.Links.
type identity struct{ node *node }

// SameFile reports whether other, from another file info, is the same file.
func (i identity) SameFile(other any) bool {
	o, ok := other.(identity)
	return ok && o.node == i.node
}

// Links is 1: nothing here makes hard links.
func (i identity) Links() uint64 { return 1 }
