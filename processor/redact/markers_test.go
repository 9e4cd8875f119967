// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each marker that stands in a result counts once, whoever put it there and
// however many rules met it.
func TestMarkers(t *testing.T) {
	const pw, tok = "[REDACTED:password]", "[REDACTED:github-token]"
	type counts = []KindCount
	passwords := func(n int) counts { return counts{{"password", n}} }
	s := newScanner(t, Config{})
	text := func(p Place, v string) func() string {
		return func() string { out, _ := s.Text(p, v); return out }
	}
	asJSON := func(v string) func() string {
		return func() string { out, _ := s.JSON(nil, s.Root(), v); return string(out) }
	}
	for name, c := range map[string]struct {
		run             func() string
		markers, masked counts
	}{
		"none":                    {text(s.Root(), "a plain text that is long enough"), nil, nil},
		"one":                     {text(s.Root(), pw), passwords(1), nil},
		"in a text":               {text(s.Root(), "was "+pw+", is "+pw), passwords(2), nil},
		"behind a name":           {text(s.Root(), "--password "+pw+" --password="+pw), passwords(2), nil},
		"under a name":            {text(s.Field(s.Root(), "password"), pw), passwords(1), nil},
		"of another kind there":   {text(s.Field(s.Root(), "password"), tok), counts{{"github-token", 1}}, nil},
		"in an authorization":     {text(s.Field(s.Root(), "authorization"), "Bearer [REDACTED:bearer-token]"), counts{{"bearer-token", 1}}, nil},
		"in cookies":              {text(s.Field(s.Root(), "cookie"), "a=[REDACTED:cookie]; b=x"), counts{{"cookie", 2}}, counts{{"cookie", 1}}},
		"old and new":             {text(s.Root(), pw+" password=hunter2"), passwords(2), passwords(1)},
		"swallowed by a new one":  {text(s.Field(s.Root(), "password"), "x"+pw), passwords(1), passwords(1)},
		"JSON as a value":         {text(s.Root(), `{"password":"`+pw+`","a":["`+tok+`"]}`), counts{{"github-token", 1}, {"password", 1}}, nil},
		"JSON in JSON":            {text(s.Root(), `{"a":"{\"password\":\"`+pw+`\",\"b\":\"`+tok+`\"}"}`), counts{{"github-token", 1}, {"password", 1}}, nil},
		"JSON":                    {asJSON(`{"password":"` + pw + `","` + tok + `":1,"token":5}`), counts{{"github-token", 1}, {"password", 1}, {"token", 1}}, counts{{"token", 1}}},
		"no JSON":                 {asJSON(`{"password":"` + pw + `"`), nil, nil},
		"with tail and digest":    {text(s.Root(), "[REDACTED:aws-access-key-id:****F6B1:1a2b3c4d:a1b2c3d4e5f6]"), counts{{"aws-access-key-id", 1}}, nil},
		"of an unknown kind":      {text(s.Root(), "[REDACTED:nothing] [REDACTED:password"), nil, nil},
		"key":                     {func() string { out, _ := s.Key("a " + pw); return out }, passwords(1), nil},
		"key, masked":             {func() string { out, _ := s.Key("ghp_0123456789abcdefghijABCDEFGHIJ012345"); return out }, counts{{"github-token", 1}}, counts{{"github-token", 1}}},
		"name":                    {func() string { out, _, _ := s.Name(s.Root(), "a "+pw); return out }, passwords(1), nil},
		"number":                  {func() string { out, _ := s.Scalar(s.Field(s.Root(), "password")); return out }, passwords(1), passwords(1)},
		"number that may be seen": {func() string { out, _ := s.Scalar(s.Root()); return out }, nil, nil},
		"bytes":                   {func() string { out, _ := s.Bytes(s.Root(), []byte(pw)); return string(out) }, passwords(1), nil},
		"too deep":                {s.Refused, counts{{"too-deep", 1}}, counts{{"too-deep", 1}}},
	} {
		for range 2 { // the second time from the cache of names
			s.Reset()
			out := c.run()
			if diff := cmp.Diff(c.markers, s.Markers()); diff != "" {
				t.Errorf("%s: markers (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(c.masked, s.Counts()); diff != "" {
				t.Errorf("%s: masked (-want +got):\n%s", name, diff)
			}
			if n := strings.Count(out, "[REDACTED:") - strings.Count(out, "[REDACTED:nothing") - strings.Count(out, "[REDACTED:password "); c.markers != nil && n != sum(c.markers) {
				t.Errorf("%s: %d markers in %s", name, n, out)
			}
		}
	}
	s.Reset()
	if s.Markers() != nil {
		t.Errorf("after Reset: %v", s.Markers())
	}
}

func sum(counts []KindCount) (n int) {
	for _, c := range counts {
		n += c.N
	}
	return n
}

// What stands in a line is the same after one redaction and after two.
func TestMarkersOfTheCorpus(t *testing.T) {
	for _, cfg := range []Config{{}, {FingerprintKey: testKey}} {
		s := newScanner(t, cfg)
		for _, sm := range corpus(t, "recall", 1000) {
			for _, mode := range corpusModes[:2] {
				s.Reset()
				once := mode.run(t, s, sm.Line)
				want := append([]KindCount(nil), s.Markers()...)
				if sum(want) != strings.Count(once, markerOpen) || sum(want) == 0 {
					t.Fatalf("%s: counts %v in %s", mode.name, want, once)
				}
				s.Reset()
				mode.run(t, s, once)
				if diff := cmp.Diff(want, s.Markers()); diff != "" {
					t.Fatalf("%s: the second time (-once +twice):\n%s\n%s", mode.name, diff, once)
				}
			}
		}
	}
}

// A pair's name says what its value is, in whatever order they stand.
func TestPairs(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct{ in, want string }{
		{`{"name":"DB_PASSWORD","value":"hunter2"}`, `{"name":"DB_PASSWORD","value":"[REDACTED:password]"}`},
		{`{"value":"hunter2","name":"DB_PASSWORD"}`, `{"value":"[REDACTED:password]","name":"DB_PASSWORD"}`},
		{`{"value":"hunter2","a":{"b":[1,true,null,-2e5]},"c":"x","name":"DB_PASSWORD"}`, `{"value":"[REDACTED:password]","a":{"b":[1,true,null,-2e5]},"c":"x","name":"DB_PASSWORD"}`},
		{`{"values":["hunter2",7,true],"key":"password"}`, `{"values":["[REDACTED:password]","[REDACTED:password]",true],"key":"password"}`},
		{`{"value":{"stringValue":"hunter2","a":1},"key":"password"}`, `{"value":{"stringValue":"[REDACTED:password]","a":"[REDACTED:password]"},"key":"password"}`},
		{`{"value":7,"key":"x","name":"password"}`, `{"value":"[REDACTED:password]","key":"x","name":"password"}`},
		{`{"key":"x","value":"hunter2","name":"password"}`, `{"key":"x","value":"[REDACTED:password]","name":"password"}`},
		{`{"name":"Authorization","values":["Bearer abc"]}`, `{"name":"Authorization","values":["Bearer [REDACTED:bearer-token]"]}`},
		{`{"Name":"password","StringValue":"hunter2","Value":"hunter3"}`, `{"Name":"password","StringValue":"[REDACTED:password]","Value":"[REDACTED:password]"}`},
		// The first name that says so.
		{`{"name":"password","key":"token","value":"hunter2"}`, `{"name":"password","key":"token","value":"[REDACTED:password]"}`},
		{`{"value":"hunter2","name":"password","key":"token"}`, `{"value":"[REDACTED:password]","name":"password","key":"token"}`},

		{`{"value":"x","name":{"a":"password"},"nested":{"name":"password"}}`, ``},
		{`{"a":{"value":"x"},"name":"password"}`, ``},
		{`[{"value":"x"},{"name":"password"}]`, ``},
		{`{"name":"replicas","value":3}`, ``},
		{`{"name":"password","value":null,"values":[]}`, ``},
	} {
		if c.want == "" {
			c.want = c.in
		}
		got, form := s.JSON(nil, s.Root(), c.in)
		if string(got) != c.want || form != StrictJSON {
			t.Errorf("%s: got %s (form %d), want %s", c.in, got, form, c.want)
		}
	}
	for _, v := range []string{`{"value":`, `{"value":1`, `{"value":1,`, `{"value":1,"name`, `{"value":1,"name"`, `{"value":1,"name":`, `{"value":1,"name":"x`, `{"value":1 "name":"x"}`, `{"value":[1,"name":"x"}`, `{"value":tru,"name":"x"}`} {
		if _, form := s.JSON(nil, s.Root(), v); form != NotJSON {
			t.Errorf("%s: form %d", v, form)
		}
	}
}

// Name is Key and Field of what Key returned.
func TestName(t *testing.T) {
	s, o := newScanner(t, Config{AllowedKeys: []string{"vendor_token"}}), newScanner(t, Config{AllowedKeys: []string{"vendor_token"}})
	names := []string{"", "a", "password", "authorization", "name", "value", "values", "stringValue", "secretName", "vendor_token", "expiration",
		"ghp_0123456789abcdefghijABCDEFGHIJ012345", "token.ghp_0123456789abcdefghijABCDEFGHIJ012345", "[REDACTED:github-token]", "password [REDACTED:token]", strings.Repeat("long.", 20) + "password"}
	places := []Place{s.Root(), s.Field(s.Root(), "x"), s.Field(s.Root(), "secret"), s.Field(s.Root(), "credentials"), s.Field(s.Root(), "authorization"), {depth: ^uint16(0)}}
	for range 2 {
		for _, name := range names {
			for _, p := range places {
				out, changed, q := s.Name(p, name)
				wantOut, wantChanged := o.Key(name)
				if want := o.Field(p, wantOut); out != wantOut || changed != wantChanged || q != want {
					t.Errorf("%q at %+v: %q, %t, %+v; want %q, %t, %+v", name, p, out, changed, q, wantOut, wantChanged, want)
				}
				if out2, changed, q2 := s.Name(p, out); changed || out2 != out || q2 != q {
					t.Errorf("%q at %+v: a second time %q, %+v", out, p, out2, q2)
				}
			}
		}
	}
}
