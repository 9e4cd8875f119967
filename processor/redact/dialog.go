// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"encoding/base64"
	"strings"
)

// Dialogues of protocols and of people, in which a secret has no name of its
// own: where it stands says what it is.
const (
	ruleArgument   ruleID = 128 + iota // mysqli(host, user, x): the n-th argument of a call
	ruleIMAP                           // a1 LOGIN user x
	ruleSMTP                           // 334 UGFzc3dvcmQ6, AUTH PLAIN x
	ruleSASL                           // [host]:587 user:x
	ruleRedisAuth                      // AUTH x, AUTH default x
	ruleRedisUser                      // user bob on >x
	ruleSend                           // send "x\r" of expect
	ruleAddMask                        // ::add-mask::x
	ruleCreds                          // log in with bob / x
	ruleCode                           // your verification code is 123456
	ruleOAuthCode                      // ?code=x
	ruleCommunity                      // snmp-server community x
	ruleSNMP                           // auth sha x priv aes 128 x
	ruleMnemonic                       // twelve words
	ruleQuotedWord                     // : PSK "x"; -pw x
	ruleOTP                            // otp=123456
	ruleSession                        // sid=x
	ruleLink                           // /magic-link/x
	ruleCreateUser                     // createUser bob SHA "x" AES "x"
)

var dialogLiterals = []literal{
	{text: "mysqli(", fold: true, rule: ruleArgument, kind: kindPassword, min: 3},
	{text: "mysqli_connect(", fold: true, rule: ruleArgument, kind: kindPassword, min: 3},
	{text: "new pdo(", fold: true, rule: ruleArgument, kind: kindPassword, min: 3},
	{text: "dbi->connect(", fold: true, rule: ruleArgument, kind: kindPassword, min: 3},
	{text: "getconnection(", fold: true, rule: ruleArgument, kind: kindPassword, min: 3},
	{text: "basicauth(", fold: true, rule: ruleArgument, kind: kindPassword, min: 2},
	{text: "basic_auth(", fold: true, rule: ruleArgument, kind: kindPassword, min: 2},
	{text: "pgp_sym_", fold: true, rule: ruleArgument, kind: kindPassword, min: 2},

	{text: " LOGIN ", rule: ruleIMAP, kind: kindPassword},
	{text: "334 UGFzc3dvcmQ6", rule: ruleSMTP, kind: kindPassword},
	{text: "AUTH PLAIN ", rule: ruleSMTP, kind: kindPassword},
	{text: "]:587 ", rule: ruleSASL, kind: kindPassword},
	{text: "]:465 ", rule: ruleSASL, kind: kindPassword},
	{text: "]:25 ", rule: ruleSASL, kind: kindPassword},
	{text: "AUTH ", rule: ruleRedisAuth, kind: kindPassword},
	{text: `AUTH" `, rule: ruleRedisAuth, kind: kindPassword},
	{text: `AUTH\" `, rule: ruleRedisAuth, kind: kindPassword},
	{text: " on >", rule: ruleRedisUser, kind: kindPassword},
	{text: `send "`, rule: ruleSend, kind: kindPassword},
	{text: `send \"`, rule: ruleSend, kind: kindPassword},
	{text: `send -- "`, rule: ruleSend, kind: kindPassword},
	{text: `send -- \"`, rule: ruleSend, kind: kindPassword},
	{text: "::add-mask::", rule: ruleAddMask, kind: kindSecret},
	{text: "log in with ", fold: true, rule: ruleCreds, kind: kindPassword},
	{text: "login with ", fold: true, rule: ruleCreds, kind: kindPassword},
	{text: "creds: ", fold: true, rule: ruleCreds, kind: kindPassword},
	{text: " code is ", rule: ruleCode, kind: kindPassword},
	{text: " code: ", rule: ruleCode, kind: kindPassword},
	{text: "?code=", rule: ruleOAuthCode, kind: kindToken},
	{text: "&code=", rule: ruleOAuthCode, kind: kindToken},
	{text: "community ", fold: true, rule: ruleCommunity, kind: kindPassword},
	{text: "auth sha ", fold: true, rule: ruleSNMP, kind: kindPassword},
	{text: "auth md5 ", fold: true, rule: ruleSNMP, kind: kindPassword},
	{text: "priv aes ", fold: true, rule: ruleSNMP, kind: kindPassword},
	{text: "priv des ", fold: true, rule: ruleSNMP, kind: kindPassword},
	{text: "credentials(", fold: true, rule: ruleArgument, kind: kindPassword, min: 4},
	{text: ": PSK ", rule: ruleQuotedWord, kind: kindPassword},
	{text: ": EAP ", rule: ruleQuotedWord, kind: kindPassword},
	{text: ": XAUTH ", rule: ruleQuotedWord, kind: kindPassword},
	{text: " -pw ", rule: ruleQuotedWord, kind: kindPassword, min: 1},
	{text: " -upw ", rule: ruleQuotedWord, kind: kindPassword, min: 1},
	{text: " -opw ", rule: ruleQuotedWord, kind: kindPassword, min: 1},
	{text: " -auth ", rule: ruleSASL, kind: kindPassword},
	{text: "keyvault secret set", rule: ruleParameter, kind: kindSecret},
	{text: "kinit ", rule: rulePiped, kind: kindPassword},
	{text: "p4 login", rule: rulePiped, kind: kindPassword},
	{text: "secret create ", rule: rulePiped, kind: kindSecret},
	{text: "secrets create ", rule: rulePiped, kind: kindSecret},
	{text: "create-secret ", rule: rulePiped, kind: kindSecret},
	{text: "psk", fold: true, rule: ruleWord},
	{text: "bindpw", fold: true, rule: ruleWord},
	{text: "rootpw", fold: true, rule: ruleWord},
	{text: "keymaterial", fold: true, rule: ruleWord},
	{text: "wrangler secret put", rule: rulePiped, kind: kindSecret},
	{text: "cryptsetup ", rule: rulePiped, kind: kindPassword},
	{text: "gh secret set", rule: rulePiped, kind: kindSecret},
	{text: "otp=", fold: true, rule: ruleOTP},
	{text: "otp: ", fold: true, rule: ruleOTP},
	{text: "masterauth", fold: true, rule: ruleWord},
	{text: "authtok", fold: true, rule: ruleWord},
	{text: "sessid", fold: true, rule: ruleWord},
	{text: "jsessionid", fold: true, rule: ruleWord},
	{text: "samlresponse", fold: true, rule: ruleWord},
	{text: "device_code", fold: true, rule: ruleWord},
	{text: "sid=", fold: true, rule: ruleSession, kind: kindToken},
	{text: "magic-link/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "/magic/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "reset-password/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "password-reset/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "/password/reset/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "/reset/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "/verify/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "/confirm/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "/activate/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "/invite/", fold: true, rule: ruleLink, kind: kindToken, min: 16},
	{text: "createuser ", fold: true, rule: ruleCreateUser, kind: kindPassword},
	{text: "community", fold: true, rule: ruleWord},
	{text: "pepper", fold: true, rule: ruleWord},
	{text: "mnemonic", fold: true, rule: ruleMnemonic, kind: kindSecret},
	{text: "seed phrase", fold: true, rule: ruleMnemonic, kind: kindSecret},
	{text: "seed_phrase", fold: true, rule: ruleMnemonic, kind: kindSecret},
	{text: "recovery phrase", fold: true, rule: ruleMnemonic, kind: kindSecret},
}

// dialog runs the rule of one of the dialogLiterals at v[at:]; i is behind it.
func (s *Scanner) dialog(v string, at, i int, l *literal) {
	if at < s.valueEnd {
		return
	}
	switch l.rule {
	case ruleArgument:
		s.nthArgument(v, i, l)
	case ruleIMAP:
		s.imapLogin(v, at, i, l.kind)
	case ruleSMTP:
		s.smtpAuth(v, i, l.kind)
	case ruleSASL:
		s.saslMap(v, i, l.kind)
	case ruleRedisAuth:
		s.redisAuth(v, at, i, l)
	case ruleRedisUser:
		line := v[max(0, at-nameReach):at]
		s.spend(len(line))
		if k := strings.LastIndexByte(line, ' '); i < len(v) && v[i] != '=' && k >= 0 && (strings.HasSuffix(line[:k], "user") || hasFoldSuffix(line[:k], "setuser")) {
			s.word1(v, i, l.kind)
		}
	case ruleSend:
		s.expectSend(v, at, i, l.kind)
	case ruleAddMask:
		s.taken(v, lineValue(v, i), l.kind)
	case ruleCreds:
		s.userSlash(v, i, l.kind)
	case ruleCode:
		s.oneTimeCode(v, at, i, l.kind)
	case ruleOAuthCode:
		s.oauthCode(v, i, l.kind)
	case ruleCommunity:
		if precededBy(v, at, "ro", "rw", "snmp-server ", "snmp ", "--") {
			s.word1(v, i, l.kind)
		}
	case ruleSNMP:
		if j := skipBlanks(v, run(v, i, setDigit)); j > i && l.text[0] == 'p' {
			i = j // priv aes 128 x
		}
		s.word1(v, i, l.kind)
	case ruleMnemonic:
		s.mnemonic(v, i, l.kind)
	case ruleQuotedWord:
		if l.min > 0 || quoteWidth(v, i) > 0 {
			s.word1(v, i, l.kind)
		}
	case ruleOTP:
		s.word(v, at, at+len("otp"))
	case ruleSession:
		s.session(v, at, i, l.kind)
	case ruleLink:
		s.link(v, i, l)
	case ruleCreateUser:
		s.createUser(v, i, l.kind)
	}
}

func hasFoldSuffix(v, suffix string) bool {
	return len(v) >= len(suffix) && hasFoldPrefix(v[len(v)-len(suffix):], suffix)
}

// session handles sid=x of a log or a URL; at is where the name starts. The id
// of a Twilio resource has two capitals and 32 hex digits, that of a Windows
// account begins with S-.
func (s *Scanner) session(v string, at, i int, kind kindID) {
	if at > 0 && in(v[at-1], setAlnum) {
		return
	}
	end := s.runEnd(v, i, setOpaque)
	text := v[i:end]
	if len(text) == 34 && in(text[0], setUpper) && in(text[1], setUpper) && allIn(text[2:], setHex) || strings.HasPrefix(text, "S-") || len(text) > randomMax || !random(text, true) {
		return
	}
	s.taken(v, value{start: i, end: end, next: end}, kind)
}

// link handles the path of a link that lets in whoever has it.
func (s *Scanner) link(v string, i int, l *literal) {
	end := s.runEnd(v, i, setToken)
	if text := v[i:end]; len(text) >= l.min && len(text) <= randomMax && random(text, true) {
		s.add(i, end, l.kind, decodeNone)
		s.valueEnd = max(s.valueEnd, end)
	}
}

// createUser handles net-snmp's createUser bob SHA "x" AES "x".
func (s *Scanner) createUser(v string, i int, kind kindID) {
	i = skipBlanks(v, run(v, i, setName))
	for range 2 {
		end := run(v[:min(len(v), i+16)], i, setToken)
		if j := skipBlanks(v, end); end-i < 3 || j == end || j >= len(v) || allIn(v[i:end], setLower) {
			return
		} else {
			i = j
		}
		var val value
		if q, slashes, w := quoteAt(v, i); w > 0 {
			val = quotedValue(v, i+w, q, slashes)
		} else {
			val = bareValue(v, i, false)
		}
		s.taken(v, val, kind)
		i = skipBlanks(v, val.next)
	}
}

func precededBy(v string, at int, words ...string) bool {
	for _, w := range words {
		if at >= len(w) && hasFoldPrefix(v[at-len(w):], w) {
			return true
		}
	}
	return false
}

// word1 takes the next word, quoted or not.
func (s *Scanner) word1(v string, i int, kind kindID) {
	i = skipBlanks(v, i)
	if i >= len(v) {
		return
	}
	if q, slashes, w := quoteAt(v, i); w > 0 {
		s.taken(v, quotedValue(v, i+w, q, slashes), kind)
		return
	}
	s.taken(v, bareValue(v, i, false), kind)
}

// nthArgument takes the l.min-th argument of the call that opened before v[i:],
// if it is a quoted text. The others may be quoted, names or calls without
// arguments.
func (s *Scanner) nthArgument(v string, i int, l *literal) {
	if v[i-1] != '(' {
		// The name goes on: pgp_sym_decrypt(
		end := run(v[:min(len(v), i+24)], i, setWord)
		if end >= len(v) || v[end] != '(' {
			return
		}
		i = end + 1
	}
	from := i
	defer func() { s.spend(i - from) }()
	for n := 1; i < len(v) && i-from < insertReach; n++ {
		i = quotePrefix(v, skipSpaces(v, i))
		if q, slashes, w := quoteAt(v, i); w > 0 {
			val := quotedValue(v, i+w, q, slashes)
			if n == l.min {
				if val.end < len(v) {
					s.taken(v, val, l.kind)
				}
				return
			}
			i = val.next
		}
		for i < len(v) && v[i] != ',' && v[i] != ')' && v[i] != ';' && v[i] != '\n' && i-from < insertReach {
			i++
			if v[i-1] == '(' && i < len(v) && v[i] == ')' {
				i++
			}
		}
		if i >= len(v) || v[i] != ',' {
			return
		}
		i++
	}
}

// lastWord is the value at v[i:] if it ends its line, or the text that its line
// stands in.
func lastWord(v string, i int) (value, bool) {
	if i >= len(v) {
		return value{}, false
	}
	var val value
	if q, slashes, w := quoteAt(v, i); w > 0 {
		val = quotedValue(v, i+w, q, slashes)
		if val.end == len(v) {
			return val, false
		}
	} else {
		val = bareValue(v, i, false)
	}
	return val, val.end > val.start && endsLine(v, val.next)
}

// endsLine says whether a line ends at v[i:], blanks aside, or what it is quoted
// in.
func endsLine(v string, i int) bool {
	if i < len(v) && (isQuote(v[i]) || v[i] == '&') {
		return true
	}
	if i = skipBlanks(v, i); i < len(v) && v[i] == ';' {
		if i++; i < len(v) && isQuote(v[i]) {
			return true
		}
	}
	return i >= len(v) || newlineAt(v, i) > 0 || v[i] == '\\' && quoteWidth(v, i) > 0 || strings.HasPrefix(v[i:], "</")
}

// startsLine says whether a line starts at v[i:], or what it is quoted in.
func startsLine(v string, i int) bool {
	i = backOverBlanks(v, i)
	return i == 0 || strings.IndexByte("\n\r\"'`>=:", v[i-1]) >= 0 || escapeBefore2(v, i)
}

// imapLogin handles IMAP's a1 LOGIN user x; at is behind the tag.
func (s *Scanner) imapLogin(v string, at, i int, kind kindID) {
	k := at
	for k > 0 && at-k < 12 && in(v[k-1], setAlnum) {
		k--
	}
	if k > 0 && k < at && escapeBefore(v, k) {
		k++
	}
	digit, lower, upper := shapes(v[k:at])
	if digit == 0 {
		return
	}
	i = skipBlanks(v, i)
	end := i
	if q, slashes, w := quoteAt(v, i); w > 0 {
		end = quotedValue(v, i+w, q, slashes).next
	} else {
		for end < len(v) && end-i < 128 && !in(v[end], setSpace) && !isQuote(v[end]) {
			end++
		}
	}
	s.spend(end - k)
	j := skipBlanks(v, end)
	if j == end {
		return
	}
	val, last := lastWord(v, j)
	if text := v[val.start:val.end]; last && (lower+upper > 0 || comparable(text)) {
		s.taken(v, val, kind)
	}
}

// smtpAuth handles the answer to SMTP's 334 Password:, on the next line, and
// AUTH PLAIN x.
func (s *Scanner) smtpAuth(v string, i int, kind kindID) {
	if w := newlineAt(v, i); w > 0 {
		i += w
		// Who speaks: "C: ", "> ", a time.
		for n := 0; n < 3; n++ {
			end := i
			for end < len(v) && end-i < 32 && !in(v[end], setSpace) {
				end++
			}
			if end >= len(v) || v[end] != ' ' || newlineAt(v, end) > 0 {
				break
			}
			i = end + 1
		}
	}
	end := run(v, i, setBase64)
	for end < len(v) && v[end] == '=' {
		end++
	}
	s.spend(end - i)
	if end-i < minSecret || !isPrintableBase64(v[i:end]) || end < len(v) && !in(v[end], setSpace) && !isQuote(v[end]) && v[end] != '\\' {
		return
	}
	s.add(i, end, kind, decodeNone)
	s.valueEnd = max(s.valueEnd, end)
}

// isPrintableBase64 says whether v decodes to text, NULs aside.
func isPrintableBase64(v string) bool {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "="))
	if err != nil || len(raw) == 0 {
		return false
	}
	for _, c := range raw {
		if c < 0x20 && c != 0 || c >= 0x7f {
			return false
		}
	}
	return true
}

// saslMap handles Postfix's [host]:587 user:x.
func (s *Scanner) saslMap(v string, i int, kind kindID) {
	i = skipBlanks(v, i)
	end := i
	for end < len(v) && end-i < 256 && !in(v[end], setSpace) && !isQuote(v[end]) && newlineAt(v, end) == 0 {
		end++
	}
	s.spend(end - i)
	if colon := strings.IndexByte(v[i:end], ':'); colon > 0 && (v[i-1] == ' ' || endsLine(v, end)) {
		s.taken(v, value{start: i + colon + 1, end: end, next: end}, kind)
	}
}

// redisAuth handles AUTH x and AUTH user x, as typed and as MONITOR shows it.
func (s *Scanner) redisAuth(v string, at, i int, l *literal) {
	quoted := l.text != "AUTH "
	if quoted {
		at--
	}
	if at < 0 || quoted && v[at] != '"' || !quoted && !startsLine(v, at) {
		return
	}
	i = skipBlanks(v, i)
	val, last := lastWord(v, i)
	named := false
	if !last {
		if val.end == val.start {
			return
		}
		named = v[val.start:val.end] == "default"
		j := skipBlanks(v, val.next)
		if j == val.next {
			return
		}
		if val, last = lastWord(v, j); !last {
			return
		}
	}
	s.spend(val.end - at)
	if quoted || named || comparable(v[val.start:val.end]) {
		s.taken(v, val, l.kind)
	}
}

// expectSend handles send "x\r": the answer to a question for a password, or
// what cannot be a command.
func (s *Scanner) expectSend(v string, at, i int, kind kindID) {
	slashes := 0
	for k := i - 2; k >= 0 && v[k] == '\\'; k-- {
		slashes++
	}
	val := quotedValue(v, i, '"', slashes)
	s.spend(val.end - at)
	end := val.end
	if !strings.HasSuffix(v[val.start:end], `\r`) || val.end-val.start > 130 {
		return
	}
	for end -= 2; end > val.start && v[end-1] == '\\'; {
		end--
	}
	val.end, val.escaped = end, false
	text := v[val.start:val.end]
	if strings.ContainsAny(text, " \t") {
		return
	}
	asked := false
	before := v[max(0, at-tagReach):at]
	s.spend(len(before))
	for _, w := range [...]string{"assword", "assphrase", "asswort"} {
		if k := strings.LastIndex(before, w); k >= 0 && strings.Count(before[k:], "send") == 0 {
			asked = true
		}
	}
	digit, lower, upper := shapes(text)
	if asked || len(text) >= 8 && digit > 0 && lower > 0 && upper > 0 {
		s.taken(v, val, kind)
	}
}

// userSlash handles "log in with bob / x".
func (s *Scanner) userSlash(v string, i int, kind kindID) {
	end := run(v[:min(len(v), i+64)], i, setName)
	slash := skipBlanks(v, end)
	if end == i || slash >= len(v) || v[slash] != '/' {
		return
	}
	j := skipBlanks(v, slash+1)
	if j >= len(v) || (j == slash+1) != (slash == end) {
		return
	}
	val := bareValue(v, j, false)
	s.spend(val.end - i)
	if comparable(strings.TrimRight(v[val.start:val.end], ".,;:!?)")) {
		for strings.IndexByte(".,;:!?)", v[val.end-1]) >= 0 {
			val.end--
		}
		s.taken(v, val, kind)
	}
}

// oneTimeCode handles "verification code is 123456"; at is behind the words
// that say which code.
func (s *Scanner) oneTimeCode(v string, at, i int, kind kindID) {
	if !precededBy(v, at, "verification", "security", "login", "one-time", "confirmation", "authentication", "sms", "2fa", "mfa", "otp", "passwordless", "sign-in", "access") {
		return
	}
	end := run(v[:min(len(v), i+12)], i, setDigit)
	if end-i < 4 || end-i > 10 || end < len(v) && (in(v[end], setName) && v[end] != '.' || v[end] == ':') {
		return
	}
	s.add(i, end, kind, decodeNone)
	s.valueEnd = max(s.valueEnd, end)
}

// oauthCode handles the authorization code of a redirect and of a form.
func (s *Scanner) oauthCode(v string, i int, kind kindID) {
	end := s.runEnd(v, i, setOpaque)
	text := v[i:end]
	if len(text) < 16 || len(text) > 2048 {
		return
	}
	digit, lower, upper := shapes(text[:min(len(text), 256)])
	if digit == 0 || lower+upper == 0 {
		return
	}
	s.taken(v, value{start: i, end: end, next: end, percent: strings.IndexByte(text, '%') >= 0}, kind)
}

// mnemonic handles the words that a wallet is restored from: twelve or more,
// small letters only, behind the name v[:i] ends with.
func (s *Scanner) mnemonic(v string, i int, kind kindID) {
	start := i
	for start < len(v) && start-i < 24 && (strings.IndexByte("\"'`\\ \t:=", v[start]) >= 0 || strings.HasPrefix(v[start:], "is ") || strings.HasPrefix(v[start:], "s ")) {
		start++
	}
	end, words := start, 0
	for j := start; j < len(v); {
		to := run(v[:min(len(v), j+12)], j, setLower)
		if to-j < 3 || to-j > 8 || to < len(v) && in(v[to], setAlnum) {
			break
		}
		end, j = to, to
		if words++; words > 48 {
			break
		}
		for j < len(v) && (v[j] == ' ' || v[j] == ',') {
			j++
		}
		if j == to {
			break
		}
	}
	s.spend(end - i)
	if words >= 12 && words%3 == 0 {
		s.add(start, end, kind, decodeNone)
		s.valueEnd = max(s.valueEnd, end)
	}
}
