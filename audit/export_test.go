// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import "time"

// SetNow gives a Logger another clock.
func SetNow(l *Logger, now func() time.Time) { l.now = now }
