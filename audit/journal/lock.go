// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/gofrs/flock"
)

// lockPoll is how often a lock that somebody else holds is tried again. A
// commit takes about as long.
const lockPoll = 500 * time.Microsecond

// fileLock is the lock between processes: flock(2) on a file beside the
// journal, not on the journal itself, which may be replaced. The kernel frees
// it when its holder dies.
type fileLock struct {
	path string
	fs   vfs.FS // for what the file holds; the lock itself is the kernel's
	f    *flock.Flock
}

func newFileLock(fsys vfs.FS, path string) *fileLock {
	return &fileLock{path: path, fs: fsys, f: flock.New(path,
		flock.SetFlag(os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK), flock.SetPermissions(0o600))}
}

// newReadLock is the lock of somebody who only reads, and who may have no
// right to create or to write it.
func newReadLock(path string) *fileLock {
	return &fileLock{path: path, fs: vfs.OS, f: flock.New(path,
		flock.SetFlag(os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK), flock.SetPermissions(0o600))}
}

// lock takes the lock for one commit, exclusively.
func (l *fileLock) lock(ctx context.Context, timeout time.Duration) error {
	return l.acquire(ctx, timeout, l.f.TryLock, l.f.TryLockContext)
}

// rlock takes it shared, for a snapshot.
func (l *fileLock) rlock(ctx context.Context, timeout time.Duration) error {
	return l.acquire(ctx, timeout, l.f.TryRLock, l.f.TryRLockContext)
}

func (l *fileLock) acquire(ctx context.Context, timeout time.Duration,
	try func() (bool, error), wait func(context.Context, time.Duration) (bool, error),
) error {
	var deadline context.Context
	start := time.Now()
	for {
		ok, err := uninterrupted(try)
		if err == nil && !ok {
			if deadline == nil {
				var cancel context.CancelFunc
				deadline, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			ok, err = uninterrupted(func() (bool, error) { return wait(deadline, lockPoll) })
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
				return lockedError(l.path, timeout)
			}
		}
		if err != nil {
			return fmt.Errorf("lock %q: %w", l.path, err)
		}
		if !ok {
			continue
		}
		// A lock file that was removed and made anew would give two writers
		// two locks: what is locked must still be what the path names.
		held, err := l.f.Stat()
		if err != nil {
			return errors.Join(fmt.Errorf("lock %q: %w", l.path, err), l.unlock())
		}
		named, err := os.Lstat(l.path)
		if err == nil && os.SameFile(held, named) {
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("lock %q: %w", l.path, err), l.unlock())
		}
		if err := l.unlock(); err != nil {
			return err
		}
		if time.Since(start) > timeout {
			return fmt.Errorf("%w: %q was removed again and again for %v", ErrLocked, l.path, timeout)
		}
	}
}

// lockFile takes flock(2) on the journal itself, after the lock beside it:
// whoever removes and recreates the lock file must not get two writers into
// one file. Nearly always it is free.
func lockFile(ctx context.Context, f vfs.File, path string, exclusive bool, timeout time.Duration) error {
	var timer <-chan time.Time
	for {
		ok, err := f.TryLock(exclusive)
		if err != nil {
			return fmt.Errorf("lock %q: %w", path, err)
		}
		if ok {
			return nil
		}
		if timer == nil {
			t := time.NewTimer(timeout)
			defer t.Stop()
			timer = t.C
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("lock %q: %w", path, context.Cause(ctx))
		case <-timer:
			return lockedError(path, timeout)
		case <-time.After(lockPoll):
		}
	}
}

// uninterrupted makes a call again that a signal interrupted, as flock(2) may
// be on a network file system.
func uninterrupted(call func() (bool, error)) (bool, error) {
	for {
		ok, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return ok, err
		}
	}
}

// lockedError names who holds the lock on the file at path, where the system
// tells.
func lockedError(path string, timeout time.Duration) error {
	if who := lockHolder(path); who != "" {
		return fmt.Errorf("%w: %s has held %q for %v", ErrLocked, who, path, timeout)
	}
	return fmt.Errorf("%w: another process has held %q for %v; see who with: fuser -v %s", ErrLocked, path, timeout, path)
}

func (l *fileLock) unlock() error {
	if _, err := uninterrupted(func() (bool, error) { return true, l.f.Unlock() }); err != nil {
		return fmt.Errorf("unlock %q: %w", l.path, err)
	}
	return nil
}

// lockMark is what a lock file holds once the journal beside it has a genesis: a
// marked lock without a journal means that the journal was taken away.
const lockMark = "auditchain lock: the journal beside this file has records; never delete it\n"

func (l *fileLock) marked() bool {
	info, err := l.fs.Lstat(l.path)
	return err == nil && info.Size() > 0
}

func (l *fileLock) mark() error {
	f, err := l.fs.OpenFile(l.path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	_, err = f.WriteAt([]byte(lockMark), 0)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	return nil
}
