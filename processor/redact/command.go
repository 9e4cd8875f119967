// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

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
