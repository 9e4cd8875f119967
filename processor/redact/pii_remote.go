// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// remoteCommands log in to a host: bob@host.example.com behind one is a user
// and a host, which is what an audit log is kept for, and no e-mail address. The
// value says whether any number of hosts may follow.
var remoteCommands = map[string]bool{
	"ssh": false, "autossh": false, "mosh": false, "ssh-copy-id": false, "sftp": false,
	"scp": true, "rsync": true, "sshfs": true,
}

// remoteState walks the words of a command.
type remoteState struct {
	on   bool // a host may come next
	many bool // and more of them
	flag bool // the word before was a flag that may have a value
}

// next takes the word before, "" for none, and says whether the next one may be
// a user at a host.
func (st *remoteState) next(word string) bool {
	many, command := false, false
	if len(word) <= 64 {
		many, command = remoteCommands[word[strings.LastIndexByte(word, '/')+1:]]
	}
	switch {
	case word == "":
		*st = remoteState{}
	case command && !st.on:
		*st = remoteState{on: true, many: many}
	case !st.on:
	case word[0] == '-':
		st.flag = len(word) == 2 && strings.IndexByte("BbcDEeFIiJLlmOoPpQRSWw", word[1]) >= 0
	case st.flag:
		st.flag = false
	default:
		st.on = st.many
	}
	return st.on && !st.flag
}

// remoteReach is how far before a user at a host its command may stand.
const remoteReach = 192

// isRemote says whether v[start:end], which looks like an address, is the user
// at a host of a command: an element of its argv, or a word of its command
// line.
func (s *Scanner) isRemote(v string, start, end int) bool {
	if s.pii.topic == topicRemote {
		return start == 0 && (end == len(v) || v[end] == ':')
	}
	if start == 0 || v[start-1] != ' ' {
		return false
	}
	from := max(0, start-remoteReach)
	line := v[from:start]
	if i := strings.LastIndexAny(line, "\n\r;|&`\"'("); i >= 0 {
		line = line[i+1:]
	} else if from > 0 {
		return false
	}
	var st remoteState
	next := false
	for word := range strings.FieldsSeq(line) {
		if !st.on {
			if next = st.next(word); !next && word != "sudo" && word != "exec" && word != "time" && word != "nohup" && word != "$" && word != "#" {
				return false
			}
			continue
		}
		if st.many && word[0] != '-' && !st.flag && strings.IndexAny(word, "/.:") < 0 {
			return false // prose
		}
		next = st.next(word)
	}
	return next
}
