// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestCleanText(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", ""},
		{"plain \u00fcml\u00e4ut \u65e5\u672c", "plain \u00fcml\u00e4ut \u65e5\u672c"},
		{"a\nb\tc\rd", `a\nb\tc\rd`},
		{"\x1b[31mred\x1b]0;title\x07", `\x1b[31mred\x1b]0;title\x07`},
		{"\u009b31m", `\u009b31m`},
		{"\x7f\x00", `\x7f\x00`},
		{"evil\u202egnp.exe", `evil\u202egnp.exe`},
		{"zero\u200bwidth\ufeff", `zero\u200bwidth\ufeff`},
		{"line\u2028sep", `line\u2028sep`},
		{"bad \xff\xc0 utf-8", `bad \xff\xc0 utf-8`},
		{"\U000e0041tag", `\U000e0041tag`},
		{"\u3164hangul filler", `\u3164hangul filler`},
	} {
		if got := cleanText(tc.in); got != tc.want {
			t.Errorf("cleanText(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

// Nothing that acts on a terminal comes out, whatever goes in; and JSON that
// was cleaned is the same JSON.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a\x1b[2Jb", "\u009b", "\u202e\U0001f600\U000e0041", "\xff\xfe", `"\` + "\u2028"} {
		f.Add(s)
	}
	safe := func(t *testing.T, what, s string) {
		if !utf8.ValidString(s) {
			t.Errorf("%s: not UTF-8: %q", what, s)
		}
		for _, r := range s {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%s: %U in %q", what, r, s)
			}
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		safe(t, "text", cleanText(s))
		safe(t, "cell", csvCell(s))
		safe(t, "cut text", fit(cleanText(s), 10, true))
		if w := textWidth(fit(cleanText(s), 10, true)); w != 10 {
			t.Errorf("fit to 10 columns takes %d: %q", w, s)
		}
		in, err := json.Marshal(map[string]string{s: s})
		if err != nil {
			t.Fatal(err)
		}
		out := appendCleanJSON(nil, in)
		safe(t, "JSON", string(out))
		var before, after any
		if json.Unmarshal(in, &before) != nil || json.Unmarshal(out, &after) != nil {
			t.Fatalf("%q became invalid: %q", in, out)
		}
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("%q reads back differently: %s", in, d)
		}
	})
}

func TestFit(t *testing.T) {
	for _, tc := range []struct {
		in      string
		columns int
		pad     bool
		want    string
	}{
		{"short", 8, true, "short   "},
		{"short", 8, false, "short"},
		{"exactly8", 8, true, "exactly8"},
		{"much too long", 8, true, "much t.."},
		{"\u65e5\u672c\u8a9e\u6587", 8, true, "\u65e5\u672c\u8a9e\u6587"},
		{"\u65e5\u672c\u8a9e\u6587", 7, true, "\u65e5\u672c.. "},
		{"abc", 1, true, "."},
		{"abc", 0, true, ""},
	} {
		if got := fit(tc.in, tc.columns, tc.pad); got != tc.want {
			t.Errorf("fit(%q, %d) = %q, want %q", tc.in, tc.columns, got, tc.want)
		}
	}
}

// What a spreadsheet would run never begins a cell.
func TestCSVCell(t *testing.T) {
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", " =cmd|' /C calc'!A0", "\t=1", "\r=1", "\uff1d1", "\u00a0=1", "|x", "%0"} {
		if got := csvCell(s); !strings.HasPrefix(got, "'") && !strings.HasPrefix(got, `\`) {
			t.Errorf("csvCell(%q) = %q", s, got)
		}
	}
	for _, s := range []string{"", "a=b", "plain", "{\"type\":\"x\"}"} {
		if got := csvCell(s); got != s {
			t.Errorf("csvCell(%q) = %q, want it unchanged", s, got)
		}
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{"audit.key": "audit.key", "a b": "'a b'", "": "''", "it's": `'it'\''s'`, "$(x)": "'$(x)'"} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", in, got, want)
		}
	}
}
