// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keycrypt_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/internal/keyfile/keycrypt"
)

// secretURL is the URL of a key of 32 bytes; the secret in it is recognisable.
func secretURL(b byte) string {
	return "base64key://" + base64.URLEncoding.EncodeToString([]byte(strings.Repeat(string(rune(b)), 32)))
}

func put(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.key")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func forwardState(t *testing.T) integrity.KeyState {
	t.Helper()
	k, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	chain, err := integrity.ParseChainID("5c0e2f9a-1111-4222-8333-444455556666")
	if err != nil {
		t.Fatal(err)
	}
	return integrity.KeyState{Key: k.Next().Next(), Chain: chain, Position: integrity.Position{First: 1, Seq: 1 << 60, Size: 1 << 60}}
}

func encrypt(t *testing.T, url string, text []byte) []byte {
	t.Helper()
	c, err := keyfile.OpenCrypt(url)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Encrypt(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	back, err := c.Decrypt(context.Background(), out)
	if err != nil || string(back) != string(text) {
		t.Fatalf("decrypted to %d bytes, %v", len(back), err)
	}
	return out
}

// An encrypted key file is read with the URL of the source or the environment,
// and only with that.
func TestEncrypted(t *testing.T) {
	state := forwardState(t)
	sealed := encrypt(t, secretURL('a'), state.Text())
	if strings.Contains(string(sealed), "secret=") || !strings.HasPrefix(string(sealed), "auditchain-key v1 encrypted by=base64key data=") {
		t.Fatalf("the file holds %q", sealed)
	}
	path := put(t, sealed)
	t.Setenv(keyfile.URLEnv, "")

	got, err := keyfile.LoadState(keyfile.Source{File: path, URL: secretURL('a')})
	if err != nil || got.Key.ID() != state.Key.ID() || got.Key.Epoch() != 2 || got.Seq != 1<<60 {
		t.Errorf("by the source: %+v, %v", got, err)
	}
	c, err := keyfile.Source{File: path, URL: secretURL('a')}.Crypt()
	if err != nil || c == nil {
		t.Errorf("the file is encrypted: %v, %v", c, err)
	}
	if _, err := keyfile.Load(keyfile.Source{File: path}); err == nil || !strings.Contains(err.Error(), "set AUDITCHAIN_KEY_URL") {
		t.Errorf("without a URL: %v", err)
	}
	// Whoever is not told of the encryption must not take it for a key.
	if _, err := integrity.ParseKeyState(sealed); err == nil {
		t.Error("the encrypted file passes for a key")
	}

	t.Setenv(keyfile.URLEnv, secretURL('a'))
	if found, err := keyfile.LoadAny(keyfile.Source{File: path}); err != nil || !found.Encrypted || found.Kind != keyfile.KindForward {
		t.Errorf("by the environment: %+v, %v", found, err)
	}
	t.Setenv("AUDITCHAIN_TEST_SEALED", string(sealed))
	if k, err := keyfile.Load(keyfile.Source{Env: "AUDITCHAIN_TEST_SEALED"}); err != nil || k.ID() != state.Key.ID() {
		t.Errorf("from a variable: %v, %v", k, err)
	}

	sign, err := integrity.GenerateSigningKey(integrity.KindCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+keyfile.CheckpointSuffix, encrypt(t, secretURL('a'), sign.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	if k, err := keyfile.BesideKey(keyfile.Source{File: path}); err != nil || k.ID() != sign.ID() {
		t.Errorf("beside it: %v, %v", k, err)
	}

	// A file that is not encrypted can be read, and is not written again as it is.
	plain := put(t, state.Text())
	if _, err := keyfile.LoadState(keyfile.Source{File: plain}); err != nil {
		t.Errorf("a plain file: %v", err)
	}
	if _, err := (keyfile.Source{File: plain}).Crypt(); err == nil || !strings.Contains(err.Error(), "is not encrypted") {
		t.Errorf("a plain file, for writing: %v", err)
	}
	t.Setenv(keyfile.URLEnv, "")
	if c, err := (keyfile.Source{File: plain}).Crypt(); err != nil || c != nil {
		t.Errorf("a plain file, without a URL: %v, %v", c, err)
	}
}

// Every way in which it cannot be read is said, and nothing secret with it.
func TestEncryptedRefuses(t *testing.T) {
	t.Setenv(keyfile.URLEnv, "")
	state := forwardState(t)
	sealed := encrypt(t, secretURL('a'), state.Text())
	start, data, _ := strings.Cut(strings.TrimSpace(string(sealed)), "data=")
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	again := func(raw []byte) []byte {
		return []byte(start + "data=" + base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	flipped := append([]byte{}, raw...)
	flipped[len(flipped)/2] ^= 1
	short := base64.URLEncoding.EncodeToString([]byte(strings.Repeat("a", 31)))
	for _, c := range []struct {
		name, url string
		text      []byte
		want      string
	}{
		{"another key", secretURL('b'), sealed, "encrypted with another key, or was altered"},
		{"cut in base64", secretURL('a'), sealed[:len(sealed)-3], "does not go on like one"},
		{"cut at a byte", secretURL('a'), again(raw[:len(raw)-1]), "another key, or was altered"},
		{"cut below a nonce", secretURL('a'), again(raw[:10]), "invalid message length"},
		{"nothing left", secretURL('a'), []byte(start + "data=\n"), "does not go on like one"},
		{"altered", secretURL('a'), again(flipped), "another key, or was altered"},
		{"more behind it", secretURL('a'), append(append([]byte{}, sealed...), "x=y"...), "does not go on like one"},
		{"another scheme in it", secretURL('a'), []byte(strings.Replace(string(sealed), "base64key", "awskms", 1)), "encrypted by awskms"},
		{"no key in the URL", "base64key://", sealed, "has no key behind it"},
		{"a short key in the URL", "base64key://" + short, sealed, "not 32 bytes"},
		{"no base64 in the URL", "base64key://" + strings.Repeat("a", 40) + "!", sealed, "not 32 bytes"},
		{"no URL", strings.Repeat("a", 40), sealed, "is no URL"},
		{"a service that is not built in", "awskms://" + strings.Repeat("a", 40), sealed, "keys/cloud/awskms"},
		{"an unknown scheme", "base64keys://" + strings.Repeat("a", 40), sealed, `scheme "base64keys", only those of base64key`},
	} {
		_, err := keyfile.LoadState(keyfile.Source{File: put(t, c.text), URL: c.url})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.want)
			continue
		}
		_, secret, _ := strings.Cut(c.url, "://")
		for _, s := range []string{secret, c.url, strings.Repeat("a", 20), data} {
			if s != "" && s != "base64key://" && strings.Contains(err.Error(), s) {
				t.Errorf("%s: the error holds a secret: %v", c.name, err)
			}
		}
	}
}

func TestOpenHidesURL(t *testing.T) {
	for _, url := range []string{"nothing://user:hunter2@host/x?token=hunter2", "awskms://hunter2", "base64key://hunter2", "://hunter2", "hunter2"} {
		if _, err := keycrypt.Open(t.Context(), url); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
