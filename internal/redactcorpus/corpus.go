// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package redactcorpus reads lines in which secrets were planted, and says
// whether one of them is left in what a redaction made of its line. The tests
// of processor/redact and the report that compares it with others judge by it
// alike.
package redactcorpus

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// A Sample is one line of a corpus: a serialised record, and the secrets that
// were planted in it.
type Sample struct {
	Line    string   `json:"line"`
	Planted []Secret `json:"planted"`
}

// A Secret is what must not be left: its kind, the context it was planted in,
// and its text as it stands in the line (as base64, for one in a Basic header).
type Secret struct {
	Kind string `json:"kind"`
	Ctx  string `json:"ctx"`
	Text string `json:"text"`
}

// Held says whether the sample belongs to the third that was set aside before
// any rule was written. It is not blind: the corpus comes from templates, which
// both parts share, so its score says how the rules do on other values, not on
// contexts they have not seen; and some of its clean lines were seen while
// serialised argv was worked on.
func (sm Sample) Held() bool {
	sum := sha256.Sum256([]byte(sm.Line))
	return sum[0]%3 == 0
}

// maxLine bounds a line of a corpus.
const maxLine = 16 << 20

// Read reads a corpus, one sample a line, in JSON.
func Read(path string) ([]Sample, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []Sample
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, maxLine)
	for sc.Scan() {
		var sm Sample
		if err := json.Unmarshal(sc.Bytes(), &sm); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, len(out)+1, err)
		}
		out = append(out, sm)
	}
	return out, sc.Err()
}

// Leaked says whether half or more of the secret, and at least six characters,
// stand in one piece in out. Of a secret that is shorter, the whole must.
func Leaked(out, secret string) bool {
	n := max(6, (len(secret)+1)/2)
	if n > len(secret) {
		return strings.Contains(out, secret)
	}
	for i := 0; i+n <= len(secret); i++ {
		if strings.Contains(out, secret[i:i+n]) {
			return true
		}
	}
	return false
}
