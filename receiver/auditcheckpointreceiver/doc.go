// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../../internal/tools/go.mod mdatagen metadata.yaml

// Package auditcheckpointreceiver is the Collector receiver audit_checkpoint.
// It follows the file of checkpoints beside a journal (docs/SPEC.md, section
// 7), and passes each on as a log record, so that a copy of the head of the
// chain leaves the host:
//
//	receivers:
//	  audit_checkpoint:
//	    path: ./data/audit.jsonl
//
// # What is guaranteed
//
// The body of each record is a signed note, verbatim. A checkpoint that the
// pipeline does not take is sent again, and none behind it before. What the
// receiver reads at once is bounded, whatever stands in the file. It writes
// nothing, and needs no secret.
//
// # What is not
//
// The file is a copy for other programs: that it is complete or genuine, only
// a signature can say (public_keys), or a verifier of the chain. After a
// restart, the newest checkpoint is sent again, under the same record id.
package auditcheckpointreceiver
