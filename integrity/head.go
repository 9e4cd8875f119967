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
	// KeyID and Epoch are those of the key in force behind the line: what
	// AppendSlot writes of them is what its HeadKey says.
	KeyID string
	Epoch uint64
	// Position is the last line covered, and where it stands.
	Position
	// Time is when the watermark was written, by the writer's clock.
	Time time.Time
}

// HeadKey authenticates the watermarks of one chain in one epoch. It is for one
// goroutine.
type HeadKey struct {
	mac   hash.Hash
	id    string
	epoch uint64
}

// NewHeadKey returns the watermark key of the chain with the given id, in the
// epoch that k is at.
func NewHeadKey(k Key, id ChainID) HeadKey {
	return HeadKey{mac: hmac.New(sha256.New, k.derive(headKeyInfo, id)), id: k.ID(), epoch: k.epoch}
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
	h.KeyID, h.Epoch = k.id, k.epoch
	dst = h.appendBody(dst)
	return appendTag(dst, start, k.tag(dst[start:]))
}

// appendBody appends what the tag of a slot is about.
func (h Head) appendBody(dst []byte) []byte {
	dst = append(dst, headStart...)
	dst = strconv.AppendUint(dst, h.Generation, 10)
	dst = append(dst, ' ')
	dst = append(dst, h.Chain.String()...)
	dst = append(dst, ' ')
	dst = append(dst, h.KeyID...)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, h.Epoch, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, h.First, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, h.Seq, 10)
	dst = append(dst, ' ')
	dst = hex.AppendEncode(dst, h.MAC[:])
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, h.Size, 10)
	dst = append(dst, ' ')
	return h.Time.UTC().AppendFormat(dst, TimeFormat)
}

// appendTag completes the slot that begins at start.
func appendTag(dst []byte, start int, tag Hash) []byte {
	dst = append(dst, ' ')
	dst = hex.AppendEncode(dst, tag[:])
	for len(dst) < start+SlotSize-1 {
		dst = append(dst, ' ')
	}
	return append(dst, '\n')
}

var errSlot = errors.New("watermark slot is not whole")

// readSlot reads a slot of the canonical form, and does not check its tag.
func readSlot(slot []byte) (h Head, body []byte, tag Hash, err error) {
	if len(slot) != SlotSize || slot[SlotSize-1] != '\n' {
		return h, nil, tag, errSlot
	}
	text := strings.TrimRight(string(slot[:SlotSize-1]), " ")
	start, tagText, ok := cutLast(text, " ")
	if !ok || !strings.HasPrefix(start, headStart) {
		return h, nil, tag, errSlot
	}
	f := strings.Split(start[len(headStart):], " ")
	if len(f) != 9 {
		return h, nil, tag, errSlot
	}
	var errs [9]error
	h.Generation, errs[0] = strconv.ParseUint(f[0], 10, 64)
	h.Chain, errs[1] = ParseChainID(f[1])
	h.KeyID = f[2]
	h.Epoch, errs[2] = strconv.ParseUint(f[3], 10, 64)
	h.First, errs[3] = strconv.ParseUint(f[4], 10, 64)
	h.Seq, errs[4] = strconv.ParseUint(f[5], 10, 64)
	errs[5] = h.MAC.UnmarshalText([]byte(f[6]))
	h.Size, errs[6] = strconv.ParseInt(f[7], 10, 64)
	h.Time, errs[7] = time.Parse(TimeFormat, f[8])
	errs[8] = tag.UnmarshalText([]byte(tagText))
	if err := errors.Join(errs[:]...); err != nil {
		return Head{}, nil, tag, errSlot
	}
	// The tag proves the bytes; only the canonical ones are a watermark.
	if string(appendTag(h.appendBody(nil), 0, tag)) != string(slot) {
		return Head{}, nil, tag, errSlot
	}
	return h, []byte(start), tag, nil
}

// headKeys are the watermark keys that slots may be under.
type headKeys struct {
	keys []Key
	// made are those that were derived, by chain, key and epoch.
	made map[Head]HeadKey
}

// of returns the key that a slot names.
func (k *headKeys) of(h Head) (HeadKey, error) {
	name := Head{Chain: h.Chain, KeyID: h.KeyID, Epoch: h.Epoch}
	if hk, ok := k.made[name]; ok {
		return hk, nil
	}
	err := errors.New("watermark slot is under another key")
	for _, key := range k.keys {
		if key.ID() != h.KeyID {
			continue
		}
		var at Key
		if at, err = key.At(h.Epoch); err == nil {
			hk := NewHeadKey(at, h.Chain)
			k.made[name] = hk
			return hk, nil
		}
		err = fmt.Errorf("watermark slot: %w", err)
	}
	return HeadKey{}, err
}

// parseSlot reads a slot and checks its tag.
func parseSlot(slot []byte, keys *headKeys) (Head, error) {
	h, body, tag, err := readSlot(slot)
	if err != nil {
		return Head{}, err
	}
	key, err := keys.of(h)
	if err != nil {
		return Head{}, err
	}
	want := key.tag(body)
	if !hmac.Equal(tag[:], want[:]) {
		return Head{}, errors.New("watermark slot has a wrong tag")
	}
	return h, nil
}

// slotOf returns slot i of the contents of a watermark file, or what there is
// of it.
func slotOf(b []byte, i int) []byte {
	return b[min(i*SlotSize, len(b)):min((i+1)*SlotSize, len(b))]
}

var errSlotPlace = errors.New("watermark slot stands in the other one's place")

// PeekHead returns what the newest whole slot of a watermark file says, for
// readers that have no key. It is not authentic: anybody who can write the file
// can make it say anything. What it is good for is to know how far a reader need
// look, not whether what it finds is true.
func PeekHead(b []byte) (Head, bool) {
	var newest Head
	slots := PeekSlots(b)
	for i, h := range slots {
		if i == 0 || h.Generation > newest.Generation {
			newest = h
		}
	}
	return newest, len(slots) > 0
}

// PeekSlots is PeekHead for all whole slots of the file. A write that failed may
// have left a mixture of the old and the new text that has the form of a slot,
// and says anything.
func PeekSlots(b []byte) []Head {
	var slots []Head
	for i := range 2 {
		h, _, _, err := readSlot(slotOf(b, i))
		if err == nil && h.Generation%2 == uint64(i) {
			slots = append(slots, h)
		}
	}
	return slots
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// ErrNoHead is returned where no slot of a watermark is valid.
var ErrNoHead = errors.New("no valid watermark")

// ParseHead reads the contents of a watermark file under one of keys, each of
// which is good for its own epoch and later ones. degraded says that the two
// slots are not two successive watermarks of one chain, as a writer leaves
// them: then commits may be hidden. The error is ErrNoHead, with the reason.
func ParseHead(b []byte, keys ...Key) (h Head, degraded bool, err error) {
	under := &headKeys{keys, make(map[Head]HeadKey, 2)}
	if len(b) == 0 {
		return Head{}, false, fmt.Errorf("%w: there is none beside the journal (a file of its name and .head)", ErrNoHead)
	}
	var heads [2]Head
	var errs [2]error
	for i := range 2 {
		heads[i], errs[i] = parseSlot(slotOf(b, i), under)
		if errs[i] == nil && heads[i].Generation%2 != uint64(i) {
			errs[i] = errSlotPlace
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
