// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package crashfs is a file system in memory, for tests, that knows what a
// machine loses when its power fails.
//
//	disk := crashfs.New(dir, rand.New(rand.NewPCG(seed, 0)), crashfs.Options{})
//	disk.CrashAt(17)      // the 17th change from now on is the last
//	…                     // a program runs on it until it gets ErrCrashed
//	disk = disk.Crash(rng) // what is there after the reboot
//
// The model, harsher than any one real file system, and as harsh as POSIX
// lets them be:
//
//   - File.Sync makes the data of a file durable, and not its name; SyncDir
//     makes the names in a directory durable, and not the data behind them.
//   - Of the writes to a file since its last Sync, cut into sectors of 512
//     bytes, any subset survives, in any order, and one of those that survive
//     may be torn at any byte. A whole sector is torn only with TearSectors.
//     The size of the file follows from what survived, or is that of a write
//     that did not; holes read as NUL.
//   - Of the changes to the names of a directory since its last SyncDir, the
//     first ones survive, up to any of them: file systems keep the order of
//     their metadata in a journal. Two directories are independent; a rename
//     from one to another is one change, in both or in none.
//   - A write never harms what was durable beside it in the same sector.
//   - After a Sync that failed, what was not written stays readable and
//     counts as clean: no later Sync writes it, and a crash loses it (as
//     Linux does it).
//   - All locks are free after a crash.
package crashfs

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/auditchain/auditchain/internal/vfs"
)

// ErrCrashed is what every call returns once the machine has no power.
var ErrCrashed = errors.New("the machine has crashed")

// Options configures a file system.
type Options struct {
	// TearSectors lets a torn write end inside a whole sector, too.
	TearSectors bool
	// NoSync makes Sync and SyncDir do nothing and report success: a disk
	// that lies, on which every program must be seen to lose data.
	NoSync bool
}

// FS is the file system of one life of a machine. Its methods may be called
// by any goroutine.
type FS struct {
	root string
	opts Options

	mu       sync.Mutex // guards all below, and every node
	rng      *rand.Rand
	top      *node
	pending  []rename // changes of names that no SyncDir covers, oldest first
	left     int      // changes until the crash; 0 means no crash is planned
	changes  int
	dead     bool
	rules    []*Fault
	injected map[Call]int
}

var _ vfs.FS = (*FS)(nil)

// New returns a file system that holds the directory root, empty, and nothing
// else. What it chooses, it chooses by rng.
func New(root string, rng *rand.Rand, o Options) *FS {
	return &FS{root: filepath.Clean(root), rng: rng, opts: o, top: newDir(0o700), injected: map[Call]int{}}
}

// CrashAt plans a crash: the nth call from now on that changes anything is the
// last. Whether that call still has its effect is open; it and all calls after
// it return ErrCrashed. 0 calls it off.
func (f *FS) CrashAt(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = n
}

// Crashed reports whether the power is gone.
func (f *FS) Crashed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// Changes returns how many calls there were that change something.
func (f *FS) Changes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changes
}

// Crash takes the power away, now at the latest, and returns what the machine
// finds when it starts again: without faults, and without a crash planned.
func (f *FS) Crash(rng *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true
	f.loseNames(rng)
	next := New(f.root, rng, f.opts)
	next.top = f.top.afterCrash(rng, f.opts)
	return next
}

// Kill ends the process and not the machine: nothing is lost, all locks are
// free, and what was open in f is not usable any more.
func (f *FS) Kill() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = true
	f.top.unlockAll()
	next := New(f.root, f.rng, f.opts)
	next.top, next.pending = f.top, f.pending
	return next
}

// OpenFile implements vfs.FS.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (file vfs.File, err error) {
	if flag&os.O_APPEND != 0 {
		return nil, pathError("open", name, syscall.EINVAL)
	}
	call := Open
	if flag&(os.O_CREATE|os.O_TRUNC) != 0 {
		call = Create
	}
	err = f.call(call, "open", name, nil, func() error {
		n, dir, base, err := f.lookup(name)
		switch {
		case err != nil:
			return err
		case n == nil && flag&os.O_CREATE == 0:
			return fs.ErrNotExist
		case n == nil:
			n = newFile(perm)
			f.change(rename{{dir, base, n}})
		case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
			return fs.ErrExist
		case n.names != nil && flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC) != 0:
			return syscall.EISDIR
		case flag&os.O_TRUNC != 0:
			n.truncate(0)
		}
		file = &handle{fs: f, node: n, name: name, flag: flag}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Lstat implements vfs.FS.
func (f *FS) Lstat(name string) (info fs.FileInfo, err error) {
	err = f.call(Lstat, "lstat", name, nil, func() error {
		n, _, _, err := f.lookup(name)
		if err != nil {
			return err
		}
		if n == nil {
			return fs.ErrNotExist
		}
		info = n.info(name)
		return nil
	})
	return info, err
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	effect := func() error {
		n, dir, base, err := f.lookup(name)
		switch {
		case err != nil:
			return err
		case n == nil:
			return fs.ErrNotExist
		case len(n.names) > 0:
			return syscall.ENOTEMPTY
		}
		f.change(rename{{dir, base, nil}})
		return nil
	}
	return f.call(Remove, "remove", name, f.perhaps(effect), effect)
}

// Rename implements vfs.FS.
func (f *FS) Rename(from, to string) error {
	effect := func() error {
		n, fromDir, fromBase, err := f.lookup(from)
		if err == nil && n == nil {
			err = fs.ErrNotExist
		}
		if err != nil {
			return err
		}
		old, toDir, toBase, err := f.lookup(to)
		switch {
		case err != nil:
			return err
		case old == n:
			return nil
		case old != nil && (old.names == nil) != (n.names == nil):
			return syscall.ENOTDIR
		case old != nil && len(old.names) > 0:
			return syscall.ENOTEMPTY
		}
		f.change(rename{{fromDir, fromBase, nil}, {toDir, toBase, n}})
		return nil
	}
	return f.call(Rename, "rename", from, f.perhaps(effect), effect)
}

// Mkdir implements vfs.FS.
func (f *FS) Mkdir(name string, perm fs.FileMode) error {
	return f.call(Mkdir, "mkdir", name, nil, func() error {
		n, dir, base, err := f.lookup(name)
		if err == nil && n != nil {
			err = fs.ErrExist
		}
		if err == nil {
			f.change(rename{{dir, base, newDir(perm)}})
		}
		return err
	})
}

// ReadDir implements vfs.FS.
func (f *FS) ReadDir(name string) (names []string, err error) {
	err = f.call(ReadDir, "readdir", name, nil, func() error {
		n, err := f.directory(name)
		if err == nil {
			names = n.list()
		}
		return err
	})
	return names, err
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(name string) error {
	effect := func() error {
		n, err := f.directory(name)
		if err == nil && !f.opts.NoSync {
			f.syncNames(n)
		}
		return err
	}
	return f.call(SyncDir, "sync", name, f.perhaps(effect), effect)
}

// ReadFile returns what is in a file. It is for whoever examines the disk: it
// meets no fault, and works after a crash too.
func (f *FS) ReadFile(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, _, _, err := f.lookup(name)
	switch {
	case err != nil:
		return nil, pathError("open", name, err)
	case n == nil:
		return nil, pathError("open", name, fs.ErrNotExist)
	case n.names != nil:
		return nil, pathError("read", name, syscall.EISDIR)
	}
	return slices.Clone(n.data), nil
}

// lookup finds the directory that a name is in, and what has the name now;
// nil where nothing has it. The root has no directory.
func (f *FS) lookup(name string) (n, dir *node, base string, err error) {
	rel, err := filepath.Rel(f.root, filepath.Clean(name))
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return nil, nil, "", fs.ErrNotExist
	}
	if rel == "." {
		return f.top, nil, "", nil
	}
	n = f.top
	for base = range strings.SplitSeq(rel, "/") {
		switch dir = n; {
		case dir == nil:
			return nil, nil, "", fs.ErrNotExist
		case dir.names == nil:
			return nil, nil, "", syscall.ENOTDIR
		}
		n = dir.names[base]
	}
	return n, dir, base, nil
}

func (f *FS) directory(name string) (*node, error) {
	n, _, _, err := f.lookup(name)
	switch {
	case err != nil:
		return nil, err
	case n == nil:
		return nil, fs.ErrNotExist
	case n.names == nil:
		return nil, syscall.ENOTDIR
	}
	return n, nil
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}
