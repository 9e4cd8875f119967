// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

func TestCreateThenLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.key")
	k, err := integrity.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := Create(path, k); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	got, err := Load(Source{File: path})
	if err != nil || got.ID() != k.ID() {
		t.Errorf("loaded %v, %v", got, err)
	}
	if err := Create(path, k); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a second Create: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	secret := strings.Repeat("5e", 31)
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Setenv("AUDITCHAIN_TEST_SHORT", secret)
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	for _, c := range []struct {
		name string
		s    Source
		want string
	}{
		{"none", Source{}, "key new"},
		{"several", Source{File: "a", Env: "B"}, "only one"},
		{"missing file", Source{File: filepath.Join(dir, "no")}, "auditchain key new"},
		{"readable by others", Source{File: write("open", secret+"aa", 0o640)}, "chmod 600"},
		{"short", Source{File: write("short", secret, 0o600)}, "31 bytes"},
		{"empty", Source{File: write("empty", "", 0o600)}, "0 bytes"},
		{"large", Source{File: write("large", strings.Repeat("x", maxKeyFile+1), 0o600)}, "larger than"},
		{"directory", Source{File: dir}, "not a regular file"},
		{"environment unset", Source{Env: "AUDITCHAIN_TEST_NONE"}, "not set"},
		{"environment short", Source{Env: "AUDITCHAIN_TEST_SHORT"}, "AUDITCHAIN_TEST_SHORT"},
		{"no systemd", Source{Credential: "auditchain.key"}, "LoadCredential"},
	} {
		_, err := Load(c.s)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error holds the key", c.name)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(FileEnv, "")
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := Find(""); !errors.Is(err, ErrNoKey) {
		t.Errorf("nothing set: %v", err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if s, err := Find(""); err != nil || s.Credential != Credential {
		t.Errorf("credential: %+v %v", s, err)
	}
	k, err := integrity.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	// systemd's credentials are 0440, readable by the service alone.
	if err := os.WriteFile(filepath.Join(dir, Credential), k.Text(), 0o440); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(Source{Credential: Credential}); err != nil || got.ID() != k.ID() {
		t.Errorf("credential: %v %v", got, err)
	}
	if _, err := Load(Source{Credential: "../x"}); err == nil {
		t.Error("a credential name with a slash was accepted")
	}
	t.Setenv(FileEnv, "from-env")
	if s, err := Find(""); err != nil || s.File != "from-env" {
		t.Errorf("environment: %+v %v", s, err)
	}
	if s, err := Find("given"); err != nil || s.File != "given" {
		t.Errorf("given: %+v %v", s, err)
	}
}
