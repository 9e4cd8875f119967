// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"slices"
)

// keyBlock follows a private key that stands in several lines of a text. Taken
// one by one, only its first line could be told from other text, and the rest is
// the secret. The zero value is outside of a key.
type keyBlock struct {
	state  keyState
	size   int  // bytes since the key began
	column int  // where in its line it began: what stands before is a log's prefix
	joined bool // the line before was of the key
}

type keyState uint8

const (
	keyOutside keyState = iota
	keyInside           // up to its end
	keyLong             // too long for a key: only as far as it goes on like one
)

// maxKey is the longest private key in bytes, line ends and all: twice what an
// RSA key of 16,384 bits takes. It bounds how far one that has no end reaches.
const maxKey = 32 << 10

// longRun is how long a run of base64 is at least that is of a key wherever it
// stands in a line, behind a timestamp or in a JSON string. Lines of PEM have
// 64 characters, but for the last.
const longRun = 40

// next moves on by one line. line[from:to] is what of it is of a key, where
// that is not for the redactor to see: nothing outside of a key and in its first
// line. In between other lines may stand, such as those of another writer.
func (k *keyBlock) next(line []byte) (from, to int) {
	opens := keyOpens(line)
	if opens >= 0 {
		if k.state != keyInside {
			*k = keyBlock{state: keyInside}
		}
		k.column, k.joined = opens, true
		k.grow(len(line))
		return 0, 0
	}
	if k.state == keyOutside {
		return 0, 0
	}
	if from, to, ends := keyEnds(line); ends {
		*k = keyBlock{}
		return from, to
	}
	from, to = k.body(line)
	k.grow(len(line))
	if k.state == keyLong && from == to {
		*k = keyBlock{}
	}
	return from, to
}

// inside reports whether the key that began goes on behind the last line.
func (k *keyBlock) inside() bool { return k.state == keyInside }

// cut makes the key one whose beginning is gone: what was held of it no longer is.
func (k *keyBlock) cut() {
	if k.state == keyInside {
		k.state = keyLong
	}
}

func (k *keyBlock) grow(n int) {
	if k.size += n + 1; k.size > maxKey {
		k.state = keyLong
	}
}

// body finds base64 in a line: long runs of it anywhere, and right behind a
// line of the key also a short one, where that is all there is.
func (k *keyBlock) body(line []byte) (from, to int) {
	for i := 0; i < len(line); {
		n := base64Run(line[i:])
		if n >= longRun {
			if to == 0 {
				from = i
			}
			to = i + n
		}
		i += n + 1
	}
	if to == 0 && k.joined && k.column < len(line) {
		n := base64Run(line[k.column:])
		if rest := bytes.TrimSpace(line[k.column+n:]); n > 0 && (len(rest) == 0 || rest[0] == '\\' || rest[0] == '"') {
			from, to = k.column, k.column+n
		}
	}
	if to == 0 {
		// Headers of an encrypted key, and the empty line behind them.
		rest := bytes.TrimSpace(line[min(k.column, len(line)):])
		k.joined = k.joined && (len(rest) == 0 || bytes.HasPrefix(rest, []byte("Proc-Type:")) || bytes.HasPrefix(rest, []byte("DEK-Info:")))
		return 0, 0
	}
	k.joined = true
	return from, to
}

// What a PEM block and a PuTTY key begin and end with.
var (
	pemBegin   = []byte("-----BEGIN ")
	pemEnd     = []byte("-----END ")
	pemPrivate = []byte("PRIVATE KEY")
	puttyBegin = []byte("Private-Lines: ")
	puttyEnd   = []byte("Private-MAC: ")
)

// keyOpens is where a private key begins that does not end in the line, or
// negative.
func keyOpens(line []byte) int {
	if i := bytes.LastIndex(line, pemBegin); i >= 0 {
		if rest := line[i:]; bytes.Contains(rest, pemPrivate) && !bytes.Contains(rest, pemEnd) {
			return i
		}
	}
	if i := bytes.LastIndex(line, puttyBegin); i >= 0 && !bytes.Contains(line[i:], puttyEnd) {
		return i
	}
	return -1
}

// keyEnds finds the end of a private key, with the base64 right before it.
func keyEnds(line []byte) (from, to int, ends bool) {
	at := bytes.Index(line, pemEnd)
	if at < 0 {
		return 0, 0, bytes.Contains(line, puttyEnd) // that is a MAC
	}
	from, to = at, len(line)
	for from > 0 && isBase64(line[from-1]) {
		from--
	}
	behind := at + len(pemEnd)
	if n := bytes.Index(line[behind:], []byte("-----")); n >= 0 {
		to = behind + n + len("-----")
	}
	return from, to, true
}

// maskKey is line without line[from:to], which is of a private key. The marker
// has no fingerprint: that of a part would match nothing.
func maskKey(line []byte, from, to int) []byte {
	return slices.Concat(line[:from], []byte("[REDACTED:private-key]"), line[to:])
}

func base64Run(b []byte) int {
	for i, c := range b {
		if !isBase64(c) {
			return i
		}
	}
	return len(b)
}

func isBase64(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '='
}
