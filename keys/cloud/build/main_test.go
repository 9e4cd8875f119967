// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocloud.dev/secrets"

	_ "github.com/auditchain/auditchain/keys/cloud/awskms"
	_ "github.com/auditchain/auditchain/keys/cloud/azurekeyvault"
	_ "github.com/auditchain/auditchain/keys/cloud/gcpkms"
	_ "github.com/auditchain/auditchain/keys/cloud/hashivault"
)

// Every service that can be named has a package, and that registers its scheme.
func TestServices(t *testing.T) {
	for _, s := range services {
		if !secrets.DefaultURLMux().ValidKeeperScheme(s) {
			t.Errorf("%s is not registered", s)
		}
		if _, err := os.Stat(filepath.Join("..", s, s+".go")); err != nil {
			t.Error(err)
		}
	}
	known, err := os.ReadFile("../../../internal/keyfile/keycrypt/keycrypt.go")
	if err != nil {
		t.Fatal(err)
	}
	if want := `[]string{"` + strings.Join(services, `", "`) + `"}`; !strings.Contains(string(known), want) {
		t.Errorf("package keycrypt, which names them in its errors, does not have %s", want)
	}
}

func TestRefuses(t *testing.T) {
	for _, with := range [][]string{nil, {"../x"}, {"awskms", "nothing"}} {
		if err := build("../../..", "./cmd/auditchain", filepath.Join(t.TempDir(), "out"), with); err == nil {
			t.Errorf("%q was accepted", with)
		}
	}
}
