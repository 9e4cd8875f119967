// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seq is n characters of a fixed sequence over chars: shaped like a secret,
// and never one.
func seq(n int, chars string) string {
	var b strings.Builder
	for i := range n {
		b.WriteByte(chars[(i*7+i/5)%len(chars)])
	}
	return b.String()
}

const (
	alnumChars = "a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ"
	hexChars   = "0123456789abcdef"
)

// TestVendorShapes builds a secret for every vendor literal and looks for it
// in the contexts that have no name for it.
func TestVendorShapes(t *testing.T) {
	s := newScanner(t, Config{})
	for _, l := range vendorLiterals {
		if l.rule != rulePrefix || l.text == "secret_" {
			continue
		}
		chars := alnumChars
		switch l.set {
		case setHex, setLowerHex:
			chars = hexChars
		case setUpperDigit:
			chars = "A1B2C3D4E5F6G7H8"
		}
		secret := l.text + seq(max(l.min, 1), chars)
		marker := "[REDACTED:" + string(kindNames[l.kind]) + "]"
		for _, ctx := range []struct{ before, after string }{
			{"", ""}, {"rotate ", ", ticket SEC-1"}, {"(", ")"}, {"a=", ""}, {`{\"x\":\"`, `\"}`},
			{`line\n`, `\nline`}, {"https://x.example/", "?a=1"}, {"x%3D", "%26"}, {"say \"", "\"."}, {"\x1b[31m", "\x1b[0m"},
		} {
			in := ctx.before + secret + ctx.after
			got, _ := s.Text(s.Root(), in)
			if want := ctx.before + marker + ctx.after; got != want {
				t.Errorf("%s in %q: got %q, want %q", kindNames[l.kind], in, got, want)
			}
		}
		// Inside another word it is none.
		if in := "Q" + secret; in[1] != '-' && in[1] != '.' {
			if got, changed := s.Text(s.Root(), in); changed && strings.HasPrefix(got, "Q"+marker) {
				t.Errorf("%s inside a word: got %q", kindNames[l.kind], got)
			}
		}
	}
}

// Values of the cases below; none was ever valid.
const (
	keyID   = "AKIAIOSFODNN7EXAMPLE"
	awsKey  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	ghp     = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
	jwtText = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
	pemText = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1234567890abcdefghijklmnopqrstuv\nABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijkl\nQUJD\n-----END RSA PRIVATE KEY-----"
)

func TestText(t *testing.T) {
	s := newScanner(t, Config{})
	for _, c := range []struct{ in, want string }{
		// Assignments.
		{"password=hunter2", "password=[REDACTED:password]"},
		{"password: hunter2", "password: [REDACTED:password]"},
		{"export DB_PASS=abc123; make", "export DB_PASS=[REDACTED:password]; make"},
		{"a dbPass=abc123 b", "a dbPass=[REDACTED:password] b"},
		{"PGPASSWORD=hunter2 psql", "PGPASSWORD=[REDACTED:password] psql"},
		{`config.password = "hun ter2"`, `config.password = "[REDACTED:password]"`},
		{`password='it\'s` + "`", "password=[REDACTED:password]`"}, // a shell's single quotes know no escapes
		{`PGPASSWORD='a'"b" psql`, `PGPASSWORD=[REDACTED:password] psql`},
		{`PGPASSWORD="a"'b'c"d" psql`, `PGPASSWORD=[REDACTED:password] psql`},
		{`PGPASSWORD='it'\''s me' psql`, `PGPASSWORD=[REDACTED:password] psql`},
		{`app --password 'a'"b" x`, `app --password [REDACTED:password] x`},
		{`app --password='a'"b" x`, `app --password=[REDACTED:password] x`},
		{`mysql -p'a'"b" app`, `mysql -p[REDACTED:password] app`},
		{`sshpass -p 'a'"b" ssh h`, `sshpass -p [REDACTED:password] ssh h`},
		{`curl -u 'bob:a'"b" h`, `curl -u 'bob:[REDACTED:password]" h`},
		{`sh -c "PGPASSWORD='a' psql" 'b'`, `sh -c "PGPASSWORD='[REDACTED:password]' psql" 'b'`},
		{`sh -c "PGPASSWORD='a'" 'b'`, `sh -c "PGPASSWORD='[REDACTED:password]'" 'b'`},
		{"password => 'hunter2'", "password => '[REDACTED:password]'"},
		{"Server=db;Uid=sa;Pwd=hunter2;Encrypt=true", "Server=db;Uid=sa;Pwd=[REDACTED:password];Encrypt=true"},
		{"Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=abc123=", "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=[REDACTED:azure-storage-key]"},
		{"user[password]=hunter2&user[name]=bob", "user[password]=[REDACTED:password]&user[name]=bob"},
		{"user%5Bpassword%5D=hunter2", "user%5Bpassword%5D=[REDACTED:password]"},
		{"password%3Dhunter2%26user%3Dbob", "password%3D[REDACTED:password]%26user%3Dbob"},
		{"Credentials(user=bob, password=hunter2, host=x)", "Credentials(user=bob, password=[REDACTED:password], host=x)"},
		{"password=${DB_PASSWORD:-hunter2}", "password=[REDACTED:password]"},
		{"aws_secret_access_key = " + awsKey, "aws_secret_access_key = [REDACTED:aws-secret-access-key]"},
		{"secret access key: " + awsKey, "secret access key: [REDACTED:aws-secret-access-key]"},
		{"secret access key " + awsKey, "secret access key [REDACTED:aws-secret-access-key]"},
		{keyID + ":" + awsKey, "[REDACTED:aws-access-key-id:****MPLE]:[REDACTED:aws-secret-access-key]"},
		{"password:\n  hunter2\nuser: bob", "password:\n  [REDACTED:password]\nuser: bob"},
		{"password: |\n  hunter2\n  more\nuser: bob", "password: |\n  [REDACTED:password]\nuser: bob"},
		{"<password>hunter2</password>", "<password>[REDACTED:password]</password>"},
		{"machine h login bob password hunter2", "machine h login bob password [REDACTED:password]"},
		{"the password is hunter2.", "the password is [REDACTED:password]."},
		{"reset the password to Tr0ub4dor&3 please", "reset the password to [REDACTED:password] please"},

		{`password=hunter2"tail"more x`, "password=[REDACTED:password] x"},
		{`password=a\ b c`, "password=[REDACTED:password] c"},
		{`sh -c "export TOKEN=abc123" "x"`, `sh -c "export TOKEN=[REDACTED:token]" "x"`},

		// Flags and commands.
		{"keytool -storepass changeit -list", "keytool -storepass [REDACTED:password] -list"},
		{"app --password hunter2 --force", "app --password [REDACTED:password] --force"},
		{"app --password=hunter2", "app --password=[REDACTED:password]"},
		{"app --db-password 'hun ter2'", "app --db-password '[REDACTED:password]'"},
		{"mysql -u root -phunter2 app", "mysql -u root -p[REDACTED:password] app"},
		{"mysql -u root -p'hun ter2' app", "mysql -u root -p'[REDACTED:password]' app"},
		{"docker exec -it db mysql -phunter2 app", "docker exec -it db mysql -p[REDACTED:password] app"},
		{`sh -c "sshpass -p 'hunter2' ssh root@h"`, `sh -c "sshpass -p '[REDACTED:password]' ssh root@h"`},
		{"docker login -u ci -p hunter2 r.example", "docker login -u ci -p [REDACTED:password] r.example"},
		{"az login --service-principal -u x -p hunter2 --tenant y", "az login --service-principal -u x -p [REDACTED:password] --tenant y"},
		{"curl -u admin:hunter2 https://x.example", "curl -u admin:[REDACTED:password] https://x.example"},
		{`curl --user "admin:hunter2" https://x.example`, `curl --user "admin:[REDACTED:password]" https://x.example`},
		{"curl -sSfu admin:hunter2 https://x.example", "curl -sSfu admin:[REDACTED:password] https://x.example"},
		{"redis-cli -a hunter2 ping", "redis-cli -a [REDACTED:password] ping"},
		{"vault login s.abcdefghijklmnopqrstuvwx", "vault login [REDACTED:vault-token]"},
		{"vault login MyRootToken", "vault login [REDACTED:vault-token]"},
		{"vault login -no-print 'dev-root-1' && x", "vault login -no-print '[REDACTED:vault-token]' && x"},
		{"vault login -method ldap username=bob password=hunter2", "vault login -method ldap username=bob password=[REDACTED:password]"},
		{"ldapsearch -x -D cn=admin -whunter2 -b dc=x", "ldapsearch -x -D cn=admin -w[REDACTED:password] -b dc=x"},
		{"ldapsearch -xLLLwhunter2 -b dc=x", "ldapsearch -xLLLw[REDACTED:password] -b dc=x"},
		{"ldapsearch -xw hunter2 -b dc=x", "ldapsearch -xw [REDACTED:password] -b dc=x"},
		{"ldapmodify -w'hun ter2' -f x.ldif", "ldapmodify -w'[REDACTED:password]' -f x.ldif"},
		{"ipmitool -H h -U u -Phunter2 power on", "ipmitool -H h -U u -P[REDACTED:password] power on"},
		{"curl -bsid=abc123 https://x.example", "curl -b[REDACTED:cookie] https://x.example"},
		{"docker login -u ci --password-stdin <<< hunter2", "docker login -u ci --password-stdin <<< [REDACTED:password]"},
		{`docker login --password-stdin r.example <<<"hun ter2" && x`, `docker login --password-stdin r.example <<<"[REDACTED:password]" && x`},
		{`gh auth login --with-token <<< 'abc12345'`, `gh auth login --with-token <<< '[REDACTED:token]'`},
		{"sudo -S apt-get update <<< hunter2", "sudo -S apt-get update <<< [REDACTED:password]"},
		{"sudo chpasswd <<< root:hunter2", "sudo chpasswd <<< root:[REDACTED:password]"},
		{`chpasswd <<< "root:hunter2"; x`, `chpasswd <<< "root:[REDACTED:password]"; x`},
		{"bash -c \"chpasswd <<< 'root:hunter2'\"", "bash -c \"chpasswd <<< 'root:[REDACTED:password]'\""},
		{"echo hunter2 | docker login --password-stdin", "echo [REDACTED:password] | docker login --password-stdin"},
		{`echo "root:hunter2" | chpasswd`, `echo "root:[REDACTED:password]" | chpasswd`},
		{"openssl rsa -passin pass:hunter2 -in key.pem", "openssl rsa -passin pass:[REDACTED:password] -in key.pem"},
		{"ALTER USER app WITH PASSWORD 'hunter2'", "ALTER USER app WITH PASSWORD '[REDACTED:password]'"},
		{"CREATE USER a IDENTIFIED BY 'hunter2'", "CREATE USER a IDENTIFIED BY '[REDACTED:password]'"},
		{"CREATE USER a IDENTIFIED WITH caching_sha2_password BY 'hunter2'", "CREATE USER a IDENTIFIED WITH caching_sha2_password BY '[REDACTED:password]'"},
		{"SET PASSWORD FOR 'root'@'h' = 'hunter2'", "SET PASSWORD FOR 'root'@'h' = '[REDACTED:password]'"},

		// Headers.
		{`curl -H "Authorization: Bearer abcdef0123456789" x`, `curl -H "Authorization: Bearer [REDACTED:bearer-token]" x`},
		{"Authorization: Basic YWxpY2U6aHVudGVyMg==", "Authorization: Basic [REDACTED:basic-auth]"},
		{"sent Basic YWxpY2U6aHVudGVyMg== to it", "sent Basic [REDACTED:basic-auth] to it"},
		{`Authorization: AWS4-HMAC-SHA256 Credential=` + keyID + `/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0123456789abcdef`, `Authorization: AWS4-HMAC-SHA256 Credential=[REDACTED:aws-access-key-id:****MPLE]/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=[REDACTED:signature]`},
		{`Authorization: Digest username="x", realm="r", nonce="dcd98b", uri="/a", qop=auth, nc=00000001, response="6629fae49393a053"`,
			`Authorization: Digest username="x", realm="r", nonce="[REDACTED:signature]", uri="/a", qop=auth, nc=00000001, response="[REDACTED:signature]"`},
		{`curl -H 'Authorization: Digest username="x", response="6629fae49393a053"' h`, `curl -H 'Authorization: Digest username="x", response="[REDACTED:signature]"' h`},
		{`curl -H "Authorization: Digest username=\"x\", response=\"6629fae49393a053\"" h`, `curl -H "Authorization: Digest username=\"x\", response=\"[REDACTED:signature]\"" h`},
		{`proxy-authorization: digest response=6629fae49393a053, qop=auth`, `proxy-authorization: digest response=[REDACTED:signature], qop=auth`},
		{`Authorization: Hawk id="dh37", ts="1353832234", mac="6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE="`, `Authorization: Hawk id="dh37", ts="1353832234", mac="[REDACTED:signature]"`},
		{`Authorization: OAuth realm="r", oauth_token="abc", oauth_signature="6629%2Bfae"`, `Authorization: OAuth realm="r", oauth_token="[REDACTED:signature]", oauth_signature="[REDACTED:signature]"`},
		{`{"cmd":"curl -H 'Authorization: Digest username=\"x\", response=\"6629fae49393a053\"' h"}`, `{"cmd":"curl -H 'Authorization: Digest username=\"x\", response=\"[REDACTED:signature]\"' h"}`},
		{"X-Vault-Token: abc", "X-Vault-Token: [REDACTED:token]"},
		{"PRIVATE-TOKEN: abc12345", "PRIVATE-TOKEN: [REDACTED:token]"},
		{"Cookie: session=abc; theme=dark", "Cookie: session=[REDACTED:cookie]; theme=[REDACTED:cookie]"},
		{"Set-Cookie: sid=38af; Path=/; HttpOnly; Max-Age=10", "Set-Cookie: sid=[REDACTED:cookie]; Path=/; HttpOnly; Max-Age=10"},

		// URLs.
		{"psql postgres://app:p%40ss@db:5432/x", "psql postgres://app:[REDACTED:url-password]@db:5432/x"},
		{"psql postgres://app:p/a#s@s@db:5432/x", "psql postgres://app:[REDACTED:url-password]@db:5432/x"},
		{"smb://DOM;user:hunter2@host/share", "smb://DOM;user:[REDACTED:url-password]@host/share"},
		{"redis://:hunter2@cache/0", "redis://:[REDACTED:url-password]@cache/0"},
		{"git clone https://" + ghp + "@github.com/a/b", "git clone https://[REDACTED:github-token]@github.com/a/b"},
		{"git clone https://x-access-token:" + ghp + "@github.com/a/b", "git clone https://x-access-token:[REDACTED:github-token]@github.com/a/b"},
		{"app:hunter2@tcp(db:3306)/ledger", "app:[REDACTED:url-password]@tcp(db:3306)/ledger"},
		{"https://x.example/?key=abcdef0123456789ab&alt=json", "https://x.example/?key=[REDACTED:api-key]&alt=json"},
		{"https://x.example/cb?access_token=abc&state=1#f", "https://x.example/cb?access_token=[REDACTED:token]&state=1#f"},
		{"https://a.example/c?sv=2022&sig=abcDEF123456%2Babcdef%3D&se=x", "https://a.example/c?sv=2022&sig=[REDACTED:azure-sas]&se=x"},
		{"https://b.example/x?X-Amz-Signature=0123456789abcdef0123456789abcdef&a=b", "https://b.example/x?X-Amz-Signature=[REDACTED:signature]&a=b"},
		{"https://hooks.slack.com/services/T00000000/B00000000/abcdef0123456789abcdef01", "https://hooks.slack.com/services/[REDACTED:slack-webhook]"},
		{"https://y.example/?next=https%3A%2F%2Fz.example%2F%3Ftoken%3Dabcdefgh12345678", "https://y.example/?next=https%3A%2F%2Fz.example%2F%3Ftoken%3D[REDACTED:token]"},

		// Shapes without a prefix of their own.
		{"key " + keyID + ", rotated", "key [REDACTED:aws-access-key-id:****MPLE], rotated"},
		{"X" + keyID, "X" + keyID},
		{keyID + "X", keyID + "X"},
		{"got " + jwtText + " back", "got [REDACTED:jwt] back"},
		{"cut eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0", "cut [REDACTED:jwt]"},
		{pemText, "[REDACTED:private-key]"},
		{"a " + strings.ReplaceAll(pemText, "\n", `\n`) + " b", "a [REDACTED:private-key] b"},
		{"a " + strings.ReplaceAll(pemText, "\n", `\\n`) + " b", "a [REDACTED:private-key] b"},
		{"a " + pemText[:100] + "", "a [REDACTED:private-key]"},
		{"-----BEGIN%20PRIVATE%20KEY-----%0A" + seq(40, alnumChars) + "%0A", "[REDACTED:private-key]"},
		{"Private-Lines: 1\n" + seq(64, alnumChars) + "\nPrivate-MAC: x", "Private-Lines: 1[REDACTED:private-key]"},
		{"-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"},
		{"-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----"},
		{"bot 123456789:AA" + seq(33, alnumChars), "bot [REDACTED:telegram-token]"},

		// JSON, whole, cut and escaped.
		{`{"password":"hunt\u0065r2","n":1}`, `{"password":"[REDACTED:password]","n":1}`},
		{`{"a":"\u0041KIAIOSFODNN7EXAMPLE"}`, `{"a":"[REDACTED:aws-access-key-id:****MPLE]"}`},
		{`{"a":"{\"b\":\"{\\\"password\\\":\\\"hunter2\\\"}\"}"}`, `{"a":"{\"b\":\"{\\\"password\\\":\\\"[REDACTED:password]\\\"}\"}"}`},
		{`{"a":"{\"b\":\"{\\\"password\\\":\\\"hunter2`, `{"a":"{\"b\":\"{\\\"password\\\":\\\"[REDACTED:password]`},
		{`{"password":"hunter2","x":{"y"`, `{"password":"[REDACTED:password]","x":{"y"`},
		{`{"password":{"value":"hunter2"},"x":`, `{"password":[REDACTED:password],"x":`},
		{`{"password":1234,"ok":true,"secret":null,"token":false}`, `{"password":"[REDACTED:password]","ok":true,"secret":null,"token":false}`},
		{`body {\"password\":\"hunter2\"} end`, `body {\"password\":\"[REDACTED:password]\"} end`},
		{`body {\\\"password\\\":\\\"hun\\\\\"ter2\\\"} end`, `body {\\\"password\\\":\\\"[REDACTED:password]\\\"} end`},
		{`x={'password': 'hunter2', 'user': 'bob'}`, `x={'password': '[REDACTED:password]', 'user': 'bob'}`},
		{`\u0041KIAIOSFODNN7EXAMPLE`, `[REDACTED:aws-access-key-id:****MPLE]`},
		{`x \u0022password\u0022:\u0022hunter2\u0022`, `x \u0022password\u0022:\u0022[REDACTED:password]\u0022`},
		{"&quot;password&quot;:&quot;hunter2&quot;", "&quot;password&quot;:&quot;[REDACTED:password]&quot;"},
		{`["docker","login","-p","hunter2"]`, `["docker","login","-p","[REDACTED:password]"]`},

		{`{"env":[{"name":"DB_PASSWORD","value":"hunter2"},{"name":"A","value":"b"}]}`, `{"env":[{"name":"DB_PASSWORD","value":"[REDACTED:password]"},{"name":"A","value":"b"}]}`},
		{`{"env":[{"value":"hunter2","name":"DB_PASSWORD"}]}`, `{"env":[{"value":"[REDACTED:password]","name":"DB_PASSWORD"}]}`},
		{`{"env":[{"name":"DB_PASSWORD","value":"hunter2"},`, `{"env":[{"name":"DB_PASSWORD","value":"[REDACTED:password]"},`},
		{`[{"Key":"password","Value":"hunter2"}]`, `[{"Key":"password","Value":"[REDACTED:password]"}]`},
		{`{"headers":[{"name":"Authorization","value":"Bearer abc"}]}`, `{"headers":[{"name":"Authorization","value":"Bearer [REDACTED:bearer-token]"}]}`},

		// Markers: exact ones stay, others are text.
		{"[REDACTED:password]", "[REDACTED:password]"},
		{"token: [REDACTED:github-token:1a2b3c4d:a1b2c3d4e5f6] x", "token: [REDACTED:github-token:1a2b3c4d:a1b2c3d4e5f6] x"},
		{"[REDACTED:none] password=[REDACTED:foo]", "[REDACTED:none] password=[REDACTED:password]"},
		{"password=[REDACTED:password]hunter2", "password=[REDACTED:password]"},
		{"[REDACTED:password:hunter2]", "[REDACTED:password:[REDACTED:password]]"},
		{"[REDACTED:" + ghp + "]", "[REDACTED:[REDACTED:github-token]]"},
	} {
		got, changed := s.Text(s.Root(), c.in)
		if got != c.want || changed != (c.in != c.want) {
			t.Errorf("Text(%q)\n got %q (changed %t)\nwant %q", c.in, got, changed, c.want)
		}
		if again, changed := s.Text(s.Root(), got); changed {
			t.Errorf("twice differs: %q, then %q", got, again)
		}
	}
}

// TestHarmless holds what looks like a secret and is none.
func TestHarmless(t *testing.T) {
	s := newScanner(t, Config{})
	for _, in := range []string{
		"", "x", "key", "password", "password=", "password: ", `"password":""`, "password is required", "secret: not found",
		"invalid token: unexpected end of JSON input", "Error: token expired", "bearer authentication is required",
		"Basic authentication failed", "authorization: denied for alice", "token lifetime set to 3600 seconds",
		"password=***", "password=<redacted>", "password=${DB_PASSWORD}", "password=$DB_PASSWORD", "password={{ .Values.password }}",
		"password={{ vault_password }} x", "API_TOKEN=$(cat /run/secrets/api_token) ./migrate", "password=%PASSWORD%", "password=xxxxx",
		"postgres://app:${PGPASS}@db/x", "postgres://app@db/x", "https://github.com/corp/app@v1.2.3", "http://localhost:8080/a?email=a@b.com",
		"ssh://git@host:22/x", "docker://alpine:3.18@sha256:" + seq(64, hexChars), "http://[::1]:8080/x",
		"vault login failed for bob", "after a vault login Denied", "vault login page", "vault login -method=oidc role=dev", "vault login -method ldap username=bob",
		"vault login -", "ldapsearch -x -W -b dc=example", "ldapsearch -xLLL -H ldap://h", "docker login --password-stdin <<< $PASS", `docker login --password-stdin <<< "$PASS"`,
		"chpasswd <<< $LINE", "sudo -S ls < file", "authorization: digest required by the policy", "Authorization: Digest realm=\"x\"", "curl -bjar.txt https://x.example",
		"curl -b /tmp/jar https://x.example", "az login -pending",
		"compass=north", "export PWD=/home/alice", "--password-stdin", "--token-file /run/secrets/token", "--no-password", "--secret id=npmrc,src=.npmrc",
		"mysql -u root -p app", "docker run -p 8080:80 nginx", "mkdir -p build && cp -p a b && unzip -p x.zip y", "ssh -p 2222 host",
		"secretName: my-secret", "imagePullSecrets: [{name: regcred}]", `"next_page_token":"abc","input_tokens":5`, "max_tokens: 4096",
		"arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf", "image: repo/app-secret:v1.2", "secret/data/apps/db",
		"public_key=abcdef1234567890", "private_key_path=/etc/x.pem", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 bob@host",
		"sha256:" + seq(64, hexChars), seq(40, hexChars), "5f1bdd7b-e41f-4ae3-aaf0-dc330c8bcead", "01JQCAYJIDROMC7RXWS4OKLXKB",
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "/usr/local/lib/Python3/dist/Some1File2Here",
		"sk-learn-is-a-library-for-machine-learning-in-python", "task-key-0123456789abcdef0123456789abcdef", "key=value:NoSchedule",
		"echo \"$PASS\" | docker login --password-stdin", "SELECT password FROM users", "eyJ", "eyJhbGciOiJIUzI1NiJ9", "a.eyJ.b",
		"{", "[", "{}", "[]", `{"a":[1,2.5e3,-0,true,null,"x"]}`, "[not json", "app:\n  password:\n    length: 12\n",
	} {
		if got, changed := s.Text(s.Root(), in); changed {
			t.Errorf("touched %q: %q", in, got)
		}
	}
}

func TestFind(t *testing.T) {
	s := newScanner(t, Config{})
	in := "a " + ghp + " TOKEN=" + jwtText
	got := s.Find(in, nil)
	want := []Span{{2, 2 + len(ghp), "github-token"}, {len(in) - len(jwtText), len(in), "jwt"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := s.Find("nothing", want); len(got) != len(want) {
		t.Errorf("Find on clean text changed dst: %v", got)
	}
}

func TestLimits(t *testing.T) {
	s := newScanner(t, Config{MaxValueBytes: 100, MaxDepth: 3})
	if got, changed := s.Text(s.Root(), strings.Repeat("x", 101)); !changed || got != "[REDACTED:too-large]" {
		t.Errorf("too large: got %q", got)
	}
	got, form := s.JSON(nil, s.Root(), `{"a":[{"b":[[[1]]]}],"c":2}`)
	if want := `{"a":[{"b":"[REDACTED:too-deep]"}],"c":2}`; string(got) != want || form != LooseJSON {
		t.Errorf("too deep: got %s (form %d), want %s", got, form, want)
	}
	if got, form := s.JSON([]byte("x"), s.Root(), "["+strings.Repeat(" ", 100)+"]"); string(got) != `x"[REDACTED:too-large]"` || form != StrictJSON {
		t.Errorf("too large JSON: got %s (form %d)", got, form)
	}
}

func TestPanicFailsClosed(t *testing.T) {
	s := newScanner(t, Config{})
	s.r.matcher = nil // every rule panics now
	const secret = "password=hunter2 {"
	defer func() {
		if v := recover(); v != nil {
			t.Fatalf("panicked: %v", v)
		}
	}()
	if got, _ := s.closely(s.Root(), secret); got != "[REDACTED:error]" {
		t.Errorf("Text: got %q", got)
	}
	if got := s.Find(secret, nil); len(got) != 1 || got[0] != (Span{0, len(secret), "error"}) {
		t.Errorf("Find: got %v", got)
	}
}

// hostileUnits are what makes careless rules quadratic when it is repeated.
func hostileUnits() []string {
	return []string{
		"{", "[", `"`, `\`, "eyJ", "eyJ.", "eyJ-", "=", "AKIA", "AKIA ", "A", "a ", "password", "password=", "password ", `password="`, `password='`,
		`"password":`, `"password":"`, `"password":{`, `\"password\":\"`, "password=$(", "password={{", "password: ", "password:\n ", "password is ",
		"://", "://a:", "://a:b", "a@tcp(", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n-----END", "Bearer ", "Basic ", "Authorization: ", "Authorization: a ",
		"Cookie: ", "Cookie: a=b;", "mysql ", "mysql '", `curl "`, "curl -u a:", "docker login ", "ghp_", "ghp_-", "xoxb-1-", "sk-", "hvs.", "sig=", "?sig=", "?key=",
		`\u00`, `\u0022`, "%3D", "%22", "&quot;", "[REDACTED:", "[REDACTED:password]", "[REDACTED:token:", "0Q~", ":AA", "-us1", "identified by '", "identified with ",
		`{"a":`, `{"value":`, `{"value":1,"name":"a"},`, `[[],`, `{"a":"`, `["`, "secret access key ", "| --password-stdin", "a://b:c;", "Private-Lines: 1\n", "$(chpasswd?key=", `@tcp(|password\"`, "?sig=:AA,", `"name":"password","value":"`, `password=a"b"`, "echo a|chpasswd ", "password for a='", "<password>", "login a password ",
		`password='a'"b"`, `'a'"b"`, `password='a` + "\\'", "-stdin", "-stdin <<< a", "-stdin <<<", "chpasswd <<< a:", `Authorization: Digest a="b", `, `Authorization: Digest a="`, "authorization=digest ", "vault login A1 ", "ldapsearch -xw",
		"token=a,", "pass(", "hooks.slack.com/services/", "FwoGZX%41", "ghs_.", "--password ", `"--password","`, "_auth=",
		"facebook", "airtable", "facebook airtable ", "facebook 1", "kind: secret\n", "kind: secret\ndata:\n a: b\n", "data:\n a: |\n  b\n", "adafruit=", "okta=", `"okta","`, "discord: ", `okta","value":`, "AIza-", "glpat-.",
		"pscale_pw_.", "fm2_+", "fm2_=", "ops_eyJ=", ".acc_a", "a.acc_", "x.atlasv1.", "a_mmk", "4b1d", "@gems.contribsys.com", "a:b@gems.contribsys.com", `name="a" value="`, `key=\"password\" value=\"`, "twitter=A", "x.webhook.office.com/webhookb2/",
	}
}

// hostile returns such texts of about n bytes each.
func hostile(n int) []string {
	nested := `"x"`
	for len(nested) < n {
		nested = `{"a":` + quoted(nested) + `}`
	}
	out := []string{
		nested, strings.Repeat("ghs_.", n/10) + strings.Repeat(".", n/2),
		strings.Repeat("[", n/2) + strings.Repeat("]", n/2),
		strings.Repeat(`{"a":`, n/8) + "1" + strings.Repeat("}", n/8),
		strings.Repeat(`{"value":`, 60) + `"` + strings.Repeat("x", n) + `"` + strings.Repeat(`,"name":"a"}`, 60),
		`{"a":0` + strings.Repeat(`,"value":1`, n/10) + "}",
	}
	for _, unit := range hostileUnits() {
		out = append(out, strings.Repeat(unit, n/len(unit)))
	}
	return out
}

// TestHostile: such a text is redacted like any other. That the work grows
// with the length alone is enforced by the budget that every rule spends
// from, and shown by BenchmarkHostile.
func TestHostile(t *testing.T) {
	s := newScanner(t, Config{})
	for _, v := range hostile(64 << 10) {
		once, _ := s.Text(s.Root(), v)
		if twice, _ := s.Text(s.Root(), once); twice != once {
			t.Errorf("%d bytes of %.20q: redacted twice is not redacted once", len(v), v)
		}
		s.JSON(nil, s.Root(), v)
	}
}

// BenchmarkHostile shows that no such text takes superlinear time: the
// throughput stays the same when the texts get longer.
func BenchmarkHostile(b *testing.B) {
	r, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	s := r.Scanner()
	for _, n := range []int{16 << 10, 128 << 10, 1 << 20} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			texts := hostile(n)
			total := 0
			for _, v := range texts {
				total += len(v)
			}
			b.SetBytes(int64(total))
			for b.Loop() {
				for _, v := range texts {
					s.Text(s.Root(), v)
				}
			}
		})
	}
}

func quoted(v string) string { return string(appendJSONString(nil, v)) }

// TestComparedBehindAValue: the quote before "==" may belong to a value that is
// found already, which is then all there is to find.
func TestComparedBehindAValue(t *testing.T) {
	s := newScanner(t, Config{})
	const want = "password: [REDACTED:password] == password"
	if got, _ := s.Text(s.Root(), "password: hunter2'abc' == password"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
