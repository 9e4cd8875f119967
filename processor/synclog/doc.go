// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package synclog is a log processor for the OpenTelemetry SDK that exports each
// record before Emit returns, and reports to audit.Logger what became of it.
//
//	provider := sdklog.NewLoggerProvider(
//		sdklog.WithProcessor(synclog.New(exporter)),
//		sdklog.WithAttributeCountLimit(-1),
//		sdklog.WithAttributeValueLengthLimit(-1),
//		sdklog.WithAttributeValueDepthLimit(-1),
//	)
//	logger, err := audit.NewLogger(provider)
//
// The SDK's SimpleProcessor holds a lock while it exports, so that a thousand
// goroutines that emit wait for a thousand fsyncs. This one holds none: an
// exporter that commits groups (exporter/chainlog) then writes their records
// together. So the exporter must allow Export to be called concurrently; for one
// that does not, there is [WithSerialExport].
//
// Guaranteed, for a record that audit.Logger emitted: Emit gets the exporter's
// error, or a receipt. The receipt is durable where the exporter itself reported
// so, and "accepted" where it returned no error and said nothing more. A record
// that lost something to a limit of the SDK is not exported, and Emit gets an
// error that wraps audit.ErrLost: half a record must not stand for the whole one.
//
// Not guaranteed: anything about other records. Their errors go to the handler
// of the SDK (otel.SetErrorHandler), and what they lost to limits goes on as the
// SDK counted it.
package synclog
