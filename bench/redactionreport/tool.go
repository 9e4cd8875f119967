// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// A way is one way to have a text redacted by one program.
type way struct {
	program string // the column it stands under
	name    string
	redact  func(in input) (result, error)
}

// The programs that are compared.
const (
	ours     = "auditchain"
	gitleaks = "gitleaks"
	contrib  = "redactionprocessor"
)

// An input is a line of a corpus, or a text that is no record.
type input struct {
	text   string
	record map[string]any // what the text stands for; nil if it is no JSON object
	path   string         // of the file that the text is thought to stand in
}

// A result is what is left of an input.
type result struct {
	out     string
	touched bool
}

func newInput(text, path string) input {
	in := input{text: text, path: path}
	if json.Unmarshal([]byte(text), &in.record) != nil {
		in.record = nil
	}
	return in
}

// survives says whether the secret is left anywhere in out: in it as it
// stands, or in what its JSON escapes stand for, in up to three layers.
func survives(out, secret string) bool {
	for range 4 {
		if redactcorpus.Leaked(out, secret) {
			return true
		}
		if !strings.Contains(out, `\`) {
			return false
		}
		out = unescape(out)
	}
	return false
}

var escapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\/`, `/`, `\n`, "\n", `\r`, "\r", `\t`, "\t",
	`\u0026`, "&", `\u003c`, "<", `\u003e`, ">", `\u003C`, "<", `\u003E`, ">", `\u0027`, "'", `\u003d`, "=", `\u003D`, "=")

// unescape takes one layer of JSON escapes away, wherever they stand.
func unescape(v string) string { return escapes.Replace(v) }

// eachValue calls f with the strings of a value, in order, and the name that
// each stands under. A list of strings is one command line.
func eachValue(name string, v any, f func(name, value string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			eachValue(k, v[k], f)
		}
	case []any:
		if line, ok := commandLine(v); ok {
			f(name, line)
			return
		}
		for _, x := range v {
			eachValue(name, x, f)
		}
	case string:
		f(name, v)
	default:
		f(name, written(v))
	}
}

// written is a number, a truth value or null as JSON writes it.
func written(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was read from JSON
	}
	return string(text)
}

// commandLine joins a list of strings.
func commandLine(list []any) (string, bool) {
	var words []string
	for _, x := range list {
		s, ok := x.(string)
		if !ok {
			return "", false
		}
		words = append(words, s)
	}
	return strings.Join(words, " "), len(words) > 0
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
