// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// Record is one encoded record, ready to be sealed. The caller keeps it
// unchanged until Append returns; the journal keeps no reference after that.
type Record struct {
	// Payload is the line before `,"seq":` (docs/SPEC.md, section 2).
	Payload []byte
	// Leaf is the leaf hash of Payload.
	Leaf integrity.Hash
	// ID is the record's id, as in the payload.
	ID uuid.UUID
	// Idempotent says that the sender determined ID: the same id with the
	// same content is sealed once (docs/SPEC.md, section 6.4).
	Idempotent bool
	// Content is the part of Payload, as [from, to), that makes the content
	// of the record: what sinks add is outside of it.
	ContentFrom, ContentTo int
}

// Receipt says what became of one record of an Append.
type Receipt struct {
	// ID is the record's id.
	ID uuid.UUID
	// Chain is the id of the chain that holds the record.
	Chain uuid.UUID
	// Seq is the record's place in the chain, from 1.
	Seq uint64
	// Leaf and MAC are the record's leaf hash and tag.
	Leaf, MAC integrity.Hash
	// Time is when the commit that holds the record was acknowledged.
	Time time.Time
	// Duplicate says that the same record was already in the journal:
	// Seq, Leaf and MAC are those of the first one.
	Duplicate bool
	// Err is why this record alone was refused (ErrConflict, ErrErased,
	// ErrTooLarge);
	// the other records of the batch are sealed all the same.
	Err error
}
