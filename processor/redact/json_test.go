// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSONForms(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct {
		in   string
		form Form
	}{
		{`{}`, StrictJSON}, {`[]`, StrictJSON}, {` [ 1 , 2 ] `, StrictJSON}, {`{"a":{"a":1},"b":[{"a":2}]}`, StrictJSON},
		{`[1.50,-0,2E+3,"\u00e9\ud83d\ude00\/",true,false,null]`, StrictJSON}, {`{"a":"é"}`, StrictJSON}, {`["a` + "\x7f" + `"]`, StrictJSON},

		{"{\n\"a\":1}", LooseJSON}, {"[1,\t2]", LooseJSON}, {"[]\n", LooseJSON}, {`{"a":1,"a":2}`, LooseJSON}, {`{"a":1,"\u0061":2}`, LooseJSON},
		{`[{"x":{"a":1,"b":2,"a":3}}]`, LooseJSON}, {"[\"\xff\"]", LooseJSON}, {strings.Repeat("[", 65) + strings.Repeat("]", 65), LooseJSON},
		{strings.Repeat("[", 5000) + strings.Repeat("]", 5000), LooseJSON},
		// Half a surrogate pair is no character.
		{`["\ud800"]`, LooseJSON}, {`["\udc00"]`, LooseJSON}, {`["\ud800\ud800"]`, LooseJSON}, {`["\udc00\ud800"]`, LooseJSON}, {`["\ud800x"]`, LooseJSON}, {`["\ud800\n"]`, LooseJSON},
		{`{"\uD800":1}`, LooseJSON}, {`{"a":{"b":["x\uDFFF"]}}`, LooseJSON}, {`["\ufffd\\ud800"]`, StrictJSON}, {`["\uD83D\uDE00\ud7ff\ue000"]`, StrictJSON},

		{``, NotJSON}, {`1`, NotJSON}, {`"a"`, NotJSON}, {`null`, NotJSON}, {`{`, NotJSON}, {`{"a"}`, NotJSON}, {`{"a":}`, NotJSON}, {`{"a":1,}`, NotJSON}, {`[1,]`, NotJSON},
		{`[01]`, NotJSON}, {`[1.]`, NotJSON}, {`[+1]`, NotJSON}, {`[.5]`, NotJSON}, {`[1e]`, NotJSON}, {`[tru]`, NotJSON}, {`[NaN]`, NotJSON}, {`['a']`, NotJSON},
		{`["\x"]`, NotJSON}, {`["\u12"]`, NotJSON}, {"[\"\n\"]", NotJSON}, {`{} {}`, NotJSON}, {`[]]`, NotJSON}, {`[1 2]`, NotJSON}, {`{"a" 1}`, NotJSON},
		{strings.Repeat("[", 5000), NotJSON}, {strings.Repeat("[", 5000) + strings.Repeat("]", 4999) + "}", NotJSON},
		{`{"a":"password=hunter2"`, NotJSON},
	} {
		s.Reset()
		out, form := s.JSON([]byte("pre"), s.Root(), c.in)
		if form != c.form {
			t.Errorf("%.60q: form %d, want %d", c.in, form, c.form)
		}
		if form == NotJSON && string(out) != "pre" {
			t.Errorf("%.60q: dst is %q, want it unchanged", c.in, out)
		}
		if form == NotJSON && len(s.Counts()) != 0 {
			t.Errorf("%.60q: counted %v in what is no JSON", c.in, s.Counts())
		}
		if valid := json.Valid([]byte(c.in)) && (strings.HasPrefix(strings.TrimSpace(c.in), "{") || strings.HasPrefix(strings.TrimSpace(c.in), "[")); valid != (form != NotJSON) && !strings.Contains(c.in, "\xff") {
			t.Errorf("%.60q: form %d, but encoding/json says valid=%t", c.in, form, valid)
		}
		if form != NotJSON && !strings.HasPrefix(c.in, strings.Repeat("[", 60)) && string(out) != "pre"+c.in {
			t.Errorf("%q: not verbatim: %q", c.in, out)
		}
	}
}

func TestJSONVerbatim(t *testing.T) {
	s := newScanner(t, Config{})
	in := ` { "b" : 1.50 , "a":"\u00e9\/x", "password" : "hunter2", "n":-0.0e+1,"c":["ok", {"token":7}]} `
	want := ` { "b" : 1.50 , "a":"\u00e9\/x", "password" : "[REDACTED:password]", "n":-0.0e+1,"c":["ok", {"token":"[REDACTED:token]"}]} `
	out, form := s.JSON(nil, s.Root(), in)
	if string(out) != want || form != StrictJSON {
		t.Errorf("got  %s (form %d)\nwant %s", out, form, want)
	}
	for _, name := range []string{"clean", "hard-negatives"} {
		for _, sm := range corpus(t, name, 1000) {
			if out, form := s.JSON(nil, s.Root(), sm.Line); string(out) != sm.Line || form != StrictJSON {
				t.Fatalf("%s: clean line is not verbatim (form %d): %s", name, form, out)
			}
		}
	}
}

func TestNestedJSONIsBounded(t *testing.T) {
	s := newScanner(t, Config{})
	v := `{"password":"hunter2"}`
	for depth := 1; depth <= maxNesting+2; depth++ {
		out, _ := s.Text(s.Root(), v)
		if got, _ := s.JSON(nil, s.Root(), v); string(got) != out {
			t.Errorf("depth %d: as JSON it is %.200s, as a value %.200s", depth, got, out)
		}
		if strings.Contains(out, "hunter2") {
			t.Errorf("depth %d leaks: %.200s", depth, out)
		}
		if deep := strings.Contains(out, "too-deep"); deep != (depth > maxNesting) {
			t.Errorf("depth %d: too deep is %t: %.200s", depth, deep, out)
		}
		if !json.Valid([]byte(out)) {
			t.Errorf("depth %d: no JSON any more: %.200s", depth, out)
		}
		v = `{"a":` + quoted(v) + `}`
	}
}
