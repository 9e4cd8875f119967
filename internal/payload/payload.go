// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package payload writes the payload of records (docs/SPEC.md, section 6):
// JSON, redacted value by value as it is written, and hashed.
//
// The smallest use:
//
//	enc := payload.NewEncoder(payload.Options{Redactor: redactor})
//	var b payload.Batch
//	enc.Append(&b, &payload.LogRecord{Timestamp: now, EventName: "audit.session_ended"})
//	err := j.Append(ctx, b.Records(), receipts)
//	b.Reset()
//
// Package sdkpayload does this for the records of the OpenTelemetry SDK, and
// package pdatapayload for those of the Collector; both on all cores.
//
// # What is guaranteed
//
//   - Whatever the input, a payload is a record: it begins with
//     `{"timestamp":"`, is valid UTF-8 without a byte below 0x20, and has
//     unique keys in every object. Nothing in the input can make it another
//     kind of line.
//   - What is read back equals what was written, after redaction: names,
//     values and keys are compared, lifted and counted as they are written.
//   - One record never fails a batch. What cannot be sealed is replaced by an
//     audit.rejected event that carries nothing of its content.
//   - Nothing of the input is changed or kept.
//
// # What is not
//
// Whether an id is known already is for the journal to say; Batch.Rejection
// makes the event that then stands for the record. Maps and slices deeper
// than 64 are replaced by a marker.
package payload

import "github.com/auditchain/auditchain/internal/payload/wire"

// What the encoders of all data models share.
type (
	// Options configures an encoder.
	Options = wire.Options
	// Batch holds encoded records; the zero value is empty.
	Batch = wire.Batch
	// Result is an encoded batch of a concurrent encoder.
	Result = wire.Result
	// Reason says why a record was refused.
	Reason = wire.Reason
	// ReasonCount is how many records were refused for a reason.
	ReasonCount = wire.ReasonCount
)

// Why a record was refused (docs/SPEC.md, section 6.6).
const (
	EventFieldType  = wire.EventFieldType
	IDConflict      = wire.IDConflict
	Erased          = wire.Erased
	TooLarge        = wire.TooLarge
	RedactionFailed = wire.RedactionFailed
)
