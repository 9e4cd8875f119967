// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package chainlog is an exporter for the OpenTelemetry SDK that seals log
// records straight into a journal: a tamper-evident file (docs/SPEC.md),
// without a Collector. With processor/synclog in front of it, every emitted
// event comes back with a receipt:
//
//	exp, err := chainlog.New("audit.jsonl", chainlog.WithKeyFile("audit.key"))
//	…
//	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(synclog.New(exp)))
//	defer provider.Shutdown(ctx)
//
// # What is guaranteed
//
// When Export returns nil, every record is in the file, in order, redacted and
// chained, and durable when fsync is "always" (the default). When it returns
// an error, the records that it does not name as refused were not acknowledged
// and may be exported again; records with an id of their own (audit.record.id,
// as an audit.Logger sets it, or log.record.uid) are sealed once all the same.
//
// After an error, the next Export looks at the disk anew: nothing has to be
// opened again when a full disk has space, when the disk had refused to sync,
// or when the file was taken away under the exporter, which is sealed as a
// chain.break and told to WithReport. Only journal.ErrReplaced, for another
// chain in the place of this one, stays.
//
// Redaction is always on, as the last line: there is no option without it.
//
// # Keys
//
// A key file of `auditchain key new` is replaced as the key steps (WithEpochs),
// so the program must be able to write to it and to its folder; a key from
// WithKeyEnv is static. Verify with the verification key, which is for
// elsewhere (docs/KEYS.md). WithErasureKey names, when a chain is begun, whose
// orders may have records erased.
//
// # Checkpoints
//
// Where a key for them stands beside the key file, as `auditchain key new`
// makes it, the journal seals signed checkpoints of itself. WithCheckpoints
// says when, WithCheckpointLogger sends a copy of each wherever the application
// exports logs to, and WithTimestamps has an authority say when each existed
// (docs/CHECKPOINTS.md).
//
// # What is not
//
// The exporter has no queue and no retry. A batch processor in front of it has
// a queue, drops the oldest records when that is full, and knows no receipts:
// use processor/synclog.
package chainlog
