// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// A command whose short flags carry secrets. Only with the command known is
// -p a password: for mkdir, cp and unzip it is not.
type command struct {
	id    commandID
	name  string
	flags string // flags whose value is a password
	pair  string // flags whose value is user:password
	glued bool   // the value may be glued to the flag (-pSECRET), and mostly must
	only  bool   // the value is always glued; "-p" alone asks for it
	after string // a word that must follow somewhere before the flag ("login")
	bare  bool   // the word behind `after` is a token itself
	jar   string // flags whose value is a cookie
	sep   byte   // between user and password of a pair, if it is no colon
	long  string // a long flag whose value is a secret, once after was seen
	each  string // likewise, of which what is behind its first '=' is one
	slash string // a flag of Windows whose value is a password (/p:x, /rp x)
	mixed bool   // short and long flags alike have one dash
	words []operand
	bools string // flags without a value that may stand before one in a group (-xwSECRET)
	prose bool   // the command is the beginning of a sentence, too
}

// ldapBools are the flags of the LDAP tools that take no value.
const ldapBools = "xLZvncCMIQNWukKAt"

// commandID is the index of a command, from 1 on: 0 is none.
type commandID uint8

// command returns the command, nil for none.
func (id commandID) command() *command {
	if id == 0 {
		return nil
	}
	return &commands[id-1]
}

var commands = []command{
	{name: "mysql", flags: "p", glued: true, only: true},
	{name: "mysqldump", flags: "p", glued: true, only: true},
	{name: "mysqladmin", flags: "p", glued: true, only: true, words: []operand{{after: "password"}}},
	{name: "mysqlimport", flags: "p", glued: true, only: true},
	{name: "mysqlsh", flags: "p", glued: true, only: true},
	{name: "mysqlcheck", flags: "p", glued: true, only: true},
	{name: "mariadb", flags: "p", glued: true, only: true},
	{name: "mariadb-dump", flags: "p", glued: true, only: true},
	{name: "mariadb-admin", flags: "p", glued: true, only: true},
	{name: "7z", flags: "p", glued: true, only: true},
	{name: "7za", flags: "p", glued: true, only: true},
	{name: "sshpass", flags: "p", glued: true},
	{name: "docker", flags: "p", glued: true, after: "login"},
	{name: "podman", flags: "p", glued: true, after: "login"},
	{name: "buildah", flags: "p", glued: true, after: "login"},
	{name: "skopeo", flags: "p", glued: true, after: "login"},
	{name: "nerdctl", flags: "p", glued: true, after: "login"},
	{name: "helm", flags: "p", glued: true, after: "login"},
	{name: "oras", flags: "p", glued: true, after: "login"},
	{name: "crane", flags: "p", glued: true, after: "login"},
	{name: "oc", flags: "p", glued: true, after: "login"},
	{name: "az", flags: "p", after: "login"},
	{name: "cf", flags: "p", after: "login"},
	{name: "redis-cli", flags: "a", words: []operand{{after: "auth"}, {after: "requirepass"}, {after: "masterauth"}}},
	{name: "ldapsearch", flags: "w", glued: true, bools: ldapBools},
	{name: "ldapmodify", flags: "w", glued: true, bools: ldapBools},
	{name: "ldapadd", flags: "w", glued: true, bools: ldapBools},
	{name: "ldapdelete", flags: "w", glued: true, bools: ldapBools},
	{name: "ldapwhoami", flags: "w", glued: true, bools: ldapBools},
	{name: "ldappasswd", flags: "was", glued: true, bools: ldapBools},
	{name: "mongo", flags: "p", glued: true},
	{name: "mongosh", flags: "p", glued: true},
	{name: "mongodump", flags: "p", glued: true},
	{name: "mongorestore", flags: "p", glued: true},
	{name: "mongoexport", flags: "p", glued: true},
	{name: "mongoimport", flags: "p", glued: true},
	{name: "cqlsh", flags: "p", glued: true},
	{name: "sqlcmd", flags: "P", glued: true},
	{name: "bcp", flags: "P", glued: true},
	{name: "mosquitto_pub", flags: "P"},
	{name: "mosquitto_sub", flags: "P"},
	{name: "ipmitool", flags: "P", glued: true},
	{name: "zip", flags: "P", glued: true},
	{name: "unzip", flags: "P", glued: true},
	{name: "rabbitmqadmin", flags: "p", glued: true},
	{name: "influx", flags: "p"},
	{name: "snowsql", flags: "p"},
	{name: "curl", pair: "uUx", jar: "b", bools: "sSfLkivgGINOJ#012346"},
	{name: "vault", after: "login", bare: true},
	{name: "cargo", words: []operand{{after: "login"}}, prose: true},
	{name: "beeline", flags: "p"},
	{name: "mount", pair: "o", sep: '%'},
	{name: "mount.cifs", pair: "o", sep: '%'},
	{name: "rootpw", words: []operand{{}}},
	{name: "smbclient", pair: "U", sep: '%'},
	{name: "rpcclient", pair: "U", sep: '%'},
	{name: "smbmap", flags: "p"},
	{name: "lftp", pair: "u", sep: ','},
	{name: "sqlplus", words: []operand{{pair: true}}, sep: '/'},
	{name: "sqlcl", words: []operand{{pair: true}}, sep: '/'},
	{name: "expdp", words: []operand{{pair: true}}, sep: '/'},
	{name: "impdp", words: []operand{{pair: true}}, sep: '/'},
	{name: "sqlldr", words: []operand{{pair: true}}, sep: '/'},
	{name: "rman", words: []operand{{after: "target", pair: true}}, sep: '/'},
	{name: "htpasswd", words: []operand{{skip: 2, flag: 'b'}}},
	{name: "net", words: []operand{{after: "user", skip: 1}, {after: "use"}}, slash: "p"},
	{name: "net1", words: []operand{{after: "user", skip: 1}, {after: "use"}}, slash: "p"},
	{name: "ConvertTo-SecureString", words: []operand{{}}},
	{name: "schtasks", slash: "rp"},
	{name: "xfreerdp", slash: "p"},
	{name: "wfreerdp", slash: "p"},
	{name: "psexec", flags: "p"},
	{name: "PsExec", flags: "p"},
	{name: "psexec64", flags: "p"},
	{name: "PsExec64", flags: "p"},
	{name: "rdesktop", flags: "p", glued: true},
	{name: "useradd", flags: "p"},
	{name: "usermod", flags: "p"},
	{name: "groupadd", flags: "p"},
	{name: "snmpget", flags: "AXc"},
	{name: "snmpset", flags: "AXc"},
	{name: "snmpwalk", flags: "AXc"},
	{name: "snmpbulkwalk", flags: "AXc"},
	{name: "snmptrap", flags: "AXc"},
	{name: "racadm", flags: "p"},
	{name: "esxcli", flags: "p"},
	{name: "openssl", flags: "kK", after: "enc", mixed: true},
	{name: "rabbitmqctl", words: []operand{{after: "add_user", skip: 1}, {after: "change_password", skip: 1}, {after: "authenticate_user", skip: 1}}},
	{name: "wpa_passphrase", words: []operand{{skip: 1}}},
	{name: "nmcli", words: []operand{{after: "password"}}},
	{name: "iwconfig", words: []operand{{after: "key"}}},
	{name: "rclone", words: []operand{{after: "obscure"}}},
	{name: "consul", words: []operand{{after: "put", named: true}}},
	{name: "etcdctl", words: []operand{{after: "put", named: true}, {after: "set", named: true}}},
	{name: "npm", words: []operand{{after: "set", named: true}}},
	{name: "pnpm", words: []operand{{after: "set", named: true}}},
	{name: "yarn", words: []operand{{after: "set", named: true}}},
	{name: "git", words: []operand{{after: "config", named: true}}},
	{name: "composer", words: []operand{{after: "config", named: true}, {after: "http-basic", skip: 1}}},
	{name: "poetry", flags: "p", words: []operand{{after: "config", named: true}, {after: "http-basic", skip: 1}}},
	{name: "pulumi", words: []operand{{after: "set", named: true}}},
	{name: "setx", words: []operand{{named: true}}},
	{name: "launchctl", words: []operand{{after: "setenv", named: true}}},
	{name: "dotnet", words: []operand{{after: "set", named: true}}},
	{name: "winexe", pair: "U", sep: '%'},
	{name: "smbget", pair: "U", sep: '%'},
	{name: "evil-winrm", flags: "p"},
	{name: "crackmapexec", flags: "p"},
	{name: "netexec", flags: "p"},
	{name: "rar", flags: "p", glued: true, only: true, bools: "h"},
	{name: "unrar", flags: "p", glued: true, only: true},
	{name: "slappasswd", flags: "s"},
	{name: "doveadm", flags: "p", words: []operand{{after: "test", skip: 1}}},
	{name: "cypher-shell", flags: "p"},
	{name: "isql", flags: "P"},
	{name: "tsql", flags: "P"},
	{name: "hdbsql", flags: "p"},
	{name: "vsql", flags: "w"},
	{name: "twine", flags: "p", after: "upload"},
	{name: "caddy", flags: "p", after: "hash-password"},
	{name: "altool", flags: "p"},
	{name: "ncftp", flags: "p"},
	{name: "p4", flags: "P"},
	{name: "pdftk", words: []operand{{after: "user_pw"}, {after: "owner_pw"}, {after: "input_pw"}}},
	{name: "signtool", slash: "p"},
	{name: "security", flags: "wpP"},
	{name: "doctl", flags: "t", after: "init"},
	{name: "gh", flags: "b", long: "body", after: "secret"},
	{name: "kubectl", each: "from-literal", after: "secret"},
	{name: "wget"},
	{name: "http", pair: "a"},
	{name: "https", pair: "a"},
}

// triggerCommands are what the automaton looks for: commands whose name starts
// with another's are found by it.
var triggerCommands = []string{
	"mysql", "mariadb", "sshpass", "docker", "podman", "buildah", "skopeo", "nerdctl", "helm ", "oras ", "crane ",
	"oc login", "az login", "cf login", "redis-cli", "ldap", "mongo", "cqlsh", "sqlcmd", "bcp ", "mosquitto_", "ipmitool",
	"zip -", "7z ", "7za ", "rabbitmqadmin", "influx ", "snowsql", "curl", "smbclient", "rpcclient", "http -a", "https -a", "vault login",
	"kv put", "kv patch", "lftp", "sqlplus", "sqlcl", "expdp", "impdp", "sqlldr", "rman target", "htpasswd", "net user", "net use ", "net1 user", "schtasks", "freerdp", "psexec",
	"PsExec", "rdesktop", "useradd", "usermod", "groupadd", "snmp", "racadm", "esxcli", "openssl enc", "rabbitmqctl", "wpa_passphrase", "nmcli",
	"iwconfig", "rclone obscure", "consul kv put", "etcdctl", "npm config set", "npm set", "yarn config set", "git config", "composer config", "poetry config",
	"pulumi config set", "cargo login", "user-secrets set", "winexe", "smbget", "evil-winrm", "crackmapexec", "netexec", "rar a -", "rar x -", "slappasswd", "doveadm ",
	"cypher-shell", "isql -", "tsql -", "hdbsql", "vsql -", "twine upload", "caddy hash-", "altool", "ncftp", "p4 -P", "pdftk", "signtool",
	"security add-", "security unlock-", "security import", "security create-", "doctl auth", "beeline -", "mount -o", "mount -t", "mount.cifs", "rootpw ", "setx ", "launchctl setenv", "gh secret set", "create secret", "smbmap",
}

var commandByName = func() map[string]*command {
	m := make(map[string]*command, len(commands))
	for i := range commands {
		commands[i].id = commandID(i + 1)
		m[commands[i].name] = &commands[i]
	}
	return m
}()

// lookupCommand finds the command that a word names, without its directory.
func lookupCommand(word string) *command {
	if i := strings.LastIndexAny(word, `/\`); i >= 0 {
		word = word[i+1:]
	}
	word = strings.TrimSuffix(word, ".exe")
	if len(word) > 24 {
		return nil
	}
	return commandByName[word]
}

// commandAt walks the words of the command line that starts at v[at:].
func (s *Scanner) commandAt(v string, at int) {
	if at < s.commandEnd {
		return
	}
	start := at
	for start > 0 && at-start < 16 && in(v[start-1], setName) {
		start--
	}
	if start > 0 && start < at && escapeBefore(v, start) {
		start++
	}
	end := at
	for end < len(v) && end-at < 32 && in(v[end], setName) {
		end++
	}
	cmd := lookupCommand(v[start:end])
	if cmd == nil {
		// "kv put": its command stands before it.
		k := backOverBlanks(v, start)
		from := k
		for from > 0 && k-from < 16 && in(v[from-1], setName) {
			from--
		}
		if cmd = lookupCommand(v[from:k]); cmd == nil {
			return
		}
		end = k
	}
	if end < len(v) && (v[end] == '%' || v[end] == '+') {
		s.escaped, s.plus = true, v[end] == '+' || s.plus
	}
	st := s.start(cmd)
	i := end
	for i < len(v) {
		i = skipBlanks(v, i)
		if w := argvBreak(v, i); w > 0 {
			i += w
		}
		if i >= len(v) {
			break
		}
		switch v[i] {
		case '\n', '\r', ';', '|', '&', ')', '"', '\'', '`':
			if !isQuote(v[i]) || i+1 >= len(v) || v[i+1] == ',' || v[i+1] == '}' || v[i+1] == ']' || v[i+1] == ':' {
				s.commandEnd = i // the end of the command, or of the string it stands in
				return
			}
		case '\\':
			if i+1 < len(v) && v[i+1] == '\n' {
				i += 2
				continue
			}
		}
		wordStart := i
		inner := i
		var innerEnd int
		if q, slashes, w := quoteAt(v, i); w > 0 {
			if slashes > 0 && (i+w >= len(v) || strings.IndexByte(",}]: \n\\", v[i+w]) >= 0) {
				s.commandEnd = i // the quote that closes what the command stands in
				return
			}
			val := quotedValue(v, i+w, q, slashes)
			inner, innerEnd, i = val.start, val.end, val.next
			if end := s.joinedTo(v, wordStart, i); end > i {
				inner, innerEnd, i = wordStart, end, end
			}
			if val.end == len(v) && val.next == len(v) {
				// The quote belongs to something around this command.
				s.spend(i - wordStart)
				s.commandEnd = wordStart + 1
				return
			}
		} else {
			for i < len(v) && !in(v[i], setSpace) && v[i] != ';' && v[i] != '|' && v[i] != '"' && v[i] != '`' && v[i] != '\'' {
				if v[i] == '\\' && i+1 < len(v) && (v[i+1] == '"' || v[i+1] == 'n') {
					break
				}
				i++
			}
			innerEnd = i
			if i < len(v) && isQuote(v[i]) && i > wordStart && argvBreak(v, i) == 0 {
				// -p'secret': the quoted rest is part of the word.
				if val := quotedValue(v, i+1, v[i], 0); val.end < len(v) {
					inner, innerEnd = wordStart, val.end
					i = val.next
					if end := s.joinedTo(v, val.start-1, i); end > i {
						innerEnd, i = end, end
					} else if s.gluedQuote(v, &st, wordStart, val) {
						s.spend(i - wordStart)
						continue
					}
				} else {
					s.argument(v, &st, inner, innerEnd)
					s.spend(i - wordStart)
					s.commandEnd = i + 1
					return
				}
			}
		}
		if i == wordStart {
			s.commandEnd = i + 1
			return
		}
		s.spend(i - wordStart)
		if c := lookupCommand(v[inner:innerEnd]); c != nil && !st.ready && st.want == kindNone && !st.pair {
			st = s.start(c) // docker exec db mysql -psecret
			continue
		}
		s.argument(v, &st, inner, innerEnd)
	}
	s.commandEnd = len(v)
}

// argvBreak is the width of what stands between two elements of a serialised
// argv at v[i:]: "," with quotes at any level of escaping. 0 if it is none.
func argvBreak(v string, i int) int {
	_, _, w := quoteAt(v, i)
	if w == 0 {
		return 0
	}
	j := skipBlanks(v, i+w)
	if j >= len(v) || v[j] != ',' {
		return 0
	}
	j = skipBlanks(v, j+1)
	if _, _, w = quoteAt(v, j); w == 0 {
		return 0
	}
	return j + w - i
}

// argvState is what the words so far say about the next one.
type argvState struct {
	cmd    *command
	ready  bool   // the word that `after` asks for was seen
	want   kindID // the next word is a secret of this kind
	pair   bool   // the next word is user:password
	skip   bool   // the next word is the value of some other flag
	assign bool   // of the next word, what is behind its first '=' is the secret
	argv   bool   // the words are those of an argv: what stands there is no prose

	op    uint8 // 1 + the operand of cmd.words that is counted down
	left  int8  // words before it
	sure  bool  // a flag says that the operand is a secret, whatever its name
	shown bool  // the flag that the operand asks for was seen
	each  bool  // words are name=x, of which x is secret (vault kv put)
}

// gluedQuote handles -p'secret'.
func (s *Scanner) gluedQuote(v string, st *argvState, start int, val value) bool {
	word := v[start:val.end]
	if c := st.cmd; c.glued && len(word) > 3 && word[0] == '-' && strings.IndexByte(c.flags, word[1]) >= 0 && val.start == start+3 && (c.after == "" || st.ready) {
		if text := v[val.start:val.end]; !s.harmless(text, kindPassword) {
			s.add(val.start, val.end, kindPassword, decodeNone)
			s.valueEnd = max(s.valueEnd, val.end)
		}
		return true
	}
	return false
}

// argument looks at one word of a command line and moves the state.
func (s *Scanner) argument(v string, st *argvState, start, end int) {
	from, to, kind := s.step(st, v[start:end])
	if kind != kindNone {
		s.add(start+from, start+to, kind, decodeNone)
		s.valueEnd = max(s.valueEnd, start+to)
	}
}

// stepFlags is step for flags and what stands behind them.
func (s *Scanner) stepFlags(st *argvState, word string) (from, to int, kind kindID) {
	want, pair, assign := st.want, st.pair, st.assign
	skip := st.skip
	st.want, st.pair, st.skip, st.assign = kindNone, false, false, false
	if skip && !isFlag(word) {
		return 0, 0, kindNone
	}
	if pair {
		return s.pairSecret(word, 0, st.cmd)
	}
	c := st.cmd
	if want != kindNone && !isFlag(word) {
		if c.prose && !st.argv && !bareToken(word) {
			return 0, 0, kindNone // cargo login failed
		}
		if s.harmless(word, want) || want == kindCookie && strings.IndexByte(word, '=') < 0 {
			return 0, 0, kindNone
		}
		if assign {
			eq := strings.IndexByte(word, '=')
			if eq < 0 || s.harmless(word[eq+1:], want) {
				return 0, 0, kindNone
			}
			return eq + 1, len(word), want
		}
		return 0, len(word), want
	}
	if len(word) < 2 || word[0] != '-' {
		if c.bare && st.each {
			if eq := strings.IndexByte(word, '='); eq > 0 && eq+1 < len(word) && word[eq+1] != '@' && !s.harmless(word[eq+1:], kindSecret) {
				return eq + 1, len(word), kindSecret
			}
			return 0, 0, kindNone
		}
		if c.bare && (word == "put" || word == "patch") {
			st.each = true
			return 0, 0, kindNone
		}
		if c.bare && st.ready {
			if strings.IndexByte(word, '=') >= 0 {
				return 0, 0, kindNone // username=bob, of another method
			}
			st.ready = false
			if !s.harmless(word, kindVaultToken) && (st.argv || bareToken(word)) {
				return 0, len(word), kindVaultToken
			}
			return 0, 0, kindNone
		}
		if c.after != "" && word == c.after {
			st.ready = true
		}
		return 0, 0, kindNone
	}
	if c.after != "" && !st.ready {
		return 0, 0, kindNone
	}
	if c.bare {
		// -method userpass: Go's flags have one dash or two, and a value.
		name := strings.TrimLeft(word, "-")
		st.skip = name == "method" || name == "path" || name == "address" || name == "namespace" || name == "ns" || name == "field" ||
			name == "format" || name == "ca-cert" || name == "ca-path" || name == "client-cert" || name == "client-key" || name == "header" || name == "mfa"
		return 0, 0, kindNone
	}
	if c.mixed && len(word) > 2 {
		return 0, 0, kindNone
	}
	if word[1] == '-' {
		name, val, has := strings.Cut(word[2:], "=")
		switch {
		case c.long != "" && name == c.long:
			if !has {
				st.want = kindSecret
			} else if !s.harmless(val, kindSecret) {
				return len(name) + 3, len(word), kindSecret
			}
			return 0, 0, kindNone
		case c.each != "" && name == c.each:
			if !has {
				st.want, st.assign = kindSecret, true
				return 0, 0, kindNone
			}
			if eq := strings.IndexByte(val, '='); eq >= 0 && !s.harmless(val[eq+1:], kindSecret) {
				return len(name) + 3 + eq + 1, len(word), kindSecret
			}
			return 0, 0, kindNone
		}
		if c.pair != "" && (name == "user" || name == "proxy-user" || name == "auth") {
			if has {
				return s.pairSecret(word, len(name)+3, c)
			}
			st.pair = true
		}
		return 0, 0, kindNone
	}
	if strings.IndexByte(c.pair, word[1]) >= 0 {
		if len(word) > 2 {
			return s.pairSecret(word, 2, c)
		}
		st.pair = true
		return 0, 0, kindNone
	}
	if c.jar != "" && strings.IndexByte(c.jar, word[1]) >= 0 {
		if len(word) == 2 {
			st.want = kindCookie
		} else if eq := strings.IndexByte(word, '='); eq > 0 && !s.harmless(word[eq+1:], kindCookie) {
			return 2, len(word), kindCookie
		}
		return 0, 0, kindNone
	}
	at := 1 // the flag with a value, behind those of its group without one
	for c.bools != "" && at < len(word)-1 && strings.IndexByte(c.bools, word[at]) >= 0 {
		at++
	}
	if at > 1 && at < len(word)-1 && strings.IndexByte(c.pair, word[at]) >= 0 {
		return s.pairSecret(word, at+1, c) // curl -sSuuser:password
	}
	if strings.IndexByte(c.flags, word[at]) < 0 {
		// curl -sSu user:password: the last of a group takes the value.
		if last := word[len(word)-1]; len(word) <= 6 && c.pair != "" && strings.IndexByte(c.pair, last) >= 0 && allIn(word[1:], setAlnum) {
			st.pair = true
		}
		return 0, 0, kindNone
	}
	if len(word) > at+1 {
		from = at + 1
		if word[from] == '=' && len(word) > from+1 {
			from++
		}
		if !c.glued || s.harmless(word[from:], kindPassword) {
			return 0, 0, kindNone
		}
		return from, len(word), kindPassword
	}
	if !c.only {
		st.want = kindPassword
	}
	return 0, 0, kindNone
}

// bareToken says whether a word that follows "vault login" in text is a token:
// the next word of a sentence ("vault login failed") is none.
func bareToken(word string) bool {
	if !allIn(word, setDotToken) || len(word) < 6 {
		return false
	}
	digit, lower, upper := shapes(word[1:])
	return len(word) >= 20 || lower > 0 && digit+upper > 0
}

// pairSecret is the password of user:password (user%password for Samba) in
// word[i:].
func (s *Scanner) pairSecret(word string, i int, c *command) (from, to int, kind kindID) {
	sep := byte(':')
	if c != nil && c.sep != 0 {
		sep = c.sep
	}
	for i < len(word) && isQuote(word[i]) {
		i++
	}
	colon := strings.IndexByte(word[i:], sep)
	if colon < 0 || strings.Contains(word, "://") {
		return 0, 0, kindNone
	}
	from, to = i+colon+1, len(word)
	if sep == '/' {
		if host := strings.LastIndexByte(word[from:], '@'); host >= 0 {
			to = from + host // Oracle: user/x@service
		}
	}
	for to > from && isQuote(word[to-1]) {
		to--
	}
	if text := word[from:to]; text == "" || s.harmless(text, kindPassword) {
		return 0, 0, kindNone
	}
	return from, to, kindPassword
}

// piped handles echo secret | command that reads it; at is where the command
// or its flag stands.
func (s *Scanner) piped(v string, at int, l *literal) {
	const reach = 512
	s.hereString(v, at, l)
	low := max(0, at-reach)
	bar := strings.LastIndexByte(v[low:at], '|')
	if bar < 0 {
		return
	}
	s.spend(at - low)
	end := low + bar
	for end > low && in(v[end-1], setSpace) {
		end--
	}
	start := end
	for start > low && v[start-1] != ';' && v[start-1] != '|' && v[start-1] != '&' && v[start-1] != '\n' {
		start--
	}
	if end > start && v[end-1] == ')' {
		// (echo x; echo x) | smbpasswd: every one of them.
		if open := strings.LastIndexByte(v[low:end], '('); open >= 0 {
			from := low + open + 1
			for from < start {
				semi := strings.IndexAny(v[from:end], ";&")
				if semi < 0 {
					break
				}
				s.echoed(v, from, backOverBlanks(v, from+semi), l)
				from += semi + 1
			}
			start = max(start, from)
			end = backOverBlanks(v, end-1)
			for end > start && v[end-1] == ';' {
				end--
			}
		}
	}
	s.echoed(v, start, end, l)
}

// echoed takes what a command at v[start:end] writes.
func (s *Scanner) echoed(v string, start, end int, l *literal) {
	rest := v[start:end]
	i := -1
	for _, cmd := range [...]string{"echo ", "printf ", "Write-Output "} {
		if k := strings.LastIndex(rest, cmd); k >= 0 && (k == 0 || !in(rest[k-1], setAlnum)) {
			i = start + k + len(cmd)
		}
	}
	if i < 0 {
		return
	}
	for i = skipBlanks(v, i); i+1 < end && v[i] == '-' && in(v[i+1], setLower); {
		i = skipBlanks(v, run(v, i+1, setLower))
	}
	if strings.HasPrefix(v[i:end], "%s ") {
		i = skipBlanks(v, i+3)
	} else if strings.HasPrefix(v[i:end], "'%s' ") || strings.HasPrefix(v[i:end], `"%s" `) {
		i = skipBlanks(v, i+5)
	}
	if q, _, w := quoteAt(v, i); w > 0 && i+w < end {
		i += w
		if k := strings.LastIndexByte(v[i:end], q); k >= 0 {
			end = i + k
		}
		for end > i && v[end-1] == '\\' {
			end--
		}
	}
	if l.text == "chpasswd" {
		colon := strings.IndexByte(v[i:max(i, end)], ':')
		if colon < 0 {
			return
		}
		i += colon + 1
	}
	if i >= end || s.harmless(v[i:end], l.kind) || strings.HasPrefix(v[i:end], "$") {
		return
	}
	s.add(i, end, l.kind, decodeNone)
}

// hereString handles command <<< secret; at is where the command or its flag
// stands.
func (s *Scanner) hereString(v string, at int, l *literal) {
	if at < s.hereEnd || s.hereDocument(v, at, l) {
		return
	}
	i := at
	for i < len(v) && v[i] != '\n' && v[i] != ';' && v[i] != '|' && v[i] != '&' && v[i] != '<' {
		i++
	}
	s.spend(i - at)
	s.hereEnd = i
	if !strings.HasPrefix(v[i:], "<<<") {
		return
	}
	i = skipBlanks(v, i+len("<<<"))
	var val value
	if q, slashes, w := quoteAt(v, i); w > 0 {
		val = quotedValue(v, i+w, q, slashes)
		if end := s.joinedTo(v, i, val.next); slashes == 0 && end > val.next {
			val = value{start: i, end: end, next: end, quoted: true}
		}
	} else {
		val = bareValue(v, i, false)
	}
	s.spend(val.end - i)
	if l.text == "chpasswd" {
		colon := strings.IndexByte(v[val.start:val.end], ':')
		if colon < 0 {
			return
		}
		val.start += colon + 1
		for val.end > val.start && isQuote(v[val.end-1]) {
			val.end-- // of a word joined from several
		}
	}
	s.addValue(v, val, l.kind)
}
