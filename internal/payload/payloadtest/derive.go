// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payloadtest

import (
	"crypto/sha256"

	"github.com/google/uuid"
)

// derive is section 6.4 once more, independently.
func derive(s string) string {
	h := sha256.New()
	h.Write([]byte("auditchain record id"))
	h.Write([]byte(s))
	u := uuid.UUID(h.Sum(nil)[:16])
	u[6] = u[6]%16 + 8*16
	u[8] = u[8]%64 + 128
	return u.String()
}
