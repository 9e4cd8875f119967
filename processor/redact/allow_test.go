// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

const exampleKey = "EXAMPLE-KEY-0001"

func TestAllowedValues(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte("bob:" + exampleKey))
	s := newScanner(t, Config{
		Rules: []Rule{{Kind: "acme-token", Prefixes: []string{"acme_"}, Chars: "A-Za-z0-9", MinLength: 8}},
		Allow: []Allow{
			{Values: []string{exampleKey, keyID, ghp, awsKey, "a b\"c", "acme_documented1", jwtText, "sp&ce =x"}},
			{Regexes: []string{`demo-[0-9]{4}`, `(?i)test_.+`}},
		},
	})
	left := []string{
		// Whichever rule finds it.
		"password=" + exampleKey, "password: " + exampleKey, `{"password":"` + exampleKey + `"}`, `{\"password\":\"` + exampleKey + `\"}`,
		"https://bob:" + exampleKey + "@x.example/", "curl -u bob:" + exampleKey + " x", "mysql -p" + exampleKey + " app", "Cookie: sid=" + exampleKey,
		"Authorization: Bearer " + exampleKey, "Authorization: Basic " + basic, "IDENTIFIED BY '" + exampleKey + "'", "https://x.example/?token=" + exampleKey,
		"id " + keyID, "clone with " + ghp, "token=" + ghp, "acme_documented1", jwtText, "echo " + exampleKey + " | docker login --password-stdin",
		"vault login " + exampleKey, "password=demo-1234", "password=TEST_anything", "the password is demo-1234",
		// However it is spelt.
		`{\"password\":\"a b\\\"c\"}`, "https://x.example/?token=EXAMPLE%2DKEY%2d0001&b=1", "x%3Fpassword%3D" + exampleKey, "https://bob:EXAMPLE%2DKEY-0001@x.example/",
		`x\u0022password\u0022:\u0022` + exampleKey + `\u0022`, "https://x.example/?password=sp%26ce%20%3Dx",
		"the password=EXAMPLE%2DKEY%2D0001",
	}
	for _, v := range left {
		if got, changed := s.Text(s.Root(), v); changed {
			t.Errorf("%q became %q", v, got)
		}
		if n := len(s.Find(v, nil)); n != 0 {
			t.Errorf("%q: %d spans", v, n)
		}
	}
	for _, key := range []string{"password", "token", "aws_secret_access_key", "secret", "cookie", "authorization", "credentials"} {
		for _, v := range []string{exampleKey, ghp, awsKey, "demo-1234", " " + exampleKey + "\n", "EXAMPLE%2DKEY-0001", `a b\"c`, `EXAMPLE\u002dKEY-0001`} {
			if got, changed := s.Text(s.Field(s.Root(), key), v); changed {
				t.Errorf("%s: %q became %q", key, v, got)
			}
		}
	}
	for prev, v := range map[string]string{"--password": exampleKey, "-passin": "pass:" + exampleKey, "--token": "'" + exampleKey + "'", "Authorization:": exampleKey} {
		if got, changed := s.Text(s.Element(s.Root(), prev), v); changed {
			t.Errorf("%s: %q became %q", prev, v, got)
		}
		s.Element(s.Root(), "")
	}
	prev := ""
	for _, v := range []string{"curl", "-u", "bob:" + exampleKey, "mysql", "-p" + exampleKey} {
		if got, changed := s.Text(s.Element(s.Root(), prev), v); changed {
			t.Errorf("%s: %q became %q", prev, v, got)
		}
		prev = v
	}
	if got, changed := s.Text(s.Root(), awsKey); changed {
		t.Errorf("alone: %q", got)
	}
	in := `{"password":"` + exampleKey + `","a":"password='` + exampleKey + `'","b":{"token":["demo-1234","EXAMPLE-\u004BEY-0001"]}}`
	if out, _ := s.JSON(nil, s.Root(), in); string(out) != in {
		t.Errorf("JSON became %s", out)
	}
	s2 := newScanner(t, Config{PII: PII{PaymentCard: PolicyMask}, Allow: []Allow{{Values: []string{"472361", "4111111111111111"}}}})
	for _, n := range []int64{472361, 4111111111111111} {
		if m, masked := s2.Int(s2.Field(s2.Root(), "password"), n); masked {
			t.Errorf("%d became %s", n, m)
		}
		if m, masked := s2.Float(s2.Field(s2.Root(), "password"), float64(n)); masked {
			t.Errorf("%d, as a float, became %s", n, m)
		}
		if m, masked := s2.Int(s2.Root(), n); masked {
			t.Errorf("%d, without a name, became %s", n, m)
		}
	}
	in = `{"password":472361,"token":[472361],"card":4111111111111111}`
	if out, _ := s2.JSON(nil, s2.Root(), in); string(out) != in {
		t.Errorf("JSON became %s", out)
	}
	for _, n := range []int64{472362, -472361, 4723610} {
		if _, masked := s2.Int(s2.Field(s2.Root(), "password"), n); !masked {
			t.Errorf("%d was left", n)
		}
	}
	if _, masked := s2.Float(s2.Field(s2.Root(), "password"), 472361.5); !masked {
		t.Error("472361.5 was left")
	}
	if _, masked := s2.Int(s2.Root(), 5555555555554444); !masked {
		t.Error("a card that is not allowed was left")
	}
	if n := len(s.Counts()); n != 0 {
		t.Errorf("counted: %v", s.Counts())
	}

	// What only has it in it is a secret as before.
	for _, v := range []string{
		"password=" + exampleKey + "2", "password=x" + exampleKey, "password=" + strings.ToLower(exampleKey), "password='" + exampleKey + " '", "password=demo-12345",
		"password=xdemo-1234", "password='demo-1234\n'", "token=" + ghp + "x", "clone with " + ghp + "A", "https://bob:" + exampleKey + "x@x.example/", jwtText + "x",
		"acme_documented12", "https://x.example/?token=EXAMPLE%2DKEY%2d0001%21", "Authorization: Bearer " + exampleKey + "x", "password=xtest_y",
		"password=EXAMPLE%2DKEY%2D0001%", "password=EXAMPLE%252DKEY%252D0001",
	} {
		if got, changed := s.Text(s.Root(), v); !changed {
			t.Errorf("%q was left: %q", v, got)
		}
	}
	for key, v := range map[string]string{"password": exampleKey + "x", "token": "x" + ghp, "secret": exampleKey + " " + exampleKey} {
		if got, changed := s.Text(s.Field(s.Root(), key), v); !changed {
			t.Errorf("%s: %q was left: %q", key, v, got)
		}
	}
}

// An allow-list for some kinds asks for the kind that the marker would name.
func TestAllowedKinds(t *testing.T) {
	s := newScanner(t, Config{Allow: []Allow{
		{Values: []string{"hunter2", ghp}, Kinds: []Kind{"password"}},
		{Values: []string{"hunter3"}, Kinds: []Kind{"password"}},
		{Values: []string{"hunter3"}, Kinds: []Kind{"url-password"}},
		{Regexes: []string{`AKIA.*`}, Kinds: []Kind{"aws-access-key-id"}},
		{Keys: []string{"door_token"}, Kinds: []Kind{"token"}},
		{Keys: []string{"gate.token"}, Kinds: []Kind{"password"}},
		{Keys: []string{"fence_token"}},
	}})
	for in, want := range map[string]string{
		"password=hunter2": "", "token=hunter2": "token=[REDACTED:token]",
		"https://a:hunter2@x/": "https://a:[REDACTED:url-password]@x/", "https://a:hunter3@x/ password=hunter3": "",
		"password=" + ghp: "password=[REDACTED:github-token]", // it is more than a password
		keyID:             "", "password=AKIAx": "password=[REDACTED:password]",
		"door_token=x9": "", "gate_token=x9": "gate_token=[REDACTED:token]", "fence_token=x9": "", "fence_token=" + ghp: "fence_token=[REDACTED:github-token]",
	} {
		if want == "" {
			want = in
		}
		if got, _ := s.Text(s.Root(), in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	for key, masked := range map[string]bool{"door_token": false, "gate_token": true, "fenceToken": false} {
		if _, changed := s.Text(s.Field(s.Root(), key), "x9"); changed != masked {
			t.Errorf("%s: masked is %t", key, changed)
		}
		// It speaks for the name alone, not for what stands below another.
		if _, changed := s.Text(s.Field(s.Field(s.Root(), "password"), key), "x9"); !changed {
			t.Errorf("%s below password was left", key)
		}
	}
	if got, _ := s.Text(s.Field(s.Root(), "password"), ghp); got != "[REDACTED:github-token]" {
		t.Errorf("under a key: %q", got)
	}
}

// A name that is secret in one place and allowed in another would be decided
// by the order in which they are asked.
func TestKeysInTwoPlaces(t *testing.T) {
	rule, list := Rule{Kind: "acme", Keys: []string{"floor_plan"}}, Allow{Keys: []string{"floor_plan"}}
	for name, c := range map[string]Config{
		"rule and allowed key":       {Rules: []Rule{rule}, AllowedKeys: []string{"FloorPlan"}},
		"sensitive and allowed key":  {SensitiveKeys: []string{"floor_plan"}, AllowedKeys: []string{"FLOOR-PLAN"}},
		"segments of them":           {SensitiveKeys: []string{"a.floor_plan"}, AllowedKeys: []string{"b.floor_plan"}},
		"sensitive key and list":     {Allow: []Allow{list}, SensitiveKeys: []string{"floor-plan"}},
		"rule and list":              {Rules: []Rule{rule}, Allow: []Allow{list}},
		"sensitive key, list of its": {Allow: []Allow{{Keys: []string{"floor_plan"}, Kinds: []Kind{"secret"}}}, SensitiveKeys: []string{"floor-plan"}},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), "keep it in one") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	// A rule's kind is the better name for a sensitive key.
	s := newScanner(t, Config{Rules: []Rule{rule}, SensitiveKeys: []string{"floor_plan"}, Allow: []Allow{{Keys: []string{"floor_plan"}, Kinds: []Kind{"token"}}}})
	if got, _ := s.Text(s.Field(s.Root(), "floor_plan"), "basement"); got != "[REDACTED:acme]" {
		t.Errorf("got %q", got)
	}
}

// A Finder would keep rules for free text from being run: New says so.
func TestRulesNeedNoFinder(t *testing.T) {
	finder := func() Finder { return newScanner(t, Config{}) }
	for _, c := range []struct {
		rule Rule
		ok   bool
	}{
		{Rule{Kind: "acme", Prefixes: []string{"acme_"}, Chars: "a-z", MinLength: 8}, false},
		{Rule{Kind: "acme", Regex: `acme_[a-z]+`}, false},
		{Rule{Kind: "acme", Keys: []string{"acme"}}, true},
	} {
		if _, err := New(Config{Finder: finder, Rules: []Rule{c.rule}}); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.rule, err)
		}
	}
	// What is allowed is left alone, whoever finds it.
	s := newScanner(t, Config{Finder: finder, Allow: []Allow{{Values: []string{exampleKey}}}})
	if got, _ := s.Text(s.Root(), "password="+exampleKey+" token=x9y8z7"); got != "password="+exampleKey+" token=[REDACTED:token]" {
		t.Errorf("got %q", got)
	}
}

func TestAllowErrors(t *testing.T) {
	for name, c := range map[string]struct {
		allow Allow
		field string
		index int
		want  string
	}{
		"nothing":          {Allow{}, "", -1, "allows nothing"},
		"kinds alone":      {Allow{Kinds: []Kind{"password"}}, "", -1, "allows nothing"},
		"empty value":      {Allow{Values: []string{"a", ""}}, "values", 1, "empty"},
		"long value":       {Allow{Values: []string{strings.Repeat("hunter2", 1000)}}, "values", 0, "7000 bytes"},
		"value twice":      {Allow{Values: []string{"hunter2", "hunter2"}}, "values", 1, "twice"},
		"value elsewhere":  {Allow{Values: []string{"hunter1"}, Kinds: []Kind{"token"}}, "values", 0, "twice"},
		"bad regex":        {Allow{Regexes: []string{"(hunter2"}}, "regexes", 0, "missing closing )"},
		"unbalanced":       {Allow{Regexes: []string{"hunter2)|(x"}}, "regexes", 0, "unexpected )"},
		"empty match":      {Allow{Regexes: []string{"(hunter2)?"}}, "regexes", 0, "empty"},
		"everything":       {Allow{Regexes: []string{".+"}}, "regexes", 0, "switch redaction off"},
		"everything else":  {Allow{Regexes: []string{`\S{2,200}`}}, "regexes", 0, "switch redaction off"},
		"unknown kind":     {Allow{Values: []string{"x"}, Kinds: []Kind{"hunter2"}}, "kinds", 0, "no kind"},
		"a refusal":        {Allow{Values: []string{"x"}, Kinds: []Kind{"too-deep"}}, "kinds", 0, "not looked at"},
		"kind twice":       {Allow{Values: []string{"x"}, Kinds: []Kind{"token", "token"}}, "kinds", 1, "twice"},
		"short key":        {Allow{Keys: []string{"ab"}}, "keys", 0, "fewer than 3"},
		"key of a rule":    {Allow{Keys: []string{"Floor-Plan"}}, "keys", 0, "key of a rule"},
		"key twice":        {Allow{Keys: []string{"abc", "A-B-C"}}, "keys", 1, "twice"},
		"regex of a kind":  {Allow{Regexes: []string{".+"}, Kinds: []Kind{"too-large"}}, "kinds", 0, "not looked at"},
		"long expression":  {Allow{Regexes: []string{strings.Repeat("x", 2001)}}, "regexes", 0, "2001 bytes"},
		"large expression": {Allow{Regexes: []string{strings.Repeat("x{1000}", 9)}}, "regexes", 0, "instructions"},
	} {
		_, err := New(Config{
			Rules: []Rule{{Kind: "acme", Keys: []string{"floor_plan"}}},
			Allow: []Allow{{Values: []string{"hunter1"}}, c.allow},
		})
		var fe *FieldError
		switch {
		case !errors.As(err, &fe):
			t.Errorf("%s: error is %v, want a FieldError", name, err)
		case fe.List != "allow" || fe.Entry != 1 || fe.Field != c.field || fe.Index != c.index || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: error is %v, want one of field %q, index %d, with %q", name, err, c.field, c.index, c.want)
		case strings.Contains(err.Error(), "hunter"):
			t.Errorf("%s: the error quotes what may be a secret: %v", name, err)
		}
	}
}
