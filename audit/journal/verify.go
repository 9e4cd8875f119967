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
	"strings"
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
	// Keys, State, PublicKey and Given are as in integrity.Input.
	Keys      []integrity.Key
	State     integrity.KeyState
	PublicKey integrity.PublicKey
	Given     []integrity.Given
	// FS is the file system; nil means the operating system's. It is a seam
	// for tests.
	FS vfs.FS
}

// maxHeldTail is how much beyond the watermark is copied under the lock.
const maxHeldTail = 16 << 20

// Verify judges the journal at path with all its segments: a snapshot taken
// under the shared lock, so that a journal that is being written verifies too.
// path may also be the folder that holds the journal, or one finished segment,
// which is then judged alone. Its memory does not grow with the files. The
// error is for what kept it from judging at all (no such file, no permission,
// the lock); everything else is in the report.
func Verify(ctx context.Context, path string, key integrity.Key, o VerifyOptions) (*integrity.Report, error) {
	if o.LockTimeout == 0 {
		o.LockTimeout = DefaultLockTimeout
	}
	if o.FS == nil {
		o.FS = vfs.OS
	}
	path, alone, err := find(o.FS, path)
	if err != nil {
		return nil, err
	}
	for range maxSnapshots {
		r, vanished, err := verifyOnce(ctx, path, alone, key, o)
		if err != nil || !vanished || ctx.Err() != nil {
			return r, err
		}
	}
	return nil, fmt.Errorf("journal: %q: segments are removed faster than they are read; run it again when less is written", path)
}

// maxSnapshots is how often a verification is begun again because retention
// removed a segment that it had not read yet.
const maxSnapshots = 10

func verifyOnce(ctx context.Context, path string, alone *Segment, key integrity.Key, o VerifyOptions) (r *integrity.Report, vanished bool, err error) {
	in := integrity.Input{File: path, Key: key, Workers: o.Workers, Alone: alone != nil, Keys: o.Keys, State: o.State, PublicKey: o.PublicKey, Given: o.Given}
	if alone != nil {
		// A finished segment changes only when a record in it is erased, by a
		// file that takes its place: it needs no lock.
		if in.Head, err = readHead(o.FS, path+headSuffix); err != nil {
			return nil, false, err
		}
		in.File, in.Files = alone.Path, []integrity.Source{source(o.FS, *alone, nil)}
	} else {
		s, err := takeSnapshot(ctx, path, key, o)
		if err != nil {
			return nil, false, err
		}
		defer s.release()
		in.Files, in.Head = s.files, s.head
		defer func() { vanished = vanished || s.vanished }()
	}
	r = integrity.Verify(ctx, in)
	if ctx.Err() != nil {
		return r, false, context.Cause(ctx)
	}
	if bad := r.First(); bad != nil && bad.Kind == integrity.ErasedKind {
		// It may have been erased after the snapshot, and what allows that be
		// behind its end.
		now, err := readHead(o.FS, path+headSuffix)
		if err != nil {
			return nil, false, err
		}
		vanished = !bytes.Equal(now, in.Head)
	}
	return r, vanished, nil
}

// snapshot is a journal as it was at one moment.
type snapshot struct {
	files  []integrity.Source
	active vfs.File // nil where there was none
	lock   *fileLock
	head   []byte
	// vanished says that a segment was gone when it was to be read.
	vanished bool
}

func (s *snapshot) release() {
	if s.lock != nil {
		_ = s.lock.unlock()
	}
	if s.active != nil {
		_ = s.active.Close()
	}
}

func takeSnapshot(ctx context.Context, path string, key integrity.Key, o VerifyOptions) (_ *snapshot, err error) {
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
	if err := s.openActive(ctx, path, o); err != nil {
		return nil, err
	}
	segments, err := listStill(o.FS, path)
	if err != nil {
		return nil, err
	}
	if s.head, err = readHead(o.FS, path+headSuffix); err != nil {
		return nil, err
	}
	for _, segment := range segments {
		if segment.First > 0 {
			s.files = append(s.files, source(o.FS, segment, &s.vanished))
		}
	}
	if s.active == nil {
		if len(s.files) == 0 && len(s.head) > 0 {
			// The watermark says what is missing.
			s.files = []integrity.Source{{File: path, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }}}
		}
		if len(s.files) == 0 {
			return nil, fmt.Errorf("journal: %w", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist})
		}
		return s, s.free()
	}
	return s, s.addActive(path, append([]integrity.Key{key}, o.Keys...))
}

// openActive opens the file that is being written, if there is one, and locks
// it against writers.
func (s *snapshot) openActive(ctx context.Context, path string, o VerifyOptions) error {
	f, err := o.FS.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	s.active = f
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return errors.Join(err, fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, path))
	}
	return lockFile(ctx, f, path, false, o.LockTimeout)
}

// addActive adds the file that is being written to what is judged. Below the
// watermark nothing changes any more. What is beyond it may be set aside by
// the next writer, so it is copied, and writers go on; if it is too much, they
// wait until the verification is done.
func (s *snapshot) addActive(path string, keys []integrity.Key) error {
	info, err := s.active.Stat()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	size := info.Size()
	fixed := int64(0)
	head, _, err := integrity.ParseHead(s.head, keys...)
	if err != nil {
		// Without a key it says as well how far nothing changes, as long as the
		// line that it names is there.
		head, _ = integrity.PeekHead(s.head)
	}
	if head.Size > 0 && s.holds(head.Position, size) {
		fixed = head.Size
	}
	lines := func() io.Reader { return io.NewSectionReader(s.active, 0, size) }
	if size-fixed <= maxHeldTail {
		tail := make([]byte, size-fixed)
		if _, err := s.active.ReadAt(tail, fixed); err != nil && err != io.EOF {
			return fmt.Errorf("journal: %w", err)
		}
		lines = func() io.Reader {
			return io.MultiReader(io.NewSectionReader(s.active, 0, fixed), bytes.NewReader(tail))
		}
		if err := s.free(); err != nil {
			return err
		}
	}
	s.files = append(s.files, integrity.Source{File: path, Open: func() (io.ReadCloser, error) { return io.NopCloser(lines()), nil }})
	return nil
}

// holds reports whether the file that is being written is the one that a
// watermark is about.
func (s *snapshot) holds(at integrity.Position, size int64) bool {
	_, found, err := endsAt(s.active, size, at)
	return err == nil && found == ""
}

// free lets writers go on.
func (s *snapshot) free() error {
	if s.active != nil {
		if err := s.active.Unlock(); err != nil {
			return fmt.Errorf("unlock: %w", err)
		}
	}
	if s.lock == nil {
		return nil
	}
	err := s.lock.unlock()
	s.lock = nil
	return err
}

// source is a finished segment as it is judged. vanished, where it is not nil,
// is set when it is gone.
func source(fsys vfs.FS, s Segment, vanished *bool) integrity.Source {
	return integrity.Source{File: s.Path, First: s.First, Open: func() (io.ReadCloser, error) {
		in, err := openSegment(fsys, s)
		if vanished != nil && errors.Is(err, fs.ErrNotExist) {
			*vanished = true
		}
		return in, err
	}}
}
