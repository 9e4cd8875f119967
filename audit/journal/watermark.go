// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/auditchain/auditchain/integrity"
)

// watermark is what a Follower knows of the watermark.
type watermark struct {
	integrity.Position
	chain integrity.ChainID
	epoch uint64
	keyID string
	// known says that there was one, at some time: then nothing is read
	// beyond it, even while the file is gone.
	known bool
	// begun says that a chain is being begun, which has no watermark yet.
	begun bool
}

// read looks at the watermark again. Where there is none any more, what was
// known of it still holds.
func (w *watermark) read(f *Follower) error {
	b, err := readHead(f.fs, f.path+headSuffix)
	if err != nil {
		return err
	}
	if len(b) == 0 {
		info, err := os.Lstat(f.path + lockSuffix)
		w.begun = err == nil && info.Size() == 0
		return nil
	}
	var head integrity.Head
	var ok bool
	keys := f.check.keys
	if len(keys) == 0 {
		// Nothing but a second look tells a slot that is being written.
		again, rerr := readHead(f.fs, f.path+headSuffix)
		if rerr != nil {
			return rerr
		}
		if !bytes.Equal(b, again) {
			return ignoreBusy(w.known)
		}
		head, ok = integrity.PeekHead(b)
	} else {
		var perr error
		head, _, perr = integrity.ParseHead(b, keys...)
		ok = perr == nil
		if !ok {
			if again, _ := readHead(f.fs, f.path+headSuffix); !bytes.Equal(b, again) {
				return ignoreBusy(w.known)
			}
		}
	}
	if !ok {
		reason := "it is not whole"
		if len(keys) > 0 {
			reason = "not one under key " + idsOf(keys)
			if peek, whole := integrity.PeekHead(b); whole && !slices.ContainsFunc(keys, func(k integrity.Key) bool { return k.ID() == peek.KeyID }) {
				reason = "it says that the journal goes on under key " + peek.KeyID + ", and the key given is " + idsOf(keys)
			}
		}
		return fmt.Errorf("%w in %q: %s; run: auditchain verify", ErrNoWatermark, f.path+headSuffix, reason)
	}
	if w.known && w.chain != head.Chain {
		w.Position, w.chain = head.Position, head.Chain
		f.closeFile()
		f.mark, f.bad, f.seeking, f.passed, f.lost = Mark{}, 0, false, 0, false
		f.check = newChainCheck(f.o)
		return fmt.Errorf("%w: another chain, %s, stands at %q now; it is read from its beginning", ErrReplaced, head.Chain, f.path)
	}
	w.Position, w.chain, w.known, w.begun = head.Position, head.Chain, true, false
	w.epoch, w.keyID = head.Epoch, head.KeyID
	return nil
}

// ignoreBusy is for a watermark that is being written just now: the one
// before it still holds, where there was one.
func ignoreBusy(known bool) error {
	if known {
		return nil
	}
	return errCaughtUp
}

// covers reports whether lines of the file that begins with line first may be
// read.
func (w *watermark) covers(first uint64) bool {
	if !w.known {
		return !w.begun
	}
	return first <= w.First
}
