// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/timestamp/tsatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func authority(t testing.TB, url string, roots *x509.CertPool) *Authority {
	t.Helper()
	a, err := New(Options{URL: url, Roots: roots})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newNote is a signed checkpoint of a size.
func newNote(t testing.TB, size uint64) []byte {
	t.Helper()
	key, err := integrity.NewSigningKey(integrity.KindCheckpoint, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	note, err := integrity.Checkpoint{Chain: integrity.ChainID{1}, Size: size, Root: integrity.Leaf([]byte{byte(size)})}.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

// What a real authority gives is taken, by us and by openssl.
func TestTimestamp(t *testing.T) {
	tsa := tsatest.New(t)
	note := newNote(t, 42)
	for _, section := range []string{"policy", "older"} {
		before := time.Now().Add(-2 * time.Second) // its time has whole seconds
		token, err := authority(t, tsa.URL+"?section="+section, tsa.Roots()).Timestamp(t.Context(), note)
		if err != nil {
			t.Fatalf("%s: %v", section, err)
		}
		when, err := Check(token, note, tsa.Roots())
		if err != nil || when.Before(before) || when.After(time.Now().Add(2*time.Second)) {
			t.Errorf("%s: %v, %v", section, when, err)
		}
		if _, err := Check(token, note, nil); err != nil {
			t.Errorf("%s, without roots: %v", section, err)
		}
		imprint, err := integrity.TimestampImprint(token)
		if err != nil || imprint != sha256.Sum256(note) {
			t.Errorf("%s: imprint %v, %v", section, imprint, err)
		}
		tsa.Write("token", token)
		tsa.Write("note", note)
		out := tsa.Run("ts", "-verify", "-data", "note", "-in", "token", "-token_in", "-CAfile", "ca.pem")
		if !strings.Contains(out, "Verification: OK") {
			t.Errorf("%s: openssl says %q", section, out)
		}
		tsa.Write("note", newNote(t, 43))
		if _, err := tsa.Try("ts", "-verify", "-data", "note", "-in", "token", "-token_in", "-CAfile", "ca.pem"); err == nil {
			t.Errorf("%s: openssl takes it for another note", section)
		}
	}
}

// Each change of a token is one that is refused.
func TestCheckRefuses(t *testing.T) {
	tsa := tsatest.New(t)
	note := newNote(t, 42)
	token, err := authority(t, tsa.URL, nil).Timestamp(t.Context(), note)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(token, newNote(t, 43), tsa.Roots()); !errors.Is(err, ErrImprint) {
		t.Errorf("another note: %v", err)
	}
	if _, err := Check(token, note, tsatest.New(t).Roots()); !errors.Is(err, ErrAuthority) {
		t.Errorf("another root: %v", err)
	}
	if _, err := Check(token, note, x509.NewCertPool()); !errors.Is(err, ErrAuthority) {
		t.Errorf("no root: %v", err)
	}
	for n := range token {
		if _, err := Check(token[:n], note, nil); err == nil {
			t.Fatalf("the first %d of %d bytes pass", n, len(token))
		}
	}
	if _, err := Check(append(token[:len(token):len(token)], 0), note, nil); !errors.Is(err, integrity.ErrNotTimestamp) {
		t.Error("a byte behind it passes")
	}
	// What is not covered by the signature may be changed: certificates that
	// did not sign, say. The time may not.
	when, err := Check(token, note, tsa.Roots())
	if err != nil {
		t.Fatal(err)
	}
	tsa.Write("token", token)
	tsa.Run("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "tstinfo", "-binary")
	info, err := os.ReadFile(filepath.Join(tsa.Dir, "tstinfo"))
	if err != nil {
		t.Fatal(err)
	}
	signed := bytes.Index(token, info)
	if signed < 0 || len(info) < 64 {
		t.Fatalf("the signed part is not in the token")
	}
	passed := 0
	for i := range token {
		other := append([]byte(nil), token...)
		other[i] ^= 1
		if got, err := Check(other, note, tsa.Roots()); err == nil {
			passed++
			if i >= signed && i < signed+len(info) {
				t.Errorf("byte %d of the signed part may be changed", i-signed)
			}
			if !got.Equal(when) {
				t.Fatalf("byte %d: the time %v passes for %v", i, got, when)
			}
		}
	}
	if passed > len(token)/2 {
		t.Errorf("of %d changes, %d pass", len(token), passed)
	}
}

// A certificate that is for something else than time stamps is refused, also
// where its chain is right; openssl itself would not sign with it.
func TestCertificateForSomethingElse(t *testing.T) {
	tsa := tsatest.New(t)
	note := newNote(t, 1)
	tsa.Certificate("web", "rsa:2048")
	tsa.Write("content", []byte("x"))
	// A CMS signature by it over a genuine TSTInfo.
	token, err := authority(t, tsa.URL, nil).Timestamp(t.Context(), note)
	if err != nil {
		t.Fatal(err)
	}
	tsa.Write("token", token)
	tsa.Run("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "tstinfo", "-binary")
	tsa.Run("cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-cades",
		"-signer", "web.pem", "-inkey", "web.key", "-md", "sha256", "-in", "tstinfo", "-outform", "DER", "-out", "forged")
	forged, err := os.ReadFile(filepath.Join(tsa.Dir, "forged"))
	if err != nil {
		t.Fatal(err)
	}
	if imprint, err := integrity.TimestampImprint(forged); err != nil || imprint != sha256.Sum256(note) {
		t.Fatalf("the forgery is no good one: %v", err)
	}
	for _, roots := range []*x509.CertPool{nil, tsa.Roots()} {
		if _, err := Check(forged, note, roots); !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), "not for time stamps") {
			t.Errorf("error is %v", err)
		}
	}
	// And one that does not name its certificate.
	tsa.Run("cms", "-sign", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4",
		"-signer", "tsa.pem", "-inkey", "tsa.key", "-md", "sha256", "-in", "tstinfo", "-outform", "DER", "-out", "forged")
	if forged, err = os.ReadFile(filepath.Join(tsa.Dir, "forged")); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(forged, note, tsa.Roots()); !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), "does not name") {
		t.Errorf("error is %v", err)
	}
}

// Answers that are no good.
func TestBadAnswers(t *testing.T) {
	tsa := tsatest.New(t)
	note := newNote(t, 5)
	// An answer to a request that was made before, about the same note.
	old := func() []byte {
		tsa.Write("note", note)
		tsa.Run("ts", "-query", "-data", "note", "-sha256", "-cert", "-out", "first")
		q, err := os.ReadFile(filepath.Join(tsa.Dir, "first"))
		if err != nil {
			t.Fatal(err)
		}
		return tsa.Reply(q, "policy")
	}()
	noNonce := func() []byte {
		tsa.Run("ts", "-query", "-data", "note", "-sha256", "-cert", "-no_nonce", "-out", "first")
		q, err := os.ReadFile(filepath.Join(tsa.Dir, "first"))
		if err != nil {
			t.Fatal(err)
		}
		return tsa.Reply(q, "policy")
	}()
	noCert := func() []byte {
		tsa.Run("ts", "-query", "-data", "note", "-sha256", "-out", "first")
		q, err := os.ReadFile(filepath.Join(tsa.Dir, "first"))
		if err != nil {
			t.Fatal(err)
		}
		return tsa.Reply(q, "policy")
	}()
	tsa.Write("note", newNote(t, 6))
	tsa.Run("ts", "-query", "-data", "note", "-sha256", "-cert", "-out", "first")
	q, err := os.ReadFile(filepath.Join(tsa.Dir, "first"))
	if err != nil {
		t.Fatal(err)
	}
	other := tsa.Reply(q, "policy")

	const words = "no time for you\x1b[31m"
	for _, c := range []struct {
		name   string
		status int
		answer []byte
		want   error
		says   string
	}{
		{"refused", 200, append([]byte{0x30, 27, 0x30, 25, 2, 1, 2, 0x30, 20, 0x0c, 18}, words[:18]...), ErrRefused, "status 2"},
		{"of another request", 200, old, ErrRefused, "nonce"},
		{"without a nonce", 200, noNonce, ErrRefused, "nonce"},
		{"without a certificate", 200, noCert, ErrSignature, ""},
		{"about something else", 200, other, ErrImprint, "not about"},
		{"garbage", 200, []byte("<html>hello</html>"), ErrRefused, "no time-stamp response"},
		{"empty", 200, nil, ErrRefused, "no time-stamp response"},
		{"no token", 200, []byte{0x30, 5, 0x30, 3, 2, 1, 0}, ErrRefused, "holds none"},
		{"too large", 200, make([]byte, maxResponse+1), ErrRefused, "larger than"},
		{"a status of HTTP", 503, nil, ErrRefused, "503"},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write(c.answer)
		}))
		token, err := authority(t, srv.URL, nil).Timestamp(t.Context(), note)
		srv.Close()
		if token != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: the error has what the authority said as it is", c.name)
		}
	}
	// openssl's own refusal: it does not take SHA-256 here.
	if _, err := authority(t, tsa.URL+"?section=strict", nil).Timestamp(t.Context(), note); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "bad algorithm") {
		t.Errorf("an algorithm that it does not take: %v", err)
	}
	// A wrong authority.
	if _, err := authority(t, tsa.URL, tsatest.New(t).Roots()).Timestamp(t.Context(), note); !errors.Is(err, ErrAuthority) {
		t.Errorf("another root: %v", err)
	}
}

// An authority that never answers holds nobody up beyond the context, nor
// beyond the timeout.
func TestNoAnswer(t *testing.T) {
	asked, done := make(chan struct{}, 2), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-done
	}))
	defer srv.Close()
	defer close(done)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := authority(t, srv.URL, nil).Timestamp(ctx, newNote(t, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	a, err := New(Options{URL: srv.URL, Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Timestamp(t.Context(), newNote(t, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

func TestRedirects(t *testing.T) {
	tsa := tsatest.New(t)
	var to string
	var status int
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, status)
	}))
	defer srv.Close()
	for _, c := range []struct {
		to     string
		status int
		says   string // "" for a token
	}{
		{tsa.URL, http.StatusTemporaryRedirect, ""},
		{tsa.URL, http.StatusFound, "without the request"},
		{strings.Replace(tsa.URL, "http:", "https:", 1), http.StatusTemporaryRedirect, "from http to https"},
		{"file:///etc/passwd", http.StatusTemporaryRedirect, "from http to file"},
		{srv.URL, http.StatusTemporaryRedirect, "too often"},
	} {
		to, status = c.to, c.status
		_, err := authority(t, srv.URL, nil).Timestamp(t.Context(), newNote(t, 1))
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%d to %s: %v", c.status, c.to, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, u := range []string{"", "tsa.example", "ftp://tsa.example/", "https://", "https://me:secret@tsa.example/", "://"} {
		if _, err := New(Options{URL: u}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := New(Options{URL: "https://tsa.example/", Timeout: -1}); err == nil {
		t.Error("a negative timeout is taken")
	}
	dir := t.TempDir()
	if _, err := LoadRoots(tsatest.New(t).CA); err != nil {
		t.Error(err)
	}
	if _, err := LoadRoots(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("no pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRoots(filepath.Join(dir, "empty")); err == nil || !strings.Contains(err.Error(), "none in PEM") {
		t.Errorf("error is %v", err)
	}
}

// Nothing that comes from a network ends the program.
func FuzzCheck(f *testing.F) {
	note := newNote(f, 1)
	token, err := os.ReadFile(filepath.Join("testdata", "token.der"))
	if err != nil {
		f.Fatal(err)
	}
	if _, err := Check(token, note, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Fuzz(func(t *testing.T, token []byte) {
		_, _ = Check(token, note, nil)
		_, _ = granted(token)
		_, _, _ = read(token)
	})
}
