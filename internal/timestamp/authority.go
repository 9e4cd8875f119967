// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/digitorus/timestamp"

	"github.com/auditchain/auditchain/integrity"
)

// DefaultTimeout is how long an answer may take.
const DefaultTimeout = 15 * time.Second

// ErrRefused is returned when the authority did not grant a time stamp, or
// what it answered is not one.
var ErrRefused = errors.New("the time-stamp authority gave no time stamp")

// maxResponse bounds an answer: a token and the status around it.
const maxResponse = integrity.MaxTimestampToken + 1<<10

// Options says which authority is asked.
type Options struct {
	// URL is that of the authority, http or https (RFC 3161, section 3.4). A
	// token is signed, so plain http is usual, and nothing but a hash is sent.
	URL string
	// Roots, where they are set, are those that the certificate of the
	// authority must lead to. They are not about TLS.
	Roots *x509.CertPool
	// Timeout bounds a request; 0 means DefaultTimeout.
	Timeout time.Duration
}

// Authority asks a time-stamp authority. It may be used by several goroutines,
// and holds nothing open between requests.
type Authority struct {
	url    string
	roots  *x509.CertPool
	client *http.Client
}

// New makes an Authority. It asks nobody yet.
func New(o Options) (*Authority, error) {
	if err := CheckURL(o.URL); err != nil {
		return nil, err
	}
	if o.Timeout < 0 {
		return nil, fmt.Errorf("timeout %v is negative", o.Timeout)
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // one request a minute, at most
	return &Authority{url: o.URL, roots: o.Roots, client: &http.Client{
		Transport:     transport,
		Timeout:       o.Timeout,
		CheckRedirect: redirect,
	}}, nil
}

// CheckURL reports what is wrong with the URL of an authority.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		// Not quoted: it may hold a password.
		return errors.New("the url of a time-stamp authority is one such as https://tsa.example/tsr")
	case u.User != nil:
		return errors.New("the url of a time-stamp authority must not hold a user or a password, which would be in logs")
	}
	return nil
}

// maxRedirects is how often an authority may send elsewhere.
const maxRedirects = 3

func redirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return errors.New("it redirects too often")
	case req.URL.Scheme != via[0].URL.Scheme:
		return fmt.Errorf("it redirects from %s to %s; configure the url that it leads to", via[0].URL.Scheme, req.URL.Scheme)
	case req.Method != http.MethodPost:
		return errors.New("it redirects without the request (status 301 to 303); configure the url that it leads to")
	}
	return nil
}

// Timestamp returns a TimeStampToken (DER) over SHA-256 of the whole note. It
// fits journal.Checkpoint.Timestamp.
func (a *Authority) Timestamp(ctx context.Context, note []byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fmt.Errorf("no randomness for a nonce: %w", err)
	}
	sum := sha256.Sum256(note)
	request, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true, Nonce: nonce}).Marshal()
	if err != nil {
		return nil, fmt.Errorf("time-stamp request: %w", err)
	}
	answer, err := a.post(ctx, request)
	if err != nil {
		return nil, err
	}
	token, err := granted(answer)
	if err != nil {
		return nil, err
	}
	t, err := parse(token, note, a.roots)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if t.Nonce == nil || t.Nonce.Cmp(nonce) != 0 {
		return nil, fmt.Errorf("%w: the answer is to another request (its nonce)", ErrRefused)
	}
	return token, nil
}

func (a *Authority) post(ctx context.Context, request []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(request))
	if err != nil {
		return nil, fmt.Errorf("time-stamp request: %w", err)
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	req.Header.Set("Accept", "application/timestamp-reply")
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the time-stamp authority cannot be asked: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: HTTP status %d", ErrRefused, resp.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer of the time-stamp authority cannot be read: %w", err)
	case len(answer) > maxResponse:
		return nil, fmt.Errorf("%w: its answer is larger than %d bytes", ErrRefused, maxResponse)
	}
	return answer, nil
}

// LoadRoots reads certificates from a PEM file.
func LoadRoots(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("certificates of the time-stamp authority: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("certificates of the time-stamp authority: %q has none in PEM form", path)
	}
	return roots, nil
}
