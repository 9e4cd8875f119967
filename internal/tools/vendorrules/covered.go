// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

// covered is the rules of gitleaks that are not converted, each with the rule
// of ours that does its work, or why there is none. A test of processor/redact
// shows that they are found.
var covered = map[string]string{
	"age-secret-key":                              "vendorLiterals: AGE-SECRET-KEY-1",
	"airtable-personnal-access-token":             "ruleNear: its literal (pat) is too short to look for everywhere",
	"anthropic-admin-api-key":                     "vendorLiterals: sk-ant-",
	"anthropic-api-key":                           "vendorLiterals: sk-ant-",
	"aws-access-token":                            "ruleAWSKeyID: keeps the last four characters",
	"aws-amazon-bedrock-api-key-short-lived":      "vendorLiterals: bedrock-api-key-, and what follows it",
	"azure-ad-client-secret":                      "ruleAzure: the literal stands in the middle",
	"curl-auth-header":                            "the header rules: authorization, bearer-token, basic-auth, api-key",
	"curl-auth-user":                              "the command rules: curl -u",
	"dynatrace-api-token":                         "vendorLiterals: dt0c01.",
	"facebook-access-token":                       "ruleNear: no literal of its own",
	"freemius-secret-key":                         "names: secret_key",
	"generic-api-key":                             "names, in any assignment",
	"github-fine-grained-pat":                     "vendorLiterals: github_pat_",
	"gitlab-cicd-job-token":                       "vendorLiterals: glcbt-",
	"gitlab-incoming-mail-token":                  "vendorLiterals: glimt-",
	"gitlab-kubernetes-agent-token":               "vendorLiterals: glagent-",
	"gitlab-oauth-app-secret":                     "vendorLiterals: gloas-",
	"gitlab-pat":                                  "vendorLiterals: glpat-",
	"gitlab-pat-routable":                         "vendorLiterals: glpat-",
	"gitlab-ptt":                                  "vendorLiterals: glptt-",
	"gitlab-runner-authentication-token":          "vendorLiterals: glrt-",
	"gitlab-runner-authentication-token-routable": "vendorLiterals: glrt-",
	"gitlab-session-cookie":                       "vendorLiterals: the name of the cookie stays",
	"grafana-service-account-token":               "vendorLiterals: glsa_",
	"hashicorp-tf-password":                       "names: password",
	"heroku-api-key-v2":                           "vendorLiterals: HRKU-",
	"jwt":                                         "ruleJWT",
	"jwt-base64":                                  "vendorLiterals: ZXlK",
	"kubernetes-secret-yaml":                      "ruleManifest: reads the whole of data, not its first value",
	"new-relic-insert-key":                        "vendorLiterals: NRII-",
	"notion-api-token":                            "vendorLiterals: ntn_",
	"nuget-config-password":                       "ruleAttribute: <add key=… value=…>",
	"openai-api-key":                              "vendorLiterals: sk-, sk-proj-, sk-svcacct-, sk-admin-",
	"pkcs12-file":                                 "names a file, not a text",
	"postman-api-token":                           "vendorLiterals: PMAK-",
	"private-key":                                 "rulePEM",
	"pulumi-api-token":                            "vendorLiterals: pul-",
	"pypi-upload-token":                           "vendorLiterals: pypi-",
	"sendinblue-api-token":                        "vendorLiterals: xkeysib-",
	"sentry-org-token":                            "vendorLiterals: sntrys_, of any region and length",
	"slack-app-token":                             "vendorLiterals: xapp-, of any number of parts",
	"slack-bot-token":                             "vendorLiterals: xoxb-, of any number of parts",
	"slack-config-access-token":                   "vendorLiterals: xoxe.xox",
	"slack-config-refresh-token":                  "vendorLiterals: xoxe-",
	"slack-legacy-bot-token":                      "vendorLiterals: xoxb-",
	"slack-legacy-token":                          "vendorLiterals: xoxo-, xoxs-",
	"slack-legacy-workspace-token":                "vendorLiterals: xoxa-, xoxr-",
	"slack-user-token":                            "vendorLiterals: xoxp-, xoxe-",
	"slack-webhook-url":                           "ruleWebhook: the host stays",
	"twilio-api-key":                              "vendorLiterals: SK and a digit of either kind",
	"vault-batch-token":                           "vendorLiterals: hvb.",
	"vault-service-token":                         "vendorLiterals: hvs.; s. and 24 characters is too short a literal, names find it",
}

// partly is converted rules with an alternative that has no literal to look
// for, and why that one is left out.
var partly = map[string]string{
	// 40 hexadecimal digits anywhere are a commit more often than a token.
	"sourcegraph-access-token": "ourKeywords: 40 digits, assigned to a name with sourcegraph",
}

// strictLiterals are words, or parts of words: what stands behind them has to
// be exactly as long as it is published, and no other word may be glued to
// them.
var strictLiterals = map[string]bool{
	"live_": true, "test_": true, "live_pub_": true, "test_pub_": true, "4b1d": true, "cmVmd": true,
}

// gated are values that begin with a word and are looked for behind their
// vendor's keyword only, although a text stands at their start.
var gated = map[string]bool{
	"gocardless-api-token": true, "mailgun-pub-key": true, "sonar-api-token": true,
}

// keepLead is how many elements at the start of a match stay readable.
var keepLead = map[string]int{
	"microsoft-teams-webhook": 3, // https://, the tenant, and where the path begins
}
