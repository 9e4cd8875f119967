// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// A terminal would show the secret: it is refused, with what to do instead.
func TestSecretIsNotTyped(t *testing.T) {
	file, _ := fingerprintKey(t, "5a")
	for _, args := range []string{"redact --fingerprint --fingerprint-key-file " + file, "query --secret-stdin --fingerprint-key-file " + file + " none.jsonl"} {
		term := newTerminal(t, 80)
		var stdout, stderr bytes.Buffer
		code := runContext(context.Background(), strings.Fields(args), term.tty, &stdout, &stderr)
		if shown := term.read(t); code != exitUsage || shown != "" || stdout.Len() > 0 || !strings.Contains(stderr.String(), "read -rs S") {
			t.Errorf("%.20s: exit code %d, %q, %q, the terminal shows %q", args, code, stdout.String(), stderr.String(), shown)
		}
	}
}
