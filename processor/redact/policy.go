// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"slices"
	"strings"
)

// Policy says what becomes of what is found, where that is for its user to
// decide: personal data, and ids of access keys.
type Policy string

// The policies. Not every one makes sense everywhere; New says which do.
const (
	// PolicyKeep leaves it as it is.
	PolicyKeep Policy = "keep"
	// PolicyMask puts a marker in its place, without a fingerprint even where
	// there is a key for it: what comes from a small set, such as the phone
	// numbers of a town, can be guessed by whoever holds the key.
	PolicyMask Policy = "mask"
	// PolicyFingerprint puts a marker with a fingerprint in its place, so that
	// the same address, card or number can be followed without being read.
	PolicyFingerprint Policy = "fingerprint"
	// PolicyTruncate keeps the network of an IP address: the first 24 bits of
	// an IPv4 address, 48 of an IPv6 address.
	PolicyTruncate Policy = "truncate"
	// PolicyLast4 puts a marker with the last four characters in its place.
	PolicyLast4 Policy = "last4"
)

// PII says what becomes of personal data, by kind of it. The empty policy is
// PolicyKeep: nobody's logs change because this exists.
type PII struct {
	Email       Policy // keep, mask or fingerprint
	PaymentCard Policy // keep, mask or fingerprint
	IBAN        Policy // keep, mask or fingerprint
	Phone       Policy // keep, mask or fingerprint
	IP          Policy // keep, mask, fingerprint or truncate
}

var (
	piiPolicies   = []Policy{PolicyKeep, PolicyMask, PolicyFingerprint}
	ipPolicies    = []Policy{PolicyKeep, PolicyMask, PolicyFingerprint, PolicyTruncate}
	keyIDPolicies = []Policy{PolicyLast4, PolicyMask, PolicyKeep}
)

// piiFields are the fields of a PII and the kinds that they speak of.
var piiFields = [...]struct {
	name    string
	kind    kindID
	choices []Policy
	of      func(*PII) Policy
}{
	{"Email", kindEmail, piiPolicies, func(p *PII) Policy { return p.Email }},
	{"PaymentCard", kindPaymentCard, piiPolicies, func(p *PII) Policy { return p.PaymentCard }},
	{"IBAN", kindIBAN, piiPolicies, func(p *PII) Policy { return p.IBAN }},
	{"Phone", kindPhone, piiPolicies, func(p *PII) Policy { return p.Phone }},
	{"IP", kindIP, ipPolicies, func(p *PII) Policy { return p.IP }},
}

// rules checks the policies and compiles what they ask for: nil for nothing.
func (p *PII) rules(keyed bool) (*piiRules, error) {
	var r piiRules
	some := false
	for _, f := range piiFields {
		policy := f.of(p)
		switch {
		case policy == "" || policy == PolicyKeep:
			continue
		case !slices.Contains(f.choices, policy):
			return nil, fmt.Errorf("redact: PII.%s is %q; use %s", f.name, policy, choices(f.choices))
		case policy == PolicyFingerprint && !keyed:
			return nil, fmt.Errorf("redact: PII.%s is %q, and there is no FingerprintKey; set one, or use %q", f.name, policy, PolicyMask)
		}
		some = true
		r.policy[f.kind-kindEmail] = policy
	}
	if !some {
		return nil, nil
	}
	r.compile()
	return &r, nil
}

// keyIDPolicy checks the policy for ids of access keys.
func keyIDPolicy(p Policy) (Policy, error) {
	if p == "" {
		return PolicyLast4, nil
	}
	if !slices.Contains(keyIDPolicies, p) {
		return "", fmt.Errorf("redact: AccessKeyIDs is %q; use %s", p, choices(keyIDPolicies))
	}
	return p, nil
}

// choices lists policies: keep, mask or fingerprint.
func choices(ps []Policy) string {
	var b strings.Builder
	for i, p := range ps {
		switch {
		case i == len(ps)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(p))
	}
	return b.String()
}
