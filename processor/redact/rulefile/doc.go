// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package rulefile reads rules and allow-lists for [redact.Config] from YAML
// files, and runs the tests that stand in them.
//
//	rules:
//	  - kind: acme-token
//	    prefixes: [acme_live_, acme_test_]
//	    chars: A-Za-z0-9_-
//	    length: {min: 24, max: 64}
//	    tests:
//	      masks: ["token «acme_live_{alnum:30}» ok"]
//	      leaves: ["acme_live_docs are here"]
//	  - kind: acme-pin
//	    regex: '\bPIN[ :=]+(?P<secret>\d{6})$'
//	    literals: [PIN]
//	    ignore_case: true
//	    keys: [door_code]
//	    flags: [--acme-pin]
//	allow:
//	  - values: [EXAMPLE-KEY-0001]
//	    regexes: ['demo-[0-9]+']
//	    keys: [token_count]
//	    kinds: [password]
//
// What the fields mean is said at [redact.Rule] and [redact.Allow]. The file is
// not read through the Collector's configuration, so '$' is itself.
//
// # Tests
//
// A rule or an allow-list may have tests. Each line under masks has texts
// between « and »: each must be replaced by a marker of the rule's kind, and
// everything else must stay as it is. Between ‹ and › a marker of any kind will
// do. A line under leaves must stay as it is. An entry of a kind that is built
// in may consist of tests alone.
//
// A line is a text, or a map:
//
//	{argv: [docker, login, -p, "«hunter2»"]}
//	{json: '{"user": "bob", "password": "«hunter2»"}'}
//	{key: db_password, value: "«hunter2»"}
//
// {alnum:36} stands for 36 letters and digits, so that a repository holds
// nothing that looks like a live secret; likewise digits, hex, lower, upper,
// letters, loweralnum, upperalnum, word (alnum and _), token (word and -),
// base64 and base64url. They are drawn anew several times, from a fixed seed.
//
// # Errors
//
// Reading is strict: unknown fields, wrong types and duplicates are errors, all
// of a file are reported at once, with file, line and column, and none quotes a
// value.
package rulefile
