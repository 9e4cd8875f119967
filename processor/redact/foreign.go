// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// foreignWords are what a password is called elsewhere, lower case. Those of
// ASCII letters are also names of keys, in names.go; passwort, passord and the
// like hold "pass" and need no literal.
var foreignWords = []string{
	"contrasena", "contraseña", "clave de acceso", "mot de passe", "mot_de_passe", "motdepasse", "senha", "wachtwoord", "kennwort",
	"hasło", "haslo", "heslo", "parola", "salasana", "lösenord", "losenord", "adgangskode", "jelszó", "jelszo", "lozinka", "şifre",
	"mật khẩu", "пароль", "парола", "лозинка", "κωδικός πρόσβασης", "סיסמה", "كلمة المرور", "رمز عبور",
	"密码", "密碼", "口令", "パスワード", "暗証番号", "비밀번호", "암호", "รหัสผ่าน", "पासवर्ड",
}

// foreignLiterals are the words in the three ways in which they are written
// with capitals. Letters beyond ASCII do not fold.
var foreignLiterals = func() []literal {
	var out []literal
	for _, w := range foreignWords {
		if isASCII(w) {
			out = append(out, literal{text: w, fold: true, rule: ruleForeign, kind: kindPassword})
			continue
		}
		r, n := utf8.DecodeRuneInString(w)
		title, upper := string(unicode.ToUpper(r))+w[n:], strings.ToUpper(w)
		for i, t := range [...]string{w, title, upper} {
			if i == 0 || t != w && (i == 1 || t != title) {
				out = append(out, literal{text: t, rule: ruleForeign, kind: kindPassword})
			}
		}
	}
	return out
}()

func isASCII(v string) bool {
	for i := 0; i < len(v); i++ {
		if v[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool { return in(c, setName) || c >= utf8.RuneSelf }

// foreignWord looks at what is assigned to the name that ends with the word at
// v[at:end].
func (s *Scanner) foreignWord(v string, at, end int) {
	if at < s.foreignEnd || at < s.valueEnd {
		return
	}
	start := at
	for start > 0 && start > s.foreignEnd && at-start < nameReach && isNameByte(v[start-1]) {
		start--
	}
	if start < at && in(v[at], setAlnum) && !wordBoundaryBefore(v[start:end], end-at) {
		return // a word that only ends like it
	}
	if start > 0 && start < at && escapeBefore(v, start) {
		start++
	}
	for end < len(v) && (in(v[end], setDigit) || v[end] == '_') {
		end++
	}
	s.foreignEnd, s.nameEnd = end, max(s.nameEnd, end)
	if end >= len(v) || isNameByte(v[end]) && !wideColon(v[end:]) {
		return
	}
	flag := v[start] == '-'
	if wideColon(v[end:]) {
		i := skipBlanks(v, end+len("："))
		if q, slashes, w := quoteAt(v, i); w > 0 {
			s.addValue(v, quotedValue(v, i+w, q, slashes), kindPassword)
			return
		}
		val := bareValue(v, i, false)
		s.spend(val.end - i)
		if s.proseValue(v, start, val, kindPassword, false) {
			s.addValue(v, val, kindPassword)
		}
		return
	}
	s.assigned(v, start, end, flag, kindPassword, "password")
}

// wideColon: the colon and the equals sign of Chinese and Japanese type.
func wideColon(v string) bool { return strings.HasPrefix(v, "：") || strings.HasPrefix(v, "＝") }

// foreignName says whether a key name that is not of ASCII alone ends with a
// word for password.
func foreignName(name string) bool {
	var buf [maxName + utf8.UTFMax]byte
	lower := buf[:0]
	for _, r := range name {
		if len(lower) > maxName {
			return false
		}
		lower = utf8.AppendRune(lower, unicode.ToLower(r))
	}
	lower = bytes.TrimRight(lower, "0123456789_- ")
	for _, w := range foreignWords {
		if hasSuffix(lower, w) {
			return true
		}
	}
	return false
}
