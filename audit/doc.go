// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package audit is the event model of auditchain: what an audit event is, how
// it becomes an OpenTelemetry log record, and how a line of a journal becomes
// an event again.
//
// # Emitting
//
// The smallest use, with a provider that has processor/synclog in it:
//
//	logger, err := audit.NewLogger(provider)
//	session, err := audit.NewSession(audit.WithRole("arn:aws:iam::123456789012:role/deploy"))
//	receipt, err := logger.Emit(ctx, session, session.Created())
//
// Emit returns after the record was exported. A nil error means that every
// processor and exporter of auditchain that saw the record took it; the Receipt
// says whether it is durable in a chain or only handed over. Everything else is
// an error: a record that a limit of the SDK cut, a sink that failed, a provider
// that has nothing in it that reports back ([ErrNoReceipt]).
//
// What is not guaranteed: processors that do not report back (the SDK's
// BatchProcessor among them) may lose the record without Emit noticing, and a
// record is not redacted here: that is done by processor/redactlog and again by
// the sink.
//
// # Reading
//
// [Decode] reads the payload of one line (docs/SPEC.md, section 6), a [Scanner]
// a whole file of them, in the current and in the older format, or, made by
// [Open], all files of a journal. None of them verifies anything: what they return is what the file says, and only a verifier that
// holds the key (package audit/journal, `auditchain verify`) can tell whether it
// was changed.
//
// docs/EVENTS.md lists every event type with its attributes and a line as an
// example.
package audit
