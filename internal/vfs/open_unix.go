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
	return f, nil
}
