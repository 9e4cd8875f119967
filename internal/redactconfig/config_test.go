// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactconfig

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
)

const keyText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func TestKeyValidate(t *testing.T) {
	tests := map[string]struct {
		key  Key
		want string // "" for no error
	}{
		"none":            {Key{}, ""},
		"file":            {Key{File: "./audit.key"}, ""},
		"env":             {Key{Env: "AUDITCHAIN_KEY_2"}, ""},
		"credential":      {Key{Credential: "auditchain.key"}, ""},
		"short hex name":  {Key{Env: "FACADE"}, ""},
		"two":             {Key{File: "a", Credential: "b"}, "keep one"},
		"the key as env":  {Key{Env: keyText}, "not its value"},
		"as letters":      {Key{Env: strings.Repeat("ab", 32)}, "not its value"},
		"env with value":  {Key{Env: "KEY=x"}, "not its value"},
		"expanded env":    {Key{Env: "${KEY}"}, "not its value"},
		"credential path": {Key{Credential: "/run/x"}, "for a path use file"},
		"url":             {Key{File: "k", URL: "base64key://x"}, ""},
		"url alone":       {Key{URL: "base64key://hunter2"}, "write file beside it"},
		"no url":          {Key{File: "k", URL: "hunter2"}, "url is no URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := tt.key.Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("error is %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error is %v, want one with %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error quotes the URL: %v", err)
			case err != nil && tt.key.Env != "" && strings.Contains(err.Error(), tt.key.Env):
				t.Errorf("the error quotes what may be the key: %v", err)
			}
			if tt.key.IsZero() != (name == "none" || name == "url alone") {
				t.Error("IsZero is wrong")
			}
		})
	}
}

// A configuration can be printed: the URL, which can be a secret, is not in it.
func TestKeyHidesURL(t *testing.T) {
	k := Key{File: "audit.key", URL: "base64key://hunter2"}
	conf := confmap.New()
	if err := conf.Marshal(&Config{FingerprintKey: k}); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(conf.ToStringMap()), fmt.Sprintf("%v %+v %#v %s %q", k, k, k, k.URL, k.URL), string(text)} {
		if strings.Contains(s, "hunter2") || !strings.Contains(s, "[REDACTED]") {
			t.Errorf("printed: %s", s)
		}
	}
	var back Config
	if err := confmap.NewFromStringMap(map[string]any{"fingerprint_key": map[string]any{"file": "audit.key", "url": "base64key://hunter2"}}).Unmarshal(&back); err != nil || back.FingerprintKey.Source().URL != "base64key://hunter2" {
		t.Errorf("read: %v, %v", back, err)
	}
}

// Both components nest the block, and rely on this.
func TestValidateReachesTheNestedKey(t *testing.T) {
	cfg := struct {
		Redaction Config `mapstructure:"redaction"`
	}{Config{FingerprintKey: Key{File: "a", Env: "B"}}}
	if err := confmap.Validate(&cfg); err == nil || !strings.Contains(err.Error(), "redaction::fingerprint_key") {
		t.Errorf("error is %v", err)
	}
}

func TestRedactor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fingerprint.key")
	if err := os.WriteFile(file, []byte(keyText), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REDACTCONFIG_TEST_KEY", keyText)
	text := func(c Config) string {
		t.Helper()
		r, err := c.Redactor()
		if err != nil {
			t.Fatal(err)
		}
		s := r.Scanner()
		out, _ := s.Text(s.Field(s.Root(), "floor_plan"), "basement-4711")
		return out
	}
	if got := text(Config{}); got != "basement-4711" {
		t.Errorf("by default: %q", got)
	}
	if got := text(Config{SensitiveKeys: []string{"floor_plan"}}); got != "[REDACTED:secret]" {
		t.Errorf("with a sensitive key: %q", got)
	}
	inFile := text(Config{SensitiveKeys: []string{"floor_plan"}, FingerprintKey: Key{File: file}})
	inEnv := text(Config{SensitiveKeys: []string{"floor_plan"}, FingerprintKey: Key{Env: "REDACTCONFIG_TEST_KEY"}})
	if inFile == "[REDACTED:secret]" || inFile != inEnv || strings.Contains(inFile, "basement") {
		t.Errorf("with a fingerprint: %q and %q", inFile, inEnv)
	}
	c := Config{FingerprintKey: Key{File: file + ".missing"}}
	if _, err := c.Redactor(); err == nil || !strings.Contains(err.Error(), "redaction::fingerprint_key") {
		t.Errorf("missing key: %v", err)
	}
}

// What is written and says nothing does not pass for nothing: a variable that is
// not set would leave out the rules, or the fingerprints.
func TestUnmarshalRefusesEmpty(t *testing.T) {
	for name, block := range map[string]map[string]any{
		"rules_file":      {"rules_file": ""},
		"sensitive_keys":  {"sensitive_keys": ""},
		"allowed_keys":    {"allowed_keys": ""},
		"fingerprint_key": {"fingerprint_key": map[string]any{"file": ""}},
	} {
		err := confmap.NewFromStringMap(block).Unmarshal(&Config{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	for name, block := range map[string]map[string]any{
		"nothing": {},
		"nulls":   {"rules_file": nil, "sensitive_keys": nil, "fingerprint_key": nil},
		"lists":   {"rules_file": []any{}, "sensitive_keys": []any{"abcd"}},
		"values":  {"rules_file": "rules.yaml", "fingerprint_key": map[string]any{"env": "KEY"}},
	} {
		if err := confmap.NewFromStringMap(block).Unmarshal(&Config{}); err != nil {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
