// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:generate go tool -modfile=../../internal/tools/go.mod mdatagen metadata.yaml

// Package auditredactionprocessor is the Collector processor audit_redaction.
// It masks secrets in log records before any exporter sees them:
//
//	processors:
//	  audit_redaction:
//
// It looks into everything that a log record can carry: the attributes of the
// resource, of the scope and of the record, their keys, maps and slices at
// any depth, bytes, the body (JSON in a string as well), the event name, the
// severity text, the scope's name and version, and the schema URLs.
//
// With report_only it changes nothing, and counts what it would have masked: to
// try a policy on live traffic, in front of a processor that masks.
//
// # What is guaranteed
//
// A record whose redaction fails is passed on without its content: a marker
// takes its place. Nothing is passed on unread.
//
// # What is not
//
// No pattern knows every secret. What is masked, and what is not, is
// described in package redact.
package auditredactionprocessor
