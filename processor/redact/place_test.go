// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// argv redacts a command line that was split into its arguments.
func argv(s *Scanner, args ...string) []string {
	p := s.Field(s.Root(), "argv")
	out := make([]string, len(args))
	prev := ""
	for i, a := range args {
		out[i], _ = s.Text(s.Element(p, prev), a)
		prev = a
	}
	return out
}

func TestArgv(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct{ in, want []string }{
		{[]string{"argocd", "login", "--password", "hunter2"}, []string{"argocd", "login", "--password", "[REDACTED:password]"}},
		{[]string{"app", "--password", "--force"}, []string{"app", "--password", "--force"}},
		{[]string{"app", "--api-key", "-", "x"}, []string{"app", "--api-key", "-", "x"}},
		{[]string{"app", "--password=hunter2", "x"}, []string{"app", "--password=[REDACTED:password]", "x"}},
		{[]string{"app", "--password-stdin", "x"}, []string{"app", "--password-stdin", "x"}},
		{[]string{"app", "--no-password", "x"}, []string{"app", "--no-password", "x"}},
		{[]string{"app", "--token-file", "/run/token"}, []string{"app", "--token-file", "/run/token"}},
		{[]string{"app", "--password", "$PASS"}, []string{"app", "--password", "$PASS"}},
		{[]string{"app", "--password", "/run/secrets/pw"}, []string{"app", "--password", "/run/secrets/pw"}},
		{[]string{"docker", "login", "-u", "ci", "-p", "hunter2", "r.example"}, []string{"docker", "login", "-u", "ci", "-p", "[REDACTED:password]", "r.example"}},
		{[]string{"docker", "run", "-p", "8080:80", "nginx"}, []string{"docker", "run", "-p", "8080:80", "nginx"}},
		{[]string{"/usr/bin/sshpass", "-p", "hunter2", "ssh", "h"}, []string{"/usr/bin/sshpass", "-p", "[REDACTED:password]", "ssh", "h"}},
		{[]string{"vault", "login", "MyRootToken"}, []string{"vault", "login", "[REDACTED:vault-token]"}},
		{[]string{"vault", "login", "-no-store", "root"}, []string{"vault", "login", "-no-store", "[REDACTED:vault-token]"}},
		{[]string{"vault", "login", "-method", "ldap", "username=bob"}, []string{"vault", "login", "-method", "ldap", "username=bob"}},
		{[]string{"vault", "login", "-method=oidc", "role=dev"}, []string{"vault", "login", "-method=oidc", "role=dev"}},
		{[]string{"vault", "read", "secret/x"}, []string{"vault", "read", "secret/x"}},
		{[]string{"ldapsearch", "-x", "-whunter2", "-b", "dc=x"}, []string{"ldapsearch", "-x", "-w[REDACTED:password]", "-b", "dc=x"}},
		{[]string{"ldapsearch", "-xwhunter2"}, []string{"ldapsearch", "-xw[REDACTED:password]"}},
		{[]string{"ldapsearch", "-xw", "hunter2", "-LLL"}, []string{"ldapsearch", "-xw", "[REDACTED:password]", "-LLL"}},
		{[]string{"ldappasswd", "-snewpass1", "-S"}, []string{"ldappasswd", "-s[REDACTED:password]", "-S"}},
		{[]string{"curl", "-H", `Authorization: Digest username="x", response="6629fae4"`}, []string{"curl", "-H", `Authorization: Digest username="x", response="[REDACTED:signature]"`}},
		{[]string{"mkdir", "-p", "build"}, []string{"mkdir", "-p", "build"}},
		{[]string{"mysql", "-phunter2", "app"}, []string{"mysql", "-p[REDACTED:password]", "app"}},
		{[]string{"sudo", "mysql", "-u", "root", "-phunter2"}, []string{"sudo", "mysql", "-u", "root", "-p[REDACTED:password]"}},
		{[]string{"mysql", "-p", "app"}, []string{"mysql", "-p", "app"}},
		{[]string{"curl", "-u", "admin:hunter2", "https://x.example"}, []string{"curl", "-u", "admin:[REDACTED:password]", "https://x.example"}},
		{[]string{"curl", "-uadmin:hunter2"}, []string{"curl", "-uadmin:[REDACTED:password]"}},
		{[]string{"curl", "-H", "Authorization: Bearer abcdef0123456789"}, []string{"curl", "-H", "Authorization: Bearer [REDACTED:bearer-token]"}},
		{[]string{"curl", "-H", "'Authorization:", "Bearer", "abcdef0123456789'"}, []string{"curl", "-H", "'Authorization:", "Bearer", "[REDACTED:bearer-token]"}},
		{[]string{"aws", "configure", "set", "aws_secret_access_key", "abcDEF123"}, []string{"aws", "configure", "set", "aws_secret_access_key", "[REDACTED:aws-secret-access-key]"}},
		{[]string{"aws", "secretsmanager", "get-secret-value", "--secret-id", "prod/db"}, []string{"aws", "secretsmanager", "get-secret-value", "--secret-id", "prod/db"}},
		{[]string{"docker", "build", "--secret", "id=npmrc,src=.npmrc"}, []string{"docker", "build", "--secret", "id=npmrc,src=.npmrc"}},
		{[]string{"openssl", "rsa", "-passin", "pass:hunter2"}, []string{"openssl", "rsa", "-passin", "pass:[REDACTED:password]"}},
		{[]string{"openssl", "rsa", "-passin", "file:/run/pw"}, []string{"openssl", "rsa", "-passin", "file:/run/pw"}},
		{[]string{"app", "--token", "ghp_0123456789abcdefghijABCDEFGHIJ012345"}, []string{"app", "--token", "[REDACTED:github-token]"}},
		{[]string{"app", "-e", "DB_PASSWORD=hunter2"}, []string{"app", "-e", "DB_PASSWORD=[REDACTED:password]"}},
	} {
		if diff := cmp.Diff(c.want, argv(s, c.in...)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.in, diff)
		}
		// The same as JSON, where prev is found by the walker.
		in, _ := json.Marshal(c.in)
		want, _ := json.Marshal(c.want)
		got, form := s.JSON(nil, s.Root(), string(in))
		if form != StrictJSON || string(got) != string(want) {
			t.Errorf("as JSON: got %s (form %d), want %s", got, form, want)
		}
	}
}

func TestField(t *testing.T) {
	s := newScanner(t, Config{SensitiveKeys: []string{"national_id", "com.example.pin-code"}, AllowedKeys: []string{"vendor_token"}})
	const changed, same = true, false
	for _, c := range []struct {
		path  []string
		value string
		want  string
	}{
		{[]string{"password"}, "hunter2", "[REDACTED:password]"},
		{[]string{"userPassword"}, "hunter2", "[REDACTED:password]"},
		{[]string{"DB_PASS"}, "hunter2", "[REDACTED:password]"},
		{[]string{"db.password"}, "hunter2", "[REDACTED:password]"},
		{[]string{"password.value"}, "hunter2", "[REDACTED:password]"},
		{[]string{"password_2"}, "hunter2", "[REDACTED:password]"},
		{[]string{"http.request.header.x-api-key"}, "abc", "[REDACTED:api-key]"},
		{[]string{"http.request.header.authorization"}, "Bearer abc", "Bearer [REDACTED:bearer-token]"},
		{[]string{"authorization"}, "Basic YWxpY2U6aHVudGVyMg==", "Basic [REDACTED:basic-auth]"},
		{[]string{"authorization"}, "s3cretvalue", "[REDACTED:authorization]"},
		{[]string{"authorization", "decision"}, "allow", "allow"},
		{[]string{"cookie"}, "theme=dark; session=abc", "theme=[REDACTED:cookie]; session=[REDACTED:cookie]"},
		{[]string{"secret", "anything", "below"}, "hunter2", "[REDACTED:secret]"},
		{[]string{"secret", "secretName"}, "api-gateway-tls", "api-gateway-tls"},
		{[]string{"credentials", "accessKeyId"}, "AKIAIOSFODNN7EXAMPLE", "[REDACTED:aws-access-key-id:****MPLE]"},
		{[]string{"credentials", "expiration"}, "2026-01-01", "2026-01-01"},
		{[]string{"credentials", "sessionToken"}, "abc", "[REDACTED:token]"},
		{[]string{"credentials", "other"}, "abc", "[REDACTED:credential]"},
		{[]string{"private_key"}, "/etc/tls/server.key", "/etc/tls/server.key"},
		{[]string{"PWD"}, "/home/alice", "/home/alice"},
		{[]string{"GITHUB_TOKEN"}, "ghp_0123456789abcdefghijABCDEFGHIJ012345", "[REDACTED:github-token]"},
		{[]string{"national_id"}, "756.1234", "[REDACTED:secret]"},
		{[]string{"NationalId"}, "756.1234", "[REDACTED:secret]"},
		{[]string{"pinCode"}, "1234", "[REDACTED:secret]"},
		{[]string{"vendor_token"}, "abc", "abc"},
		{[]string{"password", "vendor_token"}, "abc", "[REDACTED:password]"},
		{[]string{"vendor_token"}, "ghp_0123456789abcdefghijABCDEFGHIJ012345", "[REDACTED:github-token]"},

		{[]string{"secretRef"}, "x", "x"},
		{[]string{"existingSecret"}, "ledger-auth", "ledger-auth"},
		{[]string{"passwordPolicy"}, "strict", "strict"},
		{[]string{"tokenTTL"}, "3600s", "3600s"},
		{[]string{"next_page_token"}, "abc", "abc"},
		{[]string{"gen_ai.usage.input_tokens"}, "512", "512"},
		{[]string{"public_key"}, "abc", "abc"},
		{[]string{"compass"}, "north", "north"},
		{[]string{"session.id"}, "4f1c2d3e", "4f1c2d3e"},
		{[]string{"secret_id"}, "prod/db/password", "prod/db/password"},
		{[]string{"secret_id"}, "8a5e1c2d-1111-2222-3333-444455556666", "[REDACTED:vault-secret-id]"},
		{[]string{"password"}, "", ""},
		{[]string{"password"}, "***", "***"},
		{[]string{"password"}, "${DB_PASSWORD}", "${DB_PASSWORD}"},
		{[]string{"password"}, "[REDACTED:password]", "[REDACTED:password]"},
		{[]string{"password"}, "[REDACTED:unknown]", "[REDACTED:password]"},
		{[]string{"password"}, "x[REDACTED:password]", "[REDACTED:password]"},
	} {
		p := s.Root()
		for _, key := range c.path {
			p = s.Field(p, key)
		}
		got, did := s.Text(p, c.value)
		if got != c.want || did != (c.want != c.value) {
			t.Errorf("%s = %q: got %q (changed %t), want %q", strings.Join(c.path, "/"), c.value, got, did, c.want)
		}
	}
	_, _ = changed, same
}

func TestScalar(t *testing.T) {
	s := newScanner(t, Config{MaxDepth: 2})
	p := s.Field(s.Root(), "password")
	if m, masked := s.Scalar(p); !masked || m != "[REDACTED:password]" {
		t.Errorf("number under password: got %q, %t", m, masked)
	}
	if m, masked := s.Scalar(s.Field(s.Root(), "replicas")); masked {
		t.Errorf("number under replicas: got %q", m)
	}
	deep := s.Field(s.Field(s.Field(s.Root(), "a"), "b"), "c")
	if !s.TooDeep(deep) || s.TooDeep(s.Field(s.Root(), "a")) {
		t.Error("TooDeep is wrong about depth 3 or 1 of 2")
	}
	if m, masked := s.Scalar(deep); !masked || m != "[REDACTED:too-deep]" {
		t.Errorf("number too deep: got %q, %t", m, masked)
	}
	if v, changed := s.Text(deep, "clean"); !changed || v != "[REDACTED:too-deep]" {
		t.Errorf("text too deep: got %q, %t", v, changed)
	}
	want := []KindCount{{"password", 1}, {"too-deep", 2}}
	if diff := cmp.Diff(want, s.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	s.Reset()
	if c := s.Counts(); c != nil {
		t.Errorf("after Reset: %v", c)
	}
}

func TestKey(t *testing.T) {
	s := newScanner(t, Config{})
	for range 2 { // the second time from the cache
		if got, changed := s.Key("AKIAIOSFODNN7EXAMPLE"); !changed || got != "[REDACTED:aws-access-key-id:****MPLE]" {
			t.Errorf("a secret as a key: got %q, %t", got, changed)
		}
		if got, changed := s.Key("password"); changed || got != "password" {
			t.Errorf("an ordinary key: got %q, %t", got, changed)
		}
	}
	got, form := s.JSON(nil, s.Root(), `{"AKIAIOSFODNN7EXAMPLE":{"a":1},"b":2}`)
	if want := `{"[REDACTED:aws-access-key-id:****MPLE]":{"a":1},"b":2}`; string(got) != want || form != StrictJSON {
		t.Errorf("got %s (form %d), want %s", got, form, want)
	}
	// Two keys that become one are duplicates.
	_, form = s.JSON(nil, s.Root(), `{"ghp_0123456789abcdefghijABCDEFGHIJ012345":1,"ghp_0123456789abcdefghijABCDEFGHIJ012346":2}`)
	if form != LooseJSON {
		t.Errorf("keys that became equal: form %d, want LooseJSON", form)
	}
}

func TestBytes(t *testing.T) {
	s := newScanner(t, Config{})
	in := []byte("password=hunter2 \xff")
	out, changed := s.Bytes(s.Root(), in)
	if string(out) != "password=[REDACTED:password] \xff" || !changed {
		t.Errorf("got %q, %t", out, changed)
	}
	if string(in) != "password=hunter2 \xff" {
		t.Error("the input was written to")
	}
	clean := []byte("nothing here")
	if out, changed := s.Bytes(s.Root(), clean); changed || &out[0] != &clean[0] {
		t.Error("clean bytes were copied")
	}
}

// TestNamesShareSlots: so many names as a set of the cache has slots are all
// kept, and one more is answered like the first time; and so is one that is too
// long to be kept.
func TestNamesShareSlots(t *testing.T) {
	s := newScanner(t, Config{})
	set := func(name string) int { return slotOf(name) & (nameSlots - nameWays) }
	names := []string{"password"}
	for n := 0; len(names) < 2*nameWays; n++ {
		for _, format := range []string{"name%d", "api_key_%d", "token%d"} {
			if name := fmt.Sprintf(format, n); set(name) == set(names[0]) {
				names = append(names, name)
			}
		}
	}
	names = append(names, "", strings.Repeat("long_", 20)+"password", strings.Repeat("long_", 20)+"name")
	for round := range 3 {
		for _, name := range names {
			fresh := newScanner(t, Config{})
			want := fresh.Field(fresh.Root(), name)
			if got := s.Field(s.Root(), name); got != want {
				t.Errorf("round %d: the place under %q is %+v, want %+v", round, name, got, want)
			}
			if _, _, q := s.Name(s.Root(), name); q != want {
				t.Errorf("round %d: Name says that the place under %q is %+v, want %+v", round, name, q, want)
			}
		}
	}
	for _, name := range names[:nameWays] {
		s.slot(name).clean = true
	}
	for _, name := range names[:nameWays] {
		if !s.slot(name).clean {
			t.Errorf("%q was driven out of a set of %d by %d names", name, nameWays, nameWays)
		}
	}
}
