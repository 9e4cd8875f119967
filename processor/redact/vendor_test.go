// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// draws makes secrets that look random and are the same every time. Nothing
// that was ever valid has to stand in a file for it.
type draws uint32

func (d *draws) from(n int, chars string) string {
	var b strings.Builder
	for range n {
		*d = *d*1664525 + 1013904223
		b.WriteByte(chars[int(*d>>12)%len(chars)])
	}
	return b.String()
}

func (d *draws) alnum(n int) string {
	return d.from(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

func (d *draws) lower(n int) string  { return d.from(n, "abcdefghijklmnopqrstuvwxyz0123456789") }
func (d *draws) upper(n int) string  { return d.from(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") }
func (d *draws) hex(n int) string    { return d.from(n, "0123456789abcdef") }
func (d *draws) digits(n int) string { return d.from(n, "0123456789") }

// members are the printable characters of a set; those that end a sentence or
// pad are left to tests of their own.
func (b *byteSet) members() string {
	var out []byte
	for c := byte('!'); c <= '~'; c++ {
		if b.has(c) && (in(c, setAlnum) || c != '.' && c != '=' && c != '%' && c != '/') {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		for c := byte('!'); c <= '~'; c++ {
			if b.has(c) {
				out = append(out, c)
			}
		}
	}
	return string(out)
}

// of draws what parts stand for: their shortest, or something longer.
func (d *draws) of(parts []part, longer bool) string {
	var b strings.Builder
	for _, p := range parts {
		n := p.min
		if longer && p.max > 0 {
			n = p.max
		} else if longer {
			n += n / 2
		}
		switch {
		case p.text != "":
			b.WriteString(p.text)
		default:
			b.WriteString(d.from(n, p.set.members()))
		}
	}
	return b.String()
}

// unnamed are surroundings that have no name for a secret.
var unnamed = []struct{ before, after string }{
	{"", ""}, {"rotate ", ", ticket SEC-1"}, {"(", ")"}, {"a=", ""}, {`{\"x\":\"`, `\"}`}, {`line\n`, `\nline`},
	{"https://x.example/", "?a=1"}, {"x%3D", "%26"}, {"say \"", "\"."}, {"\x1b[31m", "\x1b[0m"}, {"<x>", "</x>"},
}

// TestPublishedSequences draws secrets for every rule that has a text of its
// own, as short and as long as it allows.
func TestPublishedSequences(t *testing.T) {
	s := newScanner(t, Config{})
	var d draws
	for _, l := range publishedSequences {
		if l.seq.keepLead > 0 || l.seq.keepTail > 0 {
			continue // TestCoveredRules
		}
		kind := s.r.kinds.names[l.kind]
		marker := "[REDACTED:" + string(kind) + "]"
		for round := range 6 {
			secret := d.of(l.seq.lead, round%2 == 1) + l.text + d.of(l.seq.parts, round%2 == 1)
			for _, ctx := range unnamed {
				in := ctx.before + secret + ctx.after
				got, _ := s.Text(s.Root(), in)
				if want := ctx.before + marker + ctx.after; got != want {
					t.Errorf("%s %s: got %q, want %q", kind, l.text, got, want)
				}
				if again, changed := s.Text(s.Root(), got); changed {
					t.Errorf("%s: twice differs: %q, then %q", kind, got, again)
				}
			}
		}
		// What stands for a secret, and what is cut far too short.
		if l.seq.mixed && len(l.seq.parts) > 0 {
			last := l.seq.parts[len(l.seq.parts)-1]
			for _, body := range []string{strings.Repeat("x", 80), strings.Repeat("X", 40), d.of(l.seq.parts, false)[:1], ""} {
				if last.set == nil || len(l.seq.lead) > 0 {
					continue
				}
				if got, changed := s.Text(s.Root(), "see "+l.text+body+" there"); changed {
					t.Errorf("%s: touched %q", kind, got)
				}
			}
		}
	}
}

// TestPublishedKeywords draws a value for every shape of every keyword, and
// assigns it to names that say nothing but the vendor.
func TestPublishedKeywords(t *testing.T) {
	s := newScanner(t, Config{})
	var d draws
	for _, k := range keywords {
		for i := range k.shapes {
			sh := &k.shapes[i]
			kind := s.r.kinds.names[sh.kind]
			word := k.text + "_x"
			if len(sh.words) > 0 {
				word = k.text + "_" + sh.words[0]
			}
			value := d.of(sh.parts, i%2 == 1)
			for try := 0; !s.telling("", value, sh) && try < 50; try++ {
				value = d.of(sh.parts, i%2 == 1)
			}
			upper := strings.ToUpper(word)
			for _, form := range []string{
				"N=V", "N = V", "N: V", "N: 'V'", `N = "V"`, `"N": "V"`, `{"N":"V","a":1}`, `{\"N\":\"V\"}`, `{\\\"N\\\":\\\"V\\\"}`, "N := `V`", `N => "V"`,
				`N ?= "V"`, `set("N", "V")`, "<N>V</N>", "<N>\n    V\n</N>", `export N=V; x`, `a\nN=V\nb`, `sent {"name":"N","value":"V"}`, "N=V&a=b", "N ||= 'V'",
			} {
				for _, name := range []string{word, upper} {
					in := strings.NewReplacer("N", name, "V", value).Replace(form)
					got, changed := s.Text(s.Root(), in)
					if !changed || strings.Contains(got, value) {
						t.Errorf("%s: %s leaks: %q", kind, form, got)
						continue
					}
					if again, changed := s.Text(s.Root(), got); changed {
						t.Errorf("%s: twice differs: %q, then %q", kind, got, again)
					}
				}
			}
			// A key of a map.
			if len(sh.words) == 0 {
				for _, key := range []string{k.text, "a." + k.text + ".b", strings.ToUpper(k.text) + "_X"} {
					_, _, p := s.Name(s.Root(), key)
					if got, changed := s.Text(p, value); !changed || strings.Contains(got, value) {
						t.Errorf("%s: under %q: got %q", kind, key, got)
					}
				}
			}
		}
	}
}

// TestKeywordsLeaveAlone holds what stands behind the name of a vendor and is
// no secret.
func TestKeywordsLeaveAlone(t *testing.T) {
	s := newScanner(t, Config{})
	var d draws
	sha1, sha256, md5 := d.hex(40), d.hex(64), d.hex(32)
	uuid := d.hex(8) + "-" + d.hex(4) + "-4" + d.hex(3) + "-a" + d.hex(3) + "-" + d.hex(12)
	for _, in := range []string{
		"bitbucket_commit=" + sha1, "bitbucket-pipelines commit: " + sha1, "sourcegraph.revision: " + sha1, "bitbucket pushed " + sha1, "merged on bitbucket, " + sha1,
		"datadog-agent sha256: " + sha256, "datadog.trace_id=" + md5, "datadog_span_id: " + d.digits(18), "sentry_event_id=" + md5, `{"sentry":{"digest":"` + sha256 + `"}}`,
		"image=registry.example/sentry@sha256:" + sha256, "fastly etag: " + md5, "heroku_app_id=" + uuid, "HEROKU_REQUEST_ID: " + uuid, "discord_channel_id: " + d.digits(18),
		"discordGuildId: " + d.digits(18), "asana_task_gid: " + d.digits(16) + "1", "asana_task_id=" + d.digits(16), "linear-md5: " + md5, "dropbox: internationalis", "travis: abcdefghijklmnopqrstuv",
		"fastly: my-service-in-europe-with-a-name", "netlify: deploy-preview-of-the-new-landing-page", "plaid: aaaaaaaaaaaaaaaaaaaaaaaa", "okta: 00000000000000000000000000000000000000000a",
		"setSysctl = " + d.lower(24), "cameraKit: " + sha1, "lookTable = 00" + d.alnum(40), "sumOfAll = " + d.lower(64), "looker is down: see the dashboard", "snyk_org: " + uuid, "adafruit: ", "adafruit=", "adafruit", "=adafruit",
		"coinbase," + d.hex(64), "confluent kafka " + d.lower(16), "the kraken wakes: it is late", "mapbox=pk.short", "algolia_abcdefghijklmnopqrstuvwxyz: abcdefghijklmnopqrstuvwxyz012345",
	} {
		if got, changed := s.Text(s.Root(), in); changed {
			t.Errorf("touched %q: %q", in, got)
		}
	}
	for key, value := range map[string]string{
		"bitbucket.commit": sha1, "datadog.trace_id": md5, "heroku_app_id": uuid, "sentry.digest": sha256, "discord.channel.id": d.digits(18), "linear": "a value in words, that is not one",
		"setSysctl": d.lower(24),
	} {
		_, _, p := s.Name(s.Root(), key)
		if got, changed := s.Text(p, value); changed {
			t.Errorf("touched %q under %q: %q", value, key, got)
		}
	}
}

// TestCoveredRules shows that every rule that is not converted is found all
// the same: a secret for each that vendor_rules.go lists.
func TestCoveredRules(t *testing.T) {
	var d draws
	s := newScanner(t, Config{})
	b64 := func(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) }
	jwt := strings.TrimRight(b64(`{"alg":"HS256"}`), "=") + "." + strings.TrimRight(b64(`{"sub":"x","n":1}`), "=") + "." + d.alnum(43)
	type sample struct{ before, secret, after string }
	covered := map[string]sample{
		"age-secret-key":                              {"", "AGE-SECRET-KEY-1" + d.from(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"), ""},
		"airtable-personnal-access-token":             {"airtable says ", "pat" + d.alnum(14) + "." + d.hex(64), " ok"},
		"anthropic-admin-api-key":                     {"", "sk-ant-admin01-" + d.alnum(93) + "AA", ""},
		"anthropic-api-key":                           {"", "sk-ant-api03-" + d.alnum(93) + "AA", ""},
		"aws-access-token":                            {"id ", "ABIA" + d.from(16, "ABCDEFGHIJ234567"), " ok"},
		"aws-amazon-bedrock-api-key-short-lived":      {"", "bedrock-api-key-" + b64("bedrock.amazonaws.com/?a=1"+d.alnum(60)), ""},
		"azure-ad-client-secret":                      {"x ", d.alnum(3) + "8Q~" + d.alnum(34), " y"},
		"curl-auth-header":                            {`curl -H "Authorization: Bearer `, d.alnum(30), `" https://x.example`},
		"curl-auth-user":                              {"curl -u bob:", d.alnum(12), " https://x.example"},
		"dynatrace-api-token":                         {"", "dt0c01." + d.upper(24) + "." + d.upper(64), ""},
		"facebook-access-token":                       {"facebook says ", d.digits(16) + "|" + d.alnum(27), " ok"},
		"freemius-secret-key":                         {`"secret_key" => "`, "sk_" + d.alnum(29), `",`},
		"generic-api-key":                             {"api_key = ", d.alnum(32), ""},
		"github-fine-grained-pat":                     {"", "github_pat_" + d.alnum(22) + "_" + d.alnum(59), ""},
		"gitlab-cicd-job-token":                       {"", "glcbt-" + d.alnum(2) + "_" + d.alnum(20), ""},
		"gitlab-incoming-mail-token":                  {"", "glimt-" + d.alnum(25), ""},
		"gitlab-kubernetes-agent-token":               {"", "glagent-" + d.alnum(50), ""},
		"gitlab-oauth-app-secret":                     {"", "gloas-" + d.hex(64), ""},
		"gitlab-pat":                                  {"", "glpat-" + d.alnum(20), ""},
		"gitlab-pat-routable":                         {"", "glpat-" + d.alnum(27) + ".01." + d.lower(9), ""},
		"gitlab-ptt":                                  {"", "glptt-" + d.hex(40), ""},
		"gitlab-runner-authentication-token":          {"", "glrt-" + d.alnum(20), ""},
		"gitlab-runner-authentication-token-routable": {"", "glrt-t1_" + d.alnum(27) + ".01." + d.lower(9), ""},
		"gitlab-session-cookie":                       {"x _gitlab_session=", d.hex(32), "; y"},
		"grafana-service-account-token":               {"", "glsa_" + d.alnum(32) + "_" + d.hex(8), ""},
		"hashicorp-tf-password":                       {`administrator_login_password = "`, d.alnum(12), `"`},
		"heroku-api-key-v2":                           {"", "HRKU-AA" + d.alnum(58), ""},
		"jwt":                                         {"", jwt, ""},
		"jwt-base64":                                  {"x ", b64(jwt), " y"},
		"kubernetes-secret-yaml":                      {"apiVersion: v1\nkind: Secret\ndata:\n  anything: ", b64(d.alnum(20)), "\n"},
		"new-relic-insert-key":                        {"", "NRII-" + d.alnum(32), ""},
		"notion-api-token":                            {"", "ntn_" + d.digits(11) + d.alnum(35), ""},
		"nuget-config-password":                       {`<add key="ClearTextPassword" value="`, d.alnum(12), `" />`},
		"openai-api-key":                              {"", "sk-proj-" + d.alnum(74) + "T3BlbkFJ" + d.alnum(74), ""},
		"pkcs12-file":                                 {},
		"postman-api-token":                           {"", "PMAK-" + d.hex(24) + "-" + d.hex(34), ""},
		"private-key":                                 {"", "-----BEGIN " + "PRIVATE KEY-----\n" + d.alnum(64) + "\n-----END " + "PRIVATE KEY-----", ""},
		"pulumi-api-token":                            {"", "pul-" + d.hex(40), ""},
		"pypi-upload-token":                           {"", "pypi-AgEIcHlwaS5vcmc" + d.alnum(80), ""},
		"sendinblue-api-token":                        {"", "xkeysib-" + d.hex(64) + "-" + d.alnum(16), ""},
		"sentry-org-token":                            {"", "sntrys_" + d.alnum(120) + "_" + d.alnum(43), ""},
		"slack-app-token":                             {"", "xapp-1-" + d.upper(9) + "-" + d.digits(13) + "-" + d.hex(64), ""},
		"slack-bot-token":                             {"", "xoxb-" + d.digits(12) + "-" + d.digits(12) + "-" + d.alnum(24), ""},
		"slack-config-access-token":                   {"", "xoxe.xoxp-1-" + d.upper(163), ""},
		"slack-config-refresh-token":                  {"", "xoxe-1-" + d.upper(146), ""},
		"slack-legacy-bot-token":                      {"", "xoxb-" + d.digits(10) + "-" + d.alnum(24), ""},
		"slack-legacy-token":                          {"", "xoxs-" + d.digits(10) + "-" + d.digits(10) + "-" + d.digits(10) + "-" + d.hex(10), ""},
		"slack-legacy-workspace-token":                {"", "xoxr-2-" + d.alnum(30), ""},
		"slack-user-token":                            {"", "xoxp-" + d.digits(12) + "-" + d.digits(12) + "-" + d.digits(12) + "-" + d.hex(32), ""},
		"slack-webhook-url":                           {"https://hooks.slack.com/services/", "T" + d.upper(10) + "/B" + d.upper(10) + "/" + d.alnum(24), ""},
		"twilio-api-key":                              {"", "SK" + d.hex(32), ""},
		"vault-batch-token":                           {"", "hvb." + d.alnum(138), ""},
		"vault-service-token":                         {"", "hvs." + d.alnum(90), ""},
		// Converted, with something that stays readable.
		"microsoft-teams-webhook": {"https://corp.webhook.office.com/webhookb2/", "8-4-4-4-12@8-4-4-4-12/IncomingWebhook/32/8-4-4-4-12", ""},
		"sidekiq-sensitive-url":   {"https://", d.hex(8) + ":" + d.hex(8), "@gems.contribsys.com/"},
	}
	hook := covered["microsoft-teams-webhook"]
	hook.secret = regexp.MustCompile(`\d+`).ReplaceAllStringFunc(hook.secret, func(n string) string {
		return d.lower(map[string]int{"8": 8, "4": 4, "12": 12, "32": 32}[n])
	})
	covered["microsoft-teams-webhook"] = hook

	file, err := os.ReadFile("vendor_rules.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile(`(?m)^//   - ([a-z0-9-]+): `).FindAllSubmatch(file, -1)
	if len(listed) < 10 {
		t.Fatalf("vendor_rules.go lists %d rules that are not converted", len(listed))
	}
	for _, m := range listed {
		if _, ok := covered[string(m[1])]; !ok {
			t.Errorf("%s is not converted, and no case here shows that it is found", m[1])
		}
	}
	for id, sm := range covered {
		if sm.secret == "" {
			continue
		}
		got, _ := s.Text(s.Root(), sm.before+sm.secret+sm.after)
		if redactcorpus.Leaked(got, sm.secret) {
			t.Errorf("%s leaks: %q", id, got)
		}
		if !strings.HasPrefix(got, sm.before+"[REDACTED:") || !strings.HasSuffix(got, "]"+sm.after) {
			t.Errorf("%s: what stands around the secret changed: %q", id, got)
		}
	}
}

func TestEntropic(t *testing.T) {
	s := newScanner(t, Config{})
	var d draws
	for _, v := range []string{"a", "aa", "ab", "abcd", "aaab", d.hex(64), d.alnum(40), d.alnum(127), d.alnum(128), strings.Repeat("ab", 64), d.digits(18)} {
		want := 0.0
		for c := range 256 {
			if n := strings.Count(v, string([]byte{byte(c)})); n > 0 {
				f := float64(n) / float64(len(v))
				want -= f * math.Log2(f)
			}
		}
		if !s.entropic(v, float32(want-0.001)+1e-9) || s.entropic(v, float32(want+0.001)) {
			t.Errorf("%q has %.4f bits a byte; entropic thinks otherwise", v, want)
		}
	}
	if s.entropic("", 1) || !s.entropic("", 0) {
		t.Error("of nothing")
	}
}
