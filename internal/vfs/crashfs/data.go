// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package crashfs

import (
	"math/rand/v2"
	"slices"
)

// sector is what a disk writes whole.
const sector = 512

// op is a write, or a truncation to off.
type op struct {
	off      int64
	data     []byte
	truncate bool
}

func (o op) end() int64 { return o.off + int64(len(o.data)) }

// apply does it to the contents b of a file.
func (o op) apply(b []byte) []byte {
	if o.truncate {
		return resize(b, o.off)
	}
	if o.end() > int64(len(b)) {
		b = resize(b, o.end())
	}
	copy(b[o.off:], o.data)
	return b
}

// resize cuts b, or lets it grow with NULs.
func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	old := len(b)
	b = slices.Grow(b, int(size)-old)[:size]
	clear(b[old:])
	return b
}

func (n *node) write(b []byte, off int64) {
	o := op{off: off, data: slices.Clone(b)}
	n.data = o.apply(n.data)
	n.pending = append(n.pending, o)
}

func (n *node) truncate(size int64) {
	o := op{off: size, truncate: true}
	n.data = o.apply(n.data)
	n.pending = append(n.pending, o)
}

// sync makes all that is pending durable. It is not a copy of data: what a
// failed sync dropped is in data, and never on the disk.
func (n *node) sync() {
	for _, o := range n.pending {
		n.durable = o.apply(n.durable)
	}
	n.pending = nil
}

// failSync is what a sync leaves that reports a failure: some of the writes
// are on the disk, and the rest counts as clean. Truncations are done: they
// are metadata, which the kernel keeps until its journal has them.
func (n *node) failSync(rng *rand.Rand) {
	keep := [...]float64{0, 0.5, 1}[rng.IntN(3)]
	for _, o := range n.pending {
		for _, s := range o.sectors() {
			if s.truncate || rng.Float64() < keep {
				n.durable = s.apply(n.durable)
			}
		}
	}
	n.pending = nil
}

// survivor is what a file holds after a crash.
func (n *node) survivor(rng *rand.Rand, opts Options) []byte {
	b := slices.Clone(n.durable)
	var ops []op
	size := int64(0) // that a write gave the file
	for _, o := range n.pending {
		ops = append(ops, o.sectors()...)
		size = max(size, o.end())
	}
	if len(ops) == 0 {
		return b
	}
	switch rng.IntN(4) {
	case 0: // nothing was written yet
		ops = nil
	case 1: // all but perhaps the end
		ops = ops[:len(ops)-rng.IntN(min(len(ops), 3))]
	case 2: // in order, up to somewhere
		ops = ops[:rng.IntN(len(ops)+1)]
	case 3: // in no order
		keep := rng.Float64()
		ops = slices.DeleteFunc(ops, func(op) bool { return rng.Float64() >= keep })
		rng.Shuffle(len(ops), func(i, k int) { ops[i], ops[k] = ops[k], ops[i] })
	}
	if len(ops) > 0 && rng.IntN(2) == 0 {
		// The last one is the one that power fails in, more often than not.
		i := len(ops) - 1
		if rng.IntN(2) == 0 {
			i = rng.IntN(len(ops))
		}
		ops[i] = ops[i].tear(rng, opts)
	}
	for _, o := range ops {
		b = o.apply(b)
	}
	if rng.IntN(4) == 0 && size > int64(len(b)) {
		b = resize(b, int64(len(b))+rng.Int64N(size-int64(len(b))+1))
	}
	return b
}

// sectors cuts a write into those of the sectors that it touches.
func (o op) sectors() []op {
	if o.truncate {
		return []op{o}
	}
	var parts []op
	off, data := o.off, o.data
	for len(data) > 0 {
		n := min(len(data), sector-int(off%sector))
		parts = append(parts, op{off: off, data: data[:n]})
		off, data = off+int64(n), data[n:]
	}
	return parts
}

// tear cuts the write to a sector short.
func (o op) tear(rng *rand.Rand, opts Options) op {
	if o.truncate || len(o.data) == sector && !opts.TearSectors {
		return o
	}
	o.data = o.data[:rng.IntN(len(o.data))]
	return o
}
