// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package redactconfig is the `redaction` block that the processor
// audit_redaction and the exporter audit_chain have in common, so that both
// mask the same things when they are configured alike:
//
//	redaction:
//	  fingerprint_key: {file: ./fingerprint.key}
//	  sensitive_keys: [x-internal-token]
//	  allowed_keys: [token_count]
//	  rules_file: ./rules.yaml
//	  pii: {email: mask, ip: truncate}
//	  access_key_ids: last4
//
// An empty block is a working configuration. There is no switch that turns
// redaction off.
package redactconfig

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/confmap"

	"github.com/auditchain/auditchain/processor/redact"
	"github.com/auditchain/auditchain/processor/redact/rulefile"
)

// Config is the `redaction` block.
type Config struct {
	// FingerprintKey, when set, adds a keyed fingerprint to every marker, so
	// that equal secrets can be matched without being revealed.
	FingerprintKey Key `mapstructure:"fingerprint_key"`
	// SensitiveKeys are names of attributes and map keys whose values are
	// masked whatever they look like, beside those that are known anyway.
	SensitiveKeys []string `mapstructure:"sensitive_keys"`
	// AllowedKeys are names whose values are not masked for the name's sake.
	// What looks like a secret is masked under them too.
	AllowedKeys []string `mapstructure:"allowed_keys"`
	// RulesFile is a file of rules and allow-lists, or a list of files. See
	// package rulefile. They are read when the component starts.
	RulesFile []string `mapstructure:"rules_file"`
	// PII says what becomes of personal data, by kind of it. By default it
	// stays as it is.
	PII PII `mapstructure:"pii"`
	// AccessKeyIDs says what becomes of the ids of access keys: last4 (the
	// default), mask or keep.
	AccessKeyIDs string `mapstructure:"access_key_ids"`

	_ struct{}
}

var _ confmap.Unmarshaler = (*Config)(nil)

// Unmarshal refuses what is written and says nothing, as ${env:NAME} does where
// NAME is not set: it would be taken for a list without elements, or for no key.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	if err := conf.Unmarshal(c); err != nil {
		return err
	}
	for _, name := range []string{"rules_file", "sensitive_keys", "allowed_keys"} {
		if conf.Get(name) == "" {
			return fmt.Errorf("%s is empty; write what belongs there, or leave it out", name)
		}
	}
	if conf.Get("fingerprint_key") != nil && c.FingerprintKey.IsZero() {
		return errors.New("fingerprint_key names no key; write file, env or credential in it, or leave it out")
	}
	return nil
}

// Validate reports what is wrong with the block. It does not read the key, nor
// the rules.
func (c *Config) Validate() error {
	for i, k := range c.SensitiveKeys {
		if k == "" {
			return fmt.Errorf("sensitive_keys[%d] is empty; write the name of an attribute or map key", i)
		}
	}
	for i, k := range c.AllowedKeys {
		if k == "" {
			return fmt.Errorf("allowed_keys[%d] is empty; write the name of an attribute or map key", i)
		}
	}
	for i, path := range c.RulesFile {
		if path == "" {
			return fmt.Errorf("rules_file[%d] is empty; write the path of a rule file", i)
		}
	}
	for _, a := range c.AllowedKeys {
		for _, s := range c.SensitiveKeys {
			if a == s {
				return fmt.Errorf("%q is in sensitive_keys and in allowed_keys; keep it in one", a)
			}
		}
	}
	if err := c.checkPolicies(); err != nil {
		return err
	}
	_, err := redact.New(redact.Config{SensitiveKeys: c.SensitiveKeys, AllowedKeys: c.AllowedKeys})
	return err
}

// Redactor reads the fingerprint key and the rules, where there are some, and
// builds the redactor.
func (c *Config) Redactor() (*redact.Redactor, error) {
	rc := redact.Config{
		SensitiveKeys: c.SensitiveKeys, AllowedKeys: c.AllowedKeys,
		PII: c.PII.policies(), AccessKeyIDs: redact.Policy(c.AccessKeyIDs),
	}
	if !c.FingerprintKey.IsZero() {
		key, err := c.FingerprintKey.Load()
		if err != nil {
			return nil, fmt.Errorf("redaction::fingerprint_key: %w", err)
		}
		if rc.FingerprintKey, err = secret(key); err != nil {
			return nil, fmt.Errorf("redaction::fingerprint_key: %w", err)
		}
	}
	rules, err := rulefile.Load(c.RulesFile...)
	if err != nil {
		return nil, fmt.Errorf("redaction::rules_file: %w", err)
	}
	rc.Rules, rc.Allow = rules.Rules, rules.Allow
	return redact.New(rc)
}
