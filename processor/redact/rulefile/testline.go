// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package rulefile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/auditchain/auditchain/processor/redact"
)

// test is one test line.
type test struct {
	at    place
	kind  redact.Kind // that a mark must be masked as; "" is any
	masks bool
	form  form
	key   string   // of a value
	texts []string // with marks and generators; one, except of an argv
}

type form int

const (
	formText form = iota
	formArgv
	formJSON
	formValue
)

// The marks. What is between open and shut becomes a marker of the rule's kind,
// what is between openAny and shutAny one of any kind.
const (
	open, shut       = "«", "»"
	openAny, shutAny = "‹", "›"
)

// testsOf reads the tests of an entry and returns how many lines there are.
func (f *File) testsOf(r *reader, at string, entry map[string]field, kind redact.Kind) int {
	fd, ok := entry["tests"]
	if !ok {
		return 0
	}
	at += ".tests"
	groups, ok := r.fields(fd.value, at, "masks", "leaves")
	if ok && len(groups) == 0 {
		r.failf(fd.key, at, "are none; write masks: or leaves: and lines")
	}
	n := 0
	for _, name := range []string{"masks", "leaves"} {
		group, ok := groups[name]
		if !ok {
			continue
		}
		for i, item := range r.list(group.value, join(at, name)) {
			if t, ok := r.line(item, fmt.Sprintf("%s.%s[%d]", at, name, i), name == "masks"); ok {
				t.kind = kind
				f.tests = append(f.tests, t)
				n++
			}
		}
	}
	return n
}

// line reads one test line.
func (r *reader) line(n *yaml.Node, at string, masks bool) (test, bool) {
	before := len(r.errs)
	t := test{at: r.place(n, at), masks: masks}
	if n.Kind != yaml.MappingNode {
		text, _ := r.text(n, at)
		t.texts = []string{text}
	} else {
		r.form(n, at, &t)
	}
	if len(r.errs) > before {
		return t, false
	}
	marks := 0
	for _, text := range t.texts {
		pieces, err := cut(text)
		if err == nil {
			err = checkGenerators(text)
		}
		if err != nil {
			r.failf(n, at, "%w", err)
			return t, false
		}
		marks += len(slices.DeleteFunc(pieces, func(p piece) bool { return !p.marked }))
	}
	switch {
	case masks && marks == 0:
		r.failf(n, at, "has no marks; put %s and %s around what must be masked, or move it to leaves", open, shut)
	case !masks && marks > 0:
		r.failf(n, at, "has marks, but nothing of it may be masked; drop them, or move it to masks")
	}
	return t, len(r.errs) == before
}

// form reads a line that is a map.
func (r *reader) form(n *yaml.Node, at string, t *test) {
	fields, ok := r.fields(n, at, "text", "argv", "json", "key", "value")
	if !ok {
		return
	}
	names := ""
	for _, name := range []string{"text", "argv", "json", "key", "value"} {
		if _, has := fields[name]; has {
			names += name + " "
		}
	}
	one := func(name string, form form) {
		text, _ := r.text(fields[name].value, join(at, name))
		t.form, t.texts = form, []string{text}
	}
	switch names {
	case "text ":
		one("text", formText)
	case "json ":
		one("json", formJSON)
	case "argv ":
		t.form = formArgv
		t.texts, _ = r.texts(fields["argv"].value, join(at, "argv"))
	case "key value ":
		one("value", formValue)
		t.key, _ = r.text(fields["key"].value, join(at, "key"))
	default:
		r.failf(n, at, "is no test line; write a text, {argv: [...]}, {json: '...'} or {key: ..., value: ...}")
	}
}

// piece is a part of a test line.
type piece struct {
	text   string
	marked bool
	any    bool // by a marker of any kind
}

var markSign = regexp.MustCompile(open + "|" + shut + "|" + openAny + "|" + shutAny)

// cut cuts a text at its marks.
func cut(text string) ([]piece, error) {
	var out []piece
	opened := ""
	for {
		at := markSign.FindStringIndex(text)
		if at == nil {
			break
		}
		sign, part := text[at[0]:at[1]], text[:at[0]]
		text = text[at[1]:]
		switch {
		case opened == "" && (sign == open || sign == openAny):
			out = append(out, piece{text: part})
			opened = sign
		case opened == open && sign == shut, opened == openAny && sign == shutAny:
			if part == "" {
				return nil, fmt.Errorf("has marks with nothing between them")
			}
			out = append(out, piece{text: part, marked: true, any: sign == shutAny})
			opened = ""
		default:
			return nil, fmt.Errorf("has a mark %s out of place; marks are pairs, not inside each other", sign)
		}
	}
	if opened != "" {
		return nil, fmt.Errorf("has a mark %s that is not closed", opened)
	}
	return append(out, piece{text: text}), nil
}

// source is the text without its marks.
func source(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.text)
	}
	return b.String()
}

const (
	anyKind = `[a-z0-9-]{1,32}`
	// markerRest is the tail and the fingerprint that a marker may have.
	markerRest = `(?::\*{4}[A-Z0-9]{4})?(?::[0-9a-f]{8}:[0-9a-f]{12})?\]`
)

// wanted is what the text must become. A number of JSON becomes a string.
func wanted(pieces []piece, kind redact.Kind, f form) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A`)
	for i, p := range pieces {
		if !p.marked {
			b.WriteString(regexp.QuoteMeta(p.text))
			continue
		}
		name := anyKind
		if !p.any && kind != "" {
			name = regexp.QuoteMeta(string(kind))
		}
		marker := `\[REDACTED:` + name + markerRest
		if f == formJSON && !strings.HasSuffix(pieces[i-1].text, `"`) && isNumber(p.text) {
			marker = `"` + marker + `"`
		}
		b.WriteString(marker)
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

func isNumber(text string) bool { return strings.Trim(text, "0123456789+-.eE") == "" }
