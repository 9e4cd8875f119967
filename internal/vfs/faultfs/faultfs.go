// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package faultfs is a file system for tests in which chosen calls fail, do
// only a part, or do all and report a failure. Everything else goes through
// to the file system below.
package faultfs

import (
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/auditchain/auditchain/internal/vfs"
)

// Op is a call that can be made to fail.
type Op string

// The calls.
const (
	Open     Op = "open"
	Read     Op = "read"
	Write    Op = "write"
	Sync     Op = "sync"
	Truncate Op = "truncate"
	SyncDir  Op = "syncdir"
	Remove   Op = "remove"
	Rename   Op = "rename"
	ReadDir  Op = "readdir"
	Mkdir    Op = "mkdir"
)

// Fault is what happens instead of a call.
type Fault struct {
	Err error
	// Partial is how many bytes of a write are done all the same; -1 means
	// that the call is done whole, and reported as failed.
	Partial int
}

// FS fails where a rule says so. Its methods may be called by any goroutine.
type FS struct {
	below vfs.FS
	mu    sync.Mutex
	rules []*rule
	calls map[Op]int
}

type rule struct {
	op     Op
	suffix string
	skip   int
	times  int
	fault  Fault
}

// New returns a file system over the operating system's.
func New() *FS { return &FS{below: vfs.OS, calls: map[Op]int{}} }

// Fail makes the calls of op on names that end in suffix fail: after skip
// calls that go through, the next times calls; times < 0 means all of them.
func (f *FS) Fail(op Op, suffix string, skip, times int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{op, suffix, skip, times, fault})
}

// Heal removes all rules.
func (f *FS) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Calls returns how often op was called.
func (f *FS) Calls(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func (f *FS) fault(op Op, name string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[op]++
	for _, r := range f.rules {
		if r.op != op || !strings.HasSuffix(name, r.suffix) {
			continue
		}
		if r.skip > 0 {
			r.skip--
			continue
		}
		if r.times == 0 {
			continue
		}
		r.times--
		return &r.fault
	}
	return nil
}

// OpenFile implements vfs.FS.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if ft := f.fault(Open, name); ft != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: ft.Err}
	}
	file, err := f.below.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultFile{File: file, fs: f, name: name}, nil
}

// Lstat implements vfs.FS.
func (f *FS) Lstat(name string) (fs.FileInfo, error) { return f.below.Lstat(name) }

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	if ft := f.fault(Remove, name); ft != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: ft.Err}
	}
	return f.below.Remove(name)
}

// Rename implements vfs.FS.
func (f *FS) Rename(from, to string) error {
	if ft := f.fault(Rename, from); ft != nil {
		if ft.Partial < 0 {
			if err := f.below.Rename(from, to); err != nil {
				return err
			}
		}
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: ft.Err}
	}
	return f.below.Rename(from, to)
}

// Mkdir implements vfs.FS.
func (f *FS) Mkdir(name string, perm fs.FileMode) error {
	if ft := f.fault(Mkdir, name); ft != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: ft.Err}
	}
	return f.below.Mkdir(name, perm)
}

// ReadDir implements vfs.FS.
func (f *FS) ReadDir(name string) ([]string, error) {
	if ft := f.fault(ReadDir, name); ft != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: ft.Err}
	}
	return f.below.ReadDir(name)
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(name string) error {
	if ft := f.fault(SyncDir, name); ft != nil {
		return &fs.PathError{Op: "sync", Path: name, Err: ft.Err}
	}
	return f.below.SyncDir(name)
}

type faultFile struct {
	vfs.File
	fs   *FS
	name string
}

func (f *faultFile) ReadAt(b []byte, off int64) (int, error) {
	if ft := f.fs.fault(Read, f.name); ft != nil {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: ft.Err}
	}
	return f.File.ReadAt(b, off)
}

func (f *faultFile) WriteAt(b []byte, off int64) (int, error) {
	ft := f.fs.fault(Write, f.name)
	if ft == nil {
		return f.File.WriteAt(b, off)
	}
	part := b
	if ft.Partial >= 0 {
		part = b[:min(ft.Partial, len(b))]
	}
	n, err := f.File.WriteAt(part, off)
	if err != nil {
		return n, err
	}
	return n, &fs.PathError{Op: "write", Path: f.name, Err: ft.Err}
}

func (f *faultFile) Sync() error {
	ft := f.fs.fault(Sync, f.name)
	if ft == nil {
		return f.File.Sync()
	}
	if ft.Partial < 0 {
		if err := f.File.Sync(); err != nil {
			return err
		}
	}
	return &fs.PathError{Op: "sync", Path: f.name, Err: ft.Err}
}

func (f *faultFile) Truncate(size int64) error {
	if ft := f.fs.fault(Truncate, f.name); ft != nil {
		return &fs.PathError{Op: "truncate", Path: f.name, Err: ft.Err}
	}
	return f.File.Truncate(size)
}
