// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/auditchain/auditchain/integrity"
)

// beginAnew begins a new chain where there was one, at a person's word. The
// files of the old one are moved into a folder; nothing is removed.
//
// Where the options name another key for it, that takes the place of the one
// that is kept before any file is moved: a crash behind that leaves a key that
// no writer can go on with in what is left of the old chain, and the same is
// done once more. Nothing is changed where the key cannot be that of a new
// chain.
func (j *Journal) beginAnew(ctx context.Context) error {
	names, err := j.ownNames()
	if err != nil {
		return err
	}
	st, err := j.loadKey()
	if err != nil {
		return err
	}
	j.c.key, j.c.state = st.Key, st
	contents, err := readHead(j.fs, j.path+headSuffix)
	if err != nil {
		return err
	}
	if err := j.checkNewKey(st, contents); err != nil {
		return err
	}
	follows := &integrity.Follows{Reason: j.opts.NewChain}
	if len(names) == 0 && !j.lock.marked() {
		follows = nil // there was none
	}
	if head, _, err := integrity.ParseHead(contents, st.Key); err == nil && len(names) > 0 {
		follows.Chain, follows.Seq, follows.MAC = head.Chain.String(), head.Seq, head.MAC.String()
	}
	if len(names) > 0 {
		if follows.KeptIn, err = j.makeFolder(); err != nil {
			return err
		}
	}
	if err := j.takeNewKey(); err != nil {
		return err
	}
	if len(names) > 0 {
		if err := j.putAside(names, follows.KeptIn); err != nil {
			return err
		}
	}
	return j.begin(ctx, follows)
}

// putAside moves the files of the old chain into a folder.
func (j *Journal) putAside(names []string, folder string) error {
	dir := filepath.Dir(j.path)
	for _, name := range names {
		if err := j.fs.Rename(filepath.Join(dir, name), filepath.Join(dir, folder, name)); err != nil {
			return fmt.Errorf("old chain: %w (what was moved is in %q; run it again)", err, folder)
		}
	}
	for _, d := range []string{filepath.Join(dir, folder), dir} {
		if err := j.fs.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// checkNewKey refuses a forward-secure key that was that of another chain, or
// has stepped: whoever had the host in its epoch could have left out all that
// came before, so that the new chain would be partly proven for ever
// (docs/SPEC.md, section 8.1). st is what is kept, and contents the watermark
// of the old chain.
func (j *Journal) checkNewKey(st integrity.KeyState, contents []byte) error {
	peek, known := integrity.PeekHead(contents)
	// The chain that the key is bound to stands elsewhere, and lives.
	elsewhere := known && st.Bound() && peek.Chain != st.Chain
	switch next := j.opts.NewKey; {
	case next.IsZero() && st.Key.Forward() && (st.Bound() || st.Key.Epoch() > 0):
		flag := "--new-key-file"
		if elsewhere {
			flag = "--key-file"
		}
		return fmt.Errorf("%w: the forward-secure key %s %s, and a new chain needs a key of its own, or it could never be proven but partly. Nothing was changed; run: auditchain key new NEWFILE, then: auditchain recover --new-chain REASON %s NEWFILE %s",
			ErrWrongKey, st.Key.ID(), spentAs(st), flag, j.path)
	case next.IsZero():
		return nil
	case elsewhere:
		return fmt.Errorf("%w; nothing was changed. To begin a new chain here, with the new key: auditchain recover --new-chain REASON --key-file NEWFILE %s",
			j.boundElsewhere(st, fmt.Sprintf("%q is of chain %s", j.path, peek.Chain)), j.path)
	case next.Same(st.Key) && (st.Bound() || st.Key.Epoch() > 0):
		return fmt.Errorf("%w: the new key %s %s already; nothing was changed", ErrWrongKey, next.ID(), spentAs(st))
	}
	return nil
}

// spentAs says why a forward-secure key cannot be that of a new chain.
func spentAs(st integrity.KeyState) string {
	if st.Bound() {
		return fmt.Sprintf("is that of chain %s, in epoch %d", st.Chain, st.Key.Epoch())
	}
	return fmt.Sprintf("has stepped to epoch %d", st.Key.Epoch())
}

// takeNewKey puts the key of the new chain in the place of the one that is
// kept.
func (j *Journal) takeNewKey() error {
	c := &j.c
	next := j.opts.NewKey
	if next.IsZero() || next.Same(c.key) {
		return nil
	}
	st := integrity.KeyState{Key: next.Clone()}
	if err := j.opts.Keys.Save(st); err != nil {
		return fmt.Errorf("%w: the key of the new chain could not be put in the place of the one before, and no file was moved; run it again: %w", ErrFailed, err)
	}
	if c.key.Forward() {
		c.key.Wipe()
	}
	c.key, c.state = st.Key, st
	return nil
}

// makeFolder makes a folder for the files of the old chain, and returns its
// name.
func (j *Journal) makeFolder() (string, error) {
	base := filepath.Base(j.path) + ".old-" + j.opts.Now().UTC().Format("20060102T150405Z")
	name := base
	for i := 1; ; i++ {
		err := j.fs.Mkdir(filepath.Join(filepath.Dir(j.path), name), 0o700)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrExist) || i >= maxNames {
			return "", fmt.Errorf("folder for the old chain: %w", err)
		}
		name = base + "." + strconv.Itoa(i)
	}
}

// ownNames lists the files of a chain, but for the lock and the hold.
func (j *Journal) ownNames() ([]string, error) {
	all, err := j.fs.ReadDir(filepath.Dir(j.path))
	if err != nil {
		return nil, fmt.Errorf("journal folder: %w", err)
	}
	var names []string
	base := filepath.Base(j.path)
	for _, name := range all {
		if isOwnName(base, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// isOwnName reports whether name is that of a file of the chain of the
// journal called base. The lock and the hold are not the chain's.
func isOwnName(base, name string) bool {
	if of, _, _, ok := parseSegmentPath(strings.TrimSuffix(name, partSuffix)); ok && of == base {
		return true
	}
	rest, ok := strings.CutPrefix(name, base)
	return ok && (rest == "" || rest == partSuffix || rest == headSuffix || rest == idsSuffix ||
		rest == eraseSuffix || rest == eraseSuffix+partSuffix || rest == treeSuffix || rest == checkpointsSuffix ||
		strings.HasPrefix(rest, tornInfix) || strings.HasPrefix(rest, brokenInfix))
}
