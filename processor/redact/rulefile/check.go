// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package rulefile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/auditchain/auditchain/processor/redact"
)

// Check runs every test line against an engine of c with the rules and
// allow-lists of f added. The error joins an [*Error] for each line that fails.
func Check(f *File, c redact.Config) error {
	c.Rules = append(c.Rules[:len(c.Rules):len(c.Rules)], f.Rules...)
	c.Allow = append(c.Allow[:len(c.Allow):len(c.Allow)], f.Allow...)
	r, err := redact.New(c)
	if err != nil {
		return err
	}
	s := r.Scanner()
	var errs []error
	for i := range f.tests {
		if err := f.tests[i].run(s); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// run tries a line, several times if there is something to draw.
func (t *test) run(s *redact.Scanner) error {
	n := 1
	for _, text := range t.texts {
		if generated.MatchString(text) {
			n = draws
		}
	}
	for draw := range n {
		if err := t.try(s, draw); err != nil {
			return err
		}
	}
	return nil
}

func (t *test) try(s *redact.Scanner, draw int) error {
	lines := make([][]piece, len(t.texts))
	in := make([]string, len(t.texts))
	for i, text := range t.texts {
		lines[i], _ = cut(generate(text, draw))
		in[i] = source(lines[i])
	}
	s.Reset()
	out, err := t.redact(s, in)
	if err != nil {
		return t.at.errorf("%w", err)
	}
	found := s.Markers()
	for i := range in {
		if !wanted(lines[i], t.kind, t.form).MatchString(out[i]) {
			return t.at.errorf("%s", t.complaint(lines[i], in[i], out[i], i, found))
		}
	}
	if again, err := t.redact(s, out); err != nil || strings.Join(again, "\x00") != strings.Join(out, "\x00") {
		return t.at.errorf("what is masked is masked again when it is redacted twice")
	}
	return nil
}

// redact redacts the texts in the line's form.
func (t *test) redact(s *redact.Scanner, in []string) ([]string, error) {
	out := make([]string, len(in))
	switch t.form {
	case formText:
		out[0], _ = s.Text(s.Root(), in[0])
	case formValue:
		out[0], _ = s.Text(s.Field(s.Root(), t.key), in[0])
	case formArgv:
		argv := s.Field(s.Root(), "argv")
		prev := ""
		for i, arg := range in {
			out[i], _ = s.Text(s.Element(argv, prev), arg)
			prev = arg
		}
	case formJSON:
		text, form := s.JSON(nil, s.Root(), in[0])
		if form == redact.NotJSON {
			return nil, errors.New("is no JSON object or array without its marks")
		}
		out[0] = string(text)
	}
	return out, nil
}

// complaint says what is wrong with out, and quotes nothing of it.
func (t *test) complaint(pieces []piece, in, out string, index int, found []redact.KindCount) string {
	where := ""
	if t.form == formArgv {
		where = fmt.Sprintf("argv[%d]: ", index)
	}
	var kinds []string
	for _, k := range found {
		kinds = append(kinds, fmt.Sprintf("%d %s", k.N, k.Kind))
	}
	marks := "none"
	if len(kinds) > 0 {
		marks = strings.Join(kinds, ", ")
	}
	if !t.masks {
		return where + "is masked, and must be left; markers: " + marks
	}
	if in == out {
		return where + "is left as it is, and must be masked"
	}
	n := 0
	for _, p := range pieces {
		if p.marked {
			if n++; strings.Contains(out, p.text) {
				return fmt.Sprintf("%swhat is between marks %d is left, and must be masked; markers: %s", where, n, marks)
			}
		}
	}
	if t.kind != "" {
		return fmt.Sprintf("%smarkers: %s; want one of %s for each pair of marks, and all else as it is", where, marks, t.kind)
	}
	return fmt.Sprintf("%smarkers: %s; want one for each pair of marks, and all else as it is", where, marks)
}
