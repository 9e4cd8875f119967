// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// takesErasures reports whether the chain of the journal at path was begun with
// an erasure key.
func takesErasures(path string) bool {
	begun, known := beginningOf(path)
	return known && begun.Erasure != ""
}

// erasuresUndone counts the lines that a chain.erased says are erased, and that
// hold their payload, as files do that were put back from a backup. Nothing is
// verified; what it finds, erase --complete does only where it is genuine.
func erasuresUndone(ctx context.Context, path string) (n int64, err error) {
	r, err := journal.NewReader(path)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	// An order stands behind its line: the line was there, or retention has
	// removed it.
	first, tombstones, ordered := uint64(0), map[uint64]bool{}, map[uint64]bool{}
	for ctx.Err() == nil {
		line, err := r.Next()
		var bad *journal.LineError
		var gap *journal.GapError
		switch {
		case errors.As(err, &bad) || errors.As(err, &gap):
			continue // verify says it
		case err == io.EOF:
			return int64(len(ordered)), nil
		case err != nil:
			return 0, err
		}
		if first == 0 {
			first = line.Seq
		}
		if line.Kind == integrity.Tombstone {
			tombstones[line.Seq] = true
		}
		var e integrity.Erased
		if line.ControlName() == integrity.ControlErased && integrity.ParseControl(line.Payload, &e) == nil &&
			e.Line >= first && e.Line < line.Seq && !tombstones[e.Line] {
			ordered[e.Line] = true
		}
	}
	return 0, ctx.Err()
}
