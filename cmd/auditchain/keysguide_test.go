// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The commands of docs/KEYS.md do what it says, in its order.
func TestKeysGuide(t *testing.T) {
	newKey(t)
	g := newGuideOf(t, "../../docs/KEYS.md")
	if err := os.Mkdir(filepath.Join(g.mnt, "usb"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(g.dir, "events.jsonl"), []byte(apiCalls(3)))
	t.Setenv("AUDITCHAIN_KEY_FILE", "audit.key")
	t.Setenv("AUDITCHAIN_KEY_URL", "")
	for _, step := range []struct {
		block string
		want  []string
	}{
		{"new", []string{"away from this host"}},
		{"begin", []string{"3 sealed", "forward-secure key in epoch 0 since"}},
		{"verify", []string{": verified\n"}},
		{"credential", []string{"static key"}},
		{"epochs", []string{"3 sealed", `"kind":"forward-secure"`}},
		{"rotate", []string{"goes on under key", "3 sealed"}},
		{"rotate-verify", []string{": verified\n", "9 records"}},
		{"rotate-to", []string{"goes on under key"}},
		{"public", []string{"auditchain-key v1 checkpoint-public id=", "\nauditchain/"}},
		{"signer", []string{"checkpoints are signed by key", "3 sealed"}},
		{"erasure", []string{"take", "3 sealed"}},
		{"encrypted", []string{"3 sealed", "the file is encrypted"}},
	} {
		out := g.run(t, step.block)
		for _, want := range step.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s printed %q, and not %q", step.block, out, want)
			}
		}
		if strings.Contains(out, "secret=") {
			t.Errorf("%s printed a secret", step.block)
		}
	}
	if _, err := os.Stat(filepath.Join(g.dir, "next.key")); !os.IsNotExist(err) {
		t.Errorf("the file of the key that took the place is still there: %v", err)
	}
	for name := range g.blocks {
		if !g.ran[name] {
			t.Errorf("block %q of the guide is not run", name)
		}
	}
}
