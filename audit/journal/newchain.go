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
	follows := &integrity.Follows{Reason: j.opts.NewChain}
	if len(names) == 0 {
		if !j.lock.marked() {
			follows = nil // there was none
		}
		return j.beginUnbound(ctx, follows)
	}
	contents, err := readHead(j.fs, j.path+headSuffix)
	if err != nil {
		return err
	}
	if head, ok := integrity.PeekHead(contents); ok && st.Bound() && head.Chain != st.Chain {
		// It would be taken from a chain that stands elsewhere, and lives.
		return j.boundElsewhere(st, fmt.Sprintf("%q is of chain %s", j.path, head.Chain))
	}
	dir := filepath.Dir(j.path)
	folder, err := j.makeFolder()
	if err != nil {
		return err
	}
	follows.KeptIn = folder
	if head, _, err := integrity.ParseHead(contents, j.c.key); err == nil {
		follows.Chain, follows.Seq, follows.MAC = head.Chain.String(), head.Seq, head.MAC.String()
	}
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
	return j.beginUnbound(ctx, follows)
}

// beginUnbound begins a chain with a key that may have been that of another
// one, which it is not from then on. A crash before the new chain is durable
// leaves a key that is bound to none, and this is done again.
func (j *Journal) beginUnbound(ctx context.Context, follows *integrity.Follows) error {
	c := &j.c
	if c.state.Bound() {
		free := integrity.KeyState{Key: c.key}
		if err := j.opts.Keys.Save(free); err != nil {
			return unkept(err)
		}
		c.state = free
	}
	return j.begin(ctx, follows)
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
