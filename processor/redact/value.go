// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// value is a value found in free text after a name.
type value struct {
	start, end int // without quotes
	next       int // behind the closing quote
	quoted     bool
	percent    bool // the value is percent-encoded
	escaped    bool // the value holds backslash escapes
}

// quoteAt reads an opening quote at i: a quote character behind any number of
// backslashes, as nested JSON and shells write it. width is 0 if there is none.
func quoteAt(v string, i int) (q byte, slashes, width int) {
	j := i
	for j < len(v) && v[j] == '\\' {
		j++
	}
	if j < len(v) && (v[j] == '"' || v[j] == '\'' || v[j] == '`') {
		if j == i && doubledAt(v, j) {
			return v[j], 0, 2
		}
		return v[j], j - i, j - i + 1
	}
	return 0, 0, 0
}

// doubledAt says whether the quote at v[i] is doubled, as YAML, SQL and CSV
// write it between quotes of its kind, rather than one of an empty pair.
func doubledAt(v string, i int) bool {
	return i+2 < len(v) && v[i+1] == v[i] && v[i] != '`' && v[i+2] > ' ' && strings.IndexByte("\"'`,;.)]}&|<>:=\\/", v[i+2]) < 0
}

// newlineAt is the width of a line end at v[i:], real or escaped at any level.
func newlineAt(v string, i int) int {
	j := i
	for j < len(v) {
		switch v[j] {
		case '\r', '\n':
			j++
			if v[j-1] == '\n' {
				return j - i
			}
			continue
		case '\\':
			k := j
			for k < len(v) && v[k] == '\\' && k-j < 16 {
				k++
			}
			if k < len(v) && v[k] == 'n' {
				return k + 1 - i
			}
			if k < len(v) && v[k] == 'r' {
				j = k + 1
				continue
			}
		}
		break
	}
	return j - i
}

// quotedValue is the value whose opening quote ended at i. The closing quote
// is the next one behind no more backslashes than the opening one; without
// one (the text was cut), everything up to the end is taken.
func quotedValue(v string, i int, q byte, slashes int) value {
	val := value{start: i, quoted: true}
	doubled := slashes == 0 && i >= 2 && v[i-1] == q && v[i-2] == q && doubledAt(v, i-2)
	for j := i; j < len(v); {
		switch v[j] {
		case q:
			val.end, val.next = j, j+1
			if doubled && j+1 < len(v) && v[j+1] == q {
				val.next++
			}
			return val
		case '\\':
			k := j
			for k < len(v) && v[k] == '\\' {
				k++
			}
			if k < len(v) && v[k] == q {
				if q == '\'' && slashes == 0 || k-j <= slashes {
					// A shell's single quotes know no escapes.
					end := k - min(k-j, slashes)
					val.end, val.next = end, k+1
					return val
				}
				k++
			}
			val.escaped = true
			j = k
		default:
			j++
		}
	}
	val.end, val.next = len(v), len(v)
	return val
}

// bareValue is the unquoted value at i. It ends at white space, quotes, shell
// operators and closing brackets that it did not open.
func bareValue(v string, i int, query bool) value {
	val := value{start: i}
	var round, square, curly int
	j := i
	if j < len(v) && v[j] == '<' {
		// <redacted>, or a secret dressed like it.
		if n := strings.IndexByte(v[j:min(len(v), j+64)], '>'); n > 0 && !strings.ContainsAny(v[j+1:j+n], " \t\n\"'</") {
			j += n + 1
			if j == len(v) || !in(v[j], setOpaque) {
				val.end, val.next = j, j
				return val
			}
			// It goes on: no placeholder, whatever it begins with.
		}
	}
scan:
	for j < len(v) {
		switch c := v[j]; c {
		case '"', '\'':
			if n := joinedQuote(v, i, j); n > j {
				j = n
				continue
			}
			break scan
		case ' ', '\t', '\n', '\r', '`', ';', '|', '<', '>', 0:
			break scan
		case '&':
			break scan
		case '\\':
			if j+1 < len(v) {
				switch v[j+1] {
				case '"', '\'', 'n', 'r', 't', '\\', '\n':
					break scan
				case ' ':
					j++ // a shell's escaped space
				}
			}
		case '#':
			if query {
				break scan
			}
		case '%':
			if _, ok := percentAt(v, j); ok {
				val.percent = true
			}
		case ',':
			if j+1 >= len(v) || endsAtComma(v, j+1) {
				break scan
			}
		case '(':
			round++
		case '[':
			square++
		case '{':
			curly++
		case ')':
			if round--; round < 0 {
				// Between letters it belongs to the value: nothing goes on
				// like that behind a call.
				if j+1 >= len(v) || !goesOn(v[j+1]) {
					break scan
				}
				round = 0
			}
		case ']':
			if square--; square < 0 {
				if j+1 >= len(v) || !goesOn(v[j+1]) {
					break scan
				}
				square = 0
			}
		case '}':
			if curly--; curly < 0 {
				if j+1 >= len(v) || !goesOn(v[j+1]) {
					break scan
				}
				curly = 0
			}
		}
		j++
	}
	val.end, val.next = j, j
	return val
}

// goesOn says whether c, behind a closing bracket that a value did not open,
// belongs to the value still: no program text goes on like that.
func goesOn(c byte) bool { return in(c, setAlnum) || strings.IndexByte("-_!@#$%^*+~", c) >= 0 }

// joinedQuote handles a quote in the middle of a bare value, as a shell joins
// it: abc"def"ghi. It is the end of the quoted part, or 0 if the quote at j
// closes one that was opened before the value, or cannot be told to open one.
func joinedQuote(v string, i, j int) int {
	const reach = 256
	if j == i || j-i > reach {
		return 0
	}
	q, open := v[j], false
	k := i
	for k > 0 && v[k-1] != '\n' {
		if i-k > reach {
			return 0
		}
		k--
		if v[k] == q {
			open = !open
		}
	}
	if open {
		return 0
	}
	end := strings.IndexByte(v[j+1:min(len(v), j+reach)], q)
	if end < 0 || strings.ContainsAny(v[j+1:j+1+end], "\n,:=") {
		return 0
	}
	return j + 1 + end + 1
}

// joinedTo is where a word ends that goes on right behind a quoted part of it,
// as a shell joins 'a'"b"c: i is where its first quote stands, j behind the quote
// that closed. It is j where nothing is joined.
func (s *Scanner) joinedTo(v string, i, j int) int {
	from := j
	for j < len(v) && j-from < 1024 {
		switch c := v[j]; {
		case c == '"' || c == '\'':
			n := joinedQuote(v, i, j)
			if n == 0 {
				s.spend(j - from)
				return j
			}
			j = n
		case c == '\\' && j+1 < len(v) && v[j+1] == '\'':
			j += 2 // a shell's way to write a single quote: 'a'\''b'
		case in(c, setAlnum):
			j++
		default:
			s.spend(j - from)
			return j
		}
	}
	s.spend(j - from)
	return j
}

// endsAtComma says whether a comma before v[i:] separates fields: white space,
// a quote or another name=value follows.
func endsAtComma(v string, i int) bool {
	if in(v[i], setSpace) || v[i] == '"' || v[i] == '\'' {
		return true
	}
	j := i
	for j < len(v) && j-i < 40 && in(v[j], setName) {
		j++
	}
	return j > i && j < len(v) && (v[j] == '=' || v[j] == ':')
}

// lineValue is everything up to the end of the line or the quote around it:
// the value of a header.
func lineValue(v string, i int) value {
	val := value{start: i}
	j := i
scan:
	for j < len(v) {
		switch v[j] {
		case '\n', '\r', '"', '\'', '`':
			break scan
		case '\\':
			if j+1 < len(v) && (v[j+1] == 'n' || v[j+1] == 'r' || v[j+1] == '"' || v[j+1] == '\\') {
				break scan
			}
		}
		j++
	}
	val.end, val.next = j, j
	for val.end > i && in(v[val.end-1], setSpace) {
		val.end--
	}
	return val
}

// placeholderWords stand for a value that is not there.
var placeholderWords = map[string]bool{
	"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "null": true, "nil": true,
	"none": true, "undefined": true, "redacted": true, "masked": true, "hidden": true, "removed": true,
	"sensitive": true, "empty": true, "unset": true, "required": true, "optional": true, "n/a": true,
	"enabled": true, "disabled": true, "filtered": true, "secured": true, "protected": true, "stdin": true,
	"strict": true, "default": true, "[filtered]": true, "[redacted]": true, "[masked]": true, "(redacted)": true,
	"(hidden)": true, "(sensitive)": true, "(none)": true,
}

// isPlaceholder says whether v stands for a secret without being one: a
// variable, a template, stars, a marker.
func (s *Scanner) isPlaceholder(v string) bool {
	if v == "" {
		return true
	}
	switch v[0] {
	case '$':
		return isVariable(v)
	case '{':
		if end := len(v) - 1; v[end] == '}' && end > 1 && allIn(v[1:end], setName) {
			// A format's {self.api_token}; {x} is a password as ODBC quotes it.
			return s.r.classifyName(v[1:end]).kind != kindNone
		}
		return strings.HasPrefix(v, "{{") && strings.HasSuffix(v, "}}") && !strings.ContainsAny(v, `"'`)
	case '%':
		// %NAME% of a Windows shell; %s of a format.
		if len(v) == 2 {
			return in(v[1], setLower)
		}
		return len(v) > 2 && v[len(v)-1] == '%' && allIn(v[1:len(v)-1], setWord) && !in(v[1], setDigit)
	case '<':
		return v[len(v)-1] == '>' && plainWords(v[1:len(v)-1])
	case '[':
		if s.isMarker(v) {
			return true
		}
	case '*', '.', '-', '#':
		if repeats(v) {
			return true
		}
	case 'x', 'X':
		if len(v) >= 3 && repeats(v) {
			return true
		}
	case '`':
		return len(v) > 1 && v[len(v)-1] == '`'
	}
	if strings.HasPrefix(v, "self.") || strings.HasPrefix(v, "this.") {
		return allIn(v, setName) // a field of an object in code
	}
	if strings.HasPrefix(v, "\xe2\x80\xa2") {
		return strings.Trim(v, "\u2022") == ""
	}
	if isNotice(v) || strings.HasSuffix(v, "****')") || strings.HasSuffix(v, `****")`) {
		return true
	}
	if len(v) <= 12 {
		var buf [12]byte
		for i := 0; i < len(v); i++ {
			buf[i] = fold(v[i])
		}
		return placeholderWords[string(buf[:len(v)])]
	}
	return false
}

// isNotice: HIDDEN_DUE_TO_SECURITY_REASONS, as services write it.
func isNotice(v string) bool {
	if len(v) < 12 || len(v) > 64 || strings.Count(v, "_")+strings.Count(v, " ") < 2 {
		return false
	}
	for i := 0; i < len(v); i++ {
		if !in(v[i], setUpper) && v[i] != '_' && v[i] != ' ' {
			return false
		}
	}
	for _, w := range [...]string{"HIDDEN", "REDACTED", "MASKED", "REMOVED", "OMITTED"} {
		if strings.HasPrefix(v, w) || strings.HasSuffix(v, w) {
			return true
		}
	}
	return false
}

// isVariable: $NAME, ${NAME}, $(command …, $env:NAME, ${{ expression }}. A
// default inside (${NAME:-secret}) makes it a value.
func isVariable(v string) bool {
	if len(v) < 2 {
		return true
	}
	switch c := v[1]; {
	case c == '(':
		return true
	case c == '{':
		if strings.HasPrefix(v, "${{") {
			return strings.HasSuffix(v, "}}") && !strings.ContainsAny(v, `"'`)
		}
		end := strings.IndexByte(v, '}')
		if end < 0 {
			end = len(v)
		} else if end != len(v)-1 {
			return false
		}
		name := strings.TrimSuffix(v[2:end], ":-") // no default after all
		return allIn(name, setName) && len(name) < 64
	case in(c, setWord) && !in(c, setDigit):
		if strings.HasPrefix(v, "$env:") {
			v = v[4:]
		}
		return allIn(v[1:], setWord) && len(v) < 64
	}
	return false
}

// plainWords: letters, spaces, dashes, underscores: "your token here".
func plainWords(v string) bool {
	for i := 0; i < len(v); i++ {
		if !in(v[i], setAlnum) && v[i] != ' ' && v[i] != '-' && v[i] != '_' && v[i] != '.' || in(v[i], setDigit) {
			return false
		}
	}
	return len(v) < 48
}

func repeats(v string) bool {
	for i := 1; i < len(v); i++ {
		if v[i] != v[0] {
			return false
		}
	}
	return true
}

// isPath says whether v names a file, which is where a secret is kept rather
// than a secret. A path must look like one: a secret may begin with a slash.
func isPath(v string) bool {
	if len(v) > 256 || strings.ContainsAny(v, " \t\n\"'=+@!#$%^&*") {
		return false
	}
	switch {
	case strings.HasPrefix(v, "file:"), strings.HasPrefix(v, "env:") && allIn(v[4:], setWord), strings.HasPrefix(v, "fd:") && allIn(v[3:], setDigit):
		return true
	case strings.HasPrefix(v, "~/"), strings.HasPrefix(v, "./"), strings.HasPrefix(v, "../"):
		return true
	case strings.HasPrefix(v, `C:\`), strings.HasPrefix(v, `c:\`):
		return true
	case v[0] == '/':
		for _, root := range [...]string{"/run/", "/etc/", "/var/", "/home/", "/root/", "/opt/", "/usr/", "/tmp/", "/mnt/", "/srv/", "/proc/", "/dev/", "/Users/", "/secrets/", "/vault/", "/app/", "/data/", "/bin/", "/sys/"} {
			if strings.HasPrefix(v, root) || v == root[:len(root)-1] {
				return true
			}
		}
	}
	for _, ext := range [...]string{".pem", ".key", ".crt", ".cer", ".p12", ".pfx", ".jks", ".json", ".yaml", ".yml", ".txt", ".pub", ".env", ".asc", ".gpg", ".toml", ".cfg", ".conf", ".ini"} {
		if strings.HasSuffix(v, ext) && len(v) > len(ext) && !strings.ContainsAny(v, "\\:;,") {
			return strings.IndexByte(v, '/') >= 0 || len(v) < 40
		}
	}
	return false
}

// isReference says whether v points to where a secret is kept: an ARN, a
// Kubernetes or Vault path with a scheme.
func isReference(v string) bool {
	for _, scheme := range [...]string{"arn:", "vault:", "op://", "ref+", "awssm:", "gcpsm:", "sm://", "secretref:", "projects/"} {
		if hasFoldPrefix(v, scheme) {
			return !strings.ContainsAny(v, " \t\n\"'") && len(v) < 256
		}
	}
	return false
}

// harmless says whether v, found where a secret of this kind would stand, is
// left alone.
func (s *Scanner) harmless(v string, kind kindID) bool {
	if s.isPlaceholder(v) || s.keptID(v) || kind == kindCredential && s.isKeyIDScope(v) {
		return true
	}
	if kind == kindAWSSecretKey || kind == kindAWSSessionToken {
		return false // base64 may look like a path
	}
	return isPath(v) || isReference(v)
}
