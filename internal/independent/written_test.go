// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package independent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// TestWritten: verify.py says of what the writer left on the disk what the Go
// verifier says, with retention, compressed files, a crash and each thing that
// the writer makes a break of.
func TestWritten(t *testing.T) {
	k := staticKey(1)
	key := write(t, filepath.Join(t.TempDir(), "key"), k.Text())
	n := 0
	session := func(path string, rotations int) {
		t.Helper()
		j, err := journal.Open(t.Context(), path, journal.Options{Key: k, Rotation: journal.Rotation{MaxSize: 1 << 20, Compress: true, Keep: 3}})
		if err != nil {
			t.Fatal(err)
		}
		for i := range rotations + 1 {
			if i > 0 {
				must(j.Rotate(t.Context()))
			}
			n++
			id := uuid.NewSHA1(uuid.Nil, fmt.Append(nil, n))
			p := fmt.Appendf(nil, `{"timestamp":"%s","session_id":"s%d","event":{"type":"log"},"event_name":"","id":"%s","blind":"AAAAAAAAAAAAAAAAAAAAAA"`, now, n, id)
			must(j.Append(t.Context(), []journal.Record{{Payload: p, Leaf: integrity.Leaf(p), ID: id, ContentTo: len(p)}}, make([]journal.Receipt, 1)))
		}
		must(j.Close())
	}
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		must(err)
		return b
	}
	cases := []struct {
		what string
		exit int
		do   func(path string)
	}{
		{"one file", 0, func(string) {}},
		{"retention and compressed files", 0, func(path string) {
			session(path, 6)
			session(path, 0) // a file that was being compressed is removed the next time
			if _, err := os.Stat(strings.TrimSuffix(path, ".jsonl") + "-00000000000000000001.jsonl.zst"); err == nil {
				t.Error("nothing was removed")
			}
			if found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.zst")); len(found) == 0 {
				t.Error("nothing is compressed")
			}
		}},
		{"a crash tail", 0, func(path string) { write(t, path, append(read(path), `{"timest`...)) }},
		{"a crash tail that was set aside", 0, func(path string) {
			write(t, path, append(read(path), `{"timest`...))
			session(path, 1)
		}},
		{"an older watermark behind a newer one", 4, func(path string) {
			h := read(path + ".head")
			session(path, 0)
			write(t, path+".head", append(h[:512:512], read(path + ".head")[512:]...))
		}},
		{"no watermark, and the writer goes on", 4, func(path string) {
			must(os.Remove(path + ".head"))
			session(path, 1)
		}},
		{"foreign lines, and the writer goes on", 3, func(path string) {
			b := read(path)
			write(t, path, append(b, b...))
			session(path, 1)
		}},
		{"cut, and the writer goes on", 3, func(path string) {
			write(t, path, read(path)[:700])
			session(path, 0)
		}},
		{"taken away, and the writer goes on", 3, func(path string) {
			must(os.Remove(path))
			session(path, 0)
		}},
		{"altered, and the writer goes on", 3, func(path string) {
			b := read(path)
			b[len(b)-10] ^= 1
			write(t, path, b)
			session(path, 0)
		}},
	}
	var jobs []job
	var exits []int
	for _, c := range cases {
		path := filepath.Join(t.TempDir(), live)
		session(path, 0)
		c.do(path)
		exit := 1
		if r, err := journal.Verify(context.Background(), path, k, journal.VerifyOptions{}); err == nil {
			exit = r.ExitCode()
		}
		if exit != c.exit {
			t.Errorf("%s: exit %d in Go, want %d", c.what, exit, c.exit)
		}
		jobs, exits = append(jobs, job{Journal: path, KeyFiles: []string{key}}), append(exits, exit)
	}
	for i, a := range ask(t, jobs) {
		if a.Exit != exits[i] {
			t.Errorf("%s: exit %d in Go; in Python %d, %s at %+v %q", cases[i].what, exits[i], a.Exit, a.Verdict, a.Bad, a.Notes)
		}
	}
}
