// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// Siblings is what the fields of one map say about each other: the name of a
// name and value pair about its value, also where both are flattened
// (env.0.name, env.0.value), and the kind of a Kubernetes Secret about its data,
// which are secret whatever their names.
//
// A caller that walks a map and meets a place that asks (Place.IsPairValue)
// tells a Siblings, in the order of the map, every string of the map whose key
// IsPairName, as it was before it was redacted; Place is then where the value
// stands. The zero value knows nothing.
type Siblings struct {
	named  Place // what the name makes of the value
	secret bool  // a Secret of Kubernetes
	jwk    bool  // a key as JSON: {"kty": "RSA", "d": …}
	oct    bool  // likewise, a symmetric one
	stored Place // what the id of a stored secret makes of the value
	pairs  []siblingPair
}

type siblingPair struct {
	prefix string
	at     Place
}

// maxSiblingPairs bounds how many flattened pairs of one map are known.
const maxSiblingPairs = 64

// Tell notes the text that stands under key, which IsPairName; at is the Field
// that the text would be the key of.
func (b *Siblings) Tell(key, text string, at Place) {
	switch prefix, flat := pairPrefix(key, false); {
	case flat:
		if at.Forced() && len(b.pairs) < maxSiblingPairs {
			b.pairs = append(b.pairs, siblingPair{strings.Clone(prefix), at})
		}
	case key == "kind":
		b.secret = text == "Secret"
	case key == "kty":
		b.jwk, b.oct = text == "RSA" || text == "EC" || text == "OKP", text == "oct"
	case key == "id":
		if strings.Contains(text, "/secrets/") {
			b.stored = Place{depth: at.depth, kind: kindSecret}
		}
	case !b.named.Forced():
		b.named = at
	}
}

// Place is the place of the value under key, of which Field or Name said q.
func (b *Siblings) Place(key string, q Place) Place {
	switch q.hint {
	case hintPair:
		if b.named.Forced() {
			return b.named
		}
		if b.stored.Forced() {
			return b.stored
		}
	case hintJWK:
		if b.jwk && key != "k" || b.oct && key == "k" {
			return Place{depth: q.depth, kind: kindPrivateKey}
		}
	case hintData:
		if b.secret {
			return Place{depth: q.depth, kind: kindSecret}
		}
	case hintFlat:
		prefix, _ := pairPrefix(key, true)
		for _, pair := range b.pairs {
			if pair.prefix == prefix {
				return pair.at
			}
		}
	}
	return q
}

// IsPairName says whether a string under key says something about its siblings:
// the name part of a name and value pair, as in {"name": "DB_PASSWORD", "value":
// …}, the kind of a Kubernetes object or of a key, and the id of a secret.
func IsPairName(key string) bool {
	if key == "kind" || key == "kty" || key == "id" {
		return true
	}
	_, flat := pairPrefix(key, false)
	return flat || isPairName(key)
}

func isPairName(key string) bool {
	switch len(key) {
	case 1:
		return key == "k"
	case len("key"):
		return equalFold(key, "key")
	case len("name"):
		return equalFold(key, "name")
	}
	return false
}

func isPairValue(key string) bool {
	return key == "v" || equalFold(key, "value") || equalFold(key, "values") || equalFold(key, "stringvalue")
}

// asks is the hint of a key whose siblings may say that its value is secret.
func asks(key string) hint {
	switch {
	case isPairValue(key):
		return hintPair
	case key == "data" || key == "stringData":
		return hintData
	case len(key) <= 2 && jwkMembers[key]:
		return hintJWK
	}
	if _, flat := pairPrefix(key, true); flat {
		return hintFlat
	}
	return hintNone
}

// IsPairValue says whether siblings may say what the value at p is (see
// Siblings), and nothing has said yet that it is secret. Attributes are maps
// like any other here.
func (p Place) IsPairValue() bool {
	return p.hint == hintPair || p.hint == hintData || p.hint == hintFlat || p.hint == hintJWK
}

// jwkMembers are the secret ones of RFC 7518, section 6.
var jwkMembers = map[string]bool{"d": true, "p": true, "q": true, "dp": true, "dq": true, "qi": true, "k": true}

// pairPrefix is env.0 of env.0.value, or of env.0.name where no value is asked
// for.
func pairPrefix(name string, value bool) (string, bool) {
	n := len(name)
	if n < len("a.key") || n > maxName {
		return "", false
	}
	if c := fold(name[n-1]); c != 'e' && c != 'y' && c != 's' {
		return "", false
	}
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 {
		return "", false
	}
	if last := name[dot+1:]; value {
		return name[:dot], isPairValue(last)
	} else {
		return name[:dot], isPairName(last)
	}
}

// siblings are those of an object of JSON, which is read to its end for them
// when a place asks, and not before.
type siblings struct {
	Siblings
	looked bool
}

// place is the place of the value of name in the object that starts at
// src[start:], of which its own name says q.
func (b *siblings) place(w *walker, start int, p Place, name string, q Place) Place {
	// The strings that are read here take the place of the name that the caller
	// holds. Of most names nothing more than their hint is asked.
	switch q.hint {
	case hintFlat:
		name = strings.Clone(name)
	case hintJWK:
		if name == "k" {
			name = "k"
		} else {
			name = "d"
		}
	case hintData, hintPair:
		name = ""
	default:
		return q
	}
	if !b.looked {
		b.looked = true
		b.read(w, start, p)
	}
	return b.Place(name, q)
}

// read looks through the fields of the object at src[i:], each once.
func (b *siblings) read(w *walker, i int, p Place) {
	src := w.src
	i = skipSpace(src, i+1)
	for i < len(src) && src[i] == '"' {
		key, end, ok := w.str(i)
		if !ok {
			return
		}
		tells := IsPairName(key) && !isPairName(key)
		switch {
		case !tells:
		case key == "kind":
			key = "kind"
		case key == "kty":
			key = "kty"
		case key == "id":
			key = "id"
		default:
			key = strings.Clone(key)
		}
		if i = skipSpace(src, end); i >= len(src) || src[i] != ':' {
			return
		}
		if i = skipSpace(src, i+1); i >= len(src) {
			return
		}
		if tells && src[i] == '"' {
			text, _, ok := w.str(i)
			if !ok {
				return
			}
			b.Tell(key, text, w.s.Field(p, text))
		}
		if i, ok = skipValue(src, i); !ok {
			return
		}
		if i = skipSpace(src, i); i >= len(src) || src[i] != ',' {
			return
		}
		i = skipSpace(src, i+1)
	}
}
