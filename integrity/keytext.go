// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kinds of keys, as their files name them (docs/SPEC.md, section 4). A static
// key has no such file: it is hexadecimal digits, or raw.
const (
	kindForward     = "forward-secure"
	kindVerify      = "verification"
	KindCheckpoint  = "checkpoint"
	KindErasure     = "erasure"
	publicKindTail  = "-public"
	keyTextStart    = "auditchain-key v1 "
	keyTextRoot     = "auditchain-key "
	wrongKindFormat = "this is a key of another kind (%s), where %s is needed"
)

// ErrKeyKind is returned for a key that is for something else.
var ErrKeyKind = errors.New("key of the wrong kind")

// KeyState is what the file of a forward-secure key holds: the key at its
// epoch, and where the chain stood when that began. It is bound to the one
// chain that is written with it.
type KeyState struct {
	Key Key
	// Chain is the chain that is written with the key; the zero value before
	// there is one.
	Chain ChainID
	// Position is the line chain.epoch that the epoch began behind; in the
	// epoch of the chain's genesis the zero value.
	Position
	// Since is when the epoch began, by the writer's clock.
	Since time.Time
}

// Bound reports whether a chain was begun with the key.
func (s KeyState) Bound() bool { return s.Chain != ChainID{} }

// Text returns what the key file holds. This is the secret itself.
func (s KeyState) Text() []byte {
	k := s.Key
	if !k.forward {
		return k.Text()
	}
	kind := kindForward
	if k.verifyOnly {
		kind = kindVerify
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s id=%s", keyTextStart, kind, k.id)
	if !k.verifyOnly {
		fmt.Fprintf(&b, " epoch=%d", k.epoch)
	}
	fmt.Fprintf(&b, " secret=%x", k.secret)
	if s.Bound() && !k.verifyOnly {
		fmt.Fprintf(&b, " chain=%s first=%d seq=%d hmac=%s size=%d since=%s", s.Chain, s.First, s.Seq, s.MAC, s.Size, FormatTime(s.Since))
	}
	return append([]byte(b.String()), '\n')
}

// isKeyText reports whether text is that of a key that says of which kind it
// is.
func isKeyText(text []byte) bool { return bytes.HasPrefix(text, []byte(keyTextRoot)) }

// ParseKeyState reads the contents of a key file: what Text returns, or a
// static key as ParseKey reads it, or a verification key. The errors never
// hold what was read.
func ParseKeyState(text []byte) (KeyState, error) {
	if !isKeyText(text) {
		k, err := ParseKey(text)
		return KeyState{Key: k}, err
	}
	kind, f, err := keyFields(text)
	if err != nil {
		return KeyState{}, err
	}
	if kind != kindForward && kind != kindVerify {
		return KeyState{}, fmt.Errorf("%w: "+wrongKindFormat, ErrKeyKind, kind, "one that a chain is written or verified with")
	}
	s := KeyState{Key: Key{forward: true, verifyOnly: kind == kindVerify}}
	secret, err := hex.DecodeString(f["secret"])
	if err != nil || len(secret) != HashSize {
		return KeyState{}, errKeyText
	}
	s.Key.secret, s.Key.id = secret, f["id"]
	if kind == kindForward {
		if s.Key.epoch, err = strconv.ParseUint(f["epoch"], 10, 64); err != nil {
			return KeyState{}, errKeyText
		}
	}
	if s.Key.epoch == 0 && keyID(secret) != s.Key.id {
		return KeyState{}, fmt.Errorf("%w: its id is not that of its secret", errKeyText)
	}
	if f["chain"] != "" {
		var errs [6]error
		s.Chain, errs[0] = ParseChainID(f["chain"])
		s.First, errs[1] = strconv.ParseUint(f["first"], 10, 64)
		s.Seq, errs[2] = strconv.ParseUint(f["seq"], 10, 64)
		errs[3] = s.MAC.UnmarshalText([]byte(f["hmac"]))
		s.Size, errs[4] = strconv.ParseInt(f["size"], 10, 64)
		s.Since, errs[5] = time.Parse(TimeFormat, f["since"])
		if errors.Join(errs[:]...) != nil {
			return KeyState{}, errKeyText
		}
	}
	// Only the canonical form is a key: what else stands there would be lost.
	if !bytes.Equal(bytes.TrimRight(s.Text(), "\n"), bytes.TrimRight(text, " \t\r\n")) {
		return KeyState{}, errKeyText
	}
	return s, nil
}

var errKeyText = errors.New("key file is not whole: it begins like one and does not go on like one")

// keyFields reads the kind and the fields of a key text.
func keyFields(text []byte) (kind string, fields map[string]string, err error) {
	rest, ok := strings.CutPrefix(strings.TrimRight(string(text), " \t\r\n"), keyTextStart)
	if !ok {
		return "", nil, fmt.Errorf("key file is of a version that this release does not know")
	}
	words := strings.Split(rest, " ")
	fields = make(map[string]string, len(words))
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		if _, twice := fields[name]; !ok || twice {
			return "", nil, errKeyText
		}
		fields[name] = value
	}
	return words[0], fields, nil
}

// PublicKey is an Ed25519 public key (RFC 8032) of one of the two kinds that a
// genesis names: that which checks checkpoints, or that which checks
// erasures. The zero value is none.
type PublicKey struct {
	kind string
	key  [ed25519.PublicKeySize]byte
	set  bool
}

// NewPublicKey makes a public key of 32 bytes. kind is KindCheckpoint or
// KindErasure.
func NewPublicKey(kind string, key []byte) (PublicKey, error) {
	if len(key) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("a public key has %d bytes, and this one has %d", ed25519.PublicKeySize, len(key))
	}
	p := PublicKey{kind: kind, set: true}
	copy(p.key[:], key)
	return p, nil
}

// IsZero reports whether p is none.
func (p PublicKey) IsZero() bool { return !p.set }

// ID names the key: made as Key.ID, of its 32 bytes.
func (p PublicKey) ID() string { return keyID(p.key[:]) }

// Kind is KindCheckpoint or KindErasure.
func (p PublicKey) Kind() string { return p.kind }

// Base64 returns the key as control records hold it; "" for none.
func (p PublicKey) Base64() string {
	if !p.set {
		return ""
	}
	return base64.StdEncoding.EncodeToString(p.key[:])
}

// String is Base64.
func (p PublicKey) String() string { return p.Base64() }

// Verify reports whether sig is that of message under the key.
func (p PublicKey) Verify(message, sig []byte) bool {
	return p.set && ed25519.Verify(p.key[:], message, sig)
}

// Text returns the key as a file holds it. It is no secret.
func (p PublicKey) Text() []byte {
	return fmt.Appendf(nil, "%s%s%s id=%s key=%s\n", keyTextStart, p.kind, publicKindTail, p.ID(), p.Base64())
}

// parsePublic64 reads a key as control records hold it.
func parsePublic64(kind, text string) (PublicKey, error) {
	if text == "" {
		return PublicKey{}, nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return PublicKey{}, errors.New("public key is not base64")
	}
	return NewPublicKey(kind, b)
}

// ParsePublicKey reads a public key of a kind: what Text returns, or the 32
// bytes in base64 alone, as control records hold them.
func ParsePublicKey(kind string, text []byte) (PublicKey, error) {
	if !isKeyText(text) {
		p, err := parsePublic64(kind, strings.TrimSpace(string(text)))
		if err == nil && p.IsZero() {
			err = errors.New("public key is empty")
		}
		return p, err
	}
	got, f, err := keyFields(text)
	if err != nil {
		return PublicKey{}, err
	}
	if got != kind+publicKindTail {
		return PublicKey{}, fmt.Errorf("%w: "+wrongKindFormat, ErrKeyKind, got, kind+publicKindTail)
	}
	p, err := parsePublic64(kind, f["key"])
	if err != nil || p.IsZero() || p.ID() != f["id"] {
		return PublicKey{}, errKeyText
	}
	return p, nil
}

// SigningKey is an Ed25519 private key of one of the kinds of PublicKey. The
// zero value is none. Like Key, it reveals itself through Text alone.
type SigningKey struct {
	kind string
	key  ed25519.PrivateKey
}

// GenerateSigningKey returns a new random key of a kind.
func GenerateSigningKey(kind string) (SigningKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return SigningKey{}, fmt.Errorf("no randomness for a key: %w", err)
	}
	return SigningKey{kind, key}, nil
}

// NewSigningKey makes the key of a seed of 32 bytes (RFC 8032, section 5.1.5).
func NewSigningKey(kind string, seed []byte) (SigningKey, error) {
	if len(seed) != ed25519.SeedSize {
		return SigningKey{}, fmt.Errorf("the seed of a signing key has %d bytes, and this one has %d", ed25519.SeedSize, len(seed))
	}
	return SigningKey{kind, ed25519.NewKeyFromSeed(seed)}, nil
}

// IsZero reports whether s is none.
func (s SigningKey) IsZero() bool { return len(s.key) == 0 }

// Kind is KindCheckpoint or KindErasure.
func (s SigningKey) Kind() string { return s.kind }

// Public returns the public key.
func (s SigningKey) Public() PublicKey {
	if s.IsZero() {
		return PublicKey{}
	}
	p, _ := NewPublicKey(s.kind, s.key.Public().(ed25519.PublicKey))
	return p
}

// ID is that of the public key.
func (s SigningKey) ID() string { return s.Public().ID() }

// Sign signs a message.
func (s SigningKey) Sign(message []byte) []byte { return ed25519.Sign(s.key, message) }

// Text returns the key as a key file holds it. This is the secret itself.
func (s SigningKey) Text() []byte {
	return fmt.Appendf(nil, "%s%s id=%s secret=%x\n", keyTextStart, s.kind, s.ID(), s.key.Seed())
}

// String hides the key.
func (s SigningKey) String() string { return "integrity.SigningKey(" + s.kind + " " + s.ID() + ")" }

// GoString hides the key from %#v too.
func (s SigningKey) GoString() string { return s.String() }

// ParseSigningKey reads what Text returns, of a kind.
func ParseSigningKey(kind string, text []byte) (SigningKey, error) {
	if !isKeyText(text) {
		return SigningKey{}, fmt.Errorf("%w: "+wrongKindFormat, ErrKeyKind, "static", kind)
	}
	got, f, err := keyFields(text)
	if err != nil {
		return SigningKey{}, err
	}
	if got != kind {
		return SigningKey{}, fmt.Errorf("%w: "+wrongKindFormat, ErrKeyKind, got, kind)
	}
	seed, err := hex.DecodeString(f["secret"])
	if err != nil {
		return SigningKey{}, errKeyText
	}
	s, err := NewSigningKey(kind, seed)
	if err != nil || s.ID() != f["id"] || len(f) != 2 {
		return SigningKey{}, errKeyText
	}
	return s, nil
}
