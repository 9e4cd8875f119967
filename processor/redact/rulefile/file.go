// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package rulefile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/auditchain/auditchain/processor/redact"
)

// maxFile is how long a rule file may be.
const maxFile = 4 << 20

// File is what one rule file, or several together, hold:
//
//	redact.Config{Rules: f.Rules, Allow: f.Allow}
type File struct {
	Rules []redact.Rule
	Allow []redact.Allow

	tests          []test
	ruleAt, listAt []entry
}

// entry is where an entry of a list stands, and its fields.
type entry struct {
	at     place
	fields map[string]place
	items  map[string][]place
	bad    bool // it has errors already
}

// Tested is how many test lines a kind has.
type Tested struct{ Masks, Leaves int }

// Tested counts the test lines of rules by kind.
func (f *File) Tested() map[redact.Kind]Tested {
	out := map[redact.Kind]Tested{}
	for i := range f.tests {
		t := &f.tests[i]
		n := out[t.kind]
		if t.masks {
			n.Masks++
		} else {
			n.Leaves++
		}
		out[t.kind] = n
	}
	return out
}

// Tests is how many test lines there are.
func (f *File) Tests() int { return len(f.tests) }

// Load reads files, which are used together: kinds of one may be named in
// another. The error is all that is wrong, joined; what is wrong inside a file
// is an [*Error].
func Load(paths ...string) (*File, error) {
	f := &File{}
	var errs []error
	for i, path := range paths {
		for _, other := range paths[:i] {
			if path == other {
				errs = append(errs, place{file: path}.errorf("rule file is named twice; name it once"))
			}
		}
		text, err := readFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, f.read(path, text)...)
	}
	if errs = append(errs, f.validate(errs)...); len(errs) > 0 {
		return nil, errors.Join(inOrder(errs)...)
	}
	return f, nil
}

// Parse is Load of one file that was read already; name is what errors call it.
func Parse(name string, text []byte) (*File, error) {
	f := &File{}
	errs := f.read(name, text)
	if errs = append(errs, f.validate(errs)...); len(errs) > 0 {
		return nil, errors.Join(inOrder(errs)...)
	}
	return f, nil
}

func readFile(path string) ([]byte, error) {
	// Opening a pipe would wait for somebody to write.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("rule file: %s is no regular file", path)
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("rule file: %w", err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("rule file: %w", err)
	}
	return text, nil
}

// read adds what the file holds.
func (f *File) read(name string, text []byte) []error {
	r := &reader{file: name}
	if len(text) > maxFile {
		return []error{place{file: name}.errorf("rule file is longer than %d bytes; split it", maxFile)}
	}
	root := r.document(text)
	if root == nil {
		return r.errs
	}
	top, _ := r.fields(root, "", "rules", "allow")
	if len(top) == 0 && len(r.errs) == 0 {
		r.failf(root, "", "file is empty; write rules: or allow:")
	}
	if rules, ok := top["rules"]; ok {
		for i, n := range r.list(rules.value, "rules") {
			f.rule(r, n, fmt.Sprintf("rules[%d]", i))
		}
	}
	if allow, ok := top["allow"]; ok {
		for i, n := range r.list(allow.value, "allow") {
			f.allow(r, n, fmt.Sprintf("allow[%d]", i))
		}
	}
	return r.errs
}

// entryOf notes where the fields of an entry stand.
func entryOf(r *reader, n *yaml.Node, at string, fields map[string]field) entry {
	e := entry{at: r.place(n, at), fields: map[string]place{}, items: map[string][]place{}}
	for name, fd := range fields {
		e.fields[name] = r.place(fd.key, join(at, name))
		if fd.value.Kind == yaml.SequenceNode {
			for i, item := range fd.value.Content {
				e.items[name] = append(e.items[name], r.place(item, fmt.Sprintf("%s.%s[%d]", at, name, i)))
			}
		}
	}
	return e
}

func (f *File) rule(r *reader, n *yaml.Node, at string) {
	before := len(r.errs)
	fields, _ := r.fields(n, at, "kind", "prefixes", "chars", "length", "regex", "literals", "ignore_case", "keys", "flags", "tests")
	e := entryOf(r, n, at, fields)
	var rule redact.Rule
	text := func(name string, to *string) {
		if fd, ok := fields[name]; ok {
			if *to, ok = r.text(fd.value, join(at, name)); ok && *to == "" {
				r.failf(fd.value, join(at, name), "is empty; write a value, or drop it")
			}
		}
	}
	texts := func(name string, to *[]string) {
		if fd, ok := fields[name]; ok {
			*to, _ = r.texts(fd.value, join(at, name))
		}
	}
	text("kind", (*string)(&rule.Kind))
	text("chars", &rule.Chars)
	text("regex", &rule.Regex)
	texts("prefixes", &rule.Prefixes)
	texts("literals", &rule.Literals)
	texts("keys", &rule.Keys)
	texts("flags", &rule.Flags)
	if fd, ok := fields["ignore_case"]; ok {
		rule.IgnoreCase, _ = r.boolean(fd.value, join(at, "ignore_case"))
	}
	if fd, ok := fields["length"]; ok {
		rule.MinLength, rule.MaxLength = r.lengths(fd.value, join(at, "length"))
	}
	if _, ok := fields["kind"]; !ok && fields != nil && len(r.errs) == before {
		r.failf(n, at, "has no kind; write kind: and a name such as acme-token")
	}
	tests := f.testsOf(r, at, fields, rule.Kind)
	if e.bad = len(r.errs) > before; !e.bad && tests > 0 && builtIn(rule.Kind) && len(fields) == 2 {
		return // tests of a built-in kind, and nothing else
	}
	f.Rules, f.ruleAt = append(f.Rules, rule), append(f.ruleAt, e)
}

func builtIn(kind redact.Kind) bool {
	for _, k := range redact.Kinds() {
		if k == kind {
			return true
		}
	}
	return false
}

// lengths reads {min: 24, max: 64}.
func (r *reader) lengths(n *yaml.Node, at string) (least, most int) {
	fields, ok := r.fields(n, at, "min", "max")
	if fd, has := fields["min"]; has {
		least, _ = r.number(fd.value, at+".min")
	} else if ok {
		r.failf(n, at, "has no min; write how many characters follow the prefix at least")
	}
	if fd, has := fields["max"]; has {
		if most, ok = r.number(fd.value, at+".max"); ok && most <= 0 {
			r.failf(fd.value, at+".max", "is not above 0; drop it for no limit")
		}
	}
	return least, most
}

func (f *File) allow(r *reader, n *yaml.Node, at string) {
	before := len(r.errs)
	fields, _ := r.fields(n, at, "values", "regexes", "keys", "kinds", "tests")
	e := entryOf(r, n, at, fields)
	var list redact.Allow
	texts := func(name string) (out []string) {
		if fd, ok := fields[name]; ok {
			out, _ = r.texts(fd.value, join(at, name))
		}
		return out
	}
	list.Values, list.Regexes, list.Keys = texts("values"), texts("regexes"), texts("keys")
	for _, k := range texts("kinds") {
		list.Kinds = append(list.Kinds, redact.Kind(k))
	}
	f.testsOf(r, at, fields, "")
	e.bad = len(r.errs) > before
	f.Allow, f.listAt = append(f.Allow, list), append(f.listAt, e)
}

// validate asks the engine what it thinks of the rules; known is what reading
// them has said already.
func (f *File) validate(known []error) (errs []error) {
	_, err := redact.New(redact.Config{Rules: f.Rules, Allow: f.Allow})
	for _, err := range flatten(err) {
		var fe *redact.FieldError
		if !errors.As(err, &fe) {
			errs = append(errs, err)
			continue
		}
		entries := f.ruleAt
		if fe.List == "allow" {
			entries = f.listAt
		}
		e := entries[fe.Entry]
		if e.bad && !e.read(fe.Field, known) {
			continue // said already, or a consequence of what was
		}
		errs = append(errs, e.find(fe).errorf("%w", fe.Err))
	}
	return errs
}

// read says whether a field of an entry is there, and was read without errors.
func (e *entry) read(name string, known []error) bool {
	at, ok := e.fields[name]
	return ok && !slices.ContainsFunc(known, func(err error) bool {
		var said *Error
		return errors.As(err, &said) && said.File == at.file && strings.HasPrefix(said.Field, at.field)
	})
}

// find is where what fe speaks of stands.
func (e *entry) find(fe *redact.FieldError) place {
	if items := e.items[fe.Field]; fe.Index >= 0 && fe.Index < len(items) {
		return items[fe.Index]
	}
	if p, ok := e.fields[fe.Field]; ok {
		return p
	}
	p := e.at
	if fe.Field != "" {
		p.field = join(p.field, fe.Field)
	}
	return p
}

// inOrder sorts what is wrong in the same file by where it is; what is no place
// in a file comes first.
func inOrder(errs []error) []error {
	files := map[string]int{}
	at := func(err error) (file, line, column int) {
		var e *Error
		if !errors.As(err, &e) {
			return 0, 0, 0
		}
		if files[e.File] == 0 {
			files[e.File] = len(files) + 1
		}
		return files[e.File], e.Line, e.Column
	}
	for _, err := range errs {
		at(err) // files in the order in which they were named
	}
	slices.SortStableFunc(errs, func(a, b error) int {
		fa, la, ca := at(a)
		fb, lb, cb := at(b)
		return cmp.Or(cmp.Compare(fa, fb), cmp.Compare(la, lb), cmp.Compare(ca, cb))
	})
	return errs
}

// flatten is the errors that err joins.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
