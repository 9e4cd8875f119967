// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/auditchain/auditchain/integrity"
)

// ErrImported: the chain was not begun for the file that is to be imported
// (Options.Imported).
var ErrImported = errors.New("journal was not begun for this import")

// attachImported is attach, for a chain that was begun for the file of
// Options.Imported where there is one.
func (j *Journal) attachImported(ctx context.Context) error {
	if j.opts.Imported == nil {
		return j.attach(ctx)
	}
	// Before anything is sealed, where there is known to be a chain; where
	// there may be none yet, only attach can tell.
	if j.lock.marked() {
		if err := j.checkImported(); err != nil {
			return err
		}
	}
	if err := j.attach(ctx); err != nil {
		return err
	}
	return j.checkImported()
}

// checkImported reads what the genesis says. That it is genuine is for
// `verify` to find.
func (j *Journal) checkImported() error {
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		return err
	}
	if len(all) == 0 || all[0].First > 1 {
		return fmt.Errorf("%w: the file that %q began with is gone", ErrImported, j.path)
	}
	start, err := j.startOf(all[0])
	if isIO(err) {
		return err
	}
	var g integrity.Genesis
	if err == nil {
		g, err = integrity.ParseGenesis(start.line)
	}
	switch {
	case err != nil || g.Imported == nil:
		return fmt.Errorf("%w: %q exists already, and an import begins a journal of its own: choose another name", ErrImported, j.path)
	case *g.Imported != *j.opts.Imported:
		return fmt.Errorf("%w: %q was begun with the records of another file, or with another key of it (see \"imported\" in its first line): choose another name", ErrImported, j.path)
	}
	return nil
}
