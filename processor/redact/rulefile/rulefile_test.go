// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package rulefile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditchain/auditchain/processor/redact"
)

const acme = `# rules of Acme
rules:
  - kind: acme-token
    prefixes: [acme_live_, acme_test_]
    chars: A-Za-z0-9_-
    length: {min: 24, max: 64}
    tests:
      masks: ["token «acme_live_{alnum:30}» ok", {json: '{"a": "«acme_test_{token:40}»"}'}]
      leaves: ["acme_live_docs are here"]
  - kind: acme-pin
    regex: '\bPIN[ :=]+(?P<secret>\d{6})$'
    literals: [PIN]
    ignore_case: true
    tests:
      masks: ["your pin: «{digits:6}»"]
      leaves: ["pin: {digits:6} is long gone"]
  - kind: acme-door
    keys: [door_code]
    flags: [--acme-pin]
    tests:
      masks:
        - {key: doorCode, value: "«hunter2»"}
        - {argv: [open, --acme-pin, "«{digits:4}»", north]}
        - {json: '{"door_code": «4711», "token": "‹x9›"}'}
        - {text: "door_code=«4711»"}
  - kind: password
    tests:
      masks: ["password=«hunter2»"]
      leaves: ["password=EXAMPLE-KEY-0001"]
allow:
  - values: [EXAMPLE-KEY-0001]
    kinds: [password, acme-door]
    tests:
      leaves: ["password=EXAMPLE-KEY-0001"]
      masks: ["token=«EXAMPLE-KEY-0001»"]
  - regexes: ['demo-[0-9]+$']
    keys: [token_count]
`

func TestParse(t *testing.T) {
	f, err := Parse("acme.yaml", []byte(acme))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]redact.Rule{
		{Kind: "acme-token", Prefixes: []string{"acme_live_", "acme_test_"}, Chars: "A-Za-z0-9_-", MinLength: 24, MaxLength: 64},
		{Kind: "acme-pin", Regex: `\bPIN[ :=]+(?P<secret>\d{6})$`, Literals: []string{"PIN"}, IgnoreCase: true},
		{Kind: "acme-door", Keys: []string{"door_code"}, Flags: []string{"--acme-pin"}},
	}, f.Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]redact.Allow{
		{Values: []string{"EXAMPLE-KEY-0001"}, Kinds: []redact.Kind{"password", "acme-door"}},
		{Regexes: []string{`demo-[0-9]+$`}, Keys: []string{"token_count"}},
	}, f.Allow); diff != "" {
		t.Errorf("allow (-want +got):\n%s", diff)
	}
	if f.Tests() != 13 {
		t.Errorf("%d test lines, want 13", f.Tests())
	}
	if err := Check(f, redact.Config{}); err != nil {
		t.Errorf("check: %v", err)
	}
	if err := Check(f, redact.Config{FingerprintKey: []byte("a key that is only used in a test")}); err != nil {
		t.Errorf("check with fingerprints: %v", err)
	}
}

// Every error of a file, at its place, and never a value of it.
func TestParseErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":            {"", []string{"r.yaml: file is empty"}},
		"comments":         {"# rules\n", []string{"r.yaml: file is empty"}},
		"nothing":          {"---\n", []string{"r.yaml:2:1: file is empty"}},
		"no rules":         {"rules:\n", []string{"r.yaml:1:1: rules: is empty"}},
		"empty list":       {"rules: []\n", []string{"r.yaml:1:8: rules: is an empty list"}},
		"empty map":        {"{}\n", []string{"r.yaml:1:1: file is empty"}},
		"a list":           {"- kind: hunter2\n", []string{"r.yaml:1:1: is no map; its fields are rules, allow"}},
		"a text":           {"hunter2\n", []string{"r.yaml:1:1: is no map"}},
		"no YAML":          {"rules:\n  - kind: [hunter2\n", []string{"r.yaml:1: is no YAML, here or in the lines behind: did not find expected ',' or ']'"}},
		"a tab":            {"rules:\n\t- kind: hunter2\n", []string{"r.yaml:2: is no YAML"}},
		"two documents":    {"rules:\n  - {kind: acme, keys: [acme]}\n---\nallow: []\n", []string{"r.yaml:", "second document"}},
		"alias":            {"allow:\n  - values: [*hunter2]\n", []string{"r.yaml", "has an alias"}},
		"known alias":      {"allow:\n  - values: [&a hunter2, *a]\n", []string{"r.yaml:2:14: allow[0].values[0]: has an anchor", "r.yaml:2:26: allow[0].values[1]: is an alias"}},
		"tag":              {"allow:\n  - values: [!hunter2 x]\n", []string{"r.yaml:2:14: allow[0].values[0]: has a tag"}},
		"binary":           {"allow:\n  - values: [!!binary aHVudGVyMg==]\n", []string{"r.yaml:2:14: allow[0].values[0]: has a tag"}},
		"unknown field":    {"rules:\n  - kind: acme\n    keys: [acme]\n    hunter2: x\n", []string{"r.yaml:4:5: rules[0]: unknown field; known are kind,"}},
		"unknown at top":   {"hunter2: x\nallow:\n  - values: [x]\n", []string{"r.yaml:1:1: unknown field; known are rules, allow"}},
		"merge":            {"allow:\n  - <<: {values: [hunter2]}\n", []string{"r.yaml:2:5: allow[0]: unknown field"}},
		"duplicate field":  {"rules:\n  - kind: acme\n    kind: hunter2\n    keys: [acme]\n", []string{"r.yaml:3:5: rules[0].kind: is there twice"}},
		"duplicate top":    {"allow:\n  - values: [x]\nallow:\n  - values: [y]\n", []string{"r.yaml:3:1: allow: is there twice"}},
		"number for text":  {"allow:\n  - values: [8472]\n", []string{"r.yaml:2:14: allow[0].values[0]: is no text; write it in quotes"}},
		"null for text":    {"allow:\n  - values: [~]\n", []string{"r.yaml:2:14: allow[0].values[0]: is no text"}},
		"map for text":     {"allow:\n  - values: [hunter2: x]\n", []string{"r.yaml:2:14: allow[0].values[0]: is no text"}},
		"text for list":    {"allow:\n  - values: hunter2\n", []string{"r.yaml:2:13: allow[0].values: is no list"}},
		"text for a map":   {"allow:\n  - hunter2\n", []string{"r.yaml:2:5: allow[0]: is no map"}},
		"text for number":  {"rules:\n  - {kind: acme, prefixes: [acme_], chars: a-z, length: {min: hunter2}}\n", []string{"r.yaml:2:63: rules[0].length.min: is no whole number"}},
		"number for a map": {"rules:\n  - {kind: acme, prefixes: [acme_], chars: a-z, length: 8}\n", []string{"rules[0].length: is no map; its fields are min, max"}},
		"no min":           {"rules:\n  - {kind: acme, prefixes: [acme_], chars: a-z, length: {max: 8}}\n", []string{"rules[0].length: has no min"}},
		"max of 0":         {"rules:\n  - {kind: acme, prefixes: [acme_], chars: a-z, length: {min: 8, max: 0}}\n", []string{"rules[0].length.max: is not above 0"}},
		"text for bool":    {"rules:\n  - {kind: acme, regex: acme, ignore_case: hunter2}\n", []string{"rules[0].ignore_case: is neither true nor false"}},
		"no kind":          {"rules:\n  - keys: [hunter2]\n", []string{"r.yaml:2:5: rules[0]: has no kind"}},
		"empty regex":      {"rules:\n  - {kind: acme, regex: ''}\n", []string{"r.yaml:2:25: rules[0].regex: is empty"}},
		// What the engine refuses, at its place.
		"no trigger":    {"rules:\n  - kind: acme\n", []string{"r.yaml:2:5: rules[0]: rule has no trigger"}},
		"refusal":       {"rules:\n  - {kind: error, keys: [acme]}\n", []string{`r.yaml:2:6: rules[0].kind: kind "error"`}},
		"bad regex":     {"rules:\n  - kind: acme\n    regex: 'hunter2('\n", []string{"r.yaml:3:5: rules[0].regex: expression cannot be read: missing closing )"}},
		"short prefix":  {"rules:\n  - kind: acme\n    prefixes:\n      - acme_\n      - xy\n    chars: a-z\n    length: {min: 9}\n", []string{"r.yaml:5:9: rules[0].prefixes[1]: has 2 bytes"}},
		"no length":     {"rules:\n  - kind: acme\n    prefixes: [acme_]\n    chars: a-z\n", []string{"r.yaml:2:5: rules[0].length: min is 0"}},
		"same key":      {"rules:\n  - {kind: acme, keys: [hunter2]}\n  - {kind: acme, keys: [Hunter_2]}\n", []string{"r.yaml:3:25: rules[1].keys[0]: is there twice"}},
		"same value":    {"allow:\n  - values: [hunter2, hunter2]\n", []string{"r.yaml:2:23: allow[0].values[1]: is there twice"}},
		"unknown kind":  {"allow:\n  - {values: [x], kinds: [hunter2]}\n", []string{"r.yaml:2:27: allow[0].kinds[0]: is no kind"}},
		"allows all":    {"allow:\n  - regexes: ['.+']\n", []string{"r.yaml:2:15: allow[0].regexes[0]: expression matches any text"}},
		"allows none":   {"allow:\n  - kinds: [password]\n", []string{"r.yaml:2:5: allow[0]: entry allows nothing"}},
		"tests alone":   {"rules:\n  - {kind: acme, tests: {leaves: [x]}}\n", []string{"rules[0]: rule has no trigger"}},
		"test of allow": {"allow:\n  - tests: {leaves: [x]}\n", []string{"allow[0]: entry allows nothing"}},
		// Test lines.
		"no marks":      {"rules:\n  - {kind: password, tests: {masks: [hunter2]}}\n", []string{"r.yaml:2:38: rules[0].tests.masks[0]: has no marks"}},
		"marks":         {"rules:\n  - {kind: password, tests: {leaves: [«hunter2»]}}\n", []string{"rules[0].tests.leaves[0]: has marks"}},
		"empty marks":   {"rules:\n  - {kind: password, tests: {masks: [x«»]}}\n", []string{"nothing between"}},
		"open mark":     {"rules:\n  - {kind: password, tests: {masks: [«hunter2]}}\n", []string{"not closed"}},
		"mixed marks":   {"rules:\n  - {kind: password, tests: {masks: [«hunter2›]}}\n", []string{"mark › out of place"}},
		"shut first":    {"rules:\n  - {kind: password, tests: {masks: [»hunter2«]}}\n", []string{"mark » out of place"}},
		"generator":     {"rules:\n  - {kind: password, tests: {masks: ['«{hunter:2}»']}}\n", []string{"generator of an unknown name; known are alnum,"}},
		"long":          {"rules:\n  - {kind: password, tests: {masks: ['«{hex:99999}»']}}\n", []string{"between 1 and 4096"}},
		"no tests":      {"rules:\n  - {kind: password, tests: {}}\n", []string{"rules[0].tests: are none"}},
		"no form":       {"rules:\n  - {kind: password, tests: {masks: [{key: hunter2}]}}\n", []string{"rules[0].tests.masks[0]: is no test line"}},
		"two forms":     {"rules:\n  - {kind: password, tests: {masks: [{text: «x», json: «y»}]}}\n", []string{"is no test line"}},
		"unknown form":  {"rules:\n  - {kind: password, tests: {masks: [{hunter2: «x»}]}}\n", []string{"unknown field; known are text, argv, json, key, value"}},
		"number in one": {"rules:\n  - {kind: password, tests: {masks: [{argv: [a, 1]}]}}\n", []string{"rules[0].tests.masks[0].argv[1]: is no text"}},
		"still more":    {"rules:\n  - kind: acme\n    regex: '(hunter2'\n    literals: [7, ab]\n    keyz: x\n", []string{"r.yaml:3:5: rules[0].regex: expression cannot", "r.yaml:4:16: rules[0].literals[0]: is no text", "r.yaml:5:5: rules[0]: unknown"}},
		// All at once.
		"several": {"rules:\n  - kind: Hunter2\n    keys: [ab]\n  - kind: acme\n    prefix: [x]\n  - kind: acme\n    regex: 'x*'\nallow:\n  - values: ['', 7]\n  - keys: [hunter2]\n    keys: [x]\n  - values: ['']\n",
			[]string{"r.yaml:2:5: rules[0].kind:", "r.yaml:3:12: rules[0].keys[0]:", "r.yaml:5:5: rules[1]: unknown field", "r.yaml:7:5: rules[2].regex:",
				"r.yaml:9:18: allow[0].values[1]:", "r.yaml:11:5: allow[1].keys: is there twice", "r.yaml:12:14: allow[2].values[0]: is empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("r.yaml", []byte(c.text))
			if err == nil || f != nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is\n%v\nwant one with %q", err, want)
				}
			}
			if strings.Contains(strings.ToLower(err.Error()), "hunter") || strings.Contains(err.Error(), "8472") {
				t.Errorf("the error quotes a value: %v", err)
			}
			if n := strings.Count(err.Error(), "\n") + 1; len(c.want) != n && !strings.HasPrefix(c.want[0], "r.yaml") {
				t.Errorf("%d errors: %v", n, err)
			}
			var at *Error
			if !errors.As(err, &at) || at.File != "r.yaml" {
				t.Errorf("error is %T", err)
			}
		})
	}
}

// A line that fails is named, and what it says is not quoted.
func TestCheckFails(t *testing.T) {
	const head = "rules:\n  - kind: acme-token\n    prefixes: [acme_]\n    chars: a-z0-9\n    length: {min: 8}\n    tests:\n      "
	for name, c := range map[string]struct{ line, want string }{
		"left":          {`masks: ["«acme_short»"]`, "r.yaml:7:15: rules[0].tests.masks[0]: is left as it is, and must be masked"},
		"partly left":   {`masks: ["«hunter2» «acme_{hex:9}»"]`, "what is between marks 1 is left"},
		"second left":   {`masks: ["«acme_{lower:9}» «hunter2»"]`, "what is between marks 2 is left, and must be masked; markers: 1 acme-token"},
		"masked":        {`leaves: ["acme_hunter2hunter2"]`, "rules[0].tests.leaves[0]: is masked, and must be left; markers: 1 acme-token"},
		"too much":      {`masks: ["acme_«hunter2hunter2»"]`, "want one of acme-token"},
		"other kind":    {`masks: ["password=«hunter2»"]`, "markers: 1 password; want one of acme-token"},
		"any kind":      {`masks: ["password=‹hunter2›", "«acme_hunter2hunter2» password=hunter2"]`, "masks[1]"},
		"argv":          {`masks: [{argv: [a, "«hunter2»"]}]`, "masks[0]: argv[1]: is left"},
		"no JSON":       {`masks: [{json: "«hunter2»"}]`, "is no JSON object or array"},
		"leaves of key": {`leaves: [{key: password, value: hunter2}]`, "is masked, and must be left; markers: 1 password"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Parse("r.yaml", []byte(head+c.line+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			err = Check(f, redact.Config{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			} else if strings.Contains(err.Error(), "hunter") {
				t.Errorf("the error quotes the line: %v", err)
			}
			if name == "any kind" && strings.Contains(err.Error(), "masks[0]") {
				t.Errorf("a marker of any kind will do: %v", err)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rules := write("rules.yaml", "rules:\n  - {kind: acme-pin, regex: 'PIN (\\d+)$'}\n")
	list := write("allow.yaml", "allow:\n  - {values: ['1234'], kinds: [acme-pin]}\n")
	again := write("again.yaml", "rules:\n  - {kind: acme-key, keys: [acme, key_of_acme]}\n  - {kind: acme-key, keys: [key-of-acme]}\n")
	bad := write("bad.yaml", "rules:\n  - {kind: acme-key, keys: [acme]}\nallow:\n  - kinds: [acme-pin]\n")

	f, err := Load(rules, list)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Rules) != 1 || len(f.Allow) != 1 {
		t.Errorf("%d rules, %d lists", len(f.Rules), len(f.Allow))
	}
	r, err := redact.New(redact.Config{Rules: f.Rules, Allow: f.Allow})
	if err != nil {
		t.Fatal(err)
	}
	s := r.Scanner()
	for in, want := range map[string]string{"PIN 1234": "PIN 1234", "PIN 12345": "PIN [REDACTED:acme-pin]", "PIN 12345 $": "PIN 12345 $"} {
		if got, _ := s.Text(s.Root(), in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if _, err := Load(list); err == nil || !strings.Contains(err.Error(), list+":2:32: allow[0].kinds[0]: is no kind") {
		t.Errorf("a kind of no rule: %v", err)
	}
	_, err = Load(again, rules, bad, filepath.Join(dir, "missing.yaml"), rules)
	for _, want := range []string{again + ":3:29: rules[1].keys[0]", bad + ":2:29: rules[0].keys[0]: is there twice", bad + ":4:5: allow[0]", "missing.yaml: no such file", rules + ": rule file is named twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
	if f, err := Load(); err != nil || len(f.Rules) != 0 {
		t.Errorf("no file: %v", err)
	}
}

// What is drawn is the same everywhere, and of the form it is asked for.
func TestGenerate(t *testing.T) {
	const line = "a {alnum:12} {digits:4} {hex:8} {lower:3} {upper:3} {word:9} {token:9} {base64:9} {base64url:9} {alnum:1}"
	if a, b := generate(line, 0), generate(line, 0); a != b {
		t.Errorf("%q and %q", a, b)
	}
	if a, b := generate(line, 0), generate(line, 1); a == b {
		t.Errorf("both draws are %q", a)
	}
	if got, want := generate("{hex:8} {digits:4}", 1), "d95ad58d 5199"; got != want {
		t.Errorf("got %q, want %q: the seed is fixed", got, want)
	}
	for draw := range 200 {
		parts := strings.Fields(generate(line, draw))
		for i, n := range []int{1, 12, 4, 8, 3, 3, 9, 9, 9, 9, 1} {
			if len(parts[i]) != n {
				t.Fatalf("part %d of %q", i, parts)
			}
		}
		if !strings.ContainsAny(parts[1], digits) || !strings.ContainsAny(parts[1], lower) || !strings.ContainsAny(parts[1], upper) || !strings.ContainsAny(parts[3], "abcdef") || !strings.ContainsAny(parts[3], digits) {
			t.Fatalf("no variety: %q", parts)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(acme)
	f.Add("allow:\n  - values: [&a x, *a]\n")
	f.Add("rules: {a: [!!int x]}")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("r.yaml", []byte(text))
		if (err == nil) == (file == nil) {
			t.Fatalf("file is %v, error is %v", file, err)
		}
		if err == nil {
			if len(file.Rules)+len(file.Allow)+file.Tests() == 0 {
				t.Fatalf("%q is read and holds nothing", text)
			}
			Check(file, redact.Config{})
		}
	})
}

// A pipe under the name of a rule file is refused; nobody waits for it.
func TestNoRegularFile(t *testing.T) {
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a folder: %v", err)
	}
}
