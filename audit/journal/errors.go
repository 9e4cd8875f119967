// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"

	"github.com/auditchain/auditchain/integrity"
)

// MaxRecordBytes is the size of the longest payload that is sealed.
const MaxRecordBytes = 64 << 20

// Errors of one record: they stand in its Receipt, and another attempt with
// the same record gives the same error.
var (
	// ErrConflict: the journal holds another record of the same id.
	ErrConflict = errors.New("another record with this id and other content is already sealed")
	// ErrErased: the record of this id was erased, and is not sealed again.
	ErrErased = errors.New("the record with this id was erased, and is not sealed again")
	// ErrTooLarge: the payload is longer than MaxRecordBytes.
	ErrTooLarge = fmt.Errorf("record is longer than %d bytes", MaxRecordBytes)
	// ErrPayload: the payload is not that of a record (docs/SPEC.md,
	// section 2), or its leaf is missing.
	ErrPayload = errors.New("payload is not that of a record")
)

// Errors of a journal. A whole batch that got one is not acknowledged.
var (
	// ErrClosed: Close was called.
	ErrClosed = errors.New("journal is closed")
	// ErrLocked: somebody else held the lock for longer than LockTimeout.
	ErrLocked = errors.New("journal is locked")
	// ErrBroken is what Options.Report gets where less was found than there
	// should be, or else than was left: it is sealed as a chain.break.
	ErrBroken = errors.New("journal was not as it was left")
	// ErrFailed: the state of the file could not be established, or not be
	// made good. Nothing of the batch is acknowledged, though it may be in the
	// journal; the next Append looks at the disk anew.
	ErrFailed = errors.New("journal failed")
	// ErrTruncated: files are gone. From Open: nothing says where the chain
	// ended, and there is nothing to go on from.
	ErrTruncated = errors.New("journal is truncated")
	// ErrTampered: what is left gives nothing to go on from.
	ErrTampered = errors.New("journal was tampered with")
	// ErrNoWatermark: a Follower found a watermark that is not valid.
	ErrNoWatermark = errors.New("journal has no valid watermark")
	// ErrReplaced: another journal stands in the place of this one.
	ErrReplaced = errors.New("journal was replaced by another one")
	// ErrWrongKey: the journal was written with another key.
	ErrWrongKey = errors.New("journal has another key")
	// ErrUnsafe: a file is of a kind or a mode that is refused.
	ErrUnsafe = errors.New("refused")
	// ErrUncertain: the records were written, but their watermark was not:
	// they may be in the journal. Those with an id of their own can be sent
	// again.
	ErrUncertain = errors.New("the records were written but not acknowledged, and may be in the journal")
	// ErrWrite: the disk did not take a write. The file was put back to its
	// last good byte.
	ErrWrite = errors.New("the disk did not take the records")
)

// Errors of an erasure. After all of them but ErrUnfinished, nothing was
// erased.
var (
	// ErrNoErasureKey: the chain was begun without one.
	ErrNoErasureKey = errors.New("the chain has no erasure key")
	// ErrErasureKey: the order is not signed by the erasure key of the chain.
	ErrErasureKey = errors.New("not the erasure key of the chain")
	// ErrOrder: the order is not about this line, or not whole.
	ErrOrder = errors.New("erasure order does not hold")
	// ErrNotErasable: the line is a control record.
	ErrNotErasable = errors.New("line cannot be erased")
	// ErrNoLine: the chain has no such line.
	ErrNoLine = errors.New("no such line")
	// ErrPruned: the file that held the line is gone.
	ErrPruned = errors.New("line is not there any more")
	// ErrHeld: nothing is to be removed from this journal.
	ErrHeld = errors.New("journal is on hold")
	// ErrUnfinished: it is sealed that the lines are erased, and some of
	// their payload may still be there.
	ErrUnfinished = errors.New("the erasure is sealed, and not complete yet; the next opening of the journal completes it")
)

// Retryable reports whether the same batch may succeed later: when the disk
// has space again, when the lock is free, when the files are back.
// It is false for what lies in the record itself, and for nil.
func Retryable(err error) bool {
	switch {
	case err == nil, errors.Is(err, ErrConflict), errors.Is(err, ErrErased), errors.Is(err, ErrTooLarge), errors.Is(err, ErrPayload):
		return false
	}
	return true
}

// LineError is a line that is none, met while reading.
type LineError struct {
	Path         string
	Line, Offset int64
	Reason       error
}

func (e *LineError) Error() string {
	return fmt.Sprintf("%s: line %d (byte %d): %v", e.Path, e.Line, e.Offset, e.Reason)
}

// Unwrap returns the reason, one of the errors of package integrity.
func (e *LineError) Unwrap() error { return e.Reason }

var _ error = (*integrity.Bad)(nil)
