// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strings"
	"unicode/utf8"

	"github.com/auditchain/auditchain/processor/redact"
)

// Form is how a map is written (docs/SPEC.md, section 6.1).
type Form uint8

// The forms of a map.
const (
	// FormPlain is an object.
	FormPlain Form = iota
	// FormDollar is {"$map":{…}}: the one key could be taken for a form.
	FormDollar
	// FormPairs is {"$pairs":[…]}: the keys cannot be those of an object.
	FormPairs
)

// key is a map's key, redacted, and where that puts its value.
type key struct {
	name  string
	place redact.Place
	class keyClass
}

type keyClass uint8

const (
	keyClean   keyClass = iota // stands in JSON as it is
	keyValid                   // UTF-8
	keyInvalid                 // not UTF-8
)

// Mark is where the keys of the next map will stand; Pop gives it back.
func (w *Writer) Mark() int { return len(w.keys) }

// Pop drops the keys from mark on. Behind the stack, nothing of the input is
// kept.
func (w *Writer) Pop(mark int) {
	clear(w.keys[mark:])
	w.keys = w.keys[:mark]
}

// Push adds a key of the map at p. All keys of a map are pushed before the
// first entry is written, since any of them can change the form.
func (w *Writer) Push(p redact.Place, k string) {
	if w.s != nil {
		k, _, p = w.s.Name(p, k)
		w.pairs = w.pairs || p.IsPairValue()
	}
	class := keyClean
	if !clean(k) {
		class = keyValid
		if !utf8.ValidString(k) {
			class = keyInvalid
		}
	}
	w.keys = append(w.keys, key{k, p, class})
}

// Place is where the value of the i-th key stands.
func (w *Writer) Place(i int) redact.Place { return w.keys[i].place }

// Pairs says whether a value of the map whose keys were pushed last may be what
// its siblings say (redact.Siblings). The adapter then tells Tell, in the order
// of the map, the strings whose key redact.IsPairName, and Told at the end.
func (w *Writer) Pairs() bool {
	has := w.pairs
	w.pairs = false
	return has
}

// Tell tells b the text under key of the map at p.
func (w *Writer) Tell(b *redact.Siblings, p redact.Place, key, text string) {
	b.Tell(key, text, w.s.Field(p, text))
}

// Told puts the values of the map whose keys stand from mark on where b says.
func (w *Writer) Told(b *redact.Siblings, mark int) {
	for i := mark; i < len(w.keys); i++ {
		if k := &w.keys[i]; k.place.IsPairValue() {
			k.place = b.Place(k.name, k.place)
		}
	}
}

// Form is the form of the map whose keys stand from mark on. It goes by the
// keys as they are written: redaction can make two keys one.
func (w *Writer) Form(mark int) Form {
	keys := w.keys[mark:]
	for i := range keys {
		if keys[i].class == keyInvalid {
			return FormPairs
		}
	}
	if len(keys) == 1 {
		if strings.HasPrefix(keys[0].name, "$") {
			return FormDollar
		}
		return FormPlain
	}
	if w.duplicates(keys) {
		return FormPairs
	}
	return FormPlain
}

// few is how many keys are compared with each other; more go through a map,
// which keeps the work linear.
const few = 24

// duplicates says whether a key stands twice.
func (w *Writer) duplicates(keys []key) bool {
	if len(keys) > few {
		return w.manyDuplicates(keys)
	}
	// Of most keys, a length and two letters already differ from all before.
	var seen uint64
	for i := range keys {
		k := keys[i].name
		bit := uint64(1)
		if n := len(k); n > 0 {
			bit = 1 << ((uint(n) + 7*uint(k[n-1]) + 13*uint(k[n/2])) & 63)
		}
		if seen&bit != 0 {
			for j := range keys[:i] {
				if keys[j].name == k {
					return true
				}
			}
		}
		seen |= bit
	}
	return false
}

func (w *Writer) manyDuplicates(keys []key) bool {
	seen := w.openSeen()
	defer w.closeSeen()
	for i := range keys {
		seen[keys[i].name] = struct{}{}
		if len(seen) != i+1 {
			return true
		}
	}
	return false
}

// openSeen returns an empty set of names, which closeSeen takes back.
func (w *Writer) openSeen() map[string]struct{} {
	if w.seen == nil {
		w.seen = make(map[string]struct{})
	}
	return w.seen
}

func (w *Writer) closeSeen() {
	if len(w.seen) > maxKeptKeys {
		// A map stays as large as it ever was, and so does clearing it.
		w.seen = nil
	}
	clear(w.seen)
}
