// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package independent holds no code, only tests: they set the verifier in Go
// against docs/verify.py, which was written from docs/SPEC.md alone. Where the
// two disagree about a journal, the document decides who is wrong.
package independent
