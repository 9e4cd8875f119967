// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// Names with a value behind nothing but blanks, or in a column of their own.

// settings handles a name and a value alone on a line, as settings files and
// the tables of commands write them: "remote_password x", "ENV DB_PASSWORD x",
// "username bob secret 5 x". The name is v[start:end], j is where the value
// starts.
func (s *Scanner) settings(v string, start, end, j int, kind kindID, name string) bool {
	switch kind {
	case kindPassword, kindSecret, kindToken, kindAPIKey, kindVaultSecretID:
	default:
		return false
	}
	line := start
	for line > 0 && start-line < tagReach && newlineBefore(v, line) == 0 && !isQuote(v[line-1]) {
		line--
	}
	s.spend(start - line)
	if line > 0 && start-line >= tagReach {
		return false
	}
	if k := strings.LastIndexAny(v[line:start], "=:>"); k >= 0 {
		line += k + 1 // what this is a value of
	}
	head := strings.Fields(v[line:start])
	from := j
	if len(head) == 0 && upstreamNames[name] {
		return false // nginx passes the request on
	}
	env := len(head) > 0 && envWords[head[0]]
	if start > 0 && v[start-1] == '=' && hasFoldSuffix(name, "psk") {
		return false // key_mgmt=WPA-PSK
	}
	if len(head) > 0 && !env && !(len(head) == 1 && head[0] == "set") {
		// A device's settings: the name is not the first word.
		if !configWords[head[0]] || len(head) > 8 {
			return false
		}
		// How the secret is written: secret 5 $1$…, password 0 x.
		if d := run(v, j, setDigit); d == j+1 && d < len(v) && v[d] == ' ' {
			from = skipBlanks(v, d)
		}
	}
	val, last := lastWord(v, from)
	if !last && !(from > j && val.end > val.start) {
		return false
	}
	text := v[val.start:val.end]
	s.spend(len(text))
	digit, lower, upper := shapes(text)
	if !val.quoted && (isType(text) || isExpression(v, val, name)) || kind != kindPassword && kind != kindVaultSecretID && (isUUID(text) || strings.IndexByte(text, ':') >= 0) {
		return false
	}
	switch {
	case from > j: // its form was named: that is no sentence
	case len(text) >= 6 && digit > 0 && lower+upper > 0 && !isVersion(text):
	case env:
	case len(head) == 0 && s.besideSettings(v, line, val.next, end-start, j-end):
		if compound(name) && actsOn(name) {
			return false
		}
	default:
		return false
	}
	s.addValue(v, val, kind)
	return true
}

// upstreamNames are directives of nginx whose value is a server.
var upstreamNames = map[string]bool{"proxy_pass": true, "fastcgi_pass": true, "uwsgi_pass": true, "scgi_pass": true, "grpc_pass": true, "memcached_pass": true}

// envWords begin lines that set a variable.
var envWords = map[string]bool{"ENV": true, "env": true, "SetEnv": true, "setenv": true, "fastcgi_param": true, "uwsgi_param": true, "proxy_set_header": true}

// configWords begin the lines in which a network device names a secret.
var configWords = map[string]bool{
	"username": true, "user": true, "enable": true, "neighbor": true, "tacacs-server": true, "radius-server": true, "snmp-server": true,
	"tacacs": true, "radius": true, "aaa": true, "ppp": true, "crypto": true, "ip": true, "ntp": true, "standby": true, "server": true, "poll": true, "account": true, "quote": true,
}

// compound: the name has parts, as those of settings have.
func compound(name string) bool { return strings.ContainsAny(name, "_-.") }

// actsOn: reset_password bob names what is done to whom.
func actsOn(name string) bool {
	for _, verb := range [...]string{"change", "reset", "update", "get", "set", "create", "delete", "rotate", "revoke", "list", "put", "verify", "check", "forgot", "refresh", "invalid"} {
		if hasFoldPrefix(name, verb) {
			return true
		}
	}
	return false
}

// besideSettings says whether the line before or behind the one that starts at
// line is of the same make: two words. What stands in columns, with two blanks or
// more between, is so on both lines.
func (s *Scanner) besideSettings(v string, line, next, nameLen, gap int) bool {
	next = skipBlanks(v, next)
	if w := newlineAt(v, next); w > 0 && twoWords(v, next+w, gap) {
		return true
	}
	w := newlineBefore(v, line)
	if w == 0 {
		return false
	}
	to := line - w
	from := to
	for from > 0 && to-from < tagReach && newlineBefore(v, from) == 0 {
		from--
	}
	s.spend(to - from)
	return twoWords(v, from, gap)
}

// twoWords says whether the line at v[i:] is a name and a value, gap apart if
// that is more than a blank.
func twoWords(v string, i, gap int) bool {
	i = skipBlanks(v, i)
	end := run(v[:min(len(v), i+nameReach)], i, setName)
	j := skipBlanks(v, end)
	if end == i || j == end || gap > 1 && j-end < 2 {
		return false
	}
	k := j
	for k < len(v) && k-j < tagReach && !in(v[k], setSpace) && newlineAt(v, k) == 0 && !isQuote(v[k]) {
		k++
	}
	return k > j && endsLine(v, k)
}

// newlineBefore is the width of a line end that ends at v[i], real or escaped.
func newlineBefore(v string, i int) int {
	switch {
	case i == 0:
		return 0
	case v[i-1] == '\n':
		if i > 1 && v[i-2] == '\r' {
			return 2
		}
		return 1
	case i > 1 && v[i-1] == 'n' && v[i-2] == '\\':
		return 2
	}
	return 0
}

// isVersion: 1:4.13+dfsg1-1, 2.6.0, v1.2, of a list of packages.
func isVersion(v string) bool {
	i := 0
	if v[0] == 'v' {
		i = 1
	}
	d := run(v, i, setDigit)
	return d > i && d < len(v) && (v[d] == '.' || v[d] == ':' || v[d] == '-')
}

// isType says whether v is the type of a field or the name of an algorithm:
// [16]byte, varchar(32), uint64, sha256.
func isType(v string) bool {
	if v[0] == '[' || v[0] == '*' || v[0] == '<' {
		return true
	}
	end := 0
	for end < len(v) && in(v[end], setAlnum) && !in(v[end], setDigit) {
		end++
	}
	if end == 0 || end == len(v) {
		return false
	}
	if v[end] == '(' || v[end] == '[' {
		return true
	}
	if rest := strings.TrimRight(v[end:], ",;"); len(rest) > 4 || !allIn(rest, setDigit) {
		return false
	}
	for _, t := range [...]string{"int", "uint", "float", "bytes", "byte", "char", "sha", "md", "aes", "base", "utf", "rsa", "ed", "hs", "rs", "es", "fixed", "i", "u", "v"} {
		if equalFold(v[:end], t) {
			return true
		}
	}
	return false
}

// prompted handles the question of a program and what was typed behind it:
// "password for bob: x", "passphrase for key '/home/b/.ssh/id': x", "Vault
// password (default): x", "API key provided: x". j is behind the name.
func (s *Scanner) prompted(v string, j int, kind kindID) bool {
	i := j
	switch {
	case hasFoldPrefix(v[j:], "for "), v[j] == '(':
		limit := min(len(v), j+tagReach/2)
		for i < limit && v[i] != ':' && newlineAt(v, i) == 0 {
			i++
		}
		if v[j] == '(' && (i == j || i >= limit || v[i-1] != ')') {
			return false
		}
	case hasFoldPrefix(v[j:], "provided:"), hasFoldPrefix(v[j:], "given:"), hasFoldPrefix(v[j:], "used:"):
		i = run(v, j, setAlnum)
	default:
		return false
	}
	s.spend(i - j)
	if i >= len(v) || v[i] != ':' {
		return false
	}
	k := skipBlanks(v, i+1)
	if k >= len(v) || k == i+1 && kind != kindPassword {
		return false
	}
	var val value
	if q, slashes, w := quoteAt(v, k); w > 0 {
		val = quotedValue(v, k+w, q, slashes)
	} else {
		val = bareValue(v, k, false)
		for val.end > val.start && strings.IndexByte(".,;:!?)", v[val.end-1]) >= 0 {
			val.end--
		}
	}
	s.spend(val.end - k)
	text := v[val.start:val.end]
	digit, lower, upper := shapes(text)
	phrase := kind == kindPassword && len(text) >= 10 && digit+lower+upper < len(text) && endsLine(v, val.next)
	if !phrase && !comparable(text) || strings.ContainsAny(text, " \t") || isVersion(text) {
		return false
	}
	if eq := strings.IndexByte(text, '='); eq > 0 && eq < len(text)-2 && allIn(text[:eq], setName) && kind == kindPassword {
		return false // uid=1000
	}
	s.taken(v, val, kind)
	return true
}

// curlyQuotes open and close as a typesetter has them.
var curlyQuotes = [...][2]string{{"“", "”"}, {"‘", "’"}, {"„", "“"}, {"«", "»"}, {"「", "」"}}

// curlyValue is a value in such quotes at v[i:].
func (s *Scanner) curlyValue(v string, i int) (value, bool) {
	if i >= len(v) || v[i] < 0x80 {
		return value{}, false
	}
	for _, q := range curlyQuotes {
		if strings.HasPrefix(v[i:], q[0]) {
			from := i + len(q[0])
			n := strings.Index(v[from:min(len(v), from+tagReach)], q[1])
			if n <= 0 {
				return value{}, false
			}
			s.spend(n)
			return value{start: from, end: from + n, next: from + n + len(q[1]), quoted: true}, true
		}
	}
	return value{}, false
}

// wrappers hold a value as languages write it: Some("x"), SecretStr('x').
var wrappers = [...]string{"some(", "just(", "secret(", "secretstring(", "secretstr(", "string::from(", "optional.of(", "optional["}

// wrapped is where the quote of a wrapped value stands, or i.
func wrapped(v string, i int) int {
	if i >= len(v) || !in(v[i], setAlnum) {
		return i
	}
	for _, w := range wrappers {
		if hasFoldPrefix(v[i:], w) {
			if k := i + len(w); k < len(v) && quoteWidth(v, k) > 0 {
				return k
			}
		}
	}
	return i
}

func quoteWidth(v string, i int) int {
	_, _, w := quoteAt(v, i)
	return w
}

// section handles the head of a section of TOML or INI that names secrets:
// [redis.password] with value = "x" below, [secrets] with any name. i is behind
// the bracket.
func (s *Scanner) section(v string, start, i int, kind kindID, name string) {
	from := start
	for from > 0 && start-from < nameReach && v[from-1] == '[' {
		from--
	}
	if from == start || !startsLine(v, from) || kind == kindAuthorization || kind == kindCookie {
		return
	}
	last := lastSegment(name)
	all := equalFold(last, "secrets") || equalFold(last, "passwords")
	began := i
	for rows := 0; rows < tableRows && i-began < tableReach; rows++ {
		i = skipBlanks(v, i)
		w := newlineAt(v, i)
		if w == 0 {
			break
		}
		escaped := v[i] == '\\'
		i += w
		eol := lineEnd(v, i, escaped)
		k := skipBlanks(v, i)
		if k < eol && v[k] == '[' {
			break
		}
		end := run(v[:eol], k, setName)
		eq := skipBlanks(v, end)
		if end > k && eq < eol && v[eq] == '=' && (all && !lifted(v[k:end]) || isPairValue(v[k:end])) {
			val := value{start: skipBlanks(v, eq+1), end: eol, next: eol}
			if q, slashes, w := quoteAt(v, val.start); w > 0 {
				val = quotedValue(v, val.start+w, q, slashes)
				eol = max(eol, val.next)
			}
			s.taken(v, val, kind)
		}
		i = eol
	}
	s.spend(i - began)
}

// Limits of a table that is looked through for a column.
const (
	tableReach = 8 << 10
	tableRows  = 256
)

// column handles a name that heads a column: | user | password |, or the first
// line of CSV. The name is v[start:end], without quotes. It says whether it does.
func (s *Scanner) column(v string, start, end int, kind kindID) bool {
	if kind == kindAuthorization || kind == kindCookie {
		return false
	}
	k := backOverBlanks(v, backOverQuote(v, start))
	e := end
	if w := quoteWidth(v, e); w > 0 && k < start && isQuote(v[start-1]) {
		e += w
	}
	e = skipBlanks(v, e)
	sep := byte(0)
	switch {
	case e < len(v) && (v[e] == '|' || v[e] == ',' || v[e] == ';' || v[e] == '\t'):
		sep = v[e]
	case k > 0 && (v[k-1] == '|' || v[k-1] == ',' || v[k-1] == ';'):
		sep = v[k-1]
	default:
		return false
	}
	// Between separators, or at an end of its line.
	if k > 0 && v[k-1] != sep && newlineBefore(v, k) == 0 || e < len(v) && v[e] != sep && newlineAt(v, e) == 0 {
		return false
	}
	line := k
	col := 0
back:
	for line > 0 && k-line < tableReach/8 && newlineBefore(v, line) == 0 {
		line--
		switch v[line] {
		case sep:
			col++
			continue
		case '=', '>', ':':
			// What this is a value of.
			line++
			break back
		case '{', '}', '(', ')', '[', ']', '<':
			return false // no line of names
		case '"', '\'':
			// The quote around all of it, rather than around a name.
			if line > 0 && v[line+1] != sep && v[line-1] != sep && newlineBefore(v, line) == 0 {
				line++
				break back
			}
		}
	}
	eol := e
	cols := col
	for eol < len(v) && eol-e < tableReach/8 && newlineAt(v, eol) == 0 {
		if v[eol] == sep {
			cols++
		} else if strings.IndexByte("={}()<>[]:", v[eol]) >= 0 {
			return false
		}
		eol++
	}
	s.spend(eol - line)
	if cols == 0 || newlineAt(v, eol) == 0 || sep == '|' && cols < 2 || sep != '|' && strings.IndexByte(v[skipBlanks(v, line):eol], ' ') >= 0 {
		return false
	}
	i, found := eol, false
	for rows := 0; rows < tableRows && i-eol < tableReach; rows++ {
		w := newlineAt(v, i)
		if w == 0 {
			break
		}
		escaped := v[i] == '\\'
		i += w
		to := rowEnd(v, i, escaped)
		cell, ok := cellAt(v, i, to, sep, col, cols)
		if !ok {
			break
		}
		if rows == 0 && sep == '|' && strings.Trim(v[cell.start:cell.end], "-: ") != "" {
			break // no rule below the names: what follows is no table
		}
		if text := v[cell.start:cell.end]; strings.Trim(text, "-: ") != "" {
			found = true
			s.addValue(v, cell, kind)
		}
		i = to
	}
	s.spend(i - eol)
	return found
}

// rowEnd is lineEnd, but for the escaped quotes of a cell.
func rowEnd(v string, i int, escaped bool) int {
	for {
		end := lineEnd(v, i, escaped)
		if end == i || end >= len(v) || v[end] != '"' || v[end-1] != '\\' {
			return end
		}
		i = end + 1
	}
}

// cellAt is the n-th cell of the row v[i:to], which must have all seps.
func cellAt(v string, i, to int, sep byte, n, seps int) (value, bool) {
	var out value
	at := 0
	for i <= to {
		from := i
		quoted := false
		if k := skipBlanks(v, i); k < to && v[k] == '"' && sep != '|' {
			for k++; k < to && (v[k] != '"' || k+1 < to && v[k+1] == '"'); k++ {
				if v[k] == '"' {
					k++
				}
			}
			quoted, i = k < to, min(k+1, to)
			from++
		}
		for i < to && v[i] != sep {
			i++
		}
		if at == n {
			end := i
			for from < end && v[from] == ' ' {
				from++
			}
			for end > from && v[end-1] == ' ' {
				end--
			}
			if quoted && end > from && v[end-1] == '"' {
				end--
			}
			out = value{start: from, end: end, next: i, quoted: true}
			if q, slashes, w := quoteAt(v[:end], from); slashes > 0 && from+w < end {
				out = quotedValue(v[:end], from+w, q, slashes)
			}
		}
		if i >= to {
			break
		}
		at++
		i++
	}
	return out, at == seps
}
