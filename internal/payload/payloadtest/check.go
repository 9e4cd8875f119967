// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package payloadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/google/uuid"
)

// Check says what is wrong with a record that an encoder made: the rules that
// hold for every payload (docs/SPEC.md, section 2), the leaf, and what the
// record says about its payload.
func Check(r journal.Record) error {
	p := r.Payload
	if !bytes.HasPrefix(p, []byte(`{"timestamp":"`)) {
		return errors.New("the payload is no record")
	}
	if !utf8.Valid(p) {
		return errors.New("the payload is not UTF-8")
	}
	for i, c := range p {
		if c < 0x20 {
			return fmt.Errorf("byte %d of the payload is %#02x", i, c)
		}
	}
	whole := append(bytes.Clone(p), '}')
	if !json.Valid(whole) {
		return errors.New("the payload and a brace are no JSON")
	}
	top, err := uniqueKeys(whole)
	if err != nil {
		return err
	}
	if top["seq"] || top["hmac"] || top["control"] || top["erased"] {
		return errors.New("the payload has a member that is not a record's")
	}
	line := append(bytes.Clone(p), `,"seq":1,"hmac":"`+strings.Repeat("0", 64)+`"}`...)
	if l, err := integrity.ParseLine(line); err != nil {
		return fmt.Errorf("the line is ill-formed: %w", err)
	} else if !bytes.Equal(l.Payload, p) {
		return errors.New("the line has another payload")
	}
	if r.Leaf != integrity.Leaf(p) {
		return errors.New("the leaf is not that of the payload")
	}
	return checkContent(r)
}

func checkContent(r journal.Record) error {
	var m struct {
		ID     string
		Filled []string
	}
	if err := json.Unmarshal(append(bytes.Clone(r.Payload), '}'), &m); err != nil {
		return err
	}
	if id, err := uuid.Parse(m.ID); err != nil || id != r.ID || id.String() != m.ID {
		return fmt.Errorf("the payload has id %q, the record %q", m.ID, r.ID)
	}
	noTime := len(m.Filled) > 0 && m.Filled[0] == "timestamp"
	if from := len(`{"timestamp":"2006-01-02T15:04:05.000000000Z"`); noTime != (r.ContentFrom == from) || !noTime && r.ContentFrom != 0 {
		return fmt.Errorf("the content starts at %d", r.ContentFrom)
	}
	rest := string(r.Payload[r.ContentTo:])
	for _, member := range []string{`,"observed":"`, `,"filled":["`, `,"blind":"`} {
		if strings.HasPrefix(rest, member) {
			return nil
		}
	}
	return fmt.Errorf("the content ends at %d of %d, not before what sinks add", r.ContentTo, len(r.Payload))
}

// uniqueKeys returns the keys of the object text, all of whose objects must
// have unique keys.
func uniqueKeys(text []byte) (map[string]bool, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	type level struct {
		keys   map[string]bool
		object bool
		isKey  bool
	}
	var stack []*level
	var top map[string]bool
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return top, nil
		}
		if err != nil {
			return nil, err
		}
		if n := len(stack); n > 0 && stack[n-1].object && stack[n-1].isKey {
			if k, ok := tok.(string); ok {
				if stack[n-1].keys[k] {
					return nil, errors.New("an object has a key twice")
				}
				stack[n-1].keys[k], stack[n-1].isKey = true, false
				continue
			}
		}
		switch tok {
		case json.Delim('{'):
			stack = append(stack, &level{keys: map[string]bool{}, object: true, isKey: true})
			if top == nil {
				top = stack[0].keys
			}
			continue
		case json.Delim('['):
			stack = append(stack, &level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
		if n := len(stack); n > 0 {
			stack[n-1].isKey = true
		}
	}
}
