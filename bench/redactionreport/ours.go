// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/auditchain/auditchain/processor/redact"
)

// Our ways. The first is how the SDK and the Collector redact a record.
const (
	withNames = "with key names"
	asText    = "as text"
	byValue   = "value by value, without names"
)

// ourWays is processor/redact as it comes.
func ourWays() ([]way, error) {
	r, err := redact.New(redact.Config{})
	if err != nil {
		return nil, err
	}
	s := r.Scanner()
	text := func(in input) (result, error) {
		out, changed := s.Text(s.Root(), in.text)
		return result{out, changed}, nil
	}
	return []way{
		{ours, withNames, func(in input) (result, error) {
			if in.record == nil {
				return text(in)
			}
			out, _ := s.JSON(nil, s.Root(), in.text)
			return result{string(out), string(out) != in.text}, nil
		}},
		{ours, asText, text},
		{ours, byValue, func(in input) (result, error) {
			if in.record == nil {
				return text(in)
			}
			var b strings.Builder
			touched := values(s, s.Root(), in.record, &b)
			return result{b.String(), touched}, nil
		}},
	}, nil
}

// values redacts every string of v without telling the scanner its key; a
// number stays, since nothing but a key gives it away.
func values(s *redact.Scanner, p redact.Place, v any, b *strings.Builder) (touched bool) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			touched = values(s, s.Root(), v[k], b) || touched
		}
	case []any:
		prev := ""
		for _, x := range v {
			touched = values(s, s.Element(p, prev), x, b) || touched
			prev, _ = x.(string)
		}
	case string:
		out, changed := s.Text(p, v)
		b.WriteString(out)
		b.WriteByte('\n')
		return changed
	default:
		fmt.Fprintln(b, written(v))
	}
	return touched
}
