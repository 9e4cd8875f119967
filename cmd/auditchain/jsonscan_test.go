// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

// On every JSON object, eachMember finds the members that encoding/json finds;
// on everything else it comes to an end.
func FuzzEachMember(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a":"\"}","b":[{"c":"]"}],"d":{}} `, `{"a\"":null,"":-1.5e3}`,
		`{"a":1`, `{"a":}`, `{"a" 1}`, `{"a":1,}`, `[1]`, `{"a":{"b":[}`, `{"a":1}x`, `{"\\":"\\\\"}`, ``, `{`, `{"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got [][2][]byte
		ok := eachMember(text, func(name, value []byte) bool {
			got = append(got, [2][]byte{name, value})
			return true
		})
		if !json.Valid(text) || bytes.TrimSpace(text)[0] != '{' {
			return
		}
		if !ok {
			t.Fatalf("%q is a JSON object, and was not taken for one", text)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			name, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			var s string
			if json.Unmarshal(append(append([]byte{'"'}, m[0]...), '"'), &s) != nil || s != name {
				t.Fatalf("%q: name %q, want %q", text, m[0], name)
			}
			var v json.RawMessage
			if err := d.Decode(&v); err != nil || !bytes.Equal(v, m[1]) {
				t.Fatalf("%q: value %q, want %q (%v)", text, m[1], v, err)
			}
		}
		if d.More() {
			t.Fatalf("%q: members are missing", text)
		}
	})
}
