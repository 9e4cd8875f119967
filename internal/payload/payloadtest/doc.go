// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package payloadtest holds what the tests of the payload encoders share:
// golden records, a translation to pdata that keeps every byte of hostile
// input, checks that hold for any payload, and the benchmarks' record.
package payloadtest

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

func plogTime(t time.Time) pcommon.Timestamp { return pcommon.NewTimestampFromTime(t) }
