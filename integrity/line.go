// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
)

// Kind is the kind of a line, told by its first bytes.
type Kind uint8

const (
	// Record is a line that holds a log record.
	Record Kind = iota + 1
	// Control is a line that the writer made about the chain itself.
	Control
	// Tombstone is a line whose payload was erased; it states its leaf.
	Tombstone
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case Record:
		return "record"
	case Control:
		return "control record"
	case Tombstone:
		return "tombstone"
	}
	return "unknown kind of line"
}

// The beginnings that tell the kinds apart, and the parts of the suffix
// (docs/SPEC.md, section 2).
const (
	recordStart    = `{"timestamp":"`
	controlStart   = `{"control":"chain.`
	tombstoneStart = `{"erased":"`
	seqMark        = `,"seq":`
	hmacMark       = `,"hmac":"`
	lineEnd        = `"}`
)

// MaxSuffix is the size of the longest suffix, with its LF.
const MaxSuffix = len(seqMark) + 20 + len(hmacMark) + 2*HashSize + len(lineEnd) + 1

// Line is one parsed line.
type Line struct {
	Kind Kind
	// Payload is the line before `,"seq":`. It shares memory with what was
	// parsed.
	Payload []byte
	Seq     uint64
	MAC     Hash
	// Number counts lines from 1, and Offset is where the line starts, in
	// bytes: set by whoever reads a file, not by ParseLine.
	Number, Offset int64
}

// Reasons for which ParseLine refuses a line.
var (
	ErrNoSuffix = errors.New(`line does not end in ,"seq":N,"hmac":"…"}`)
	ErrBadSeq   = errors.New("sequence number is not a plain decimal from 1")
	ErrBadTag   = errors.New("tag is not 64 lowercase hexadecimal digits")
	ErrBadKind  = errors.New("line begins like no record, control record or tombstone")
	ErrBadByte  = errors.New("line has a byte below 0x20")
)

// ParseLine parses a line without its LF. It accepts exactly what Append
// writes: parse then append is the identity, or an error. It does not look
// into the payload beyond the bytes that tell its kind.
func ParseLine(b []byte) (Line, error) {
	l, err := parseLine(b)
	if err == nil && hasControlByte(l.Payload) {
		err = ErrBadByte
	}
	return l, err
}

// parseLine is ParseLine without the look for bytes below 0x20, which a line
// with a genuine tag does not need.
func parseLine(b []byte) (Line, error) {
	const tail = len(hmacMark) + 2*HashSize + len(lineEnd)
	var l Line
	if len(b) < len(seqMark)+1+tail || string(b[len(b)-len(lineEnd):]) != lineEnd {
		return l, ErrNoSuffix
	}
	rest := b[:len(b)-tail]
	if string(b[len(rest):len(rest)+len(hmacMark)]) != hmacMark {
		return l, ErrNoSuffix
	}
	if !parseHash(&l.MAC, b[len(rest)+len(hmacMark):len(b)-len(lineEnd)]) {
		return l, ErrBadTag
	}
	i := len(rest)
	for i > 0 && len(rest)-i < 20 && rest[i-1] >= '0' && rest[i-1] <= '9' {
		i--
	}
	if i < len(seqMark) || string(rest[i-len(seqMark):i]) != seqMark {
		return l, ErrNoSuffix
	}
	digits := rest[i:]
	if len(digits) == 0 || digits[0] == '0' {
		return l, ErrBadSeq
	}
	for _, c := range digits {
		d := uint64(c - '0')
		if l.Seq > (1<<64-1-d)/10 {
			return l, ErrBadSeq
		}
		l.Seq = l.Seq*10 + d
	}
	l.Payload = rest[: i-len(seqMark) : i-len(seqMark)]
	l.Kind = kindOf(l.Payload)
	if l.Kind == 0 {
		return l, ErrBadKind
	}
	return l, nil
}

// hasControlByte reports a byte below 0x20, eight bytes at a time: a crash
// leaves runs of NUL where pages were never written.
func hasControlByte(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		// A byte below 0x20 borrows when 0x20 is taken from it, and has no
		// high bit of its own.
		if x := binary.LittleEndian.Uint64(b); (x-0x20*ones)&^x&highs != 0 {
			return true
		}
		b = b[8:]
	}
	for _, c := range b {
		if c < 0x20 {
			return true
		}
	}
	return false
}

// Append appends the line and its LF to dst.
func (l Line) Append(dst []byte) []byte {
	return AppendSuffix(append(dst, l.Payload...), l.Seq, l.MAC)
}

// AppendSuffix appends what follows the payload of a line, LF included.
func AppendSuffix(dst []byte, seq uint64, mac Hash) []byte {
	dst = append(dst, seqMark...)
	dst = strconv.AppendUint(dst, seq, 10)
	dst = append(dst, hmacMark...)
	dst = hex.AppendEncode(dst, mac[:])
	return append(dst, lineEnd+"\n"...)
}

// Leaf returns the leaf of the line: that of its payload, or the one that a
// tombstone states.
func (l Line) Leaf(h *LeafHasher) Hash {
	if l.Kind == Tombstone {
		var leaf Hash
		parseHash(&leaf, l.Payload[len(tombstoneStart):len(tombstoneStart)+2*HashSize])
		return leaf
	}
	return h.Sum(l.Payload)
}

// ControlName returns the name of a control record, such as "chain.genesis",
// and "" for other lines.
func (l Line) ControlName() string {
	if l.Kind != Control {
		return ""
	}
	name := l.Payload[len(`{"control":"`):]
	if i := bytes.IndexByte(name, '"'); i >= 0 {
		return string(name[:i])
	}
	return ""
}

func kindOf(payload []byte) Kind {
	switch {
	case bytes.HasPrefix(payload, []byte(recordStart)):
		return Record
	case bytes.HasPrefix(payload, []byte(controlStart)):
		return Control
	case bytes.HasPrefix(payload, []byte(tombstoneStart)) && isTombstone(payload):
		return Tombstone
	}
	return 0
}

// isTombstone reports whether payload is a leaf, and spaces up to the length of
// what was there: so that no other line moves.
func isTombstone(payload []byte) bool {
	const end = len(tombstoneStart) + 2*HashSize
	var leaf Hash
	return len(payload) > end && payload[end] == '"' && parseHash(&leaf, payload[len(tombstoneStart):end]) &&
		len(bytes.Trim(payload[end+1:], " ")) == 0
}

// AppendTombstone appends the payload of a tombstone, of n bytes, in the place
// of one with the given leaf. n is at least MinTombstone.
func AppendTombstone(dst []byte, leaf Hash, n int) []byte {
	start := len(dst)
	dst = append(dst, tombstoneStart...)
	dst = hex.AppendEncode(dst, leaf[:])
	dst = append(dst, '"')
	for len(dst) < start+n {
		dst = append(dst, ' ')
	}
	return dst
}

// MinTombstone is the size of the shortest tombstone. The payload of every
// record is longer.
const MinTombstone = len(tombstoneStart) + 2*HashSize + 1

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

// hexValue maps lowercase hexadecimal digits to their value, all else to 0xff.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i] = byte(10 + i)
	}
	return t
}()

// parseHash is hex.Decode for lowercase digits only: it is called for every
// line that is verified.
func parseHash(h *Hash, digits []byte) bool {
	if len(digits) != 2*HashSize {
		return false
	}
	var bad byte
	for i := range h {
		hi, lo := hexValue[digits[2*i]], hexValue[digits[2*i+1]]
		bad |= hi | lo
		h[i] = hi<<4 | lo&0x0f
	}
	return bad&0xf0 == 0
}
