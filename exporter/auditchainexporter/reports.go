// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"github.com/auditchain/auditchain/audit/journal"
)

// reports takes what the journal says beside its commits: that it sealed a
// chain.break, and that work on finished files did not succeed. The messages
// have names of files, sequence numbers and what the system said; nothing of
// any record.
type reports struct {
	logger    *zap.Logger
	telemetry *telemetry

	mu   sync.Mutex
	said map[string]bool // guarded by mu
}

// maxSaid bounds what is remembered; beyond it, something may be said again.
const maxSaid = 64

// add logs a report. What is tried again with every batch, and goes wrong in
// the same way, is logged once; the counter counts it every time. It may be
// called by any goroutine.
func (r *reports) add(err error) {
	if isBreak(err) {
		r.telemetry.builder.AuditChainJournalBreaks.Add(context.Background(), 1, r.telemetry.add...)
		r.logger.Error("the journal was not as it was left; the chain says so for ever", zap.Error(err))
		return
	}
	var stamp *timestampError
	if errors.As(err, &stamp) { // counted where it came from
		if r.first(err.Error()) {
			r.logger.Warn("a checkpoint was not time-stamped; it holds all the same", zap.Error(err))
		}
		return
	}
	r.telemetry.builder.AuditChainJournalWarnings.Add(context.Background(), 1, r.telemetry.add...)
	if r.first(err.Error()) {
		r.logger.Warn("work on finished files did not succeed; records are sealed all the same", zap.Error(err))
	}
}

func (r *reports) first(message string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.said[message] {
		return false
	}
	if r.said == nil || len(r.said) >= maxSaid {
		r.said = map[string]bool{}
	}
	r.said[message] = true
	return true
}

// timestampError marks that the time-stamp authority gave nothing good, on its
// way through the journal.
type timestampError struct{ error }

func (e *timestampError) Unwrap() error { return e.error }

// isBreak tells the announcement of a chain.break.
func isBreak(err error) bool { return errors.Is(err, journal.ErrBroken) }
