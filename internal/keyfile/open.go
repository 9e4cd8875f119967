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

// LoadSigning reads the file of a signing key of a kind, under the same rules
// as any key file.
func LoadSigning(path, kind string) (integrity.SigningKey, error) {
	return LoadSigningFrom(Source{File: path}, kind)
}

// LoadSigningFrom reads a signing key of a kind.
func LoadSigningFrom(s Source, kind string) (integrity.SigningKey, error) {
	text, name, err := Bytes(s)
	if err != nil {
		return integrity.SigningKey{}, err
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
		return integrity.PublicKey{}, err
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
