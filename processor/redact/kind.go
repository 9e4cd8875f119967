// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

// Kind names a class of secret, as it stands in a marker: "password",
// "github-token", "jwt". Kinds are lower-case ASCII letters, digits and '-'.
type Kind string

// kindID indexes kindNames. Higher ids are more specific: where two rules
// find the same span, the higher id names it.
type kindID uint8

const (
	kindNone kindID = iota

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

	// Refusals: the value was not looked at to the end.
	kindTooDeep
	kindTooLarge
	kindError

	kindCount
)

var kindNames = [kindCount]Kind{
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

// kindsByName is what a marker may say. It is only read.
var kindsByName = func() map[string]kindID {
	m := make(map[string]kindID, kindCount)
	for id := kindNone + 1; id < kindCount; id++ {
		m[string(kindNames[id])] = id
	}
	return m
}()

// Kinds lists every kind that a marker can name, sorted by name within
// context kinds, shape kinds and refusals.
func Kinds() []Kind {
	return append([]Kind(nil), kindNames[kindNone+1:]...)
}
