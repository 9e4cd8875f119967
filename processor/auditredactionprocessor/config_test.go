// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditredactionprocessor

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/auditchain/auditchain/internal/redactconfig"
	"github.com/auditchain/auditchain/processor/auditredactionprocessor/internal/metadata"
)

// load unmarshals and validates the entry called name, as a Collector does.
func load(t *testing.T, file, name string) (*Config, error) {
	t.Helper()
	all, err := confmaptest.LoadConf(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	sub, err := all.Sub(component.MustNewIDWithName(metadata.Type.String(), name).String())
	if err != nil {
		t.Fatal(err)
	}
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	if err := sub.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func TestConfig(t *testing.T) {
	tests := map[string]*Config{
		"":      {},
		"empty": {},
		"trial": {ReportOnly: true},
		"full": {Redaction: redactconfig.Config{
			FingerprintKey: redactconfig.Key{File: "./fingerprint.key"},
			SensitiveKeys:  []string{"x-internal-pin"},
			AllowedKeys:    []string{"token_count"},
		}},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, "config.yaml", name)
			if err != nil {
				t.Fatal(err)
			}
			ignore := cmpopts.IgnoreUnexported(Config{}, redactconfig.Config{}, redactconfig.Key{})
			if diff := cmp.Diff(want, got, ignore); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestInvalidConfig(t *testing.T) {
	tests := map[string]string{
		"misspelt":            "redactoin",
		"misspelt_inside":     "sensitive_key",
		"two_key_sources":     "keep one",
		"key_as_env":          "not its value",
		"value_as_env":        "not its value",
		"credential_path":     "for a path use file",
		"empty_sensitive_key": "sensitive_keys[1] is empty",
		"empty_allowed_key":   "allowed_keys[0] is empty",
		"both":                "keep it in one",
		"unusable_key":        "use a longer name",
		"report_only_inside":  "report_only",
	}
	all, err := confmaptest.LoadConf(filepath.Join("testdata", "invalid.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(all.ToStringMap()); n != len(tests) {
		t.Errorf("the file has %d entries, the test %d", n, len(tests))
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, "invalid.yaml", name)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("error is %v, want one with %q", err, want)
			}
			for _, key := range []string{"hunter2", "000102030405"} {
				if strings.Contains(err.Error(), key) {
					t.Errorf("the error quotes a key: %v", err)
				}
			}
		})
	}
}
