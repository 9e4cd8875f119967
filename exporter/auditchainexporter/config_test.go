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
	off := RotationConfig{Compress: "none"}
	tests := map[string]*Config{
		"": {
			Path: "./data/audit.jsonl", Key: redactconfig.Key{File: "./data/audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second, Rotation: off,
		},
		"full": {
			Path: "/var/lib/otelcol/audit.jsonl", Key: redactconfig.Key{Credential: "auditchain.key"},
			Fsync: "1s", LockTimeout: 30 * time.Second,
			Rotation: RotationConfig{
				MaxSize: 256 << 20, MaxAge: 24 * time.Hour, Compress: "zstd", Keep: 10, KeepFor: 90 * 24 * time.Hour,
			},
			Redaction: redactconfig.Config{
				FingerprintKey: redactconfig.Key{Env: "FINGERPRINT_KEY"},
				SensitiveKeys:  []string{"x-internal-pin"},
				AllowedKeys:    []string{"token_count"},
			},
		},
		"env": {
			Path: "audit.jsonl", Key: redactconfig.Key{Env: "AUDITCHAIN_KEY"},
			Fsync: "never", LockTimeout: 10 * time.Second, Rotation: off,
		},
		"rotation_bytes": {
			Path: "audit.jsonl", Key: redactconfig.Key{File: "./audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second, Rotation: RotationConfig{MaxSize: 1 << 20, Compress: "none"},
		},
		"rotation_off": {
			Path: "audit.jsonl", Key: redactconfig.Key{File: "./audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second, Rotation: off,
		},
		"rotation_empty": {
			Path: "audit.jsonl", Key: redactconfig.Key{File: "./audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second, Rotation: off,
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, "config.yaml", name)
			if err != nil {
				t.Fatal(err)
			}
			ignore := cmpopts.IgnoreUnexported(Config{}, RotationConfig{}, redactconfig.Config{}, redactconfig.Key{})
			if diff := cmp.Diff(want, got, ignore); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestInvalidConfig(t *testing.T) {
	tests := map[string]string{
		"empty":                   "path is missing",
		"no_path":                 "path is missing",
		"no_key":                  "auditchain key new",
		"folder":                  "names a folder",
		"two_key_sources":         "keep one",
		"key_itself":              "key",
		"key_as_env":              "not its value",
		"fsync":                   "none of always, never and an interval",
		"fsync_interval":          "none of always, never and an interval",
		"lock_timeout":            "lock_timeout",
		"misspelt":                "fsnyc",
		"misspelt_inside":         "fiel",
		"redaction_off":           "enabled",
		"sending_queue":           "before they are durable",
		"retry_on_failure":        "goes back to the client",
		"timeout":                 "must not be cut short",
		"rotation_misspelt":       "max_szie",
		"rotation_size_unit":      "such as 256MiB",
		"rotation_size_small":     "max_size 256 is below 4KiB",
		"rotation_size_negative":  "max_size -1 is below 4KiB",
		"rotation_size_fraction":  "max_size 0.5 is not a whole number",
		"rotation_age_unit":       "write a duration such as 24h",
		"rotation_age_small":      "max_age 1ms is below 1s",
		"rotation_compress":       "none of zstd and none",
		"rotation_compress_alone": "write max_size or max_age too",
		"rotation_keep_negative":  "keep -1 is below 0",
		"rotation_keep_fraction":  "keep 1.5 is not a whole number",
		"rotation_keep_alone":     "write max_size or max_age too",
		"rotation_keep_for_alone": "write max_size or max_age too",
		"rotation_keep_for_unit":  "write a duration such as 2160h",
		"rotation_keep_for_days":  `"90d" is no duration such as 2160h`,
		"rotation_is_no_map":      "rotation",
		"checkpoint":              "checkpoint",
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
			if strings.HasPrefix(name, "rotation") && !strings.Contains(err.Error(), "rotation") {
				t.Errorf("the error does not say where: %v", err)
			}
			if strings.Contains(err.Error(), "000102030405") {
				t.Errorf("the error quotes a key: %v", err)
			}
		})
	}
}
