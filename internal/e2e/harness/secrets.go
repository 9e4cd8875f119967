// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"index/suffixarray"
	"slices"
	"strings"
)

// Secrets are credentials of nobody in the shapes of real ones. They are put
// together at run time, so that no scanner finds a secret in this repository.
type Secrets struct {
	AWSKeyID, AWSSecret, GitHubPAT, JWT, Password string
}

// NewSecrets makes a new set.
func NewSecrets() Secrets {
	const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	pat := text(30, base62)
	return Secrets{
		AWSKeyID:  "AKIA" + text(16, base32),
		AWSSecret: text(40, base62+"+/"),
		// The last six characters are a checksum of the others.
		GitHubPAT: "ghp_" + pat + inBase(base62, crc32.ChecksumIEEE([]byte(pat)), 6),
		JWT: strings.Join([]string{
			base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)),
			base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":"agent","jti":%q}`, text(12, base62))),
			text(43, base62+"-_"),
		}, "."),
		Password: "Corr3ct-" + text(10, base62) + "!",
	}
}

// All is each secret by a readable name.
func (s Secrets) All() map[string]string {
	return map[string]string{
		"AWS access key id":     s.AWSKeyID,
		"AWS secret access key": s.AWSSecret,
		"GitHub token":          s.GitHubPAT,
		"JWT":                   s.JWT,
		"password":              s.Password,
	}
}

// Fill replaces the placeholders of examples/api-calls/api-calls.jsonl, such as
// {{github_pat}}, with the secrets.
func (s Secrets) Fill(text string) string {
	return strings.NewReplacer(
		"{{aws_key_id}}", s.AWSKeyID,
		"{{aws_secret}}", s.AWSSecret,
		"{{github_pat}}", s.GitHubPAT,
		"{{jwt}}", s.JWT,
		"{{password}}", s.Password,
	).Replace(text)
}

// text is n random characters of an alphabet.
func text(n int, alphabet string) string {
	random := make([]byte, n)
	_, _ = rand.Read(random) // never fails
	for i, b := range random {
		random[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(random)
}

func inBase(alphabet string, n uint32, digits int) string {
	out := make([]byte, digits)
	base := uint32(len(alphabet))
	for i := digits - 1; i >= 0; i-- {
		out[i] = alphabet[n%base]
		n /= base
	}
	return string(out)
}

// Finder looks for secrets in text that must not hold any. A secret counts as there
// when half of it is, or more, and at least six characters.
type Finder struct{ text, harmless *suffixarray.Index }

// NewFinder returns a Finder for text. What stands in harmless too (a name that a
// password happens to be made of) is not counted.
func NewFinder(text, harmless string) *Finder {
	return &Finder{suffixarray.New([]byte(text)), suffixarray.New([]byte(harmless))}
}

// Find returns a part of the secret that stands in the text, or "". It looks for the
// secret as it is and as a JSON string holds it, once and twice encoded.
func (f *Finder) Find(secret string) string {
	escaped := inJSON(secret)
	for _, form := range slices.Compact([]string{secret, escaped, inJSON(escaped)}) {
		n := max(6, (len(form)+1)/2)
		for i := 0; i+n <= len(form); i++ {
			part := []byte(form[i : i+n])
			if len(f.text.Lookup(part, 1)) > 0 && len(f.harmless.Lookup(part, 1)) == 0 {
				return string(part)
			}
		}
	}
	return ""
}

func inJSON(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return s // not possible for a string
	}
	return string(text[1 : len(text)-1])
}
