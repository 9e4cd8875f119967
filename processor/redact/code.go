// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// Program text assigns expressions to names that sound secret. They are no
// secrets: token = self.token, apiKey: apiKey, secret: string.

// typeNames stand where a declaration says what a name holds.
var typeNames = map[string]bool{
	"str": true, "string": true, "String": true, "bytes": true, "int": true, "bool": true, "any": true, "object": true, "float": true,
	"number": true, "boolean": true, "byte": true, "char": true, "Optional": true, "interface": true, "error": true,
}

// isExpression says whether the unquoted value of a name is code rather than a
// text: a path of identifiers that ends as the name does, or in a name that is
// sensitive itself, a call, a type, or nothing but brackets.
func isExpression(v string, val value, name string) bool {
	text := strings.TrimRight(v[val.start:val.end], ",;")
	if text == "" || len(text) > 128 {
		return false
	}
	if strings.Trim(text, "[]{}()") == "" || strings.HasPrefix(text, "[]byte(") {
		return true
	}
	if text[0] == '$' {
		return strings.Contains(text, "->") // $self->{token}
	}
	end := 0
	for end < len(text) && (in(text[end], setAlnum) && !in(text[end], setDigit) || text[end] == '_' || text[end] == '.') {
		end++
	}
	path := text[:end]
	switch {
	case end == 0 || path[0] == '.':
		return false
	case end < len(text) && text[end] == '(':
		return true
	case end < len(text):
		return false
	case typeNames[path]:
		return true
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	if len(last) < 3 {
		return false
	}
	var a, b [maxName]byte
	want, got := normalise(a[:0], name[max(0, len(name)-maxName/2):]), normalise(b[:0], last[max(0, len(last)-maxName/2):])
	same := hasSuffix(want, string(got)) || hasSuffix(got, string(want))
	return same && (len(path) > len(last) || !in(path[0], setUpper))
}

// typedValue is where the value stands in a declaration with a type: string =
// "x" at v[i:]. It is i if it is none.
func typedValue(v string, i int) int {
	end := run(v[:min(len(v), i+16)], i, setAlnum)
	if end == i || !typeNames[v[i:end]] {
		return i
	}
	j := skipBlanks(v, end)
	if j >= len(v) || v[j] != '=' || j+1 < len(v) && v[j+1] == '=' {
		return i
	}
	if j = skipBlanks(v, j+1); j < len(v) && isQuote(v[j]) {
		return j
	}
	return i
}

// isPackage says whether name:value is a package and its architecture, or a
// version: python3-jwt:amd64.
func isPackage(v string, start int, val value) bool {
	switch strings.TrimRight(v[val.start:val.end], ",;)") {
	case "all", "any", "amd64", "arm64", "armhf", "armel", "i386", "s390x", "ppc64el", "riscv64", "noarch", "x86_64", "native":
		return true
	}
	// A line of a test's summary: PASS: TestFoo, pass: TestFoo (0.01s)
	if strings.HasPrefix(v[start:], "pass: Test") && val.next+1 < len(v) && v[val.next] == ' ' && v[val.next+1] == '(' {
		return true
	}
	if strings.HasPrefix(v[start:], "PASS:") {
		text := v[val.start:val.end]
		digit, lower, upper := shapes(text)
		return digit == 0 || lower == 0 || upper == 0 && strings.ContainsAny(text, "-/._") || strings.HasPrefix(text, "Test")
	}
	return false
}
