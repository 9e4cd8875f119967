// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// operand is a word of a command line that is a secret by its position:
// htpasswd -b file user x.
type operand struct {
	after string // a word that must stand before it, in any case; "" is the command itself
	skip  int    // words that stand between
	flag  byte   // a short flag without which there is none
	named bool   // the word before names what this one is: npm config set token x
	pair  bool   // user and password in one word
}

// step takes the next word of a command line. What is secret in it is
// word[from:to]; kindNone says that nothing is.
func (s *Scanner) step(st *argvState, word string) (from, to int, kind kindID) {
	c := st.cmd
	if c.slash != "" && len(word) > 1 && word[0] == '/' {
		return s.stepSlash(st, word)
	}
	if len(c.words) == 0 {
		return s.stepFlags(st, word)
	}
	if len(word) > 1 && word[0] == '-' {
		armed, pair := st.op != 0 && st.left == 0 && st.want != kindNone, st.op != 0 && st.pair
		st.pair = st.pair && !pair
		from, to, kind = s.stepFlags(st, word)
		if word[1] != '-' {
			s.operandFlags(st, word)
		}
		st.sure = st.sure || word == "--secret" // pulumi config set --secret name x
		if armed && st.want == kindNone && !st.pair {
			st.want = kindPassword // the flag stood between
		}
		st.pair = st.pair || pair
		return from, to, kind
	}
	if c.passes(word) {
		return 0, 0, kindNone
	}
	wanted, pair := st.want != kindNone, st.pair
	from, to, kind = s.stepFlags(st, word)
	if wanted || pair {
		st.op = 0
		return from, to, kind
	}
	s.countOperand(st, word)
	return from, to, kind
}

// passes says whether a word is no operand of a command of Windows: a flag, a
// share, a drive.
func (c *command) passes(word string) bool {
	return c != nil && c.slash != "" && (word == "" || word[0] == '/' || word[0] == '\\' || word[len(word)-1] == ':')
}

// start begins with a command: an operand may be its first word.
func (s *Scanner) start(c *command) argvState {
	st := argvState{cmd: c}
	for i := range c.words {
		if w := &c.words[i]; w.after == "" {
			st.op, st.left = uint8(i+1), int8(w.skip)
			st.shown = w.flag == 0
			s.arm(&st, w)
		}
	}
	return st
}

// arm makes the next word the operand if none stands between.
func (s *Scanner) arm(st *argvState, w *operand) {
	if st.left > 0 || !st.shown || w.named {
		return
	}
	if w.pair {
		st.pair = true
	} else {
		st.want = kindPassword
	}
}

// countOperand counts a word that is no flag.
func (s *Scanner) countOperand(st *argvState, word string) {
	c := st.cmd
	for i := range c.words {
		if w := &c.words[i]; w.after != "" && len(word) == len(w.after) && equalFold(word, w.after) {
			st.op, st.left, st.shown = uint8(i+1), int8(w.skip), w.flag == 0
			s.arm(st, w)
			return
		}
	}
	if st.op == 0 {
		return
	}
	w := &c.words[st.op-1]
	if w.named && hasFoldPrefix(word, "http-basic.") {
		// composer config http-basic.host user x
		st.want, st.op, st.shown = kindNone, 0, true
		for i := range c.words {
			if c.words[i].after == "http-basic" {
				st.op, st.left = uint8(i+1), 1
			}
		}
		return
	}
	if w.named {
		st.op = 0
		if st.sure {
			st.want = kindSecret
		} else if k := s.classify(strings.Trim(word, `'":`)).kind; k != kindNone && k != kindAuthorization && k != kindCookie {
			st.want = k
		}
		return
	}
	if st.left > 0 {
		st.left--
	}
	s.arm(st, w)
}

// operandFlags notes the short flags on which an operand depends.
func (s *Scanner) operandFlags(st *argvState, word string) {
	if st.op == 0 {
		return
	}
	w := &st.cmd.words[st.op-1]
	if w.flag == 0 || strings.IndexByte(word, w.flag) < 0 {
		return
	}
	st.shown = true
	if st.cmd.name == "htpasswd" && strings.IndexByte(word, 'n') > 0 && st.left > 0 {
		st.left-- // to standard output: no file
	}
	s.arm(st, w)
}

// stepSlash takes a flag of Windows.
func (s *Scanner) stepSlash(st *argvState, word string) (from, to int, kind kindID) {
	name, value, has := strings.Cut(word[1:], ":")
	if !equalFold(name, st.cmd.slash) {
		return 0, 0, kindNone
	}
	if !has {
		st.want = kindPassword
		return 0, 0, kindNone
	}
	if s.harmless(value, kindPassword) {
		return 0, 0, kindNone
	}
	return len(name) + 2, len(word), kindPassword
}
