// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/auditchain/auditchain/integrity"
)

// ErasureOrder is a signed order to erase one line. It can be signed on a
// machine that has neither the journal nor the key of the chain: the erasure
// key belongs where the journal is not. As JSON it is one object, and it is no
// secret.
type ErasureOrder struct {
	Chain integrity.ChainID `json:"chain_id"`
	// Seq and Leaf name the line: an order is about what stands there now.
	Seq  uint64         `json:"erased_seq"`
	Leaf integrity.Hash `json:"leaf"`
	Who  string         `json:"who"`
	// Reason and Who are sealed, and stay for ever.
	Reason string `json:"reason"`
	// Ordered is when it was signed.
	Ordered   string `json:"ordered"`
	Signature []byte `json:"signature"`
}

// maxOrderText is how long who and reason can be, in bytes.
const maxOrderText = 1000

// SignErasure signs the order to erase a line.
func SignErasure(key integrity.SigningKey, chain integrity.ChainID, seq uint64, leaf integrity.Hash, who, reason string, now time.Time) (ErasureOrder, error) {
	o := ErasureOrder{Chain: chain, Seq: seq, Leaf: leaf, Who: who, Reason: reason, Ordered: integrity.FormatTime(now)}
	if key.Kind() != integrity.KindErasure {
		return o, wrongErasureKey(key)
	}
	if err := o.checkText(); err != nil {
		return o, err
	}
	record := o.record()
	o.Signature = key.Sign(integrity.ErasureMessage(chain, &record))
	return o, nil
}

// record is what is sealed of the order.
func (o *ErasureOrder) record() integrity.Erased {
	return integrity.Erased{Line: o.Seq, Leaf: o.Leaf, Who: o.Who, Reason: o.Reason, Ordered: o.Ordered, Signature: o.Signature}
}

// checkText refuses what would not be in the chain as it was signed, or that
// somebody forgot.
func (o *ErasureOrder) checkText() error {
	for _, text := range []struct{ name, value string }{{"who orders it", o.Who}, {"the reason", o.Reason}} {
		switch {
		case strings.TrimSpace(text.value) == "":
			return fmt.Errorf("%w for line %d: %s is missing", ErrOrder, o.Seq, text.name)
		case len(text.value) > maxOrderText:
			return fmt.Errorf("%w for line %d: %s is longer than %d bytes: say it in short, and the rest elsewhere", ErrOrder, o.Seq, text.name, maxOrderText)
		case !utf8.ValidString(text.value):
			return fmt.Errorf("%w for line %d: %s is not UTF-8", ErrOrder, o.Seq, text.name)
		}
	}
	if t, err := time.Parse(integrity.TimeFormat, o.Ordered); err != nil || integrity.FormatTime(t) != o.Ordered {
		return fmt.Errorf("%w for line %d: it does not say when it was ordered, in UTC with nine fractional digits", ErrOrder, o.Seq)
	}
	return nil
}

// Check reports what is wrong with an order, as far as it can be said without
// the line: key is the erasure key of the chain.
func (o *ErasureOrder) Check(chain integrity.ChainID, key integrity.PublicKey) error {
	if o.Chain != chain {
		return fmt.Errorf("%w for line %d: it is about the chain %s, and this is %s", ErrOrder, o.Seq, o.Chain, chain)
	}
	if err := o.checkText(); err != nil {
		return err
	}
	if record := o.record(); !record.Check(chain, key) {
		return fmt.Errorf("%w: the order for line %d is not signed by the erasure key %s of the chain, or was changed since", ErrErasureKey, o.Seq, key.ID())
	}
	return nil
}

func wrongErasureKey(key integrity.SigningKey) error {
	if key.IsZero() {
		return fmt.Errorf("%w: there is none", ErrErasureKey)
	}
	return fmt.Errorf("%w: it is a key of another kind (%s)", ErrErasureKey, key.Kind())
}

func (e *Erasure) seq() uint64 {
	if e.Order != nil {
		return e.Order.Seq
	}
	return e.Seq
}

// check is what can be said of an erasure before the line is looked at.
func (e *Erasure) check(chain integrity.ChainID, key integrity.PublicKey) error {
	switch {
	case e.Order != nil && (e.Seq != 0 || e.Who != "" || e.Reason != "" || !e.Key.IsZero()):
		return fmt.Errorf("%w for line %d: it was signed already, and says all by itself", ErrOrder, e.Order.Seq)
	case e.Order != nil:
		return e.Order.Check(chain, key)
	case e.Key.Kind() != integrity.KindErasure:
		return wrongErasureKey(e.Key)
	case e.Key.Public() != key:
		return fmt.Errorf("%w: it is %s, and the chain names %s", ErrErasureKey, e.Key.ID(), key.ID())
	}
	return nil
}

// orderFor makes the order complete for the line that was found, and checks
// that it is about that one.
func (j *Journal) orderFor(e *Erasure, t *target) error {
	if e.Order != nil {
		if e.Order.Leaf != t.leaf {
			return fmt.Errorf("%w for line %d: its leaf is not that of the line; nothing is erased", ErrOrder, t.seq)
		}
		t.order = e.Order.record()
		return nil
	}
	o, err := SignErasure(e.Key, j.chain, t.seq, t.leaf, e.Who, e.Reason, j.opts.Now())
	t.order = o.record()
	return err
}
