// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// CheckpointSuffix is behind the name of a key file in that of the checkpoint
// key which `auditchain key new` makes beside it, and which writers use where
// they are not given another.
const CheckpointSuffix = ".checkpoint"

// OpenKeys reads the key of a source for a writer. Where the source is a file,
// the key comes with a store, which goes into Options.Keys, and Options.Key
// stays empty; else the store is nil, and the key goes into Options.Key. (A
// forward-secure key from there is good for verifying, and journal.Open refuses
// it.)
func OpenKeys(s Source) (integrity.Key, journal.KeyStore, error) {
	if s.File == "" || s.Validate() != nil {
		k, err := Load(s)
		return k, nil, err
	}
	crypt, err := s.Crypt()
	if err != nil {
		return integrity.Key{}, nil, err
	}
	store := &Store{Path: s.File, Crypt: crypt}
	st, err := store.Load()
	if err != nil {
		return integrity.Key{}, nil, err
	}
	return st.Key, store, nil
}

// What to do where the file of a key is not there, by the kind of the key.
var (
	signingTodo = map[string]string{
		integrity.KindCheckpoint: "name the key that signs the journal's checkpoints; for a new journal: auditchain key new --checkpoint FILE",
		integrity.KindErasure:    "name the private key that belongs to erasure_key in the journal's first line, which is kept away from its host: no other counts, and none that is made now",
	}
	publicTodo = map[string]string{
		integrity.KindCheckpoint: "name the .pub file beside the key that signs the checkpoints, or make it anew from that: auditchain key public FILE.checkpoint",
		integrity.KindErasure:    "name the .pub file beside the erasure key; for a new journal: auditchain key new --erasure FILE makes both",
	}
)

// LoadSigning reads the file of a signing key of a kind, under the same rules
// as any key file.
func LoadSigning(path, kind string) (integrity.SigningKey, error) {
	return LoadSigningFrom(Source{File: path}, kind)
}

// LoadSigningFrom reads a signing key of a kind.
func LoadSigningFrom(s Source, kind string) (integrity.SigningKey, error) {
	text, name, err := Bytes(s)
	if err != nil {
		return integrity.SigningKey{}, IfMissing(err, signingTodo[kind])
	}
	k, err := integrity.ParseSigningKey(kind, text)
	if err != nil {
		return k, fmt.Errorf("%s key in %s: %w", kind, name, err)
	}
	return k, nil
}

// LoadPublic reads the file of a public key of a kind. It is no secret, and may
// be readable by anybody.
func LoadPublic(path, kind string) (integrity.PublicKey, error) {
	text, err := read(path, false)
	if err != nil {
		return integrity.PublicKey{}, IfMissing(err, publicTodo[kind])
	}
	k, err := integrity.ParsePublicKey(kind, text)
	if err != nil {
		return k, fmt.Errorf("public %s key in %q: %w", kind, path, err)
	}
	return k, nil
}

// BesideKey reads the checkpoint key that stands beside the key file of a
// source; the zero key where there is none.
func BesideKey(s Source) (integrity.SigningKey, error) {
	if s.File == "" {
		return integrity.SigningKey{}, nil
	}
	if _, err := os.Lstat(s.File + CheckpointSuffix); errors.Is(err, fs.ErrNotExist) {
		return integrity.SigningKey{}, nil
	}
	return LoadSigningFrom(Source{File: s.File + CheckpointSuffix, URL: s.URL}, integrity.KindCheckpoint)
}
