// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactconfig

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// Key says where a key comes from; it never holds the key itself, so that a
// configuration can be printed. Exactly one field is set.
type Key struct {
	// File is the path of a key file. Nobody but its owner may read it.
	File string `mapstructure:"file"`
	// Env is the name of an environment variable that holds the key.
	Env string `mapstructure:"env"`
	// Credential is the name of a systemd credential (LoadCredential=).
	Credential string `mapstructure:"credential"`

	_ struct{}
}

// IsZero reports whether nothing is set.
func (k Key) IsZero() bool { return k.set() == 0 }

// Validate reports an error unless at most one field is set, and that is
// plausible. That a key is needed at all is for the block around it to say.
func (k Key) Validate() error {
	if k.set() > 1 {
		return errors.New("more than one of file, env and credential is set; keep one")
	}
	switch {
	case k.Env != "" && !isName(k.Env):
		// Not quoted: somebody may have put the key itself here.
		return errors.New("env must be the name of an environment variable, such as AUDITCHAIN_KEY, not its value")
	case strings.ContainsAny(k.Credential, "/\\"):
		return errors.New("credential must be the name given to systemd's LoadCredential=, not a path; for a path use file")
	}
	return nil
}

// Load reads the key.
func (k Key) Load() (integrity.Key, error) {
	return keyfile.Load(keyfile.Source{File: k.File, Env: k.Env, Credential: k.Credential})
}

// isName reports whether s can be the name of an environment variable and is
// no key in hexadecimal.
func isName(s string) bool {
	hexadecimal := len(s) >= 2*integrity.MinKeySize
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9' && i > 0:
		default:
			return false
		}
		hexadecimal = hexadecimal && strings.IndexByte("0123456789abcdefABCDEF", c) >= 0
	}
	return !hexadecimal
}

func (k Key) set() (n int) {
	for _, s := range []string{k.File, k.Env, k.Credential} {
		if s != "" {
			n++
		}
	}
	return n
}

// secret returns the bytes of a key: Text is the only way out, on purpose.
func secret(k integrity.Key) ([]byte, error) {
	b, err := hex.DecodeString(string(bytes.TrimSpace(k.Text())))
	if err != nil {
		return nil, fmt.Errorf("key %s cannot be used: %w", k.ID(), err)
	}
	return b, nil
}
