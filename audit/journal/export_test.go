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

// OpenBlocks opens the index of the cache of the tree.
func OpenBlocks(path string) (*blocks, error) { return openBlocks(vfs.OS, path) }

// BlockSize is how many leaves a block has.
const BlockSize = blockSize

// RingWhole reports whether the ids were found to be whole.
func (j *Journal) RingWhole() bool { return j.c.ids.whole }

// Tick does what the timer of the heartbeat does.
func (j *Journal) Tick(t testing.TB) {
	t.Helper()
	if err := j.submit(t.Context(), heartbeat()); err != nil {
		t.Error(err)
	}
}

// Abandon lets go of the files, as the end of a process does that is killed.
func (j *Journal) Abandon() {
	close(j.stop)
	j.wg.Wait()
	_ = j.c.close()
}
