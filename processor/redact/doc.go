// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package redact finds secrets in values and replaces them by markers.
//
// It works on values while a record is still structured: key names, argv
// neighbours and nesting are evidence that a serialised line has lost, and a
// replacement cannot break an encoding that does not exist yet.
//
// The smallest use:
//
//	r, err := redact.New(redact.Config{})
//	s := r.Scanner() // one per goroutine
//	p := s.Field(s.Root(), "command")
//	v, changed := s.Text(p, "mysql --password=hunter2 app")
//	// v is "mysql --password=[REDACTED:password] app"
//
// # What is guaranteed
//
//   - A secret that is found is replaced whole, by [REDACTED:<kind>], or by
//     [REDACTED:<kind>:<key id>:<fingerprint>] when a fingerprint key is set.
//     Equal secrets have equal fingerprints, wherever and however escaped they
//     were found; without the key they cannot be guessed from the marker.
//   - Redacting twice gives the same as redacting once. Only exact markers of
//     known kinds are taken as already redacted, so nothing in the data can
//     switch redaction off.
//   - It fails closed: a value that is too large or too deep, or that makes a
//     rule panic, becomes a marker that says so, never the raw value.
//   - A clean value is returned as it came, without an allocation; JSON keeps
//     every byte outside what is replaced.
//   - Time is linear in the input (times the nesting of JSON in strings, which
//     is bounded), whatever the input.
//
// # What is not
//
// Detection is by shape and by context. A secret without either (a password
// alone in a free-text field, a secret cut into two values, one hidden by an
// encoding other than the escapes of JSON, URLs, XML and shells, or base64 in
// base64) is not found.
// docs/REDACTION.md lists the kinds, the triggers, the known misses and the
// measured recall.
package redact
