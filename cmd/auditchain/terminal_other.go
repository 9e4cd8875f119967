// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package main

// terminalWidth knows no terminals here: output is plain and not cut to fit.
func terminalWidth(any) (int, bool) { return 0, false }
