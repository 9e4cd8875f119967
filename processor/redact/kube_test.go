// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"
)

func TestManifest(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct{ in, want string }{
		{
			"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  a.crt: QUJDREVGR0g=\n  # b: in words\n  b: \"SUpLTE1OT1A=\"\ntype: Opaque\n",
			"apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  a.crt: [REDACTED:secret]\n  # b: in words\n  b: \"[REDACTED:secret]\"\ntype: Opaque\n",
		},
		// The kind may stand behind the data, and data be text.
		{"stringData:\n  user: bob 17\n  x: |\n    line one\n    line two\n  y: z9\nkind: \"Secret\"", "stringData:\n  user: [REDACTED:secret]\n  x: |\n    [REDACTED:secret]\n  y: [REDACTED:secret]\nkind: \"Secret\""},
		{"kind: 'Secret'\ndata:\n\ta: 'QUJD'\n\tb: >-\n\t\tREVG\n", "kind: 'Secret'\ndata:\n\ta: '[REDACTED:secret]'\n\tb: >-\n\t\t[REDACTED:secret]\n"},
		// One document is not another.
		{"kind: Secret\n---\nkind: ConfigMap\ndata:\n  a: plain\n", ""},
		{"kind: ConfigMap\ndata:\n  a: plain\n---\nkind: Secret\nmetadata: {}\n", ""},
		{"kind: ConfigMap\ndata:\n  a: plain\n---\nkind: Secret\ndata:\n  a: QUJD\n", "kind: ConfigMap\ndata:\n  a: plain\n---\nkind: Secret\ndata:\n  a: [REDACTED:secret]\n"},
		{"kind: SecretStore\ndata:\n  a: plain\n", ""},
		{"kind: ClusterSecret\ndata:\n  a: plain\n", ""},
		{"kind: Secret\ndata:\n  a: {{ .Values.a }}\n  b: \"\"\n  c: $C\n", ""},
		{"kind: secret is what it was", ""},
		{"kind: Secret\ndata:", ""}, {"kind: Secret\ndata:\n", ""}, {"kind: Secret\ndata:\n  a:\n  b: |\n", ""}, {"data:\n  a: b\n", ""},
	} {
		want := c.want
		if want == "" {
			want = c.in
		}
		got, _ := s.Text(s.Root(), c.in)
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if again, changed := s.Text(s.Root(), got); changed {
			t.Errorf("twice differs: %q, then %q", got, again)
		}
	}
}

func TestAttributePairs(t *testing.T) {
	s := newScanner(t, Config{})
	for in, want := range map[string]string{
		`<add key="ClearTextPassword" value="hunter 2"/>`:          `<add key="ClearTextPassword" value="[REDACTED:password]"/>`,
		`<property name='db.password' value='a&b'/>`:               `<property name='db.password' value='[REDACTED:password]'/>`,
		`x <ENTRY KEY="api_token"  value="abc"> y`:                 `x <ENTRY KEY="api_token"  value="[REDACTED:token]"> y`,
		`<add key=\"Password\" value=\"hunter2\" />`:               `<add key=\"Password\" value=\"[REDACTED:password]\" />`,
		`<add key="Password" value="${PASSWORD}"/>`:                `<add key="Password" value="${PASSWORD}"/>`,
		`<add key="packageSource" value="https://nuget.example"/>`: `<add key="packageSource" value="https://nuget.example"/>`,
		`<add key="Password" value=""/>`:                           `<add key="Password" value=""/>`,
		`<input type="password" value="Log in"/>`:                  `<input type="password" value="Log in"/>`,
		`key="password' value="x1"`:                                `key="password' value="[REDACTED:password]"`,
		` value="x"`:                                               ` value="x"`,
		` value=`:                                                  ` value=`,
		`"password" value="x"`:                                     `"password" value="x"`,
	} {
		if got, _ := s.Text(s.Root(), in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// TestVendorKeyForgetsTheTextBefore: what was measured in one text says nothing
// of the value that comes next.
func TestVendorKeyForgetsTheTextBefore(t *testing.T) {
	var d draws
	s := newScanner(t, Config{})
	value := "t1." + d.alnum(20) + "." + d.alnum(86)
	_, _, p := s.Name(s.Root(), "yandex_x")
	// No literal stands in this one: nothing but the shape looks at it.
	if got, changed := s.Text(p, "t1."+strings.Repeat("A1b", 200)); changed {
		t.Fatalf("got %q", got)
	}
	if got, _ := s.Text(p, value); got != "[REDACTED:yandex-token]" {
		t.Fatalf("got %q", got)
	}
}
