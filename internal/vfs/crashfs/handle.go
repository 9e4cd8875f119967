// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package crashfs

import (
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/auditchain/auditchain/internal/vfs"
)

// handle is an open file.
type handle struct {
	fs     *FS
	node   *node
	name   string
	flag   int
	closed bool
}

var _ vfs.File = (*handle)(nil)

func (h *handle) call(c Call, op string, onFault func(), effect func() error) error {
	return h.fs.call(c, op, h.name, onFault, func() error {
		if h.closed {
			return pathError(op, h.name, fs.ErrClosed)
		}
		return effect()
	})
}

// writable reports what open(2) would say of a write to it.
func (h *handle) writable() error {
	if h.flag&(os.O_WRONLY|os.O_RDWR) == 0 || h.node.names != nil {
		return syscall.EBADF
	}
	return nil
}

func (h *handle) ReadAt(b []byte, off int64) (n int, err error) {
	err = h.call(Read, "read", nil, func() error {
		switch {
		case h.flag&os.O_WRONLY != 0:
			return syscall.EBADF
		case h.node.names != nil:
			return syscall.EISDIR
		case off < 0:
			return syscall.EINVAL
		}
		if off < int64(len(h.node.data)) {
			n = copy(b, h.node.data[off:])
		}
		if n < len(b) {
			return io.EOF
		}
		return nil
	})
	return n, err
}

func (h *handle) WriteAt(b []byte, off int64) (n int, err error) {
	write := func(part []byte) error {
		if err := h.writable(); err != nil {
			return err
		}
		if off < 0 {
			return syscall.EINVAL
		}
		h.node.write(part, off)
		n = len(part)
		return nil
	}
	partly := func() {
		if !h.closed {
			_ = write(b[:h.fs.rng.IntN(len(b)+1)])
		}
	}
	err = h.call(Write, "write", partly, func() error { return write(b) })
	return n, err
}

func (h *handle) Sync() error {
	return h.call(Sync, "sync",
		func() { h.node.failSync(h.fs.rng) },
		func() error {
			if !h.fs.opts.NoSync {
				h.node.sync()
			}
			return nil
		})
}

func (h *handle) Truncate(size int64) error {
	effect := func() error {
		if err := h.writable(); err != nil || size < 0 {
			return syscall.EINVAL
		}
		h.node.truncate(size)
		return nil
	}
	return h.call(Truncate, "truncate", h.fs.perhaps(effect), effect)
}

func (h *handle) Stat() (info fs.FileInfo, err error) {
	err = h.call("stat", "stat", nil, func() error {
		info = h.node.info(h.name)
		return nil
	})
	return info, err
}

func (h *handle) TryLock(exclusive bool) (ok bool, err error) {
	err = h.call("lock", "lock", nil, func() error {
		for other, how := range h.node.locks {
			if other != h && (how || exclusive) {
				return nil
			}
		}
		ok = true
		if h.node.locks != nil {
			h.node.locks[h] = exclusive
		}
		return nil
	})
	return ok, err
}

func (h *handle) Unlock() error {
	return h.call("lock", "unlock", nil, func() error {
		delete(h.node.locks, h)
		return nil
	})
}

func (h *handle) Close() error {
	return h.call("close", "close", nil, func() error {
		h.closed = true
		delete(h.node.locks, h)
		return nil
	})
}
