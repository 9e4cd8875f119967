// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/auditchain/auditchain/internal/redactconfig"
	"github.com/auditchain/auditchain/processor/redact"
)

// policyFlags say what becomes of what is no secret and may have to go all the
// same.
type policyFlags struct {
	pii          []string
	accessKeyIDs string
}

func (f *policyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.pii, "pii", nil, "what becomes of personal data: `KIND=POLICY`, such as email=mask,ip=truncate; kinds are email, payment_card, iban, phone, ip and all, policies keep (the default), mask, fingerprint and, for ip, truncate")
	cmd.Flags().StringVar(&f.accessKeyIDs, "access-key-ids", string(redact.PolicyLast4), "what becomes of the ids of access keys: `POLICY` last4, mask or keep")
}

// apply puts the policies into cfg, which has its fingerprint key already.
func (f *policyFlags) apply(cfg *redact.Config) (err error) {
	if cfg.PII, err = redactconfig.ParsePII(f.pii); err != nil {
		return usagef("--pii: %w", err)
	}
	if cfg.FingerprintKey == nil && slices.ContainsFunc(f.pii, func(p string) bool { return strings.HasSuffix(p, "=fingerprint") }) {
		return usagef("--pii: fingerprint needs a key; give --fingerprint-key-file, or use mask")
	}
	if cfg.AccessKeyIDs, err = redactconfig.ParseAccessKeyIDs(f.accessKeyIDs); err != nil {
		return usagef("--access-key-ids: %w", err)
	}
	return nil
}
