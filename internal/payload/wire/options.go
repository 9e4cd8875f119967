// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"crypto/rand"
	"io"
	"time"

	"github.com/auditchain/auditchain/processor/redact"
)

// DefaultMaxRecordBytes is the longest payload that the journal takes
// (journal.MaxRecordBytes).
const DefaultMaxRecordBytes = 64 << 20

// minMaxRecordBytes leaves room for the audit.rejected event that says that a
// record was longer.
const minMaxRecordBytes = 1024

// Options configures encoding. The zero value redacts nothing and writes no
// member redacted: that is for tests.
type Options struct {
	// Redactor masks secrets; nil masks none.
	Redactor *redact.Redactor
	// Now is the writer's clock; nil is time.Now. It must be safe for
	// concurrent use.
	Now func() time.Time
	// MaxRecordBytes is the longest payload; longer records are refused as
	// too_large. 0 is [DefaultMaxRecordBytes]; at least 1024.
	MaxRecordBytes int
	// Rand is where blinds and new ids come from: nil is crypto/rand, and
	// anything else is for tests. It must be safe for concurrent use.
	Rand io.Reader
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.MaxRecordBytes <= 0 {
		o.MaxRecordBytes = DefaultMaxRecordBytes
	}
	o.MaxRecordBytes = max(o.MaxRecordBytes, minMaxRecordBytes)
	return o
}

// Reason says why a record was refused (docs/SPEC.md, section 6.6).
type Reason string

// The reasons.
const (
	// EventFieldType: an audit event with an attribute audit.event.type.
	EventFieldType Reason = "event_field_type"
	// IDConflict: the id is known, with other content.
	IDConflict Reason = "id_conflict"
	// Erased: the record of this id was erased.
	Erased Reason = "erased"
	// TooLarge: the payload is longer than MaxRecordBytes.
	TooLarge Reason = "too_large"
	// RedactionFailed: the redactor panicked over the record.
	RedactionFailed Reason = "redaction_failed"
)

// ReasonCount is how many records were refused for a reason.
type ReasonCount struct {
	Reason Reason
	N      int
}
