// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/processor/redact"
	"github.com/auditchain/auditchain/processor/redact/rulefile"
)

// redactionFlags configure redaction, for every command that redacts.
type redactionFlags struct {
	fingerprintKey string
	rules          []string
	policies       policyFlags
}

func (f *redactionFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.fingerprintKey, "fingerprint-key-file", "", "file that holds a key for fingerprints of masked secrets (made by: auditchain key new --static --no-checkpoint-key FILE)")
	cmd.Flags().StringArrayVar(&f.rules, "rules", nil, "file of rules and allow-lists (YAML), beside what is built in; may be given again")
	f.policies.add(cmd)
}

// redactor is the default configuration, and what the flags add to it.
func (f *redactionFlags) redactor() (*redact.Redactor, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	return redact.New(cfg)
}

func (f *redactionFlags) config() (cfg redact.Config, err error) {
	if f.fingerprintKey != "" {
		key, err := keyfile.Load(keyfile.Source{File: f.fingerprintKey})
		err = keyfile.IfMissing(err, "name the key that fingerprints were made with; for the first ones: auditchain key new --static --no-checkpoint-key FILE")
		if err != nil {
			return cfg, fmt.Errorf("--fingerprint-key-file: %w", err)
		}
		if key.Forward() {
			return cfg, fmt.Errorf("--fingerprint-key-file: key %s is forward-secure: with it, fingerprints would not stay the same; make a key with: auditchain key new --static --no-checkpoint-key FILE", key.ID())
		}
		// The same bytes as the Collector's redaction::fingerprint_key uses,
		// so that both give a secret the same fingerprint.
		if cfg.FingerprintKey, err = hex.DecodeString(string(bytes.TrimSpace(key.Text()))); err != nil {
			return cfg, fmt.Errorf("--fingerprint-key-file: key %s cannot be used: %w", key.ID(), err)
		}
	}
	if err := f.policies.apply(&cfg); err != nil {
		return cfg, err
	}
	rules, err := rulefile.Load(f.rules...)
	if err != nil {
		return cfg, fmt.Errorf("--rules: %w", err)
	}
	cfg.Rules, cfg.Allow = rules.Rules, rules.Allow
	return cfg, nil
}
