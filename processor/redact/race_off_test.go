// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package redact

import "time"

// hostileLimit is for two passes over 1 MiB on a busy machine; a quadratic
// rule takes minutes.
const hostileLimit = 3 * time.Second
