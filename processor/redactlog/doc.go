// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package redactlog masks secrets in the log records of the OpenTelemetry SDK
// before they leave the application. It wraps the processor that sends them:
//
//	r, err := redact.New(redact.Config{})
//	…
//	res, err := redactlog.Resource(r, nil)
//	…
//	provider := sdklog.NewLoggerProvider(
//		sdklog.WithResource(res),
//		sdklog.WithProcessor(redactlog.New(r, sdklog.NewBatchProcessor(exporter))),
//	)
//	logger := redactlog.Logger(r, provider, "example.com/deploy")
//
// # Why it wraps
//
// The SDK calls every registered processor, also after one of them returned
// an error. A redactor that is merely registered before the exporter would
// therefore let a record pass raw whenever redaction fails. Wrapped, the next
// processor gets what this one gives it, and nothing else. For the same
// reason, a processor that is registered beside this one, not inside it, gets
// the record as it was emitted.
//
// The resource belongs to the provider and the scope to the logger; no
// processor can change them on a record. So [Resource] redacts the one when
// the provider is built and [Logger] the other when the logger is built. The
// Processor checks both, and where one of them still holds a secret it does
// not pass the record on but returns an error that wraps [ErrUnredacted].
//
// # What is counted
//
// Records looked through, secrets masked by kind, failures, and records that were
// withheld go to the global meter provider, or to that of [WithMeterProvider]:
// audit.redaction.records, .values_redacted, .failures and .withheld. Alert on the
// last two. To try a policy first, see [Reporter].
//
// # What is guaranteed
//
// Attributes (their keys too), maps and slices at any depth, bytes, the body,
// the event name and the severity text are looked through. The record that the
// application or other processors hold is not changed. If redaction fails, a
// record goes on that says so and holds nothing of the original but its times,
// its severity, its trace and its record id; an audit.Logger that waits for a
// receipt gets [ErrWithheld], else OnEmit returns it.
//
// # What is not
//
// No pattern knows every secret: package redact says what is masked. Redaction
// of a record sets its count of dropped attributes to 0 where attributes had
// to be replaced; what the SDK's limits cut is reported to an audit.Logger
// before that.
package redactlog
