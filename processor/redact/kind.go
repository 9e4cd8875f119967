// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "maps"

// Kind names a class of secret, as it stands in a marker: "password",
// "github-token", "jwt". Kinds are lower-case ASCII letters, digits and '-'.
type Kind string

// kindID indexes the names of a kindTable: those of kindNames, and behind them
// those that rules bring with them. Higher ids are more specific: where two
// rules find the same span, the higher id names it.
type kindID uint16

const (
	kindNone kindID = iota

	// Refusals: the value was not looked at to the end.
	kindTooDeep
	kindTooLarge
	kindError

	// Personal data, where a configuration asks for it. Secrets are more
	// specific.
	kindEmail
	kindPaymentCard
	kindIBAN
	kindPhone
	kindIP

	// Context kinds: what the surroundings call the value.
	kindSecret
	kindCredential
	kindToken
	kindAPIKey
	kindPassword
	kindURLPassword
	kindCookie
	kindSignature
	kindAuthorization
	kindBearer
	kindBasicAuth
	kindAWSSecretKey
	kindAWSSessionToken
	kindAzureStorageKey
	kindAzureSAS
	kindVaultSecretID

	// Shape kinds: what the value itself gives away.
	kindJWT
	kindPrivateKey
	kindAWSAccessKeyID
	kindAgeKey
	kindAlibabaKey
	kindAnthropicKey
	kindArtifactoryKey
	kindAtlassianToken
	kindAzureClientSecret
	kindBuildkiteToken
	kindCircleCIToken
	kindDatabricksToken
	kindDigitalOceanToken
	kindDiscordWebhook
	kindDockerToken
	kindDopplerToken
	kindDynatraceToken
	kindFacebookToken
	kindFigmaToken
	kindFlyToken
	kindGCPAPIKey
	kindGCPOAuthSecret
	kindGCPOAuthToken
	kindGitHubToken
	kindGitLabToken
	kindGrafanaToken
	kindGroqKey
	kindHerokuKey
	kindHubSpotToken
	kindHuggingFaceToken
	kindLinearKey
	kindMailchimpKey
	kindMailgunKey
	kindNetlifyToken
	kindNewRelicKey
	kindNotionToken
	kindNPMToken
	kindOpenAIKey
	kindPerplexityKey
	kindPlanetScaleToken
	kindPostmanKey
	kindPulumiToken
	kindPyPIToken
	kindReplicateToken
	kindRubyGemsKey
	kindSendGridKey
	kindSendinblueKey
	kindSentryToken
	kindShopifyToken
	kindSlackToken
	kindSlackWebhook
	kindSonarToken
	kindSquareToken
	kindStripeKey
	kindSupabaseToken
	kindTailscaleKey
	kindTelegramToken
	kindTerraformToken
	kindTwilioKey
	kindVaultToken
	kindXAIKey

	kindCount
)

var kindNames = [kindCount]Kind{
	kindEmail:             "email",
	kindPaymentCard:       "payment-card",
	kindIBAN:              "iban",
	kindPhone:             "phone-number",
	kindIP:                "ip-address",
	kindSecret:            "secret",
	kindCredential:        "credential",
	kindToken:             "token",
	kindAPIKey:            "api-key",
	kindPassword:          "password",
	kindURLPassword:       "url-password",
	kindCookie:            "cookie",
	kindSignature:         "signature",
	kindAuthorization:     "authorization",
	kindBearer:            "bearer-token",
	kindBasicAuth:         "basic-auth",
	kindAWSSecretKey:      "aws-secret-access-key",
	kindAWSSessionToken:   "aws-session-token",
	kindAzureStorageKey:   "azure-storage-key",
	kindAzureSAS:          "azure-sas",
	kindVaultSecretID:     "vault-secret-id",
	kindJWT:               "jwt",
	kindPrivateKey:        "private-key",
	kindAWSAccessKeyID:    "aws-access-key-id",
	kindAgeKey:            "age-key",
	kindAlibabaKey:        "alibaba-key",
	kindAnthropicKey:      "anthropic-key",
	kindArtifactoryKey:    "artifactory-key",
	kindAtlassianToken:    "atlassian-token",
	kindAzureClientSecret: "azure-client-secret",
	kindBuildkiteToken:    "buildkite-token",
	kindCircleCIToken:     "circleci-token",
	kindDatabricksToken:   "databricks-token",
	kindDigitalOceanToken: "digitalocean-token",
	kindDiscordWebhook:    "discord-webhook",
	kindDockerToken:       "docker-token",
	kindDopplerToken:      "doppler-token",
	kindDynatraceToken:    "dynatrace-token",
	kindFacebookToken:     "facebook-token",
	kindFigmaToken:        "figma-token",
	kindFlyToken:          "fly-token",
	kindGCPAPIKey:         "gcp-api-key",
	kindGCPOAuthSecret:    "gcp-oauth-secret",
	kindGCPOAuthToken:     "gcp-oauth-token",
	kindGitHubToken:       "github-token",
	kindGitLabToken:       "gitlab-token",
	kindGrafanaToken:      "grafana-token",
	kindGroqKey:           "groq-key",
	kindHerokuKey:         "heroku-key",
	kindHubSpotToken:      "hubspot-token",
	kindHuggingFaceToken:  "huggingface-token",
	kindLinearKey:         "linear-key",
	kindMailchimpKey:      "mailchimp-key",
	kindMailgunKey:        "mailgun-key",
	kindNetlifyToken:      "netlify-token",
	kindNewRelicKey:       "newrelic-key",
	kindNotionToken:       "notion-token",
	kindNPMToken:          "npm-token",
	kindOpenAIKey:         "openai-key",
	kindPerplexityKey:     "perplexity-key",
	kindPlanetScaleToken:  "planetscale-token",
	kindPostmanKey:        "postman-key",
	kindPulumiToken:       "pulumi-token",
	kindPyPIToken:         "pypi-token",
	kindReplicateToken:    "replicate-token",
	kindRubyGemsKey:       "rubygems-key",
	kindSendGridKey:       "sendgrid-key",
	kindSendinblueKey:     "sendinblue-key",
	kindSentryToken:       "sentry-token",
	kindShopifyToken:      "shopify-token",
	kindSlackToken:        "slack-token",
	kindSlackWebhook:      "slack-webhook",
	kindSonarToken:        "sonar-token",
	kindSquareToken:       "square-token",
	kindStripeKey:         "stripe-key",
	kindSupabaseToken:     "supabase-token",
	kindTailscaleKey:      "tailscale-key",
	kindTelegramToken:     "telegram-token",
	kindTerraformToken:    "terraform-token",
	kindTwilioKey:         "twilio-key",
	kindVaultToken:        "vault-token",
	kindXAIKey:            "xai-key",
	kindTooDeep:           "too-deep",
	kindTooLarge:          "too-large",
	kindError:             "error",
}

// refusal says whether the kind names why a value was not looked at to its end.
func (k kindID) refusal() bool { return k >= kindTooDeep && k <= kindError }

// personal says whether the kind is one of personal data.
func (k kindID) personal() bool { return k >= kindEmail && k <= kindIP }

// kindTable is the kinds that a Redactor knows. It is only read once it is
// built.
type kindTable struct {
	names  []Kind
	byName map[string]kindID
}

// builtinKinds is what a Redactor without rules of its user knows. The ids of
// kindNames come first: a kind of vendor_rules.go that has one keeps it.
var builtinKinds = new(kindTable).with(kindNames[:]).with(moreKinds()).with(publishedKinds)

// with is t and further kinds. Those that t knows keep their ids.
func (t *kindTable) with(kinds []Kind) *kindTable {
	out := &kindTable{names: append([]Kind(nil), t.names...), byName: maps.Clone(t.byName)}
	if out.byName == nil {
		out.byName = make(map[string]kindID, len(kinds))
	}
	for _, k := range kinds {
		if _, known := out.byName[string(k)]; !known {
			if k != "" {
				out.byName[string(k)] = kindID(len(out.names))
			}
			out.names = append(out.names, k)
		}
	}
	return out
}

// markers are the markers without a fingerprint, by kind.
func (t *kindTable) markers() []string {
	out := make([]string, len(t.names))
	for id, name := range t.names {
		out[id] = markerOpen + string(name) + "]"
	}
	return out
}

// Kinds lists every kind that a marker of a Redactor without rules of its user
// can name: refusals, personal data, context kinds, shape kinds sorted by name,
// and those that only rules written as data have.
func Kinds() []Kind {
	return append([]Kind(nil), builtinKinds.names[kindNone+1:]...)
}

// Kinds lists every kind that a marker of r can name, those of its user's rules
// last.
func (r *Redactor) Kinds() []Kind {
	return append([]Kind(nil), r.kinds.names[kindNone+1:]...)
}
