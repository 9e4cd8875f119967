// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package keycrypt encrypts key files with a key that is somewhere else: in a
// key management service, or in a base64key:// URL. A program that imports it
// can read encrypted key files:
//
//	import _ "github.com/auditchain/auditchain/internal/keyfile/keycrypt"
//
// URLs are those of gocloud.dev/secrets. Only base64key is built in; a program
// has a service when it imports a package of the module keys/cloud
// (docs/KEYS.md).
package keycrypt

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/localsecrets"

	"github.com/auditchain/auditchain/internal/keyfile"
)

func init() { keyfile.SetOpener(Open) }

// services are the schemes that a package of keys/cloud brings.
var services = []string{"awskms", "azurekeyvault", "gcpkms", "hashivault"}

// cloudModule holds the packages that bring them.
const cloudModule = "github.com/auditchain/auditchain/keys/cloud"

// Open opens a key by its URL. No error holds the URL: it can be a secret.
func Open(ctx context.Context, keyURL string) (keyfile.Crypt, error) {
	scheme, rest, ok := strings.Cut(keyURL, "://")
	if !ok {
		return nil, errors.New("it is no URL")
	}
	if scheme == localsecrets.Scheme {
		return openLocal(rest)
	}
	mux := secrets.DefaultURLMux()
	if !mux.ValidKeeperScheme(scheme) {
		if slices.Contains(services, scheme) {
			return nil, fmt.Errorf("this program was built without %s: build it with the package %s/%s (docs/KEYS.md)", scheme, cloudModule, scheme)
		}
		return nil, fmt.Errorf("this program knows no URLs of the scheme %q, only those of %s (and, built with a package of %s, of %s)",
			scheme, strings.Join(mux.KeeperSchemes(), ", "), cloudModule, strings.Join(services, ", "))
	}
	k, err := mux.OpenKeeper(ctx, keyURL)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be opened: %s", scheme, withoutURL(err, keyURL))
	}
	return k, nil
}

// openLocal opens what follows base64key://.
func openLocal(text string) (keyfile.Crypt, error) {
	// An empty one makes localsecrets invent a key, which nobody would have
	// afterwards.
	if text == "" {
		return nil, errors.New("base64key:// has no key behind it: write 32 random bytes in base64 there, with - and _ in place of + and /")
	}
	key, err := localsecrets.Base64Key(text)
	if err != nil {
		// Not wrapped: nothing of the key may be in it.
		return nil, errors.New("what is behind base64key:// is not 32 bytes in base64, with - and _ in place of + and /, and = at the end")
	}
	return localsecrets.NewKeeper(key), nil
}

// withoutURL is the text of err without the URL, or the parts of it that can
// hold something secret.
func withoutURL(err error, keyURL string) string {
	text := strings.ReplaceAll(err.Error(), keyURL, "the URL")
	if u, perr := url.Parse(keyURL); perr == nil {
		if u.User != nil {
			text = strings.ReplaceAll(text, u.User.String(), "...")
		}
		if u.RawQuery != "" {
			text = strings.ReplaceAll(text, u.RawQuery, "...")
		}
	}
	return text
}
