// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// newChainKey is the key of --new-key-file, which takes the place of the key of
// the chain that ends.
type newChainKey struct {
	file  string // of the flag
	store *keyfile.Store
	key   integrity.Key
	old   string // id of the key of the chain that ends
	// begun: an earlier run was interrupted behind the beginning of the new chain.
	begun bool
}

// loadNewChainKey reads the key of --new-key-file; nil without it.
func (o *recoverOptions) loadNewChainKey(key writerKey) (*newChainKey, error) {
	if o.newKeyFile == "" {
		return nil, nil
	}
	refuse := func(format string, args ...any) (*newChainKey, error) {
		return nil, fmt.Errorf("--new-key-file %q: %w", o.newKeyFile, fmt.Errorf(format, args...))
	}
	store, ok := key.store.(*keyfile.Store)
	if !ok {
		return refuse("the key comes from where it cannot be replaced: put the new one there, and leave this flag away")
	}
	if a, err := os.Stat(o.newKeyFile); err == nil {
		if b, err := os.Stat(store.Path); err == nil && os.SameFile(a, b) {
			return refuse("that is the key file itself: it is to hold a new key, made with auditchain key new")
		}
	}
	next, err := keyfile.LoadState(keyfile.Source{File: o.newKeyFile})
	if err != nil {
		return nil, fmt.Errorf("--new-key-file: %w", keyfile.IfMissing(err, newKeyTodo))
	}
	now, err := store.Load()
	if err != nil {
		return nil, err
	}
	n := &newChainKey{file: o.newKeyFile, store: store, key: next.Key, old: now.Key.ID()}
	switch {
	case next.Key.VerifyOnly():
		return refuse("%w", integrity.ErrVerifyOnly)
	case next.Bound():
		return refuse("key %s is that of chain %s, and a new chain needs a key of its own: auditchain key new FILE makes one", next.Key.ID(), next.Chain)
	case next.Key.Same(now.Key):
		// An earlier run has put it in its place, and was interrupted.
		n.old, n.begun = "", now.Bound()
	}
	// A chain that is begun without a key for checkpoints has none ever.
	beside := o.newKeyFile + keyfile.CheckpointSuffix
	if _, err := os.Stat(beside); err == nil && o.checkpointKey == "" {
		if _, err := os.Stat(key.src.File + keyfile.CheckpointSuffix); errors.Is(err, os.ErrNotExist) {
			return refuse("%q is there, and no key for checkpoints beside %q: move it there, with its .pub, or name it with --checkpoint-key, or remove it", beside, key.src.File)
		}
	}
	return n, nil
}

// apply puts the key into the options of the journal.
func (n *newChainKey) apply(o *journal.Options) {
	if n.begun {
		o.NewChain = "" // it is there
		return
	}
	o.NewKey = n.key
	n.store.KeptSuffix = keyfile.RestsSuffix
}

// settle does what is left once the chain is begun under the key. The keys that
// the old one had before are set apart too, or every reader would look for them
// in the new one. It returns the names of all that are.
func (n *newChainKey) settle() (kept []string, err error) {
	if n.old != "" {
		n.store.KeptSuffix = keyfile.RestsSuffix
		kept = append(kept, n.store.KeptAs(n.old))
	}
	before, err := keysBeside(n.store.Path)
	if err != nil {
		return kept, err
	}
	for _, name := range before {
		if strings.HasSuffix(name, keyfile.NextSuffix) {
			continue // of a rotation, which says itself what is to be done
		}
		to := name + keyfile.RestsSuffix
		if _, err := os.Lstat(to); err == nil {
			return kept, fmt.Errorf("the new chain is begun, and %q, a key of the old one, cannot be renamed: %q is there already; move one of them away", name, to)
		}
		if err := os.Rename(name, to); err != nil {
			return kept, fmt.Errorf("the new chain is begun, and a key of the old one could not be renamed: %w", err)
		}
		kept = append(kept, to)
	}
	if err := keyfile.Remove(n.file); err != nil {
		return kept, fmt.Errorf("the new chain is begun, and %q could not be removed, which it must be: %w", n.file, err)
	}
	return kept, nil
}
