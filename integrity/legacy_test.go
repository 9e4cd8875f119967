// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const (
	legacyKey  = "audex-audit-integrity-v1"
	legacyOne  = `{"timestamp":"2026-01-02T03:04:05.678901234Z","session_id":"s1","provider":"aws","event":{"type":"session_ended","status":"completed","duration_seconds":12,"exit_code":0}}`
	legacyTwo  = `{"timestamp":"2026-01-02T03:04:06Z","session_id":"s1","provider":"gcp","event":{"type":"budget_warning","current_spend":8.5,"limit":10.0}}`
	legacyTag1 = "d220d6a6095fb19f2de7b01d9185391f81aee8424fba0392ca71cb9b289259ad"
	legacyTag2 = "de7e051b420594a129460219d77072a4570bef54c2a0ab379a33e1f53b6ced9b"
)

// The older system's own answers.
func TestLegacyKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		key   string
		lines []string
		tags  []string
	}{
		{legacyKey, []string{legacyOne, legacyTwo}, []string{legacyTag1, legacyTag2}},
		{"0123456789abcdef0123456789abcdef", []string{`{"a":1}`, `{"a":2}`}, []string{
			"bb61269e1e878e999a9bb09e3988dfbaaba3e71f00f45434b6a08314447925d1",
			"b528dde1737e588c74d75708dfc860bc362c2dcccb8d58ae4ccbfc376280ce5f",
		}},
	} {
		chain := NewLegacyChain([]byte(c.key))
		for i, line := range c.lines {
			if got := chain.Next([]byte(line)).String(); got != c.tags[i] {
				t.Errorf("key %q line %d: %s, want %s", c.key, i+1, got, c.tags[i])
			}
		}
	}
}

func legacyFile(lines ...string) string {
	chain := NewLegacyChain([]byte(legacyKey))
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s%s%s\n", l, LegacyMark, chain.Next([]byte(l)))
	}
	return b.String()
}

func TestVerifyLegacy(t *testing.T) {
	// A line that holds the mark itself is split at the last one.
	tricky := `{"note":"` + LegacyMark + strings.Repeat("0", 64) + `"}`
	whole := legacyFile(legacyOne, legacyTwo, tricky, `{"a":4}`)
	lines := strings.SplitAfter(whole, "\n")
	for _, c := range []struct {
		name, text, key string
		verdict         Verdict
		lines, unsigned int64
		bad             int64 // line
	}{
		{"whole", whole, legacyKey, PartlyProven, 4, 0, 0},
		{"another key", whole, "another key altogether", CannotVerify, 0, 0, 0},
		{"no key", whole, "", CannotVerify, 0, 0, 0},
		{"changed", strings.Replace(whole, "8.5", "9.5", 1), legacyKey, Tampered, 1, 0, 2},
		{"deleted", lines[0] + lines[2] + lines[3], legacyKey, Tampered, 1, 0, 2},
		{"swapped", lines[0] + lines[2] + lines[1] + lines[3], legacyKey, Tampered, 1, 0, 2},
		{"tail cut: nothing shows it, and the verdict is no more than partly proven", lines[0] + lines[1], legacyKey, PartlyProven, 2, 0, 0},
		{"cut in a line", whole[:len(whole)-5], legacyKey, Tampered, 3, 0, 4},
		{"an unsigned line", lines[0] + "{\"x\":1}\n" + lines[1] + lines[2] + lines[3], legacyKey, PartlyProven, 4, 1, 0},
		{"nothing signed", "{\"x\":1}\n", legacyKey, CannotVerify, 0, 1, 0},
		{"empty", "", legacyKey, CannotVerify, 0, 0, 0},
	} {
		r := VerifyLegacy(t.Context(), "old.jsonl", strings.NewReader(c.text), []byte(c.key))
		bad := int64(0)
		if r.First() != nil {
			bad = r.First().Line
		}
		if r.Verdict != c.verdict || r.Lines != c.lines || r.Unsigned != c.unsigned || bad != c.bad {
			t.Errorf("%s: %s, %d lines, %d unsigned, bad line %d (%v)", c.name, r.Verdict, r.Lines, r.Unsigned, bad, r.First())
		}
	}
	if !IsLegacy([]byte(whole)) || !IsLegacy([]byte(legacyOne+"\n")) {
		t.Error("the older format is not recognised")
	}
	j := build(key(1), chainA, 4)
	for _, l := range j.lines {
		if IsLegacy(l) {
			t.Errorf("%q taken for the older format", l)
		}
	}
}

func FuzzSplitLegacy(f *testing.F) {
	f.Add([]byte(legacyOne + LegacyMark + legacyTag1))
	f.Add([]byte(LegacyMark))
	f.Fuzz(func(t *testing.T, b []byte) {
		content, tag, signed, err := SplitLegacy(b)
		if err != nil || !signed {
			return
		}
		if got := append(append(bytes.Clone(content), LegacyMark...), tag.String()...); !bytes.Equal(got, b) {
			t.Errorf("%q joins as %q", b, got)
		}
	})
}
