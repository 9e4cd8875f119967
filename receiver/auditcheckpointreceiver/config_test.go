// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package auditcheckpointreceiver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/auditchain/auditchain/internal/publickeyconfig"
	"github.com/auditchain/auditchain/receiver/auditcheckpointreceiver/internal/metadata"
)

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
	for name, want := range map[string]*Config{
		"": {Path: "./data/audit.jsonl", PollInterval: time.Second, StartAt: "end"},
		"full": {
			Path: "/var/lib/otelcol/audit.jsonl", PollInterval: 5 * time.Second, StartAt: "beginning",
			PublicKeys: []publickeyconfig.Config{{File: "/etc/otelcol/audit.pub"}, {Base64: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}},
		},
	} {
		got, err := load(t, "config.yaml", name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Config{}, publickeyconfig.Config{})); diff != "" {
			t.Errorf("%q: -want +got:\n%s", name, diff)
		}
	}
}

func TestInvalidConfig(t *testing.T) {
	tests := map[string]string{
		"empty":               "path is missing",
		"misspelt":            "pol_interval",
		"misspelt_inside":     "fiel",
		"folder":              "names a folder",
		"file_of_checkpoints": "write the journal, which is ./data/audit.jsonl",
		"interval_unit":       "write a duration such as 1s",
		"interval_small":      "poll_interval 1ms is below 10ms",
		"start_at":            "none of end and beginning",
		"key_empty":           "public_keys[0] is empty",
		"key_two":             "keep one",
		"key_secret":          "not a public key of 32 bytes",
	}
	all, err := confmaptest.LoadConf(filepath.Join("testdata", "invalid.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(all.ToStringMap()); n != len(tests) {
		t.Errorf("the file has %d entries, the test %d", n, len(tests))
	}
	for name, want := range tests {
		_, err := load(t, "invalid.yaml", name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "000102030405") {
			t.Errorf("%s: the error quotes a key: %v", name, err)
		}
	}
}

func TestReadmeSnippets(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := strings.Split(string(readme), "```yaml\n")[1:]
	if len(snippets) != 2 {
		t.Errorf("%d snippets", len(snippets))
	}
	for _, s := range snippets {
		s, _, _ = strings.Cut(s, "```")
		r, err := confmap.NewRetrievedFromYAML([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		conf, err := r.AsConf()
		if err != nil {
			t.Fatal(err)
		}
		sub, err := conf.Sub("receivers::audit_checkpoint")
		if err != nil {
			t.Fatal(err)
		}
		cfg := createDefaultConfig().(*Config)
		if err := sub.Unmarshal(cfg); err != nil {
			t.Fatalf("%v in\n%s", err, s)
		}
		if err := confmap.Validate(cfg); err != nil {
			t.Errorf("%v in\n%s", err, s)
		}
	}
}
