// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package publickeyconfig is how a Collector's configuration names a public
// key: by the file that `auditchain` wrote it to, or as it stands in a genesis.
//
//	erasure_public_key: {file: ./erasure.pub}
//	erasure_public_key: {base64: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=}
package publickeyconfig

import (
	"errors"
	"fmt"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// Config names a public key. At most one field is set.
type Config struct {
	// File is the path of a public key file.
	File string `mapstructure:"file"`
	// Base64 is the key itself: its 32 bytes.
	Base64 string `mapstructure:"base64"`

	_ struct{}
}

// IsZero reports whether nothing is set.
func (c Config) IsZero() bool { return c.File == "" && c.Base64 == "" }

// Validate reports an error unless at most one field is set, and that is
// plausible. It reads no file.
func (c Config) Validate() error {
	if c.File != "" && c.Base64 != "" {
		return errors.New("file and base64 are both set; keep one")
	}
	if c.Base64 == "" {
		return nil
	}
	// The kind does not matter for the form.
	if _, err := integrity.ParsePublicKey(integrity.KindErasure, []byte(c.Base64)); err != nil || len(c.Base64) > 64 {
		// Not quoted: somebody may have put a secret here.
		return errors.New("base64 is not a public key of 32 bytes; copy it from behind key= in the public key file, or write file: and its path")
	}
	return nil
}

// Load returns the key; the zero key where none is named.
func (c Config) Load(kind string) (integrity.PublicKey, error) {
	switch {
	case c.File != "":
		return keyfile.LoadPublic(c.File, kind)
	case c.Base64 != "":
		k, err := integrity.ParsePublicKey(kind, []byte(c.Base64))
		if err != nil {
			return k, fmt.Errorf("public %s key: %w", kind, err)
		}
		return k, nil
	}
	return integrity.PublicKey{}, nil
}
