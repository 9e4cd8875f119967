// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package unseen

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
)

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
	alnum  = lower + upper + digits
	word   = alnum + "_-"
	b64    = alnum + "+/"
)

func (g *generator) from(set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[g.r.IntN(len(set))]
	}
	return string(b)
}

func (g *generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.r.IntN(256))
	}
	return b
}

func one[T any](g *generator, of ...T) T { return of[g.r.IntN(len(of))] }

// written is a value as a context writes it.
func written(v, how string) string {
	switch how {
	case "":
		return v
	case "percent":
		return url.QueryEscape(v)
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(v))
	case "base64url":
		return base64.RawURLEncoding.EncodeToString([]byte(v))
	case "json":
		q := quoted(v)
		return q[1 : len(q)-1]
	case "jsonjson":
		return written(written(v, "json"), "json")
	case "hex":
		return hex.EncodeToString([]byte(v))
	case "lines": // one line, for a record that escapes line ends itself
		return strings.ReplaceAll(v, "\n", `\n`)
	}
	panic("no way of writing is called " + how)
}

// A secretKind is how secrets of a kind are made.
type secretKind struct {
	kind string
	make func(*generator) string
}

// The prefixes of vendors are put together here, so that this file holds
// nothing that looks like a token.
var secrets = map[string]secretKind{
	"pw":        {"password", (*generator).password},
	"pws":       {"password", (*generator).symbols},
	"phrase":    {"password", (*generator).phrase},
	"weak":      {"weak password", (*generator).weak},
	"userpw":    {"basic credentials", func(g *generator) string { return g.user() + ":" + g.password() }},
	"hexkey":    {"hex key", func(g *generator) string { return hex.EncodeToString(g.bytes(one(g, 16, 20, 32))) }},
	"b64key":    {"base64 key", func(g *generator) string { return base64.StdEncoding.EncodeToString(g.bytes(one(g, 32, 48, 64))) }},
	"token":     {"opaque token", func(g *generator) string { return g.from(word, 24+g.r.IntN(24)) }},
	"uuidkey":   {"uuid as a secret", (*generator).uuid},
	"pin":       {"one-time code", func(g *generator) string { return g.from(digits, 6) }},
	"jwt":       {"jwt", (*generator).jwt},
	"pem":       {"private key", (*generator).pem},
	"ghp":       {"github token", func(g *generator) string { return "gh" + one(g, "p", "o", "s") + "_" + g.from(alnum, 36) }},
	"glpat":     {"gitlab token", func(g *generator) string { return "gl" + "pat-" + g.from(word, 20) }},
	"akid":      {"aws key id", func(g *generator) string { return one(g, "AK", "AS") + "IA" + g.from(upper+"234567", 16) }},
	"awssec":    {"aws secret", func(g *generator) string { return g.from(b64, 40) }},
	"slack":     {"slack token", func(g *generator) string { return "xo" + "xb-" + g.from(digits, 12) + "-" + g.from(alnum, 24) }},
	"stripe":    {"stripe key", func(g *generator) string { return "sk" + "_live_" + g.from(alnum, 24) }},
	"npm":       {"npm token", func(g *generator) string { return "np" + "m_" + g.from(alnum, 36) }},
	"gapi":      {"google api key", func(g *generator) string { return "AI" + "za" + g.from(word, 35) }},
	"vault":     {"vault token", func(g *generator) string { return "hv" + "s." + g.from(word, 24+g.r.IntN(70)) }},
	"azkey":     {"azure storage key", func(g *generator) string { return base64.StdEncoding.EncodeToString(g.bytes(64)) }},
	"sg":        {"sendgrid key", func(g *generator) string { return "S" + "G." + g.from(word, 22) + "." + g.from(word, 43) }},
	"b64_key32": {"base64 key", func(g *generator) string { return base64.StdEncoding.EncodeToString(g.bytes(32)) }},
	"b64url":    {"base64 key", func(g *generator) string { return base64.RawURLEncoding.EncodeToString(g.bytes(one(g, 32, 48))) }},
	"b64sig":    {"signature", func(g *generator) string { return url.QueryEscape(base64.StdEncoding.EncodeToString(g.bytes(32))) }},
	"sigkey":    {"signature", func(g *generator) string { return hex.EncodeToString(g.bytes(32)) }},
	"kubeadm":   {"opaque token", func(g *generator) string { return g.from(lower+digits, 6) + "." + g.from(lower+digits, 16) }},
	"swarm":     {"opaque token", func(g *generator) string { return g.from(lower+digits, 50) + "-" + g.from(lower+digits, 25) }},
	"runner":    {"opaque token", func(g *generator) string { return "A" + g.from(upper+digits, 28) }},
	"telegram":  {"telegram token", func(g *generator) string { return g.from("123456789", 10) + ":AA" + g.from(word, 33) }},
	"plain":     {"basic credentials", func(g *generator) string { return written("\x00"+g.user()+"\x00"+g.password(), "base64") }},
	"saml": {"saml assertion", func(g *generator) string {
		return written(written("<samlp:Response ID=\"_"+g.uuid()+"\"><saml:Assertion>"+g.from(b64, 200)+"</saml:Assertion></samlp:Response>", "base64"), "percent")
	}},
	"negotiate": {"kerberos ticket", func(g *generator) string { return "YII" + g.from(b64, 200) + "=" }},
	"seed":      {"seed phrase", (*generator).seed},
	"b32":       {"totp secret", func(g *generator) string { return g.from(upper+"234567", 32) }},
	"code":      {"one-time code", func(g *generator) string { return g.from(lower+digits, 5) + "-" + g.from(lower+digits, 5) }},
	"envline64": {"base64 of a secret", func(g *generator) string { return written("DB_PASSWORD="+g.password()+"\n", "base64") }},
	"json64": {"base64 of a secret", func(g *generator) string {
		return written(`{"user":"`+g.user()+`","password":"`+g.password()+`"}`, "base64")
	}},
	"docker64": {"base64 of a secret", func(g *generator) string {
		return written(`{"auths":{"r.example.org":{"username":"x","password":"`+g.password()+`"}}}`, "base64")
	}},
	"psenc":  {"base64 of a secret", func(g *generator) string { return written(utf16("$p='"+g.password()+"'; net user x $p"), "base64") }},
	"number": {"number", func(g *generator) string { return g.from("123456789", 9) }},
	"pypi":   {"pypi token", func(g *generator) string { return "py" + "pi-AgEIcHlwaS5vcmc" + g.from(word, 90) }},
}

// password is one that needs no quoting anywhere.
func (g *generator) password() string {
	switch g.r.IntN(5) {
	case 0:
		return g.from(alnum, 12+g.r.IntN(12))
	case 1:
		return one(g, "Winter", "Hafen", "Orchid", "Falcon", "Zephyr") + one(g, "", "-", ".", "_") + one(g, "Tango", "Blau", "Nova") + g.from(digits, 2+g.r.IntN(3))
	case 2:
		return g.from(lower, 4) + "-" + g.from(lower+digits, 5) + "-" + g.from(lower+digits, 5)
	case 3:
		return g.from(upper, 1) + g.from(lower, 6) + g.from(digits, 4)
	}
	return g.from(alnum, 4) + "." + g.from(alnum, 6) + "_" + g.from(alnum, 4)
}

// symbols is a password that has to be quoted.
func (g *generator) symbols() string {
	b := []byte(g.password())
	for range 3 {
		b[1+g.r.IntN(len(b)-1)] = "!#$%&()*+,;<=>?@^{|}~"[g.r.IntN(21)]
	}
	return string(b)
}

func (g *generator) phrase() string {
	var words []string
	for range 4 {
		words = append(words, one(g, "copper", "lantern", "velvet", "harbour", "cactus", "mosaic", "pepper", "glacier"))
	}
	return strings.Join(words, one(g, "-", ".", "_"))
}

func (g *generator) weak() string {
	return one(g, "changeme", "letmein", "hunter", "welcome", "dragon", "sunshine") + g.from(digits, 1+g.r.IntN(3))
}

func (g *generator) seed() string {
	var words []string
	for range 12 {
		words = append(words, one(g, "abandon", "ladder", "orbit", "velvet", "quiz", "timber", "canyon", "glow", "vivid", "rally", "sponsor", "hazard"))
	}
	return strings.Join(words, " ")
}

// utf16 is ASCII text in UTF-16, as PowerShell takes it.
func utf16(v string) string {
	var b strings.Builder
	for i := range len(v) {
		b.WriteByte(v[i])
		b.WriteByte(0)
	}
	return b.String()
}

func (g *generator) jwt() string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"`+one(g, "RS256", "HS256", "ES256")+`","typ":"JWT","kid":"`+g.from(lower+digits, 8)+`"}`) + "." +
		part(fmt.Sprintf(`{"sub":"%s","iat":%d,"aud":"%s"}`, g.user(), 1700000000+g.r.IntN(9999999), g.host())) + "." + g.from(word, 43)
}

func (g *generator) pem() string {
	kind := one(g, "RSA ", "EC ", "", "ENCRYPTED ")
	var b strings.Builder
	b.WriteString("-----BEGIN " + kind + "PRIVATE" + " KEY-----\n")
	for range 5 + g.r.IntN(6) {
		b.WriteString(g.from(b64, 64) + "\n")
	}
	b.WriteString(g.from(b64, 20) + "==\n-----END " + kind + "PRIVATE" + " KEY-----")
	return b.String()
}

// fillers are what stands around a secret, and what is taken for one.
var fillers = map[string]func(*generator) string{
	"host":   (*generator).host,
	"user":   (*generator).user,
	"uuid":   (*generator).uuid,
	"stamp":  (*generator).stamp,
	"n":      func(g *generator) string { return fmt.Sprint(1 + g.r.IntN(9)) },
	"nn":     func(g *generator) string { return fmt.Sprint(10 + g.r.IntN(900000)) },
	"ip":     func(g *generator) string { return fmt.Sprintf("172.20.%d.%d", g.r.IntN(256), 1+g.r.IntN(254)) },
	"db":     func(g *generator) string { return one(g, "ledger", "inventory", "crm", "metrics", "hr") },
	"svc":    func(g *generator) string { return one(g, "checkout", "search", "mailer", "gateway", "reports") },
	"file":   func(g *generator) string { return one(g, "notes", "export", "backup", "image", "dump") },
	"hex8":   func(g *generator) string { return g.from(digits+"abcdef", 8) },
	"hex12":  func(g *generator) string { return g.from(digits+"abcdef", 12) },
	"hex32":  func(g *generator) string { return g.from(digits+"abcdef", 32) },
	"hex40":  func(g *generator) string { return g.from(digits+"abcdef", 40) },
	"hex64":  func(g *generator) string { return g.from(digits+"abcdef", 64) },
	"hex128": func(g *generator) string { return g.from(digits+"abcdef", 128) },
	"b64_32": func(g *generator) string { return base64.StdEncoding.EncodeToString(g.bytes(32)) },
	"b64_48": func(g *generator) string { return base64.StdEncoding.EncodeToString(g.bytes(48)) },
	"raw_32": func(g *generator) string { return base64.RawStdEncoding.EncodeToString(g.bytes(32)) },
	"b64img": func(g *generator) string {
		return base64.StdEncoding.EncodeToString(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), g.bytes(180)...))
	},
	"sshpub": func(g *generator) string {
		return "AAAAC3NzaC1lZDI1NTE5AAAAI" + g.from(b64, 43)
	},
	"rsapub": func(g *generator) string { return "AAAAB3NzaC1yc2EAAAADAQABAAABgQ" + g.from(b64, 342) },
	"cert": func(g *generator) string {
		return "MIID" + g.from(b64, 60) + "\n" + g.from(b64, 64) + "\n" + g.from(b64, 38) + "=="
	},
	"ulid":      func(g *generator) string { return "01" + g.from(digits+"ABCDEFGHJKMNPQRSTVWXYZ", 24) },
	"ksuid":     func(g *generator) string { return g.from(alnum, 27) },
	"objid":     func(g *generator) string { return g.from(digits+"abcdef", 24) },
	"hex16":     func(g *generator) string { return g.from(digits+"abcdef", 16) },
	"hex24":     func(g *generator) string { return g.from(digits+"abcdef", 24) },
	"upper16":   func(g *generator) string { return g.from(upper+"234567", 16) },
	"agepub":    func(g *generator) string { return g.from(lower+digits, 58) },
	"fpr":       func(g *generator) string { return g.from(digits+"ABCDEF", 40) },
	"serial":    func(g *generator) string { return strings.ToLower(colons(hex.EncodeToString(g.bytes(16)))) },
	"md5colons": func(g *generator) string { return strings.ToLower(colons(hex.EncodeToString(g.bytes(16)))) },
	"fp":        func(g *generator) string { return colons(hex.EncodeToString(g.bytes(20))) },
}

func colons(h string) string {
	var parts []string
	for i := 0; i < len(h); i += 2 {
		parts = append(parts, strings.ToUpper(h[i:i+2]))
	}
	return strings.Join(parts, ":")
}

func (g *generator) host() string {
	return one(g, "db", "cache", "edge", "vm", "node", "api") + fmt.Sprint(1+g.r.IntN(60)) + one(g, ".internal.test", ".svc.test", ".lan.test", ".example.org")
}

func (g *generator) user() string {
	return one(g, "mira", "jonas", "priya", "deploybot", "olu", "reporter", "batch_user", "svc.sync")
}

func (g *generator) uuid() string {
	b := g.bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (g *generator) stamp() string {
	return fmt.Sprintf("2027-%02d-%02dT%02d:%02d:%02d.%03dZ", 1+g.r.IntN(12), 1+g.r.IntN(28), g.r.IntN(24), g.r.IntN(60), g.r.IntN(60), g.r.IntN(1000))
}
