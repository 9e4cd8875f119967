// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/internal/redacttest"
	"github.com/auditchain/auditchain/processor/redact"
)

// jsonLines are lines and what --json makes of them.
var jsonLines = []struct {
	in, out string // "" where it stays
	noJSON  bool
}{
	{in: `{"a":1}`}, {in: `[]`}, {in: `{}`}, {in: `[ 1 , 2.50, -0, 1e400 ]`},
	{in: ``}, {in: `   `}, {in: "\t"}, {in: "\r"},
	{in: `0`}, {in: `-1.5e+3`}, {in: `true`}, {in: `null`}, {in: `"text"`}, {in: ` "text" `}, {in: `""`},
	{in: `"password=hunter2hunter2"`, out: `"password=[REDACTED:password]"`},
	{in: `  "password=hunter2hunter2"  `, out: `  "password=[REDACTED:password]"  `},
	{in: `"{\"password\":\"hunter2\"}"`, out: `"{\"password\":\"[REDACTED:password]\"}"`},
	{in: ` {"password" : 1337 , "n": 7} `, out: ` {"password" : "[REDACTED:password]" , "n": 7} `},
	{in: `{"password":null,"a":{"password":true}}`},
	{in: `{"a":"\ud800","b":"\u00e9 \/"}`},
	{in: `{"a":1,"a":2}`},
	{in: `{"password":"hunter2hunter2"`, out: `{"password":"[REDACTED:password]"`, noJSON: true},
	{in: `{} {}`, noJSON: true}, {in: `[1,]`, noJSON: true}, {in: `nul`, noJSON: true}, {in: `01`, noJSON: true}, {in: `"`, noJSON: true},
	{in: "\xef\xbb\xbf{}", noJSON: true}, {in: "\xff", noJSON: true},
	{in: `password=hunter2hunter2`, out: `password=[REDACTED:password]`, noJSON: true},
	{in: `{"long":"` + strings.Repeat("x", 300<<10) + `","password":"hunter2hunter2"}`, out: `{"long":"` + strings.Repeat("x", 300<<10) + `","password":"[REDACTED:password]"}`},
}

// One JSON value a line comes in, and one a line goes out, in the same order and
// with the same line ends, whatever stands between them.
func TestRedactJSONLineByLine(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for round := range 50 {
		var in, want strings.Builder
		refused := 0
		n := 1 + rnd.IntN(40)
		for i := range n {
			l := jsonLines[rnd.IntN(len(jsonLines))]
			end := []string{"\n", "\r\n"}[rnd.IntN(2)]
			if i == n-1 && l.in != "" {
				end = []string{"\n", "\r\n", ""}[rnd.IntN(3)]
			}
			out := l.out
			if out == "" {
				out = l.in
			}
			if l.noJSON {
				refused++
			}
			in.WriteString(l.in + end)
			want.WriteString(out + end)
		}
		code := exitDone
		if refused > 0 {
			code = exitIncomplete
		}
		r := auditchain(in.String(), "redact", "--json").must(t, code)
		if r.stdout != want.String() {
			t.Fatalf("round %d: in %.2000q\nout %.2000q\nwant %.2000q", round, in.String(), r.stdout, want.String())
		}
		if got := strings.Count(r.stderr, "not JSON, redacted as text"); got != refused {
			t.Errorf("round %d: %d lines reported, want %d", round, got, refused)
		}
	}
	for _, l := range jsonLines {
		r := auditchain(l.in+"\n", "redact", "--json")
		text := []byte(strings.TrimSuffix(r.stdout, "\n"))
		if !l.noJSON && len(bytes.TrimSpace(text)) > 0 && !json.Valid(text) {
			t.Errorf("%.200q became %.200q, which is no JSON", l.in, text)
		}
		// What was redacted once is left alone.
		if again := auditchain(r.stdout, "redact", "--json"); again.stdout != r.stdout || !strings.Contains(again.stderr, " 0 secrets masked") {
			t.Errorf("%.200q: the second time %.200q, %s", l.in, again.stdout, again.stderr)
		}
	}
}

// With --report-only, not a byte is changed: not that of a line which is too
// long, of a private key over several lines, or of the end. What is counted is
// what would be masked.
func TestRedactReportOnly(t *testing.T) {
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun\n", 5) + "-----END RSA PRIVATE KEY-----\n"
	for _, c := range []struct {
		in    string
		flags string
		code  int
	}{
		{"nothing\r\n\r\nhere\x00\xff", "", exitDone},
		{"", "", exitDone},
		{"a\npassword=hunter2hunter2\n" + key + "token=hunter2hunter2", "", exitDone},
		{key + key[:200], "", exitDone},
		{`{"password":"hunter2hunter2"}` + "\n\n12\r\n" + `"token=hunter2hunter2"`, "--json", exitDone},
		{`{"password":"hunter2hunter2"` + "\n[1]\n", "--json", exitIncomplete},
		{"[1]\n" + strings.Repeat("x", maxLine+1) + "\n[2]", "--json", exitIncomplete},
		{"a\n" + strings.Repeat("x", maxLine+1) + "\npassword=hunter2hunter2", "", exitIncomplete},
	} {
		masked := auditchain(c.in, strings.Fields("redact "+c.flags)...).must(t, c.code)
		r := auditchain(c.in, strings.Fields("redact --report-only "+c.flags)...).must(t, c.code)
		if r.stdout != c.in {
			t.Errorf("%.100q %s: passed on %.200q", c.in, c.flags, r.stdout)
		}
		want := strings.ReplaceAll(strings.ReplaceAll(masked.stderr, "not passed on", "not looked through"), "masked\n", "found, none masked\n")
		if r.stderr != want {
			t.Errorf("%.100q %s: says %q, want %q", c.in, c.flags, r.stderr, want)
		}
		if strings.Contains(r.stderr, "hunter2") {
			t.Errorf("stderr has a secret: %q", r.stderr)
		}
	}
}

// What is read is passed on before more is waited for, and an interrupt ends the
// wait.
func TestRedactReportOnlyStreams(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	var stderr bytes.Buffer
	done := make(chan int)
	go func() {
		code := runContext(ctx, []string{"redact", "--report-only"}, stdin, stdout, &stderr)
		_ = stdout.Close()
		done <- code
	}()
	const half = "no line end, password=hunter2hunter2"
	if _, err := io.WriteString(in, half); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len(half))
	if _, err := io.ReadFull(out, buf); err != nil || string(buf) != half {
		t.Fatalf("got %q, %v", buf, err)
	}
	interrupt()
	if code := <-done; code != exitInterrupted {
		t.Errorf("exit code %d, want 130, %q", code, stderr.String())
	}
}

// fullDisk takes the first bytes only.
type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	if d.room -= n; n < len(p) {
		return n, errors.New("no space left")
	}
	return n, nil
}

func TestRedactIntoAFullDisk(t *testing.T) {
	for _, flag := range []string{"", "--report-only"} {
		var stderr bytes.Buffer
		code := runContext(context.Background(), strings.Fields("redact "+flag), strings.NewReader(strings.Repeat("line\n", 50000)), &fullDisk{room: 1000}, &stderr)
		if code != exitFailed || !strings.Contains(stderr.String(), "standard output: no space left") || strings.Contains(stderr.String(), "standard input") {
			t.Errorf("redact %s: exit code %d, %q", flag, code, stderr.String())
		}
	}
}

// canaryScanner panics over a text that holds "poison".
type canaryScanner struct{ lineScanner }

func (s canaryScanner) Text(p redact.Place, v string) (string, bool) {
	if strings.Contains(v, "poison") {
		panic("cannot redact " + v)
	}
	return s.lineScanner.Text(p, v)
}

func (s canaryScanner) JSON(dst []byte, p redact.Place, v string) ([]byte, redact.Form) {
	if strings.Contains(v, "poison") {
		panic("cannot redact " + v)
	}
	return s.lineScanner.JSON(dst, p, v)
}

// A line whose redaction fails is not passed on; a marker in its place says why,
// and the lines around it are as if it had not been there.
func TestRedactFailsClosed(t *testing.T) {
	key := "-----BEGIN RSA PRIVATE KEY-----\npoison\n"
	for _, c := range []struct {
		json, report bool
		in, want     string
		failed       int
	}{
		{false, false, "a\npoison canary\r\npassword=hunter2hunter2\n", "a\n[REDACTED:error]\r\npassword=[REDACTED:password]\n", 1},
		{true, false, "{\"a\":1}\n{\"a\":\"poison canary\"}\n\"poison canary\"\npoison canary\n[2]", "{\"a\":1}\n\"[REDACTED:error]\"\n\"[REDACTED:error]\"\n\"[REDACTED:error]\"\n[2]", 3},
		{false, false, "a\n" + key + "-----END RSA PRIVATE KEY-----\nb\n", "a\n[REDACTED:error]\nb\n", 1},
		{false, false, "a\n" + key, "a\n[REDACTED:error]\n", 1},
		{false, true, "a\npoison canary\nb", "a\npoison canary\nb", 1},
	} {
		r, err := redact.New(redact.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var out, warn bytes.Buffer
		f := newFilter(r, &out, &warn)
		f.json = c.json
		sound := f.fresh
		made := 0
		f.fresh = func() lineScanner { made++; return canaryScanner{sound()} }
		f.scan = f.fresh()
		if c.report {
			f.reportTo(&errWriter{w: &out})
		}
		if err := f.run(context.Background(), strings.NewReader(c.in)); err != nil {
			t.Fatal(err)
		}
		f.summary(&warn)
		if out.String() != c.want {
			t.Errorf("%q became %q, want %q", c.in, out.String(), c.want)
		}
		if s := warn.String(); strings.Contains(s, "canary") || strings.Contains(s, "poison") || !strings.Contains(s, fmt.Sprintf("  error                        %d\n", c.failed)) ||
			strings.Count(s, "redaction failed: ") != c.failed || f.refused < int64(c.failed) {
			t.Errorf("%q: says %q", c.in, s)
		}
		if made != 1+c.failed {
			t.Errorf("%q: %d scanners for %d panics: one that was interrupted may be in any state", c.in, made, c.failed)
		}
	}

	// A rule that panics costs its value alone.
	var out, warn bytes.Buffer
	f := newFilter(redacttest.PanickingRules(t), &out, &warn)
	if err := f.run(context.Background(), strings.NewReader("a\npassword=canary-canary\nb\n")); err != nil {
		t.Fatal(err)
	}
	f.summary(&warn)
	if out.String() != "a\n[REDACTED:error]\nb\n" || !strings.Contains(warn.String(), "  error                        1\n") {
		t.Errorf("a rule panics: %q, %q", out.String(), warn.String())
	}
}

// What lies too deep is masked, in JSON too.
func TestRedactTooDeep(t *testing.T) {
	in := strings.Repeat(`{"a":[`, 100) + `"canary"` + strings.Repeat(`]}`, 100)
	r := auditchain(in+"\n", "redact", "--json").must(t, exitDone)
	if strings.Contains(r.stdout, "canary") || !strings.Contains(r.stdout, `"[REDACTED:too-deep]"`) || !json.Valid([]byte(r.stdout)) || !strings.Contains(r.stderr, "  too-deep                     1\n") {
		t.Errorf("%s\n%s", r.stdout, r.stderr)
	}
}

// A private key that goes over several lines is masked in each of them, whether
// they are JSON or not. A line stays a line, and JSON stays JSON.
func TestRedactJSONPrivateKey(t *testing.T) {
	long := strings.Repeat("Ab1+/cD2", 8)
	const mask = "[REDACTED:private-key]"
	for _, test := range []struct {
		name     string
		in, want []string
	}{
		{
			"as text among JSON",
			[]string{`{"a":1}`, "-----BEGIN RSA PRIVATE KEY-----", long, long, "x9Y=", "-----END RSA PRIVATE KEY-----", `{"b":2}`, long},
			[]string{`{"a":1}`, mask, mask, mask, mask, mask, `{"b":2}`, long},
		},
		{
			"a line a value",
			[]string{`{"m":"-----BEGIN PRIVATE KEY-----"}`, `{"m":"` + long + `"}`, `{"m":"x9Y="}`, `{"m":"-----END PRIVATE KEY-----"}`, `{"m":"x9Y="}`},
			[]string{`{"m":"` + mask + `"}`, `{"m":"` + mask + `"}`, `{"m":"` + mask + `"}`, `{"m":"` + mask + `"}`, `{"m":"x9Y="}`},
		},
		{
			"a line a text",
			[]string{`"-----BEGIN PRIVATE KEY-----"`, `"` + long + `"`, ``, `"-----END PRIVATE KEY-----"`, `"` + long + `"`},
			[]string{`"` + mask + `"`, `"` + mask + `"`, ``, `"` + mask + `"`, `"` + long + `"`},
		},
		{
			"what would be no JSON without it",
			[]string{"-----BEGIN PRIVATE KEY-----", `{"n":` + strings.Repeat("7", longRun) + `}`, `["` + long + `",{"` + long + `":1}]`, `{"m":"-----END`, `{"m":"-----END "}`},
			[]string{mask, `"` + mask + `"`, `"` + mask + `"`, `{"m":"-----END`, `"` + mask + `"`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			run([]string{"redact", "--json"}, strings.NewReader(strings.Join(test.in, "\n")+"\n"), &out, io.Discard)
			if want := strings.Join(test.want, "\n") + "\n"; out.String() != want {
				t.Errorf("got\n%s\nwant\n%s", out.String(), want)
			}
		})
	}
}
