// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// surroundUnits are hostile to the rules of the surroundings: escapes, base64,
// manifests, markup, here-documents, operands.
func surroundUnits() []string {
	b64, _ := spelling("password=", 0)
	return []string{
		"%", "%2", "%25", "%41", "%2525", "%%41", `\x41`, `\\\\x41`, `\/`, `:\/\/`, "&amp;", "&amp;amp;", "&#x41;", "&#", "&", `'\''`, `'"'"'`, "'", "+", "%2B+",
		"p\x00a\x00s\x00s\x00=\x00", "--password+", "password%20", "password+x+",
		b64, b64 + " ", b64 + "=", b64 + "\n", strings.Repeat("A", 63) + b64 + "\n", b64 + `\n`, "-enc " + b64, "-enc ",
		"kind: Secret\n", "kind: Secret\ndata:\n", "kind: Secret\ndata:\n  a: b\n", "kind: Secret\n---\n", `kind: Secret\n`, `"kind":"Secret",`, `"data":{`, `"kind":"Secret","data":{`,
		"- kind: Secret\n  data:\n    a: |\n      b\n", "data:\n",
		"name: password\n", "name: password, ", `"name":"password",`, `name="password" `, `"value":"x","name":"password",`, `<a name="password" `, `<a name="password">`, "<password>", "<password ",
		"<password><![CDATA[", "<key>password</key>", `name="password"` + "\n\n", "form-data; name=\"password\"\n\n",
		"password:\n  a\n", "password:\n- a\n", "password:\n", `password:\n`, "password: |\n", "passwords:\n  - a\n",
		"chpasswd <<EOF\n", "chpasswd <<EOF\na:b\n", "passwd <<EOF\n", "cat <<EOF | docker login --password-stdin\n", "-stdin <<E\n", `chpasswd <<EOF\n`, "| passwd ", "passwd ",
		"ConvertTo-SecureString ", "ConvertTo-SecureString -a ", "x | ConvertTo-SecureString ", "'x' | ConvertTo-SecureString '", "SecureString ", "SecureString --value ",
		"NetworkCredential(", "NetworkCredential('a',", ".auth(a,", "oracle:thin:a/", ":5432:a:b:", "a:5432:",
		"IDENTIFIED BY a REPLACE ", "IDENTIFIED BY '", "IDENTIFIED WITH ", "INSERT INTO t (password", "INSERT INTO t (a, password) VALUES (", "insert into t (password) values ('a'),",
		"htpasswd -b ", "net user ", "net use ", "net user a ", "sqlplus a/", "sqlplus ", "npm config set ", "npm config set token ", "kv put a=", "vault kv put a b=", "schtasks /rp ", "gh secret set -b ",
		`"x" == password `, `"" == password`, "password != ", "password -> ", "password→", "пароль: ", "пароль", "密码：", "senha ", "contraseña='", "cvv: 123 ",
		`["x-api-key","`, `{"data":{"kind":"Secret"},`, `{"a.name":"password","a.value":"b"},`, `"a.name":"token","a.value":1,`, `''`, `password=''a`, `password=""a`, "password=)a", "password=}a]a",
		"(a) password(", "password(\"a\",\"b\"", "X-Api-Key: ", "-H X-Api-Key: ", "$password = ", "string password = ", "Signature=", "cloudfront-signature=", "?policy=",
		"password a\n", "user bob password a\n", "password for a", "password (", "password provided: ", "secret 5 ", "ENV password a", `password a\n`, "| password |\n|-|-|\n", "| password |", "|password|\n", "user,password\n", "password,", "a,password\nb,c\n", `user,password\nb,\"c\"\n`,
		"[secrets]\n", "[secrets]\na = b\n", "[a.password]\nvalue = 1\n", `[secrets]\na = \"b\"\n`, "mysqli(", "mysqli('a',", "new PDO(a(),", "pgp_sym_decrypt(", "credentials(", "a1 LOGIN ", "a1 LOGIN b c\n", "334 UGFzc3dvcmQ6\n", "AUTH PLAIN ", "]:587 a:b\n",
		"AUTH ", "AUTH a b\n", `"AUTH" "a" `, "user a on >", `send "a\r"`, `send \"a\\r\"`, "::add-mask::", "log in with a / ", "login code: 1", "&code=", "rocommunity ", "auth sha ", "priv aes 1 ", "mnemonic abcd ", "abcd ", "sid=", "/magic/", "createUser a SHA b AES c", "otp=", ": PSK ", " -pw ",
		"(echo a; echo b) | passwd ", "echo a; ) | passwd ", "https://a:<", "https://a:<b@", "<Password><Value>", ">password</name><value>", `<meta content="a" name="password">`, `{"kty":"oct","k":`, `{"id":"/secrets/","value":`, "password = ['a1bcdef', ", "? password\n: ", "password “a", "password: “a”", "password=Some(", "DefaultPassword REG_SZ a ",
	}
}

// TestHostileSurroundings: such a text is redacted like any other, and redacted
// twice is redacted once.
func TestHostileSurroundings(t *testing.T) {
	s := newScanner(t, Config{})
	for _, unit := range surroundUnits() {
		for _, v := range [...]string{strings.Repeat(unit, 8<<10/len(unit)), `{"a":"` + strings.Repeat(unit, 1<<10/len(unit)), "x" + unit} {
			once := redactAny(s, v)
			if twice := redactAny(s, once); twice != once {
				t.Errorf("%d bytes of %q: redacted twice is not redacted once:\n%.300q\n%.300q", len(v), unit, once, twice)
			}
		}
	}
}

// TestLinearWork counts what the rules say they have read, at three sizes of
// every hostile text. It grows no faster than the length; or it has used up the
// budget, and went no further beyond it than one rule reads at once.
func TestLinearWork(t *testing.T) {
	s := newScanner(t, Config{})
	work := func(v string) int {
		s.scratch = scratch{budget: budgetFor(len(v))}
		s.find(v)
		return budgetFor(len(v)) - s.budget
	}
	for _, unit := range append(surroundUnits(), hostileUnits()...) {
		var per [3]float64
		spent := false
		for i, n := range [...]int{4 << 10, 16 << 10, 64 << 10} {
			v := strings.Repeat(unit, n/len(unit))
			w := work(v)
			per[i] = float64(w) / float64(len(v))
			if spent = w > budgetFor(len(v)); w > budgetFor(len(v))+3*len(v)+kubeReach {
				t.Errorf("%q: %d bytes of %d are read, and the budget is %d", unit, w, len(v), budgetFor(len(v)))
			}
		}
		if !spent && per[2] > 1.2*per[0]+2 {
			t.Errorf("%q: %.1f, %.1f, %.1f bytes are read for each byte of 4, 16 and 64 KiB", unit, per[0], per[1], per[2])
		}
	}
}

// BenchmarkHostileUnits reports the nanoseconds per byte of the slowest hostile
// texts at three sizes, and how much dearer the largest is.
func BenchmarkHostileUnits(b *testing.B) {
	s := newScanner(b, Config{})
	for _, n := range []int{16 << 10, 128 << 10, 1 << 20} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			worst, name := 0.0, ""
			for b.Loop() {
				for _, unit := range surroundUnits() {
					v := strings.Repeat(unit, n/len(unit))
					start := time.Now()
					s.Text(s.Root(), v)
					if ns := float64(time.Since(start).Nanoseconds()) / float64(len(v)); ns > worst {
						worst, name = ns, unit
					}
				}
			}
			b.ReportMetric(worst, "worst-ns/byte")
			b.Logf("slowest: %s", fmt.Sprintf("%q", name))
		})
	}
}
