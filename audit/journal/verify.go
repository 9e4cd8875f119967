// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// VerifyOptions configures Verify.
type VerifyOptions struct {
	// LockTimeout bounds the wait for a commit in progress; 0 means
	// DefaultLockTimeout.
	LockTimeout time.Duration
	// Workers is the number of goroutines; 0 means one a processor.
	Workers int
}

// maxHeldTail is how much beyond the watermark is copied under the lock.
const maxHeldTail = 16 << 20

// Verify judges the journal at path: a snapshot taken under the shared lock,
// so that a journal that is being written verifies too. Its memory does not
// grow with the file. The error is for what kept it from judging at all (no
// such file, no permission, the lock); everything else is in the report.
func Verify(ctx context.Context, path string, key integrity.Key, o VerifyOptions) (*integrity.Report, error) {
	s, err := takeSnapshot(ctx, path, key, o)
	if err != nil {
		return nil, err
	}
	defer s.release()
	r := integrity.Verify(ctx, integrity.Input{File: path, Lines: s.lines, Key: key, Head: s.head, Workers: o.Workers})
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	return r, nil
}

// snapshot is a journal as it was at one moment.
type snapshot struct {
	file  vfs.File
	lock  *fileLock
	head  []byte
	lines io.Reader
}

func (s *snapshot) release() {
	if s.lock != nil {
		_ = s.lock.unlock()
	}
	if s.file != nil {
		_ = s.file.Close()
	}
}

func takeSnapshot(ctx context.Context, path string, key integrity.Key, o VerifyOptions) (_ *snapshot, err error) {
	if o.LockTimeout == 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	s := &snapshot{}
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	// Evidence that was copied may have no lock beside it, and an auditor may
	// not be let to open it. The journal's own lock is enough to keep a
	// writer out of a file that nobody replaces.
	lock := newReadLock(path + lockSuffix)
	if _, err := os.Lstat(lock.path); err == nil {
		switch err := lock.rlock(ctx, o.LockTimeout); {
		case err == nil:
			s.lock = lock
		case !errors.Is(err, fs.ErrPermission):
			return nil, err
		}
	}
	if s.file, err = vfs.OS.OpenFile(path, os.O_RDONLY, 0); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if info, err := s.file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, path))
	}
	if err := lockFile(ctx, s.file, path, false, o.LockTimeout); err != nil {
		return nil, err
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if s.head, err = readHead(vfs.OS, path+headSuffix); err != nil {
		return nil, err
	}
	size := info.Size()
	head, _, headErr := integrity.ParseHead(s.head, key)
	if headErr != nil || head.Size > size || size-head.Size > maxHeldTail {
		// Writers wait until the verification is done.
		s.lines = io.NewSectionReader(s.file, 0, size)
		return s, nil
	}
	// Below the watermark nothing changes any more. What is beyond it may be
	// set aside by the next writer, so it is copied.
	tail := make([]byte, size-head.Size)
	if _, err := s.file.ReadAt(tail, head.Size); err != nil && err != io.EOF {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := s.file.Unlock(); err != nil {
		return nil, fmt.Errorf("unlock %q: %w", path, err)
	}
	if s.lock != nil {
		err := s.lock.unlock()
		s.lock = nil
		if err != nil {
			return nil, err
		}
	}
	s.lines = io.MultiReader(io.NewSectionReader(s.file, 0, head.Size), bytes.NewReader(tail))
	return s, nil
}
