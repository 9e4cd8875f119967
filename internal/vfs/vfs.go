// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package vfs is the seam between the journal and the file system. The
// journal does all that must be durable through it, so that tests can make
// each call fail, tear or disappear. [OS] is the real one.
package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// FS is a file system.
type FS interface {
	// OpenFile is os.OpenFile, except that it never follows a symbolic link
	// in the last element of name.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Lstat is os.Lstat.
	Lstat(name string) (fs.FileInfo, error)
	// Remove is os.Remove.
	Remove(name string) error
	// Rename is os.Rename within one directory. Like a creation, it may be
	// lost in a crash until the directory is synced.
	Rename(from, to string) error
	// ReadDir returns the names in a directory, sorted.
	ReadDir(name string) ([]string, error)
	// Mkdir is os.Mkdir.
	Mkdir(name string, perm fs.FileMode) error
	// SyncDir makes the names in a directory durable: after a file is
	// created, a crash may lose it until its directory is synced.
	SyncDir(name string) error
}

// File is an open file. Writes go to stated offsets: nothing depends on a
// file position.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync is fsync(2). After it failed, what is on disk is unknown.
	Sync() error
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
	// TryLock takes flock(2) on the file without waiting: exclusive, or
	// shared with other readers. false means that somebody else has it.
	TryLock(exclusive bool) (bool, error)
	// Unlock frees it.
	Unlock() error
}

// OS is the operating system's file system.
var OS FS = osFS{}

type osFS struct{}

func (osFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	return openNoFollow(name, flag, perm)
}

func (osFS) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }
func (osFS) Remove(name string) error               { return os.Remove(name) }
func (osFS) Rename(from, to string) error           { return os.Rename(from, to) }

func (osFS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

func (osFS) ReadDir(name string) ([]string, error) {
	d, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

func (osFS) SyncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory %q: %w", name, err)
	}
	return nil
}

// SameFile is os.SameFile, for the files of any FS: the Sys() of a file that
// is not the operating system's says itself which file it is.
func SameFile(a, b fs.FileInfo) bool {
	if id, ok := a.Sys().(interface{ SameFile(other any) bool }); ok {
		return id.SameFile(b.Sys())
	}
	return os.SameFile(a, b)
}
