// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// fuzzRules are rules that get in each other's way, and allow-lists that get in
// theirs: what is found must still be the same when it is looked at again.
var fuzzRules = Config{
	FingerprintKey: testKey,
	Rules: []Rule{
		{Kind: "acme-token", Prefixes: []string{"acme_", "pass"}, Chars: "!-~", MinLength: 3},
		{Kind: "acme-pin", Regex: `\bPIN[ :=]+(?P<secret>\d{2,6})$`, IgnoreCase: true},
		{Kind: "acme-word", Regex: `[a-z]*PIN.*=(\d)`},
		{Kind: "acme-text", Regex: `'[^']*PIN[^']*'`},
		{Kind: "acme-mark", Regex: `.{0,3}REDACTED.{0,30}`},
		{Kind: "acme-end", Regex: `(.{2})end$`},
		{Kind: "password", Keys: []string{"error", "acme.pin", "redacted"}, Flags: []string{"--acme-pin"}},
	},
	Allow: []Allow{
		{Values: []string{"EXAMPLE KEY", "x", "hunter2", "[REDACTED:password]", "1", "12"}},
		{Regexes: []string{`[a-c]+`, `PIN[^x]*`}},
		{Regexes: []string{`.+`}, Kinds: []Kind{"acme-text", "cookie"}},
		{Keys: []string{"token"}, Kinds: []Kind{"token"}},
	},
}
