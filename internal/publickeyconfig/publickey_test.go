// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package publickeyconfig

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

func TestConfig(t *testing.T) {
	secret, err := integrity.GenerateSigningKey(integrity.KindErasure)
	if err != nil {
		t.Fatal(err)
	}
	key := secret.Public()
	file := filepath.Join(t.TempDir(), "erasure.pub")
	if err := os.WriteFile(file, key.Text(), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{{File: file}, {Base64: key.Base64()}} {
		if err := c.Validate(); err != nil || c.IsZero() {
			t.Errorf("%+v: %v", c, err)
		}
		if got, err := c.Load(integrity.KindErasure); err != nil || got != key {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	if got, err := (Config{}).Load(integrity.KindErasure); err != nil || !got.IsZero() || !(Config{}).IsZero() {
		t.Errorf("none: %v, %v", got, err)
	}
	if _, err := (Config{File: file}).Load(integrity.KindCheckpoint); !errors.Is(err, integrity.ErrKeyKind) {
		t.Errorf("another kind: %v", err)
	}
	seed := string(secret.Text())
	for _, c := range []Config{{File: file, Base64: key.Base64()}, {Base64: "AAAA"}, {Base64: "?"}, {Base64: seed}, {Base64: string(key.Text())}} {
		if err := c.Validate(); err == nil || strings.Contains(err.Error(), "secret=") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
