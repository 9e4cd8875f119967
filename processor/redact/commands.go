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
