// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// URLEnv names the environment variable that holds the URL of the key that key
// files are encrypted with. A base64key:// URL is a secret itself.
const URLEnv = "AUDITCHAIN_KEY_URL"

// Crypt encrypts and decrypts what a key file holds. Its methods may be called
// by any goroutine.
type Crypt interface {
	Encrypt(ctx context.Context, text []byte) ([]byte, error)
	Decrypt(ctx context.Context, text []byte) ([]byte, error)
}

// encryptedStart is how the file of an encrypted key begins (docs/SPEC.md,
// section 4.3). Without it, a program that is not told of the encryption would
// take the bytes for a static key, and write with that.
const encryptedStart = "auditchain-key v1 encrypted "

// maxEncrypted is far above what any service makes of a key file.
const maxEncrypted = 32 << 10

// cryptTimeout bounds the wait for a service.
const cryptTimeout = 30 * time.Second

// encrypted reports whether text is that of an encrypted key file.
func encrypted(text []byte) bool { return bytes.HasPrefix(text, []byte(encryptedStart)) }

// Encryption that this program was built with: package keycrypt sets it, so
// that whoever embeds a journal does not get the packages of services along.
var opener struct {
	sync.Mutex
	open func(ctx context.Context, url string) (Crypt, error)
}

// SetOpener says how URLs are opened. The errors of open must not hold the
// URL.
func SetOpener(open func(ctx context.Context, url string) (Crypt, error)) {
	opener.Lock()
	defer opener.Unlock()
	opener.open = open
}

// OpenCrypt opens the URL of a key for key files. What its Encrypt returns and
// its Decrypt takes is all that a key file holds.
func OpenCrypt(url string) (Crypt, error) {
	scheme, _, ok := strings.Cut(url, "://")
	if !ok || scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
		return nil, errors.New("the URL of the key that encrypts key files is no URL; write one such as awskms://alias/auditchain?region=eu-central-1 (docs/KEYS.md)")
	}
	opener.Lock()
	open := opener.open
	opener.Unlock()
	if open == nil {
		return nil, errors.New("this program was built without the encryption of key files")
	}
	ctx, cancel := context.WithTimeout(context.Background(), cryptTimeout)
	defer cancel()
	c, err := open(ctx, url)
	if err != nil {
		return nil, err
	}
	return fileCrypt{c, scheme}, nil
}

// fileCrypt gives encrypted text the form of a key file.
type fileCrypt struct {
	Crypt
	scheme string
}

func (c fileCrypt) Encrypt(ctx context.Context, text []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, cryptTimeout)
	defer cancel()
	data, err := c.Crypt.Encrypt(ctx, text)
	if err != nil {
		return nil, fmt.Errorf("key cannot be encrypted (%s): %w", c.scheme, err)
	}
	return formatEncrypted(c.scheme, data), nil
}

func (c fileCrypt) Decrypt(ctx context.Context, text []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, cryptTimeout)
	defer cancel()
	scheme, data, err := parseEncrypted(text)
	switch {
	case err != nil:
		return nil, err
	case scheme != c.scheme:
		return nil, fmt.Errorf("it is encrypted by %s, and the URL that was given is one of %s", scheme, c.scheme)
	}
	out, err := c.Crypt.Decrypt(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("it cannot be decrypted (%s): it is encrypted with another key, or was altered: %w", scheme, err)
	}
	return out, nil
}

func formatEncrypted(scheme string, data []byte) []byte {
	return fmt.Appendf(nil, "%sby=%s data=%s\n", encryptedStart, scheme, base64.StdEncoding.EncodeToString(data))
}

// parseEncrypted reads what formatEncrypted returns, and nothing else.
func parseEncrypted(text []byte) (scheme string, data []byte, err error) {
	notWhole := errors.New("it begins like an encrypted key file and does not go on like one")
	rest, ok := strings.CutPrefix(strings.TrimRight(string(text), " \t\r\n"), encryptedStart+"by=")
	if !ok {
		return "", nil, errors.New("it is not encrypted")
	}
	scheme, text64, ok := strings.Cut(rest, " data=")
	if !ok {
		return "", nil, notWhole
	}
	data, err = base64.StdEncoding.Strict().DecodeString(text64)
	if err != nil || len(data) == 0 || !bytes.Equal(formatEncrypted(scheme, data), append(bytes.TrimRight(text, " \t\r\n"), '\n')) {
		return "", nil, notWhole
	}
	return scheme, data, nil
}

// url is where the key is that decrypts the file: as the source says, else as
// the environment does.
func (s Source) url() string {
	if s.URL != "" {
		return s.URL
	}
	return os.Getenv(URLEnv)
}

// Crypt returns what the key file is encrypted with, for who is to write it
// anew; nil where it is not encrypted. A file that is not, where it is said to
// be, is refused: it would stay so.
func (s Source) Crypt() (Crypt, error) {
	if s.File == "" {
		return nil, nil
	}
	text, err := read(s.File, true)
	if err != nil {
		return nil, err
	}
	if !encrypted(text) {
		if s.url() != "" {
			return nil, fmt.Errorf("key file %q is not encrypted, and there is a URL of the key that it is encrypted with: leave the URL away (%s, --key-url or url), or make another key with it", s.File, URLEnv)
		}
		return nil, nil
	}
	return s.openCrypt(fmt.Sprintf("%q", s.File))
}

func (s Source) openCrypt(name string) (Crypt, error) {
	url := s.url()
	if url == "" {
		return nil, fmt.Errorf("the key in %s is encrypted: set %s to the URL of the key that it is encrypted with", name, URLEnv)
	}
	c, err := OpenCrypt(url)
	if err != nil {
		return nil, fmt.Errorf("the key in %s is encrypted: %w", name, err)
	}
	return c, nil
}

// plain returns what a key file holds, decrypted where it is encrypted.
func (s Source) plain(text []byte, name string) ([]byte, error) {
	if !encrypted(text) {
		return text, nil
	}
	c, err := s.openCrypt(name)
	if err != nil {
		return nil, err
	}
	out, err := c.Decrypt(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("the key in %s: %w", name, err)
	}
	return out, nil
}
