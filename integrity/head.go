// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// SlotSize is the size in bytes of one slot of the watermark, a sector, which
// disks write whole; HeadSize is that of the two slots together
// (docs/SPEC.md, section 7.1).
const (
	SlotSize = 512
	HeadSize = 2 * SlotSize
)

const headStart = "auditchain-head v1 "

// TimeFormat is the form of every time in a journal: RFC 3339 in UTC with
// nine fractional digits.
const TimeFormat = "2006-01-02T15:04:05.000000000Z"

// Head is a watermark: how far a chain had got when its last commit was
// acknowledged.
type Head struct {
	// Generation rises by one with each watermark written.
	Generation uint64
	Chain      ChainID
	// Position is the last line covered, and where it stands.
	Position
	// Time is when the watermark was written, by the writer's clock.
	Time time.Time
}

// HeadKey authenticates the watermarks of one chain. It is for one goroutine.
type HeadKey struct{ mac hash.Hash }

// NewHeadKey returns the watermark key of the chain with the given id.
func NewHeadKey(k Key, id ChainID) HeadKey {
	return HeadKey{mac: hmac.New(sha256.New, k.derive(headKeyInfo, id))}
}

func (k HeadKey) tag(b []byte) (h Hash) {
	k.mac.Reset()
	k.mac.Write(b)
	k.mac.Sum(h[:0])
	return h
}

// AppendSlot appends the slot, exactly SlotSize bytes, to dst.
func (h Head) AppendSlot(dst []byte, k HeadKey) []byte {
	start := len(dst)
	dst = append(dst, headStart...)
	dst = strconv.AppendUint(dst, h.Generation, 10)
	dst = append(dst, ' ')
	dst = append(dst, h.Chain.String()...)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, h.First, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, h.Seq, 10)
	dst = append(dst, ' ')
	dst = hex.AppendEncode(dst, h.MAC[:])
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, h.Size, 10)
	dst = append(dst, ' ')
	dst = h.Time.UTC().AppendFormat(dst, TimeFormat)
	tag := k.tag(dst[start:])
	dst = append(dst, ' ')
	dst = hex.AppendEncode(dst, tag[:])
	for len(dst) < start+SlotSize-1 {
		dst = append(dst, ' ')
	}
	return append(dst, '\n')
}

var errSlot = errors.New("watermark slot is not whole")

// parseSlot reads a slot and checks its tag with the key that keyOf gives for
// the chain that the slot names.
func parseSlot(slot []byte, keyOf func(ChainID) HeadKey) (Head, error) {
	var h Head
	if len(slot) != SlotSize || slot[SlotSize-1] != '\n' {
		return h, errSlot
	}
	text := strings.TrimRight(string(slot[:SlotSize-1]), " ")
	body, tagText, ok := cutLast(text, " ")
	if !ok || !strings.HasPrefix(body, headStart) {
		return h, errSlot
	}
	f := strings.Split(body[len(headStart):], " ")
	if len(f) != 7 {
		return h, errSlot
	}
	var errs [7]error
	h.Generation, errs[0] = strconv.ParseUint(f[0], 10, 64)
	h.Chain, errs[1] = ParseChainID(f[1])
	h.First, errs[2] = strconv.ParseUint(f[2], 10, 64)
	h.Seq, errs[3] = strconv.ParseUint(f[3], 10, 64)
	errs[4] = h.MAC.UnmarshalText([]byte(f[4]))
	h.Size, errs[5] = strconv.ParseInt(f[5], 10, 64)
	h.Time, errs[6] = time.Parse(TimeFormat, f[6])
	if err := errors.Join(errs[:]...); err != nil {
		return Head{}, errSlot
	}
	key := keyOf(h.Chain)
	var tag Hash
	if err := tag.UnmarshalText([]byte(tagText)); err != nil {
		return Head{}, errSlot
	}
	want := key.tag([]byte(body))
	if !hmac.Equal(tag[:], want[:]) {
		return Head{}, errors.New("watermark slot has a wrong tag")
	}
	// The tag proves the bytes; only the canonical ones are a watermark.
	if string(h.AppendSlot(nil, key)) != string(slot) {
		return Head{}, errSlot
	}
	return h, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// ErrNoHead is returned where no slot of a watermark is valid.
var ErrNoHead = errors.New("no valid watermark")

// ParseHead reads the contents of a watermark file under key k. degraded says
// that the two slots are not two successive watermarks of one chain, as a
// writer leaves them: then commits may be hidden. The error is ErrNoHead,
// with the reason.
func ParseHead(b []byte, k Key) (h Head, degraded bool, err error) {
	keys := make(map[ChainID]HeadKey, 1)
	keyOf := func(id ChainID) HeadKey {
		hk, ok := keys[id]
		if !ok {
			hk = NewHeadKey(k, id)
			keys[id] = hk
		}
		return hk
	}
	if len(b) == 0 {
		return Head{}, false, fmt.Errorf("%w: there is none beside the journal (a file of its name and .head)", ErrNoHead)
	}
	var heads [2]Head
	var errs [2]error
	for i := range 2 {
		slot := b[min(i*SlotSize, len(b)):min((i+1)*SlotSize, len(b))]
		heads[i], errs[i] = parseSlot(slot, keyOf)
		if errs[i] == nil && heads[i].Generation%2 != uint64(i) {
			errs[i] = errors.New("watermark slot stands in the other one's place")
		}
	}
	switch {
	case errs[0] != nil && errs[1] != nil:
		return Head{}, false, fmt.Errorf("%w: %w; %w", ErrNoHead, errs[0], errs[1])
	case errs[0] == nil && errs[1] == nil:
		newer, older := heads[0], heads[1]
		if newer.Generation < older.Generation {
			newer, older = older, newer
		}
		// A genuine slot of another time or of another journal must not stand
		// in for the one that named the last commit.
		pair := newer.Chain == older.Chain && newer.Generation == older.Generation+1
		return newer, !pair, nil
	case errs[0] == nil:
		return heads[0], true, nil
	}
	// The first watermark of a chain has generation 1 and no elder.
	return heads[1], heads[1].Generation > 1, nil
}
