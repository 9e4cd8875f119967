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
//
// An empty block is a working configuration. There is no switch that turns
// redaction off.
package redactconfig

import (
	"fmt"

	"github.com/auditchain/auditchain/processor/redact"
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

	_ struct{}
}

// Validate reports what is wrong with the block. It does not read the key.
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
	for _, a := range c.AllowedKeys {
		for _, s := range c.SensitiveKeys {
			if a == s {
				return fmt.Errorf("%q is in sensitive_keys and in allowed_keys; keep it in one", a)
			}
		}
	}
	_, err := redact.New(redact.Config{SensitiveKeys: c.SensitiveKeys, AllowedKeys: c.AllowedKeys})
	return err
}

// Redactor reads the fingerprint key, where there is one, and builds the
// redactor.
func (c *Config) Redactor() (*redact.Redactor, error) {
	rc := redact.Config{SensitiveKeys: c.SensitiveKeys, AllowedKeys: c.AllowedKeys}
	if !c.FingerprintKey.IsZero() {
		key, err := c.FingerprintKey.Load()
		if err != nil {
			return nil, fmt.Errorf("redaction::fingerprint_key: %w", err)
		}
		if rc.FingerprintKey, err = secret(key); err != nil {
			return nil, fmt.Errorf("redaction::fingerprint_key: %w", err)
		}
	}
	return redact.New(rc)
}
