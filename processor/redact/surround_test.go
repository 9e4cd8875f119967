// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// A form is a way in which a text comes into a record.
type form struct {
	name string
	wrap func(v string) string
}

func jsonText(v string) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// everyByte writes every byte of v as format says.
func everyByte(format, v string) string {
	var b strings.Builder
	for i := range len(v) {
		fmt.Fprintf(&b, format, v[i])
	}
	return b.String()
}

func shellSingle(v string) string { return "'" + strings.ReplaceAll(v, "'", `'\''`) + "'" }

func shellDouble(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(v) + `"`
}

var (
	xmlNamed  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
	xmlNumber = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")
)

// forms are tried with every context of testdata/surroundings.txt.
var forms = []form{
	{"raw", func(v string) string { return v }},
	{"json", func(v string) string { return `{"msg":` + jsonText(v) + `}` }},
	{"json2", func(v string) string { return `{"a":` + jsonText(`{"msg":`+jsonText(v)+`}`) + `}` }},
	{"json3", func(v string) string {
		return `{"a":` + jsonText(`{"b":`+jsonText(`{"msg":`+jsonText(v)+`}`)+`}`) + `}`
	}},
	{"json3cut", func(v string) string { return `x {"a":` + jsonText(`{"b":`+jsonText(`{"msg":`+jsonText(v)+`}`)+`}`) }},
	{"jsoncut", func(v string) string { return `x {"msg":` + jsonText(v) + `,"n":1` }},
	{"argv", func(v string) string { return `["sh","-c",` + jsonText(v) + `]` }},
	{"argvcut", func(v string) string { return `argv ["sh","-c",` + jsonText(v) + `]` }},
	{"sh1", func(v string) string { return `sh -c ` + shellSingle(v) }},
	{"sh2", func(v string) string { return `sh -c ` + shellDouble(v) }},
	{"ssh", func(v string) string { return `ssh host ` + shellDouble(`sh -c `+shellSingle(v)) }},
	{"query", url.QueryEscape},
	{"path", url.PathEscape},
	{"form", func(v string) string { return "a=1&cmd=" + url.QueryEscape(v) + "&b=2" }},
	{"percent", func(v string) string { return everyByte("%%%02X", v) }},
	{"query2", func(v string) string { return "u=" + url.QueryEscape(url.QueryEscape(v)) }},
	{"yaml", func(v string) string { return "run: " + v + "\nuser: bob\n" }},
	{"yaml1", func(v string) string { return "run: '" + strings.ReplaceAll(v, "'", "''") + "'\nuser: bob\n" }},
	{"yaml2", func(v string) string { return "run: " + jsonText(v) + "\nuser: bob\n" }},
	{"yamlblock", func(v string) string {
		return "a:\n  - run: |\n      " + strings.ReplaceAll(v, "\n", "\n      ") + "\nuser: bob\n"
	}},
	{"xml", func(v string) string { return "<cmd>" + xmlNamed.Replace(v) + "</cmd>" }},
	{"xmlnum", func(v string) string { return "<cmd>" + xmlNumber.Replace(v) + "</cmd>" }},
	{"xmlattr", func(v string) string { return `<cmd run="` + xmlNamed.Replace(v) + `"/>` }},
	{"env", func(v string) string { return "CMD=" + shellDouble(v) + "\nB=1\n" }},
	{"ini", func(v string) string { return "[a]\ncmd = " + v + "\nb = 1\n" }},
	{"log", func(v string) string {
		return `time=2026-01-01T00:00:00Z level=info msg=` + jsonText(v) + ` n=1`
	}},
}

// What stands for a secret in testdata/surroundings.txt. None was ever valid.
var stands = []struct {
	mark    string
	secrets []string
}{
	{"<LONG>", []string{"aB3dE6gH9jK2mN5p" + "Q8sT1vW4yZ7bC0eF"}},
	{"<HEX>", []string{"9f86d081884c7d659a2feaa0c55ad015" + "a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
	{"<MIXED>", []string{"hunter2Xq9zKd"}},
	{"<ANY>", []string{"hunter2Xq9zKd", "correcthorse"}},
}

// TestSurroundings tries every context in every form. A line of the file is a
// context; behind a tab stand the forms in which it is known to leak, which is
// tested, too: a form that no longer leaks leaves the list.
func TestSurroundings(t *testing.T) {
	data, err := os.ReadFile("testdata/surroundings.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := newScanner(t, Config{})
	n := 0
	for _, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "##") {
			continue
		}
		context, known, _ := strings.Cut(line, "\t")
		leaky := strings.Fields(known)
		context = strings.ReplaceAll(context, "<NL>", "\n")
		var secrets []string
		mark := ""
		for _, st := range stands {
			if strings.Contains(context, st.mark) {
				mark, secrets = st.mark, st.secrets
				break
			}
		}
		if mark == "" {
			t.Fatalf("no secret in %q", line)
		}
		for _, f := range forms {
			n++
			leaks := ""
			for _, secret := range secrets {
				in := f.wrap(strings.ReplaceAll(strings.ReplaceAll(context, mark, secret), "<KEYID>", keyID))
				out := redactAny(s, in)
				if redactcorpus.Leaked(out, secret) || f.name == "percent" && redactcorpus.Leaked(out, everyByte("%%%02X", secret)) {
					leaks = out
				}
				if again := redactAny(s, out); again != out {
					t.Errorf("%s as %s: twice differs: %q, %q", context, f.name, out, again)
				}
			}
			switch expected := slices.Contains(leaky, f.name); {
			case leaks != "" && !expected:
				t.Errorf("%s as %s: %q", context, f.name, leaks)
			case leaks == "" && expected:
				t.Errorf("%s as %s leaks no more: take it from the list", context, f.name)
			}
		}
	}
	if n < 5000 {
		t.Errorf("%d pairs of context and form, want 5,000 at least", n)
	}
}

// redactAny redacts v as JSON if it is some, else as text.
func redactAny(s *Scanner, v string) string {
	if out, form := s.JSON(nil, s.Root(), v); form != NotJSON {
		return string(out)
	}
	out, _ := s.Text(s.Root(), v)
	return out
}
