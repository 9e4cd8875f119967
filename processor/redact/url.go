// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// maxAuthority bounds how far the user info of a URL is looked for.
const maxAuthority = 4096

// userInfo handles scheme://user:password@host; i is behind the "://".
func (s *Scanner) userInfo(v string, i int) {
	if i < len(v) && v[i] == '[' && s.markerLen(v[i:]) == 0 {
		return // an IPv6 address
	}
	limit := min(len(v), i+maxAuthority)
	end, at, colon := i, -1, -1
	asked, more := false, false
	opened := false // a '<' that the password begins with or holds
authority:
	for ; end < limit; end++ {
		switch v[end] {
		case '/', '?', '#':
			// A raw '/' may belong to the password: what stands between the
			// colon and here is a port, then, or it is not the end.
			if colon < 0 || at >= 0 || allIn(v[colon+1:end], setDigit) {
				break authority
			}
		case ' ', '\t', '\n', '\r', '"', '\'', '<', '>', '`', '\\', '|', ';', ',':
			if (v[end] == '<' || v[end] == '>') && at < 0 && colon >= 0 && (opened || dressedUserInfo(v[colon+1:limit], end-colon-1)) {
				opened = true
				continue
			}
			if v[end] == ';' || v[end] == ',' || v[end] == '|' {
				if at < 0 && !asked {
					asked, more = true, moreUserInfo(v[end:limit])
				}
				if at < 0 && more {
					continue
				}
			}
			break authority
		case '@':
			at = end
		case ':':
			if colon < 0 {
				colon = end
			}
		case '[':
			// A marker of ours, or an IPv6 address.
			if n := s.markerLen(v[end:]); n > 0 {
				end += n - 1
			} else if at >= 0 {
				break authority
			}
		}
	}
	s.spend(end - i)
	if at < 0 || strings.HasPrefix(v[at+1:], "sha256:") {
		return
	}
	if colon >= 0 && colon < at {
		if text := v[colon+1 : at]; text != "" && text != "x-oauth-basic" && text != "x" {
			if !s.isPlaceholder(text) && !isTemplate(text) {
				s.add(colon+1, at, kindURLPassword, decodePercent)
				s.valueEnd = max(s.valueEnd, at)
			}
			return
		}
		at = colon
	}
	// No password: the user itself may be the token.
	if user := v[i:at]; len(user) >= 20 && allIn(user, setOpaque) {
		if digit, lower, upper := shapes(user); digit > 0 && lower+upper > 0 {
			s.add(i, at, kindURLPassword, decodePercent)
			s.valueEnd = max(s.valueEnd, at)
		}
	}
}

// moreUserInfo says whether an '@' follows before any space or quote.
func moreUserInfo(v string) bool {
	at := strings.IndexByte(v, '@')
	return at >= 0 && !strings.ContainsAny(v[:at], " \t\n\r\"'<>`\\/")
}

// dressedUserInfo says whether v, which follows the colon behind a user, goes on
// to an '@' through the '<' at v[at:]: it is no tag behind a port.
func dressedUserInfo(v string, at int) bool {
	end := strings.IndexByte(v, '@')
	return end > at && !strings.ContainsAny(v[:end], " \t\n\r\"'`\\/") && (at == 0 || !allIn(v[:at], setDigit))
}

// isTemplate: :password@, ${…} and the like inside a URL.
func isTemplate(v string) bool {
	return v[0] == '{' && v[len(v)-1] == '}' && allIn(v[1:len(v)-1], setName)
}

// dsn handles user:password@tcp(host) as Go's MySQL driver writes it; at is
// where the '@' stands.
func (s *Scanner) dsn(v string, at int) {
	start := at
	for start > 0 && at-start < 256 && !in(v[start-1], setSpace) && !isQuote(v[start-1]) && v[start-1] != '=' && v[start-1] != '/' {
		start--
	}
	colon := strings.IndexByte(v[start:at], ':')
	if colon < 0 {
		return
	}
	if text := v[start+colon+1 : at]; text != "" && !s.isPlaceholder(text) {
		s.add(start+colon+1, at, kindURLPassword, decodeNone)
	}
}

// webhook takes the secret part of a webhook's path; i is behind the literal.
func (s *Scanner) webhook(v string, i int, kind kindID) {
	end := i
	for end < len(v) && end-i < 256 && (in(v[end], setToken) || v[end] == '/') {
		end++
	}
	path := v[i:end]
	if kind == kindSlackWebhook {
		sec, rest, ok := strings.Cut(path, "/")
		if !ok || sec != "services" && sec != "workflows" && sec != "triggers" {
			return
		}
		i += len(sec) + 1
		path = rest
	} else {
		id, rest, ok := strings.Cut(path, "/")
		if !ok || len(id) < 15 || !allIn(id, setDigit) {
			return
		}
		i += len(id) + 1
		path = rest
	}
	if len(path) >= 20 && strings.IndexFunc(path, func(r rune) bool { return '0' <= r && r <= '9' }) >= 0 {
		s.add(i, end, kind, decodeNone)
	}
}

// proxy handles user:password@host without a scheme, where a name or a flag
// says that it is a server; i is behind that.
func (s *Scanner) proxy(v string, i int) {
	for i < len(v) && (v[i] == ' ' || v[i] == '=' || v[i] == '\\' || isQuote(v[i])) {
		i++
	}
	colon, end := -1, i
	for end < len(v) && end-i < 256 && v[end] != '@' && !in(v[end], setSpace) && !isQuote(v[end]) && v[end] != '/' && v[end] != ',' && v[end] != ';' {
		if v[end] == ':' && colon < 0 {
			colon = end
		}
		end++
	}
	s.spend(end - i)
	if colon <= i || end >= len(v) || v[end] != '@' || end+1 >= len(v) || !in(v[end+1], setAlnum) {
		return
	}
	if text := v[colon+1 : end]; text != "" && !s.isPlaceholder(text) && !isTemplate(text) {
		s.add(colon+1, end, kindURLPassword, decodePercent)
		s.valueEnd = max(s.valueEnd, end)
	}
}
