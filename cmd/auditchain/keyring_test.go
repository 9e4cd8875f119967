// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/integrity"
)

// The verification key leads, what the host's key file says of the chain is
// kept, and the keys before it are taken along, each once.
func TestKeyRing(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, text []byte) string {
		t.Helper()
		file := filepath.Join(dir, name)
		write(t, file, text)
		return file
	}
	forward, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	old, err := integrity.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	chain, err := integrity.ParseChainID("5c0e2f9a-1111-4222-8333-444455556666")
	if err != nil {
		t.Fatal(err)
	}
	third := forward.Next().Next().Next()
	host := put("audit.key", integrity.KeyState{Key: third, Chain: chain, Position: integrity.Position{First: 1, Seq: 9, Size: 900}}.Text())
	put("audit.key."+old.ID(), old.Text())
	put("audit.key.checkpoint", []byte("no key of a chain"))
	put("audit.key.0123456789ABCDEF", []byte("no key at all"))
	put("other.key."+old.ID(), []byte("beside another key"))
	off := put("usb", forward.ForVerifying().Text())

	t.Setenv("AUDITCHAIN_KEY_FILE", host)
	for name, files := range map[string][]string{"both": {host, off}, "the other way round": {off, host}, "twice": {off, host, off, host}} {
		r, err := loadKeyRing(files)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !r.Key.VerifyOnly() || r.Key.Epoch() != 0 || r.Name != off || !r.Key.Same(forward) {
			t.Errorf("%s: the main key is %v at epoch %d of %q", name, r.Key, r.Key.Epoch(), r.Name)
		}
		if r.State.Seq != 9 || r.State.Key.Epoch() != 3 {
			t.Errorf("%s: state %+v", name, r.State)
		}
		if len(r.Keys) != 1 || !r.Keys[0].Same(old) {
			t.Errorf("%s: further keys %v", name, r.Keys)
		}
	}
	r, err := loadKeyRing(nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Key.VerifyOnly() || r.Key.Epoch() != 3 || len(r.Keys) != 1 || r.Name != host {
		t.Errorf("from the environment: %+v", r)
	}

	// A verification key of the key before leads, but for that of the key
	// that was given first.
	before, err := integrity.GenerateForwardKey()
	if err != nil {
		t.Fatal(err)
	}
	r, err = loadKeyRing([]string{host, put("usb-before", before.ForVerifying().Text()), off})
	if err != nil || !r.Key.Same(forward) || len(r.Keys) != 2 {
		t.Errorf("%+v, %v", r, err)
	}

	// What is beside the key and cannot be read is said, not passed over.
	put("audit.key.00112233aabbccdd", []byte("short"))
	if _, err := loadKeyRing(nil); err == nil || !strings.Contains(err.Error(), "audit.key.00112233aabbccdd") {
		t.Errorf("a bad key beside it: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "audit.key.00112233aabbccdd")); err != nil {
		t.Fatal(err)
	}
	if _, err := loadKeyRing([]string{host, ""}); err == nil {
		t.Error("an empty name was accepted")
	}
}
