// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package e2e holds the end-to-end tests: the real Collector, a real log backend and
// the real command-line tool, as make builds them. Run them with `make test`; a plain
// `go test` skips them, as it builds none of the programs.
//
// Tests of real events of others take their folder from AUDITCHAIN_CORPUS, and are
// skipped where that is unset.
package e2e
