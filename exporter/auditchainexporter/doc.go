// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../../internal/tools/go.mod mdatagen metadata.yaml

// Package auditchainexporter is the Collector exporter audit_chain. It seals
// log records into a tamper-evident JSONL file (docs/SPEC.md):
//
//	exporters:
//	  audit_chain:
//	    path: ./data/audit.jsonl
//	    key: {file: ./data/audit.key}
//
// # What is guaranteed
//
// When ConsumeLogs returns nil, every record of the batch is in the file, in
// order, redacted and chained, and durable when fsync is "always" (the
// default). When it returns an error, nothing of the batch is acknowledged;
// the client sends it again, and records with an id of their own
// (audit.record.id or log.record.uid) are sealed once all the same.
// A record that can never be sealed does not stop its batch: an
// audit.rejected record takes its place.
//
// Where a key for checkpoints stands beside the key file, checkpoints of the
// chain are made and signed with it (docs/CHECKPOINTS.md).
//
// # What is not
//
// There is no queue and no retry in this exporter, because both would
// acknowledge a record before it is durable or give it up after a while: the
// error goes back to the client, who still has the record. A queue anywhere
// before this exporter (a batch processor, say) takes the guarantee away.
//
// Redaction here protects this file alone. What other exporters of the same
// pipeline send is redacted by the processor audit_redaction.
package auditchainexporter
