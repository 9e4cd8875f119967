// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/auditchain/auditchain/audit"
)

const secretHelp = `--secret-stdin reads one secret from standard input and prints the records in which it
was masked, among those that the other flags choose. It goes by the fingerprints in
the masks: only what was masked under the key of --fingerprint-key-file can match,
and a match is 48 equal bits, which is no proof. How many records have masks under
another key, or without a fingerprint, is said: of those, nobody can tell. What was
never found to be a secret is in no mask: look for that with other tools. Nothing
of the secret is stored or printed.`

// secretFlags say which secret is looked for.
type secretFlags struct {
	stdin          bool
	fingerprintKey string
}

// secretSearch looks for the masks of a secret.
type secretSearch struct {
	keyID  string
	prints map[string]bool // "<key id>:<12 hex digits>"

	looked   int64 // records that it was asked about
	otherKey int64 // that have masks under another key
	noPrint  int64 // that have masks without a fingerprint
}

// search reads the secret; nil where none is looked for.
func (f *secretFlags) search(ctx context.Context, a *app) (*secretSearch, error) {
	switch {
	case !f.stdin && f.fingerprintKey == "":
		return nil, nil
	case !f.stdin:
		return nil, usagef("--fingerprint-key-file goes with --secret-stdin")
	case f.fingerprintKey == "":
		return nil, usagef("--secret-stdin needs the key that the records were redacted with: give --fingerprint-key-file")
	}
	r, err := (&redactionFlags{fingerprintKey: f.fingerprintKey}).redactor()
	if err != nil {
		return nil, err
	}
	secret, err := a.readSecret(ctx)
	if err != nil {
		return nil, err
	}
	s := &secretSearch{keyID: r.KeyID(), prints: map[string]bool{}}
	for _, text := range []string{secret, inBase64(secret), inBase64(secret + "\n")} {
		for _, fp := range r.Fingerprints(text) {
			s.prints[fp] = true
		}
	}
	return s, nil
}

// inBase64 is the secret as a Kubernetes Secret holds it, which is masked as it
// stands there.
func inBase64(secret string) string { return base64.StdEncoding.EncodeToString([]byte(secret)) }

// markerForm is any marker, also of a kind that somebody's own rules brought,
// with what says which secret it stands for. What only looks like one matches
// nothing: its last part would have to be an HMAC.
var markerForm = regexp.MustCompile(`\[REDACTED:[a-z0-9][a-z0-9-]*(?::\*{4}[A-Z0-9]{4})?(?::([0-9a-f]{8}):([0-9a-f]{12}))?\]`)

// masks is what the markers of one record say.
type masks struct{ match, otherKey, noPrint bool }

// in reports whether the secret was masked in the record, and counts the record
// where its masks do not tell.
func (s *secretSearch) in(e *audit.Entry) (bool, error) {
	var m masks
	text, err := e.MarshalJSON()
	if err != nil {
		return false, err
	}
	s.text(&m, string(text))
	// What JSON cannot say as text stands there in base64.
	s.entry(&m, e)
	s.looked++
	if m.match {
		return true, nil
	}
	if m.otherKey {
		s.otherKey++
	}
	if m.noPrint {
		s.noPrint++
	}
	return false, nil
}

// text looks at the markers in a text.
func (s *secretSearch) text(m *masks, v string) {
	if !strings.Contains(v, "[REDACTED:") {
		return
	}
	for _, found := range markerForm.FindAllStringSubmatch(v, -1) {
		switch {
		case s.prints[found[1]+":"+found[2]]:
			m.match = true
		case found[1] == "":
			m.noPrint = true // a refusal too: what it hides was never looked at
		case found[1] != s.keyID:
			m.otherKey = true
		}
	}
}

// entry looks at the values of a record that are not text in its JSON.
func (s *secretSearch) entry(m *masks, e *audit.Entry) {
	for _, text := range []string{e.EventName, e.SeverityText, e.Resource.SchemaURL, e.Scope.Name, e.Scope.Version, e.Scope.SchemaURL} {
		s.text(m, text)
	}
	s.value(m, e.Body)
	for _, attrs := range [][]attribute.KeyValue{e.Attributes, e.Resource.Attributes, e.Scope.Attributes} {
		s.attributes(m, attrs)
	}
	if e.Event != nil {
		s.attributes(m, audit.Fields(e.Event))
	}
}

func (s *secretSearch) attributes(m *masks, attrs []attribute.KeyValue) {
	for _, kv := range attrs {
		s.text(m, string(kv.Key))
		s.value(m, kv.Value)
	}
}

func (s *secretSearch) value(m *masks, v attribute.Value) {
	switch v.Type() {
	case attribute.STRING:
		s.text(m, v.AsString())
	case attribute.BYTESLICE:
		s.text(m, string(v.AsByteSlice()))
	case attribute.STRINGSLICE:
		for _, e := range v.AsStringSlice() {
			s.text(m, e)
		}
	case attribute.SLICE:
		for _, e := range v.AsSlice() {
			s.value(m, e)
		}
	case attribute.MAP:
		s.attributes(m, v.AsMap())
	}
}

// say says what the answer is worth.
func (s *secretSearch) say(w io.Writer) {
	fmt.Fprintf(w, "looked for one secret, under the fingerprint key %s, in %s; a match is 48 equal bits, no proof\n",
		s.keyID, count(s.looked, "record"))
	for _, c := range []struct {
		n    int64
		what string
	}{{s.otherKey, "under another fingerprint key"}, {s.noPrint, "without a fingerprint"}} {
		if c.n > 0 {
			fmt.Fprintf(w, "%s with masks %s: whether the secret is among those, nobody can tell\n", count(c.n, "other record"), c.what)
		}
	}
}
