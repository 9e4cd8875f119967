// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Open reads all files of a journal as a Scanner reads one: every line comes,
// also what is no line, and what is missing between two files.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	line := func(seq int) string { return record1 + strings.Replace(suffix7, "7", fmt.Sprint(seq), 1) + "\n" }
	for name, text := range map[string]string{
		"audit-00000000000000000001.jsonl": line(1) + line(2),
		"audit-00000000000000000003.jsonl": line(3) + olderPlain + "\n" + "rubbish\n",
		"audit.jsonl":                      line(9) + record1,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []string
	for _, l := range scan(t, s) {
		what := fmt.Sprint("seq ", l.Seq)
		if l.Err != nil {
			if what = "bad"; l.Err.Missing > 0 {
				what = fmt.Sprint("missing ", l.Err.Missing)
			}
			if !strings.HasPrefix(l.Err.Error(), fmt.Sprintf("%s: line %d, byte offset %d: ", l.File, l.Number, l.Offset)) {
				t.Errorf("%+v: %v", l, l.Err)
			}
		}
		got = append(got, fmt.Sprintf("%s:%d %s", filepath.Base(l.File), l.Number, what))
	}
	want := `audit-00000000000000000001.jsonl:1 seq 1
audit-00000000000000000001.jsonl:2 seq 2
audit-00000000000000000003.jsonl:1 seq 3
audit-00000000000000000003.jsonl:2 seq 0
audit-00000000000000000003.jsonl:3 bad
audit.jsonl:1 missing 5
audit.jsonl:1 seq 9
audit.jsonl:2 bad`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if _, err := Open(filepath.Join(dir, "absent.jsonl")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}
