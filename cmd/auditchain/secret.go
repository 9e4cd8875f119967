// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/auditchain/auditchain/processor/redact"
)

// maxSecret is the longest secret that is read, in bytes.
const maxSecret = 1 << 20

const fingerprintHelp = `With --fingerprint, standard input is one secret, and what its masks end in is
printed: <key id>:<12 hex digits>, to be looked for in what was redacted under that
key. Where the secret can be read in several ways (as it is written; with percent or
backslash escapes decoded; the password of Basic credentials; the body of a private
key), a line is printed for each, the first for how it is written. With --json it is
one object. Twelve digits are 48 bits: enough to find a secret, no proof. See also:
auditchain query --secret-stdin`

// fingerprint prints the fingerprints of the secret on standard input.
func (a *app) fingerprint(ctx context.Context, r *redact.Redactor, asJSON bool) error {
	secret, err := a.readSecret(ctx)
	if err != nil {
		return err
	}
	prints := r.Fingerprints(secret)
	if asJSON {
		return json.NewEncoder(a.stdout).Encode(struct {
			KeyID        string   `json:"key_id"`
			Fingerprints []string `json:"fingerprints"`
		}{r.KeyID(), prints})
	}
	if len(prints) > 1 {
		fmt.Fprintf(a.stderr, "the secret can be read in %d ways; the first line is for how it is written\n", len(prints))
	}
	_, err = fmt.Fprintln(a.stdout, strings.Join(prints, "\n"))
	return err
}

// errSecretArgument does not quote what may be the secret.
var errSecretArgument = usagef("there is an argument too many: a secret is read from standard input, and never is one")

// readSecret reads one secret from standard input, without the end of its line.
// It is never an argument, which other users of the machine could see. No error
// quotes it.
func (a *app) readSecret(ctx context.Context) (string, error) {
	if _, terminal := terminalWidth(a.stdin); terminal {
		return "", usagef("standard input is a terminal, which would show the secret; " +
			`give a file (< FILE), or pipe it in: read -rs S && printf %%s "$S" | auditchain ...`)
	}
	text, err := io.ReadAll(io.LimitReader(interruptible(ctx, a.stdin), maxSecret+int64(len("\r\n"))+1))
	if err != nil {
		if ctx.Err() != nil {
			return "", &exitError{code: exitInterrupted, err: errors.New("interrupted while the secret was read")}
		}
		return "", fmt.Errorf("standard input: %w", err)
	}
	if line, ok := bytes.CutSuffix(text, []byte("\n")); ok {
		text, _ = bytes.CutSuffix(line, []byte("\r"))
	}
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return "", usagef("standard input is empty; give one secret")
	case len(text) > maxSecret:
		return "", usagef("standard input has more than %d bytes; give one secret", maxSecret)
	}
	if n := bytes.Count(text, []byte("\n")) + 1; n > 1 && !bytes.Contains(text, []byte("-----BEGIN ")) {
		fmt.Fprintf(a.stderr, "standard input has %d lines, which are taken for one secret\n", n)
	}
	return string(text), nil
}
