// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ErrSymlink is returned for a symbolic link where a file should be: whoever
// can place one would choose what is written to.
var ErrSymlink = errors.New("is a symbolic link; name the file itself")

func openNoFollow(name string, flag int, perm fs.FileMode) (File, error) {
	// O_NONBLOCK keeps the opening of a FIFO from hanging; it does nothing
	// for a regular file, and anything else is refused after it.
	f, err := os.OpenFile(name, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, perm)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%q %w", name, ErrSymlink)
	}
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

type osFile struct{ *os.File }

func (f osFile) TryLock(exclusive bool) (bool, error) {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	err := f.flock(how | syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func (f osFile) Unlock() error { return f.flock(syscall.LOCK_UN) }

func (f osFile) flock(how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Links returns how many names a file has.
func Links(info fs.FileInfo) uint64 {
	switch st := info.Sys().(type) {
	case *syscall.Stat_t:
		return uint64(st.Nlink) //nolint:unconvert // 16 bits on macOS
	case interface{ Links() uint64 }:
		return st.Links()
	}
	return 1
}
