// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactconfig

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
)

// textProvider gives the Collector's resolver a configuration from the test.
type textProvider struct{ text string }

func (p textProvider) Retrieve(context.Context, string, confmap.WatcherFunc) (*confmap.Retrieved, error) {
	return confmap.NewRetrievedFromYAML([]byte(p.text))
}
func (textProvider) Scheme() string                 { return "text" }
func (textProvider) Shutdown(context.Context) error { return nil }

// resolve reads a configuration as a Collector does, with what it makes of '$'.
func resolve(t *testing.T, text string) (*Config, error) {
	t.Helper()
	r, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              []string{"text:x"},
		ProviderFactories: []confmap.ProviderFactory{confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return textProvider{text} })},
	})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := r.Resolve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var cfg struct {
		Redaction Config `mapstructure:"redaction"`
	}
	if err := conf.Unmarshal(&cfg); err != nil {
		return nil, err
	}
	return &cfg.Redaction, confmap.Validate(&cfg)
}

func TestRulesFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// A '$' of a regex, and of a value, is read as it stands.
	rules := write("rules.yaml", "rules:\n  - kind: acme-pin\n    regex: 'PIN (\\d{6})$'\n  - kind: acme-cost\n    prefixes: [US$$, '${env:']\n    chars: A-Z\n    length: {min: 4}\n")
	allow := write("allow.yaml", "allow:\n  - values: ['ex$$ample${HOME}']\n")
	for name, text := range map[string]string{
		"list":   "redaction:\n  rules_file: [" + rules + ", " + allow + "]\n",
		"string": "redaction:\n  rules_file: " + rules + "," + allow + "\n",
	} {
		c, err := resolve(t, text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Redactor()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := r.Scanner()
		for in, want := range map[string]string{
			"PIN 123456": "PIN [REDACTED:acme-pin]", "PIN 123456 $": "PIN 123456 $", "US$$ABCD": "[REDACTED:acme-cost]", "${env:ABCD": "[REDACTED:acme-cost]", "US$ABCD": "US$ABCD",
			"password='ex$$ample${HOME}'": "password='ex$$ample${HOME}'", "password='ex$ample${HOME}'": "password='[REDACTED:password]'",
		} {
			if got, _ := s.Text(s.Root(), in); got != want {
				t.Errorf("%s: %q: got %q, want %q", name, in, got, want)
			}
		}
	}
	if c, err := resolve(t, "redaction:\n  rules_file: "+rules+"\n"); err != nil || len(c.RulesFile) != 1 {
		t.Errorf("one file: %v, %v", c, err)
	}
	if _, err := resolve(t, "redaction:\n  rules_file: [x, '']\n"); err == nil || !strings.Contains(err.Error(), "rules_file[1] is empty") {
		t.Errorf("no path: %v", err)
	}
	if _, err := resolve(t, "redaction:\n  rules_file: {file: x}\n"); err == nil || !strings.Contains(err.Error(), "rules_file") {
		t.Errorf("a map: %v", err)
	}

	bad := write("bad.yaml", "rules:\n  - kind: acme-pin\n    regex: '(hunter2'\n    keyz: [x]\n")
	c := Config{RulesFile: []string{bad, filepath.Join(dir, "missing.yaml")}}
	if err := c.Validate(); err != nil {
		t.Errorf("validate reads the file: %v", err)
	}
	_, err := c.Redactor()
	for _, want := range []string{"redaction::rules_file: ", bad + ":4:5: rules[0]: unknown field", bad + ":3:5: rules[0].regex", "missing.yaml: no such file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}
