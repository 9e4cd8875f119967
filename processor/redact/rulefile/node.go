// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package rulefile

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Error is what is wrong at a place in a rule file. It quotes no value.
type Error struct {
	File         string
	Line, Column int    // from 1; 0 where the place is not known
	Field        string // such as rules[0].prefixes[1]; may be empty
	Err          error
}

func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s += ":" + strconv.Itoa(e.Line)
		if e.Column > 0 {
			s += ":" + strconv.Itoa(e.Column)
		}
	}
	if e.Field != "" {
		s += ": " + e.Field
	}
	return s + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// place is where a value stands in a file.
type place struct {
	file         string
	line, column int
	field        string
}

func (p place) errorf(format string, args ...any) error {
	return &Error{File: p.file, Line: p.line, Column: p.column, Field: p.field, Err: fmt.Errorf(format, args...)}
}

// reader reads the nodes of one file and collects the errors.
type reader struct {
	file string
	errs []error
}

func (r *reader) place(n *yaml.Node, field string) place {
	return place{r.file, n.Line, n.Column, field}
}

func (r *reader) failf(n *yaml.Node, field, format string, args ...any) {
	r.errs = append(r.errs, r.place(n, field).errorf(format, args...))
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

// document is the only document of a file.
func (r *reader) document(text []byte) *yaml.Node {
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		r.errs = append(r.errs, place{file: r.file}.errorf("file is empty; write rules: or allow:"))
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	switch err := dec.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.syntax(err)
		return nil
	default:
		r.failf(&more, "", "a second document begins; write one")
		return nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		r.failf(root, "", "file is empty; write rules: or allow:")
		return nil
	}
	return root
}

// syntax reports what the parser says. The one message that quotes the file,
// about an alias, is replaced: a value that begins with '*' is taken for one.
func (r *reader) syntax(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	line, msg := 0, "is no YAML, here or in the lines behind"
	if m != nil {
		line, _ = strconv.Atoi(m[1])
		msg += ": " + m[2]
		if strings.Contains(m[2], "anchor") {
			msg = "has an alias; write it out, or in quotes if a text begins with '*'"
		}
	}
	r.errs = append(r.errs, place{file: r.file, line: line}.errorf("%s", msg))
}

// plain says whether n is a node as a rule file may have it.
func (r *reader) plain(n *yaml.Node, field string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.failf(n, field, "is an alias; write it out, or in quotes if it is a text that begins with '*'")
	case n.Anchor != "":
		r.failf(n, field, "has an anchor; write it without, or in quotes if it is a text that begins with '&'")
	case n.Style&yaml.TaggedStyle != 0:
		r.failf(n, field, "has a tag; write it without, or in quotes if it is a text that begins with '!'")
	default:
		return true
	}
	return false
}

// field is a member of a mapping.
type field struct {
	key, value *yaml.Node
}

// fields reads the mapping n, which may have the known fields.
func (r *reader) fields(n *yaml.Node, at string, known ...string) (map[string]field, bool) {
	if !r.plain(n, at) {
		return nil, false
	}
	if n.Kind != yaml.MappingNode {
		r.failf(n, at, "is no map; its fields are %s", strings.Join(known, ", "))
		return nil, false
	}
	out, ok := map[string]field{}, true
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		name := ""
		for _, f := range known {
			if k.Kind == yaml.ScalarNode && k.Value == f {
				name = f
			}
		}
		switch _, twice := out[name]; {
		case name == "":
			r.failf(k, at, "unknown field; known are %s", strings.Join(known, ", "))
			ok = false
		case twice:
			r.failf(k, join(at, name), "is there twice; keep one")
			ok = false
		case v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null":
			r.failf(k, join(at, name), "is empty; write a value, or drop it")
			ok = false
		default:
			out[name] = field{k, v}
		}
	}
	return out, ok
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// list reads a sequence that is not empty.
func (r *reader) list(n *yaml.Node, at string) []*yaml.Node {
	if !r.plain(n, at) {
		return nil
	}
	switch {
	case n.Kind != yaml.SequenceNode:
		r.failf(n, at, "is no list; write [a, b], or lines that begin with '- '")
	case len(n.Content) == 0:
		r.failf(n, at, "is an empty list; drop it, or write what belongs there")
	default:
		return n.Content
	}
	return nil
}

// text reads a string.
func (r *reader) text(n *yaml.Node, at string) (string, bool) {
	if !r.plain(n, at) {
		return "", false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		r.failf(n, at, "is no text; write it in quotes")
		return "", false
	}
	return n.Value, true
}

// texts reads a list of strings.
func (r *reader) texts(n *yaml.Node, at string) (out []string, ok bool) {
	items := r.list(n, at)
	ok = items != nil
	for i, item := range items {
		t, fine := r.text(item, fmt.Sprintf("%s[%d]", at, i))
		ok = ok && fine
		out = append(out, t)
	}
	return out, ok
}

func (r *reader) number(n *yaml.Node, at string) (int, bool) {
	if !r.plain(n, at) {
		return 0, false
	}
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil {
		r.failf(n, at, "is no whole number")
		return 0, false
	}
	return i, true
}

func (r *reader) boolean(n *yaml.Node, at string) (value, ok bool) {
	if !r.plain(n, at) {
		return false, false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		r.failf(n, at, "is neither true nor false")
		return false, false
	}
	return n.Value == "true" || n.Value == "True" || n.Value == "TRUE", true
}
