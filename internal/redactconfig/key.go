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
	_ "github.com/auditchain/auditchain/internal/keyfile/keycrypt" // URL
)

// Key says where a key comes from; it never holds the key itself, so that a
// configuration can be printed. Exactly one of File, Env and Credential is set.
type Key struct {
	// File is the path of a key file. Nobody but its owner may read it.
	File string `mapstructure:"file"`
	// Env is the name of an environment variable that holds the key.
	Env string `mapstructure:"env"`
	// Credential is the name of a systemd credential (LoadCredential=).
	Credential string `mapstructure:"credential"`
	// URL is that of the key which the key is encrypted with, where it is.
	// Without it, an encrypted key takes it from AUDITCHAIN_KEY_URL.
	URL SecretURL `mapstructure:"url"`

	_ struct{}
}

// SecretURL is a URL that can be a secret (base64key://…): a configuration that
// is printed does not show it.
type SecretURL string

const hiddenURL = "[REDACTED]"

// MarshalText hides the URL from what writes configurations.
func (u SecretURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// String hides the URL from what prints it.
func (u SecretURL) String() string {
	if u == "" {
		return ""
	}
	return hiddenURL
}

// GoString hides the URL from %#v too.
func (u SecretURL) GoString() string { return u.String() }

// IsZero reports whether nothing is set.
func (k Key) IsZero() bool { return k.set() == 0 }

// Validate reports an error unless at most one field is set, and that is
// plausible. That a key is needed at all is for the block around it to say.
func (k Key) Validate() error {
	if k.set() > 1 {
		return errors.New("more than one of file, env and credential is set; keep one")
	}
	switch {
	case k.URL != "" && k.set() == 0:
		return errors.New("url is that of the key which another key is encrypted with; write file beside it, the encrypted key file")
	case k.URL != "" && !strings.Contains(string(k.URL), "://"):
		// Not quoted: it can be a secret.
		return errors.New("url is no URL; write one such as awskms://alias/auditchain?region=eu-central-1, or ${env:AUDITCHAIN_KEY_URL}")
	case k.Env != "" && !isName(k.Env):
		// Not quoted: somebody may have put the key itself here.
		return errors.New("env must be the name of an environment variable, such as AUDITCHAIN_KEY, not its value")
	case strings.ContainsAny(k.Credential, "/\\"):
		return errors.New("credential must be the name given to systemd's LoadCredential=, not a path; for a path use file")
	}
	return nil
}

// Load reads the key.
func (k Key) Load() (integrity.Key, error) { return keyfile.Load(k.Source()) }

// Source says where the key is.
func (k Key) Source() keyfile.Source {
	return keyfile.Source{File: k.File, Env: k.Env, Credential: k.Credential, URL: string(k.URL)}
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
	if k.Forward() {
		return nil, fmt.Errorf("key %s is forward-secure: with it, fingerprints would not stay the same; make a key with: auditchain key new --static --no-checkpoint-key FILE", k.ID())
	}
	b, err := hex.DecodeString(string(bytes.TrimSpace(k.Text())))
	if err != nil {
		return nil, fmt.Errorf("key %s cannot be used: %w", k.ID(), err)
	}
	return b, nil
}
