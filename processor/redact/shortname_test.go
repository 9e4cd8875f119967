// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"
)

func TestShortNames(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct{ in, want string }{
		{"ID:bob,PW:ab12Cd!", "ID:bob,PW:[REDACTED:password]"},
		{"user:bob pw: ab12cd now", "user:bob pw: [REDACTED:password] now"},
		{"192.0.2.7(pw:ab12cd)", "192.0.2.7(pw:[REDACTED:password])"},
		{"192.0.2.7/pw:ab12cd", "192.0.2.7/pw:[REDACTED:password]"},
		{"PW:=ab12cd", "PW:=[REDACTED:password]"},
		{`pw="ab 12 cd"`, `pw="[REDACTED:password]"`},
		{"my_pw=ab12cd", "my_pw=[REDACTED:password]"},
	} {
		if got, _ := s.Text(s.Root(), c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
	for _, in := range []string{
		"pw: required", "pw:", "pw=", "pw=$PW", "pw=123456", "rpw:ab12cd", "the pw: see ticket 12", "a.pw:8080", "pw=****1234"[:9],
	} {
		if got, changed := s.Text(s.Root(), in); changed {
			t.Errorf("%q became %q", in, got)
		}
	}
	in := strings.Repeat("pw:", 1<<16)
	s.Reset()
	s.Text(s.Root(), in)
	if len(s.Counts()) != 0 {
		t.Errorf("counts %v in a text of names alone", s.Counts())
	}
}
