// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redactconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/auditchain/auditchain/processor/redact"
)

// PII is the `pii` block: what becomes of personal data, by kind of it. Each is
// one of keep (the default), mask, fingerprint and, for ip, truncate.
type PII struct {
	Email       string `mapstructure:"email"`
	PaymentCard string `mapstructure:"payment_card"`
	IBAN        string `mapstructure:"iban"`
	Phone       string `mapstructure:"phone"`
	IP          string `mapstructure:"ip"`

	_ struct{}
}

// piiKinds are the names of the fields, as they are written in the block and on
// the command line.
var piiKinds = []string{"email", "payment_card", "iban", "phone", "ip"}

func (p *PII) field(kind string) *string {
	return map[string]*string{"email": &p.Email, "payment_card": &p.PaymentCard, "iban": &p.IBAN, "phone": &p.Phone, "ip": &p.IP}[kind]
}

// choicesFor lists what may be written for a kind.
func choicesFor(kind string) []string {
	out := []string{"keep", "mask", "fingerprint"}
	if kind == "ip" {
		out = append(out, "truncate")
	}
	return out
}

var keyIDChoices = []string{"last4", "mask", "keep"}

func oneOf(choices []string) string {
	last := len(choices) - 1
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}

// checkPolicies reports a policy that does not exist, or that needs a key that
// is not there.
func (c *Config) checkPolicies() error {
	for _, kind := range piiKinds {
		policy := *c.PII.field(kind)
		switch choices := choicesFor(kind); {
		case policy == "":
		case !slices.Contains(choices, policy):
			return fmt.Errorf("pii::%s is %q; write %s", kind, policy, oneOf(choices))
		case policy == "fingerprint" && c.FingerprintKey.IsZero():
			return fmt.Errorf("pii::%s is fingerprint, and there is no fingerprint_key; set one, or write mask", kind)
		}
	}
	if c.AccessKeyIDs != "" && !slices.Contains(keyIDChoices, c.AccessKeyIDs) {
		return fmt.Errorf("access_key_ids is %q; write %s", c.AccessKeyIDs, oneOf(keyIDChoices))
	}
	return nil
}

func (p *PII) policies() redact.PII {
	return redact.PII{
		Email: redact.Policy(p.Email), PaymentCard: redact.Policy(p.PaymentCard), IBAN: redact.Policy(p.IBAN),
		Phone: redact.Policy(p.Phone), IP: redact.Policy(p.IP),
	}
}

// ParsePII reads policies for personal data as a command line gives them:
// email=mask,ip=truncate. "all" stands for every kind that is not named beside
// it.
func ParsePII(text []string) (redact.PII, error) {
	var p PII
	all := ""
	for _, item := range text {
		name, policy, ok := strings.Cut(strings.TrimSpace(item), "=")
		kind := strings.ReplaceAll(name, "-", "_")
		choices := choicesFor(kind)
		switch known := p.field(kind); {
		case !ok:
			return redact.PII{}, fmt.Errorf("%q is no kind=policy, such as email=mask", item)
		case kind != "all" && known == nil:
			return redact.PII{}, fmt.Errorf("%q is no kind of personal data; write all, %s", name, oneOf(piiKinds))
		case !slices.Contains(choices, policy):
			return redact.PII{}, fmt.Errorf("%s is %q; write %s", name, policy, oneOf(choices))
		case kind == "all" && all != "" || known != nil && *known != "":
			return redact.PII{}, fmt.Errorf("%s is given twice; keep one", name)
		case kind == "all":
			all = policy
		default:
			*known = policy
		}
	}
	for _, kind := range piiKinds {
		if f := p.field(kind); *f == "" {
			*f = all
		}
	}
	return p.policies(), nil
}

// ParseAccessKeyIDs reads the policy for ids of access keys.
func ParseAccessKeyIDs(text string) (redact.Policy, error) {
	if text != "" && !slices.Contains(keyIDChoices, text) {
		return "", fmt.Errorf("%q is no policy; write %s", text, oneOf(keyIDChoices))
	}
	return redact.Policy(text), nil
}
