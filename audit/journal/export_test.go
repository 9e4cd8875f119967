// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"testing"
	"time"

	"github.com/auditchain/auditchain/internal/vfs"
)

// HoldLock takes the lock of a journal as another process would.
func HoldLock(t testing.TB, path string) (release func()) {
	t.Helper()
	l := newFileLock(vfs.OS, path)
	if err := l.lock(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := l.unlock(); err != nil {
			t.Error(err)
		}
	}
}
