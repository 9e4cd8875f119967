// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Lines of a private key; nothing in them was ever valid.
const (
	keyFull  = "MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun"
	keyShort = "b7Tq2wq="
	keyMark  = "[REDACTED:private-key]"
)

// What append makes of the lines of a key: each a record, and none with a
// piece of it.
func TestAppendPrivateKey(t *testing.T) {
	log := "2026-01-02T03:04:05Z app: "
	for _, c := range []struct {
		name     string
		in, want []string
	}{
		{"plain",
			[]string{"before", "-----BEGIN RSA PRIVATE KEY-----", keyFull, keyFull, keyShort, "-----END RSA PRIVATE KEY-----", "after", keyShort},
			[]string{"before", keyMark, keyMark, keyMark, keyMark, keyMark, "after", keyShort}},
		{"encrypted",
			[]string{"-----BEGIN RSA PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,00", " ", "c2hvcnQ", keyFull, "-----END RSA PRIVATE KEY-----"},
			[]string{keyMark, "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,00", keyMark, keyMark, keyMark}},
		{"indented", []string{"key: |", "  -----BEGIN PRIVATE KEY-----", "  " + keyFull, "  " + keyShort, "  -----END PRIVATE KEY-----", "next: 1"},
			[]string{"key: |", "  " + keyMark, "  " + keyMark, "  " + keyMark, "  " + keyMark, "next: 1"}},
		{"prefixed", []string{log + "-----BEGIN PRIVATE KEY-----", log + keyFull, log + keyShort, log + "-----END PRIVATE KEY-----", log + "ok"},
			[]string{log + keyMark, log + keyMark, log + keyMark, log + keyMark, log + "ok"}},
		{"another writer between", []string{"-----BEGIN PRIVATE KEY-----", keyFull, "request served in 3 ms", keyFull, keyShort, "-----END PRIVATE KEY-----"},
			[]string{keyMark, keyMark, "request served in 3 ms", keyMark, keyMark, keyMark}},
		{"cut off", []string{"-----BEGIN PRIVATE KEY-----", keyFull, "after the key", "done", "a b"},
			[]string{keyMark, keyMark, "after the key", "done", "a b"}},
		{"its end in the same line", []string{"-----BEGIN PRIVATE KEY-----", keyShort + "-----END PRIVATE KEY----- and so on"},
			[]string{keyMark, keyMark + " and so on"}},
		{"one behind the other", []string{"-----BEGIN PRIVATE KEY-----", keyFull, "-----END PRIVATE KEY----------BEGIN PRIVATE KEY-----", keyFull, "-----END PRIVATE KEY-----", keyFull},
			[]string{keyMark, keyMark, "-----END PRIVATE KEY-----" + keyMark, keyMark, keyMark, keyFull}},
		{"container log", []string{`{"log":"-----BEGIN PRIVATE KEY-----\n","n":1}`, `{"log":"` + keyFull + `\n","n":2}`, `{"log":"` + keyShort + `\n","n":3}`, `{"log":"-----END PRIVATE KEY-----\n","n":4}`, `{"log":"ok\n"}`},
			[]string{`{"log":"` + keyMark + `\n","n":1}`, `{"log":"` + keyMark + `\n","n":2}`, `{"log":"` + keyMark + `\n","n":3}`, `{"log":"` + keyMark + `\n","n":4}`, `{"log":"ok\n"}`}},
		{"PuTTY", []string{"Public-Lines: 1", keyFull, "Private-Lines: 2", keyFull, keyShort, "Private-MAC: 00", "after"},
			[]string{"Public-Lines: 1", keyFull, "Private-Lines: 2", keyMark, keyMark, "Private-MAC: 00", "after"}},
		{"public", []string{"-----BEGIN CERTIFICATE-----", keyFull, "-----END CERTIFICATE-----"}, []string{"-----BEGIN CERTIFICATE-----", keyFull, "-----END CERTIFICATE-----"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			newKey(t)
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			auditchain(strings.Join(c.in, "\n")+"\n", "append", "--fsync", "never", path).must(t, exitDone)
			mustVerify(t, path, int64(len(c.want)))
			var got []string
			for line := range strings.Lines(auditchain("", "query", "-o", "json", path).must(t, exitDone).stdout) {
				var rec struct{ Body json.RawMessage }
				if err := json.Unmarshal([]byte(line), &rec); err != nil {
					t.Fatal(err)
				}
				body := string(rec.Body)
				if body[0] == '"' {
					if err := json.Unmarshal(rec.Body, &body); err != nil {
						t.Fatal(err)
					}
				}
				got = append(got, body)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("bodies (-want +got):\n%s", diff)
			}
			// The same lines as a stream: nothing of the key in them either.
			out := auditchain(strings.Join(c.in, "\n")+"\n", "redact").must(t, exitDone).stdout
			if c.name != "public" && c.name != "PuTTY" && strings.Contains(strings.TrimSuffix(out, keyFull+"\n"), keyFull) {
				t.Errorf("redact leaves it: %q", out)
			}
		})
	}
}

// A key that has no end reaches no further than a key can be long.
func TestKeyBlockEnds(t *testing.T) {
	var k keyBlock
	k.next([]byte("-----BEGIN PRIVATE KEY-----"))
	n := 0
	for ; k.inside(); n++ {
		if from, to := k.next(fmt.Appendf(nil, "line %d", n)); from != to {
			t.Fatalf("line %d: masked", n)
		}
		if n > maxKey {
			t.Fatal("it has no end")
		}
	}
	if from, to := k.next([]byte(keyFull)); from != to {
		t.Error("masked behind the end")
	}
}
