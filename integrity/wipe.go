// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import "bytes"

// Clone returns a copy of k that shares no memory with it, so that one of them
// may be wiped.
func (k Key) Clone() Key {
	k.secret = bytes.Clone(k.secret)
	return k
}

// Wipe overwrites the secret of k, and of every copy of it that was not made by
// Clone: for the key of an epoch that is over. It is what a program can do; what
// was derived from the key, what the runtime has copied, and what the system has
// written to swap are beyond it.
func (k *Key) Wipe() {
	clear(k.secret)
	k.secret = nil
}
