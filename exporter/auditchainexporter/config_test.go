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
	"github.com/auditchain/auditchain/internal/publickeyconfig"
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
	usual := CheckpointConfig{EveryRecords: 10_000, Every: time.Minute, Timestamp: TimestampConfig{Timeout: 15 * time.Second}}
	quarter := EpochConfig{EveryRecords: 1_000_000, Every: 15 * time.Minute}
	tests := map[string]*Config{
		"": {
			Path: "./data/audit.jsonl", Key: redactconfig.Key{File: "./data/audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second, Rotation: off,
			Checkpoint: usual, Epoch: quarter,
		},
		"full": {
			Path: "/var/lib/otelcol/audit.jsonl", Key: redactconfig.Key{Credential: "auditchain.key"},
			Fsync: "1s", LockTimeout: 30 * time.Second,
			Rotation: RotationConfig{
				MaxSize: 256 << 20, MaxAge: 24 * time.Hour, Compress: "zstd", Keep: 10, KeepFor: 90 * 24 * time.Hour,
			},
			Checkpoint: CheckpointConfig{
				SigningKey:   SigningKeyConfig{File: "/etc/otelcol/audit.checkpoint"},
				EveryRecords: 1000, Every: 30 * time.Second,
				Timestamp: TimestampConfig{URL: "https://tsa.example/tsr", CAFile: "/etc/otelcol/tsa.pem", Timeout: 5 * time.Second},
			},
			Epoch:      EpochConfig{EveryRecords: 100_000, Every: 5 * time.Minute},
			ErasureKey: publickeyconfig.Config{File: "/etc/otelcol/erasure.pub"},
			Redaction: redactconfig.Config{
				FingerprintKey: redactconfig.Key{Env: "FINGERPRINT_KEY"},
				SensitiveKeys:  []string{"x-internal-pin"},
				AllowedKeys:    []string{"token_count"},
			},
		},
		"env": {
			Path: "audit.jsonl", Key: redactconfig.Key{Env: "AUDITCHAIN_KEY"},
			Fsync: "never", LockTimeout: 10 * time.Second, Rotation: off,
			Checkpoint: usual, Epoch: quarter,
		},
		"rotation_bytes": {
			Path: "audit.jsonl", Key: redactconfig.Key{File: "./audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second, Rotation: RotationConfig{MaxSize: 1 << 20, Compress: "none"},
			Checkpoint: usual, Epoch: quarter,
		},
		"rotation_off": {
			Path: "audit.jsonl", Key: redactconfig.Key{File: "./audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second, Rotation: off,
			Checkpoint: usual, Epoch: quarter,
		},
		"rotation_empty": {
			Path: "audit.jsonl", Key: redactconfig.Key{File: "./audit.key"},
			Fsync: "always", LockTimeout: 10 * time.Second, Rotation: off,
			Checkpoint: usual, Epoch: quarter,
		},
	}
	tests["checkpoint_empty"] = tests["rotation_off"]
	tests["checkpoint_by_time_alone"] = &Config{
		Path: "audit.jsonl", Key: redactconfig.Key{File: "./audit.key"},
		Fsync: "always", LockTimeout: 10 * time.Second, Rotation: off,
		Checkpoint: CheckpointConfig{Every: 10 * time.Second, Timestamp: usual.Timestamp},
		Epoch:      EpochConfig{EveryRecords: 1000},
		ErasureKey: publickeyconfig.Config{Base64: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := load(t, "config.yaml", name)
			if err != nil {
				t.Fatal(err)
			}
			ignore := cmpopts.IgnoreUnexported(Config{}, RotationConfig{}, redactconfig.Config{}, redactconfig.Key{},
				CheckpointConfig{}, SigningKeyConfig{}, TimestampConfig{}, EpochConfig{}, publickeyconfig.Config{})
			if diff := cmp.Diff(want, got, ignore); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestInvalidConfig(t *testing.T) {
	tests := map[string]string{
		"empty":                      "path is missing",
		"no_path":                    "path is missing",
		"no_key":                     "auditchain key new",
		"folder":                     "names a folder",
		"two_key_sources":            "keep one",
		"key_itself":                 "key",
		"key_as_env":                 "not its value",
		"fsync":                      "none of always, never and an interval",
		"fsync_interval":             "none of always, never and an interval",
		"lock_timeout":               "lock_timeout",
		"misspelt":                   "fsnyc",
		"misspelt_inside":            "fiel",
		"redaction_off":              "enabled",
		"sending_queue":              "before they are durable",
		"retry_on_failure":           "goes back to the client",
		"report_only":                "it masks always",
		"timeout":                    "must not be cut short",
		"rotation_misspelt":          "max_szie",
		"rotation_size_unit":         "such as 256MiB",
		"rotation_size_small":        "max_size 256 is below 4KiB",
		"rotation_size_negative":     "max_size -1 is below 4KiB",
		"rotation_size_fraction":     "max_size 0.5 is not a whole number",
		"rotation_age_unit":          "write a duration such as 24h",
		"rotation_age_small":         "max_age 1ms is below 1s",
		"rotation_compress":          "none of zstd and none",
		"rotation_compress_alone":    "write max_size or max_age too",
		"rotation_keep_negative":     "keep -1 is below 0",
		"rotation_keep_fraction":     "keep 1.5 is not a whole number",
		"rotation_keep_alone":        "write max_size or max_age too",
		"rotation_keep_for_alone":    "write max_size or max_age too",
		"rotation_keep_for_unit":     "write a duration such as 2160h",
		"rotation_keep_for_days":     `"90d" is no duration such as 2160h`,
		"rotation_is_no_map":         "rotation",
		"checkpoint_misspelt":        "evry",
		"checkpoint_misspelt_inside": "fiel",
		"checkpoint_key_itself":      "checkpoint",
		"checkpoint_is_no_map":       "checkpoint",
		"checkpoint_few":             "every_records 1 is below 100",
		"checkpoint_negative":        "every_records -1 is below 100",
		"checkpoint_fraction":        "every_records 100.5 is not a whole number",
		"checkpoint_unit":            "write a duration such as 60s",
		"checkpoint_short":           "every 10ms is below 1s",
		"checkpoint_never":           "no checkpoint would be made before the end",
		"timestamp_misspelt":         "uri",
		"timestamp_url":              "such as https://tsa.example/tsr",
		"timestamp_password":         "would be in logs",
		"timestamp_ca_alone":         "write its url too",
		"timestamp_timeout":          "timeout 0s is not above 0",
		"timestamp_long":             "timeout 1m0s is not above 0 and at most 30s",
		"timestamp_unit":             "write a duration such as 15s",
		"epoch_misspelt":             "evry",
		"epoch_unit":                 "write a duration such as 15m",
		"epoch_negative":             "every_records -1 is below 0",
		"epoch_short":                "every 1ms is below 1s",
		"epoch_never":                "the key would never step",
		"erasure_two":                "keep one",
		"erasure_secret":             "not a public key of 32 bytes",
		"erasure_misspelt":           "fiel",
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
			if block, _, _ := strings.Cut(name, "_"); (block == "timestamp" || block == "epoch" || block == "erasure" || block == "checkpoint") && !strings.Contains(err.Error(), block) {
				t.Errorf("the error does not say where: %v", err)
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
