// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// LegacyMark stands between a line and its tag in the older format
// (docs/SPEC.md, section 9).
const LegacyMark = "\t#HMAC:"

// legacyGenesis is what the first tag of the older format follows.
const legacyGenesis = "genesis"

// SplitLegacy splits a line of the older format, without its LF, at the last
// mark. signed is false for a line that has no mark; a tag that is not 64
// lowercase hexadecimal digits is an error.
func SplitLegacy(line []byte) (content []byte, tag Hash, signed bool, err error) {
	i := bytes.LastIndex(line, []byte(LegacyMark))
	if i < 0 {
		return line, Hash{}, false, nil
	}
	if err := tag.UnmarshalText(line[i+len(LegacyMark):]); err != nil {
		return line[:i], Hash{}, true, ErrBadTag
	}
	return line[:i], tag, true, nil
}

// IsLegacy reports whether a file that begins with these bytes is in the
// older format rather than in that of this package.
func IsLegacy(start []byte) bool {
	line, _, _ := bytes.Cut(start, []byte{'\n'})
	if bytes.Contains(line, []byte(LegacyMark)) {
		return true
	}
	return bytes.HasPrefix(line, []byte(`{"timestamp":`)) && !bytes.Contains(line, []byte(hmacMark))
}

// LegacyChain computes tags of the older format, one after the other.
type LegacyChain struct {
	h    hash.Hash
	prev []byte // the previous tag as it is hashed: ASCII
}

// NewLegacyChain begins a chain of the older format. The key is used as it
// is, whatever its length: the older system allowed any.
func NewLegacyChain(key []byte) *LegacyChain {
	return &LegacyChain{h: hmac.New(sha256.New, key), prev: []byte(legacyGenesis)}
}

// LegacyKeyID returns the id of a key of the older format, made as that of
// any key.
func LegacyKeyID(key []byte) string { return keyID(key) }

// Next returns the tag of the next line.
func (c *LegacyChain) Next(content []byte) Hash {
	c.h.Reset()
	c.h.Write(c.prev)
	c.h.Write(content)
	var tag Hash
	c.h.Sum(tag[:0])
	c.prev = append(c.prev[:0], tag.String()...)
	return tag
}

// follow makes a stored tag the previous one.
func (c *LegacyChain) follow(tag Hash) { c.prev = append(c.prev[:0], tag.String()...) }

// VerifyLegacy verifies a file of the older format. What verifies is at best
// PartlyProven: the format pins no end and names no key.
func VerifyLegacy(ctx context.Context, file string, lines io.Reader, key []byte) *Report {
	r := &Report{File: file, Format: "tab-hmac", Proven: []string{}, NotProven: []string{}}
	if len(key) == 0 {
		return r.cannot("there is no key to verify with")
	}
	c := NewLegacyChain(key)
	in := bufio.NewReaderSize(lines, 1<<16)
	var off int64
	var n, signed, fits int64
	for {
		if ctx.Err() != nil {
			return r.cannot("%v", context.Cause(ctx))
		}
		line, err := readLine(in)
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil && err != io.EOF {
			return r.cannot("%v", &readError{file, off, err})
		}
		start := off
		off += int64(len(line))
		whole := bytes.HasSuffix(line, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\n'})
		n++
		bad := Bad{Line: n, Offset: start, Seq: uint64(n)}
		content, tag, isSigned, perr := SplitLegacy(line)
		switch {
		case !isSigned && len(bytes.TrimSpace(line)) == 0:
			continue
		case !isSigned:
			r.Unsigned++
			if r.Unsigned == 1 {
				r.notProven("line %d and every other line without a tag (%q is missing)", n, "#HMAC:")
			}
			continue
		case perr != nil || !whole:
			bad.Kind, bad.Reason = IllFormed, "its tag is not whole"
			r.addBad(bad)
			continue
		}
		signed++
		before := append([]byte(nil), c.prev...)
		if c.Next(content) != tag {
			bad.Kind, bad.Reason = Changed, "its tag does not fit its content and the line before it"
			c.prev = before
			r.addBad(bad)
			c.follow(tag)
			continue
		}
		fits++
		if r.BadTotal == 0 {
			r.Lines++
			r.Records++
			r.LastMAC = tag
		} else {
			r.HoldsAfter++
		}
	}
	switch {
	case signed > 0 && fits == 0:
		r.Bad, r.BadTotal = nil, 0
		return r.cannot("no line's tag verifies with this key")
	case signed == 0 && r.BadTotal == 0:
		return r.cannot("no line has a tag")
	case r.BadTotal > 0:
		r.Verdict = Tampered
		r.notProven("everything from line %d on", r.Bad[0].Line)
	default:
		r.Verdict = PartlyProven
	}
	if r.Lines > 0 {
		r.proven("%d signed lines from the first on are as they were signed, in that order", r.Lines)
	}
	r.notProven("that nothing is missing at the end: the older format pins none")
	return r
}

// readLine reads up to and including LF, and no more than MaxLine.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if line == nil && err == nil {
			return part, nil
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > MaxLine {
			return line, errTooLong
		}
	}
}
