// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package main

// raceEnabled says that the race detector watches: then what is exhaustive is
// done with fewer values.
const raceEnabled = false
