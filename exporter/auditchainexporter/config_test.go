// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditchainexporter

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/auditchain/auditchain/exporter/auditchainexporter/internal/metadata"
	"github.com/auditchain/auditchain/internal/redactconfig"
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
		"": {
			Path: "./data/audit.jsonl", Key: redactconfig.Key{File: "./data/audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second,
		},
		"full": {
			Path: "/var/lib/otelcol/audit.jsonl", Key: redactconfig.Key{Credential: "auditchain.key"},
			Fsync: "1s", LockTimeout: 30 * time.Second,
			Redaction: redactconfig.Config{
				FingerprintKey: redactconfig.Key{Env: "FINGERPRINT_KEY"},
				SensitiveKeys:  []string{"x-internal-pin"},
				AllowedKeys:    []string{"token_count"},
			},
		},
		"env": {
			Path: "audit.jsonl", Key: redactconfig.Key{Env: "AUDITCHAIN_KEY"},
			Fsync: "never", LockTimeout: 10 * time.Second,
		},
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
		"empty":            "path is missing",
		"no_path":          "path is missing",
		"no_key":           "auditchain key new",
		"folder":           "names a folder",
		"two_key_sources":  "keep one",
		"key_itself":       "key",
		"key_as_env":       "not its value",
		"fsync":            "none of always, never and an interval",
		"fsync_interval":   "none of always, never and an interval",
		"lock_timeout":     "lock_timeout",
		"misspelt":         "fsnyc",
		"misspelt_inside":  "fiel",
		"redaction_off":    "enabled",
		"sending_queue":    "before they are durable",
		"retry_on_failure": "goes back to the client",
		"timeout":          "must not be cut short",
		"rotation":         "rotation",
		"checkpoint":       "checkpoint",
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
			if strings.Contains(err.Error(), "000102030405") {
				t.Errorf("the error quotes a key: %v", err)
			}
		})
	}
}
