// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"
)

// Values that a generator might have made, and that no vendor's shape covers.
var (
	randomMixed = "k3Vb9" + "QzT7mX2" + "pLr8WfY4" + "nHs6D"
	randomLower = "x7k2m" + "9q4v8z" + "1p6r3t" + "5w0y2b" + "8n4h7"
	randomHex   = "9f86d0" + "8a1c7e" + "55b03d" + "2e61f4" + "c8a7b9" + "04"
)

func TestWeakNames(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct{ before, secret, after, kind string }{
		{"mixpanel_key = ", randomLower, "", "api-key"},
		{"Using fooKey=", randomMixed, " now", "api-key"},
		{"FOO_KEY: \"", randomHex, "\"", "api-key"},
		{"foo-key:", randomHex, "", "api-key"},
		{`const fooKey = "`, randomMixed, `";`, "api-key"},
		{`{\"foo_key\":\"`, randomHex, `\"}`, "api-key"},
		{"--foo-key ", randomMixed, " --force", "api-key"},
		{"Key=", randomMixed, "", "api-key"},
		{"api_key_prod=", randomHex, "", "api-key"},
		{"secret_foo: ", randomLower, "", "secret"},
		{"tokenForStaging='", randomMixed, "'", "token"},
		{"password_super_secure = \"", randomMixed, "\"", "password"},
		{"foo_key ", randomHex, " is used", "api-key"},
		{"key=", randomHex[:16] + strings.ToUpper(randomHex[16:]), "", "api-key"},
		{"FOO_SKEY=", randomMixed, "", "api-key"},
		{"foo token - '", randomHex, "'", "token"},
		{"password_super_secure=", "Summer2026", " x", "password"},
		{"my_password_prod2: \"", "a9!ef#gh", "\"", "password"},
		{"using token ", randomLower, " for bob", "token"},
		{"the secret ", randomMixed, ".", "secret"},
		{"rejected token '", randomHex, "'", "token"},
	} {
		in := c.before + c.secret + c.after
		want := c.before + "[REDACTED:" + c.kind + "]" + c.after
		if got, _ := s.Text(s.Root(), in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestWeakNamesHarmless(t *testing.T) {
	s := newScanner(t, Config{})
	const uuid = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	for _, in := range []string{
		"objectkey=" + randomMixed, "mycachekey=" + randomHex,
		"cache_key=" + randomHex, "cacheKey: " + randomMixed, "partition-key=" + randomHex, "s3Key=" + randomMixed, "idempotency-key: " + randomMixed,
		"publicKey=" + randomMixed, "kms_key=" + randomHex, "row key = " + randomHex, "key=" + randomHex, "key: " + uuid, "foo_key=" + uuid,
		"token_id=" + randomHex, "secretVersion=" + randomMixed, "secret_arn: " + randomMixed, "passwordHashAlgorithm=" + randomMixed, "token_count: 12345678901234567890",
		"token sha256:" + randomHex + randomHex, "token " + uuid, "secret production-database-credentials-7f8d9c6b5-x2k4p was read",
		"foo_key = production-eu-west-1-cluster-02-a3", "foo_key=2026-03-14T15-09-26.535897Z", "foo_key=arn:aws:kms:eu-west-1:210987654321:key/" + uuid,
		"foo_key=getUserByIdentifierV2Response", "foo_key=/srv/data/key2/file3/x9", "foo_key=abcdefghijklmnopqrstuvwxyz", "foo_key = bar_key_value_1_2_3", "hexKey: hexPKCS8TestPKCS1Key,",
		"password_reset_link=https://x.example/A1/b2", "password_changed: 2026-03-14T15:09:26Z", "password_rules = Min8Chars,Max64", "passwordEncoder=bcrypt-12-rounds",
		"password_strength=very-strong-9", "passwordValidator=checkPassword2(value)",
		"token expired after 86400 seconds", "secret is stored elsewhere", "gpg key 3AA5C34371567BD2A1B2C3D4E5F6A7B8C9D0E1F2",
		"docs/v1.2.3-alpha.1.20260314150926-abcdef012345", "foo_key=v0.0.0-20230225012048-214862532bf5",
	} {
		if got, changed := s.Text(s.Root(), in); changed {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestRandom(t *testing.T) {
	for v, want := range map[string]bool{
		randomMixed: true, randomLower: true, randomHex: true,
		randomMixed[:12] + "_" + randomMixed[12:]: true, randomMixed + "==": true,
		"":                                     false,
		"hunter2":                              false,
		strings.Repeat("a", 32):                false,
		strings.Repeat("a1", 8) + "b":          false, // short hex
		"12345678901234567890123456":           false,
		"kube-system-coredns-5d78c9869d-k2x4p": false,
		"FOO_BAR_BAZ_123_QUX_456_AB":           false,
		"user.name@example.com1234":            false,
		"2026-03-14_15-09-26-535":              false,
	} {
		if got := random(v, true); got != want {
			t.Errorf("random(%q) is %v, want %v", v, got, want)
		}
	}
	if random(randomHex, false) {
		t.Error("a hash is taken for a secret where hex is none")
	}
}

func TestRepeated(t *testing.T) {
	s := newScanner(t, Config{FingerprintKey: testKey})
	in := "token=" + randomMixed + " was rejected: " + randomMixed + ", " + randomMixed + "x and x" + randomMixed + " differ"
	got, _ := s.Text(s.Root(), in)
	if n := strings.Count(got, "[REDACTED:token:"); n != 2 {
		t.Errorf("%d markers, want 2: %s", n, got)
	}
	marker := got[len("token="):strings.IndexByte(got, ' ')]
	if want := "token=" + marker + " was rejected: " + marker + ", " + randomMixed + "x and x" + randomMixed + " differ"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, in := range []string{"password=localhost and localhost", "password=abc1 abc1"} {
		got, _ := s.Text(s.Root(), in)
		if strings.Count(got, "[REDACTED:") != 1 {
			t.Errorf("a word is masked a second time: %s", got)
		}
	}
}

func TestWeakFields(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct{ in, want string }{
		{`{"foo_key":"` + randomHex + `"}`, `{"foo_key":"[REDACTED:api-key]"}`},
		{`{"a":{"tokenForStaging":"` + randomMixed + `"}}`, `{"a":{"tokenForStaging":"[REDACTED:token]"}}`},
		{`{"secret_foo":["` + randomMixed + `"],"foo_key":1}`, `{"secret_foo":["[REDACTED:secret]"],"foo_key":1}`},
		{`{"cacheKey":"` + randomHex + `","key":"` + randomMixed + `"}`, `{"cacheKey":"` + randomHex + `","key":"` + randomMixed + `"}`},
		{`{"foo_key":"production-eu-west-1","token_id":"` + randomHex + `"}`, `{"foo_key":"production-eu-west-1","token_id":"` + randomHex + `"}`},
	} {
		got, _ := s.JSON(nil, s.Root(), c.in)
		if string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
		if twice, _ := s.JSON(nil, s.Root(), string(got)); string(twice) != string(got) {
			t.Errorf("%s: redacted twice: %s", got, twice)
		}
	}
}

// TestWeakNamesLinear: a text that is full of weak names does not exhaust the
// budget, whatever stands behind them.
func TestWeakNamesLinear(t *testing.T) {
	s := newScanner(t, Config{})
	for _, unit := range []string{"a_key=", "a_key ", "a_key='", "a_key: \"", "token x ", "secret_a=[", "fookey=", "token - ", "x_key=" + strings.Repeat("a", 600),
		"$6$", "$1$a", "$6$salt$" + bodyOf(setAlnum, 86), "hooks.zapier.com/hooks/catch/", "pbkdf2_sha"} {
		in := strings.Repeat(unit, 1<<18/len(unit))
		s.Reset()
		once, _ := s.Text(s.Root(), in)
		if twice, _ := s.Text(s.Root(), once); twice != once {
			t.Errorf("%q, repeated: redacted twice is not redacted once", unit)
		}
		for _, c := range s.Counts() {
			if c.Kind == kindNames[kindError] {
				t.Errorf("%q, repeated, is refused", unit)
			}
		}
	}
	in := strings.Repeat("token="+randomMixed+" ", 1<<12)
	s.Reset()
	if out, _ := s.Text(s.Root(), in); strings.Contains(out, randomMixed) || strings.Contains(out, "[REDACTED:error]") {
		t.Error("a secret that stands 4,096 times is not masked each time")
	}
}
