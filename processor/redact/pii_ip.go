// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"net/netip"
	"strings"
)

// Truncated addresses keep so many bits.
const (
	v4Network = 24
	v6Network = 48
)

// parseIP is the address that text writes, an IPv4 address in an IPv6 one as
// the former.
func parseIP(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	return a.Unmap(), err == nil && a.Zone() == ""
}

// truncated is the network that a lies in.
func truncated(a netip.Addr) netip.Addr {
	bits := v6Network
	if a.Is4() {
		bits = v4Network
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.IPv6Unspecified() // a zone, which parseIP refuses
	}
	return p.Addr()
}

// ipv4 looks at the digits at v[i:], with a dot behind them. is says whether an
// address in dotted form stands there, whatever became of it, and end where to
// go on.
func (s *Scanner) ipv4(v string, i int) (end int, is bool) {
	var octets [4]byte
	at := i
	for k := range octets {
		stop := run(v[:min(len(v), at+4)], at, setDigit)
		n := 0
		for _, c := range []byte(v[at:stop]) {
			n = n*10 + int(c-'0')
		}
		if stop == at || n > 255 || stop-at > 1 && v[at] == '0' || k < 3 && (stop >= len(v) || v[stop] != '.') {
			return 0, false
		}
		octets[k], at = byte(n), stop+1
	}
	end = at - 1
	if end < len(v) && (wordByte(v[end]) || v[end] == '_' || v[end] == '.' && end+1 < len(v) && in(v[end+1], setDigit) ||
		v[end] == '-' && end+1 < len(v) && in(v[end+1], setUpper|setLower)) {
		return 0, false
	}
	if i > 0 && (wordByte(v[i-1]) || v[i-1] == '.' || v[i-1] == '-' && i > 1 && in(v[i-2], setUpper|setLower) && !s.aboutIP(v, i, end)) {
		return 0, false
	}
	a := netip.AddrFrom4(octets)
	if !s.ofSomebody(v, end, a) || s.isVersion(v, i, end, octets) {
		return end, true
	}
	return s.foundIP(v, i, end, a), true
}

// aboutIP says whether the words before v[i:end] say that it is an address.
func (s *Scanner) aboutIP(v string, i, end int) bool { return s.topicAt(v, i, end) == topicIP }

// isVersion says whether what has the form of an IPv4 address is the version of
// a program or an object identifier.
func (s *Scanner) isVersion(v string, i, end int, o [4]byte) bool {
	switch s.topicAt(v, i, end) {
	case topicIP:
		return false
	case topicVersion:
		return true
	}
	switch {
	case o[0] == 1 && o[1] == 3 && o[2] == 6 && o[3] == 1: // iso.org.dod.internet
		return true
	case o[0] == 2 && o[1] == 5 && (o[2] == 29 || o[2] == 4): // X.509's extensions and names
		return true
	}
	// Product/1.2.3.4, as a user agent writes it: a word that begins with a
	// capital letter, and not with a '/' as an element of a path does.
	if i > 1 && v[i-1] == '/' {
		j := i - 1
		for j > 0 && i-j < 40 && in(v[j-1], setToken) {
			j--
		}
		return j < i-1 && in(v[j], setUpper) && (j == 0 || v[j-1] != '/' && v[j-1] != '.')
	}
	return false
}

// ofSomebody says whether a may tell one host from others. The addresses that
// every host has, masks, and networks written with their length do not.
func (s *Scanner) ofSomebody(v string, end int, a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return false
	}
	most := v6Network
	if a.Is4() {
		most = v4Network
		if o := a.As4(); o[0] == 255 || o == [4]byte{169, 254, 169, 254} {
			return false // a netmask; where every machine of a cloud finds its metadata
		}
	}
	if end >= len(v) || v[end] != '/' {
		return true
	}
	stop := run(v[:min(len(v), end+4)], end+1, setDigit)
	bits := 0
	for _, c := range []byte(v[end+1 : stop]) {
		bits = bits*10 + int(c-'0')
	}
	if stop == end+1 || bits > most || stop < len(v) && wordByte(v[stop]) {
		return true
	}
	p, err := a.Prefix(bits)
	return err != nil || p.Addr() != a
}

// foundIP records the address at v[start:end], unless it is truncated already.
func (s *Scanner) foundIP(v string, start, end int, a netip.Addr) int {
	if s.r.pii.policy[kindIP-kindEmail] == PolicyTruncate {
		var buf [64]byte
		if string(truncated(a).AppendTo(buf[:0])) == v[start:end] {
			return end
		}
	}
	return s.record(start, end, kindIP)
}

// maxV6 is the longest spelling of an IPv6 address: with an IPv4 address in it.
const maxV6 = 45

// ipv6 looks at the colon at v[i:], the first of its run, and returns where to
// go on.
func (s *Scanner) ipv6(v string, i int) int {
	start := i
	for start > s.pii.floor && i-start < 5 && in(v[start-1], setHex) {
		start--
	}
	end := i
	for end < len(v) && (in(v[end], setHex) || v[end] == ':') {
		end++
	}
	colons := strings.Count(v[i:min(end, i+maxV6)], ":")
	if end < len(v) && v[end] == '.' && colons >= 2 {
		// An IPv4 address at its end, or a full stop.
		stop := end
		for stop < len(v) && (in(v[stop], setDigit) || v[stop] == '.') {
			stop++
		}
		for stop > end && v[stop-1] == '.' {
			stop--
		}
		if a, ok := parseIP(v[start:min(stop, start+maxV6)]); ok && stop-start <= maxV6 && a.IsValid() {
			end = stop
		}
	}
	s.pii.v6End = end
	if colons < 2 || end-start > maxV6+1 {
		return i + 1
	}
	if start > 0 && (wordByte(v[start-1]) || v[start-1] == '-' || v[start-1] == '_' || v[start-1] == '.') || end < len(v) && (wordByte(v[end]) || v[end] == '_') {
		return end
	}
	// "fe80::1: unreachable", "1::: x".
	if strings.HasSuffix(v[start:end], ":::") || v[end-1] == ':' && v[end-2] != ':' {
		end--
	}
	a, ok := parseIP(v[start:end])
	if !ok || !telling(v[start:end]) || !s.ofSomebody(v, end, a) {
		return max(end, i+1)
	}
	return s.foundIP(v, start, end, a)
}

// telling says whether text, which is an IPv6 address, is likely meant as one:
// "a::b" is a name in many languages. It has a digit, and two groups or one
// whole.
func telling(text string) bool {
	digits, groups, longest, n := 0, 0, 0, 0
	for i := 0; i <= len(text); i++ {
		if i == len(text) || text[i] == ':' {
			if n > 0 {
				groups++
			}
			longest, n = max(longest, n), 0
			continue
		}
		n++
		if in(text[i], setDigit) {
			digits++
		}
	}
	return digits > 0 && (groups >= 2 || longest == 4)
}
