// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package tsatest is a time-stamp authority for tests: the openssl program,
// asked over HTTP.
package tsatest

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Authority is a time-stamp authority with a root and a certificate of its own.
type Authority struct {
	t testing.TB
	// Dir is the folder that openssl runs in, URL where it is asked, CA the
	// file of its root. A query "section" of the URL names the policy.
	Dir, URL, CA string

	mu sync.Mutex // one reply at a time
}

const opensslConfig = `
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[tsa]
basicConstraints = CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[web]
basicConstraints = CA:false
extendedKeyUsage = serverAuth
[policy]
serial = serial
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[older]
serial = serial
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
signer_digest = sha512
ess_cert_id_alg = sha1
[strict]
serial = serial
default_policy = 1.3.6.1.4.1.99999.1
digests = sha512
signer_digest = sha256
`

// New starts an authority, which ends with the test. Where there is no openssl
// the test is skipped, but on CI.
func New(t testing.TB) *Authority {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("the openssl program is not installed")
	}
	a := &Authority{t: t, Dir: t.TempDir()}
	a.CA = filepath.Join(a.Dir, "ca.pem")
	a.Write("config", []byte(opensslConfig))
	a.Write("serial", []byte("01\n"))
	a.Run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
		"-out", "ca.pem", "-days", "2", "-subj", "/CN=test root", "-config", "config", "-extensions", "ca")
	a.Certificate("tsa", "rsa:2048")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
			t.Errorf("request %s %s: %v", r.Method, r.Header, err)
		}
		section := "policy"
		if s := r.URL.Query().Get("section"); s != "" {
			section = s
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(a.Reply(body, section))
	}))
	t.Cleanup(srv.Close)
	a.URL = srv.URL
	return a
}

// Certificate makes a key and a certificate by the root, for what a section
// of the configuration says.
func (a *Authority) Certificate(name, algorithm string, options ...string) {
	a.t.Helper()
	a.Run(append([]string{"req", "-new", "-newkey", algorithm, "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
		"-subj", "/CN=test " + name, "-config", "config"}, options...)...)
	a.Run("x509", "-req", "-in", name+".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1",
		"-out", name+".pem", "-extfile", "config", "-extensions", name)
}

// Reply answers a request, as section of the configuration says.
func (a *Authority) Reply(request []byte, section string) []byte {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	query := a.Write("query", request)
	a.Run("ts", "-reply", "-config", "config", "-section", section, "-queryfile", query,
		"-signer", "tsa.pem", "-inkey", "tsa.key", "-chain", "ca.pem", "-out", "reply")
	out, err := os.ReadFile(filepath.Join(a.Dir, "reply"))
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// Write writes a file in Dir, and returns its path.
func (a *Authority) Write(name string, text []byte) string {
	a.t.Helper()
	path := filepath.Join(a.Dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// Run runs openssl in Dir.
func (a *Authority) Run(args ...string) string {
	a.t.Helper()
	out, err := a.Try(args...)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

// Try is Run where openssl may refuse.
func (a *Authority) Try(args ...string) (string, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = a.Dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("openssl %v: %w\n%s", args, err, bytes.TrimSpace(out))
	}
	return string(out), nil
}

// Roots is the root of the authority.
func (a *Authority) Roots() *x509.CertPool {
	a.t.Helper()
	text, err := os.ReadFile(a.CA)
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(text) {
		a.t.Fatalf("no root: %v", err)
	}
	return roots
}
