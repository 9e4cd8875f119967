// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package secrets

import (
	"regexp"
	"testing"
)

func TestNewSecret(t *testing.T) {
	for _, expr := range []string{
		`[a-z0-9]{32}`, `(?i)abc[\w-]{5,9}`, `a(?:b|c|)d+e*f?`, `x{2,}={0,2}`, `\b(k-[0-9A-F]{8})\b`, `[^a]{20}.`,
	} {
		first := NewSecret(expr)
		for _, s := range []string{first, NewSecret(expr), NewSecret(expr)} {
			if !regexp.MustCompile(`^(?:` + expr + `)$`).MatchString(s) {
				t.Errorf("%q does not match %s", s, expr)
			}
		}
		clear(made)
		if again := NewSecret(expr); again != first {
			t.Errorf("%s: made %q and then %q", expr, first, again)
		}
		if expr == `[a-z0-9]{32}` && NewSecret(expr) == first {
			t.Errorf("%s: the second secret is the first", expr)
		}
	}
}
