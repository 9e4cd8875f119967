// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// ruleID says which rule looks at the place where a literal stands.
type ruleID uint8

const (
	rulePrefix     ruleID = iota // the literal starts the secret: charset, length, boundaries
	ruleWord                     // a word of a key name: what is assigned to it?
	ruleMarker                   // an exact marker is stepped over
	ruleJWT                      // eyJ…
	rulePEM                      // -----BEGIN … PRIVATE KEY-----
	ruleAWSKeyID                 // AKIA…, ASIA…
	ruleAzure                    // 1Q~ inside an Azure client secret
	ruleUserInfo                 // ://user:password@
	ruleDSN                      // user:password@tcp(
	ruleBearer                   // Bearer …
	ruleBasic                    // Basic …
	ruleQuery                    // sig=, signature= in a query
	ruleIdentified               // IDENTIFIED BY '…'
	ruleCommand                  // a command with flags of its own
	ruleWebhook                  // the rest of a path is the secret
	ruleTelegram                 // 123456789:AA…
	ruleSuffixed                 // the literal stands inside the secret, after a fixed number of bytes
	rulePuTTY                    // Private-Lines: 14
	rulePiped                    // echo secret | command --password-stdin
	ruleEscaped                  // \u00, %3D: look at the decoded text too
	ruleSequence                 // runs of character sets and literals, in a fixed order
	rulePattern                  // a regular expression around the literal
	ruleHook                     // a long segment of the path behind the literal is the secret
	ruleCrypt                    // $6$…: the hash of a password
	ruleShortName                // pw:x1
	rulePhoneWord                // a phone number may follow
	ruleKeyword                  // the name of a vendor: what is assigned to it?
	ruleNear                     // a sequence somewhere around the literal
	ruleManifest                 // kind: Secret
	ruleAttribute                // <add key="Password" value="…">
)

// A literal is what triggers a rule.
type literal struct {
	text string
	fold bool // text is lower case and matches any case
	rule ruleID
	kind kindID
	set  charset // what follows a prefix
	min  int     // at least so many bytes of set
	max  int     // at most so many; 0 is no limit
	mix  mix
	seq  *sequence // of ruleSequence
	pat  *pattern  // of rulePattern
	word *keyword  // of ruleKeyword
}

//go:generate go -C ../../internal/tools run ./vendorrules -o ../../processor/redact/vendor_rules.go

// published is the kind of a rule in vendor_rules.go.
func published(name Kind) kindID {
	id, known := builtinKinds.byName[string(name)]
	if !known {
		panic("redact: no kind " + string(name))
	}
	return id
}

// keywords are all of them. Each has two hints, for the places under its name.
var keywords = func() (all []*keyword) {
	for _, table := range [...][]keyword{publishedKeywords, ourKeywords} {
		for i := range table {
			next := int(hintVendor) + 2*len(all)
			if next+1 > int(^hint(0)) {
				panic("redact: more keywords than a Place can name")
			}
			table[i].hint = hint(next)
			all = append(all, &table[i])
		}
	}
	return all
}()

// keywordLiterals are their triggers.
func keywordLiterals() []literal {
	out := make([]literal, 0, len(keywords))
	for _, k := range keywords {
		out = append(out, literal{text: k.text, fold: true, rule: ruleKeyword, word: k})
	}
	return out
}

// ourKeywords are keywords that vendor_rules.go has not, or not so.
var ourKeywords = []keyword{
	{text: "sourcegraph", shapes: []shape{
		{kind: published("sourcegraph-token"), parts: []part{{set: chars("0-9A-Fa-f"), min: 40, max: 40}}, entropy: 3},
	}},
}

// mix asks for variety where a prefix alone says little.
type mix uint8

const (
	mixNone  mix = iota
	mixDigit     // a digit
	mixAll       // a digit, a lower and an upper case letter
)

// vendorLiterals are the shapes that name their vendor. One line is one rule:
// adding a vendor is adding a line and a case in the tests.
var vendorLiterals = []literal{
	{text: "AKIA", rule: ruleAWSKeyID, kind: kindAWSAccessKeyID},
	{text: "ASIA", rule: ruleAWSKeyID, kind: kindAWSAccessKeyID},
	{text: "FwoGZX", kind: kindAWSSessionToken, set: setOpaque, min: 40},
	{text: "IQoJb3", kind: kindAWSSessionToken, set: setOpaque, min: 40},
	{text: "ABIA", rule: ruleAWSKeyID, kind: kindAWSAccessKeyID},
	{text: "ACCA", rule: ruleAWSKeyID, kind: kindAWSAccessKeyID},
	{text: "A3T", rule: ruleAWSKeyID, kind: kindAWSAccessKeyID},
	{text: "bedrock-api-key-", kind: kindAWSSecretKey, set: setBase64URL, min: 20, mix: mixAll},

	{text: "ya29.", kind: kindGCPOAuthToken, set: setDotToken, min: 20},
	{text: "GOCSPX-", kind: kindGCPOAuthSecret, set: setToken, min: 20},

	{text: "eyJ", rule: ruleJWT, kind: kindJWT},
	{text: "ZXlK", kind: kindJWT, set: setBase64URL, min: 60, mix: mixAll}, // once more in base64
	{text: "-----BEGIN", rule: rulePEM, kind: kindPrivateKey},
	{text: "Private-Lines: ", rule: rulePuTTY, kind: kindPrivateKey},
	{text: "AGE-SECRET-KEY-1", kind: kindAgeKey, set: setUpperDigit, min: 50},

	{text: "0Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "1Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "2Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "3Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "4Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "5Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "6Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "7Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "8Q~", rule: ruleAzure, kind: kindAzureClientSecret},
	{text: "9Q~", rule: ruleAzure, kind: kindAzureClientSecret},

	{text: "ghs_", kind: kindGitHubToken, set: setDotToken, min: 30},
	{text: "github_pat_", kind: kindGitHubToken, set: setWord, min: 30},

	{text: "glpat-", kind: kindGitLabToken, set: setDotToken, min: 18},
	{text: "glrt-", kind: kindGitLabToken, set: setDotToken, min: 18},
	{text: "glrtr-", kind: kindGitLabToken, set: setDotToken, min: 18},
	{text: "glcbt-", kind: kindGitLabToken, set: setToken, min: 18},
	{text: "glptt-", kind: kindGitLabToken, set: setToken, min: 18},
	{text: "glagent-", kind: kindGitLabToken, set: setToken, min: 18},
	{text: "gloas-", kind: kindGitLabToken, set: setToken, min: 18},
	{text: "_gitlab_session=", rule: ruleSequence, kind: kindGitLabToken, seq: &sequence{keepLead: 1, parts: []part{{set: chars("0-9a-z"), min: 32}}, mixed: true, entropy: 3}},
	{text: "glimt-", kind: kindGitLabToken, set: setToken, min: 18},

	{text: "xoxb-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xoxp-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xoxa-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xoxr-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xoxs-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xoxo-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xoxc-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xoxd-", kind: kindSlackToken, set: setOpaque, min: 16, mix: mixDigit},
	{text: "xoxe-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xoxe.xox", kind: kindSlackToken, set: setDotToken, min: 16, mix: mixDigit},
	{text: "xapp-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "xwfp-", kind: kindSlackToken, set: setToken, min: 16, mix: mixDigit},
	{text: "hooks.slack.com/", fold: true, rule: ruleWebhook, kind: kindSlackWebhook},
	{text: "/api/webhooks/", fold: true, rule: ruleWebhook, kind: kindDiscordWebhook},

	{text: "hvs.", kind: kindVaultToken, set: setToken, min: 24},
	{text: "hvb.", kind: kindVaultToken, set: setToken, min: 24},
	{text: "hvr.", kind: kindVaultToken, set: setToken, min: 24},

	{text: "whsec_", kind: kindStripeKey, set: setBase64URL, min: 24, mix: mixDigit},

	{text: "sk-ant-", kind: kindAnthropicKey, set: setToken, min: 24},
	{text: "sk-proj-", kind: kindOpenAIKey, set: setToken, min: 24},
	{text: "sk-svcacct-", kind: kindOpenAIKey, set: setToken, min: 24},
	{text: "sk-admin-", kind: kindOpenAIKey, set: setToken, min: 24},
	{text: "sk-or-v1-", kind: kindOpenAIKey, set: setToken, min: 24},
	{text: "sk-", kind: kindOpenAIKey, set: setToken, min: 24, mix: mixAll},
	{text: "hf_", kind: kindHuggingFaceToken, set: setAlnum, min: 30, mix: mixAll},
	{text: "api_org_", kind: kindHuggingFaceToken, set: setAlnum, min: 30, mix: mixAll},
	{text: "gsk_", kind: kindGroqKey, set: setAlnum, min: 40},
	{text: "xai-", kind: kindXAIKey, set: setAlnum, min: 60},
	{text: "r8_", kind: kindReplicateToken, set: setAlnum, min: 36},

	{text: "pypi-", kind: kindPyPIToken, set: setToken, min: 50},
	{text: "dckr_pat_", kind: kindDockerToken, set: setToken, min: 20},
	{text: "dckr_oat_", kind: kindDockerToken, set: setToken, min: 20},
	{text: "SG.", kind: kindSendGridKey, set: setDotToken, min: 40, mix: mixAll},
	{text: "xkeysib-", kind: kindSendinblueKey, set: setToken, min: 60},
	{text: "-us", rule: ruleSuffixed, kind: kindMailchimpKey, set: setDigit, min: 1, max: 2},
	{text: "dp.st.", kind: kindDopplerToken, set: setDotToken, min: 40},
	{text: "dp.ct.", kind: kindDopplerToken, set: setAlnum, min: 40},
	{text: "dp.sa.", kind: kindDopplerToken, set: setAlnum, min: 40},
	{text: "dt0c01.", kind: kindDynatraceToken, set: setDotToken, min: 60},
	{text: "dt0s01.", kind: kindDynatraceToken, set: setDotToken, min: 60},
	{text: "EAACEdEose0cBA", kind: kindFacebookToken, set: setAlnum, min: 20},
	{text: "facebook", fold: true, rule: ruleNear, kind: kindFacebookToken, seq: &sequence{parts: []part{{set: chars("0-9"), min: 15, max: 16}, {set: chars("%|"), min: 1, max: 1}, {set: chars("-0-9A-Z_a-z"), min: 27, max: 40}}, entropy: 3}},
	{text: "airtable", fold: true, rule: ruleNear, kind: published("airtable-key"), seq: &sequence{parts: []part{{text: "pat"}, {set: chars("0-9A-Za-z"), min: 14, max: 14}, {text: "."}, {set: chars("0-9a-f"), min: 64, max: 64}}}},
	{text: "figd_", kind: kindFigmaToken, set: setToken, min: 30},
	{text: "FlyV1 ", kind: kindFlyToken, set: setBase64URL, min: 40},
	{text: "fm2_", kind: kindFlyToken, set: setBase64URL, min: 60},
	{text: "glsa_", kind: kindGrafanaToken, set: setWord, min: 36},
	{text: "HRKU-", kind: kindHerokuKey, set: setToken, min: 30},
	{text: "pat-na1-", kind: kindHubSpotToken, set: setToken, min: 30},
	{text: "pat-eu1-", kind: kindHubSpotToken, set: setToken, min: 30},
	{text: "nfp_", kind: kindNetlifyToken, set: setAlnum, min: 36},
	{text: "NRII-", kind: kindNewRelicKey, set: setToken, min: 24},
	{text: "ntn_", kind: kindNotionToken, set: setAlnum, min: 40},
	{text: "secret_", kind: kindNotionToken, set: setAlnum, min: 43, max: 43, mix: mixAll},
	{text: "PMAK-", kind: kindPostmanKey, set: setToken, min: 50},
	{text: "pul-", kind: kindPulumiToken, set: setLowerHex, min: 40},
	{text: "sntrys_", kind: kindSentryToken, set: setBase64URL, min: 60},
	{text: "squ_", kind: kindSonarToken, set: setLowerHex, min: 40},
	{text: "sqp_", kind: kindSonarToken, set: setLowerHex, min: 40},
	{text: "sqa_", kind: kindSonarToken, set: setLowerHex, min: 40},
	{text: "sq0csp-", kind: kindSquareToken, set: setToken, min: 40},
	{text: "EAAAE", kind: kindSquareToken, set: setToken, min: 59, mix: mixAll},
	{text: "sbp_", kind: kindSupabaseToken, set: setLowerHex, min: 40},
	{text: "tskey-", kind: kindTailscaleKey, set: setToken, min: 20, mix: mixDigit},
	{text: ":AA", rule: ruleTelegram, kind: kindTelegramToken},
	{text: "bkua_", kind: kindBuildkiteToken, set: setLowerHex, min: 40},
	{text: "CCIPAT_", kind: kindCircleCIToken, set: setWord, min: 40},
	{text: "CCIPRJ_", kind: kindCircleCIToken, set: setWord, min: 40},
	{text: "ATATT3", kind: kindAtlassianToken, set: setBase64URL, min: 100},
	{text: "ATCTT3", kind: kindAtlassianToken, set: setBase64URL, min: 100},
	{text: "ATBB", kind: kindAtlassianToken, set: setAlnum, min: 28, max: 32, mix: mixAll},
	{text: "LTAI", kind: kindAlibabaKey, set: setAlnum, min: 16, max: 26, mix: mixAll},
	{text: "SK0", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK1", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK2", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK3", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK4", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK5", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK6", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK7", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK8", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SK9", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SKa", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SKb", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SKc", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SKd", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SKe", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
	{text: "SKf", kind: kindTwilioKey, set: setLowerHex, min: 31, max: 31},
}

// contextLiterals are the words and signs around a secret.
var contextLiterals = []literal{
	{text: markerOpen, rule: ruleMarker},
	{text: "pass", fold: true, rule: ruleWord},
	{text: "pwd", fold: true, rule: ruleWord},
	{text: "secret", fold: true, rule: ruleWord},
	{text: "token", fold: true, rule: ruleWord},
	{text: "key", fold: true, rule: ruleWord},
	{text: "credential", fold: true, rule: ruleWord},
	{text: "uthorization", fold: true, rule: ruleWord},
	{text: "cookie", fold: true, rule: ruleWord},
	{text: "_auth", fold: true, rule: ruleWord},
	{text: "jwt", fold: true, rule: ruleWord},
	{text: "bearer ", fold: true, rule: ruleBearer, kind: kindBearer},
	{text: "bearer%20", fold: true, rule: ruleBearer, kind: kindBearer},
	{text: "basic ", fold: true, rule: ruleBasic, kind: kindBasicAuth},
	{text: "sig=", fold: true, rule: ruleQuery, kind: kindAzureSAS},
	{text: "signature=", fold: true, rule: ruleQuery, kind: kindSignature},
	{text: "://", rule: ruleUserInfo, kind: kindURLPassword},
	{text: "@tcp(", rule: ruleDSN, kind: kindURLPassword},
	{text: "@unix(", rule: ruleDSN, kind: kindURLPassword},
	{text: "identified ", fold: true, rule: ruleIdentified, kind: kindPassword},
	{text: "kind: secret", fold: true, rule: ruleManifest},
	{text: "kind: \"secret\"", fold: true, rule: ruleManifest},
	{text: "kind: 'secret'", fold: true, rule: ruleManifest},
	{text: " value=", fold: true, rule: ruleAttribute},
	{text: "-stdin", rule: rulePiped, kind: kindPassword},
	{text: "--with-token", rule: rulePiped, kind: kindToken},
	{text: "sudo -S", rule: rulePiped, kind: kindPassword},
	{text: "chpasswd", rule: rulePiped, kind: kindPassword},
	{text: `\u00`, rule: ruleEscaped},
	{text: "&quot;", rule: ruleEscaped},
}
