// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditchain/auditchain/internal/redactcorpus"
)

// draw takes choices from the bytes of a fuzzer. Behind their end all are 0.
type draw struct{ data []byte }

func (d *draw) byte() byte {
	if len(d.data) == 0 {
		return 0
	}
	c := d.data[0]
	d.data = d.data[1:]
	return c
}

func (d *draw) pick(n int) int { return int(d.byte()) % n }

func (d *draw) text(n int, chars string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = chars[(i*7+d.pick(len(chars)))%len(chars)]
	}
	return string(b)
}

const (
	lowerHex  = "0123456789abcdef"
	base62    = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eFxXrRqLlMnUuVvOo"
	passChars = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF"
)

// planted is a secret, and whether its shape alone gives it away.
type planted struct {
	text  string
	shape bool
	lines bool // it has line ends
}

// secret draws one.
func (d *draw) secret() planted {
	switch d.pick(8) {
	case 0:
		return planted{text: "gh" + "p_" + d.text(36, base62), shape: true}
	case 1:
		return planted{text: "gl" + "pat-" + d.text(20, base62), shape: true}
	case 2:
		return planted{text: "npm" + "_" + d.text(36, base62), shape: true}
	case 3:
		seg := func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }
		return planted{text: seg(`{"alg":"HS256"}`) + "." + seg(`{"sub":"`+d.text(12, base62)+`"}`) + "." + d.text(43, base62), shape: true}
	case 4:
		body := d.text(64, base62) + "\n" + d.text(64, base62) + "\n" + d.text(24, base62)
		return planted{text: "-----BEGIN PRIVATE " + "KEY-----\n" + body + "\n-----END PRIVATE " + "KEY-----", shape: true, lines: true}
	case 5:
		return planted{text: "xo" + "xb-" + d.text(12, "0123456789") + "-" + d.text(24, base62), shape: true}
	}
	// A password, with what passwords hold.
	p := "p" + d.text(8+d.pick(16), passChars)
	if d.pick(3) == 0 {
		p += []string{"!", "#", "@", "*", "+", "/", "=", "~", "^"}[d.pick(9)] + d.text(4, passChars)
	}
	return planted{text: p + "9z"}
}

// contexts say that a password is one.
var contexts = []string{
	"password=§", "DB_PASSWORD=§ run", "app --password § --force", "app --api-key=§", "password: §", `{"password":"§"}`, `{"user":"bob","token":"§","n":1}`,
	"curl -u bob:§ https://h.example/", "mysql -u root -p§ app", "ALTER USER bob WITH PASSWORD '§'", "CREATE USER bob IDENTIFIED BY '§'",
	`X-Api-Key: §`, "Server=db;Uid=sa;Pwd=§;Encrypt=true", "echo '§' | docker login --password-stdin",
	"docker login -u ci -p § r.example", "machine h login bob password §", "ConvertTo-SecureString '§' -AsPlainText", "sshpass -p '§' ssh h",
	"<password>§</password>", "user[password]=§&a=b", `["app","--password","§"]`, `{"name":"DB_PASSWORD","value":"§"}`, "redis-cli -a '§' ping",
	"openssl rsa -passin pass:§ -in k", "password:\n  §\nuser: bob", "htpasswd -b f bob '§'", "chpasswd <<EOF\nbob:§\nEOF\n",
}

// shaped say nothing: the secret's own shape does.
var shaped = []string{"§", "use § for it", "a=§", "https://h.example/x/§?a=1", `["a","§"]`, "\"§\"", "x: §\ny: z", "(§)"}

// transformations spell a text anew. Each keeps every byte of it.
var transformations = []struct {
	name string
	do   func(d *draw, v string) string
}{
	{"none", func(d *draw, v string) string { return v }},
	{"json", func(d *draw, v string) string { return `{"m":` + jsonText(v) + `}` }},
	{"json2", func(d *draw, v string) string { return `{"a":` + jsonText(`{"m":`+jsonText(v)+`}`) + `}` }},
	{"json3", func(d *draw, v string) string {
		return `{"a":` + jsonText(`{"b":`+jsonText(`{"m":`+jsonText(v)+`}`)+`}`) + `}`
	}},
	{"cut json", func(d *draw, v string) string { return `log {"m":` + jsonText(v) + `,"n":` }},
	{"argv", func(d *draw, v string) string { return `["sh","-c",` + jsonText(v) + `]` }},
	{"single quotes", func(d *draw, v string) string { return "sh -c " + shellSingle(v) }},
	{"double quotes", func(d *draw, v string) string { return "sh -c " + shellDouble(v) }},
	{"percent", func(d *draw, v string) string { return everyByte("%%%02X", v) }},
	{"partly percent", func(d *draw, v string) string {
		var b strings.Builder
		for i := range len(v) {
			if !in(v[i], setAlnum) || d.pick(3) == 0 {
				b.WriteString(everyByte("%%%02x", v[i:i+1]))
			} else {
				b.WriteByte(v[i])
			}
		}
		return b.String()
	}},
	{"path", func(d *draw, v string) string { return url.PathEscape(v) }},
	{"base64", func(d *draw, v string) string { return base64.StdEncoding.EncodeToString([]byte(v)) }},
	{"unicode", func(d *draw, v string) string {
		var b strings.Builder
		for i := range len(v) {
			if v[i] < 0x80 && (!in(v[i], setAlnum) || d.pick(4) == 0) {
				b.WriteString(everyByte(`\u%04x`, v[i:i+1]))
			} else {
				b.WriteByte(v[i])
			}
		}
		return b.String()
	}},
	{"yaml", func(d *draw, v string) string {
		return "a:\n  - run: |\n      " + strings.ReplaceAll(v, "\n", "\n      ") + "\nuser: bob\n"
	}},
	{"xml", func(d *draw, v string) string { return "<cmd>" + xmlNamed.Replace(v) + "</cmd>" }},
	{"env", func(d *draw, v string) string { return "A=b\nCMD=" + shellDouble(v) + "\nC=d\n" }},
}

// plant builds a text that holds a secret: what it is, how it is spelt, and the
// names of both for a report.
func plant(d *draw) (in string, p planted, how string) {
	p = d.secret()
	list := contexts
	if p.shape && d.pick(2) == 0 {
		list = shaped
	}
	context := list[d.pick(len(list))]
	if p.lines && (strings.Contains(context, "\n") || strings.Contains(context, "\"§")) {
		context = "§"
	}
	tr := transformations[d.pick(len(transformations))]
	in = tr.do(d, strings.ReplaceAll(context, "§", p.text))
	how = context + " as " + tr.name
	// What stands around it does not disturb it.
	before, after := d.text(d.pick(24), "abcdefgh klmno pqrst, ")+" ", " "+d.text(d.pick(24), "abcdefgh klmno pqrst. ")
	switch tr.name {
	case "json", "json2", "json3", "argv":
	case "yaml", "env":
		in += after
	default:
		if strings.Contains(context, "\n") || strings.HasPrefix(context, "password: ") || strings.HasPrefix(context, "X-") || d.pick(3) == 0 {
			in += after
			if strings.Contains(context, ": §") || strings.HasSuffix(in, "p§") {
				in = strings.TrimSuffix(in, after)
			}
			break
		}
		in = before + in + "\n" + after
	}
	return in, p, how
}

// spellings are how the secret may survive: as it is, and as the encodings that
// were used spell it.
func (p planted) survives(out string) bool {
	texts := []string{p.text}
	if p.lines {
		// The header is no secret.
		texts = strings.Split(p.text, "\n")[1:4]
	}
	decoded := string(appendUnescaped(nil, out))
	for _, v := range texts {
		for _, o := range [...]string{out, decoded, string(appendUnescaped(nil, decoded))} {
			if redactcorpus.Leaked(o, v) {
				return true
			}
		}
		for before := range 3 {
			if text, _ := spelling(v, before); redactcorpus.Leaked(out, text) {
				return true
			}
		}
	}
	return false
}

// checkPlanted is what holds for every text with a secret in it.
func checkPlanted(t *testing.T, s *Scanner, data []byte) {
	t.Helper()
	in, p, how := plant(&draw{data: data})
	isJSON := json.Valid([]byte(in))
	out := redactAny(s, in)
	if p.survives(out) {
		t.Errorf("%s: %q survives\nfrom %q\n  in %q", how, p.text, in, out)
	}
	if utf8.ValidString(in) && !utf8.ValidString(out) {
		t.Errorf("%s: invalid UTF-8: %q", how, out)
	}
	if isJSON && !json.Valid([]byte(out)) {
		t.Errorf("%s: valid JSON became invalid: %q", how, out)
	}
	if again := redactAny(s, out); again != out {
		t.Errorf("%s: twice differs:\n%q\n%q\n%q", how, in, out, again)
	}
	for _, c := range s.Counts() {
		if c.Kind == kindNames[kindError] {
			t.Errorf("%s: a rule gave up on %q", how, in)
		}
	}
	s.Reset()
}

// FuzzPlanted plants a secret that the fuzzer chooses, in a context and a
// spelling that it chooses, and looks for it in what comes out.
func FuzzPlanted(f *testing.F) {
	for i := range 64 {
		f.Add([]byte{byte(i), byte(i * 7), byte(i * 13), byte(i * 29), byte(i * 31), byte(i * 37), byte(i * 3)})
	}
	s := newScanner(f, Config{FingerprintKey: testKey})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 512 {
			return
		}
		checkPlanted(t, s, data)
	})
}

// TestPlanted is a piece of FuzzPlanted for every run: the same every time.
func TestPlanted(t *testing.T) {
	s := newScanner(t, Config{FingerprintKey: testKey})
	state := uint64(1)
	for range 20000 {
		data := make([]byte, 96)
		for i := range data {
			state = state*6364136223846793005 + 1442695040888963407
			data[i] = byte(state >> 33)
		}
		checkPlanted(t, s, data)
		if t.Failed() {
			t.FailNow()
		}
	}
}
