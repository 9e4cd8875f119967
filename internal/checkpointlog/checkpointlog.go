// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package checkpointlog says what a checkpoint is as a log record, for the
// two that emit them: exporter/chainlog in the SDK, and the receiver
// audit_checkpoint in the Collector. (docs/CHECKPOINTS.md)
//
// The body is the signed note, verbatim: whatever a backend does to the
// attributes, an export that holds the body is enough to verify with.
package checkpointlog

import (
	"crypto/sha256"

	"github.com/google/uuid"
)

// EventName is that of the record.
const EventName = "audit.checkpoint"

// Attributes of the record.
const (
	RecordID  = "audit.record.id"
	StreamID  = "audit.sequence.stream_id"  // the chain's id
	Number    = "audit.sequence.number"     // the size of the tree: lines, an integer
	Value     = "audit.integrity.value"     // the root of the tree, in hex
	Algorithm = "audit.integrity.algorithm" // how Value is made: RFC6962
)

// RFC6962 is the value of Algorithm.
const RFC6962 = "rfc6962-sha256"

// Severity of the record: INFO.
const (
	Severity     = 9
	SeverityText = "INFO"
)

// ID returns the id of the record of a note. The same note has the same id,
// so that one that was sent twice shows as one.
func ID(note []byte) string {
	sum := sha256.Sum256(append([]byte("auditchain checkpoint"), note...))
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8 (RFC 9562, section 5.8)
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
