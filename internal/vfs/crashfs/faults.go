// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package crashfs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Call is a kind of call that can be made to fail.
type Call string

// The calls. Create is an Open that may make a file or empty it.
const (
	Open     Call = "open"
	Create   Call = "create"
	Lstat    Call = "lstat"
	Read     Call = "read"
	Write    Call = "write"
	Truncate Call = "truncate"
	Sync     Call = "sync"
	SyncDir  Call = "sync directory"
	Rename   Call = "rename"
	Remove   Call = "remove"
	Mkdir    Call = "mkdir"
	ReadDir  Call = "read directory"
)

func (c Call) changes() bool {
	switch c {
	case Create, Write, Truncate, Sync, SyncDir, Rename, Remove, Mkdir:
		return true
	}
	return false
}

// Fault makes calls fail.
//
// A Write writes a part of what it should before it fails. A Sync makes a part
// durable and drops the rest, see the package. A Rename, a Remove, a Truncate
// and a SyncDir either do all or nothing, and report a failure in any case.
// The others do nothing.
type Fault struct {
	Call Call
	// Suffix is how the names end that it is about; "" means all.
	Suffix string
	// Skip calls go through, then Times calls fail; Times < 0 means all.
	Skip, Times int
	// Err is what they return; nil means EIO.
	Err error
}

// Inject adds a fault.
func (f *FS) Inject(ft Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ft.Err == nil {
		ft.Err = syscall.EIO
	}
	f.rules = append(f.rules, &ft)
}

// Heal removes all faults.
func (f *FS) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Injected returns how many calls failed because of a fault.
func (f *FS) Injected() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.injected {
		n += k
	}
	return n
}

// call is what each call of a program goes through: whether there is power,
// whether it is the one at which it fails, whether a fault meets it. onFault
// is what it does all the same when it is made to fail; nil means nothing.
func (f *FS) call(c Call, op, name string, onFault func(), effect func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return pathError(op, name, ErrCrashed)
	}
	if c.changes() {
		f.changes++
		if f.left > 0 {
			if f.left--; f.left == 0 {
				if f.rng.IntN(2) == 0 {
					_ = effect()
				}
				f.dead = true
				return pathError(op, name, ErrCrashed)
			}
		}
	}
	if err := f.fault(c, name); err != nil {
		if onFault != nil {
			onFault()
		}
		return pathError(op, name, err)
	}
	err := effect()
	var errno syscall.Errno
	if errors.As(err, &errno) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return pathError(op, name, err)
	}
	return err
}

func (f *FS) fault(c Call, name string) error {
	for _, r := range f.rules {
		if r.Call != c || !strings.HasSuffix(name, r.Suffix) || r.Times == 0 {
			continue
		}
		if r.Skip > 0 {
			r.Skip--
			continue
		}
		r.Times--
		f.injected[c]++
		return fmt.Errorf("injected: %w", r.Err)
	}
	return nil
}

// perhaps makes a call that is reported as failed have its effect, or not.
func (f *FS) perhaps(effect func() error) func() {
	return func() {
		if f.rng.IntN(2) == 0 {
			_ = effect()
		}
	}
}
