// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// maxLocal and maxDomain bound an e-mail address. RFC 5321 says 64 and 255;
// list servers write longer local parts.
const (
	maxLocal  = 128
	maxDomain = 255
)

// email looks at the '@' that stands at v[at:], width bytes wide, and returns
// where to go on.
func (s *Scanner) email(v string, at, width int) int {
	behind := at + width
	start := localStart(v, max(s.pii.floor, at-maxLocal), at)
	if start == at || v[at-1] == '.' {
		return behind
	}
	end := domainEnd(v, behind)
	if end == 0 || at < s.pii.authEnd && at == s.pii.authAt {
		return behind // no domain, or the user of a URL: https://bob@example.com/
	}
	if noAddress(v[start:at], v[behind:end]) || isRemotePath(v[end:]) || s.isRemote(v, start, end) {
		return end
	}
	return s.record(start, end, kindEmail)
}

// localStart is where the local part that ends at end starts, floor at the
// earliest. What else RFC 5322 allows in one is left out: in a log, a '=' or a
// '/' stands before an address, not in it.
func localStart(v string, floor, end int) int {
	i := end
	for i > floor {
		c := v[i-1]
		if in(c, setDotToken) || c == '+' || c == '\'' || c == '~' || c == '%' {
			i--
			continue
		}
		if i-2 >= floor && isLetter2(v[i-2], c) {
			i -= 2
			continue
		}
		break
	}
	for i < end && strings.IndexByte(".-+'~%", v[i]) >= 0 {
		i++
	}
	return i
}

// isLetter2 says whether a and b are a letter of the Latin, Greek or Cyrillic
// script in UTF-8. Scripts that write without spaces are left out: what stands
// before an address there does not belong to it.
func isLetter2(a, b byte) bool { return a >= 0xc3 && a <= 0xd4 && b >= 0x80 && b < 0xc0 }

// domainEnd is the end of the domain at v[i:], or 0. It has two labels at
// least, and the last is of letters: example.com, and of example.com.2 as much.
func domainEnd(v string, i int) int {
	from, end := i, 0
	for labels := 1; ; labels++ {
		start, letters := i, true
		for i < len(v) {
			c := v[i]
			if in(c, setAlnum) || c == '-' {
				letters = letters && in(c, setUpper|setLower)
				i++
			} else if i+1 < len(v) && isLetter2(c, v[i+1]) {
				i += 2
			} else {
				break
			}
		}
		if i == start || i-from > maxDomain {
			return end
		}
		if labels > 1 && i-start >= 2 {
			if dash := strings.IndexByte(v[start:i], '-'); letters || hasFoldPrefix(v[start:i], "xn--") {
				end = i
			} else if dash >= 2 && allIn(v[start:start+dash], setUpper|setLower) {
				return start + dash // bob@example.com-backup
			}
		}
		if i+1 >= len(v) || v[i] != '.' {
			return end
		}
		i++
	}
}

// noTLD are endings of names that look like addresses and are files or units:
// icon@2x.png, getty@tty1.service. None is a top-level domain.
var noTLD = map[string]bool{
	"service": true, "socket": true, "timer": true, "mount": true, "automount": true, "slice": true, "target": true, "scope": true,
	"device": true, "swap": true, "path": true, "conf": true, "png": true, "jpg": true, "jpeg": true, "gif": true, "svg": true,
	"webp": true, "css": true, "js": true, "json": true, "xml": true, "yaml": true, "yml": true, "html": true, "htm": true, "txt": true,
	"log": true, "tgz": true, "gz": true, "tar": true, "jar": true, "exe": true, "dll": true, "class": true,
}

// noPerson are domains whose addresses name no person: service accounts, and
// the names of ciphers.
var noPerson = []string{"gserviceaccount.com", "openssh.com", "libssh.org", "lysator.liu.se"}

// noAddress says whether local@domain looks like an address and is none.
func noAddress(local, domain string) bool {
	if local == "git" {
		return true // git@github.com:owner/repository
	}
	dot := strings.IndexByte(domain, '.')
	first, next := domain[:dot], domain[dot+1]
	if in(next, setDigit) && strings.Trim(first, "v0123456789") == "" {
		return true // a version: package@1.2.3-rc
	}
	var buf [16]byte
	if tld := domain[strings.LastIndexByte(domain, '.')+1:]; len(tld) <= len(buf) && noTLD[string(normalise(buf[:0], tld))] {
		return true
	}
	for _, d := range noPerson {
		if n := len(domain) - len(d); n == 0 || n > 0 && domain[n-1] == '.' {
			if equalFold(domain[n:], d) {
				return true
			}
		}
	}
	return false
}

// isRemotePath says whether rest goes on as scp and rsync write a path on
// another host: bob@host.example.com:/srv.
func isRemotePath(rest string) bool {
	return len(rest) > 1 && rest[0] == ':' && (rest[1] == '/' && !strings.HasPrefix(rest, "://") || rest[1] == '~')
}

// colon looks at the colon at v[i:]: of a URL's scheme, or in an IPv6 address.
func (s *Scanner) colon(v string, i int) int {
	if strings.HasPrefix(v[i:], "://") && i >= s.pii.authEnd {
		s.authority(v, i+3)
		return i + 3
	}
	if s.r.pii.on(kindIP) && i >= s.pii.v6End {
		return s.ipv6(v, i)
	}
	return i + 1
}

// authority finds the end of the user of a URL whose authority starts at v[i:].
// What stands behind the last '@' there is a host.
func (s *Scanner) authority(v string, i int) {
	at := -1
	for ; i < len(v); i++ {
		c := v[i]
		if c == '@' {
			at = i
		} else if c <= ' ' || strings.IndexByte("/?#\"'<>`\\,;|(){}[]", c) >= 0 {
			break
		}
	}
	s.pii.authEnd, s.pii.authAt = i, at
}
