// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// NextSuffix is behind the name of a key file in that of the key which is to
// take its place. The one whose place was taken is kept under the name of the
// file, a dot and its id.
const NextSuffix = ".next"

// RestsSuffix is behind the name and the id of a key that was that of a chain
// which another one took the place of.
const RestsSuffix = ".old"

const (
	partSuffix = ".part"
	// maxSealed is for a key file that is encrypted.
	maxSealed = 64 << 10
)

// Store is a key file that a journal replaces as its key steps
// (journal.KeyStore). It looks at the file anew at each call, because other
// processes replace it too; the lock of the journal keeps them apart. The keys
// that it returns share no memory with anything.
//
// What a forward-secure key was before it stepped is overwritten with zeros and
// synced. That is as far as a program gets: a file system that writes
// elsewhere (copy on write, a journal of data), a flash disk, a snapshot or a
// backup may keep the bytes all the same (docs/THREATS.md).
type Store struct {
	// Path is the key file.
	Path string
	// FS is the file system; nil means the operating system's.
	FS vfs.FS
	// Crypt, where it is set, encrypts what the file holds.
	Crypt Crypt
	// KeptSuffix stands behind the id in the name of a key that is kept: with
	// RestsSuffix it is that of a chain that rests, and readers do not take it
	// for one of the chain that is written with the key in the file.
	KeptSuffix string
}

var _ journal.KeyStore = (*Store)(nil)

// Load implements journal.KeyStore.
func (s *Store) Load() (integrity.KeyState, error) {
	return s.load(s.target())
}

// Save implements journal.KeyStore. Where the file holds another key than the
// one of state, it is kept under its id: that is how a rotation is completed.
//
// At any time the file is there, and whole: the new one is written beside it,
// synced, and renamed over it.
func (s *Store) Save(state integrity.KeyState) error {
	path := s.target()
	old, err := s.load(path)
	defer old.Key.Wipe()
	switch {
	case errors.Is(err, ErrNoKey):
		return s.replace(path, state)
	case err != nil:
		return err
	case old.Key.Same(state.Key) && old.Key.Epoch() > state.Key.Epoch():
		return fmt.Errorf("key file %q is at epoch %d, and does not go back to epoch %d", path, old.Key.Epoch(), state.Key.Epoch())
	case old.Key.Same(state.Key):
		return s.replace(path, state)
	}
	if err := s.keepAside(path, old); err != nil {
		return err
	}
	if err := s.replace(path, state); err != nil {
		return err
	}
	// What was staged is in its place now.
	next, err := s.load(path + NextSuffix)
	defer next.Key.Wipe()
	if err != nil || !next.Key.Same(state.Key) {
		return nil //nolint:nilerr // it is not there any more, or it is none of this
	}
	return s.remove(path + NextSuffix)
}

// Find implements journal.KeyStore: the key is looked for in the file and in
// what Stage put beside it.
func (s *Store) Find(id string) (integrity.KeyState, error) {
	path := s.target()
	for _, name := range []string{path, path + NextSuffix} {
		st, err := s.load(name)
		switch {
		case err == nil && st.Key.ID() == id:
			return st, nil
		case err == nil:
			st.Key.Wipe()
		case !errors.Is(err, ErrNoKey):
			return integrity.KeyState{}, err
		}
	}
	return integrity.KeyState{}, fmt.Errorf("%w: key %s is neither in %q nor in %q", journal.ErrWrongKey, id, path, path+NextSuffix)
}

// Staged returns what Stage put beside the file; ErrNoKey where there is
// nothing.
func (s *Store) Staged() (integrity.KeyState, error) { return s.load(s.target() + NextSuffix) }

// Stage puts the key that is to take the place of the one in the file beside
// it, durably. It overwrites none that waits there already: a chain may go on
// under that one.
func (s *Store) Stage(next integrity.KeyState) error {
	path := s.target()
	waiting, err := s.Staged()
	defer waiting.Key.Wipe()
	switch {
	case errors.Is(err, ErrNoKey):
	case err != nil:
		return err
	case waiting.Key.Same(next.Key):
	default:
		now, err := s.load(path)
		defer now.Key.Wipe()
		if err != nil {
			return err
		}
		if !now.Key.Same(waiting.Key) {
			return fmt.Errorf("%q holds key %s, of a rotation that was not completed; run it again with that key, or, if the journal is still under key %s, remove it", path+NextSuffix, waiting.Key.ID(), now.Key.ID())
		}
	}
	return s.replace(path+NextSuffix, next)
}

// Swap puts what was staged in the place of the file, which is kept under its
// id. Where that was done already, it does nothing.
func (s *Store) Swap() error {
	next, err := s.Staged()
	defer next.Key.Wipe()
	if errors.Is(err, ErrNoKey) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Save(next)
}

// KeptAs is the name of the file in which a key is kept whose time is over.
func (s *Store) KeptAs(id string) string { return s.target() + "." + id + s.KeptSuffix }

// keepAside writes the key whose time is over to a file of its own. An attempt
// that got no further may have left one there, from before the key stepped.
func (s *Store) keepAside(path string, old integrity.KeyState) error {
	name := path + "." + old.Key.ID() + s.KeptSuffix
	kept, err := s.load(name)
	defer kept.Key.Wipe()
	switch {
	case errors.Is(err, ErrNoKey):
		return s.replace(name, old)
	case err != nil:
		return err
	case bytes.Equal(kept.Text(), old.Text()):
		return nil
	case kept.Key.Same(old.Key) && kept.Chain == old.Chain && kept.Key.Epoch() <= old.Key.Epoch():
		return s.replace(name, old)
	}
	return fmt.Errorf("%q is there already, and holds something else than key %s in its last epoch; move it away", name, old.Key.ID())
}

func (s *Store) fs() vfs.FS {
	if s.FS == nil {
		return vfs.OS
	}
	return s.FS
}

// target is the file that Path names: where it is mounted as a link, what that
// leads to.
func (s *Store) target() string {
	if real, err := filepath.EvalSymlinks(s.Path); err == nil {
		return real
	}
	return s.Path
}

func (s *Store) load(path string) (integrity.KeyState, error) {
	text, err := s.read(path)
	defer func() { clear(text) }()
	if err != nil {
		return integrity.KeyState{}, err
	}
	st, err := integrity.ParseKeyState(text)
	if err != nil {
		return st, fmt.Errorf("key in %q: %w; `auditchain key new FILE` makes a good one", path, err)
	}
	return st, nil
}

// read returns what a key file holds, decrypted.
func (s *Store) read(path string) ([]byte, error) {
	info, err := s.fs().Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, noKeyAt(path)
	case err != nil:
		return nil, fmt.Errorf("key file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("key file %q is not a regular file", path)
	}
	f, err := s.fs().OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noKeyAt(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key file cannot be opened: %w", err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, fmt.Errorf("key file cannot be examined: %w", err)
	}
	limit := int64(maxKeyFile)
	if s.Crypt != nil {
		limit = maxSealed
	}
	text, err := readChecked(path, info, io.NewSectionReader(f, 0, limit+1), limit, true)
	if err != nil || s.Crypt == nil {
		return text, err
	}
	plain, err := s.Crypt.Decrypt(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("key file %q cannot be decrypted: %w", path, err)
	}
	return plain, nil
}

// replace puts a file that holds st in the place of path, durably.
func (s *Store) replace(path string, st integrity.KeyState) (err error) {
	text := st.Text()
	defer func() { clear(text) }()
	out := text
	if s.Crypt != nil {
		if out, err = s.Crypt.Encrypt(context.Background(), text); err != nil {
			return fmt.Errorf("key file %q cannot be encrypted: %w", path, err)
		}
	}
	part := path + partSuffix
	if err := s.remove(part); err != nil {
		return err
	}
	f, err := s.fs().OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("key file cannot be written: %w", err)
	}
	_, err = f.WriteAt(out, 0)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	// What was there is held open, to be overwritten once its name is gone.
	var old vfs.File
	if err == nil {
		old, err = s.fs().OpenFile(path, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if old != nil {
		defer old.Close()
	}
	if err == nil {
		err = s.fs().Rename(part, path)
	}
	if err == nil {
		err = s.fs().SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("key file cannot be written: %w", err)
	}
	if old != nil {
		wipe(old)
	}
	return nil
}

// wipe overwrites what a file holds, as far as that goes: the file is gone, or
// goes, and nobody is to find its bytes.
func wipe(f vfs.File) {
	info, err := f.Stat()
	if err != nil || info.Size() > maxSealed {
		return
	}
	if _, err := f.WriteAt(make([]byte, info.Size()), 0); err == nil {
		_ = f.Sync()
	}
}

// remove removes a file with a secret, if there is one.
func (s *Store) remove(path string) error {
	f, err := s.fs().OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		defer f.Close()
		err = s.fs().Remove(path)
	}
	if err == nil {
		err = s.fs().SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	wipe(f) // not before: zeros with its name would be taken for a key
	return nil
}
