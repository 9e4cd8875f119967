// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "slices"

// Rules that a literal of the surroundings leads to. They are numbered apart
// from those of the shapes.
const (
	rulePercent      ruleID = 64 + iota // %: an escape, or one of several
	ruleForeign                         // a word for password in another language
	ruleAuthKey                         // "auth" as a quoted name
	rulePasswd                          // passwd as a command that reads from a pipe
	ruleSecureString                    // ConvertTo-SecureString x
	ruleSecondArg                       // NetworkCredential("user", "x")
	ruleThin                            // jdbc:oracle:thin:user/x@
	rulePgpass                          // host:5432:database:user:x
	ruleBase64                          // a literal as base64 spells it
	ruleEncoded                         // powershell -EncodedCommand base64
	ruleParameter                       // --type SecureString --value x
	ruleProxy                           // proxy=user:x@host
	ruleSecretKind                      // "kind":"Secret" in JSON that did not parse
)

// surroundLiterals lead to secrets by what stands around them.
var surroundLiterals = append([]literal{
	// Escapes that hide quotes, operators and names.
	{text: `\x2`, rule: ruleEscaped},
	{text: `\x3`, rule: ruleEscaped},
	{text: `\x4`, rule: ruleEscaped},
	{text: `\x5`, rule: ruleEscaped},
	{text: `\x6`, rule: ruleEscaped},
	{text: `\x7`, rule: ruleEscaped},
	{text: "&apos;", rule: ruleEscaped},
	{text: "&amp;", rule: ruleEscaped},
	{text: "&lt;", rule: ruleEscaped},
	{text: "&gt;", rule: ruleEscaped},
	{text: "&#3", rule: ruleEscaped},
	{text: "&#x", rule: ruleEscaped},
	{text: `'\''`, rule: ruleEscaped},
	{text: `\\''`, rule: ruleEscaped},
	{text: `'"'"'`, rule: ruleEscaped},
	{text: `:\/\/`, rule: ruleEscaped},
	{text: "s\x00s\x00", rule: ruleEscaped},
	{text: "S\x00S\x00", rule: ruleEscaped},
	{text: "e\x00c\x00", rule: ruleEscaped},
	{text: "E\x00C\x00", rule: ruleEscaped},
	{text: "o\x00k\x00", rule: ruleEscaped},
	{text: "O\x00K\x00", rule: ruleEscaped},
	{text: "k\x00e\x00", rule: ruleEscaped},
	{text: "K\x00E\x00", rule: ruleEscaped},

	{text: "_pw", fold: true, rule: ruleWord},
	{text: "-crumb", fold: true, rule: ruleWord},
	{text: "cvv", fold: true, rule: ruleWord},
	{text: "cvc", fold: true, rule: ruleWord},
	{text: "OTP", rule: ruleWord},
	{text: "sonar.login", rule: ruleWord},
	{text: "SONAR_LOGIN", rule: ruleWord},
	{text: `"auth"`, rule: ruleAuthKey},
	{text: `auth\"`, rule: ruleAuthKey},

	{text: "proxy=", fold: true, rule: ruleProxy, kind: kindURLPassword},
	{text: "proxy ", fold: true, rule: ruleProxy, kind: kindURLPassword},
	{text: "proxy: ", fold: true, rule: ruleProxy, kind: kindURLPassword},
	{text: `proxy":`, fold: true, rule: ruleProxy, kind: kindURLPassword},
	{text: "passwd ", rule: rulePasswd, kind: kindPassword},
	{text: "to-securestring", fold: true, rule: ruleSecureString, kind: kindPassword},
	{text: "SecureString", rule: ruleParameter, kind: kindSecret},
	{text: "networkcredential", fold: true, rule: ruleSecondArg, kind: kindPassword},
	{text: ".auth(", rule: ruleSecondArg, kind: kindPassword},
	{text: "oracle:thin:", rule: ruleThin, kind: kindURLPassword},
	{text: "oracle:oci:", rule: ruleThin, kind: kindURLPassword},
	{text: ":5432:", rule: rulePgpass, kind: kindPassword},
	{text: "policy=", fold: true, rule: ruleQuery, kind: kindSignature},
	{text: `"kind":"Secret"`, rule: ruleSecretKind},
	{text: `"kind": "Secret"`, rule: ruleSecretKind},
	{text: `kind\":\"Secret`, rule: ruleSecretKind},
	{text: `kind\": \"Secret`, rule: ruleSecretKind},
	{text: `kind\\\":\\\"Secret`, rule: ruleSecretKind},
}, slices.Concat(foreignLiterals, base64Literals, dialogLiterals)...)

// surrounded runs the rule of a literal of the surroundings; see apply.
func (s *Scanner) surrounded(v string, at, behind int, l *literal) {
	switch l.rule {
	case rulePercent:
		s.percentSign(v, at)
	case ruleForeign:
		s.foreignWord(v, at, behind)
	case ruleAuthKey:
		if v[at] == '"' {
			at++
		}
		s.word(v, at, at+len("auth"))
	case rulePasswd:
		s.passwd(v, at, l)
	case ruleSecureString:
		s.secureString(v, at, behind)
	case ruleParameter:
		s.parameter(v, at, l.kind)
	case ruleSecretKind:
		s.kubeSecret(v, at, behind)
	case ruleBase64:
		s.base64At(v, at, l)
	case ruleEncoded:
		s.encodedCommand(v, behind)
	case ruleSecondArg:
		s.secondArgument(v, behind)
	case ruleProxy:
		s.proxy(v, behind)
	case ruleThin:
		s.thin(v, behind)
	case rulePgpass:
		s.pgpass(v, at, behind)
	default:
		s.dialog(v, at, behind, l)
	}
}
