// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// vendorShapes are shapes that vendorLiterals and the generated rules lack: what
// vendors document of their tokens. Their kinds are named here, and known to
// builtinKinds through moreKinds.
//
// A prefix that is also a word asks for an exact length, for a narrow charset or
// for variety: a name in snake case (live_, pri_, fw_) must not be a secret.
var vendorShapes = []vendorShape{
	{"akamai-key", []literal{{text: "akab-", set: setToken, min: 30, mix: mixDigit}}},
	{"alibaba-key", []literal{{text: "LTAI", set: setAlnum, min: 12, max: 12, mix: mixAll}}},
	{"amazon-oauth-token", []literal{
		{text: "amzn1.oa2-cs.", set: setDotToken, min: 60},
		{text: "Atza|", set: setBase64URL, min: 100},
		{text: "Atzr|", set: setBase64URL, min: 100},
	}},
	{"amazon-mws-token", []literal{{text: "amzn.mws.", set: setToken, min: 36, max: 36, mix: mixDigit}}},
	{"apify-token", []literal{{text: "apify_api_", set: setToken, min: 36, mix: mixDigit}}},
	{"atlassian-token", []literal{
		{text: "ATATT", set: setBase64URL, min: 40, mix: mixAll},
		{text: "ATCTT", set: setBase64URL, min: 40, mix: mixAll},
		{text: "BBDC-", set: setBase64, min: 40, mix: mixDigit},
	}},
	{"bannerbear-key", []literal{
		{text: "bb_pr_", set: setLowerHex, min: 30, max: 32},
		{text: "bb_ma_", set: setLowerHex, min: 30, max: 32},
	}},
	{"besttime-key", []literal{{text: "pri_", set: setLowerHex, min: 32, max: 32}}},
	{"buildkite-token", []literal{{text: "bkua_", set: setAlnum, min: 40, mix: mixDigit}}},
	{"cerebras-key", []literal{{text: "csk-", set: setAlnum, min: 48, max: 48, mix: mixDigit}}},
	{"cloudflare-key", []literal{
		{text: "cfk_", set: setAlnum, min: 40, mix: mixDigit},
		{text: "cfat_", set: setAlnum, min: 40, mix: mixDigit},
		{text: "cfut_", set: setAlnum, min: 40, mix: mixDigit},
	}},
	{"contentful-token", []literal{{text: "CFPAT-", set: setToken, min: 40}}},
	{"databricks-token", []literal{{text: "dapi", set: setHex, min: 32, max: 34}}},
	{"dependency-track-key", []literal{{text: "odt_", set: setWord, min: 32, mix: mixDigit}}},
	{"docker-token", []literal{
		{text: "SWMTKN-1-", set: setToken, min: 60},
		{text: "SWMKEY-1-", set: setBase64, min: 40},
	}},
	{"doppler-token", []literal{
		{text: "dp.scim.", set: setAlnum, min: 40},
		{text: "dp.audit.", set: setAlnum, min: 40},
	}},
	{"dropbox-token", []literal{
		{text: "sl.u.", set: setToken, min: 60, mix: mixAll},
		{text: "sl.", set: setToken, min: 120, mix: mixAll},
	}},
	{"e2b-key", []literal{{text: "e2b_", set: setLowerHex, min: 40, max: 40}}},
	{"endorlabs-key", []literal{{text: "endr+", set: setAlnum, min: 16, max: 24, mix: mixAll}}},
	{"facebook-token", []literal{{text: "EAA", set: setAlnum, min: 100, mix: mixAll}}},
	{"figma-token", []literal{
		{text: "figp_", set: setBase64URL, min: 40, mix: mixAll},
		{text: "figo_", set: setToken, min: 40, mix: mixAll},
		{text: "figu_", set: setToken, min: 40, mix: mixAll},
		{text: "figor_", set: setToken, min: 40, mix: mixAll},
		{text: "figur_", set: setToken, min: 40, mix: mixAll},
	}},
	{"firecrawl-key", []literal{{text: "fc-", set: setLowerHex, min: 32, max: 32}}},
	{"fireworks-key", []literal{{text: "fw_", set: setAlnum, min: 22, max: 24, mix: mixAll}}},
	{"fleetbase-key", []literal{
		{text: "flb_live_", set: setAlnum, min: 20, mix: mixDigit},
		{text: "flb_test_", set: setAlnum, min: 20, mix: mixDigit},
	}},
	{"flexport-token", []literal{{text: "shltm_", set: setToken, min: 40, mix: mixDigit}}},
	{"flutterwave-key", []literal{{text: "FLWSECK-", set: setToken, min: 32, mix: mixDigit}}},
	{"fullstory-key", []literal{{text: "na1.", set: setBase64, min: 100, mix: mixAll}}},
	{"gcp-oauth-token", []literal{{text: "1//0", set: setToken, min: 40, mix: mixAll}}}, // a refresh token
	{"github-token", []literal{{text: "GHSAT0", set: setUpperDigit, min: 20}}},
	{"gitlab-token", []literal{{text: "glwt-", set: setToken, min: 18}}},
	{"hcaptcha-key", []literal{{text: "ES_", set: setLowerHex, min: 32, max: 32}}},
	{"instagram-token", []literal{{text: "IGQ", set: setToken, min: 100, mix: mixAll}}},
	{"intercom-token", []literal{{text: "dG9rO", set: setBase64URL, min: 50, mix: mixAll}}},
	{"jina-key", []literal{{text: "jina_", set: setToken, min: 45, mix: mixAll}}},
	{"klaviyo-key", []literal{{text: "pk_", set: setLowerHex, min: 34, max: 34}}},
	{"langfuse-key", []literal{
		{text: "sk-lf-", set: setToken, min: 36, mix: mixDigit},
		{text: "pk-lf-", set: setToken, min: 36, mix: mixDigit},
	}},
	{"langsmith-key", []literal{
		{text: "lsv2_pt_", set: setWord, min: 32, mix: mixDigit},
		{text: "lsv2_sk_", set: setWord, min: 32, mix: mixDigit},
	}},
	{"linear-key", []literal{{text: "lin_oauth_", set: setAlnum, min: 40, mix: mixDigit}}},
	{"llamacloud-key", []literal{{text: "llx-", set: setToken, min: 40, mix: mixAll}}},
	{"lob-key", []literal{
		{text: "live_", set: setLowerHex, min: 35, max: 37},
		{text: "test_", set: setLowerHex, min: 35, max: 37},
	}},
	{"mapbox-token", []literal{{text: "sk.eyJ", set: setDotToken, min: 60}}},
	{"mongodb-atlas-secret", []literal{{text: "mdb_sa_sk_", set: setToken, min: 32, mix: mixDigit}}},
	{"nats-seed", []literal{
		{text: "SUA", set: setUpperDigit, min: 55, max: 55, mix: mixDigit},
		{text: "SAA", set: setUpperDigit, min: 55, max: 55, mix: mixDigit},
		{text: "SOA", set: setUpperDigit, min: 55, max: 55, mix: mixDigit},
	}},
	{"newrelic-key", []literal{
		{text: "NRIQ-", set: setToken, min: 24},
		{text: "NRRA-", set: setLowerHex, min: 40},
		{text: "NRBR-", set: setLowerHex, min: 19, max: 19},
	}},
	{"nightfall-key", []literal{{text: "NF-", set: setAlnum, min: 32, max: 32, mix: mixDigit}}},
	{"nuget-key", []literal{{text: "oy2", set: setAlnum, min: 43, max: 43, mix: mixDigit}}},
	{"nvidia-key", []literal{{text: "nvapi-", set: setToken, min: 60}}},
	{"openai-key", []literal{{text: "sk-", set: setLowerHex, min: 32, max: 32}}}, // DeepSeek and others that speak the same protocol
	{"pagarme-key", []literal{
		{text: "ak_live_", set: setAlnum, min: 28, mix: mixDigit},
		{text: "ak_test_", set: setAlnum, min: 28, mix: mixDigit},
	}},
	{"pganalyze-key", []literal{{text: "pgar_", set: setWord, min: 26, mix: mixDigit}}},
	{"photoroom-key", []literal{{text: "sk_pr_", set: setWord, min: 40, mix: mixDigit}}},
	{"pinecone-key", []literal{{text: "pcsk_", set: setWord, min: 60, mix: mixAll}}},
	{"pinterest-token", []literal{{text: "pina_", set: setUpperDigit, min: 50}}},
	{"plaid-token", []literal{
		{text: "access-sandbox-", set: setToken, min: 36, max: 36, mix: mixDigit},
		{text: "access-development-", set: setToken, min: 36, max: 36, mix: mixDigit},
		{text: "access-production-", set: setToken, min: 36, max: 36, mix: mixDigit},
	}},
	{"portainer-token", []literal{{text: "ptr_", set: setBase64URL, min: 40, max: 60, mix: mixAll}}},
	{"posthog-key", []literal{
		{text: "phx_", set: setToken, min: 40, mix: mixAll},
		{text: "phs_", set: setToken, min: 40, mix: mixAll},
	}},
	{"postman-key", []literal{{text: "PMAT-", set: setUpperDigit, min: 26}}},
	{"prefect-key", []literal{{text: "pnb_", set: setAlnum, min: 36, max: 36, mix: mixAll}}},
	{"pubnub-key", []literal{
		{text: "pub-c-", set: setToken, min: 36, max: 36, mix: mixDigit},
		{text: "sub-c-", set: setToken, min: 36, max: 36, mix: mixDigit},
		{text: "sec-c-", set: setAlnum, min: 40, mix: mixAll},
	}},
	{"ramp-key", []literal{{text: "ramp_sec_", set: setAlnum, min: 40, mix: mixAll}}},
	{"robinhood-key", []literal{{text: "rh-api-", set: setToken, min: 36, max: 36}}},
	{"saladcloud-key", []literal{{text: "salad_cloud_", set: setWord, min: 24, mix: mixAll}}},
	{"salesforce-token", []literal{
		{text: "3MVG", set: setOpaque, min: 70, mix: mixAll},
		{text: "5AEP861", set: setOpaque, min: 70, mix: mixAll},
	}},
	{"scaleway-key", []literal{{text: "SCW", set: setUpperDigit, min: 17, max: 17, mix: mixDigit}}},
	{"scrapfly-key", []literal{
		{text: "scp-live-", set: setLowerHex, min: 32},
		{text: "scp-test-", set: setLowerHex, min: 32},
	}},
	{"sendinblue-key", []literal{{text: "xsmtpsib-", set: setToken, min: 60}}},
	// Shopify says that its tokens grow longer; they are no longer hex.
	{"shopify-token", []literal{
		{text: "shpat_", set: setAlnum, min: 32, mix: mixDigit},
		{text: "shpca_", set: setAlnum, min: 32, mix: mixDigit},
		{text: "shppa_", set: setAlnum, min: 32, mix: mixDigit},
		{text: "shpss_", set: setAlnum, min: 32, mix: mixDigit},
	}},
	{"sonar-token", []literal{{text: "sqco_", set: setAlnum, min: 50, mix: mixAll}}},
	{"sourcegraph-token", []literal{{text: "slk_", set: setLowerHex, min: 60}}},
	{"spectralops-token", []literal{{text: "spu-", set: setLowerHex, min: 32, max: 32}}},
	{"square-token", []literal{{text: "sq0ige-", set: setToken, min: 22}}},
	{"stackhawk-key", []literal{{text: "hawk.", set: setDotToken, min: 41, max: 41, mix: mixAll}}},
	{"supabase-token", []literal{
		{text: "sbp_", set: setAlnum, min: 40, max: 44, mix: mixDigit},
		{text: "sb_secret_", set: setToken, min: 20, mix: mixDigit},
	}},
	{"tavily-key", []literal{{text: "tvly-", set: setToken, min: 30, mix: mixAll}}},
	{"teamwork-token", []literal{{text: "tkn.v1_", set: setBase64URL, min: 60}}},
	{"telnyx-key", []literal{{text: "KEY", set: setToken, min: 55, max: 55, mix: mixAll}}},
	{"tencent-key", []literal{{text: "AKID", set: setAlnum, min: 28, max: 36, mix: mixAll}}},
	{"together-key", []literal{{text: "tgp_v1_", set: setToken, min: 40, mix: mixDigit}}},
	{"trello-token", []literal{{text: "ATTA", set: setAlnum, min: 68, mix: mixDigit}}},
	{"twitch-token", []literal{{text: "live_", set: setWord, min: 38, max: 46, mix: mixAll}}}, // a stream key
	{"ubidots-token", []literal{{text: "BBFF-", set: setAlnum, min: 30, max: 36, mix: mixDigit}}},
	{"vercel-token", []literal{
		{text: "vcp_", set: setAlnum, min: 24, mix: mixAll},
		{text: "vci_", set: setAlnum, min: 24, mix: mixAll},
		{text: "vcr_", set: setAlnum, min: 24, mix: mixAll},
		{text: "vck_", set: setAlnum, min: 24, mix: mixAll},
	}},
	{"voiceflow-key", []literal{
		{text: "VF.DM.", set: setDotToken, min: 41, max: 41},
		{text: "VF.WS.", set: setDotToken, min: 41, max: 41},
	}},
	{"volcengine-key", []literal{{text: "AKLT", set: setToken, min: 40, mix: mixAll}}},
	{"wakatime-key", []literal{{text: "waka_", set: setToken, min: 36, max: 36, mix: mixDigit}}},
	{"yandex-token", []literal{{text: "y0_", set: setToken, min: 50, mix: mixAll}}},

	// Webhooks: who knows the path may post.
	{"zapier-webhook", []literal{{text: "hooks.zapier.com/hooks/catch/", fold: true, rule: ruleHook, min: 8}}},
	{"teams-webhook", []literal{
		{text: "outlook.office.com/webhook/", fold: true, rule: ruleHook, min: 32},
	}},
	{"ifttt-key", []literal{{text: "maker.ifttt.com/trigger/", fold: true, rule: ruleHook, min: 20}}},
	{"pagerduty-key", []literal{{text: "events.pagerduty.com/integration/", fold: true, rule: ruleHook, min: 20}}},
	{"feishu-webhook", []literal{
		{text: "open.feishu.cn/open-apis/bot/v2/hook/", fold: true, rule: ruleHook, min: 20},
		{text: "open.larksuite.com/open-apis/bot/v2/hook/", fold: true, rule: ruleHook, min: 20},
	}},
	{"softlayer-key", []literal{{text: "api.softlayer.com/soap/v3", fold: true, rule: ruleHook, min: 64}}},

	// What crypt(3) and its like leave of a password: a dictionary away from it.
	{"password-hash", []literal{
		{text: "$2a$", rule: ruleCrypt, min: 53},
		{text: "$2b$", rule: ruleCrypt, min: 53},
		{text: "$2y$", rule: ruleCrypt, min: 53},
		{text: "$1$", rule: ruleCrypt, min: 22},
		{text: "$apr1$", rule: ruleCrypt, min: 22},
		{text: "$5$", rule: ruleCrypt, min: 43},
		{text: "$6$", rule: ruleCrypt, min: 86},
		{text: "$y$", rule: ruleCrypt, min: 43},
		{text: "$7$", rule: ruleCrypt, min: 43},
		{text: "$8$", rule: ruleCrypt, min: 43},
		{text: "$9$", rule: ruleCrypt, min: 43},
		{text: "$argon2", rule: ruleCrypt, min: 20},
		{text: "$scrypt$", rule: ruleCrypt, min: 20},
		{text: "$pbkdf2", rule: ruleCrypt, min: 20},
		{text: "pbkdf2_sha", rule: ruleCrypt, min: 20},
		{text: "$krb5tgs$", rule: ruleCrypt, min: 32},
		{text: "$krb5asrep$", rule: ruleCrypt, min: 32},
	}},
}

// vendorShape is what the secrets of one kind look like.
type vendorShape struct {
	kind Kind
	lits []literal // without the kind
}

// moreKinds are the kinds of vendorShapes and vendorSequences, in their order.
func moreKinds() []Kind {
	var out []Kind
	for _, shapes := range [...][]vendorShape{vendorShapes, vendorSequences} {
		for _, shape := range shapes {
			out = append(out, shape.kind)
		}
	}
	return out
}

// moreLiterals are their literals, with the ids of their kinds.
var moreLiterals = func() []literal {
	var out []literal
	for _, shapes := range [...][]vendorShape{vendorShapes, vendorSequences} {
		for _, shape := range shapes {
			for _, l := range shape.lits {
				l.kind = builtinKinds.byName[string(shape.kind)]
				out = append(out, l)
			}
		}
	}
	return out
}()

// hook handles a URL whose path is the secret: the last segment behind the
// literal that is long enough and holds a digit, and all behind it.
func (s *Scanner) hook(v string, i int, l *literal) {
	end := i
	for end < len(v) && end-i < 512 && (in(v[end], setToken) || v[end] == '/' || v[end] == '@' || v[end] == '.') {
		end++
	}
	s.spend(end - i)
	for from := i; from < end; {
		to := from
		for to < end && v[to] != '/' {
			to++
		}
		if to-from >= l.min {
			if digit, _, _ := shapes(v[from:to]); digit > 0 {
				s.add(from, end, l.kind, decodeNone)
				return
			}
		}
		from = to + 1
	}
}

// cryptReach is how far behind its literal a password hash may begin: behind the
// parameters and the salt.
const cryptReach = 128

// crypt handles a password hash in modular crypt format. It is more than a
// digest of a file: what is hashed can be guessed.
func (s *Scanner) crypt(v string, at int, l *literal) {
	if at < s.valueEnd || at > 0 && (in(v[at-1], setAlnum) && l.text[0] != '$' || v[at-1] == '$') {
		return
	}
	body := at + len(l.text)
	end, field, longest := body, body, 0
	for end < len(v) && (in(v[end], setBase64) || strings.IndexByte("$.=,_-*", v[end]) >= 0) {
		if end-body >= cryptReach && longest < l.min {
			break
		}
		if v[end] == '$' {
			field = end + 1
		}
		end++
		longest = max(longest, end-field)
	}
	s.spend(end - at)
	for end > body && (v[end-1] == ',' || v[end-1] == '.' && longest != l.min) {
		end--
	}
	if longest < l.min || field == body {
		return
	}
	s.valueEnd = max(s.valueEnd, end)
	s.add(at, end, l.kind, decodeNone)
}
