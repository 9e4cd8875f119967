// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zricethezav/gitleaks/v8/report"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// smallCorpus is two lines with a secret and one without, made here.
func smallCorpus() corpus {
	secret := "Kupfer" + "Kessel" + "4711"
	token := "gh" + "p_" + strings.Repeat("a1B2c3", 6)
	return corpus{"small", linesOf([]redactcorpus.Sample{
		{Line: `{"command":"app --password ` + secret + `"}`, Planted: []redactcorpus.Secret{{Kind: "password", Ctx: "cmd", Text: secret}}},
		{Line: `{"env":{"TOKEN":"` + token + `"}}`, Planted: []redactcorpus.Secret{{Kind: "token", Ctx: "env", Text: token}}},
		{Line: `{"command":"ls -l"}`},
	})}
}

// TestMeasure shows that the harness can tell nothing done from everything
// removed.
func TestMeasure(t *testing.T) {
	c := smallCorpus()
	ways := []way{
		{"idle", "x", func(in input) (result, error) { return result{in.text, false}, nil }},
		{"shredder", "x", func(input) (result, error) { return result{"", true}, nil }},
		{"halver", "x", func(in input) (result, error) { return result{in.text[:len(in.text)-13], true}, nil }},
	}
	s, err := measure(ways, []corpus{c})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []struct {
		program         string
		leaked, touched share
	}{{"idle", share{2, 2}, share{0, 3}}, {"shredder", share{0, 2}, share{3, 3}}, {"halver", share{1, 2}, share{3, 3}}} {
		sc := s.of("small", w.program, "x")
		if got := sc.all(); got != w.leaked {
			t.Errorf("%s: %v leaked, want %v", w.program, got, w.leaked)
		}
		if got := sc.lines(); got != w.touched {
			t.Errorf("%s: %v touched, want %v", w.program, got, w.touched)
		}
	}
}

// TestPrograms runs every way on a small corpus: each of the programs catches
// the token, and leaves the clean line alone.
func TestPrograms(t *testing.T) {
	ways, stop, err := allWays(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	c := smallCorpus()
	s, err := measure(ways, []corpus{c})
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range ways {
		sc := s.by["small"][i]
		token := sc.sum(func(g group) bool { return g.kind == "token" }, 0, 1)
		// gitleaks asks for more entropy than the token of the small corpus has.
		if w.program != gitleaks && token.part != 0 {
			t.Errorf("%s, %s: leaks the token", w.program, w.name)
		}
		if sc.lines().part > 2 {
			t.Errorf("%s, %s: touches the clean line", w.program, w.name)
		}
	}
	if got := s.of("small", ours, withNames).all(); got.part != 0 {
		t.Errorf("%v leaked by ours", got)
	}
}

func TestSurvives(t *testing.T) {
	secret := "line one\nline \"two\" & more"
	once, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := json.Marshal(string(once))
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{secret, string(once), string(twice), `x="` + string(once[5:]) + `"`} {
		if !survives(out, secret) {
			t.Errorf("not seen in %s", out)
		}
	}
	if survives(`{"a":"line one \\ and another"}`, secret) {
		t.Error("seen where it is not")
	}
}

func TestCheckRefuses(t *testing.T) {
	c := smallCorpus()
	if err := check(c.lines); err != nil {
		t.Error(err)
	}
	if check(nil) == nil {
		t.Error("a corpus without lines passes")
	}
	c.lines[0].planted[0].Text = "elsewhere-altogether"
	err := check(c.lines)
	if err == nil {
		t.Fatal("a secret that is not in its line passes")
	}
	if strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("the error shows the secret: %v", err)
	}
}

// TestMasked masks what gitleaks finds, also where it had to decode.
func TestMasked(t *testing.T) {
	text := "first line\nkey=QUJDREVGR0g= tail\nlast abc"
	got := masked(text, []report.Finding{
		{Secret: "abc"},
		// Columns as gitleaks counts them in a line behind another.
		{Secret: "ABCDEFGH", StartLine: 1, EndLine: 1, StartColumn: 6, EndColumn: 17},
	})
	if want := "first line\nkey=" + mark + " tail\nlast " + mark; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestGitleaksDecodes shows that gitleaks itself is read rightly there.
func TestGitleaksDecodes(t *testing.T) {
	ways, err := gitleaksWays()
	if err != nil {
		t.Fatal(err)
	}
	token := "gh" + "p_" + "w8Kq2ZrT5vYx9BnM3cLf7HdJ1sGpA6uEoXiQ"
	for _, text := range []string{
		"x " + token + " y",
		"a\nb blob=" + encoded64("token: "+token+" end") + " y\nz",
		"blob=" + encoded64("token: "+token+" end"),
	} {
		r, err := ways[0].redact(newInput(text, ""))
		if err != nil {
			t.Fatal(err)
		}
		if !r.touched || survives(r.out, token) || strings.Contains(text, "blob") && survives(r.out, encoded64("token: "+token+" end")) {
			t.Errorf("left: %s", r.out)
		}
		if text[0] == 'a' && !strings.HasPrefix(r.out, "a\nb blob=") {
			t.Errorf("too much is masked: %s", r.out)
		}
	}
}

func TestOwnCorpus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.jsonl")
	var b bytes.Buffer
	for _, l := range smallCorpus().lines {
		line, err := json.Marshal(redactcorpus.Sample{Line: l.text, Planted: l.planted})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := realMain(t.Context(), []string{"-corpus", path}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{"| auditchain | with key names | 0 % (0/2) |", "| password | cmd | 0/1 |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestRealRecords(t *testing.T) {
	dir := t.TempDir()
	record := `{"eventName":"X","userIdentity":{"accessKeyId":"` + "AK" + `IAQ3EGR7UVWXYZ2345"},"password":"Kupferkessel4711"}`
	if err := os.WriteFile(filepath.Join(dir, "cloudtrail.jsonl"), []byte(record+"\n"+`{"eventName":"Y"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AUDITCHAIN_CORPUS", dir)
	var out, errs bytes.Buffer
	if code := realMain(t.Context(), nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{"| auditchain | with key names | 50.00 % (1/2) |", "| password | 1 |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "Kupfer") {
		t.Error("the report shows a record")
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
	}{{[]string{"-h"}, 0}, {[]string{"-nonsense"}, 2}, {[]string{"extra"}, 2}, {[]string{"-corpus", "missing.jsonl"}, 1}} {
		var out, errs bytes.Buffer
		if code := realMain(t.Context(), c.args, &out, &errs); code != c.code {
			t.Errorf("%v: exit %d, want %d: %s", c.args, code, c.code, errs.String())
		}
	}
}

func encoded64(v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) }

// TestNumbersLeak keeps a number that was not masked from counting as masked.
func TestNumbersLeak(t *testing.T) {
	ways, stop, err := allWays(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	for _, w := range ways {
		r, err := w.redact(newInput(`{"shelf":{"number":731905846}}`, ""))
		if err != nil {
			t.Fatal(err)
		}
		if r.touched || !survives(r.out, "731905846") {
			t.Errorf("%s, %s: a number is lost: %s", w.program, w.name, r.out)
		}
	}
}
