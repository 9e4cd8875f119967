// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

// Package patterns is what the contrib redactionprocessor is given when it is
// compared with: the benchmarks and the report on redaction use the same.
package patterns

// Values are what a careful user gives redactionprocessor as blocked_values: one
// expression a kind of secret, anchored where the kind allows it.
var Values = []string{
	`\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`,                                          // AWS access key id
	`\bgh[pousr]_[A-Za-z0-9]{36,}\b`,                                                   // GitHub tokens
	`\bglpat-[A-Za-z0-9_-]{20,}`,                                                       // GitLab personal token
	`\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`,                  // JWT
	`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`, // PEM, also cut off
	`(?i)aws_?secret_?access_?key["'\s:=]+[A-Za-z0-9/+=]{40}`,                          // AWS secret
	`(?i)--?(?:password|passwd|pwd|token|secret)[=\s]+\S+`,                             // arguments
	`(?i)\b(?:password|passwd|secret|token|api_?key)\s*[:=]\s*["']?[^\s"']{8,}`,        // assignments
	`\bAIza[0-9A-Za-z_-]{35}`,                                                          // GCP API key
	`\bxox[abeprs]-[A-Za-z0-9-]{10,}`,                                                  // Slack
	`\bgithub_pat_[A-Za-z0-9_]{60,}`,                                                   // GitHub fine-grained
	`\bhvs\.[A-Za-z0-9_-]{24,}`,                                                        // Vault
	`\b[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}`,                                // Azure client secret
	`AccountKey=[A-Za-z0-9+/]{86}==`,                                                   // Azure storage
	`://[^/\s:@]+:[^/\s:@]+@`,                                                          // URL user info
	`(?i)\bauthorization:\s*(?:basic|bearer)\s+\S+`,                                    // headers
	`\bya29\.[0-9A-Za-z_-]{20,}`,                                                       // GCP OAuth
	`\b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{24,}`,                                       // Stripe
	`\bnpm_[A-Za-z0-9]{36}\b`,                                                          // npm
}

// Keys are what such a user gives it as blocked_key_patterns: names whose
// values are masked whole.
var Keys = []string{
	`(?i)(?:password|passwd|passphrase|pwd)$`,
	`(?i)(?:secret|secret[_-]?key|client[_-]?secret|secret[_-]?access[_-]?key)$`,
	`(?i)token$`,
	`(?i)(?:api|access|account|private|storage|signing|encryption)[_-]?key(?:[_-]?id)?$`,
	`(?i)^(?:proxy[_-])?authorization$`,
	`(?i)^(?:set-)?cookie$`,
	`(?i)credentials?$`,
}
