// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

//go:build race

package redact

import "time"

const hostileLimit = 30 * time.Second
